/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Running a program of the system to its end, with what it reads and what it says. */
#ifndef LAZARET_CTL_PROGRAM_H
#define LAZARET_CTL_PROGRAM_H

#include <stddef.h>

#include "base/attr.h"

struct program {
	const char *const *argv; /* NULL-terminated; the first one is absolute */
	const char *const *env; /* NULL-terminated; NULL: PATH and LANG=C.UTF-8 only */
	const void *input; /* what it reads; NULL: nothing */
	size_t input_len;
	int input_fd; /* instead of input, if it is above 0; stays the caller's */
	size_t max; /* bytes that are kept of each output; the rest is read and dropped */
	int timeout_ms; /* after which it is killed; 0: never */
};

/*
 * 0 when it ran: *ret_status is its exit status, 128 and more for a signal. Standard output and
 * standard error become texts of the caller's; NULL: our own ones. -ETIMEDOUT: it was killed. It dies
 * with us.
 */
NODISCARD int program_run(const struct program *program, int *ret_status, char **ret_out,
			  char **ret_err);

#endif
