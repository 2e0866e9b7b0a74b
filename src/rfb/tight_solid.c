/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "rfb/tight_solid.h"

#include <stdint.h>

#include "rfb/vector.h"

#define BLOCK 16 /* pixels; the grid in which solid areas are looked for */

VECTORISED static bool row_is(const uint32_t *row, int count, uint32_t colour)
{
	uint32_t differ = 0;
	int i = 0;

	for (; i + BLOCK <= count; i += BLOCK) {
		for (int k = 0; k < BLOCK; k++)
			differ |= row[i + k] ^ colour;
		if (differ)
			return false;
	}
	for (; i < count; i++)
		differ |= row[i] ^ colour;
	return differ == 0;
}

static bool area_is(const struct picture *picture, int x1, int y1, int x2, int y2, uint32_t colour)
{
	for (int y = y1; y < y2; y++) {
		if (!row_is(picture->pixels + (size_t)y * picture->stride + x1, x2 - x1, colour))
			return false;
	}
	return true;
}

/* The largest area from a corner: rows of blocks are taken as wide as they go, which may shrink
 * the width, and the best product of the way is the answer. */
static int64_t grow(const struct picture *picture, const pixman_box32_t *box, int x, int y,
		    uint32_t colour, pixman_box32_t *ret_best)
{
	int64_t best = 0;
	int right = box->x2;

	for (int top = y; top < box->y2;) {
		int bottom = MIN(top + BLOCK, box->y2);
		int end = x;

		while (end < right) {
			int next = MIN(end + BLOCK, right);

			if (!area_is(picture, end, top, next, bottom, colour))
				break;
			end = next;
		}
		if (end == x)
			break;
		right = end;
		if ((int64_t)(right - x) * (bottom - y) >= best) {
			best = (int64_t)(right - x) * (bottom - y);
			*ret_best = (pixman_box32_t){x, y, right, bottom};
		}
		top = bottom;
	}
	return best;
}

/* The blocks went in steps; pixel rows and columns around may belong to it as well. */
static void widen(const struct picture *picture, const pixman_box32_t *box, uint32_t colour,
		  pixman_box32_t *solid)
{
	while (solid->y1 > box->y1 &&
	       area_is(picture, solid->x1, solid->y1 - 1, solid->x2, solid->y1, colour))
		solid->y1--;
	while (solid->y2 < box->y2 &&
	       area_is(picture, solid->x1, solid->y2, solid->x2, solid->y2 + 1, colour))
		solid->y2++;
	while (solid->x1 > box->x1 &&
	       area_is(picture, solid->x1 - 1, solid->y1, solid->x1, solid->y2, colour))
		solid->x1--;
	while (solid->x2 < box->x2 &&
	       area_is(picture, solid->x2, solid->y1, solid->x2 + 1, solid->y2, colour))
		solid->x2++;
}

bool tight_solid_find(const struct picture *picture, const pixman_box32_t *box, int64_t min_area,
		      pixman_box32_t *ret_solid)
{
	for (int y = box->y1; y < box->y2; y += BLOCK) {
		int bottom = MIN(y + BLOCK, box->y2);

		for (int x = box->x1; x < box->x2; x += BLOCK) {
			int right = MIN(x + BLOCK, box->x2);
			uint32_t colour = picture->pixels[(size_t)y * picture->stride + x];
			pixman_box32_t solid;

			if (!area_is(picture, x, y, right, bottom, colour))
				continue;
			if (grow(picture, box, x, y, colour, &solid) < min_area)
				continue;
			widen(picture, box, colour, &solid);
			*ret_solid = solid;
			return true;
		}
	}
	return false;
}
