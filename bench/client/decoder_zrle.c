/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ZRLE (RFC 6143 7.7.6) with pixels of three bytes: blue, green, red. */
#include <errno.h>
#include <string.h>

#include "bench/client/decoder.h"

#define SIDE 64
#define CPIXEL 3
#define PALETTE_MAX 128
/* Bytes of the worst tile that makes sense: runs of one pixel each, and a palette. */
#define TILE_BYTES_MAX (1 + PALETTE_MAX * CPIXEL + SIDE * SIDE * (CPIXEL + 1))

struct tile {
	uint32_t pixels[SIDE * SIDE]; /* rows of `width` */
	int width, height;
	uint32_t palette[PALETTE_MAX];
};

static inline uint32_t bgr(const uint8_t *p)
{
	return (uint32_t)p[2] << 16 | (uint32_t)p[1] << 8 | p[0];
}

static uint32_t read_pixel(struct cursor *c)
{
	const uint8_t *p = cursor_bytes(c, CPIXEL);

	return p ? bgr(p) : 0;
}

static void read_palette(struct cursor *c, struct tile *tile, unsigned int count)
{
	memset(tile->palette, 0, sizeof(tile->palette));
	for (unsigned int i = 0; i < count; i++)
		tile->palette[i] = read_pixel(c);
}

/* Four bytes are read for three, but for the last pixel. */
static void read_full(struct cursor *c, struct tile *tile)
{
	int count = tile->width * tile->height;
	const uint8_t *p = cursor_bytes(c, (size_t)count * CPIXEL);

	for (int i = 0; p && i < count - 1; i++) {
		uint32_t four;

		memcpy(&four, p + (size_t)i * CPIXEL, sizeof(four));
		tile->pixels[i] = four & 0xffffff;
	}
	if (p)
		tile->pixels[count - 1] = bgr(p + (size_t)(count - 1) * CPIXEL);
}

/* Indices of one, two or four bits, most significant first; each row begins with a byte. */
static void read_packed(struct cursor *c, struct tile *tile, unsigned int count)
{
	int bits = count == 2 ? 1 : count <= 4 ? 2 : 4;
	int per_byte = 8 / bits, bytes = (tile->width + per_byte - 1) / per_byte;
	const uint8_t *p;

	read_palette(c, tile, count);
	p = cursor_bytes(c, (size_t)bytes * (size_t)tile->height);
	for (int y = 0; p && y < tile->height; y++, p += bytes) {
		uint32_t *row = tile->pixels + (size_t)y * (size_t)tile->width;

		for (int x = 0; x < tile->width; x++) {
			int shift = 8 - bits - x % per_byte * bits;

			row[x] = tile->palette[p[x / per_byte] >> shift & ((1 << bits) - 1)];
		}
	}
}

static size_t read_run(struct cursor *c)
{
	size_t run = 1;
	uint8_t byte;

	do {
		byte = cursor_u8(c);
		run += byte;
	} while (byte == 255);
	return run;
}

/* 0 or -EPROTO: a run that is longer than the tile, or too few of them. With count 0 each run has its
 * pixel. */
static int read_runs(struct cursor *c, struct tile *tile, unsigned int count)
{
	size_t total = (size_t)tile->width * (size_t)tile->height;
	size_t run = 1;

	read_palette(c, tile, count);
	for (size_t i = 0; i < total && !cursor_failed(c); i += run) {
		uint32_t pixel;

		if (count == 0) {
			pixel = read_pixel(c);
			run = read_run(c);
		} else {
			uint8_t index = cursor_u8(c);

			pixel = tile->palette[index & 127];
			run = index & 128 ? read_run(c) : 1;
		}
		if (run > total - i)
			return -EPROTO;
		for (size_t k = 0; k < run; k++)
			tile->pixels[i + k] = pixel;
	}
	return cursor_failed(c) ? -EPROTO : 0;
}

static int read_tile(struct cursor *c, struct tile *tile, unsigned int type)
{
	if (type == 0)
		read_full(c, tile);
	else if (type <= 16)
		read_packed(c, tile, type);
	else if (type == 128)
		return read_runs(c, tile, 0);
	else if (type >= 130)
		return read_runs(c, tile, type - 128);
	else
		return -EPROTO;
	return cursor_failed(c) ? -EPROTO : 0;
}

/* The tile is written before it is read; clearing it first would cost more than some tiles do. */
static int draw_tile(struct decoder *decoder, struct cursor *c, const struct box *box)
{
	unsigned int type = cursor_u8(c);
	struct tile tile __attribute__((uninitialized));
	const uint32_t *from = tile.pixels;

	if (type == 1) {
		framebuffer_fill(&decoder->fb, box, read_pixel(c));
		return cursor_failed(c) ? -EPROTO : 0;
	}
	tile.width = box->x2 - box->x1;
	tile.height = box->y2 - box->y1;
	if (read_tile(c, &tile, type) < 0)
		return -EPROTO;
	framebuffer_begin_rect(&decoder->fb, box);
	for (int y = box->y1; y < box->y2; y++, from += tile.width) {
		memcpy(framebuffer_row(&decoder->fb, box->x1, y), from,
		       (size_t)tile.width * sizeof(*from));
		framebuffer_row_done(&decoder->fb, box->x1, y, tile.width);
	}
	return 0;
}

static int draw_tiles(struct decoder *decoder, struct cursor *c, const struct box *rect)
{
	for (int y = rect->y1; y < rect->y2; y += SIDE) {
		for (int x = rect->x1; x < rect->x2; x += SIDE) {
			struct box box = {x, y, MIN(x + SIDE, rect->x2), MIN(y + SIDE, rect->y2)};

			if (draw_tile(decoder, c, &box) < 0)
				return decoder_refuse(decoder, "a ZRLE tile that makes no sense");
		}
	}
	return cursor_done(c) ? 1 : decoder_refuse(decoder, "ZRLE data beyond the rectangle");
}

int decoder_zrle(struct decoder *decoder, struct cursor *c, const struct box *rect)
{
	size_t len = cursor_u32(c);
	size_t tiles = (size_t)((rect->x2 - rect->x1 + SIDE - 1) / SIDE) *
		       (size_t)((rect->y2 - rect->y1 + SIDE - 1) / SIDE);
	const uint8_t *data;
	struct cursor inflated;
	uint8_t *scratch;

	if (!cursor_failed(c) && len > DECODER_UNIT_MAX)
		return decoder_refuse(decoder, "ZRLE data that are too long");
	data = cursor_bytes(c, len);
	if (!data)
		return 0;
	scratch = decoder_scratch(decoder, tiles * TILE_BYTES_MAX);
	if (!scratch)
		return -ENOMEM;
	if (inflater_all(&decoder->zrle, data, len, scratch, tiles * TILE_BYTES_MAX, &len) < 0)
		return decoder_refuse(decoder, "ZRLE data that do not inflate to the rectangle");
	decoder->kind = DECODER_ZRLE;
	inflated = cursor_over(scratch, len);
	return draw_tiles(decoder, &inflated, rect);
}
