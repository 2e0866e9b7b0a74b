/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A channel: who may say what when, the queue, and the end. Here a session hears a display. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fd.h"
#include "base/mem.h"
#include "ipc/channel.h"

#define STATE_A 1
#define STATE_B 2

struct owner {
	struct wl_event_loop *loop;
	struct ipc_channel *channel;
	int peer; /* the other end, spoken to by hand */
	char said[256]; /* what was handled, a word each */
	int result; /* what handlers return */
	enum { ON_NOTHING, ON_DESTROY, ON_STATE_B } in_handler;
	unsigned int closed;
	int reason;
};

static void note(struct owner *owner, const char *word)
{
	size_t len = strlen(owner->said);

	snprintf(owner->said + len, sizeof(owner->said) - len, "%s ", word);
	if (owner->in_handler == ON_DESTROY) {
		ipc_channel_destroy(STEAL(owner->channel));
	} else if (owner->in_handler == ON_STATE_B) {
		ipc_channel_set_state(owner->channel, STATE_B);
	}
}

static int handle_ready(void *data, struct ipc_message *message)
{
	struct owner *owner = data;

	(void)message;
	note(owner, "ready");
	return owner->result;
}

static int handle_windows(void *data, struct ipc_message *message)
{
	char word[16];

	snprintf(word, sizeof(word), "%u", (unsigned int)cursor_u32(&message->body));
	note(data, word);
	return 0;
}

static void handle_closed(void *data, int reason)
{
	struct owner *owner = data;

	owner->closed++;
	owner->reason = reason;
	ipc_channel_destroy(STEAL(owner->channel));
}

static const struct ipc_rule rules[] = {
	{IPC_DISPLAY_READY, STATE_A, 2, handle_ready},
	{IPC_DISPLAY_WINDOWS, IPC_ANY_STATE, 0, handle_windows},
	{IPC_DISPLAY_FIRST_PICTURE, STATE_B, 0, handle_ready},
	/* Not the peer's to say, whatever stands here. */
	{IPC_DISPLAY_DETACH, IPC_ANY_STATE, 0, handle_ready},
	{IPC_GATEWAY_SECURED, IPC_ANY_STATE, 0, handle_ready},
};

static const struct ipc_table table = {
	.self = IPC_ROLE_SESSION,
	.peer = IPC_ROLE_DISPLAY,
	.rules = rules,
	.n_rules = ARRAY_LEN(rules),
	.closed = handle_closed,
};

static int set_up(void **state)
{
	struct owner *owner = calloc(1, sizeof(*owner));
	int pair[2];

	assert_non_null(owner);
	owner->loop = wl_event_loop_create();
	assert_int_equal(ipc_pair(pair), 0);
	owner->peer = pair[1];
	assert_int_equal(ipc_channel_create(owner->loop, pair[0], &table, owner, &owner->channel),
			 0);
	*state = owner;
	return 0;
}

static int tear_down(void **state)
{
	struct owner *owner = *state;

	ipc_channel_destroy(owner->channel);
	fd_close(owner->peer);
	wl_event_loop_destroy(owner->loop);
	free(owner);
	return 0;
}

static void say(struct owner *owner, enum ipc_type type)
{
	assert_int_equal(ipc_send(owner->peer, type, NULL, NULL, 0), 0);
}

static void say_windows(struct owner *owner, uint32_t n)
{
	struct buf body;

	buf_init(&body, 8);
	buf_put_u32(&body, n);
	assert_int_equal(ipc_send(owner->peer, IPC_DISPLAY_WINDOWS, &body, NULL, 0), 0);
	buf_finish(&body);
}

static void turn(struct owner *owner)
{
	assert_int_equal(wl_event_loop_dispatch(owner->loop, 0), 0);
}

static void assert_ended(struct owner *owner, int reason)
{
	turn(owner);
	turn(owner);
	assert_int_equal(owner->closed, 1);
	assert_int_equal(owner->reason, reason);
}

