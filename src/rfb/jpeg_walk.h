/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The structure of one baseline JPEG picture (ITU-T T.81, annex B), checked while it passes:
 * SOI, tables, one SOF0 whose dimensions are the rectangle's, one scan, EOI as the last two bytes.
 * Tables and entropy-coded data are not looked into.
 */
#ifndef LAZARET_RFB_JPEG_WALK_H
#define LAZARET_RFB_JPEG_WALK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"

enum jpeg_state {
	JPEG_SOI,
	JPEG_SOI_LOW,
	JPEG_MARKER,
	JPEG_MARKER_LOW,
	JPEG_LENGTH,
	JPEG_LENGTH_LOW,
	JPEG_SKIP,
	JPEG_FRAME,
	JPEG_SCAN,
	JPEG_SCAN_MARKER,
	JPEG_END,
};

struct jpeg_walk {
	enum jpeg_state state;
	uint16_t width, height; /* pixels, of the rectangle */
	uint8_t marker; /* the segment that is being read */
	size_t left; /* bytes of it that are still to come */
	uint8_t frame[15]; /* body of SOF0: at most three components */
	size_t frame_len;
	uint8_t components; /* 0: no SOF0 yet */
};

void jpeg_walk_init(struct jpeg_walk *walk, uint16_t width, uint16_t height);

/* The next bytes, in order. 0, or -EPROTO: not a picture that we send. */
NODISCARD int jpeg_walk_feed(struct jpeg_walk *walk, const uint8_t *data, size_t len);

/* Whether the picture is whole, with nothing after its end. */
bool jpeg_walk_done(const struct jpeg_walk *walk);

#endif
