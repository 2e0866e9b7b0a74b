/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "conf/schedule.h"

/* In Berlin: 2026-03-29 02:30 is not, 2026-10-25 02:30 is twice. */
static time_t at(int month, int day, int hour, int minute)
{
	struct tm tm = {.tm_year = 126,
			.tm_mon = month - 1,
			.tm_mday = day,
			.tm_hour = hour,
			.tm_min = minute,
			.tm_isdst = -1};

	return mktime(&tm);
}

static void test_parse(void **state)
{
	static const char *const wrong[] = {
		"",      "2:30",      "24:00",     "02:60",     "02:30 ",         " 02:30",
		"sun",   "sun02:30",  "sun,02:30", "xyz 02:30", "sun, mon 02:30", "SUN 02:30",
		"02-30", "sun 2:300", "0230"};
	struct schedule schedule;

	(void)state;
	assert_true(schedule_parse("02:30", &schedule));
	assert_int_equal(schedule.days, 0x7f);
	assert_true(schedule_parse("mon,thu 22:05", &schedule));
	assert_int_equal(schedule.days, 1 << 1 | 1 << 4);
	assert_int_equal(schedule.hour, 22);
	assert_int_equal(schedule.minute, 5);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_false(schedule_parse(wrong[i], &schedule));
}

static void test_times(void **state)
{
	struct schedule daily, sunday;

	(void)state;
	assert_true(schedule_parse("02:30", &daily));
	assert_true(schedule_parse("sun 02:30", &sunday));
	/* A Tuesday. */
	assert_int_equal(schedule_next(&daily, at(11, 24, 12, 0)), at(11, 25, 2, 30));
	assert_int_equal(schedule_last(&daily, at(11, 24, 12, 0)), at(11, 24, 2, 30));
	assert_int_equal(schedule_last(&daily, at(11, 24, 2, 29)), at(11, 23, 2, 30));
	assert_int_equal(schedule_last(&daily, at(11, 24, 2, 30)), at(11, 24, 2, 30));
	assert_int_equal(schedule_next(&daily, at(11, 24, 2, 30)), at(11, 25, 2, 30));
	assert_int_equal(schedule_next(&sunday, at(11, 24, 12, 0)), at(11, 29, 2, 30));
	assert_int_equal(schedule_last(&sunday, at(11, 24, 12, 0)), at(11, 22, 2, 30));
	/* Of the same weekday, earlier today: in a week. */
	assert_int_equal(schedule_next(&sunday, at(11, 29, 3, 0)), at(12, 6, 2, 30));
}

/* Once a day, whatever the clocks do. */
static void test_clock_changes(void **state)
{
	static const int days[][2] = {{3, 28}, {10, 24}};
	struct schedule daily;

	(void)state;
	assert_true(schedule_parse("02:30", &daily));
	for (size_t i = 0; i < 2; i++) {
		time_t time = at(days[i][0], days[i][1], 0, 0);
		int n = 0;

		for (;;) {
			time = schedule_next(&daily, time);
			assert_true(time > 0);
			if (time >= at(days[i][0], days[i][1] + 3, 0, 0))
				break;
			n++;
		}
		assert_int_equal(n, 3);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_times),
		cmocka_unit_test(test_clock_changes),
	};

	setenv("TZ", "Europe/Berlin", 1);
	tzset();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
