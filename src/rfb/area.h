/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Pixels of boxes and regions. */
#ifndef LAZARET_RFB_AREA_H
#define LAZARET_RFB_AREA_H

#include <pixman.h>
#include <stdint.h>

/* Of a box that is not empty. */
static inline int64_t area_of_box(const pixman_box32_t *box)
{
	return (int64_t)(box->x2 - box->x1) * (box->y2 - box->y1);
}

uint64_t area_of_region(const pixman_region32_t *region);

/* Of the region, what lies in the box. */
uint64_t area_inside(const pixman_region32_t *region, const pixman_box32_t *box);

#endif
