/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Private to frames: what reader and writer have in common. */
#ifndef LAZARET_BENCH_FRAMES_FORMAT_H
#define LAZARET_BENCH_FRAMES_FORMAT_H

#include <stdbool.h>

#include "bench/frames.h"

#define FRAMES_MAGIC "LZFR"
#define FRAMES_MAGIC_BYTES 4
#define FRAMES_VERSION 1
#define FRAMES_HEADER_BYTES (FRAMES_MAGIC_BYTES + 6 * 4)
#define FRAMES_FRAME_BYTES (8 + 4 + 4)
#define FRAMES_TILE_BYTES (FRAMES_TILE * FRAMES_TILE * 4)
#define FRAMES_POSITION_MAX 65535 /* of x and y */

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "pixels are written as they lie there");

static inline int frames_tiles_across(int side)
{
	return (side + FRAMES_TILE - 1) / FRAMES_TILE;
}

static inline bool frames_region_valid(const struct frames_region *region)
{
	return region->x >= 0 && region->x <= FRAMES_POSITION_MAX && region->y >= 0 &&
	       region->y <= FRAMES_POSITION_MAX && region->width >= 1 &&
	       region->width <= FRAMES_SIDE_MAX && region->height >= 1 &&
	       region->height <= FRAMES_SIDE_MAX;
}

#endif
