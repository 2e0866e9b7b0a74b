/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/clock.h"

#include <stdio.h>
#include <time.h>

static uint64_t read_clock(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (uint64_t)ts.tv_sec * USEC_PER_SEC + (uint64_t)ts.tv_nsec / 1000;
}

uint64_t clock_now(void)
{
	return read_clock(CLOCK_MONOTONIC);
}

uint64_t clock_wall(void)
{
	return read_clock(CLOCK_REALTIME);
}

void clock_format(uint64_t wall, char *out, size_t size)
{
	time_t seconds = (time_t)(wall / USEC_PER_SEC);
	unsigned int ms = (unsigned int)(wall % USEC_PER_SEC / USEC_PER_MSEC);
	struct tm tm;
	char date[32];

	gmtime_r(&seconds, &tm);
	strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(out, size, "%s.%03uZ", date, ms);
}

int clock_ms_until(uint64_t when)
{
	uint64_t now = clock_now();
	uint64_t ms = when > now ? (when - now + USEC_PER_MSEC - 1) / USEC_PER_MSEC : 0;

	return ms > INT32_MAX ? INT32_MAX : ms > 0 ? (int)ms : 1;
}
