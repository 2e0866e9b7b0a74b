/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "rfb/pixel_format.h"

#include <errno.h>

const struct pixel_format pixel_format_default = {
	.bits_per_pixel = 32,
	.depth = 24,
	.true_colour = true,
	.red_max = 255,
	.green_max = 255,
	.blue_max = 255,
	.red_shift = 16,
	.green_shift = 8,
	.blue_shift = 0,
};

static bool field_ok(const struct pixel_format *f, unsigned int max, unsigned int shift,
		     uint64_t *used)
{
	uint64_t mask;

	if (max == 0 || (max & (max + 1)) != 0 || shift >= f->bits_per_pixel)
		return false;
	mask = (uint64_t)max << shift;
	if (mask >> f->bits_per_pixel || (mask & *used))
		return false;
	*used |= mask;
	return true;
}

static bool is_served(const struct pixel_format *f)
{
	uint64_t used = 0;

	if (f->bits_per_pixel != 8 && f->bits_per_pixel != 16 && f->bits_per_pixel != 32)
		return false;
	return f->true_colour && f->depth > 0 && f->depth <= f->bits_per_pixel &&
	       field_ok(f, f->red_max, f->red_shift, &used) &&
	       field_ok(f, f->green_max, f->green_shift, &used) &&
	       field_ok(f, f->blue_max, f->blue_shift, &used);
}

int pixel_format_read(struct cursor *c, struct pixel_format *ret_format)
{
	struct pixel_format f = {0};

	f.bits_per_pixel = cursor_u8(c);
	f.depth = cursor_u8(c);
	f.big_endian = cursor_u8(c) != 0;
	f.true_colour = cursor_u8(c) != 0;
	f.red_max = cursor_u16(c);
	f.green_max = cursor_u16(c);
	f.blue_max = cursor_u16(c);
	f.red_shift = cursor_u8(c);
	f.green_shift = cursor_u8(c);
	f.blue_shift = cursor_u8(c);
	cursor_skip(c, 3);
	if (cursor_failed(c) || !is_served(&f))
		return -EPROTO;
	*ret_format = f;
	return 0;
}

void pixel_format_put(struct buf *out, const struct pixel_format *f)
{
	buf_put_u8(out, f->bits_per_pixel);
	buf_put_u8(out, f->depth);
	buf_put_u8(out, f->big_endian);
	buf_put_u8(out, f->true_colour);
	buf_put_u16(out, f->red_max);
	buf_put_u16(out, f->green_max);
	buf_put_u16(out, f->blue_max);
	buf_put_u8(out, f->red_shift);
	buf_put_u8(out, f->green_shift);
	buf_put_u8(out, f->blue_shift);
	buf_put_zero(out, 3);
}

bool pixel_format_equal(const struct pixel_format *a, const struct pixel_format *b)
{
	return a->bits_per_pixel == b->bits_per_pixel && a->depth == b->depth &&
	       a->big_endian == b->big_endian && a->true_colour == b->true_colour &&
	       a->red_max == b->red_max && a->green_max == b->green_max &&
	       a->blue_max == b->blue_max && a->red_shift == b->red_shift &&
	       a->green_shift == b->green_shift && a->blue_shift == b->blue_shift;
}

int pixel_format_bytes(const struct pixel_format *f)
{
	return f->bits_per_pixel / 8;
}

int pixel_format_cpixel_bytes(const struct pixel_format *f)
{
	uint32_t used = (uint32_t)f->red_max << f->red_shift |
			(uint32_t)f->green_max << f->green_shift |
			(uint32_t)f->blue_max << f->blue_shift;
	bool in_low = (used & 0xff000000u) == 0;
	bool in_high = (used & 0x000000ffu) == 0;

	if (f->bits_per_pixel == 32 && f->depth <= 24 && (in_low || in_high))
		return 3;
	return pixel_format_bytes(f);
}

int pixel_format_tpixel_bytes(const struct pixel_format *f)
{
	if (f->bits_per_pixel == 32 && f->depth == 24 && f->red_max == 255 && f->green_max == 255 &&
	    f->blue_max == 255)
		return 3;
	return pixel_format_bytes(f);
}
