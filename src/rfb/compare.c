/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "rfb/compare.h"

#include <errno.h>
#include <stdlib.h>

#include "base/mem.h"
#include "rfb/protocol.h"
#include "rfb/vector.h"

#define BLOCK 64 /* pixels looked at before the next decision */
#define CELLS_MAX (RFB_SIDE_MAX / COMPARE_CELL_WIDTH + 1)

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

/* Marks the cells in which two rows from x1 to x2 differ. */
static void mark_row(const uint32_t *a, const uint32_t *b, int x1, int x2, bool *marks)
{
	int cell = 0;

	if (compare_equal(a + x1, b + x1, x2 - x1))
		return;
	for (int x = x1; x < x2; cell++) {
		int end = MIN((x / COMPARE_CELL_WIDTH + 1) * COMPARE_CELL_WIDTH, x2);

		if (!marks[cell] && !compare_equal(a + x, b + x, end - x))
			marks[cell] = true;
		x = end;
	}
}

static int add_marked(struct boxes *boxes, const bool *marks, int x1, int x2, int y1, int y2)
{
	int cell = 0, start = -1;

	for (int x = x1; x < x2; cell++) {
		int end = MIN((x / COMPARE_CELL_WIDTH + 1) * COMPARE_CELL_WIDTH, x2);

		if (marks[cell] && start < 0)
			start = x;
		if (start >= 0 && !marks[cell]) {
			int r = boxes_add(boxes, start, y1, x, y2);

			if (r < 0)
				return r;
			start = -1;
		}
		x = end;
	}
	return start < 0 ? 0 : boxes_add(boxes, start, y1, x2, y2);
}

static int compare_box(const struct picture *a, const struct picture *b, const pixman_box32_t *box,
		       struct boxes *boxes)
{
	bool marks[CELLS_MAX];

	for (int y = box->y1; y < box->y2;) {
		int end = MIN((y / COMPARE_CELL_HEIGHT + 1) * COMPARE_CELL_HEIGHT, box->y2);
		int r;

		for (size_t i = 0; i < ARRAY_LEN(marks); i++)
			marks[i] = false;
		for (int row = y; row < end; row++)
			mark_row(a->pixels + (size_t)row * a->stride,
				 b->pixels + (size_t)row * b->stride, box->x1, box->x2, marks);
		r = add_marked(boxes, marks, box->x1, box->x2, y, end);
		if (r < 0)
			return r;
		y = end;
	}
	return 0;
}

int compare_region(const struct picture *a, const struct picture *b, const pixman_region32_t *hint,
		   pixman_region32_t *ret_changed)
{
	struct boxes boxes = {0};
	_cleanup_free_ pixman_box32_t *items = NULL;
	pixman_region32_t changed;
	int n, r = 0;
	const pixman_box32_t *box = pixman_region32_rectangles((pixman_region32_t *)hint, &n);

	for (int i = 0; i < n && r == 0; i++)
		r = compare_box(a, b, &box[i], &boxes);
	items = boxes.items;
	if (r < 0)
		return r;
	if (!pixman_region32_init_rects(&changed, items, boxes.count))
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
