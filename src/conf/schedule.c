/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "conf/schedule.h"

#include <stddef.h>
#include <string.h>

#include "base/str.h"

static bool take_day(const char **text, unsigned int *days)
{
	static const char names[7][4] = {"sun", "mon", "tue", "wed", "thu", "fri", "sat"};

	for (unsigned int i = 0; i < 7; i++) {
		if (strncmp(*text, names[i], 3) == 0) {
			*days |= 1u << i;
			*text += 3;
			return true;
		}
	}
	return false;
}

static bool take_days(const char **text, unsigned int *days)
{
	if (**text >= '0' && **text <= '9') {
		*days = 0x7f;
		return true;
	}
	for (;;) {
		if (!take_day(text, days))
			return false;
		if (**text == ' ')
			break;
		if (*(*text)++ != ',')
			return false;
	}
	(*text)++;
	return true;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

bool schedule_parse(const char *text, struct schedule *ret_schedule)
{
	struct schedule schedule = {0};

	if (!take_days(&text, &schedule.days))
		return false;
	if (strlen(text) != 5 || text[2] != ':' || !is_digit(text[0]) || !is_digit(text[1]) ||
	    !is_digit(text[3]) || !is_digit(text[4]))
		return false;
	schedule.hour = (text[0] - '0') * 10 + text[1] - '0';
	schedule.minute = (text[3] - '0') * 10 + text[4] - '0';
	if (schedule.hour > 23 || schedule.minute > 59)
		return false;
	*ret_schedule = schedule;
	return true;
}

/* The time of the schedule on the day that is `days` after that of `base`; -1: not on this weekday. */
static time_t on_day(const struct schedule *schedule, time_t base, int days)
{
	struct tm tm;
	time_t noon;

	if (!localtime_r(&base, &tm))
		return -1;
	/* By noon, which every day has, whatever the clocks do at night. */
	tm.tm_mday += days;
	tm.tm_hour = 12;
	tm.tm_min = tm.tm_sec = 0;
	tm.tm_isdst = -1;
	noon = mktime(&tm);
	if (!localtime_r(&noon, &tm) || !(schedule->days & 1u << tm.tm_wday))
		return -1;
	tm.tm_hour = schedule->hour;
	tm.tm_min = schedule->minute;
	tm.tm_isdst = -1;
	return mktime(&tm);
}

time_t schedule_next(const struct schedule *schedule, time_t after)
{
	for (int i = 0; i < 9; i++) {
		time_t at = on_day(schedule, after, i);

		if (at > after)
			return at;
	}
	return -1;
}

time_t schedule_last(const struct schedule *schedule, time_t at)
{
	for (int i = 0; i < 9; i++) {
		time_t last = on_day(schedule, at, -i);

		if (last >= 0 && last <= at)
			return last;
	}
	return -1;
}
