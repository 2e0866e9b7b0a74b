/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "rfb/compare.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "rfb/vector.h"

#define BLOCK 64 /* pixels looked at before the next decision */

VECTORISED bool compare_equal(const uint32_t *a, const uint32_t *b, int count)
{
	int i = 0;
	uint32_t rest = 0;

	for (; i + BLOCK <= count; i += BLOCK) {
		uint32_t differ = 0;

		for (int k = 0; k < BLOCK; k++)
			differ |= a[i + k] ^ b[i + k];
		if (differ & COMPARE_MASK)
			return false;
	}
	for (; i < count; i++)
		rest |= a[i] ^ b[i];
	return (rest & COMPARE_MASK) == 0;
}

int compare_prefix(const uint32_t *a, const uint32_t *b, int count)
{
	int i = 0;

	while (i < count && ((a[i] ^ b[i]) & COMPARE_MASK) == 0)
		i++;
	return i;
}

int compare_suffix(const uint32_t *a, const uint32_t *b, int count)
{
	int i = count;

	while (i > 0 && ((a[i - 1] ^ b[i - 1]) & COMPARE_MASK) == 0)
		i--;
	return count - i;
}

struct boxes {
	pixman_box32_t *items;
	int count, room;
};

static int boxes_add(struct boxes *boxes, int x1, int y1, int x2, int y2)
{
	if (boxes->count == boxes->room) {
		int room = boxes->room ? 2 * boxes->room : 256;
		pixman_box32_t *items = reallocarray(boxes->items, room, sizeof(*items));

		if (!items)
			return -ENOMEM;
		boxes->items = items;
		boxes->room = room;
	}
	boxes->items[boxes->count++] = (pixman_box32_t){x1, y1, x2, y2};
	return 0;
}

/* Sets the bits of cells [first, end) in which the runs differ; `a` and `b` point to cell `first`. */
VECTORISED static void compare_cells(const uint32_t *a, const uint32_t *b, int first, int end,
				     struct compare_row *row)
{
	for (int cell = first; cell < end; cell++) {
		uint32_t differ = 0;

		for (int k = 0; k < COMPARE_CELL_WIDTH; k++)
			differ |= a[k] ^ b[k];
		row->cells[cell / 64] |= (uint64_t)((differ & COMPARE_MASK) != 0) << cell % 64;
		a += COMPARE_CELL_WIDTH;
		b += COMPARE_CELL_WIDTH;
	}
}

static void mark_part(const uint32_t *a, const uint32_t *b, int x1, int x2, struct compare_row *row)
{
	int cell = x1 / COMPARE_CELL_WIDTH;

	if (x1 < x2 && !compare_equal(a + x1, b + x1, x2 - x1))
		row->cells[cell / 64] |= UINT64_C(1) << cell % 64;
}

/* Marks the cells in which two rows from x1 to x2 differ; those at the ends may be cut. */
static void mark_row(const uint32_t *a, const uint32_t *b, int x1, int x2, struct compare_row *row)
{
	int first = (x1 + COMPARE_CELL_WIDTH - 1) / COMPARE_CELL_WIDTH;
	int end = x2 / COMPARE_CELL_WIDTH;

	if (compare_equal(a + x1, b + x1, x2 - x1))
		return;
	if (first > end) {
		mark_part(a, b, x1, x2, row);
		return;
	}
	mark_part(a, b, x1, first * COMPARE_CELL_WIDTH, row);
	compare_cells(a + first * COMPARE_CELL_WIDTH, b + first * COMPARE_CELL_WIDTH, first, end,
		      row);
	mark_part(a, b, end * COMPARE_CELL_WIDTH, x2, row);
}

void compare_row(const struct picture *a, const struct picture *b, int y, int first, int end,
		 struct compare_row *row)
{
	end = MIN(end, a->width / COMPARE_CELL_WIDTH);
	compare_cells(a->pixels + (size_t)y * a->stride + first * COMPARE_CELL_WIDTH,
		      b->pixels + (size_t)y * b->stride + first * COMPARE_CELL_WIDTH, first, end,
		      row);
}

struct compare_row compare_shifted(const struct picture *before, const struct picture *now,
				   const struct compare_shift *shift, int y, int first, int end)
{
	struct compare_row match = {0}, differ = {0};
	int from = y - shift->dy;

	/* Rounded up and down: the source begins in column 0 at least and ends at most in the last. */
	first = MAX((MAX(shift->dx, 0) + COMPARE_CELL_WIDTH - 1) / COMPARE_CELL_WIDTH, first);
	end = MIN((before->width + MIN(shift->dx, 0)) / COMPARE_CELL_WIDTH, end);
	if (from < 0 || from >= before->height || first >= end)
		return match;
	compare_cells(now->pixels + (size_t)y * now->stride + first * COMPARE_CELL_WIDTH,
		      before->pixels + (ptrdiff_t)from * before->stride +
			      first * COMPARE_CELL_WIDTH - shift->dx,
		      first, end, &differ);
	for (int cell = first; cell < end; cell++)
		match.cells[cell / 64] |= UINT64_C(1) << cell % 64;
	for (int i = 0; i < COMPARE_WORDS; i++)
		match.cells[i] &= ~differ.cells[i];
	return match;
}

