/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Pixel formats (RFC 6143 7.4) and the picture that everything here works on.
 *
 * Inside the system a pixel is a host-order uint32_t 0xXXRRGGBB; the top byte is ignored.
 */
#ifndef LAZARET_RFB_PIXEL_FORMAT_H
#define LAZARET_RFB_PIXEL_FORMAT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "wire/buf.h"
#include "wire/cursor.h"

/* A borrowed view of pixels; rows are `stride` pixels apart (not bytes). */
struct picture {
	uint32_t *pixels;
	int width, height; /* pixels, 1 to RFB_SIDE_MAX */
	int stride; /* pixels, >= width */
};

struct pixel_format {
	uint8_t bits_per_pixel; /* 8, 16 or 32 */
	uint8_t depth;
	bool big_endian;
	bool true_colour;
	uint16_t red_max, green_max, blue_max;
	uint8_t red_shift, green_shift, blue_shift;
};

/* What the server starts with: 32 bits, depth 24, little endian, 0x00RRGGBB. */
extern const struct pixel_format pixel_format_default;

/* Reads 16 bytes; 0, or -EPROTO if it is cut short or is no true-colour format that we serve
 * (8, 16 or 32 bits; each max of the form 2^n - 1; fields inside the pixel, not overlapping). */
NODISCARD int pixel_format_read(struct cursor *c, struct pixel_format *ret_format);
void pixel_format_put(struct buf *out, const struct pixel_format *format);
bool pixel_format_equal(const struct pixel_format *a, const struct pixel_format *b);

/* Bytes of a pixel, of ZRLE's CPIXEL (RFC 6143 7.7.5) and of Tight's TPIXEL (rfbproto "Tight"). */
int pixel_format_bytes(const struct pixel_format *format);
int pixel_format_cpixel_bytes(const struct pixel_format *format);
int pixel_format_tpixel_bytes(const struct pixel_format *format);

#endif
