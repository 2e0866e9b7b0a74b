/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ipc/message.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "base/fd.h"

#define HEADER_LEN 4

static const struct {
	const char *name;
	enum ipc_role from, to;
} types[] = {
#define M(n, f, t) [IPC_##n] = {.name = #n, .from = IPC_ROLE_##f, .to = IPC_ROLE_##t},
#include "ipc/messages.def"
#undef M
};

const char *ipc_type_name(enum ipc_type type)
{
	return types[type].name;
}

enum ipc_role ipc_type_from(enum ipc_type type)
{
	return types[type].from;
}

enum ipc_role ipc_type_to(enum ipc_type type)
{
	return types[type].to;
}

int ipc_message_take_fd(struct ipc_message *message, size_t index)
{
	if (index >= message->n_fds)
		return -1;
	return FD_STEAL(message->fds[index]);
}

void ipc_message_finish(struct ipc_message *message)
{
	for (size_t i = 0; i < message->n_fds; i++)
		message->fds[i] = fd_close(message->fds[i]);
	message->n_fds = 0;
}

union control {
	struct cmsghdr align;
	char bytes[CMSG_SPACE(sizeof(int) * IPC_FDS_MAX)];
};

int ipc_send(int socket, enum ipc_type type, const struct buf *body, const int *fds, size_t n_fds)
{
	return ipc_send_as(socket, IPC_VERSION, type, body, fds, n_fds);
}

int ipc_send_as(int socket, uint16_t version, enum ipc_type type, const struct buf *body,
		const int *fds, size_t n_fds)
{
	uint8_t header[HEADER_LEN] = {(uint8_t)(type >> 8), (uint8_t)type, (uint8_t)(version >> 8),
				      (uint8_t)version};
	size_t len = body ? buf_len(body) : 0;
	struct iovec iov[] = {{header, sizeof(header)},
			      {body ? (void *)buf_data(body) : NULL, len}};
	struct msghdr msg = {.msg_iov = iov, .msg_iovlen = len > 0 ? 2 : 1};
	union control control;
	ssize_t n;

	if (body && buf_error(body))
		return buf_error(body);
	if (len > IPC_BODY_MAX || n_fds > IPC_FDS_MAX)
		return -EMSGSIZE;
	if (n_fds > 0) {
		struct cmsghdr *cmsg;

		memset(&control, 0, sizeof(control));
		msg.msg_control = control.bytes;
		msg.msg_controllen = CMSG_SPACE(sizeof(int) * n_fds);
		cmsg = CMSG_FIRSTHDR(&msg);
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN(sizeof(int) * n_fds);
		memcpy(CMSG_DATA(cmsg), fds, sizeof(int) * n_fds);
	}
	/* ECONNRESET: as for receiving; the next try says EPIPE. */
	do
		n = sendmsg(socket, &msg, MSG_NOSIGNAL);
	while (n < 0 && (errno == EINTR || errno == ECONNRESET));
	return n < 0 ? -errno : 0;
}

/* False if more came than we take; those that did come are in the message either way. */
static bool take_control(struct msghdr *msg, struct ipc_message *message)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
		size_t n;

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		n = MIN(n, IPC_FDS_MAX - message->n_fds);
		memcpy(message->fds + message->n_fds, CMSG_DATA(c), n * sizeof(int));
		message->n_fds += n;
	}
	return !(msg->msg_flags & MSG_CTRUNC);
}

int ipc_recv(int socket, uint8_t *storage, struct ipc_message *ret_message)
{
	struct iovec iov = {storage, IPC_BODY_MAX + HEADER_LEN};
	union control control;
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = sizeof(control.bytes),
	};
	struct ipc_message message = {0};
	struct cursor c;
	uint16_t type, version;
	bool whole;
	ssize_t n;

	/* ECONNRESET: the peer left something unread; said once, ahead of its last words. */
	do
		n = recvmsg(socket, &msg, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
	while (n < 0 && (errno == EINTR || errno == ECONNRESET));
	if (n < 0)
		return -errno;
	whole = take_control(&msg, &message);
	if (n == 0) {
		/* An empty packet looks like the end, but may bring descriptors. */
		ipc_message_finish(&message);
		return -EPIPE;
	}
	c = cursor_over(storage, (size_t)n);
	type = cursor_u16(&c);
	version = cursor_u16(&c);
	if (cursor_failed(&c) || (msg.msg_flags & MSG_TRUNC) || !whole || version < IPC_OLDEST ||
	    version > IPC_VERSION || type >= IPC_TYPE_COUNT) {
		ipc_message_finish(&message);
		return -EPROTO;
	}
	message.type = (enum ipc_type)type;
	message.version = version;
	message.body = cursor_over(storage + HEADER_LEN, (size_t)n - HEADER_LEN);
	*ret_message = message;
	return 0;
}

int ipc_recv_wait(int socket, int timeout_ms, uint8_t *storage, struct ipc_message *ret_message)
{
	struct pollfd pollfd = {.fd = socket, .events = POLLIN};
	int n;

	do
		n = poll(&pollfd, 1, timeout_ms);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	if (n == 0)
		return -ETIMEDOUT;
	return ipc_recv(socket, storage, ret_message);
}
