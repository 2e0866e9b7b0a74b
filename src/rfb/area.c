/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "rfb/area.h"

#include "base/mem.h"

uint64_t area_of_region(const pixman_region32_t *region)
{
	uint64_t sum = 0;
	int n;
	const pixman_box32_t *b = pixman_region32_rectangles((pixman_region32_t *)region, &n);

	for (int i = 0; i < n; i++)
		sum += (uint64_t)area_of_box(&b[i]);
	return sum;
}

uint64_t area_inside(const pixman_region32_t *region, const pixman_box32_t *box)
{
	uint64_t sum = 0;
	int n;
	const pixman_box32_t *b = pixman_region32_rectangles((pixman_region32_t *)region, &n);

	for (int i = 0; i < n; i++) {
		int width = MIN(b[i].x2, box->x2) - MAX(b[i].x1, box->x1);
		int height = MIN(b[i].y2, box->y2) - MAX(b[i].y1, box->y1);

		if (width > 0 && height > 0)
			sum += (uint64_t)width * (uint64_t)height;
	}
	return sum;
}
