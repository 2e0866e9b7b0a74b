/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * lazaret-checkd: decides what passes the file lock. Root with few capabilities; it reads no content
 * of files itself but to hash it.
 *
 *	checkd.c		start, configuration, the channel to lazaretd
 *	check_connection.c	one who asks: a person's lazaret-lockd, or lazaretctl
 *	check_job.c		one file on its way through the stages
 *	check_child.c		the process that looks into it
 *	check_tell.c		what becomes known of a verdict: log, notice, texts
 *	check_admin.c		lazaretctl lock
 *	clamd.c clamd_scan.c	the virus scanner
 *	policy.c		what a person may
 */
#ifndef LAZARET_LOCK_CHECKD_H
#define LAZARET_LOCK_CHECKD_H

#include <stdbool.h>
#include <stdint.h>
#include <wayland-server-core.h>

#include "base/attr.h"
#include "conf/conf.h"
#include "lock/checker.h"
#include "lock/policy.h"

struct check_cache;
struct check_counters;
struct clamd;
struct ipc_channel;
struct quarantine;

/* Persons who were told something lately, by uid. */
#define CHECK_TOLD 256

struct check_stats {
	uint64_t files[3][2]; /* by enum check_result and direction */
	uint64_t bytes[2]; /* that passed */
	uint64_t rules[POLICY_RULES]; /* of what did not pass, by its first reason */
	uint64_t cache_hits;
};

struct checkd {
	struct wl_event_loop *loop;
	struct conf *conf;
	struct ipc_channel *monitor;
	bool running;
	int socket; /* listening */
	struct wl_event_source *socket_source;
	struct wl_list connections; /* check_connection.link */
	unsigned int n_connections;

	struct wl_list waiting; /* check_job.link: for a process that looks into it */
	unsigned int n_waiting, n_children;
	uid_t child_uid; /* of those processes */
	gid_t child_gid;

	int state; /* folder of checkd in the state directory */
	int quarantine_dir;
	struct quarantine *quarantine;
	struct check_counters *counters;
	struct check_cache *cache;
	uint64_t cache_from; /* monotonic us: findings of before are not remembered */
	struct clamd *clamd;
	struct wl_event_source *timer; /* for what grows old */

	struct check_stats stats;
	struct {
		uid_t uid;
		uint64_t at; /* monotonic us */
	} told[CHECK_TOLD];
};

/* Shows a sentence in the picture of a person for a while; nothing if there is no session. */
void checkd_notify(struct checkd *checkd, uid_t uid, const char *sentence);

/* Where connections are taken from; 0 or a negative errno. */
NODISCARD int check_connection_listen(struct checkd *checkd);
/* The configuration is another: tells everybody his rights. */
void check_connection_refresh(struct checkd *checkd);
void check_connection_finish(struct checkd *checkd);

#endif
