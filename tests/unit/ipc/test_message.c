/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Framing: what arrives as it was sent, and what is refused without leaving anything behind. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fd.h"
#include "ipc/channel.h"
#include "ipc/message.h"

static uint8_t storage[IPC_BODY_MAX + 4];

static unsigned int open_fds(void)
{
	unsigned int n = 0;

	for (int fd = 0; fd < 256; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

/* One packet as it is, with copies of `fd`. */
static void send_raw(int socket, const void *bytes, size_t len, int fd, size_t n_fds)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int) * 8)];
	} control = {0};
	struct iovec iov = {(void *)(uintptr_t)bytes, len};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
	int fds[8] = {fd, fd, fd, fd, fd, fd, fd, fd};

	if (n_fds > 0) {
		msg.msg_control = control.bytes;
		msg.msg_controllen = CMSG_SPACE(sizeof(int) * n_fds);
		CMSG_FIRSTHDR(&msg)->cmsg_level = SOL_SOCKET;
		CMSG_FIRSTHDR(&msg)->cmsg_type = SCM_RIGHTS;
		CMSG_FIRSTHDR(&msg)->cmsg_len = CMSG_LEN(sizeof(int) * n_fds);
		memcpy(CMSG_DATA(CMSG_FIRSTHDR(&msg)), fds, sizeof(int) * n_fds);
	}
	assert_int_equal(sendmsg(socket, &msg, MSG_NOSIGNAL), len);
}

static bool same_file(int a, int b)
{
	struct stat of_a, of_b;

	assert_int_equal(fstat(a, &of_a), 0);
	assert_int_equal(fstat(b, &of_b), 0);
	return of_a.st_dev == of_b.st_dev && of_a.st_ino == of_b.st_ino;
}

