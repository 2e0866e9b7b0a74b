/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "bench/frames.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "bench/frames_format.h"
#include "wire/cursor.h"

/* Bytes; what a window of zstd may make us hold. Level 1 has 512 KiB. */
#define WINDOW_LOG_MAX 23

struct frames_reader {
	FILE *file;
	ZSTD_DCtx *zstd;
	struct frames_region region;
	int columns, rows; /* of tiles */
	uint32_t *pixels;
	uint16_t *tiles;
	uint8_t *in;
	size_t in_size, in_len, in_pos;
	bool at_end; /* of the zstd frame */
};

static int read_header(struct frames_reader *reader)
{
	struct frames_region *region = &reader->region;
	uint8_t header[FRAMES_HEADER_BYTES];
	struct cursor c = cursor_over(header, sizeof(header));

	if (fread(header, sizeof(header), 1, reader->file) != 1 ||
	    memcmp(cursor_bytes(&c, FRAMES_MAGIC_BYTES), FRAMES_MAGIC, FRAMES_MAGIC_BYTES) != 0 ||
	    cursor_u32(&c) != FRAMES_VERSION || cursor_u32(&c) != FRAMES_TILE)
		return -EPROTO;
	*region = (struct frames_region){.x = cursor_s32(&c), .y = cursor_s32(&c)};
	region->width = cursor_s32(&c);
	region->height = cursor_s32(&c);
	return frames_region_valid(region) ? 0 : -EPROTO;
}

static int allocate(struct frames_reader *reader)
{
	reader->columns = frames_tiles_across(reader->region.width);
	reader->rows = frames_tiles_across(reader->region.height);
	reader->pixels = calloc((size_t)reader->region.width * (size_t)reader->region.height,
				sizeof(*reader->pixels));
	reader->tiles = calloc((size_t)reader->columns * (size_t)reader->rows,
			       sizeof(*reader->tiles));
	reader->in_size = ZSTD_DStreamInSize();
	reader->in = malloc(reader->in_size);
	reader->zstd = ZSTD_createDCtx();
	if (!reader->pixels || !reader->tiles || !reader->in || !reader->zstd ||
	    ZSTD_isError(ZSTD_DCtx_setParameter(reader->zstd, ZSTD_d_windowLogMax, WINDOW_LOG_MAX)))
		return -ENOMEM;
	return 0;
}

int frames_open_stream(FILE *stream, struct frames_reader **ret_reader)
{
	struct frames_reader *reader = calloc(1, sizeof(*reader));
	int r;

	if (!reader) {
		fclose(stream);
		return -ENOMEM;
	}
	reader->file = stream;
	r = read_header(reader);
	if (r == 0)
		r = allocate(reader);
	if (r < 0) {
		frames_reader_close(reader);
		return r;
	}
	*ret_reader = reader;
	return 0;
}

int frames_open(const char *path, struct frames_reader **ret_reader)
{
	FILE *file = fopen(path, "re");

	return file ? frames_open_stream(file, ret_reader) : -errno;
}

void frames_reader_close(struct frames_reader *reader)
{
	if (!reader)
		return;
	fclose(reader->file);
	ZSTD_freeDCtx(reader->zstd);
	free(reader->pixels);
	free(reader->tiles);
	free(reader->in);
	free(reader);
}

const struct frames_region *frames_region(const struct frames_reader *reader)
{
	return &reader->region;
}

int frames_rewind(struct frames_reader *reader)
{
	if (fseek(reader->file, FRAMES_HEADER_BYTES, SEEK_SET) < 0)
		return -errno;
	ZSTD_DCtx_reset(reader->zstd, ZSTD_reset_session_only);
	memset(reader->pixels, 0,
	       (size_t)reader->region.width * (size_t)reader->region.height *
		       sizeof(*reader->pixels));
	reader->in_len = 0;
	reader->in_pos = 0;
	reader->at_end = false;
	return 0;
}

static bool refill(struct frames_reader *reader)
{
	reader->in_pos = 0;
	reader->in_len = fread(reader->in, 1, reader->in_size, reader->file);
	return reader->in_len > 0;
}

/* Bytes that were written, `len` of them unless the frame of zstd ends; or -EPROTO. */
static ssize_t inflate_some(struct frames_reader *reader, void *data, size_t len)
{
	ZSTD_outBuffer out = {data, len, 0};

	while (out.pos < len && !reader->at_end) {
		ZSTD_inBuffer in = {reader->in, reader->in_len, reader->in_pos};
		size_t before = out.pos, left = ZSTD_decompressStream(reader->zstd, &out, &in);

		if (ZSTD_isError(left))
			return -EPROTO;
		reader->at_end = left == 0;
		/* zstd may still hold output when its input is used up. */
		if (in.pos == in.size && out.pos == before && !reader->at_end) {
			if (!refill(reader))
				return -EPROTO;
			continue;
		}
		reader->in_pos = in.pos;
	}
	return (ssize_t)out.pos;
}

static int read_tile(struct frames_reader *reader, uint16_t *ret_index)
{
	struct {
		uint8_t index[2];
		uint8_t pixels[FRAMES_TILE_BYTES];
	} tile;
	const int width = reader->region.width;
	int index, x, y, columns, rows;
	uint32_t *to;

	if (inflate_some(reader, &tile, sizeof(tile)) != (ssize_t)sizeof(tile))
		return -EPROTO;
	index = tile.index[0] << 8 | tile.index[1];
	if (index >= reader->columns * reader->rows)
		return -EPROTO;
	x = index % reader->columns * FRAMES_TILE;
	y = index / reader->columns * FRAMES_TILE;
	columns = MIN(FRAMES_TILE, width - x);
	rows = MIN(FRAMES_TILE, reader->region.height - y);
	to = reader->pixels + (size_t)y * (size_t)width + x;
	for (int row = 0; row < rows; row++, to += width)
		memcpy(to, tile.pixels + (size_t)row * FRAMES_TILE * 4, (size_t)columns * 4);
	*ret_index = (uint16_t)index;
	return 0;
}

int frames_read(struct frames_reader *reader, struct frame *ret_frame)
{
	uint8_t head[FRAMES_FRAME_BYTES];
	struct cursor c = cursor_over(head, sizeof(head));
	struct frame frame = {.pixels = reader->pixels, .tiles = reader->tiles};
	ssize_t n = inflate_some(reader, head, sizeof(head));

	if (n == 0)
		return 0;
	if (n != (ssize_t)sizeof(head))
		return -EPROTO;
	frame.time = cursor_u64(&c);
	frame.number = cursor_u32(&c);
	frame.n_tiles = cursor_u32(&c);
	if (frame.n_tiles > (size_t)reader->columns * (size_t)reader->rows)
		return -EPROTO;
	for (size_t i = 0; i < frame.n_tiles; i++) {
		if (read_tile(reader, &reader->tiles[i]) < 0)
			return -EPROTO;
	}
	*ret_frame = frame;
	return 1;
}
