/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "rfb/scroll_marks.h"

#include <stdbool.h>
#include <string.h>

#include "base/mem.h"
#include "rfb/compare.h"
#include "rfb/scroll_vote.h"

#define RUN COMPARE_CELL_WIDTH /* pixels of a mark */
#define STEPS_MIN 6 /* changes of colour inside a mark; fewer look like many other places */
#define HITS_MAX 4 /* a mark that is found more often says nothing */
#define VOTES_MIN 4
#define AREA_MAX (1 << 20) /* pixels that are searched; a millisecond or two */
#define BASE UINT32_C(0x01000193)

static uint32_t power(uint32_t base, int exponent)
{
	uint32_t product = 1;

	while (exponent-- > 0)
		product *= base;
	return product;
}

static uint32_t hash_run(const uint32_t *p)
{
	uint32_t hash = 0;

	for (int i = 0; i < RUN; i++)
		hash = hash * BASE + (p[i] & COMPARE_MASK);
	return hash;
}

static int count_steps(const uint32_t *p)
{
	int steps = 0;

	for (int i = 1; i < RUN; i++)
		steps += ((p[i] ^ p[i - 1]) & COMPARE_MASK) != 0;
	return steps;
}

static uint32_t mix(uint32_t hash)
{
	return hash * UINT32_C(0x9e3779b1);
}

static void filter_set(struct scroll_marks *marks, uint32_t hash)
{
	uint32_t bit = mix(hash) >> 20;

	marks->filter[bit / 64] |= UINT64_C(1) << bit % 64;
}

static bool filter_has(const struct scroll_marks *marks, uint32_t hash)
{
	uint32_t bit = mix(hash) >> 20;

	return marks->filter[bit / 64] >> bit % 64 & 1;
}

static int *find_slot(struct scroll_marks *marks, uint32_t hash)
{
	uint32_t i = mix(hash) >> 24;

	_Static_assert(SCROLL_MARKS_SLOTS == 1 << 8, "the shift above makes an index of the table");
	while (marks->slots[i] && marks->marks[marks->slots[i] - 1].hash != hash)
		i = (i + 1) % SCROLL_MARKS_SLOTS;
	return &marks->slots[i];
}

static void add_mark(struct scroll_marks *marks, const struct scroll_field *field, int x, int y)
{
	const uint32_t *p = field->now->pixels + (size_t)y * field->now->stride + x;
	uint32_t hash;
	int *slot;

	if (marks->n_marks == SCROLL_MARKS_MAX || count_steps(p) < STEPS_MIN)
		return;
	hash = hash_run(p);
	slot = find_slot(marks, hash);
	if (*slot)
		return;
	marks->marks[marks->n_marks] = (struct scroll_mark){.hash = hash, .x = x, .y = y};
	*slot = ++marks->n_marks;
	filter_set(marks, hash);
}

/* A few from each of some rows, the cells of a row taken in turns. */
static void choose_marks(struct scroll_marks *marks, const struct scroll_field *field)
{
	int step = MAX((field->box.y2 - field->box.y1) / SCROLL_MARKS_MAX, 1);
	int width = field->end - field->first;

	for (int y = field->box.y1, turn = 0; y < field->box.y2; y += step) {
		const struct compare_row *left = &field->left[y];
		int before = marks->n_marks;

		for (int i = 0; i < width && marks->n_marks == before; i++) {
			int cell = field->first + (turn + i) % width;

			if (left->cells[cell / 64] >> cell % 64 & 1)
				add_mark(marks, field, cell * RUN, y);
		}
		turn += MAX(width / 5, 1);
	}
}

static void vote(struct scroll_marks *marks, int dx, int dy)
{
	for (int i = 0; i < marks->n_ways; i++) {
		if (marks->ways[i].dx == dx && marks->ways[i].dy == dy) {
			marks->ways[i].votes++;
			return;
		}
	}
	if (marks->n_ways < SCROLL_MARKS_WAYS)
		marks->ways[marks->n_ways++] = (struct scroll_way){dx, dy, 1};
}

static void found(struct scroll_marks *marks, const struct scroll_field *field, uint32_t hash,
		  int x, int y)
{
	int slot = *find_slot(marks, hash);
	struct scroll_mark *mark;

	if (!slot)
		return;
	mark = &marks->marks[slot - 1];
	if (mark->hits == HITS_MAX || (mark->x == x && mark->y == y) ||
	    !compare_equal(field->now->pixels + (size_t)mark->y * field->now->stride + mark->x,
			   field->before->pixels + (size_t)y * field->before->stride + x, RUN))
		return;
	mark->hits++;
	vote(marks, mark->x - x, mark->y - y);
}

static void search_row(struct scroll_marks *marks, const struct scroll_field *field, int y)
{
	const uint32_t *row = field->before->pixels + (size_t)y * field->before->stride;
	const uint32_t away = power(BASE, RUN);
	int end = field->box.x2 - RUN;
	uint32_t hash = hash_run(row + field->box.x1);

	for (int x = field->box.x1;; x++) {
		if (filter_has(marks, hash))
			found(marks, field, hash, x, y);
		if (x >= end)
			return;
		hash = hash * BASE + (row[x + RUN] & COMPARE_MASK) - away * (row[x] & COMPARE_MASK);
	}
}

static size_t pick(struct scroll_marks *marks, struct compare_shift *shifts, size_t max)
{
	size_t n = 0;

	while (n < max) {
		struct scroll_way *best = &marks->ways[0];

		for (int i = 1; i < marks->n_ways; i++) {
			if (marks->ways[i].votes > best->votes)
				best = &marks->ways[i];
		}
		if (marks->n_ways == 0 || best->votes < VOTES_MIN)
			break;
		shifts[n++] = (struct compare_shift){.dx = best->dx, .dy = best->dy};
		best->votes = 0;
	}
	return n;
}

size_t scroll_marks_find(struct scroll_marks *marks, const struct scroll_field *field,
			 struct compare_shift *shifts, size_t max)
{
	const pixman_box32_t *box = &field->box;

	if (box->x2 - box->x1 < RUN ||
	    (int64_t)(box->x2 - box->x1) * (box->y2 - box->y1) > AREA_MAX)
		return 0;
	memset(marks, 0, sizeof(*marks));
	choose_marks(marks, field);
	if (marks->n_marks < VOTES_MIN)
		return 0;
	for (int y = box->y1; y < box->y2; y++)
		search_row(marks, field, y);
	return pick(marks, shifts, max);
}
