/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "rfb/h264_walk.h"

#include <errno.h>

#include "base/mem.h"

/* Table 7-1 */
enum unit_type {
	UNIT_SLICE = 1,
	UNIT_SLICE_IDR = 5,
	UNIT_SEQUENCE = 7,
	UNIT_PICTURE = 8,
};

#define PROFILE_BASELINE 66
#define MACROBLOCK 16
#define CROP_UNIT 2 /* pixels, in 4:2:0 with frames only (7.4.2.1.1) */
#define START_ZEROS_MAX 3

void h264_walk_init(struct h264_walk *walk, uint16_t width, uint16_t height, bool key)
{
	*walk = (struct h264_walk){.width = width, .height = height, .key = key};
}

/* --- the sequence parameter set (7.3.2.1.1) --------------------------------------------------- */

/* Bits of a unit from which the bytes were taken that keep start codes apart. */
struct bits {
	uint8_t data[H264_WALK_PARAMETERS_MAX];
	size_t len; /* bytes */
	size_t at; /* bits */
	bool failed;
};

static void load_bits(struct bits *bits, const uint8_t *data, size_t len)
{
	unsigned int zeros = 0;

	*bits = (struct bits){0};
	for (size_t i = 0; i < len; i++) {
		bool guard = zeros >= 2 && data[i] == 3;

		zeros = data[i] == 0 ? zeros + 1 : 0;
		if (!guard)
			bits->data[bits->len++] = data[i];
	}
}

static uint32_t read_bits(struct bits *bits, unsigned int count)
{
	uint32_t value = 0;

	while (count--) {
		if (bits->at >= bits->len * 8) {
			bits->failed = true;
			return 0;
		}
		value = value << 1 | (bits->data[bits->at / 8] >> (7 - bits->at % 8) & 1);
		bits->at++;
	}
	return value;
}

/* ue(v): 9.1. Numbers of more than 16 bits occur nowhere here. */
static uint32_t read_number(struct bits *bits)
{
	unsigned int zeros = 0;

	while (!bits->failed && read_bits(bits, 1) == 0)
		zeros++;
	if (zeros > 16)
		bits->failed = true;
	return bits->failed ? 0 : (UINT32_C(1) << zeros) - 1 + read_bits(bits, zeros);
}

/* Order of pictures: type 0 says one number more; 1, which baseline coders do not use, many. */
static void read_order(struct bits *bits)
{
	uint32_t type = read_number(bits);

	if (type == 0)
		(void)read_number(bits);
	else if (type != 2)
		bits->failed = true;
}

/* Width or height in pixels from its number of macroblocks and what is cropped on both sides. */
static bool size_fits(uint32_t macroblocks, uint32_t first, uint32_t second, uint16_t wanted)
{
	return macroblocks * MACROBLOCK ==
	       (uint64_t)wanted + (uint64_t)CROP_UNIT * (first + second);
}

static bool sequence_fits(const struct h264_walk *walk)
{
	uint32_t columns, rows, crop[4] = {0}; /* left, right, top, bottom */
	struct bits bits;

	load_bits(&bits, walk->parameters, walk->parameters_len);
	if (read_bits(&bits, 8) != PROFILE_BASELINE)
		return false;
	(void)read_bits(&bits, 16); /* constraints, level */
	if (read_number(&bits) != 0) /* one set */
		return false;
	(void)read_number(&bits); /* frame numbers */
	read_order(&bits);
	if (read_number(&bits) > H264_WALK_REFERENCES_MAX)
		return false;
	(void)read_bits(&bits, 1); /* gaps */
	columns = read_number(&bits) + 1;
	rows = read_number(&bits) + 1;
	if (read_bits(&bits, 1) != 1) /* no fields */
		return false;
	(void)read_bits(&bits, 1);
	if (read_bits(&bits, 1)) {
		for (size_t i = 0; i < ARRAY_LEN(crop); i++)
			crop[i] = read_number(&bits);
	}
	return !bits.failed && size_fits(columns, crop[0], crop[1], walk->width) &&
	       size_fits(rows, crop[2], crop[3], walk->height);
}

/* --- units ------------------------------------------------------------------------------------ */

static int end_unit(struct h264_walk *walk)
{
	if (walk->type == UNIT_SEQUENCE && !sequence_fits(walk))
		return -EPROTO;
	walk->has_sequence |= walk->type == UNIT_SEQUENCE;
	walk->has_picture |= walk->type == UNIT_PICTURE;
	return 0;
}

/* Parameter sets once, then one slice: to some viewers each slice is a frame. */
static int begin_unit(struct h264_walk *walk, uint8_t header)
{
	bool both = walk->has_sequence && walk->has_picture;
	bool none = !walk->has_sequence && !walk->has_picture;
	bool ok = false;

	walk->type = header & 0x1f;
	switch (header & 0x80 || walk->has_slice ? 0 : walk->type) {
	case UNIT_SEQUENCE:
		ok = none;
		break;
	case UNIT_PICTURE:
		ok = walk->has_sequence && !walk->has_picture;
		break;
	case UNIT_SLICE_IDR:
		ok = both;
		break;
	case UNIT_SLICE:
		ok = none && !walk->key;
		break;
	default:
		break;
	}
	walk->has_slice |= walk->type == UNIT_SLICE || walk->type == UNIT_SLICE_IDR;
	walk->state = H264_BODY;
	walk->zeros = 0;
	return ok ? 0 : -EPROTO;
}

static int take_body(struct h264_walk *walk, uint8_t byte)
{
	if (byte == 1 && walk->zeros >= 2) {
		walk->state = H264_HEADER;
		return end_unit(walk);
	}
	walk->zeros = byte == 0 ? walk->zeros + 1 : 0;
	if (walk->type != UNIT_SEQUENCE)
		return 0;
	if (walk->parameters_len == sizeof(walk->parameters))
		return -EPROTO;
	walk->parameters[walk->parameters_len++] = byte;
	return 0;
}

static int take_byte(struct h264_walk *walk, uint8_t byte)
{
	switch (walk->state) {
	case H264_START:
		if (byte == 1 && walk->zeros >= 2)
			walk->state = H264_HEADER;
		else if (byte != 0 || ++walk->zeros > START_ZEROS_MAX)
			return -EPROTO;
		return 0;
	case H264_HEADER:
		return begin_unit(walk, byte);
	default:
		return take_body(walk, byte);
	}
}

int h264_walk_feed(struct h264_walk *walk, const uint8_t *data, size_t len)
{
	int r = 0;

	for (size_t i = 0; i < len && r == 0; i++)
		r = take_byte(walk, data[i]);
	return r;
}

bool h264_walk_done(const struct h264_walk *walk)
{
	return walk->state == H264_BODY && walk->has_slice;
}
