/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "harness.h"

#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/mem.h"
#include "base/str.h"
#include "conf/conf.h"
#include "ipc/channel.h"

const char *harness_program;

/* --- start ------------------------------------------------------------------------------------ */

static int make_config(const char *extra)
{
	_cleanup_conf_ struct conf *conf = conf_create();
	_cleanup_buf_ struct buf body;
	int fd;

	assert_non_null(conf);
	if (extra)
		assert_int_equal(conf_read_text(conf, "test", extra, stderr), 0);
	buf_init(&body, 1 << 20);
	conf_put(conf, CONF_FOR_SESSION, &body);
	buf_put_u32(&body, HARNESS_UID);
	buf_put_u32(&body, HARNESS_UID);
	buf_put_str(&body, "test-session");
	assert_int_equal(buf_error(&body), 0);
	fd = fd_memfd("config", buf_data(&body), buf_len(&body));
	assert_true(fd >= 0);
	return fd;
}

static int make_socket(struct harness *harness)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(harness->folder, sizeof(harness->folder), "%s", "/tmp/display-test-XXXXXX");
	assert_non_null(mkdtemp(harness->folder));
	snprintf(harness->socket, sizeof(harness->socket), "%s/wayland", harness->folder);
	(void)str_copy(address.sun_path, sizeof(address.sun_path), harness->socket);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(fd, 16), 0);
	return fd;
}

static bool is_ready(void *data)
{
	struct harness *harness = data;

	return harness->heard.ready > 0 || harness->gone;
}

void harness_start(struct harness *harness, const char *program, const char *extra)
{
	int pair[2], fds[3];
	struct spawn spec = {
		.path = program,
		.fds = fds,
		.n_fds = 3,
		.stderr_fd = -1,
		.die_with_parent = true,
	};

	*harness = (struct harness){.draws_text = true};
	assert_int_equal(ipc_pair(pair), 0);
	fds[0] = pair[1];
	fds[1] = make_config(extra);
	fds[2] = make_socket(harness);
	assert_int_equal(spawn(&spec, &harness->child), 0);
	for (int i = 0; i < 3; i++)
		fd_close(fds[i]);
	harness->channel = pair[0];
	assert_true(harness_pump(harness, NULL, 0, is_ready, harness, 10000));
	assert_false(harness->gone);
}

bool harness_alive(const struct harness *harness)
{
	struct pollfd p = {.fd = harness->child.pidfd, .events = POLLIN};

	return poll(&p, 1, 0) == 0;
}

void harness_stop(struct harness *harness)
{
	struct pollfd p = {.fd = harness->child.pidfd, .events = POLLIN};
	int status = -1;
	char text[48];

	fd_close(harness->channel);
	assert_int_equal(poll(&p, 1, 10000), 1);
	assert_int_equal(child_reap(&harness->child, &status), 0);
	unlink(harness->socket);
	rmdir(harness->folder);
	child_describe(status, text, sizeof(text));
	assert_string_equal(text, "exit 0");
}

/* --- the session ------------------------------------------------------------------------------ */

static void send_message(struct harness *harness, enum ipc_type type, const struct buf *body,
			 int fd)
{
	int r;

	do
		r = ipc_send(harness->channel, type, body, &fd, fd >= 0);
	while (r == -EAGAIN);
	assert_int_equal(r, 0);
}

void harness_attach(struct harness *harness, int fd, const char *address)
{
	_cleanup_buf_ struct buf body;

	buf_init(&body, 1024);
	buf_put_str(&body, address);
	send_message(harness, IPC_DISPLAY_ATTACH, &body, fd);
}

void harness_detach(struct harness *harness, const char *reason)
{
	_cleanup_buf_ struct buf body;

	buf_init(&body, 4096);
	buf_put_str(&body, reason);
	send_message(harness, IPC_DISPLAY_DETACH, &body, -1);
}

