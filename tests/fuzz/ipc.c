/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Packets from a process of ours that was taken over, or from anybody at the control socket, at
 * those receivers that must survive them; tests/fuzz/ipc/ has one file a receiver.
 *
 * Input: a byte that chooses the receiver, one for its variant, then packets: a byte (bits 0-2: how
 * many descriptors go along; bit 3: the peer does not read what it is answered), a u16 length, the
 * packet with its header. At the end no descriptor may be left.
 */
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/attr.h"
#include "base/fd.h"
#include "ipc/channel.h"
#include "ipc/receiver.h"
#include "wire/cursor.h"

#define FDS_SENT_MAX 7
#define FDS_WATCHED 128

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct receiver *const receivers[] = {&from_gateway, &from_session, &from_display,
						   &from_control, &to_keyd,      &to_checkd};

void check_log(const char *event, const struct log_field *fields)
{
	PROMISE(event);
	for (; fields->key; fields++) {
		/* Every byte of it must be readable. */
		if (fields->str)
			PROMISE(strlen(fields->str) < SIZE_MAX);
	}
}

static unsigned int open_fds(void)
{
	unsigned int n = 0;

	for (int fd = 3; fd < FDS_WATCHED; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

static void send_packet(int socket, const uint8_t *bytes, size_t len, size_t n_fds)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int) * FDS_SENT_MAX)];
	} control;
	struct iovec iov = {(void *)(uintptr_t)bytes, len};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
	int fds[FDS_SENT_MAX];

	if (n_fds > 0) {
		struct cmsghdr *cmsg;

		memset(&control, 0, sizeof(control));
		msg.msg_control = control.bytes;
		msg.msg_controllen = CMSG_SPACE(sizeof(int) * n_fds);
		cmsg = CMSG_FIRSTHDR(&msg);
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN(sizeof(int) * n_fds);
		for (size_t i = 0; i < n_fds; i++)
			fds[i] = socket;
		memcpy(CMSG_DATA(cmsg), fds, sizeof(int) * n_fds);
	}
	/* Fails when the receiver has hung up, which is its right. */
	(void)!sendmsg(socket, &msg, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void read_answers(int socket)
{
	static uint8_t storage[IPC_BODY_MAX + 4];
	struct ipc_message message;

	while (ipc_recv(socket, storage, &message) == 0)
		ipc_message_finish(&message);
}

static void converse(const struct receiver *receiver, struct wl_event_loop *loop, int socket,
		     struct cursor *c)
{
	while (cursor_left(c) > 0 && receiver->alive()) {
		uint8_t head = cursor_u8(c);
		size_t len = cursor_u16(c);

		/* Read once: MIN() takes its arguments twice. */
		len = MIN(len, cursor_left(c));
		send_packet(socket, cursor_bytes(c, len), len, head & 7);
		wl_event_loop_dispatch(loop, 0);
		if (!(head & 8))
			read_answers(socket);
	}
}

static void run(const struct receiver *receiver, struct wl_event_loop *loop, uint8_t variant,
		struct cursor *c)
{
	int pair[2];

	PROMISE(ipc_pair(pair) == 0);
	receiver->open(loop, pair[0], variant);
	converse(receiver, loop, pair[1], c);
	receiver->close();
	fd_close(pair[1]);
	/* Sources that were removed are freed by the loop. */
	wl_event_loop_dispatch(loop, 0);
}

/* What is made once, and its descriptors, is there before they are counted. */
static struct wl_event_loop *warm_up(void)
{
	struct wl_event_loop *loop = wl_event_loop_create();
	struct cursor nothing = cursor_over("", 0);

	PROMISE(loop);
	log_set_level(LOG_ERROR);
	for (size_t i = 0; i < ARRAY_LEN(receivers); i++)
		run(receivers[i], loop, 0, &nothing);
	return loop;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct wl_event_loop *loop;
	struct cursor c = cursor_over(data, size);
	const struct receiver *receiver = receivers[cursor_u8(&c) % ARRAY_LEN(receivers)];
	uint8_t variant = cursor_u8(&c);
	unsigned int before;

	if (!loop)
		loop = warm_up();
	before = open_fds();
	run(receiver, loop, variant, &c);
	PROMISE(open_fds() == before);
	return 0;
}
