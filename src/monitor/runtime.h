/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The runtime directory: made and checked, locked by one instance, cleared at the end. */
#ifndef LAZARET_MONITOR_RUNTIME_H
#define LAZARET_MONITOR_RUNTIME_H

#include "base/attr.h"

struct monitor;

/*
 * Opens runtime_fd, sessions_fd and lock_fd. Errors are logged: another instance runs, the
 * directory is somebody else's or can be written by others.
 */
NODISCARD int runtime_open(struct monitor *monitor);
/* The same with a lock that we hold already; takes it. */
NODISCARD int runtime_reopen(struct monitor *monitor, int lock);
/* Nothing is to be left: removes what is ours, as far as it is empty. */
void runtime_remove(struct monitor *monitor);
void runtime_close(struct monitor *monitor);

/* The ready file, and systemd's READY=1 (sd_notify(3), by hand). */
void runtime_say_ready(struct monitor *monitor);
void runtime_say_stopping(struct monitor *monitor);

#endif
