/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What one lazaretd hands to the next: what is written is read again, and nothing else is. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "monitor/handover.h"

static char *text(const char *value)
{
	char *copy = strdup(value);

	assert_non_null(copy);
	return copy;
}

static struct process_memory process(int pid, int fd)
{
	return (struct process_memory){
		.pid = pid,
		.pidfd = fd,
		.channel = fd + 1,
		.log = fd + 2,
		.said = {.version = IPC_VERSION, .n = 1, .said = {{IPC_SESSION_READY, 1}}}};
}

static void add_people(struct handover *h)
{
	struct handover_client *client = handover_add(&h->clients, &h->n_clients, sizeof(*client));
	struct handover_session *session;

	assert_non_null(client);
	client->state = 4;
	client->key.bytes[0] = 4;
	client->address = text("192.0.2.7");
	client->process = process(100, 20);
	client->user = text("alice");
	client->password = text("secret");
	client->has_ticket = true;
	client->ticket.account = 77;
	client->due = 99;
	client->login = 0;
	client->session = HANDOVER_NONE;
	session = handover_add(&h->sessions, &h->n_sessions, sizeof(*session));
	assert_non_null(session);
	session->phase = 4;
	session->process = process(101, 30);
	session->process.log = -1;
	session->uid = 1000;
	session->account = text("alice");
	session->id = text("0123456789abcdef0123");
	session->viewer = text("");
	session->version = text("0.1.0");
	session->slot = 5;
	session->registered = session->has_slot = true;
	session->netns = -1;
	session->client = 0;
	session->heir = HANDOVER_NONE;
}

static void fill(struct handover *h)
{
	struct handover_caller *caller;
	struct handover_failure *failure;
	struct handover_remains *remains;
	struct handover_listener *listener;
	int *fd;

	handover_init(h);
	h->version = text("0.1.0");
	h->protocol = IPC_VERSION;
	h->fixed = text("port = 5900\n");
	h->started = 1;
	h->lock = 3;
	h->control = 4;
	h->programs.version = text("0.1.0");
	h->programs.daemon = 5;
	fd = handover_add(&h->programs.fds, &h->programs.n, sizeof(*fd));
	assert_non_null(fd);
	*fd = 6;
	listener = handover_add(&h->listeners, &h->n_listeners, sizeof(*listener));
	assert_non_null(listener);
	listener->fd = 7;
	caller = handover_add(&h->callers, &h->n_callers, sizeof(*caller));
	assert_non_null(caller);
	*caller = (struct handover_caller){
		.fd = 8, .uid = 1001, .found = -ENOENT, .tool_pidfd = -1, .upgrades = true};
	caller->name = text("root");
	caller->address = text("");
	caller->local_address = text("");
	caller->command = text("upgrade");
	caller->arguments = text("");
	h->keyd = process(102, 40);
	add_people(h);
	remains = handover_add(&h->remains, &h->n_remains, sizeof(*remains));
	assert_non_null(remains);
	remains->id = text("abc");
	failure = handover_add(&h->failures, &h->n_failures, sizeof(*failure));
	assert_non_null(failure);
	failure->failures = 3;
}

static void write_out(struct handover *h, struct buf *buf)
{
	buf_init(buf, HANDOVER_MAX);
	handover_put(h, buf);
	assert_int_equal(buf_error(buf), 0);
}

static int read_in(const struct buf *buf, size_t len, struct handover *ret)
{
	/* Memory of just that size: reading beyond it is seen by a sanitizer. */
	uint8_t *copy = malloc(MAX(len, (size_t)1));
	struct cursor c = cursor_over(copy, len);
	int r;

	assert_non_null(copy);
	memcpy(copy, buf_data(buf), len);
	r = handover_get(&c, ret);
	free(copy);
	return r;
}

/* Refused after one thing was changed. */
static void refused(void (*change)(struct handover *h))
{
	struct handover h, read;
	struct buf buf;

	fill(&h);
	change(&h);
	write_out(&h, &buf);
	assert_int_equal(read_in(&buf, buf_len(&buf), &read), -EPROTO);
	buf_finish(&buf);
	handover_finish(&h);
}

static void test_round(void **state)
{
	struct handover h, read;
	struct buf first, second;

	(void)state;
	fill(&h);
	write_out(&h, &first);
	assert_int_equal(read_in(&first, buf_len(&first), &read), 0);
	assert_string_equal(read.clients[0].password, "secret");
	assert_null(read.clients[0].sentence);
	assert_int_equal(read.clients[0].process.channel, 21);
	assert_int_equal(read.sessions[0].process.log, -1);
	assert_int_equal(read.sessions[0].process.said.said[0].count, 1);
	assert_int_equal(read.callers[0].found, -ENOENT);
	assert_int_equal(read.sessions[0].client, 0);
	write_out(&read, &second);
	assert_int_equal(buf_len(&first), buf_len(&second));
	assert_memory_equal(buf_data(&first), buf_data(&second), buf_len(&first));
	buf_finish(&first);
	buf_finish(&second);
	handover_finish(&h);
	handover_finish(&read);
}

