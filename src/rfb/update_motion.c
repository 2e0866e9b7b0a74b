/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "rfb/update_motion.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"

#define CELL UPDATE_MOTION_CELL
#define STREAK_GAP (300 * USEC_PER_MSEC) /* changes further apart than this are no motion */
#define STREAK_MOVING 4 /* so many in a row are */

int update_motion_resize(struct update_motion *motion, int width, int height)
{
	int columns = (width + CELL - 1) / CELL, rows = (height + CELL - 1) / CELL;
	struct update_motion_cell *cells = calloc((size_t)columns * (size_t)rows, sizeof(*cells));

	if (!cells)
		return -ENOMEM;
	free(motion->cells);
	*motion = (struct update_motion){cells, columns, rows};
	return 0;
}

void update_motion_finish(struct update_motion *motion)
{
	free(motion->cells);
	*motion = (struct update_motion){0};
}

static void note_cell(struct update_motion_cell *cell, uint64_t time)
{
	if (cell->last == time)
		return;
	if (cell->streak == 0 || time - cell->last > STREAK_GAP)
		cell->streak = 1;
	else if (cell->streak < UINT8_MAX)
		cell->streak++;
	cell->last = time;
}

void update_motion_note(struct update_motion *motion, const pixman_region32_t *changed,
			uint64_t time)
{
	int n;
	const pixman_box32_t *b = pixman_region32_rectangles((pixman_region32_t *)changed, &n);

	for (int i = 0; i < n; i++) {
		for (int row = b[i].y1 / CELL; row <= (b[i].y2 - 1) / CELL; row++) {
			for (int column = b[i].x1 / CELL; column <= (b[i].x2 - 1) / CELL; column++)
				note_cell(&motion->cells[row * motion->columns + column], time);
		}
	}
}

static bool is_moving(const struct update_motion_cell *cell, uint64_t time)
{
	return cell->streak >= STREAK_MOVING && time - cell->last <= STREAK_GAP;
}

static bool is_resting(const struct update_motion_cell *cell, uint64_t since)
{
	return cell->last <= since;
}

static int collect(const struct update_motion *motion,
		   bool (*test)(const struct update_motion_cell *cell, uint64_t time),
		   uint64_t time, pixman_region32_t *ret_region)
{
	_cleanup_free_ pixman_box32_t *boxes = NULL;
	pixman_region32_t region;
	int n = 0;

	boxes = reallocarray(NULL, (size_t)motion->columns * (size_t)motion->rows, sizeof(*boxes));
	if (!boxes)
		return -ENOMEM;
	for (int row = 0; row < motion->rows; row++) {
		for (int column = 0; column < motion->columns; column++) {
			if (test(&motion->cells[row * motion->columns + column], time))
				boxes[n++] = (pixman_box32_t){column * CELL, row * CELL,
							      (column + 1) * CELL,
							      (row + 1) * CELL};
		}
	}
	if (!pixman_region32_init_rects(&region, boxes, n))
		return -ENOMEM;
	pixman_region32_fini(ret_region);
	*ret_region = region;
	return 0;
}

bool update_motion_is_moving(const struct update_motion *motion, int column, int row, uint64_t time)
{
	return is_moving(&motion->cells[row * motion->columns + column], time);
}

int update_motion_moving(const struct update_motion *motion, uint64_t time,
			 pixman_region32_t *ret_moving)
{
	return collect(motion, is_moving, time, ret_moving);
}

int update_motion_resting(const struct update_motion *motion, uint64_t since,
			  pixman_region32_t *ret_resting)
{
	return collect(motion, is_resting, since, ret_resting);
}
