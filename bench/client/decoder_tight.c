/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tight (rfbproto "Tight Encoding") with pixels of three bytes: red, green, blue. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <turbojpeg.h>

#include "base/mem.h"
#include "bench/client/decoder.h"

#define PALETTE_MAX 256

struct tight_palette {
	int count;
	uint32_t colours[PALETTE_MAX];
};

static inline uint32_t rgb(const uint8_t *p)
{
	return (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2];
}

/* Up to three bytes of seven, seven and eight bits. */
static size_t read_compact(struct cursor *c)
{
	size_t length = 0;

	for (int shift = 0; shift <= 14; shift += 7) {
		uint8_t byte = cursor_u8(c);

		if (shift == 14)
			return length | (size_t)byte << shift;
		length |= (size_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80))
			break;
	}
	return length;
}

static int draw_fill(struct decoder *decoder, struct cursor *c, const struct box *rect)
{
	const uint8_t *p = cursor_bytes(c, 3);

	if (!p)
		return 0;
	decoder->kind = DECODER_TIGHT_FILL;
	framebuffer_fill(&decoder->fb, rect, rgb(p));
	return 1;
}

static int draw_jpeg(struct decoder *decoder, struct cursor *c, const struct box *rect)
{
	int width = rect->x2 - rect->x1, height = rect->y2 - rect->y1, stride, w, h, sampling;
	size_t len = read_compact(c);
	const uint8_t *data = cursor_bytes(c, len);
	uint32_t *to;

	if (!data)
		return 0;
	if (!decoder->jpeg && !(decoder->jpeg = tjInitDecompress()))
		return -ENOMEM;
	if (tjDecompressHeader2(decoder->jpeg, (unsigned char *)(uintptr_t)data, len, &w, &h,
				&sampling) < 0 ||
	    w != width || h != height)
		return decoder_refuse(decoder, "a JPEG of another size than its rectangle");
	framebuffer_begin_rect(&decoder->fb, rect);
	to = framebuffer_patch(&decoder->fb, rect, &stride);
	if (!to)
		return -ENOMEM;
	if (tjDecompress2(decoder->jpeg, data, len, (unsigned char *)to, width,
			  stride * (int)sizeof(*to), height, TJPF_BGRX, 0) < 0 &&
	    tjGetErrorCode(decoder->jpeg) != TJERR_WARNING)
		return decoder_refuse(decoder, "a JPEG that cannot be decoded");
	framebuffer_patch_done(&decoder->fb, rect);
	decoder->kind = DECODER_TIGHT_JPEG;
	return 1;
}

/* The data of a rectangle, inflated if they were long enough to be compressed. 1, 0 or an error */
static int read_data(struct decoder *decoder, struct cursor *c, unsigned int stream, size_t size,
		     const uint8_t **ret_data)
{
	const uint8_t *data;
	uint8_t *scratch;
	size_t len;

	if (size < RFB_TIGHT_MIN_TO_COMPRESS) {
		*ret_data = cursor_bytes(c, size);
		return *ret_data ? 1 : 0;
	}
	len = read_compact(c);
	data = cursor_bytes(c, len);
	if (!data)
		return 0;
	scratch = decoder_scratch(decoder, size);
	if (!scratch)
		return -ENOMEM;
	if (inflater_all(&decoder->tight[stream], data, len, scratch, size, &len) < 0 ||
	    len != size)
		return decoder_refuse(decoder, "Tight data that do not inflate to the rectangle");
	*ret_data = scratch;
	return 1;
}

/* Eight at a time, without a branch for each. */
static void expand_bits(uint32_t *to, const uint8_t *bits, int width, uint32_t zero,
			uint32_t difference)
{
	int x = 0;

	for (; x + 8 <= width; x += 8) {
		uint32_t byte = bits[x / 8];

		for (int i = 0; i < 8; i++)
			to[x + i] = zero ^ (difference & -(byte >> (7 - i) & 1));
	}
	for (; x < width; x++)
		to[x] = zero ^ (difference & -((uint32_t)bits[x / 8] >> (7 - x % 8) & 1));
}

static void draw_mono(struct decoder *decoder, const struct box *rect, const uint8_t *data,
		      const struct tight_palette *palette)
{
	const uint32_t zero = palette->colours[0], difference = zero ^ palette->colours[1];
	int width = rect->x2 - rect->x1;

	for (int y = rect->y1; y < rect->y2; y++, data += (width + 7) / 8) {
		expand_bits(framebuffer_row(&decoder->fb, rect->x1, y), data, width, zero,
			    difference);
		framebuffer_row_done(&decoder->fb, rect->x1, y, width);
	}
	decoder->kind = DECODER_TIGHT_MONO;
}

static void draw_indexed(struct decoder *decoder, const struct box *rect, const uint8_t *data,
			 const struct tight_palette *palette)
{
	int width = rect->x2 - rect->x1;

	/* Indices past the palette show black (the palette is cleared), as good as anything. */
	for (int y = rect->y1; y < rect->y2; y++, data += width) {
		uint32_t *row = framebuffer_row(&decoder->fb, rect->x1, y);

		for (int x = 0; x < width; x++)
			row[x] = palette->colours[data[x]];
		framebuffer_row_done(&decoder->fb, rect->x1, y, width);
	}
	decoder->kind = DECODER_TIGHT_PALETTE;
}

