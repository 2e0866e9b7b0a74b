/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the monitor's receivers need around them. */
#ifndef LAZARET_FUZZ_IPC_OWNERS_H
#define LAZARET_FUZZ_IPC_OWNERS_H

#include <wayland-server-core.h>

#include "monitor/monitor.h"
#include "monitor/session.h"

/* One for the whole run, with the default configuration. */
struct monitor *owner_monitor(struct wl_event_loop *loop);

/* A running session without a process; one at a time. */
struct session *owner_session(struct wl_event_loop *loop);
void owner_session_finish(void);

#endif
