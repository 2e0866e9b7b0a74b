/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "rfb/jpeg_walk.h"

#include <errno.h>
#include <string.h>

#include "wire/cursor.h"

#define MARKER_SOF0 0xc0
#define MARKER_DHT 0xc4
#define MARKER_RST0 0xd0
#define MARKER_RST7 0xd7
#define MARKER_SOI 0xd8
#define MARKER_EOI 0xd9
#define MARKER_SOS 0xda
#define MARKER_DQT 0xdb
#define MARKER_DRI 0xdd
#define MARKER_APP0 0xe0 /* JFIF */
#define MARKER_APP14 0xee /* Adobe: which colour space */

void jpeg_walk_init(struct jpeg_walk *walk, uint16_t width, uint16_t height)
{
	*walk = (struct jpeg_walk){.width = width, .height = height};
}

static bool marker_allowed(const struct jpeg_walk *walk, uint8_t marker)
{
	switch (marker) {
	case MARKER_DHT:
	case MARKER_DQT:
	case MARKER_DRI:
	case MARKER_APP0:
	case MARKER_APP14:
		return true;
	case MARKER_SOF0:
		return walk->components == 0;
	case MARKER_SOS:
		return walk->components != 0;
	default:
		return false;
	}
}

static int begin_segment(struct jpeg_walk *walk)
{
	if (walk->left < 2)
		return -EPROTO;
	walk->left -= 2;
	walk->state = JPEG_SKIP;
	if (walk->marker == MARKER_SOF0) {
		if (walk->left != 6 + 3 && walk->left != 6 + 9)
			return -EPROTO;
		walk->frame_len = 0;
		walk->state = JPEG_FRAME;
	} else if (walk->marker == MARKER_SOS && walk->left != 4 + 2 * (size_t)walk->components) {
		return -EPROTO;
	}
	if (walk->left == 0)
		walk->state = JPEG_MARKER;
	return 0;
}

static bool sampling_ok(uint8_t factors, bool first)
{
	uint8_t h = factors >> 4, v = factors & 15;

	if (!first)
		return h == 1 && v == 1;
	return (h == 1 || h == 2 || h == 4) && (v == 1 || v == 2 || v == 4);
}

static int check_frame(struct jpeg_walk *walk)
{
	struct cursor c = cursor_over(walk->frame, walk->frame_len);
	uint8_t precision = cursor_u8(&c);
	uint16_t height = cursor_u16(&c);
	uint16_t width = cursor_u16(&c);
	uint8_t components = cursor_u8(&c);

	if (precision != 8 || width != walk->width || height != walk->height ||
	    walk->frame_len != 6 + 3 * (size_t)components)
		return -EPROTO;
	for (int i = 0; i < components; i++) {
		cursor_skip(&c, 1);
		if (!sampling_ok(cursor_u8(&c), i == 0))
			return -EPROTO;
		cursor_skip(&c, 1);
	}
	walk->components = components;
	return 0;
}

/* Runs of bytes that need no decision; returns how many were taken, at least 1. */
static size_t take_run(struct jpeg_walk *walk, const uint8_t *data, size_t len)
{
	const uint8_t *mark;

	if (walk->state == JPEG_SKIP) {
		size_t n = MIN(walk->left, len);

		walk->left -= n;
		if (walk->left == 0)
			walk->state = walk->marker == MARKER_SOS ? JPEG_SCAN : JPEG_MARKER;
		return n;
	}
	mark = memchr(data, 0xff, len);
	if (!mark)
		return len;
	walk->state = JPEG_SCAN_MARKER;
	return (size_t)(mark - data) + 1;
}

static int take_byte(struct jpeg_walk *walk, uint8_t byte)
{
	switch (walk->state) {
	case JPEG_SOI:
	case JPEG_MARKER:
		if (byte != 0xff)
			return -EPROTO;
		walk->state = walk->state == JPEG_SOI ? JPEG_SOI_LOW : JPEG_MARKER_LOW;
		return 0;
	case JPEG_SOI_LOW:
		walk->state = JPEG_MARKER;
		return byte == MARKER_SOI ? 0 : -EPROTO;
	case JPEG_MARKER_LOW:
		walk->marker = byte;
		walk->state = JPEG_LENGTH;
		return marker_allowed(walk, byte) ? 0 : -EPROTO;
	case JPEG_LENGTH:
		walk->left = (size_t)byte << 8;
		walk->state = JPEG_LENGTH_LOW;
		return 0;
	case JPEG_LENGTH_LOW:
		walk->left |= byte;
		return begin_segment(walk);
	case JPEG_FRAME:
		walk->frame[walk->frame_len++] = byte;
		if (walk->frame_len < walk->left)
			return 0;
		walk->state = JPEG_MARKER;
		return check_frame(walk);
	case JPEG_SCAN_MARKER:
		if (byte == MARKER_EOI)
			walk->state = JPEG_END;
		else if (byte == 0 || (byte >= MARKER_RST0 && byte <= MARKER_RST7))
			walk->state = JPEG_SCAN;
		else
			return -EPROTO;
		return 0;
	case JPEG_SKIP:
	case JPEG_SCAN:
	case JPEG_END:
		break;
	}
	return -EPROTO;
}

int jpeg_walk_feed(struct jpeg_walk *walk, const uint8_t *data, size_t len)
{
	while (len > 0) {
		size_t n = 1;
		int r = 0;

		if (walk->state == JPEG_SKIP || walk->state == JPEG_SCAN)
			n = take_run(walk, data, len);
		else
			r = take_byte(walk, data[0]);
		if (r < 0)
			return r;
		data += n;
		len -= n;
	}
	return 0;
}

bool jpeg_walk_done(const struct jpeg_walk *walk)
{
	return walk->state == JPEG_END;
}
