/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The commands of the control socket, as data; the rows are in commands.def. */
#ifndef LAZARET_CTL_COMMAND_H
#define LAZARET_CTL_COMMAND_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"

/* Raised when a command's arguments or the records of its answer change their meaning. */
#define CONTROL_VERSION 2

enum command_id {
#define C(id, ...) COMMAND_##id,
#include "ctl/commands.def"
#undef C
	COMMAND_COUNT,
};

enum command_where {
	COMMAND_DAEMON,
	COMMAND_TOOL,
	COMMAND_TOOL_INPUT,
	COMMAND_TOOL_SECRET,
	COMMAND_LOCAL,
};

struct command {
	const char *words; /* separated by one space */
	const char *arguments; /* for people; empty: none */
	size_t least, most;
	enum command_where where;
	unsigned int roles; /* that may use it besides root: enum role */
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

/* Whether lazaretctl does it: COMMAND_TOOL of any kind. */
bool command_is_tool(const struct command *command);
/* Whether standard input belongs to the command: it may have it, and one of its arguments is "-". */
bool command_takes_input(const struct command *command, size_t n, const char *const *arguments);

/*
 * The arguments of a command as one line for the log, each in quotes if it would not be one word
 * there, with secrets masked. Cut at `size`.
 */
void command_format(const struct command *command, size_t n, const char *const *arguments,
		    char *out, size_t size);

#endif
