/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "bench/frames.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "bench/frames_format.h"
#include "wire/buf.h"

#define LEVEL 1 /* of zstd: recording runs beside what is measured */

struct frames_writer {
	FILE *file;
	ZSTD_CCtx *zstd;
	struct frames_region region;
	int columns, rows; /* of tiles */
	uint32_t *shown; /* the region as recorded last */
	uint16_t *changed; /* indices of tiles */
	uint8_t *out;
	size_t out_size;
	int error;
};

static void writer_destroy(struct frames_writer *writer)
{
	if (writer->file)
		fclose(writer->file);
	ZSTD_freeCCtx(writer->zstd);
	free(writer->shown);
	free(writer->changed);
	free(writer->out);
	free(writer);
}

static int fail(struct frames_writer *writer, int error)
{
	if (!writer->error)
		writer->error = error;
	return writer->error;
}

static int write_header(struct frames_writer *writer)
{
	const struct frames_region *region = &writer->region;
	_cleanup_buf_ struct buf header;

	buf_init(&header, FRAMES_HEADER_BYTES);
	buf_put(&header, FRAMES_MAGIC, FRAMES_MAGIC_BYTES);
	buf_put_u32(&header, FRAMES_VERSION);
	buf_put_u32(&header, FRAMES_TILE);
	buf_put_u32(&header, (uint32_t)region->x);
	buf_put_u32(&header, (uint32_t)region->y);
	buf_put_u32(&header, (uint32_t)region->width);
	buf_put_u32(&header, (uint32_t)region->height);
	if (buf_error(&header))
		return buf_error(&header);
	return fwrite(buf_data(&header), buf_len(&header), 1, writer->file) == 1 ? 0 : -EIO;
}

static int allocate(struct frames_writer *writer)
{
	size_t tiles = (size_t)writer->columns * (size_t)writer->rows;

	writer->shown = calloc((size_t)writer->region.width * (size_t)writer->region.height,
			       sizeof(*writer->shown));
	writer->changed = calloc(tiles, sizeof(*writer->changed));
	writer->out_size = ZSTD_CStreamOutSize();
	writer->out = malloc(writer->out_size);
	writer->zstd = ZSTD_createCCtx();
	if (!writer->shown || !writer->changed || !writer->out || !writer->zstd ||
	    ZSTD_isError(ZSTD_CCtx_setParameter(writer->zstd, ZSTD_c_compressionLevel, LEVEL)))
		return -ENOMEM;
	return 0;
}

int frames_create(const char *path, const struct frames_region *region,
		  struct frames_writer **ret_writer)
{
	struct frames_writer *writer;
	int r;

	if (!frames_region_valid(region))
		return -EINVAL;
	writer = calloc(1, sizeof(*writer));
	if (!writer)
		return -ENOMEM;
	writer->region = *region;
	writer->columns = frames_tiles_across(region->width);
	writer->rows = frames_tiles_across(region->height);
	r = allocate(writer);
	if (r == 0) {
		writer->file = fopen(path, "we");
		r = writer->file ? write_header(writer) : -errno;
	}
	if (r < 0) {
		writer_destroy(writer);
		return r;
	}
	*ret_writer = writer;
	return 0;
}

static int compress(struct frames_writer *writer, const void *data, size_t len,
		    ZSTD_EndDirective directive)
{
	ZSTD_inBuffer in = {data, len, 0};
	size_t left;

	do {
		ZSTD_outBuffer out = {writer->out, writer->out_size, 0};

		left = ZSTD_compressStream2(writer->zstd, &out, &in, directive);
		if (ZSTD_isError(left))
			return fail(writer, -EIO);
		if (out.pos > 0 && fwrite(writer->out, out.pos, 1, writer->file) != 1)
			return fail(writer, -EIO);
	} while (in.pos < in.size || (directive == ZSTD_e_end && left > 0));
	return 0;
}

