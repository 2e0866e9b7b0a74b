/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * lazaret-checkd: decides what passes the file lock. Root with few capabilities; it reads no content
 * of files itself but to hash it.
 *
 *	checkd.c		start, configuration, the channel to lazaretd
 *	check_connection.c	one who asks: a person's lazaret-lockd, or lazaretctl
 *	check_job.c		one file on its way through the stages
 */
#ifndef LAZARET_LOCK_CHECKD_H
#define LAZARET_LOCK_CHECKD_H

#include <stdbool.h>
#include <stdint.h>
#include <wayland-server-core.h>

#include "base/attr.h"
#include "conf/conf.h"
#include "lock/checker.h"

struct ipc_channel;

struct checkd {
	struct wl_event_loop *loop;
	struct conf *conf;
	struct ipc_channel *monitor;
	bool running;
	int socket; /* listening */
	struct wl_event_source *socket_source;
	struct wl_list connections; /* check_connection.link */
	unsigned int n_connections;
};

/* Shows a sentence in the picture of a person; nothing if there is no session. */
void checkd_notify(struct checkd *checkd, uid_t uid, const char *sentence);

/* Where connections are taken from; 0 or a negative errno. */
NODISCARD int check_connection_listen(struct checkd *checkd);
/* The configuration is another: tells everybody his rights. */
void check_connection_refresh(struct checkd *checkd);
void check_connection_finish(struct checkd *checkd);

#endif
