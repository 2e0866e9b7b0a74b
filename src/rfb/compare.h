/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Comparing and copying pixels without their top byte. Pictures that come from Wayland buffers
 * have anything there; pictures that we keep have 0 (compare_copy() sees to it).
 */
#ifndef LAZARET_RFB_COMPARE_H
#define LAZARET_RFB_COMPARE_H

#include <pixman.h>
#include <stdbool.h>

#include "base/attr.h"
#include "rfb/pixel_format.h"
#include "rfb/protocol.h"

#define COMPARE_MASK UINT32_C(0x00ffffff)

/* Cells that the region of compare_region() is made of. */
#define COMPARE_CELL_WIDTH 32
#define COMPARE_CELL_HEIGHT 8

/* One bit for each cell that one row of pixels crosses: bit i of word i / 64 is the cell whose
 * columns begin at COMPARE_CELL_WIDTH * i. */
#define COMPARE_WORDS (RFB_SIDE_MAX / COMPARE_CELL_WIDTH / 64)
struct compare_row {
	uint64_t cells[COMPARE_WORDS];
};

/* Whether `count` pixels are the same, top bytes aside. */
bool compare_equal(const uint32_t *a, const uint32_t *b, int count);

/* How many pixels at the start (at the end) of two runs of `count` are the same. */
int compare_prefix(const uint32_t *a, const uint32_t *b, int count);
int compare_suffix(const uint32_t *a, const uint32_t *b, int count);

/* A guess that the picture moved: now(x, y) == before(x - dx, y - dy). */
struct compare_shift {
	int dx, dy;
	struct compare_row *matches; /* by row of the picture: cells for which it is true */
};

/*
 * The whole cells among [first, end) of row `y` of `now` that are as the guess says, its `matches`
 * aside. Cells whose source is not wholly inside the picture are none of them.
 */
struct compare_row compare_shifted(const struct picture *before, const struct picture *now,
				   const struct compare_shift *shift, int y, int first, int end);

/* Sets the bits of the whole cells among [first, end) in which row `y` of two pictures differs. */
void compare_row(const struct picture *a, const struct picture *b, int y, int first, int end,
		 struct compare_row *row);

/*
 * The part of `hint` where two pictures of one size differ, in cells of the grid above cut to the
 * hint. `hint` must lie inside the pictures, whose sides are at most RFB_SIDE_MAX. `ret_changed` is
 * an initialised region.
 *
 * `rows` may be NULL, or has an element for each row of the pictures: it tells exactly which cells
 * of which row differ inside the hint. `shift` may be NULL; otherwise its matches, one for each row,
 * are found on the way, for whole cells of the hint, which is cheaper than another walk over both
 * pictures. 0 or -ENOMEM.
 */
NODISCARD int compare_region(const struct picture *before, const struct picture *now,
			     const pixman_region32_t *hint, struct compare_row *rows,
			     const struct compare_shift *shift, pixman_region32_t *ret_changed);

/* Copies a box that lies inside both pictures, top bytes cleared. */
void compare_copy(const struct picture *to, const struct picture *from, const pixman_box32_t *box);

#endif
