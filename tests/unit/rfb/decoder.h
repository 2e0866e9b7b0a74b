/* SPDX-License-Identifier: GPL-3.0-or-later */
/* An independent RFB client (libvncclient) at the other end of a socket pair. */
#ifndef LAZARET_TESTS_RFB_DECODER_H
#define LAZARET_TESTS_RFB_DECODER_H

#include <stdbool.h>
#include <stdint.h>

#include "rfb/pixel_format.h"
#include "wire/buf.h"

struct _rfbClient;

struct decoder {
	struct _rfbClient *client;
	int fd; /* the server's end */
	struct pixel_format format;
	int cursors; /* shapes that came */
	int cursor_width, cursor_height, hot_x, hot_y;
	int copies; /* CopyRect rectangles that came */
};

/* Goes through the handshake for a picture of this size. */
void decoder_init(struct decoder *decoder, int width, int height,
		  const struct pixel_format *format);
void decoder_finish(struct decoder *decoder);

/* Lets the client take one message; fails the test if it refuses it or wants more bytes. */
void decoder_feed(struct decoder *decoder, struct buf *message);

int decoder_width(const struct decoder *decoder);
int decoder_height(const struct decoder *decoder);

/* A pixel as it lies in the client's memory. */
uint32_t decoder_pixel(const struct decoder *decoder, int x, int y);

/* Fails the test unless the client shows `picture`. With `rgb_order` pixels came as Tight's three
 * bytes, which the client stores in its own byte order, whatever the format says. */
void decoder_assert_picture(const struct decoder *decoder, const struct picture *picture,
			    bool rgb_order);

#endif
