/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Standard input of a command that does not run where its caller is: "-" among the arguments of a
 * command that the table marks (command_takes_input()). The daemon makes a pipe; the caller's
 * lazaretctl feeds it, the one of the daemon's own reads it.
 *
 * Behind the input stand INPUT_TRAILER bytes: how many came before, as a big endian number. Without
 * them it is not whole: whoever sent it is gone, and nothing may be done with half of it.
 */
#ifndef LAZARET_CTL_INPUT_H
#define LAZARET_CTL_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"

/* Bytes that any command reads. */
#define INPUT_MAX (16 << 20)
/* Bytes of a secret. */
#define INPUT_SECRET_MAX 1024
/* How long the sender has, from the start of reading to the last byte; seconds. */
#define INPUT_TIMEOUT 120
#define INPUT_TRAILER 8

/* --- who reads -------------------------------------------------------------------------------- */

/* From now on input has a trailer and a time limit: it comes from a caller of the daemon. */
void input_from_caller(void);

/*
 * All of standard input, at most `max` (<= INPUT_MAX) bytes, with a NUL behind it that is not counted.
 * -EFBIG, -ETIMEDOUT, -EPIPE (it broke off): said on standard error. The caller frees *ret_data.
 */
NODISCARD int input_read(size_t max, char **ret_data, size_t *ret_len);

/*
 * One line that is a secret; from a terminal it is asked for with `prompt` and without echo. -EINVAL if
 * it is empty, more than a line or not UTF-8. Otherwise as above; the caller wipes it.
 */
NODISCARD int input_read_secret(const char *prompt, char **ret_secret);

/* --- who sends -------------------------------------------------------------------------------- */

struct input_pump {
	int from; /* -1: it is at its end */
	int to; /* the pipe, owned; -1: everything is said, or nobody listens */
	char bytes[16384];
	size_t at, len;
	uint64_t total;
	bool sealed; /* what is sent now is the trailer */
};

/*
 * Begins to pass on standard input to `to`, which is taken. With `secret`, a line is asked for at the
 * terminal if there is one: -ECANCELED if the person does not want to.
 */
NODISCARD int input_pump_init(struct input_pump *pump, int to, bool secret);
void input_pump_finish(struct input_pump *pump);
/* For poll(2): what is waited for next, as one descriptor (-1: nothing) and its events. */
int input_pump_fd(const struct input_pump *pump, short *ret_events);
/* Something happened to it. */
void input_pump_run(struct input_pump *pump);

#endif
