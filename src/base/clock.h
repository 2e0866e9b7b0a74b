/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Time: monotonic microseconds everywhere; wall-clock only in logs and records. */
#ifndef LAZARET_BASE_CLOCK_H
#define LAZARET_BASE_CLOCK_H

#include <stddef.h>
#include <stdint.h>

#define USEC_PER_MSEC UINT64_C(1000)
#define USEC_PER_SEC UINT64_C(1000000)

/* CLOCK_MONOTONIC in microseconds. */
uint64_t clock_now(void);

/* CLOCK_REALTIME in microseconds since 1970. */
uint64_t clock_wall(void);

/* "2026-11-24T03:55:31.123Z" for a wall-clock time in microseconds; `size` >= 25. */
void clock_format(uint64_t wall, char *out, size_t size);

/* Milliseconds until a monotonic time, rounded up, for a timer; at least 1. */
int clock_ms_until(uint64_t when);

#endif