static void test_arrives_as_sent(void **state)
{
	unsigned int before = open_fds();
	struct ipc_message m;
	struct buf body;
	char *text;
	int pair[2], fds[2], taken;

	(void)state;
	assert_int_equal(ipc_pair(pair), 0);
	fds[0] = fd_memfd("one", "1", 1);
	fds[1] = fd_memfd("two", "2", 1);
	buf_init(&body, IPC_BODY_MAX);
	buf_put_str(&body, "grüße");
	buf_put_u64(&body, UINT64_MAX - 1);
	assert_int_equal(ipc_send(pair[0], IPC_SESSION_NET, &body, fds, 2), 0);
	assert_int_equal(ipc_recv(pair[1], storage, &m), 0);
	assert_int_equal(m.type, IPC_SESSION_NET);
	text = cursor_str(&m.body, 64);
	assert_string_equal(text, "grüße");
	free(text);
	assert_true(cursor_u64(&m.body) == UINT64_MAX - 1);
	assert_true(cursor_done(&m.body));
	assert_int_equal(m.n_fds, 2);
	taken = ipc_message_take_fd(&m, 1);
	assert_true(same_file(taken, fds[1]));
	assert_int_equal(fcntl(taken, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	/* Taken once; the other one is closed with the message. */
	assert_int_equal(ipc_message_take_fd(&m, 1), -1);
	assert_int_equal(ipc_message_take_fd(&m, 2), -1);
	ipc_message_finish(&m);
	buf_finish(&body);
	fd_close(taken);
	fd_close(fds[0]);
	fd_close(fds[1]);
	fd_close(pair[0]);
	fd_close(pair[1]);
	assert_int_equal(open_fds(), before);
}

static void test_largest(void **state)
{
	struct ipc_message m;
	struct buf body;
	int pair[2], fds[IPC_FDS_MAX + 1];

	(void)state;
	assert_int_equal(ipc_pair(pair), 0);
	for (size_t i = 0; i < ARRAY_LEN(fds); i++)
		fds[i] = pair[0];
	buf_init(&body, IPC_BODY_MAX + 1);
	buf_put_zero(&body, IPC_BODY_MAX);
	assert_int_equal(ipc_send(pair[0], IPC_SESSION_NET, &body, fds, IPC_FDS_MAX), 0);
	assert_int_equal(ipc_recv(pair[1], storage, &m), 0);
	assert_int_equal(cursor_left(&m.body), IPC_BODY_MAX);
	assert_int_equal(m.n_fds, IPC_FDS_MAX);
	ipc_message_finish(&m);
	assert_int_equal(ipc_send(pair[0], IPC_SESSION_NET, NULL, fds, IPC_FDS_MAX + 1), -EMSGSIZE);
	buf_put_u8(&body, 0);
	assert_int_equal(ipc_send(pair[0], IPC_SESSION_NET, &body, NULL, 0), -EMSGSIZE);
	/* A buffer that broke while it was written is not sent. */
	buf_put_u8(&body, 0);
	assert_int_equal(ipc_send(pair[0], IPC_SESSION_NET, &body, NULL, 0), -ENOBUFS);
	assert_int_equal(ipc_recv(pair[1], storage, &m), -EAGAIN);
	buf_finish(&body);
	fd_close(pair[0]);
	fd_close(pair[1]);
}

static void test_refused(void **state)
{
	static const uint8_t long_packet[IPC_BODY_MAX + 5] = {0, IPC_SESSION_NET, 0, IPC_VERSION};
	const struct {
		const char *what;
		uint8_t bytes[4];
		size_t len, n_fds;
		int result;
	} cases[] = {
		{"half a header", {0, IPC_SESSION_NET, 0}, 3, 4, -EPROTO},
		{"another version", {0, IPC_SESSION_NET, 0, IPC_VERSION + 1}, 4, 4, -EPROTO},
		{"no such type", {0, IPC_TYPE_COUNT, 0, IPC_VERSION}, 4, 4, -EPROTO},
		{"a type past a byte", {1, IPC_SESSION_NET, 0, IPC_VERSION}, 4, 4, -EPROTO},
		{"too many descriptors", {0, IPC_SESSION_NET, 0, IPC_VERSION}, 4, 5, -EPROTO},
		{"far too many", {0, IPC_SESSION_NET, 0, IPC_VERSION}, 4, 8, -EPROTO},
		{"an empty packet", {0}, 0, 4, -EPIPE},
	};
	unsigned int before;
	struct ipc_message m;
	int pair[2];

	(void)state;
	assert_int_equal(ipc_pair(pair), 0);
	before = open_fds();
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		print_message("%s\n", cases[i].what);
		send_raw(pair[0], cases[i].bytes, cases[i].len, pair[0], cases[i].n_fds);
		assert_int_equal(ipc_recv(pair[1], storage, &m), cases[i].result);
		assert_int_equal(open_fds(), before);
	}
	send_raw(pair[0], long_packet, sizeof(long_packet), -1, 0);
	assert_int_equal(ipc_recv(pair[1], storage, &m), -EPROTO);
	fd_close(pair[0]);
	fd_close(pair[1]);
}

static void test_ends(void **state)
{
	struct ipc_message m;
	int pair[2];

	(void)state;
	assert_int_equal(ipc_pair(pair), 0);
	assert_int_equal(ipc_recv(pair[1], storage, &m), -EAGAIN);
	assert_int_equal(ipc_recv_wait(pair[1], 10, storage, &m), -ETIMEDOUT);
	fd_close(pair[0]);
	assert_int_equal(ipc_recv_wait(pair[1], 1000, storage, &m), -EPIPE);
	assert_int_equal(ipc_send(pair[1], IPC_SESSION_READY, NULL, NULL, 0), -EPIPE);
	fd_close(pair[1]);
}

/* The kernel reports a peer that left something unread ahead of what it said itself. */
static void test_last_words_of_a_deaf_peer(void **state)
{
	struct ipc_message m;
	int pair[2];

	(void)state;
	assert_int_equal(ipc_pair(pair), 0);
	assert_int_equal(ipc_send(pair[1], IPC_SESSION_KICK, NULL, NULL, 0), 0);
	assert_int_equal(ipc_send(pair[0], IPC_SESSION_ENDED, NULL, NULL, 0), 0);
	fd_close(pair[0]);
	assert_int_equal(ipc_recv(pair[1], storage, &m), 0);
	assert_int_equal(m.type, IPC_SESSION_ENDED);
	assert_int_equal(ipc_recv(pair[1], storage, &m), -EPIPE);
	fd_close(pair[1]);
}

/* Every peer of every role is one that DESIGN's table of processes names. */
static void test_who_talks_to_whom(void **state)
{
	static const enum ipc_role edges[][2] = {
		{IPC_ROLE_MONITOR, IPC_ROLE_KEYD},    {IPC_ROLE_MONITOR, IPC_ROLE_NETD},
		{IPC_ROLE_MONITOR, IPC_ROLE_GATEWAY}, {IPC_ROLE_MONITOR, IPC_ROLE_SESSION},
		{IPC_ROLE_MONITOR, IPC_ROLE_CONTROL}, {IPC_ROLE_GATEWAY, IPC_ROLE_KEYD},
		{IPC_ROLE_SESSION, IPC_ROLE_DISPLAY}, {IPC_ROLE_MONITOR, IPC_ROLE_CHECKD},
		{IPC_ROLE_CHECKER, IPC_ROLE_CHECKD},  {IPC_ROLE_SESSION, IPC_ROLE_LOCKD},
		{IPC_ROLE_MONITOR, IPC_ROLE_PAM},
	};

	(void)state;
	for (enum ipc_type type = 0; type < IPC_TYPE_COUNT; type++) {
		enum ipc_role from = ipc_type_from(type), to = ipc_type_to(type);
		bool found = false;

		for (size_t i = 0; i < ARRAY_LEN(edges); i++)
			found = found || (edges[i][0] == from && edges[i][1] == to) ||
				(edges[i][0] == to && edges[i][1] == from);
		if (!found)
			fail_msg("%s goes where nobody listens", ipc_type_name(type));
	}
	assert_string_equal(ipc_type_name(IPC_GATEWAY_LOGIN), "GATEWAY_LOGIN");
	assert_int_equal(ipc_type_from(IPC_GATEWAY_LOGIN), IPC_ROLE_GATEWAY);
	assert_int_equal(ipc_type_to(IPC_GATEWAY_LOGIN), IPC_ROLE_MONITOR);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_arrives_as_sent),
		cmocka_unit_test(test_largest),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_ends),
		cmocka_unit_test(test_last_words_of_a_deaf_peer),
		cmocka_unit_test(test_who_talks_to_whom),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
