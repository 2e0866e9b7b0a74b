/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Pointer shapes: Cursor (RFC 6143 7.8.1) and CursorWithAlpha (rfbproto), as FramebufferUpdate
 * messages of one rectangle.
 */
#ifndef LAZARET_RFB_CURSOR_RECT_H
#define LAZARET_RFB_CURSOR_RECT_H

#include <stdint.h>

#include "rfb/pixel_format.h"
#include "wire/buf.h"

#define CURSOR_SIDE_MAX 256

/* Width 0 and height 0: no pointer is shown. */
struct cursor_image {
	const uint32_t *pixels; /* host order 0xAARRGGBB, colours premultiplied by alpha */
	int width, height; /* 0 to CURSOR_SIDE_MAX */
	int stride; /* pixels */
	int hot_x, hot_y; /* inside the image */
};

/*
 * Appends a message with the Cursor pseudo-rectangle in the client's pixel format; a pixel is
 * shown if its alpha is at least half, with its colour unmultiplied. Errors are sticky in `out`.
 */
void cursor_rect_put(struct buf *out, const struct cursor_image *image,
		     const struct pixel_format *format);

/* The same by CursorWithAlpha: Raw inside, bytes R, G, B, A, premultiplied. */
void cursor_rect_put_alpha(struct buf *out, const struct cursor_image *image);

#endif
