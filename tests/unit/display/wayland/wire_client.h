/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A Wayland client by hand, in the process of the compositor under test: it writes whatever bytes a
 * test likes, and sees errors and the end of its connection.
 */
#ifndef TESTS_WIRE_CLIENT_H
#define TESTS_WIRE_CLIENT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>

#include "display/wayland/internal.h"

struct server {
	struct wl_display *display;
	struct compositor *compositor;
	bool damaged;
};

void server_start(struct server *server);
void server_stop(struct server *server);
/* Lets the compositor handle what was sent, until nothing is left to do. */
void server_run(struct server *server);
/* Takes the picture and returns one pixel without its top byte. */
uint32_t server_pixel(struct server *server, int x, int y);

#define WIRE_GLOBALS 32

struct wire {
	struct server *server;
	int fd;
	uint32_t next_id; /* the next object's */
	uint32_t registry;
	struct {
		uint32_t name, version;
		char interface[64];
	} globals[WIRE_GLOBALS];
	int global_count;
	uint32_t configure_serial; /* of the last xdg_surface.configure */
	uint32_t xdg_surface; /* whose configure is watched */
	bool closed; /* the connection ended */
	uint32_t error_code; /* of wl_display.error */
	bool has_error;
	unsigned int events;
};

void wire_connect(struct wire *wire, struct server *server);
void wire_close(struct wire *wire);
/* Runs the server and reads what came. */
void wire_pump(struct wire *wire);
/* Bytes as they are. False: the other end is gone. */
bool wire_write(struct wire *wire, const void *data, size_t len, int fd);
/* A request: one uint32_t for each of the `count` arguments. */
bool wire_send(struct wire *wire, uint32_t object, uint32_t opcode, int count, ...);
/* Binds a global, returns the new object. 0: there is no such global. */
uint32_t wire_bind(struct wire *wire, const char *interface, uint32_t version);
/* wl_shm: a pool over fd, a buffer in it; returns the object. */
uint32_t wire_pool(struct wire *wire, uint32_t shm, int fd, uint32_t size);
uint32_t wire_buffer(struct wire *wire, uint32_t pool, int width, int height);
/* A file of `size` bytes whose pixels are all `pixel`; 0 leaves it sparse. */
int wire_file(size_t size, uint32_t pixel);

#endif
