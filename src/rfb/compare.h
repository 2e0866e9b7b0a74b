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

/*
 * Sets the bits of cells [first, end) in which the runs differ. `a` and `b` point to the first
 * pixel of cell `first`; all of these cells are whole.
 */
void compare_cells(const uint32_t *a, const uint32_t *b, int first, int end,
		   struct compare_row *row);

/*
 * The part of `hint` where two pictures of one size differ, in cells of the grid above cut to the
 * hint. `hint` must lie inside the pictures, whose sides are at most RFB_SIDE_MAX. `ret_changed` is
 * an initialised region. `rows` may be NULL, or has an element for each row of the pictures: it
 * tells exactly which cells of which row differ inside the hint. 0 or -ENOMEM.
 */
NODISCARD int compare_region(const struct picture *a, const struct picture *b,
			     const pixman_region32_t *hint, struct compare_row *rows,
			     pixman_region32_t *ret_changed);

/* Copies a box that lies inside both pictures, top bytes cleared. */
void compare_copy(const struct picture *to, const struct picture *from, const pixman_box32_t *box);

#endif
