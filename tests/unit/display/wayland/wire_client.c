/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "wire_client.h"

#include <cmocka.h>

/* ---- server -------------------------------------------------------------------------------- */

static void handle_damaged(void *data)
{
	struct server *server = data;

	server->damaged = true;
}

static const struct compositor_impl impl = {.damaged = handle_damaged};

void server_start(struct server *server)
{
	struct compositor_config config = {.width = 640, .height = 480, .scale120 = 120};

	server->damaged = false;
	server->display = config.display = wl_display_create();
	assert_non_null(server->display);
	assert_int_equal(compositor_create(&config, &impl, server, &server->compositor), 0);
	compositor_set_visible(server->compositor, true);
}

void server_stop(struct server *server)
{
	compositor_destroy(server->compositor);
	wl_display_destroy(server->display);
}

void server_run(struct server *server)
{
	/* A dispatch handles at most 4096 bytes of a client. */
	for (int i = 0; i < 64; i++) {
		wl_display_flush_clients(server->display);
		wl_event_loop_dispatch(wl_display_get_event_loop(server->display), 0);
	}
	wl_display_flush_clients(server->display);
}

uint32_t server_pixel(struct server *server, int x, int y)
{
	pixman_region32_t damage;
	struct picture picture;

	pixman_region32_init(&damage);
	assert_int_equal(compositor_picture(server->compositor, &picture, &damage), 0);
	pixman_region32_fini(&damage);
	return picture.pixels[y * picture.stride + x] & 0xffffff;
}

/* ---- events -------------------------------------------------------------------------------- */

static void take_global(struct wire *wire, const uint32_t *args, size_t words)
{
	if (wire->global_count == WIRE_GLOBALS || words < 4)
		return;
	wire->globals[wire->global_count].name = args[0];
	strncpy(wire->globals[wire->global_count].interface, (const char *)&args[2], 63);
	wire->globals[wire->global_count].version = args[words - 1];
	wire->global_count++;
}

static void take_event(struct wire *wire, uint32_t object, uint32_t opcode, const uint32_t *args,
		       size_t words)
{
	wire->events++;
	if (object == 1 && opcode == 0) {
		wire->has_error = true;
		wire->error_code = args[1];
	} else if (object == wire->registry && opcode == 0) {
		take_global(wire, args, words);
	} else if (object == wire->xdg_surface && object && opcode == 0) {
		wire->configure_serial = args[0];
	}
}

static ssize_t receive(struct wire *wire, void *data, size_t size)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(28 * sizeof(int))];
	} control;
	struct iovec iov = {data, size};
	struct msghdr message = {.msg_iov = &iov,
				 .msg_iovlen = 1,
				 .msg_control = &control,
				 .msg_controllen = sizeof(control)};
	ssize_t n = recvmsg(wire->fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

	if (n <= 0)
		return n;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&message); c; c = CMSG_NXTHDR(&message, c)) {
		int fds[28];
		size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);

		memcpy(fds, CMSG_DATA(c), count * sizeof(int));
		for (size_t i = 0; i < count; i++)
			close(fds[i]);
	}
	return n;
}

void wire_pump(struct wire *wire)
{
	static uint32_t buffer[1 << 16];
	size_t have = 0;
	ssize_t n;

	server_run(wire->server);
	for (;;) {
		size_t done = 0;

		n = receive(wire, (char *)buffer + have, sizeof(buffer) - have);
		if (n <= 0)
			break;
		have += (size_t)n;
		while (have - done >= 8) {
			const uint32_t *head = (const uint32_t *)((char *)buffer + done);
			size_t size = head[1] >> 16;

			if (size < 8 || have - done < size)
				break;
			take_event(wire, head[0], head[1] & 0xffff, head + 2, (size - 8) / 4);
			done += size;
		}
		memmove(buffer, (char *)buffer + done, have - done);
		have -= done;
		server_run(wire->server);
	}
	if (n == 0 || (n < 0 && errno != EAGAIN))
		wire->closed = true;
}

/* ---- requests ------------------------------------------------------------------------------ */

bool wire_write(struct wire *wire, const void *data, size_t len, int fd)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = {0};
	struct iovec iov = {(void *)data, len};
	struct msghdr message = {.msg_iov = &iov, .msg_iovlen = 1};

	if (fd >= 0) {
		message.msg_control = &control;
		message.msg_controllen = sizeof(control);
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(&control.header), &fd, sizeof(int));
	}
	for (int tries = 0; tries < 100; tries++) {
		ssize_t n = sendmsg(wire->fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n == (ssize_t)len)
			return true;
		if (n >= 0 || errno != EAGAIN)
			return false;
		wire_pump(wire);
	}
	return false;
}

bool wire_send(struct wire *wire, uint32_t object, uint32_t opcode, int count, ...)
{
	uint32_t words[32] = {object, (uint32_t)(8 + count * 4) << 16 | opcode};
	va_list args;

	va_start(args, count);
	for (int i = 0; i < count; i++)
		words[2 + i] = va_arg(args, uint32_t);
	va_end(args);
	return wire_write(wire, words, (size_t)(8 + count * 4), -1);
}

uint32_t wire_bind(struct wire *wire, const char *interface, uint32_t version)
{
	uint32_t words[32] = {wire->registry}, len = (uint32_t)strlen(interface) + 1, at = 4;

	for (int i = 0; i < wire->global_count; i++) {
		if (strcmp(wire->globals[i].interface, interface) != 0)
			continue;
		words[2] = wire->globals[i].name;
		words[3] = len;
		memcpy(&words[at], interface, len);
		at += (len + 3) / 4;
		words[at++] = version ? version : wire->globals[i].version;
		words[at++] = wire->next_id;
		words[1] = at * 4 << 16;
		wire_write(wire, words, at * 4, -1);
		return wire->next_id++;
	}
	return 0;
}

uint32_t wire_pool(struct wire *wire, uint32_t shm, int fd, uint32_t size)
{
	uint32_t words[4] = {shm, 16u << 16, wire->next_id, size};

	wire_write(wire, words, sizeof(words), fd);
	return wire->next_id++;
}

uint32_t wire_buffer(struct wire *wire, uint32_t pool, int width, int height)
{
	wire_send(wire, pool, 0, 6, wire->next_id, 0, width, height, width * 4,
		  WL_SHM_FORMAT_XRGB8888);
	return wire->next_id++;
}

int wire_file(size_t size, uint32_t pixel)
{
	int fd = memfd_create("pixels", MFD_CLOEXEC);
	uint32_t *pixels;

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, (off_t)size), 0);
	if (!pixel)
		return fd;
	pixels = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	assert_true(pixels != MAP_FAILED);
	for (size_t i = 0; i < size / 4; i++)
		pixels[i] = pixel;
	munmap(pixels, size);
	return fd;
}

void wire_connect(struct wire *wire, struct server *server)
{
	int ends[2];

	*wire = (struct wire){.server = server, .next_id = 3, .registry = 2};
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	assert_non_null(wl_client_create(server->display, ends[0]));
	wire->fd = ends[1];
	wire_send(wire, 1, 1, 1, wire->registry);
	wire_pump(wire);
	assert_false(wire->closed);
}

void wire_close(struct wire *wire)
{
	close(wire->fd);
	server_run(wire->server);
}
