/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A program that is run to its end, with what it says. */
#ifndef LAZARET_UPDATE_COMMAND_H
#define LAZARET_UPDATE_COMMAND_H

#include <stdbool.h>

#include "base/attr.h"

#define COMMAND_CUT 254 /* ended by us after its time */
#define COMMAND_SIGNAL 128 /* plus the signal that has ended it */

struct command {
	const char *const *argv; /* the program's path first */
	const char *const *env; /* NULL: PATH and LANG=C.UTF-8 */
	int seconds; /* it may take */
	int copy; /* a descriptor for what it says as well; 0: none */
	bool apart; /* standard error is not kept */
};

/*
 * *ret_said: at most OUTPUT_MAX bytes of what it wrote, terminated, without NUL; the caller frees it. NULL
 * for `ret_said`: not wanted. *ret_status: its exit status, or one of the above. It ends when the program
 * does; what it leaves running may go on saying things to nobody.
 */
NODISCARD int command_run(const struct command *command, char **ret_said, int *ret_status);

#endif
