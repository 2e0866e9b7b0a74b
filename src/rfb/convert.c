/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "rfb/convert.h"

#include <string.h>

#include "rfb/vector.h"

static void fill_share(uint32_t share[256], unsigned int max, unsigned int shift)
{
	for (unsigned int i = 0; i < 256; i++)
		share[i] = (uint32_t)((i * max + 127) / 255) << shift;
}

static bool is_ours(const struct pixel_format *f)
{
	return f->red_max == 255 && f->green_max == 255 && f->blue_max == 255 &&
	       f->red_shift == 16 && f->green_shift == 8 && f->blue_shift == 0;
}

void convert_init(struct convert *convert, const struct pixel_format *format,
		  enum convert_form form)
{
	struct pixel_format f = *format;

	convert->bytes = pixel_format_bytes(&f);
	convert->big_endian = f.big_endian;
	if (form == CONVERT_TPIXEL && pixel_format_tpixel_bytes(&f) == 3) {
		/* Red, green, blue, whatever the format's order is. */
		f.red_shift = 16;
		f.green_shift = 8;
		f.blue_shift = 0;
		convert->bytes = 3;
		convert->big_endian = true;
	} else if (form == CONVERT_CPIXEL && pixel_format_cpixel_bytes(&f) == 3) {
		uint32_t used = (uint32_t)f.red_max << f.red_shift |
				(uint32_t)f.green_max << f.green_shift |
				(uint32_t)f.blue_max << f.blue_shift;

		/* The three bytes that hold the colours. Where the lower and the upper ones do, it is
		 * those that come first in the order of the bytes, as TigerVNC has it. */
		if ((used & 0xff000000u) || (f.big_endian && !(used & 0xffu))) {
			f.red_shift -= 8;
			f.green_shift -= 8;
			f.blue_shift -= 8;
		}
		convert->bytes = 3;
	}
	convert->same = is_ours(&f);
	fill_share(convert->red, f.red_max, f.red_shift);
	fill_share(convert->green, f.green_max, f.green_shift);
	fill_share(convert->blue, f.blue_max, f.blue_shift);
}

void convert_values(const struct convert *convert, const uint32_t *from, uint32_t *to, size_t count)
{
	if (convert->same) {
		if (to != from)
			memcpy(to, from, count * sizeof(*to));
		return;
	}
	for (size_t i = 0; i < count; i++)
		to[i] = convert_value(convert, from[i]);
}

VECTORISED static void pack_16(const uint32_t *values, uint8_t *to, size_t count, bool big)
{
	for (size_t i = 0; i < count; i++) {
		uint16_t v = (uint16_t)values[i];
		uint16_t other = (uint16_t)(v << 8 | v >> 8);

		if (big == (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__))
			v = other;
		memcpy(to + 2 * i, &v, sizeof(v));
	}
}

static void pack_24(const uint32_t *values, uint8_t *to, size_t count, bool big)
{
	int high = big ? 0 : 2;
	int low = 2 - high;

	for (size_t i = 0; i < count; i++) {
		to[3 * i + high] = (uint8_t)(values[i] >> 16);
		to[3 * i + 1] = (uint8_t)(values[i] >> 8);
		to[3 * i + low] = (uint8_t)values[i];
	}
}

VECTORISED static void pack_32(const uint32_t *values, uint8_t *to, size_t count, bool big)
{
	if (big != (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__)) {
		memcpy(to, values, count * sizeof(*values));
		return;
	}
	for (size_t i = 0; i < count; i++) {
		uint32_t v = __builtin_bswap32(values[i]);

		memcpy(to + 4 * i, &v, sizeof(v));
	}
}

void convert_pack(const struct convert *convert, const uint32_t *values, uint8_t *to, size_t count)
{
	switch (convert->bytes) {
	case 1:
		for (size_t i = 0; i < count; i++)
			to[i] = (uint8_t)values[i];
		break;
	case 2:
		pack_16(values, to, count, convert->big_endian);
		break;
	case 3:
		pack_24(values, to, count, convert->big_endian);
		break;
	default:
		pack_32(values, to, count, convert->big_endian);
		break;
	}
}