void harness_notice(struct harness *harness, enum display_notice where, int width, int height,
		    uint32_t colour)
{
	size_t count = (size_t)width * (size_t)height;
	_cleanup_free_ uint32_t *pixels = calloc(count + 1, sizeof(*pixels));
	_cleanup_buf_ struct buf body;
	_cleanup_fd_ int fd = -1;

	assert_non_null(pixels);
	for (size_t i = 0; i < count; i++)
		pixels[i] = colour;
	if (height > 0)
		fd = fd_memfd("notice", pixels, count * sizeof(*pixels));
	buf_init(&body, 64);
	buf_put_u32(&body, (uint32_t)width);
	buf_put_u32(&body, (uint32_t)height);
	buf_put_u8(&body, (uint8_t)where);
	send_message(harness, IPC_DISPLAY_NOTICE, &body, fd);
}

static void hear_text(char *out, size_t size, struct cursor *body)
{
	_cleanup_free_ char *text = cursor_str(body, 1024);

	assert_non_null(text);
	(void)str_copy(out, size, text);
}

static void hear_wants_text(struct harness *harness, struct cursor *body)
{
	struct harness_heard *heard = &harness->heard;
	uint8_t where;

	hear_text(heard->text, sizeof(heard->text), body);
	heard->text_width = cursor_u32(body);
	where = cursor_u8(body);
	heard->wants_text++;
	if (harness->draws_text)
		harness_notice(harness, where, (int)heard->text_width, 60, 0xffffff);
}

static void hear(struct harness *harness, struct ipc_message *message)
{
	struct harness_heard *heard = &harness->heard;

	switch (message->type) {
	case IPC_DISPLAY_READY:
		heard->ready++;
		break;
	case IPC_DISPLAY_DETACHED:
		(void)cursor_u32(&message->body);
		hear_text(heard->reason, sizeof(heard->reason), &message->body);
		heard->detached++;
		break;
	case IPC_DISPLAY_WINDOWS:
		heard->n_windows = cursor_u32(&message->body);
		heard->windows++;
		break;
	case IPC_DISPLAY_FIRST_PICTURE:
		heard->first_picture++;
		break;
	case IPC_DISPLAY_WANTS_TEXT:
		hear_wants_text(harness, &message->body);
		break;
	default:
		fail_msg("unexpected message %s", ipc_type_name(message->type));
	}
	assert_true(cursor_done(&message->body));
}

static void serve_channel(struct harness *harness)
{
	static uint8_t storage[IPC_BODY_MAX + 4];
	struct ipc_message message;
	int r = ipc_recv(harness->channel, storage, &message);

	if (r == -EAGAIN)
		return;
	if (r < 0) {
		harness->gone = true;
		return;
	}
	hear(harness, &message);
	ipc_message_finish(&message);
}

/* --- waiting ---------------------------------------------------------------------------------- */

bool harness_pump(struct harness *harness, struct harness_source *sources, size_t n_sources,
		  bool (*done)(void *data), void *data, int timeout_ms)
{
	uint64_t deadline = clock_now() + (uint64_t)timeout_ms * USEC_PER_MSEC;
	struct pollfd polls[8];

	assert_true(n_sources < 8);
	for (;;) {
		uint64_t now = clock_now();
		int n;

		if (done && done(data))
			return true;
		if (now >= deadline)
			return !done;
		polls[0] = (struct pollfd){.fd = harness->gone ? -1 : harness->channel,
					   .events = POLLIN};
		for (size_t i = 0; i < n_sources; i++)
			polls[i + 1] = (struct pollfd){.fd = sources[i].fd,
						       .events = sources[i].events};
		n = poll(polls, n_sources + 1, (int)((deadline - now) / 1000 + 1));
		assert_true(n >= 0 || errno == EINTR);
		if (n > 0 && polls[0].revents)
			serve_channel(harness);
		for (size_t i = 0; n > 0 && i < n_sources; i++) {
			if (polls[i + 1].revents)
				sources[i].ready(sources[i].data);
		}
	}
}
