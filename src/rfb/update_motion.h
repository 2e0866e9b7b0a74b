/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Private to update: where the picture keeps changing, and where it has come to rest. */
#ifndef LAZARET_RFB_UPDATE_MOTION_H
#define LAZARET_RFB_UPDATE_MOTION_H

#include <pixman.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"

#define UPDATE_MOTION_CELL 64 /* pixels a side */

struct update_motion {
	struct update_motion_cell {
		uint64_t last; /* monotonic time of the last change */
		uint8_t streak; /* changes that followed each other quickly */
	} * cells;
	int columns, rows;
};

/* A grid for a picture of this size, all at rest. 0 or -ENOMEM; the former grid is kept then. */
NODISCARD int update_motion_resize(struct update_motion *motion, int width, int height);
void update_motion_finish(struct update_motion *motion);

/* The region (inside the picture) changed at a time in microseconds. */
void update_motion_note(struct update_motion *motion, const pixman_region32_t *changed,
			uint64_t time);

/* Cells that change several times a second. `ret_moving` is an initialised region. 0 or -ENOMEM */
NODISCARD int update_motion_moving(const struct update_motion *motion, uint64_t time,
				   pixman_region32_t *ret_moving);
/* The same for one cell. */
bool update_motion_is_moving(const struct update_motion *motion, int column, int row,
			     uint64_t time);
/* Cells that have not changed since a time. */
NODISCARD int update_motion_resting(const struct update_motion *motion, uint64_t since,
				    pixman_region32_t *ret_resting);

#endif
