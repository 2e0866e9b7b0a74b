/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Messages between our processes, over SOCK_SEQPACKET: one packet one message, a four byte header
 * (u16 type, u16 protocol version), the body, and up to IPC_FDS_MAX descriptors.
 */
#ifndef LAZARET_IPC_MESSAGE_H
#define LAZARET_IPC_MESSAGE_H

#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "wire/buf.h"
#include "wire/cursor.h"

/*
 * Which messages there are, and what is in them. The monitor speaks with sessions and gateways that an
 * earlier version of it has started (docs/decisions/upgrade.md), so a message that was in a release
 * keeps its place in messages.def and its body for as long as IPC_OLDEST reaches back: what is new gets
 * a row at the end and raises IPC_VERSION, and is said to no peer that speaks an older one.
 */
#define IPC_VERSION 2
#define IPC_OLDEST 2
#define IPC_BODY_MAX 65536
#define IPC_FDS_MAX 4

enum ipc_role {
	IPC_ROLE_MONITOR,
	IPC_ROLE_KEYD,
	IPC_ROLE_NETD,
	IPC_ROLE_GATEWAY,
	IPC_ROLE_SESSION,
	IPC_ROLE_DISPLAY,
	IPC_ROLE_CONTROL,
	IPC_ROLE_CHECKD,
	IPC_ROLE_CHECKER, /* who asks checkd: lockd, lazaretctl */
	IPC_ROLE_LOCKD,
	IPC_ROLE_PAM, /* pam_lazaret.so in sshd */
};

enum ipc_type {
#define M(name, from, to) IPC_##name,
#include "ipc/messages.def"
#undef M
	IPC_TYPE_COUNT,
};

/* SESSION_REFUSED: why; the person sees one and the same sentence for the first four. */
enum session_refusal {
	SESSION_REFUSAL_CREDENTIALS, /* unknown user, wrong or empty password */
	SESSION_REFUSAL_NOT_ALLOWED, /* root, uid < 1000, not in the group, administrative role */
	SESSION_REFUSAL_ACCOUNT, /* expired, locked */
	SESSION_REFUSAL_ERROR, /* something of ours failed */
};

/* LOGIN_ANSWER */
enum login_answer {
	LOGIN_ANSWER_WELCOME, /* and his view is there */
	LOGIN_ANSWER_REFUSED, /* name, password or account */
	LOGIN_ANSWER_EXPIRED,
	LOGIN_ANSWER_ERROR, /* something of ours failed */
};

enum session_state {
	SESSION_STATE_STARTING,
	SESSION_STATE_PARKED,
	SESSION_STATE_ATTACHED,
	SESSION_STATE_DETACHED,
	SESSION_STATE_ENDING,
};

enum display_notice {
	DISPLAY_NOTICE_STRIP, /* above the window */
	DISPLAY_NOTICE_FAREWELL, /* the whole picture of a viewer that will be closed */
};

/* One received message. Descriptors are owned by it: take them with ipc_message_take_fd(). */
struct ipc_message {
	enum ipc_type type;
	uint16_t version; /* that the sender speaks: IPC_OLDEST to IPC_VERSION */
	struct cursor body; /* over memory that lives until the handler returns */
	int fds[IPC_FDS_MAX];
	size_t n_fds;
};

/* "KEYD_LOAD" */
const char *ipc_type_name(enum ipc_type type);
enum ipc_role ipc_type_from(enum ipc_type type);
enum ipc_role ipc_type_to(enum ipc_type type);

/* Descriptor `index`, the caller's from now on, or -1 if the message has none. */
int ipc_message_take_fd(struct ipc_message *message, size_t index);
/* Closes the descriptors that nobody took. */
void ipc_message_finish(struct ipc_message *message);

/*
 * One message at once, for both blocking and non-blocking sockets. `body` may be NULL. The
 * descriptors stay the caller's. 0, -EAGAIN, -EPIPE, -EMSGSIZE or another negative errno.
 */
NODISCARD int ipc_send(int socket, enum ipc_type type, const struct buf *body, const int *fds,
		       size_t n_fds);
/* The same to a peer that speaks an older version. */
NODISCARD int ipc_send_as(int socket, uint16_t version, enum ipc_type type, const struct buf *body,
			  const int *fds, size_t n_fds);

/*
 * Receives one message into `storage`, which has IPC_BODY_MAX + 4 bytes and must outlive the
 * message. -EAGAIN; -EPIPE at the end of the connection; -EPROTO for a packet that is none of
 * ours (unknown type or version, too long, too many descriptors).
 */
NODISCARD int ipc_recv(int socket, uint8_t *storage, struct ipc_message *ret_message);

/* The same with a deadline: waits at most `timeout_ms` for readability; -ETIMEDOUT. */
NODISCARD int ipc_recv_wait(int socket, int timeout_ms, uint8_t *storage,
			    struct ipc_message *ret_message);

#endif
