/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the commands of the control socket do. */
#ifndef LAZARET_MONITOR_COMMANDS_H
#define LAZARET_MONITOR_COMMANDS_H

#include <stdbool.h>
#include <stddef.h>

#include "ctl/command.h"
#include "wire/buf.h"

struct caller;
struct lent_cell;
struct monitor;
struct tool;

struct command_call {
	struct monitor *monitor;
	const struct caller *caller;
	bool json; /* the output of a tool is for scripts */
	const char *const *arguments; /* counted by the table already */
	size_t n_arguments;
	/* Sends one message of the answer; the last one is DONE or FAILED. */
	void (*answer)(void *data, const struct buf *body);
	/* The same with descriptors, which stay the caller's. */
	void (*answer_fds)(void *data, const struct buf *body, const int *fds, size_t n_fds);
	void *data;
	struct lent_cell **lent; /* the cell that is lent for as long as the connection lasts */
	struct tool **tool; /* what runs for it */
};

/* Access was checked. An answer may come later, unless it is forgotten before. */
void command_run(enum command_id id, const struct command_call *call);
/* `data` of a call must not be used any more. */
void command_forget(struct monitor *monitor, const void *data);

#endif
