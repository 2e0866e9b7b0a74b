/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The commands of the control socket, as data; the rows are in commands.def. */
#ifndef LAZARET_CTL_COMMAND_H
#define LAZARET_CTL_COMMAND_H

#include <stddef.h>

#include "base/attr.h"

/* Raised when a command's arguments or the records of its answer change their meaning. */
#define CONTROL_VERSION 1

enum command_id {
#define C(id, ...) COMMAND_##id,
#include "ctl/commands.def"
#undef C
	COMMAND_COUNT,
};

enum command_where { COMMAND_DAEMON, COMMAND_LOCAL };
enum command_access { COMMAND_ANYBODY, COMMAND_ADMIN, COMMAND_ROOT };

struct command {
	const char *words; /* separated by one space */
	const char *arguments; /* for people; empty: none */
	size_t least, most;
	enum command_where where;
	enum command_access access;
	const char *help;
};

const struct command *command_row(enum command_id id);

/*
 * Finds the command that `words` begin with and checks the count of what follows.
 * *ret_used is how many of the words are its name.
 * -ENOENT: no such command. -E2BIG, -ENODATA: too many, too few arguments (*ret_id is set then).
 */
NODISCARD int command_find(size_t n_words, const char *const *words, enum command_id *ret_id,
			   size_t *ret_used);

#endif
