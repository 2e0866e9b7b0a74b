/* SPDX-License-Identifier: GPL-3.0-or-later */
/* When something is to be done by itself: "02:30", "sun 02:30", "mon,thu 22:00"; local time. */
#ifndef LAZARET_CONF_SCHEDULE_H
#define LAZARET_CONF_SCHEDULE_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "base/attr.h"

struct schedule {
	unsigned int days; /* bit 0: Sunday, … bit 6: Saturday */
	int hour, minute;
};

/* False if it is none. An empty text is none either: whoever asks has a meaning for it. */
bool schedule_parse(const char *text, struct schedule *ret_schedule);

/* The first such time after `after`, and the last one at or before `at`; seconds since 1970. */
time_t schedule_next(const struct schedule *schedule, time_t after);
time_t schedule_last(const struct schedule *schedule, time_t at);

#endif
