/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Private to scroll: finds again short runs of pixels, wherever they went. Some that look like
 * nothing else are taken from the picture of now; the picture before is searched for them, pixel
 * by pixel with a rolling hash, and each that is found votes for the way from there to here.
 */
#ifndef LAZARET_RFB_SCROLL_MARKS_H
#define LAZARET_RFB_SCROLL_MARKS_H

#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"

#define SCROLL_MARKS_MAX 64
#define SCROLL_MARKS_SLOTS 256
#define SCROLL_MARKS_WAYS 128

struct scroll_field;
struct compare_shift;

struct scroll_marks {
	struct scroll_mark {
		uint32_t hash;
		int x, y; /* where it begins, now */
		int hits; /* places where it was before */
	} marks[SCROLL_MARKS_MAX];
	int n_marks;
	int slots[SCROLL_MARKS_SLOTS]; /* index of a mark + 1, 0: none */
	uint64_t filter[64]; /* one bit for each hash that a mark may have */
	struct scroll_way {
		int dx, dy, votes;
	} ways[SCROLL_MARKS_WAYS];
	int n_ways;
};

/* At most `max` shifts, the best first; returns how many. */
NODISCARD size_t scroll_marks_find(struct scroll_marks *marks, const struct scroll_field *field,
				   struct compare_shift *shifts, size_t max);

#endif
