/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ZRLE (RFC 6143 7.7.6). */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "rfb/convert.h"
#include "rfb/encoder.h"
#include "rfb/palette.h"
#include "rfb/protocol.h"
#include "rfb/zstream.h"

#define TILE 64
#define TILE_PIXELS (TILE * TILE)
#define PALETTE_RLE_MAX 127
#define PACKED_MAX 16
/* Kinds of tile. */
#define TILE_RAW 0
#define TILE_SOLID 1
#define TILE_RLE 128

struct zrle {
	struct encoder base;
	struct zstream stream;
	struct palette palette;
	struct convert convert;
	uint32_t values[TILE_PIXELS];
	uint8_t indices[TILE_PIXELS];
	struct buf tiles; /* of the rectangle, before compression */
};

/* What a tile would cost in each way. */
struct tile {
	size_t count;
	int width, height;
	int colours; /* 0: more than fit in a palette */
	size_t runs_plain; /* bytes of the run lengths alone */
	size_t runs;
	size_t singles; /* runs of one pixel */
};

static int zrle_create(struct encoder **ret_encoder)
{
	struct zrle *zrle = calloc(1, sizeof(*zrle));

	if (!zrle)
		return -ENOMEM;
	zrle->base.impl = &encoder_zrle;
	buf_init(&zrle->tiles, (size_t)RFB_SIDE_MAX * RFB_SIDE_MAX * 5);
	*ret_encoder = &zrle->base;
	return 0;
}

static void zrle_destroy(struct encoder *encoder)
{
	struct zrle *zrle = (struct zrle *)encoder;

	if (!zrle)
		return;
	zstream_finish(&zrle->stream);
	buf_finish(&zrle->tiles);
	free(zrle);
}

static size_t run_length(const uint32_t *values, size_t count)
{
	size_t n = 1;

	while (n < count && values[n] == values[0])
		n++;
	return n;
}

static size_t run_length_bytes(size_t length)
{
	return (length - 1) / 255 + 1;
}

static void measure_runs(const uint32_t *values, struct tile *tile)
{
	for (size_t i = 0; i < tile->count;) {
		size_t n = run_length(values + i, tile->count - i);

		tile->runs++;
		tile->runs_plain += run_length_bytes(n);
		tile->singles += n == 1;
		i += n;
	}
}

static void put_values(struct zrle *zrle, const uint32_t *values, size_t count)
{
	size_t size = count * (size_t)zrle->convert.bytes;
	uint8_t *to = buf_reserve(&zrle->tiles, size);

	if (!to)
		return;
	convert_pack(&zrle->convert, values, to, count);
	buf_added(&zrle->tiles, size);
}

static void put_run_length(struct buf *tiles, size_t length)
{
	for (length--; length >= 255; length -= 255)
		buf_put_u8(tiles, 255);
	buf_put_u8(tiles, (uint8_t)length);
}

static void put_plain_rle(struct zrle *zrle, const struct tile *tile)
{
	buf_put_u8(&zrle->tiles, TILE_RLE);
	for (size_t i = 0; i < tile->count;) {
		size_t n = run_length(zrle->values + i, tile->count - i);

		put_values(zrle, zrle->values + i, 1);
		put_run_length(&zrle->tiles, n);
		i += n;
	}
}

static void put_palette_rle(struct zrle *zrle, const struct tile *tile)
{
	buf_put_u8(&zrle->tiles, (uint8_t)(TILE_RLE + tile->colours));
	put_values(zrle, zrle->palette.colours, (size_t)tile->colours);
	for (size_t i = 0; i < tile->count;) {
		size_t n = run_length(zrle->values + i, tile->count - i);

		if (n == 1) {
			buf_put_u8(&zrle->tiles, zrle->indices[i]);
		} else {
			buf_put_u8(&zrle->tiles, zrle->indices[i] | 0x80);
			put_run_length(&zrle->tiles, n);
		}
		i += n;
	}
}

static int packed_bits(int colours)
{
	return colours == 2 ? 1 : colours <= 4 ? 2 : 4;
}

static size_t packed_row_bytes(const struct tile *tile)
{
	return ((size_t)tile->width * (size_t)packed_bits(tile->colours) + 7) / 8;
}

