/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A list of numbers that grows, for results: rows of one or two columns. */
#ifndef LAZARET_BENCH_SERIES_H
#define LAZARET_BENCH_SERIES_H

#include <stddef.h>

#define SERIES_MAX (1 << 22) /* rows; what comes after that is counted, not kept */

struct series {
	double (*rows)[2];
	size_t count, size;
	size_t lost; /* rows that found no room */
};

void series_add(struct series *series, double first, double second);
/* Empties it; the memory stays. */
void series_clear(struct series *series);
void series_finish(struct series *series);

#endif
