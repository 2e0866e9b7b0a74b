/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a viewer may be sent, read as strictly as can be: written from the specifications (RFC 6143
 * and rfbproto), on purpose without a line of src/rfb.
 */
#ifndef LAZARET_TESTS_STRICT_H
#define LAZARET_TESTS_STRICT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum strict_result { STRICT_WHOLE, STRICT_CUT, STRICT_BAD };

struct strict {
	/* What the viewer listed: it understands Tight, ZRLE, CopyRect, cursors, sizes, fences … */
	bool all;
	bool jpeg, text;
	int bytes_per_pixel; /* 4, or 2 */
	const char *name; /* of the desktop */
	/* Found */
	unsigned int width, height;
	unsigned long messages, rects[16];
	const char *problem;
};

/* Reads from ServerInit to the end: whole messages, or the last one cut off. */
enum strict_result strict_read(struct strict *s, const uint8_t *data, size_t len);

#endif
