/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Lines of JSON on standard output: {"answer":"wheel","t":…} or {"event":"closed",…}.
 *
 *	report_begin("answer", "end");
 *	report_int("updates", n);
 *	report_end();
 */
#ifndef LAZARET_BENCH_REPORT_H
#define LAZARET_BENCH_REPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "bench/client/series.h"

/* Has the monotonic time as "t". */
void report_begin(const char *kind, const char *word);
void report_int(const char *key, uint64_t value);
void report_double(const char *key, double value, int digits);
/* UTF-8; what JSON does not allow as it is gets escaped. */
void report_string(const char *key, const char *value);
/* The first column, or both as pairs; whole numbers if `digits` is 0. */
void report_series(const char *key, const struct series *series, bool pairs, int digits);
/* Keys up to report_close() belong to an object of this name. */
void report_open(const char *key);
void report_close(void);
/* The line goes out at once. */
void report_end(void);

#endif
