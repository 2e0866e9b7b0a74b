/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "rfb/update_cover.h"

#include <errno.h>
#include <stdlib.h>

#include "base/mem.h"

#define LOOK_BACK 48 /* boxes that a new one is tried with */
#define PASSES 3
/* A box of no more pixels is small: some words in a line of text. */
#define SMALL_PIXELS (256 * 48)

static int64_t area(const pixman_box32_t *box)
{
	return (int64_t)(box->x2 - box->x1) * (box->y2 - box->y1);
}

static pixman_box32_t hull(const pixman_box32_t *a, const pixman_box32_t *b)
{
	return (pixman_box32_t){MIN(a->x1, b->x1), MIN(a->y1, b->y1), MAX(a->x2, b->x2),
				MAX(a->y2, b->y2)};
}

/* Adds a box, to one of the last ones if that is cheap. */
static void place(struct update_cover *cover, const struct update_cover_box *item, int64_t spare)
{
	struct update_cover_box *best = NULL;
	int64_t best_waste = INT64_MAX;
	size_t stop = cover->count > LOOK_BACK ? cover->count - LOOK_BACK : 0;

	for (size_t i = cover->count; i-- > stop;) {
		struct update_cover_box *other = &cover->items[i];
		pixman_box32_t both = hull(&other->box, &item->box);
		int64_t wanted = other->wanted + item->wanted;
		int64_t waste = area(&both) - wanted;
		/* What has been wasted already is no reason against it. */
		int64_t more = area(&both) - area(&other->box) - area(&item->box);

		/* What is small stays small: it is not to wait for something large that is near. */
		bool alike = more <= MIN(area(&other->box), area(&item->box));

		if ((more <= spare || (alike && waste <= wanted / 4)) && more < best_waste) {
			best = other;
			best_waste = more;
		}
	}
	if (!best) {
		cover->items[cover->count++] = *item;
		return;
	}
	best->box = hull(&best->box, &item->box);
	best->wanted += item->wanted;
}

/* Places all boxes anew; the list is read ahead of where it is written. */
static void merge(struct update_cover *cover, int64_t spare)
{
	size_t n = cover->count;

	cover->count = 0;
	for (size_t i = 0; i < n; i++) {
		struct update_cover_box item = cover->items[i];

		place(cover, &item, spare);
	}
}

static size_t parts_of(const pixman_box32_t *box, int64_t max_pixels, int *ret_rows)
{
	int64_t rows = MAX(max_pixels / (box->x2 - box->x1), 1);
	int height = box->y2 - box->y1;

	*ret_rows = (int)MIN(rows, height);
	return ((size_t)height + (size_t)*ret_rows - 1) / (size_t)*ret_rows;
}

static int split(struct update_cover *cover, int64_t max_pixels)
{
	_cleanup_free_ struct update_cover_box *items = NULL;
	size_t count = 0;
	int rows;

	for (size_t i = 0; i < cover->count; i++)
		count += parts_of(&cover->items[i].box, max_pixels, &rows);
	if (count == cover->count)
		return 0;
	items = reallocarray(NULL, count, sizeof(*items));
	if (!items)
		return -ENOMEM;
	count = 0;
	for (size_t i = 0; i < cover->count; i++) {
		pixman_box32_t box = cover->items[i].box;

		(void)parts_of(&box, max_pixels, &rows);
		for (int y = box.y1; y < box.y2; y += rows) {
			items[count].box = (pixman_box32_t){box.x1, y, box.x2,
							    MIN(y + rows, box.y2)};
			items[count].wanted = area(&items[count].box);
			items[count].small = cover->items[i].small;
			count++;
		}
	}
	free(cover->items);
	cover->items = STEAL(items);
	cover->count = count;
	return 0;
}

int update_cover_init(struct update_cover *cover, const pixman_region32_t *region, int64_t spare,
		      int64_t max_pixels)
{
	int n, r;
	const pixman_box32_t *boxes = pixman_region32_rectangles((pixman_region32_t *)region, &n);

	*cover = (struct update_cover){0};
	if (n == 0)
		return 0;
	cover->items = reallocarray(NULL, (size_t)n, sizeof(*cover->items));
	if (!cover->items)
		return -ENOMEM;
	for (int i = 0; i < n; i++) {
		cover->items[i] = (struct update_cover_box){.box = boxes[i],
							    .wanted = area(&boxes[i])};
		cover->count++;
	}
	for (int pass = 0; pass < PASSES; pass++) {
		size_t before = cover->count;

		merge(cover, spare);
		if (cover->count == before)
			break;
	}
	/* A part of a large one is not small. */
	for (size_t i = 0; i < cover->count; i++)
		cover->items[i].small = area(&cover->items[i].box) <= SMALL_PIXELS;
	r = split(cover, max_pixels);
	if (r < 0)
		update_cover_finish(cover);
	return r;
}

static int compare_places(const void *left, const void *right)
{
	const struct update_cover_box *a = left, *b = right;

	return a->box.y1 != b->box.y1 ? a->box.y1 - b->box.y1 : a->box.x1 - b->box.x1;
}

static void swap(struct update_cover_box *a, struct update_cover_box *b)
{
	struct update_cover_box other = *a;

	*a = *b;
	*b = other;
}

static void reverse(struct update_cover_box *items, size_t count)
{
	for (size_t i = 0; i < count / 2; i++)
		swap(&items[i], &items[count - 1 - i]);
}

/* The first `count` of the boxes go to the end, in their order. */
static void rotate(struct update_cover_box *items, size_t total, size_t count)
{
	reverse(items, count);
	reverse(items + count, total - count);
	reverse(items, total);
}

void update_cover_order(struct update_cover *cover, int turn)
{
	size_t n_small = 0, before = 0;

	for (size_t i = 0; i < cover->count; i++) {
		if (cover->items[i].small)
			swap(&cover->items[i], &cover->items[n_small++]);
	}
	qsort(cover->items, n_small, sizeof(*cover->items), compare_places);
	qsort(cover->items + n_small, cover->count - n_small, sizeof(*cover->items),
	      compare_places);
	while (n_small + before < cover->count && cover->items[n_small + before].box.y1 < turn)
		before++;
	rotate(cover->items + n_small, cover->count - n_small, before);
}

void update_cover_finish(struct update_cover *cover)
{
	free(cover->items);
	*cover = (struct update_cover){0};
}
