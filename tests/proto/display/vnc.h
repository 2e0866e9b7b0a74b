/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A viewer by an independent hand: libvncclient, behind a gateway that only shakes hands. */
#ifndef LAZARET_TESTS_PROTO_DISPLAY_VNC_H
#define LAZARET_TESTS_PROTO_DISPLAY_VNC_H

#include <stdbool.h>
#include <stdint.h>

#include "harness.h"

struct _rfbClient;

struct vnc {
	struct _rfbClient *client;
	bool closed;
	int copies; /* CopyRect rectangles that came */
	int updates;
	int cursors, cursor_width, cursor_height;
};

struct vnc_options {
	const char *encodings; /* "tight copyrect" */
	int quality; /* 0 to 9; -1: lossless */
	bool no_cursor; /* the server draws the pointer */
};

/* Attaches to the display; fails the test if that does not work. */
void vnc_open(struct vnc *vnc, struct harness *harness, const struct vnc_options *options);
void vnc_close(struct vnc *vnc);

struct harness_source vnc_source(struct vnc *vnc);

/* Whether the whole framebuffer is `pixels`, of this size, top bytes aside. */
bool vnc_shows(const struct vnc *vnc, const uint32_t *pixels, int width, int height);
/* The first pixel that differs, for messages: false if none. */
bool vnc_first_difference(const struct vnc *vnc, const uint32_t *pixels, int width, int height,
			  int *ret_x, int *ret_y);
uint32_t vnc_pixel(const struct vnc *vnc, int x, int y);

#endif
