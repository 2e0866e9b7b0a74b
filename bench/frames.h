/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Recorded pictures: what a client or a compositor showed, frame by frame, exactly.
 *
 * A file has a header of 28 bytes: "LZFR", then six u32: version 1, the side of a tile (64), and x,
 * y, width and height of the region in the picture that it was taken from. Then, all in one zstd
 * frame, for each picture: u64 time in microseconds, u32 number (FRAMES_NO_NUMBER: none), u32 count
 * of tiles, and for each tile that is not as it was: u16 index (row by row) and 64 x 64 pixels of
 * four bytes B, G, R, 0; what is beyond the region is 0. Before the first picture all is black.
 * Numbers are big endian.
 */
#ifndef LAZARET_BENCH_FRAMES_H
#define LAZARET_BENCH_FRAMES_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/attr.h"

#define FRAMES_TILE 64
#define FRAMES_NO_NUMBER UINT32_MAX
#define FRAMES_SIDE_MAX 4096 /* pixels of width and height */

/* A region of a picture, in pixels. */
struct frames_region {
	int x, y, width, height;
};

/* --- writing ------------------------------------------------------------------------------------ */

struct frames_writer;

/* 0, -EINVAL (no region, or larger than FRAMES_SIDE_MAX), -ENOMEM or another negative errno. */
NODISCARD int frames_create(const char *path, const struct frames_region *region,
			    struct frames_writer **ret_writer);

/*
 * Appends a picture. `pixels` is the whole picture that the region is a part of, `stride` pixels a
 * row; top bytes are 0. `touched` says which of the picture's tiles (of `columns` a row) may have
 * changed since the last call; NULL: any. 0 or a negative errno, after which only
 * frames_writer_close() makes sense.
 */
NODISCARD int frames_write(struct frames_writer *writer, uint64_t time, uint32_t number,
			   const uint32_t *pixels, int stride, const uint8_t *touched, int columns);

/* Ends the file and frees the writer, NULL included; 0 or what went wrong at any time before. */
NODISCARD int frames_writer_close(struct frames_writer *writer);

/* --- reading ------------------------------------------------------------------------------------ */

struct frames_reader;

struct frame {
	uint64_t time; /* microseconds */
	uint32_t number;
	const uint32_t *pixels; /* the region, rows of its width; until the next call */
	const uint16_t *tiles; /* that changed, as long */
	size_t n_tiles;
};

/* Takes over the stream, also on failure. 0, -EPROTO (no recording) or a negative errno. */
NODISCARD int frames_open_stream(FILE *stream, struct frames_reader **ret_reader);
NODISCARD int frames_open(const char *path, struct frames_reader **ret_reader);
void frames_reader_close(struct frames_reader *reader);

const struct frames_region *frames_region(const struct frames_reader *reader);

/* 1: a picture; 0: there are no more; -EPROTO: the file is broken or cut off here. */
NODISCARD int frames_read(struct frames_reader *reader, struct frame *ret_frame);
/* Back to the first picture. 0 or a negative errno. */
NODISCARD int frames_rewind(struct frames_reader *reader);

#endif
