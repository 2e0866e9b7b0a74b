/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Inside: the program (clamd.c), and conversations with it (clamd_scan.c). */
#ifndef LAZARET_LOCK_CLAMD_IMPL_H
#define LAZARET_LOCK_CLAMD_IMPL_H

#include "base/spawn.h"
#include "lock/clamd.h"
#include "lock/clamd_reply.h"

#define CLAMD_FOLDER "clamd" /* below the runtime directory */
#define CLAMD_SOCKET "socket"
#define CLAMD_CONFIG "clamd.conf"

struct clamd {
	struct wl_event_loop *loop;
	char *program, *user, *signatures, *folder, *temporary, *helper; /* NULL: off */
	int64_t threads, scan_time, depth, members, age_max; /* as the configuration has them */
	int socket;
	struct child child;
	struct wl_event_source *end, *timer;
	struct logpipe *log;
	unsigned int failures; /* in a row, since it was last ready */
	uint64_t since; /* monotonic us */
	bool ready; /* it has answered since it was started */
	struct clamd_version version;
	uint64_t stamp; /* of the folder of signatures: when it was changed last, wall us */
	struct clamd_scan *question; /* VERSION */
	struct wl_list scans; /* clamd_scan.link */
	void (*changed)(void *data);
	void *data;
};

/* Removes what is in the folder of what it unpacks. */
void clamd_clear(const char *folder);
/* Gave up: what runs is told so. */
void clamd_scans_fail(struct clamd *clamd);
/* Asks for the version; the answer goes to clamd_take_version(). */
void clamd_ask_version(struct clamd *clamd);
/* Has it load its signatures anew; scans go on with the earlier ones until it has. */
void clamd_reload(struct clamd *clamd);
void clamd_take_version(struct clamd *clamd, const struct clamd_version *version);
/* Looks when the signatures were changed. */
void clamd_look_at_signatures(struct clamd *clamd);
bool clamd_is_old(const struct clamd *clamd);
/* It cannot be started, again and again. */
bool clamd_gave_up(const struct clamd *clamd);

#endif