static void test_cut_short(void **state)
{
	struct handover h, read;
	struct buf buf;

	(void)state;
	fill(&h);
	write_out(&h, &buf);
	for (size_t len = 0; len < buf_len(&buf); len++)
		assert_int_equal(read_in(&buf, len, &read), -EPROTO);
	buf_put_u8(&buf, 0);
	assert_int_equal(read_in(&buf, buf_len(&buf), &read), -EPROTO);
	buf_finish(&buf);
	handover_finish(&h);
}

static void test_format(void **state)
{
	struct handover h, read;
	struct buf buf;

	(void)state;
	fill(&h);
	write_out(&h, &buf);
	buf_patch_u32(&buf, 4, HANDOVER_FORMAT + 1);
	assert_int_equal(read_in(&buf, buf_len(&buf), &read), -EPROTONOSUPPORT);
	buf_patch_u32(&buf, 4, 0);
	assert_int_equal(read_in(&buf, buf_len(&buf), &read), -EPROTONOSUPPORT);
	buf_patch_u32(&buf, 0, 0);
	assert_int_equal(read_in(&buf, buf_len(&buf), &read), -EPROTO);
	buf_finish(&buf);
	handover_finish(&h);
}

static void same_descriptor(struct handover *h)
{
	h->clients[0].process.log = h->control;
}

static void standard_error(struct handover *h)
{
	h->listeners[0].fd = 2;
}

static void no_descriptor(struct handover *h)
{
	h->lock = -1;
}

static void descriptor_beyond(struct handover *h)
{
	h->lock = HANDOVER_FD_MAX;
}

static void client_beyond(struct handover *h)
{
	h->sessions[0].client = h->n_clients;
}

static void session_beyond(struct handover *h)
{
	h->clients[0].login = h->n_sessions;
}

static void two_states(struct handover *h)
{
	h->clients[0].state = 5;
}

static void no_phase(struct handover *h)
{
	h->sessions[0].phase = 0;
}

static void no_process(struct handover *h)
{
	h->sessions[0].process.pid = 0;
}

static void nobodys_name(struct handover *h)
{
	free(h->sessions[0].account);
	h->sessions[0].account = NULL;
}

static void tool_without_descriptor(struct handover *h)
{
	h->callers[0].tool = 17;
}

static void test_what_cannot_be(void **state)
{
	void (*const changes[])(struct handover * h) = {same_descriptor,
							standard_error,
							no_descriptor,
							descriptor_beyond,
							client_beyond,
							session_beyond,
							two_states,
							no_phase,
							no_process,
							nobodys_name,
							tool_without_descriptor};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(changes); i++)
		refused(changes[i]);
}

static void test_parts_are_bounded(void **state)
{
	uint32_t n = HANDOVER_PARTS_MAX - 1;
	uint8_t *parts = calloc(HANDOVER_PARTS_MAX, 1);

	(void)state;
	assert_non_null(parts);
	assert_non_null(handover_add(&parts, &n, 1));
	assert_null(handover_add(&parts, &n, 1));
	assert_int_equal(n, HANDOVER_PARTS_MAX);
	free(parts);
}

static void note(void *data, int fd)
{
	uint64_t *seen = data;

	assert_true(fd >= 3 && fd < 64);
	assert_int_equal(*seen & UINT64_C(1) << fd, 0);
	*seen |= UINT64_C(1) << fd;
}

static void test_descriptors(void **state)
{
	struct handover h;
	uint64_t seen = 0;

	(void)state;
	fill(&h);
	handover_each_fd(&h, note, &seen);
	/* 3 to 8, three of the client, two of the session, three of keyd. */
	assert_true(seen ==
		    (UINT64_C(0x1f8) | UINT64_C(7) << 20 | UINT64_C(3) << 30 | UINT64_C(7) << 40));
	handover_finish(&h);
}

/* With a path: writes the seed of the fuzz target. */
static int write_seed(const char *path)
{
	FILE *out = fopen(path, "w");
	struct handover h;
	struct buf buf;

	if (!out)
		return 1;
	fill(&h);
	write_out(&h, &buf);
	fwrite(buf_data(&buf), 1, buf_len(&buf), out);
	buf_finish(&buf);
	handover_finish(&h);
	return fclose(out);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round),
		cmocka_unit_test(test_cut_short),
		cmocka_unit_test(test_format),
		cmocka_unit_test(test_what_cannot_be),
		cmocka_unit_test(test_parts_are_bounded),
		cmocka_unit_test(test_descriptors),
	};

	if (argc == 2)
		return write_seed(argv[1]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