static void test_handled_in_order(void **state)
{
	struct owner *owner = *state;

	say(owner, IPC_DISPLAY_READY);
	say_windows(owner, 1);
	say_windows(owner, 2);
	turn(owner);
	assert_string_equal(owner->said, "ready 1 2 ");
	assert_int_equal(owner->closed, 0);
}

static void test_not_in_the_table(void **state)
{
	struct owner *owner = *state;

	say(owner, IPC_DISPLAY_DETACHED);
	say(owner, IPC_DISPLAY_READY);
	assert_ended(owner, -EPROTO);
	assert_string_equal(owner->said, "");
}

static void test_not_the_peers(void **state)
{
	struct owner *owner = *state;

	say(owner, IPC_GATEWAY_SECURED);
	assert_ended(owner, -EPROTO);
	assert_string_equal(owner->said, "");
}

static void test_not_to_us(void **state)
{
	struct owner *owner = *state;

	say(owner, IPC_DISPLAY_DETACH);
	assert_ended(owner, -EPROTO);
	assert_string_equal(owner->said, "");
}

static void test_not_in_this_state(void **state)
{
	struct owner *owner = *state;

	say(owner, IPC_DISPLAY_FIRST_PICTURE);
	assert_ended(owner, -EPROTO);
	assert_string_equal(owner->said, "");
}

/* A state that a handler sets holds for the next message, though both came at once. */
static void test_state_at_once(void **state)
{
	struct owner *owner = *state;

	owner->in_handler = ON_STATE_B;
	say(owner, IPC_DISPLAY_READY);
	say(owner, IPC_DISPLAY_FIRST_PICTURE);
	say(owner, IPC_DISPLAY_READY);
	assert_ended(owner, -EPROTO);
	assert_string_equal(owner->said, "ready ready ");
}

static void test_too_often(void **state)
{
	struct owner *owner = *state;

	for (int i = 0; i < 3; i++)
		say(owner, IPC_DISPLAY_READY);
	assert_ended(owner, -EPROTO);
	assert_string_equal(owner->said, "ready ready ");
}

static void test_not_wholly_read(void **state)
{
	struct owner *owner = *state;
	struct buf body;

	buf_init(&body, 16);
	buf_put_u32(&body, 7);
	buf_put_u8(&body, 0);
	assert_int_equal(ipc_send(owner->peer, IPC_DISPLAY_WINDOWS, &body, NULL, 0), 0);
	buf_finish(&body);
	assert_ended(owner, -EPROTO);
}

static void test_shorter_than_read(void **state)
{
	struct owner *owner = *state;

	say(owner, IPC_DISPLAY_WINDOWS);
	assert_ended(owner, -EPROTO);
}

/* Whatever the errno, also the one that a socket without data gives. */
static void test_handler_ends_it(void **state)
{
	struct owner *owner = *state;

	owner->result = -EAGAIN;
	say(owner, IPC_DISPLAY_READY);
	say_windows(owner, 1);
	assert_ended(owner, -EAGAIN);
	assert_string_equal(owner->said, "ready ");
}

static void test_destroyed_in_a_handler(void **state)
{
	struct owner *owner = *state;

	owner->in_handler = ON_DESTROY;
	say(owner, IPC_DISPLAY_READY);
	say(owner, IPC_DISPLAY_READY);
	turn(owner);
	turn(owner);
	assert_string_equal(owner->said, "ready ");
	assert_int_equal(owner->closed, 0);
	/* The peer sees it. */
	assert_int_equal(ipc_send(owner->peer, IPC_DISPLAY_READY, NULL, NULL, 0), -EPIPE);
}

static void test_peer_leaves(void **state)
{
	struct owner *owner = *state;

	say(owner, IPC_DISPLAY_READY);
	owner->peer = fd_close(owner->peer);
	assert_ended(owner, -EPIPE);
	assert_string_equal(owner->said, "ready ");
}

