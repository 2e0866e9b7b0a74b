/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Private to update: from a ragged region to rectangles worth their headers. */
#ifndef LAZARET_RFB_UPDATE_COVER_H
#define LAZARET_RFB_UPDATE_COVER_H

#include <pixman.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"

struct update_cover {
	struct update_cover_box {
		pixman_box32_t box;
		int64_t wanted; /* pixels of the region in it */
		bool small; /* before boxes were split to be no larger than `max_pixels` */
	} * items;
	size_t count;
};

/*
 * Boxes that together hold the region, and more where that saves boxes: two become one if this
 * adds at most `spare` pixels, or a quarter of what both have and no more than the smaller has.
 * `max_pixels` bounds each box, one row apart. 0 or -ENOMEM.
 */
NODISCARD int update_cover_init(struct update_cover *cover, const pixman_region32_t *region,
				int64_t spare, int64_t max_pixels);
/*
 * Small boxes first: what a person types is small, and a film is not. Then the others from the row
 * `turn` on downwards, and those above it last.
 */
void update_cover_order(struct update_cover *cover, int turn);
void update_cover_finish(struct update_cover *cover);

#endif
