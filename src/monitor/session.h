/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One lazaret-session process as the monitor sees it: first a login attempt, then perhaps a session;
 * or from its birth a parked cell that becomes somebody's session.
 */
#ifndef LAZARET_MONITOR_SESSION_H
#define LAZARET_MONITOR_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "ipc/process.h"
#include "monitor/address.h"
#include "monitor/registry.h"
#include "monitor/throttle.h"

/* Bytes of a version's name with its NUL. */
#define SESSION_VERSION_MAX 64

struct client;
struct handover_session;
struct monitor;
struct session_record;

enum session_phase {
	SESSION_LOGIN = 1 << 0, /* the password is being checked */
	SESSION_IDENTIFIED = 1 << 1, /* the user is known; a session is sought for him */
	SESSION_RUNNING = 1 << 2, /* it has an id, a slot and a place in the registry */
	SESSION_DISCARDED = 1 << 3, /* only its exit is awaited */
};

struct session {
	struct wl_list link; /* monitor.sessions */
	struct monitor *monitor;
	struct process process;
	enum session_phase phase;
	struct wl_event_source *kill_timer;
	uint64_t kill_due; /* monotonic us; 0: it need not end */

	/* the attempt */
	struct throttle_ticket ticket;
	bool has_ticket;
	char *typed; /* the name that was typed, for the log */
	char *address; /* from where, for the log */
	uint64_t check_started; /* monotonic us */

	/* from SESSION_IDENTIFIED on */
	uid_t uid;
	char *account;
	int clipboard; /* enum conf_clipboard */
	uint32_t paths; /* of the network that its groups open, see NETD_START */

	/* SESSION_RUNNING */
	struct registry_entry entry;
	bool registered, has_slot;
	bool parked; /* nobody's yet */
	bool ready; /* can be attached to, or assigned */
	bool ending;
	bool net_wanted; /* asked for a network that is not there yet */
	int netns; /* the network namespace of its cell; -1: none yet */
	int state; /* enum session_state, as it says */
	uint64_t started, since; /* wall us */
	uint64_t old_since; /* wall us: since when there is a newer version; 0: there is none */
	uint64_t old_told; /* wall us: its user knows that it will end for that; 0: not yet */
	char version[SESSION_VERSION_MAX]; /* of its process, and of all that this has started */
	char viewer[ADDRESS_TEXT_MAX];
	char *end_reason;

	/* LOGIN, IDENTIFIED: for whom. RUNNING: the viewer that is, or waits to be, attached */
	struct client *client;
	/* A login whose user gets this parked cell; only until it is assigned. */
	struct session *heir;
};

/* A process that checks the password of `client` (user, password, ticket), which it takes over. */
NODISCARD int session_login(struct monitor *monitor, struct client *client);
/* A process that keeps a cell ready. */
NODISCARD int session_park(struct monitor *monitor);
/* The process of an earlier monitor; takes the descriptors, also on failure. */
NODISCARD int session_adopt(struct monitor *monitor, const struct session_record *record, int pidfd,
			    int channel, struct session **ret_session);

/*
 * Across an execution of ourselves (upgrade.h), with all but `client` and `heir`. -EBUSY: not now. A
 * failure of session_restore() leaves a session that is not whole: it is meant for who gives up then.
 */
NODISCARD int session_save(const struct session *session, struct handover_session *part);
NODISCARD int session_restore(struct monitor *monitor, const struct handover_session *part,
			      struct session **ret_session);

/* An identified login becomes a running session: -ENOSPC, -EEXIST, -EIO. */
NODISCARD int session_start(struct session *session);
/* A parked one becomes the session of `login`'s user. */
NODISCARD int session_assign(struct session *parked, struct session *login);
/* It is told to exit; nothing more is heard of it. */
void session_discard(struct session *session);

/* Joins a viewer to a session that is ready; one that was there loses its place. */
NODISCARD int session_attach(struct session *session, struct client *client);
/* The person sees `reason`. */
void session_kick(struct session *session, const char *reason);
/* In order; by force when that takes too long. */
void session_end(struct session *session, const char *reason);
void session_net(struct session *session, bool ok, const char *reason, const char *resolv_conf,
		 int netns);

/* It is not of our version. */
bool session_old(const struct session *session);

/* NULL if there is none. */
struct session *session_find_slot(struct monitor *monitor, uint32_t slot);
struct session *session_find_uid(struct monitor *monitor, uid_t uid);
/* Users' sessions, without parked cells. */
size_t session_count(const struct monitor *monitor);

/* Lets go of a process that goes on, when the monitor leaves. */
void session_release(struct session *session);

#endif
