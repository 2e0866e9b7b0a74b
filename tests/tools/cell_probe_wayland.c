/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A Wayland client that allocates without end, on the wire: several connections, each opened again
 * when the display has had enough of it. */
#include "cell_probe.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define WIDTH 4096
#define HEIGHT 2048
#define STRIDE (WIDTH * 4)
#define FRAME ((size_t)STRIDE * HEIGHT)

struct client {
	int fd;
	uint32_t next; /* object */
	uint32_t compositor, shm;
	size_t had; /* bytes of buffers that were committed */
};

static int put(struct client *c, uint32_t object, uint16_t opcode, const uint32_t *args, size_t n,
	       int pass)
{
	uint32_t words[16] = {object, (uint32_t)((8 + n * 4) << 16) | opcode};
	struct iovec body = {words, 8 + n * 4};
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(int))];
	} control = {.header = {.cmsg_len = CMSG_LEN(sizeof(int)),
				.cmsg_level = SOL_SOCKET,
				.cmsg_type = SCM_RIGHTS}};
	struct msghdr message = {.msg_iov = &body, .msg_iovlen = 1};

	memcpy(words + 2, args, n * 4);
	if (pass >= 0) {
		memcpy(CMSG_DATA(&control.header), &pass, sizeof(pass));
		message.msg_control = &control;
		message.msg_controllen = sizeof(control);
	}
	return sendmsg(c->fd, &message, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

/* wl_registry.bind of a global that was announced under `name`. */
static int bind_global(struct client *c, uint32_t name, const char *interface, uint32_t *ret_id)
{
	uint32_t args[16] = {name, (uint32_t)strlen(interface) + 1};
	size_t words = (strlen(interface) + 4) / 4;

	memcpy(args + 2, interface, strlen(interface));
	args[2 + words] = 1;
	args[3 + words] = *ret_id = c->next++;
	return put(c, 2, 0, args, 4 + words, -1);
}

/* Globals come as events of object 2: name, interface, version. */
static int find_globals(struct client *c)
{
	static char data[65536];
	size_t len = 0, at = 0;

	while (!c->compositor || !c->shm) {
		ssize_t n = read(c->fd, data + len, sizeof(data) - len);

		if (n <= 0)
			return -EPIPE;
		len += (size_t)n;
		while (len - at >= 8) {
			uint32_t words[64] = {0};
			uint32_t size = 0;

			memcpy(words, data + at, 8);
			size = words[1] >> 16;
			if (size < 8 || len - at < size)
				break;
			memcpy(words, data + at, MIN(size, sizeof(words) - 4));
			at += size;
			if (words[0] == 2 && strcmp((char *)(words + 4), "wl_compositor") == 0 &&
			    bind_global(c, words[2], "wl_compositor", &c->compositor) < 0)
				return -EPIPE;
			if (words[0] == 2 && strcmp((char *)(words + 4), "wl_shm") == 0 &&
			    bind_global(c, words[2], "wl_shm", &c->shm) < 0)
				return -EPIPE;
		}
	}
	return 0;
}

static int open_client(struct client *c)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};

	*c = (struct client){.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), .next = 3};
	snprintf(to.sun_path, sizeof(to.sun_path), "%s/wayland-0", getenv("XDG_RUNTIME_DIR"));
	if (c->fd < 0 || connect(c->fd, (struct sockaddr *)&to, sizeof(to)) < 0)
		return -errno;
	if (put(c, 1, 1, (uint32_t[]){2}, 1, -1) < 0)
		return -EPIPE;
	return find_globals(c);
}

/* One more surface with a picture of its own. */
static int allocate(struct client *c, int memory)
{
	uint32_t pool = c->next++, buffer = c->next++, surface = c->next++;
	int r = put(c, c->shm, 0, (uint32_t[]){pool, (uint32_t)FRAME}, 2, memory);

	if (r == 0)
		r = put(c, pool, 0, (uint32_t[]){buffer, 0, WIDTH, HEIGHT, STRIDE, 1}, 6, -1);
	if (r == 0)
		r = put(c, c->compositor, 0, (uint32_t[]){surface}, 1, -1);
	if (r == 0)
		r = put(c, surface, 1, (uint32_t[]){buffer, 0, 0}, 3, -1);
	if (r == 0)
		r = put(c, surface, 2, (uint32_t[]){0, 0, WIDTH, HEIGHT}, 4, -1);
	if (r == 0)
		r = put(c, surface, 6, NULL, 0, -1);
	if (r == 0)
		c->had += FRAME;
	return r;
}

static void one_client(void)
{
	int memory = memfd_create("picture", MFD_CLOEXEC);

	if (memory < 0 || ftruncate(memory, (off_t)FRAME) < 0)
		_exit(2);
	for (;;) {
		struct client c;
		int r = open_client(&c);

		while (r == 0)
			r = allocate(&c, memory);
		tell("cut", "%zu bytes, %s", c.had, strerror(-r));
		if (c.fd >= 0)
			close(c.fd);
		/* Without a display nothing is left to be done. */
		if (r == -ENOENT || r == -ECONNREFUSED)
			_exit(0);
		usleep(10000);
	}
}

void probe_wayland_bomb(long clients)
{
	for (long i = 0; i < clients; i++) {
		if (fork() == 0)
			one_client();
	}
	for (;;)
		pause();
}
