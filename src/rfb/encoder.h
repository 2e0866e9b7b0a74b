/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Encoders: one table of functions each. An encoder holds what one client connection needs (zlib
 * streams), and appends whole rectangles (RFC 6143 7.6.1: header and data) to a buffer.
 */
#ifndef LAZARET_RFB_ENCODER_H
#define LAZARET_RFB_ENCODER_H

#include <pixman.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "rfb/pixel_format.h"
#include "wire/buf.h"

/* One rectangle to be coded, and how. */
struct encoder_job {
	const struct picture *picture; /* top byte of each pixel 0 (compare_copy()) */
	pixman_box32_t box; /* not empty, inside the picture */
	const struct pixel_format *format; /* the client's */
	int compress; /* 0 to 2 */
	int quality; /* 0 to 9 if this rectangle may be lossy, else -1 */
	bool film; /* it is part of one: what looks like text in it is as lossy as the rest */
};

/* What came of it. An encoder may split the rectangle. */
struct encoder_result {
	unsigned int rects; /* rectangles that were appended */
	pixman_region32_t *lossy; /* boxes that were coded with loss are added; initialised by the
				   * caller */
};

/* First member of what each encoder has. */
struct encoder {
	const struct encoder_impl *impl;
};

struct encoder_impl {
	const char *name;
	int32_t encoding; /* number in the rectangles' headers */
	int spare; /* unchanged pixels that cost about as much as one rectangle more */

	/* A fresh encoder: its streams begin anew. 0 or -ENOMEM. */
	int (*create)(struct encoder **ret_encoder);
	/* NULL is allowed. */
	void (*destroy)(struct encoder *encoder);
	/*
	 * Appends the rectangle. On success `result->rects` grew. Fails with -ENOMEM or -ENOBUFS;
	 * `out` then has what it had before or whole rectangles more, as `rects` says, and no
	 * sticky error. Either way the streams fit what is in `out`, so a caller must send every
	 * byte of it.
	 */
	int (*encode)(struct encoder *encoder, const struct encoder_job *job, struct buf *out,
		      struct encoder_result *result);
};

extern const struct encoder_impl encoder_raw, encoder_zrle, encoder_tight;

/* The table for an encoding number; Raw for numbers that have none. */
const struct encoder_impl *encoder_find(int32_t encoding);

/* A rectangle's header: 12 bytes (RFC 6143 7.6.1). */
void encoder_put_header(struct buf *out, const pixman_box32_t *box, int32_t encoding);

/* For encoders: takes back what was appended since `out` had `len` bytes, and the sticky error,
 * which is returned. */
int encoder_undo(struct buf *out, size_t len);

/* CopyRect (RFC 6143 7.7.2): 16 bytes; the source is `dst` moved back by (dx, dy). */
void encoder_put_copy(struct buf *out, const pixman_box32_t *dst, int dx, int dy);

#endif
