/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The few colours of a rectangle, and the rectangle as indices of them. */
#ifndef LAZARET_RFB_PALETTE_H
#define LAZARET_RFB_PALETTE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"

#define PALETTE_MAX 256
#define PALETTE_SLOTS 1024

struct palette {
	uint32_t colours[PALETTE_MAX]; /* in the order in which they were met */
	int count;
	struct {
		uint32_t colour;
		uint16_t index;
		uint16_t round; /* the slot is in use if it has the palette's round */
	} slots[PALETTE_SLOTS];
	uint16_t round;
};

/* All zero is a palette ready for use.
 * Collects up to `max` <= PALETTE_MAX colours of `count` values and writes an index for each.
 * Returns false, with the indices unfinished, as soon as there are more. */
NODISCARD bool palette_build(struct palette *palette, const uint32_t *values, size_t count, int max,
			     uint8_t *indices);

/* The order of the palettes before, so that a colour keeps its index from one to the next: only
 * then do the indices of two rectangles resemble each other for a compressor. All zero at first. */
struct palette_order {
	uint32_t colours[PALETTE_MAX];
	int count;
};

/* Brings a palette just built, and the `count` indices that were made with it, into the order. */
void palette_arrange(struct palette *palette, struct palette_order *order, uint8_t *indices,
		     size_t count);

#endif
