/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Names as netd keeps them: asked for by way of the monitor, kept in a file over a restart. */
#ifndef LAZARET_NET_NETD_NAMES_H
#define LAZARET_NET_NETD_NAMES_H

#include <wayland-server-core.h>

#include "ipc/channel.h"
#include "net/names.h"
#include "wire/buf.h"

struct netd_names {
	struct names names;
	struct wl_event_loop *loop;
	struct wl_event_source *source; /* of the pipe that an answer comes through; NULL: none */
	int pipe;
	struct buf answer;
	/* An answer was taken: some name has another address, or can be resolved or not any more. */
	void (*changed)(void *data);
	void *data;
};

void netd_names_init(struct netd_names *names, struct wl_event_loop *loop,
		     void (*changed)(void *data), void *data);
void netd_names_finish(struct netd_names *names);

/* What was found last, from the file in the state directory; none is no failure. */
void netd_names_load(struct netd_names *names, const char *state_dir);
/* Has the wanted names resolved, unless that is under way. 0 also if there are none. */
NODISCARD int netd_names_ask(struct netd_names *names, struct ipc_channel *channel);
/* Writes what is known to the file. */
void netd_names_save(const struct netd_names *names, const char *state_dir);

#endif
