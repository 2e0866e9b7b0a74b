/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * From our pixels to a client's. A pixel goes through two steps: its colour becomes a number (the
 * client's pixel value, RFC 6143 7.4), and the number becomes bytes. Encoders look for palettes
 * among the numbers, since two of our colours may be one of the client's.
 */
#ifndef LAZARET_RFB_CONVERT_H
#define LAZARET_RFB_CONVERT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rfb/pixel_format.h"

enum convert_form {
	CONVERT_PIXEL, /* PIXEL: Raw, Cursor */
	CONVERT_CPIXEL, /* CPIXEL: ZRLE (RFC 6143 7.7.5) */
	CONVERT_TPIXEL, /* TPIXEL: Tight (rfbproto "Tight Encoding") */
};

struct convert {
	bool same; /* the number is our pixel itself */
	bool big_endian; /* order of the bytes */
	int bytes; /* of a pixel: 1 to 4 */
	uint32_t red[256], green[256], blue[256]; /* share of each colour in the number */
};

/* `format` is one that pixel_format_read() lets through. */
void convert_init(struct convert *convert, const struct pixel_format *format,
		  enum convert_form form);

/* Our pixels (top byte 0) to numbers; `to` and `from` may be the same. */
void convert_values(const struct convert *convert, const uint32_t *from, uint32_t *to,
		    size_t count);

/* Numbers to `count * bytes` bytes. */
void convert_pack(const struct convert *convert, const uint32_t *values, uint8_t *to, size_t count);

static inline uint32_t convert_value(const struct convert *convert, uint32_t pixel)
{
	return convert->same
		       ? pixel
		       : convert->red[pixel >> 16 & 0xff] | convert->green[pixel >> 8 & 0xff] |
				 convert->blue[pixel & 0xff];
}

#endif
