/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "rfb/scroll_order.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* Whether `a` writes what `b` reads, so that `b` has to come first. */
static bool spoils(const struct scroll_copy *a, const struct scroll_copy *b)
{
	return a->dst.x1 < b->dst.x2 - b->dx && b->dst.x1 - b->dx < a->dst.x2 &&
	       a->dst.y1 < b->dst.y2 - b->dy && b->dst.y1 - b->dy < a->dst.y2;
}

static int64_t area(const struct scroll_copy *c)
{
	return (int64_t)(c->dst.x2 - c->dst.x1) * (c->dst.y2 - c->dst.y1);
}

/* A copy that spoils nothing any more, or the smallest one of a circle. */
static size_t choose(const struct scroll_copy *copies, const int *spoiled, const bool *done,
		     size_t count)
{
	size_t smallest = count;

	for (size_t i = 0; i < count; i++) {
		if (done[i])
			continue;
		if (spoiled[i] == 0)
			return i;
		if (smallest == count || area(&copies[i]) < area(&copies[smallest]))
			smallest = i;
	}
	return smallest;
}

size_t scroll_order(struct scroll_copy *copies, size_t count)
{
	struct scroll_copy sorted[SCROLL_COPIES_MAX];
	int spoiled[SCROLL_COPIES_MAX] = {0}; /* how many waiting copies each would spoil */
	bool done[SCROLL_COPIES_MAX] = {0};
	size_t n = 0;

	for (size_t i = 0; i < count; i++) {
		for (size_t k = 0; k < count; k++)
			spoiled[i] += k != i && spoils(&copies[i], &copies[k]);
	}
	for (size_t step = 0; step < count; step++) {
		size_t i = choose(copies, spoiled, done, count);

		done[i] = true;
		if (spoiled[i] == 0)
			sorted[n++] = copies[i];
		for (size_t k = 0; k < count; k++) {
			if (!done[k] && spoils(&copies[k], &copies[i]))
				spoiled[k]--;
		}
	}
	memcpy(copies, sorted, n * sizeof(*copies));
	return n;
}
