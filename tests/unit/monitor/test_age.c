/* SPDX-License-Identifier: GPL-3.0-or-later */
/* For how long a session of an earlier version may go on. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/attr.h"
#include "monitor/age.h"

#define SECOND UINT64_C(1000000)
#define DAY (86400 * SECOND)

static void test_judge(void **state)
{
	const uint64_t since = 1000 * DAY, end = since + 3 * DAY, lead = 900 * SECOND;

	(void)state;
	/* The last moment before each, and the first one of it. */
	assert_int_equal(age_judge(end - lead - 1, since, 0, 3, 900), AGE_FINE);
	assert_int_equal(age_judge(end - lead, since, 0, 3, 900), AGE_WARN);
	assert_int_equal(age_judge(end - 1, since, end - lead, 3, 900), AGE_FINE);
	assert_int_equal(age_judge(end, since, end - lead, 3, 900), AGE_END);
	/* Told late: he has his time all the same. */
	assert_int_equal(age_judge(end + DAY, since, 0, 3, 900), AGE_WARN);
	assert_int_equal(age_judge(end + DAY + lead - 1, since, end + DAY, 3, 900), AGE_FINE);
	assert_int_equal(age_judge(end + DAY + lead, since, end + DAY, 3, 900), AGE_END);
	/* Off, and of our version. */
	assert_int_equal(age_judge(end + DAY, since, 0, 0, 900), AGE_FINE);
	assert_int_equal(age_judge(end + DAY, 0, 0, 3, 900), AGE_FINE);
}

static void test_parse(void **state)
{
	static const char *const refused[] = {
		"",           "1.2",       "1.2 ",     "1.2 \n",   "1.2 5",
		"1.2 0\n",    "1.2 5\n\n", "1.2 5 \n", "1.2  5\n", "1.2 -5\n",
		"1.3 5\n",    "1.20 5\n",  "1.2 5x\n", " 1.2 5\n", "1.2 99999999999999999999\n",
		"1.2 5\nmore"};
	uint64_t since = 0;

	(void)state;
	assert_int_equal(age_parse("1.2 1764000000000000\n", "1.2", &since), 0);
	assert_true(since == UINT64_C(1764000000000000));
	for (size_t i = 0; i < ARRAY_LEN(refused); i++)
		assert_int_equal(age_parse(refused[i], "1.2", &since), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_judge),
		cmocka_unit_test(test_parse),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
