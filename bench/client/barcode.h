/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A number in the picture: a row of square cells, black 0 and white 1, most significant bit first,
 * and then the same bits inverted. So a code of 16 columns is 32 cells wide.
 */
#ifndef LAZARET_BENCH_BARCODE_H
#define LAZARET_BENCH_BARCODE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"

#define BARCODE_COLUMNS_MAX 31
#define BARCODE_NONE UINT32_MAX

struct barcode {
	int x, y; /* of the first cell */
	int cell; /* pixels of its sides */
	int columns; /* bits of the number, 1 to BARCODE_COLUMNS_MAX */
};

/* Whether all cells are inside a picture of this size. */
bool barcode_fits(const struct barcode *barcode, int width, int height);

/* The number, or BARCODE_NONE if the second half is not the inverse of the first or the code is
 * not inside the picture. `stride` counts pixels. */
uint32_t barcode_read(const struct barcode *barcode, const uint32_t *pixels, int stride, int width,
		      int height);

#endif
