/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Commands of the table's WHERE TOOL for those who are not root: done by a lazaretctl that the daemon
 * runs as root, with the daemon's own configuration files. Its output goes through pipes of its own
 * to the caller, never into a descriptor that the caller has made.
 */
#ifndef LAZARET_MONITOR_TOOL_H
#define LAZARET_MONITOR_TOOL_H

#include "base/attr.h"
#include "monitor/commands.h"

struct handover;
struct tool;

/* Access was checked. Answers now or later, always. */
void tool_start(const struct command_call *call, enum command_id id);
/* The caller is gone: it is told to end, and nobody is answered. NULL is allowed. */
void tool_abandon(struct tool *tool);
/* At the end, when no caller is left. */
/*
 * Across an execution of ourselves: what runs for somebody goes on. tool_save_left() names those whose
 * caller is gone.
 */
pid_t tool_save(const struct tool *tool, int *ret_pidfd);
NODISCARD int tool_save_left(const struct monitor *monitor, struct handover *handover);
/* `call` says whom to tell. Takes the descriptor, also on failure. */
NODISCARD int tool_restore(const struct command_call *call, pid_t pid, int pidfd);
void tool_end_all(struct monitor *monitor);

#endif
