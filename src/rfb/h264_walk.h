/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Walks the units of a coded frame as it passes (ITU-T H.264, Annex B and 7.3): what a decoder on the
 * workstation is given must be one frame of the rectangle's size. There are viewers that make room for
 * the rectangle and write what the stream says.
 */
#ifndef LAZARET_RFB_H264_WALK_H
#define LAZARET_RFB_H264_WALK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"

/* Bytes of a sequence parameter set; ours have less than 40. */
#define H264_WALK_PARAMETERS_MAX 64
/* Pictures that a decoder has to keep; ours needs one. */
#define H264_WALK_REFERENCES_MAX 4

enum h264_walk_state {
	H264_START, /* the first start code */
	H264_HEADER, /* a unit's first byte */
	H264_BODY,
};

struct h264_walk {
	uint16_t width, height; /* pixels, of the rectangle */
	bool key; /* the decoder begins anew, so it has to be a key frame */
	enum h264_walk_state state;
	unsigned int zeros; /* in a row, up to now */
	uint8_t type; /* of the unit */
	bool has_sequence, has_picture, has_slice; /* units that were seen */
	uint8_t parameters[H264_WALK_PARAMETERS_MAX];
	size_t parameters_len;
};

void h264_walk_init(struct h264_walk *walk, uint16_t width, uint16_t height, bool key);

/* The next bytes, in order. 0, or -EPROTO: not a frame that we send. */
NODISCARD int h264_walk_feed(struct h264_walk *walk, const uint8_t *data, size_t len);

/* Whether what came is a frame. */
bool h264_walk_done(const struct h264_walk *walk);

#endif
