/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Large areas of one colour, which Tight sends as one pixel each. */
#ifndef LAZARET_RFB_TIGHT_SOLID_H
#define LAZARET_RFB_TIGHT_SOLID_H

#include <pixman.h>
#include <stdbool.h>

#include "base/attr.h"
#include "rfb/pixel_format.h"

/* The first solid area of at least `min_area` pixels in the box, row by row, as large as it goes
 * down and to the right; false if there is none. */
NODISCARD bool tight_solid_find(const struct picture *picture, const pixman_box32_t *box,
				int64_t min_area, pixman_box32_t *ret_solid);

#endif
