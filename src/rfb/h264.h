/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A coder of one moving rectangle: H.264 (ITU-T H.264), constrained baseline profile as the Open H.264
 * encoding of RFB wants it, Annex B. Each frame comes out at once and in one slice: some viewers take
 * each slice for a frame. No threads, no files, no system calls but for memory.
 *
 * The stream says what its colours are (Annex E): sRGB primaries and transfer, matrix of BT.601, full
 * range; see yuv.h for why.
 */
#ifndef LAZARET_RFB_H264_H
#define LAZARET_RFB_H264_H

#include <pixman.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "rfb/pixel_format.h"
#include "wire/buf.h"

/* Shorter sides are refused. */
#define H264_SIDE_MIN 16
/* No stream is faster, whatever the line takes: what is worse than that is noise. */
#define H264_BITS_PER_SECOND_MAX 24000000
#define H264_BITS_PER_SECOND_MIN 100000

struct h264;

struct h264_frame {
	const struct picture *picture;
	pixman_box32_t box; /* of the coder's size, inside the picture */
	uint64_t time; /* monotonic microseconds */
	int quality; /* 0 to 9, as the levels of JPEG */
	uint64_t bits_per_second; /* what the line takes; 0: as much as we like */
	bool key; /* for a decoder that knows nothing */
};

/* A coder for rectangles of this size. 0, -EINVAL (odd, too short or longer than RFB_SIDE_MAX) or
 * -ENOMEM. */
NODISCARD int h264_create(struct h264 **ret_h264, int width, int height);
/* NULL is allowed. */
void h264_destroy(struct h264 *h264);

/*
 * Appends one coded frame, which begins with parameter sets if it is a key frame; the first always
 * is. At most RFB_H264_BYTES_MAX. -ENOMEM, -ENOBUFS or -EMSGSIZE (more than that): `out` is as before
 * without a sticky error, and the next frame has to be a key frame, which it then is by itself.
 */
NODISCARD int h264_encode(struct h264 *h264, const struct h264_frame *frame, struct buf *out);

#endif
