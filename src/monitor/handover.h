/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What lazaretd hands to the lazaretd that it becomes (upgrade.h): a file in memory, sealed, with a
 * description of everything that is open, and the numbers of the descriptors that stay open across the
 * execution. Written by one version and read by another one, so the format has a number of its own.
 *
 * handover_put() and handover_get() know nothing of the monitor; who is what stands in the modules,
 * each of which fills and takes its own part.
 */
#ifndef LAZARET_MONITOR_HANDOVER_H
#define LAZARET_MONITOR_HANDOVER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/attr.h"
#include "ipc/process.h"
#include "monitor/address.h"
#include "monitor/throttle.h"
#include "wire/buf.h"
#include "wire/cursor.h"

/* Raised when something is added; a reader takes every one that was in a release. */
#define HANDOVER_FORMAT 1
/* Bytes of it. */
#define HANDOVER_MAX (32 << 20)
/* A descriptor's number. */
#define HANDOVER_FD_MAX (1 << 20)
/* Parts of each kind, and bytes of a text. */
#define HANDOVER_PARTS_MAX 65536
#define HANDOVER_TEXT_MAX 65536
#define HANDOVER_PROGRAMS_MAX 64
#define HANDOVER_NONE UINT32_MAX

/* The programs of one version. */
struct handover_programs {
	char *version; /* NULL: there is no such set */
	int daemon; /* lazaretd itself */
	uint32_t n;
	int *fds; /* in the order of enum program of that version */
};

struct handover_listener {
	int fd;
};

struct handover_client {
	uint32_t state; /* enum client_state */
	struct address_key key;
	char *address;
	struct process_memory process;
	char *user, *password; /* NULL: not known yet, or no longer */
	bool has_ticket;
	struct throttle_ticket ticket;
	uint64_t due; /* monotonic us, of its timer; 0: does not run */
	char *sentence; /* of a refusal that is held back, or NULL */
	uint32_t login, session; /* indices of sessions, or HANDOVER_NONE */
};

struct handover_session {
	uint32_t phase; /* enum session_phase */
	struct process_memory process;
	uint64_t kill_due; /* monotonic us; 0: it need not end */
	bool has_ticket;
	struct throttle_ticket ticket;
	char *typed, *address, *account, *end_reason; /* or NULL */
	uint64_t check_started;
	uint32_t uid;
	uint32_t clipboard, paths;
	char *id, *viewer, *version;
	uint32_t slot;
	bool registered, has_slot, parked, ready, ending, net_wanted;
	int netns;
	uint32_t state; /* enum session_state */
	uint64_t started, since;
	uint64_t old_since, old_told; /* wall us */
	uint32_t client, heir; /* indices, or HANDOVER_NONE */
};

struct handover_remains {
	char *id;
	bool has_slot;
	uint32_t slot, uid;
};

struct handover_failure {
	struct address_key address;
	uint64_t account;
	uint32_t failures, running;
	uint64_t not_before, touched;
};

/* A connection to the control socket. */
struct handover_caller {
	int fd;
	bool fresh; /* nothing was asked yet: as if it had just connected */
	bool upgrades; /* waits to hear what comes of this */
	uint32_t uid, roles;
	char *name;
	int32_t found; /* what origin_find() has returned */
	char *address, *local_address;
	uint32_t port, local_port;
	char *command; /* its words */
	char *arguments;
	uint64_t number; /* of the record */
	uint32_t tool; /* pid; 0: none */
	int tool_pidfd;
};

struct handover_sshd {
	uint32_t port, pid; /* pid 0: it does not run */
	int pidfd, log, log_writer; /* of the log: -1 for none */
	char *config; /* or NULL */
};

/* Files that are served to a user. */
struct handover_view {
	struct process_memory process;
	uint32_t uid, number;
	char *account;
	uint64_t last_login; /* monotonic us */
};

struct handover {
	char *version; /* of the writer */
	uint32_t protocol; /* IPC_VERSION of the writer */
	char *fixed; /* options that cannot change, as text of a configuration */
	uint64_t started; /* wall us */
	bool sandbox_proven, returning;
	int lock;
	uint64_t accepted, refused, audit_number;
	struct handover_programs programs,
		before; /* the writer's, and those of who came before it */
	uint32_t n_listeners;
	struct handover_listener *listeners;
	int control;
	uint32_t n_callers;
	struct handover_caller *callers;
	struct process_memory keyd, netd, checkd; /* pid 0: there is none */
	uint32_t n_leftovers; /* processes that are ended and done again */
	struct handover_leftover {
		uint32_t pid;
		int pidfd;
	} * leftovers;
	struct handover_sshd ssh[2]; /* by enum sshd_kind */
	int sftp; /* where PAM asks; -1: there is none */
	uint32_t n_views;
	struct handover_view *views;
	uint32_t n_dropped; /* attempts whose end nobody will see */
	struct throttle_ticket *dropped;
	uint32_t n_clients;
	struct handover_client *clients;
	uint32_t n_sessions;
	struct handover_session *sessions;
	uint32_t n_remains;
	struct handover_remains *remains;
	uint64_t throttle_seed;
	uint32_t n_failures; /* oldest first */
	struct handover_failure *failures;
};

void handover_init(struct handover *handover);
/* Frees texts and arrays; descriptors stay. */
void handover_finish(struct handover *handover);

/* Room for one more part at the end of an array; NULL when there are too many, or no memory. */
void *handover_add(void *array, uint32_t *n, size_t size);

/* A child that is ended and done again; nothing if there is none. */
NODISCARD int handover_add_leftover(struct handover *handover, const struct child *child);

/* A copy of a text, or of NULL; -ENOMEM. */
NODISCARD int handover_text(char **ret_text, const char *text);

/* Writes; errors stick to the buffer. */
void handover_put(struct handover *handover, struct buf *buf);
/*
 * -EPROTONOSUPPORT: of a format that we do not know. -EPROTO: malformed, or it says what cannot be:
 * an index beyond its array, one descriptor for two purposes. Nothing is left to free then.
 */
NODISCARD int handover_get(struct cursor *c, struct handover *ret_handover);

/* Calls `each` for every descriptor in it. */
void handover_each_fd(struct handover *handover, void (*each)(void *data, int fd), void *data);

#endif
