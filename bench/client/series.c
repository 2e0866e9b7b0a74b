/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "bench/client/series.h"

#include <stdlib.h>

#include "base/attr.h"

#define FIRST_ROWS 256

void series_add(struct series *series, double first, double second)
{
	if (series->count == series->size && series->size < SERIES_MAX) {
		size_t size = MAX(series->size * 2, (size_t)FIRST_ROWS);
		void *rows = realloc(series->rows, size * sizeof(*series->rows));

		if (rows) {
			series->rows = rows;
			series->size = size;
		}
	}
	if (series->count == series->size) {
		series->lost++;
		return;
	}
	series->rows[series->count][0] = first;
	series->rows[series->count++][1] = second;
}

void series_clear(struct series *series)
{
	series->count = 0;
	series->lost = 0;
}

void series_finish(struct series *series)
{
	free(series->rows);
	*series = (struct series){0};
}