/* Whether any of the picture's tiles that a tile of the region lies over was touched. */
static bool is_touched(const struct frames_region *box, const uint8_t *touched, int columns)
{
	if (!touched)
		return true;
	for (int y = box->y / FRAMES_TILE; y <= (box->y + box->height - 1) / FRAMES_TILE; y++) {
		for (int x = box->x / FRAMES_TILE; x <= (box->x + box->width - 1) / FRAMES_TILE;
		     x++) {
			if (touched[(size_t)y * (size_t)columns + (size_t)x])
				return true;
		}
	}
	return false;
}

/* A tile in the coordinates of the picture. */
static struct frames_region tile_box(const struct frames_writer *writer, int index)
{
	int x = index % writer->columns * FRAMES_TILE, y = index / writer->columns * FRAMES_TILE;

	return (struct frames_region){writer->region.x + x, writer->region.y + y,
				      MIN(FRAMES_TILE, writer->region.width - x),
				      MIN(FRAMES_TILE, writer->region.height - y)};
}

static uint32_t *shown_at(const struct frames_writer *writer, const struct frames_region *box)
{
	return writer->shown + (size_t)(box->y - writer->region.y) * (size_t)writer->region.width +
	       (size_t)(box->x - writer->region.x);
}

/* Notes the new content; whether it is new. */
static bool take_tile(struct frames_writer *writer, const struct frames_region *box,
		      const uint32_t *pixels, int stride)
{
	const uint32_t *from = pixels + (size_t)box->y * (size_t)stride + box->x;
	uint32_t *to = shown_at(writer, box);
	size_t bytes = (size_t)box->width * sizeof(*to);
	int y = 0;

	while (y < box->height && memcmp(to, from, bytes) == 0) {
		y++;
		to += writer->region.width;
		from += stride;
	}
	if (y == box->height)
		return false;
	for (; y < box->height; y++, to += writer->region.width, from += stride)
		memcpy(to, from, bytes);
	return true;
}

static int put_tile(struct frames_writer *writer, int index)
{
	struct frames_region box = tile_box(writer, index);
	const uint32_t *from = shown_at(writer, &box);
	uint32_t tile[FRAMES_TILE * FRAMES_TILE] = {0};
	uint8_t number[2] = {(uint8_t)(index >> 8), (uint8_t)index};
	int r = compress(writer, number, sizeof(number), ZSTD_e_continue);

	for (int y = 0; y < box.height; y++, from += writer->region.width)
		memcpy(tile + (size_t)y * FRAMES_TILE, from, (size_t)box.width * sizeof(*tile));
	return r < 0 ? r : compress(writer, tile, sizeof(tile), ZSTD_e_continue);
}

static int put_head(struct frames_writer *writer, uint64_t time, uint32_t number, int n_tiles)
{
	_cleanup_buf_ struct buf head;

	buf_init(&head, FRAMES_FRAME_BYTES);
	buf_put_u64(&head, time);
	buf_put_u32(&head, number);
	buf_put_u32(&head, (uint32_t)n_tiles);
	if (buf_error(&head))
		return fail(writer, buf_error(&head));
	return compress(writer, buf_data(&head), buf_len(&head), ZSTD_e_continue);
}

int frames_write(struct frames_writer *writer, uint64_t time, uint32_t number,
		 const uint32_t *pixels, int stride, const uint8_t *touched, int columns)
{
	int count = 0, r;

	if (writer->error)
		return writer->error;
	for (int i = 0; i < writer->columns * writer->rows; i++) {
		struct frames_region box = tile_box(writer, i);

		if (is_touched(&box, touched, columns) && take_tile(writer, &box, pixels, stride))
			writer->changed[count++] = (uint16_t)i;
	}
	r = put_head(writer, time, number, count);
	for (int i = 0; i < count && r == 0; i++)
		r = put_tile(writer, writer->changed[i]);
	return r;
}

int frames_writer_close(struct frames_writer *writer)
{
	int r;

	if (!writer)
		return 0;
	r = writer->error ? writer->error : compress(writer, NULL, 0, ZSTD_e_end);
	if (fclose(writer->file) != 0 && r == 0)
		r = -EIO;
	writer->file = NULL;
	writer_destroy(writer);
	return r;
}