/* Four bytes are read for three, but for the last pixel. */
static void expand_rgb(uint32_t *to, const uint8_t *from, int width)
{
	for (int x = 0; x < width - 1; x++) {
		uint32_t four;

		memcpy(&four, from + (size_t)x * 3, sizeof(four));
		to[x] = __builtin_bswap32(four) >> 8;
	}
	to[width - 1] = rgb(from + (size_t)(width - 1) * 3);
}

static void draw_full(struct decoder *decoder, const struct box *rect, const uint8_t *data)
{
	int width = rect->x2 - rect->x1;

	for (int y = rect->y1; y < rect->y2; y++, data += (size_t)width * 3) {
		expand_rgb(framebuffer_row(&decoder->fb, rect->x1, y), data, width);
		framebuffer_row_done(&decoder->fb, rect->x1, y, width);
	}
	decoder->kind = DECODER_TIGHT_FULL;
}

/* Each byte is the difference to left + above - above left, kept between 0 and 255. */
static int draw_gradient(struct decoder *decoder, const struct box *rect, const uint8_t *data)
{
	int width = rect->x2 - rect->x1;
	_cleanup_free_ uint8_t *above = calloc((size_t)width + 1, 3);
	_cleanup_free_ uint8_t *line = calloc((size_t)width + 1, 3);

	if (!above || !line)
		return -ENOMEM;
	for (int y = rect->y1; y < rect->y2; y++, data += (size_t)width * 3) {
		uint32_t *row = framebuffer_row(&decoder->fb, rect->x1, y);
		uint8_t *swap = above;

		for (int i = 3; i < (width + 1) * 3; i++) {
			int guess = line[i - 3] + above[i] - above[i - 3];

			line[i] = (uint8_t)(CLAMP(guess, 0, 255) + data[i - 3]);
		}
		for (int x = 0; x < width; x++)
			row[x] = rgb(line + (size_t)(x + 1) * 3);
		framebuffer_row_done(&decoder->fb, rect->x1, y, width);
		above = line;
		line = swap;
	}
	decoder->kind = DECODER_TIGHT_FULL;
	return 1;
}

static void read_palette(struct cursor *c, struct tight_palette *palette)
{
	int count = cursor_u8(c) + 1;
	const uint8_t *p = cursor_bytes(c, (size_t)count * 3);

	memset(palette, 0, sizeof(*palette));
	palette->count = count;
	for (int i = 0; p && i < count; i++)
		palette->colours[i] = rgb(p + (size_t)i * 3);
}

static int draw_basic(struct decoder *decoder, struct cursor *c, const struct box *rect,
		      unsigned int control)
{
	size_t width = (size_t)(rect->x2 - rect->x1), height = (size_t)(rect->y2 - rect->y1);
	unsigned int filter = control & RFB_TIGHT_EXPLICIT_FILTER ? cursor_u8(c) : 0;
	size_t size = width * height * 3;
	struct tight_palette palette;
	const uint8_t *data = NULL;
	int r;

	if (filter == RFB_TIGHT_FILTER_PALETTE) {
		read_palette(c, &palette);
		size = palette.count <= 2 ? (width + 7) / 8 * height : width * height;
	} else if (filter > RFB_TIGHT_FILTER_GRADIENT) {
		return decoder_refuse(decoder, "a Tight filter that does not exist");
	}
	if (cursor_failed(c))
		return 0;
	r = read_data(decoder, c, control >> 4 & 3, size, &data);
	if (r <= 0)
		return r;
	framebuffer_begin_rect(&decoder->fb, rect);
	if (filter == RFB_TIGHT_FILTER_GRADIENT)
		return draw_gradient(decoder, rect, data);
	if (filter != RFB_TIGHT_FILTER_PALETTE)
		draw_full(decoder, rect, data);
	else if (palette.count <= 2)
		draw_mono(decoder, rect, data, &palette);
	else
		draw_indexed(decoder, rect, data, &palette);
	return 1;
}

int decoder_tight(struct decoder *decoder, struct cursor *c, const struct box *rect)
{
	unsigned int control = cursor_u8(c);

	if (cursor_failed(c))
		return 0;
	/* A rectangle that is not all there yet is read again; resetting twice does no harm. */
	for (unsigned int i = 0; i < RFB_TIGHT_STREAMS; i++) {
		if (control >> i & 1)
			inflater_reset(&decoder->tight[i]);
	}
	switch (control & 0xf0) {
	case RFB_TIGHT_FILL:
		return draw_fill(decoder, c, rect);
	case RFB_TIGHT_JPEG:
		return draw_jpeg(decoder, c, rect);
	default:
		if (control & 0x80)
			return decoder_refuse(decoder, "a Tight control byte that does not exist");
		return draw_basic(decoder, c, rect, control);
	}
}
