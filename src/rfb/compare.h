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

#define COMPARE_MASK UINT32_C(0x00ffffff)

/* Cells that the region of compare_region() is made of. */
#define COMPARE_CELL_WIDTH 32
#define COMPARE_CELL_HEIGHT 8

/* Whether `count` pixels are the same, top bytes aside. */
bool compare_equal(const uint32_t *a, const uint32_t *b, int count);

/* How many pixels at the start (at the end) of two runs of `count` are the same. */
int compare_prefix(const uint32_t *a, const uint32_t *b, int count);
int compare_suffix(const uint32_t *a, const uint32_t *b, int count);

/*
 * The part of `hint` where two pictures of one size differ, in cells of the grid above cut to the
 * hint. `hint` must lie inside the pictures. `ret_changed` is an initialised region; 0 or -ENOMEM.
 */
NODISCARD int compare_region(const struct picture *a, const struct picture *b,
			     const pixman_region32_t *hint, pixman_region32_t *ret_changed);

/* Copies a box that lies inside both pictures, top bytes cleared. */
void compare_copy(const struct picture *to, const struct picture *from, const pixman_box32_t *box);

#endif