static bool is_marked(const struct compare_row *row, int cell)
{
	return row->cells[cell / 64] >> cell % 64 & 1;
}

/* Runs of marked cells, cut to the box. */
static int add_marked(struct boxes *boxes, const struct compare_row *marks,
		      const pixman_box32_t *box)
{
	int end = (box->x2 + COMPARE_CELL_WIDTH - 1) / COMPARE_CELL_WIDTH;

	for (int cell = box->x1 / COMPARE_CELL_WIDTH; cell < end; cell++) {
		int start = cell, r;

		while (cell < end && is_marked(marks, cell))
			cell++;
		if (cell == start)
			continue;
		r = boxes_add(boxes, MAX(start * COMPARE_CELL_WIDTH, box->x1), box->y1,
			      MIN(cell * COMPARE_CELL_WIDTH, box->x2), box->y2);
		if (r < 0)
			return r;
	}
	return 0;
}

/* The call at work. */
struct walk {
	const struct picture *before, *now;
	struct compare_row *rows; /* may be NULL */
	const struct compare_shift *shift; /* may be NULL */
	struct boxes boxes;
};

static void join(struct compare_row *to, const struct compare_row *more)
{
	for (int i = 0; i < COMPARE_WORDS; i++)
		to->cells[i] |= more->cells[i];
}

static void match_shift(const struct walk *walk, const pixman_box32_t *box, int y)
{
	int first = (box->x1 + COMPARE_CELL_WIDTH - 1) / COMPARE_CELL_WIDTH;
	int end = box->x2 / COMPARE_CELL_WIDTH;
	struct compare_row match = compare_shifted(walk->before, walk->now, walk->shift, y, first,
						   end);

	join(&walk->shift->matches[y], &match);
}

/* One row of cells. */
static int compare_band(struct walk *walk, const pixman_box32_t *box)
{
	const struct picture *a = walk->before, *b = walk->now;
	struct compare_row band = {0};

	for (int y = box->y1; y < box->y2; y++) {
		struct compare_row row = {0};

		mark_row(a->pixels + (size_t)y * a->stride, b->pixels + (size_t)y * b->stride,
			 box->x1, box->x2, &row);
		join(&band, &row);
		if (walk->rows)
			join(&walk->rows[y], &row);
		if (walk->shift)
			match_shift(walk, box, y);
	}
	return add_marked(&walk->boxes, &band, box);
}

static int compare_box(struct walk *walk, const pixman_box32_t *box)
{
	pixman_box32_t band = *box;

	for (; band.y1 < box->y2; band.y1 = band.y2) {
		int r;

		band.y2 = MIN((band.y1 / COMPARE_CELL_HEIGHT + 1) * COMPARE_CELL_HEIGHT, box->y2);
		r = compare_band(walk, &band);
		if (r < 0)
			return r;
	}
	return 0;
}

int compare_region(const struct picture *before, const struct picture *now,
		   const pixman_region32_t *hint, struct compare_row *rows,
		   const struct compare_shift *shift, pixman_region32_t *ret_changed)
{
	struct walk walk = {.before = before, .now = now, .rows = rows, .shift = shift};
	_cleanup_free_ pixman_box32_t *items = NULL;
	pixman_region32_t changed;
	int n, r = 0;
	const pixman_box32_t *box = pixman_region32_rectangles((pixman_region32_t *)hint, &n);

	if (rows)
		memset(rows, 0, (size_t)now->height * sizeof(*rows));
	if (shift)
		memset(shift->matches, 0, (size_t)now->height * sizeof(*shift->matches));
	for (int i = 0; i < n && r == 0; i++)
		r = compare_box(&walk, &box[i]);
	items = walk.boxes.items;
	if (r < 0)
		return r;
	if (!pixman_region32_init_rects(&changed, items, walk.boxes.count))
		return -ENOMEM;
	pixman_region32_fini(ret_changed);
	*ret_changed = changed;
	return 0;
}

VECTORISED static void copy_row(uint32_t *to, const uint32_t *from, int count)
{
	for (int i = 0; i < count; i++)
		to[i] = from[i] & COMPARE_MASK;
}

void compare_copy(const struct picture *to, const struct picture *from, const pixman_box32_t *box)
{
	for (int y = box->y1; y < box->y2; y++)
		copy_row(to->pixels + (size_t)y * to->stride + box->x1,
			 from->pixels + (size_t)y * from->stride + box->x1, box->x2 - box->x1);
}