static void test_directions(void **state)
{
	struct owner *owner = *state;

	assert_int_equal(ipc_channel_send(owner->channel, IPC_DISPLAY_READY, NULL, NULL, 0),
			 -EINVAL);
	assert_int_equal(ipc_channel_send(owner->channel, IPC_SESSION_READY, NULL, NULL, 0),
			 -EINVAL);
	assert_int_equal(ipc_channel_send(owner->channel, IPC_DISPLAY_DETACH, NULL, NULL, 0), 0);
}

/* Nobody reads: the socket fills, then the queue; returns how many were taken. */
static uint32_t fill(struct owner *owner)
{
	int r = 0;
	uint32_t n = 0;

	while (r == 0) {
		struct buf body;
		int fd = fd_memfd("x", &n, sizeof(n));

		assert_true(fd >= 0 && n < 10000);
		buf_init(&body, IPC_BODY_MAX);
		buf_put_u32(&body, n);
		buf_put_zero(&body, 4000);
		r = ipc_channel_send(owner->channel, IPC_DISPLAY_NOTICE, &body, &fd, 1);
		buf_finish(&body);
		/* The queue has its own copy. */
		fd_close(fd);
		if (r == 0)
			n++;
	}
	assert_int_equal(r, -ENOBUFS);
	return n;
}

static void read_one(struct owner *owner, uint32_t expected)
{
	static uint8_t storage[IPC_BODY_MAX + 4];
	struct ipc_message m;
	uint32_t n = 0;
	int fd;

	assert_int_equal(ipc_recv(owner->peer, storage, &m), 0);
	assert_int_equal(cursor_u32(&m.body), expected);
	fd = ipc_message_take_fd(&m, 0);
	assert_int_equal(pread(fd, &n, sizeof(n), 0), sizeof(n));
	assert_int_equal(n, expected);
	fd_close(fd);
	ipc_message_finish(&m);
}

static void test_queue(void **state)
{
	struct owner *owner = *state;
	uint32_t n = fill(owner);

	assert_true(n > IPC_QUEUE_MAX);
	for (uint32_t i = 0; i < n; i++) {
		read_one(owner, i);
		turn(owner);
	}
	assert_int_equal(owner->closed, 0);
	/* It takes again, straight. */
	assert_int_equal(ipc_channel_send(owner->channel, IPC_DISPLAY_DETACH, NULL, NULL, 0), 0);
}

/* What a peer said is heard, though what waits for it can no longer be sent. */
static void test_last_words_with_a_queue(void **state)
{
	struct owner *owner = *state;

	fill(owner);
	say(owner, IPC_DISPLAY_READY);
	owner->peer = fd_close(owner->peer);
	assert_ended(owner, -EPIPE);
	assert_string_equal(owner->said, "ready ");
}

/* One turn of the loop does not belong to one peer, however much it says. */
static void test_turns_are_bounded(void **state)
{
	struct owner *owner = *state;
	size_t len;

	for (uint32_t i = 0; i < 100; i++)
		say_windows(owner, 1);
	turn(owner);
	len = strlen(owner->said);
	assert_in_range(len, 1, 2 * 50);
	for (int i = 0; i < 100; i++)
		turn(owner);
	assert_int_equal(strlen(owner->said), 2 * 100);
}

#define CHANNEL_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CHANNEL_TEST(test_handled_in_order),
		CHANNEL_TEST(test_not_in_the_table),
		CHANNEL_TEST(test_not_the_peers),
		CHANNEL_TEST(test_not_to_us),
		CHANNEL_TEST(test_not_in_this_state),
		CHANNEL_TEST(test_state_at_once),
		CHANNEL_TEST(test_too_often),
		CHANNEL_TEST(test_not_wholly_read),
		CHANNEL_TEST(test_shorter_than_read),
		CHANNEL_TEST(test_handler_ends_it),
		CHANNEL_TEST(test_destroyed_in_a_handler),
		CHANNEL_TEST(test_peer_leaves),
		CHANNEL_TEST(test_directions),
		CHANNEL_TEST(test_queue),
		CHANNEL_TEST(test_last_words_with_a_queue),
		CHANNEL_TEST(test_turns_are_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