static void put_packed(struct zrle *zrle, const struct tile *tile)
{
	int bits = packed_bits(tile->colours);
	size_t row_bytes = packed_row_bytes(tile);
	uint8_t *to;

	buf_put_u8(&zrle->tiles, (uint8_t)tile->colours);
	put_values(zrle, zrle->palette.colours, (size_t)tile->colours);
	to = buf_reserve(&zrle->tiles, row_bytes * (size_t)tile->height);
	if (!to)
		return;
	memset(to, 0, row_bytes * (size_t)tile->height);
	for (int y = 0; y < tile->height; y++) {
		const uint8_t *row = zrle->indices + y * tile->width;

		for (int x = 0; x < tile->width; x++)
			to[x * bits / 8] |= (uint8_t)(row[x] << (8 - bits - x * bits % 8));
		to += row_bytes;
	}
	buf_added(&zrle->tiles, row_bytes * (size_t)tile->height);
}

static void put_tile(struct zrle *zrle, struct tile *tile)
{
	size_t bytes = (size_t)zrle->convert.bytes;
	size_t raw, plain, packed = SIZE_MAX, indexed = SIZE_MAX;

	if (palette_build(&zrle->palette, zrle->values, tile->count, PALETTE_RLE_MAX,
			  zrle->indices))
		tile->colours = zrle->palette.count;
	if (tile->colours == 1) {
		buf_put_u8(&zrle->tiles, TILE_SOLID);
		put_values(zrle, zrle->values, 1);
		return;
	}
	measure_runs(zrle->values, tile);
	raw = tile->count * bytes;
	plain = tile->runs * bytes + tile->runs_plain;
	if (tile->colours)
		indexed = (size_t)tile->colours * bytes + tile->runs + tile->runs_plain -
			  tile->singles;
	if (tile->colours && tile->colours <= PACKED_MAX)
		packed = (size_t)tile->colours * bytes +
			 packed_row_bytes(tile) * (size_t)tile->height;
	if (packed <= indexed && packed < raw && packed < plain) {
		put_packed(zrle, tile);
	} else if (indexed < raw && indexed < plain) {
		put_palette_rle(zrle, tile);
	} else if (plain < raw) {
		put_plain_rle(zrle, tile);
	} else {
		buf_put_u8(&zrle->tiles, TILE_RAW);
		put_values(zrle, zrle->values, tile->count);
	}
}

static void put_tiles(struct zrle *zrle, const struct picture *picture, const pixman_box32_t *box)
{
	for (int y = box->y1; y < box->y2; y += TILE) {
		for (int x = box->x1; x < box->x2; x += TILE) {
			struct tile tile = {.width = MIN(TILE, box->x2 - x),
					    .height = MIN(TILE, box->y2 - y)};

			tile.count = (size_t)(tile.width * tile.height);
			for (int row = 0; row < tile.height; row++)
				convert_values(&zrle->convert,
					       picture->pixels +
						       (size_t)(y + row) * picture->stride + x,
					       zrle->values + row * tile.width, (size_t)tile.width);
			put_tile(zrle, &tile);
		}
	}
}

static int zrle_encode(struct encoder *encoder, const struct encoder_job *job, struct buf *out,
		       struct encoder_result *result)
{
	struct zrle *zrle = (struct zrle *)encoder;
	size_t before = buf_len(out), data;
	int level = CLAMP(job->compress, 1, 2), r;

	buf_clear(&zrle->tiles);
	convert_init(&zrle->convert, job->format, CONVERT_CPIXEL);
	put_tiles(zrle, job->picture, &job->box);
	if (buf_error(&zrle->tiles))
		return buf_error(&zrle->tiles);
	encoder_put_header(out, &job->box, RFB_ENCODING_ZRLE);
	buf_put_u32(out, 0);
	data = buf_len(out);
	r = zstream_append(&zrle->stream, level, buf_data(&zrle->tiles), buf_len(&zrle->tiles),
			   out);
	if (r < 0) {
		encoder_undo(out, before);
		return r;
	}
	buf_patch_u32(out, data - 4, (uint32_t)(buf_len(out) - data));
	result->rects++;
	return 0;
}

const struct encoder_impl encoder_zrle = {
	.name = "zrle",
	.encoding = RFB_ENCODING_ZRLE,
	.spare = 512,
	.create = zrle_create,
	.destroy = zrle_destroy,
	.encode = zrle_encode,
};
