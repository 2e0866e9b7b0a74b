/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "bench/client/barcode.h"

#include <stddef.h>

bool barcode_fits(const struct barcode *barcode, int width, int height)
{
	return barcode->cell >= 1 && barcode->columns >= 1 &&
	       barcode->columns <= BARCODE_COLUMNS_MAX && barcode->x >= 0 && barcode->y >= 0 &&
	       barcode->cell <= height - barcode->y &&
	       (int64_t)barcode->cell * barcode->columns * 2 <= width - barcode->x;
}

/* The middle of the cell, all but a quarter on each side, decides: lossy coding blurs the edges. */
static bool is_white(const struct barcode *barcode, const uint32_t *pixels, int stride, int column)
{
	int margin = barcode->cell / 4, side = barcode->cell - 2 * margin;
	unsigned int sum = 0;

	for (int y = 0; y < side; y++) {
		const uint32_t *row = pixels + (size_t)(barcode->y + margin + y) * (size_t)stride +
				      barcode->x + column * barcode->cell + margin;

		for (int x = 0; x < side; x++)
			sum += row[x] >> 8 & 0xff;
	}
	return sum >= 128u * (unsigned int)(side * side);
}

uint32_t barcode_read(const struct barcode *barcode, const uint32_t *pixels, int stride, int width,
		      int height)
{
	uint32_t number = 0, inverse = 0;

	if (!barcode_fits(barcode, width, height))
		return BARCODE_NONE;
	for (int i = 0; i < barcode->columns; i++) {
		number = number << 1 | is_white(barcode, pixels, stride, i);
		inverse = inverse << 1 | !is_white(barcode, pixels, stride, barcode->columns + i);
	}
	return number == inverse ? number : BARCODE_NONE;
}
