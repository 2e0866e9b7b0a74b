/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a child without privilege writes to standard error, read by its parent, line by line,
 * sanitized, cut at LOG_LINE_MAX, limited in rate (LOGPIPE_BURST lines, then LOGPIPE_RATE a
 * second; what is dropped is counted and said), and logged with the child's role and pid.
 */
#ifndef LAZARET_BASE_LOGPIPE_H
#define LAZARET_BASE_LOGPIPE_H

#include <sys/types.h>
#include <wayland-server-core.h>

#include "base/attr.h"
#include "base/log.h"

#define LOGPIPE_BURST 200
#define LOGPIPE_RATE 20

struct logpipe;

/*
 * Makes the pipe. *ret_child_fd becomes the child's standard error; the caller closes its copy
 * after the spawn, and then tells the pid. `role` must outlive the pipe's reader. `raw`: the level of
 * what is no line of our log (log_relay()).
 */
NODISCARD int logpipe_create(struct wl_event_loop *loop, const char *role, enum log_level raw,
			     struct logpipe **ret_pipe, int *ret_child_fd);
/* One that was made by an earlier execution of this process; takes the reading end. */
NODISCARD int logpipe_adopt(struct wl_event_loop *loop, const char *role, enum log_level raw,
			    int fd, struct logpipe **ret_pipe);
int logpipe_fd(const struct logpipe *pipe);
void logpipe_set_pid(struct logpipe *pipe, pid_t pid);
void logpipe_set_raw(struct logpipe *pipe, enum log_level raw);

/* Reads what is still there, then frees. NULL is allowed. */
void logpipe_destroy(struct logpipe *pipe);

#endif
