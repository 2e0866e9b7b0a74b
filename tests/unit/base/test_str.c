/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/str.h"

static void test_to_int(void **state)
{
	int64_t v = 42;

	(void)state;
	assert_int_equal(str_to_int("17", 0, 100, &v), 0);
	assert_int_equal(v, 17);
	assert_int_equal(str_to_int("-5", -5, 0, &v), 0);
	assert_int_equal(v, -5);
	v = 42;
	assert_int_equal(str_to_int("101", 0, 100, &v), -ERANGE);
	assert_int_equal(str_to_int("99999999999999999999", 0, INT64_MAX, &v), -ERANGE);
	assert_int_equal(str_to_int("", 0, 100, &v), -EINVAL);
	assert_int_equal(str_to_int("-", -1, 100, &v), -EINVAL);
	assert_int_equal(str_to_int("+1", 0, 100, &v), -EINVAL);
	assert_int_equal(str_to_int(" 1", 0, 100, &v), -EINVAL);
	assert_int_equal(str_to_int("1x", 0, 100, &v), -EINVAL);
	assert_int_equal(str_to_int("0x1", 0, 100, &v), -EINVAL);
	assert_int_equal(v, 42);
}

static void test_utf8_both_ways(void **state)
{
	(void)state;
	for (uint32_t scalar = 0; scalar <= 0x110000; scalar++) {
		char bytes[4];
		uint32_t again = UINT32_MAX;
		size_t n = str_utf8_encode(scalar, bytes);

		if (scalar > 0x10ffff || (scalar >= 0xd800 && scalar <= 0xdfff)) {
			assert_int_equal(n, 0);
			continue;
		}
		assert_int_equal(str_utf8_decode(bytes, n, &again), n);
		assert_int_equal(again, scalar);
		if (n > 1)
			assert_int_equal(str_utf8_decode(bytes, n - 1, &again), 0);
	}
}

static void test_utf8_wrong(void **state)
{
	static const char *const wrong[] = {
		"\x80",
		"\xc0\x80",
		"\xc1\xbf",
		"\xe0\x80\x80",
		"\xed\xa0\x80",
		"\xf4\x90\x80\x80",
		"\xf8\x88\x80\x80\x80",
		"\xff",
		"\xc3",
		"\xe2\x82",
		"\xc3(",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
		assert_false(str_utf8_valid(wrong[i], strlen(wrong[i])));
	assert_true(str_utf8_valid("a\xc3\xa4\xe6\xbc\xa2\xf0\x9f\x98\x80", 10));
}

static void test_sanitize(void **state)
{
	char out[32];
	const char *evil = "a\nb\x1b[0m\xe2\x80\xae\xc2\x85\xff!";

	(void)state;
	str_sanitize(out, sizeof(out), evil, strlen(evil));
	assert_string_equal(out, "a b [0m  \xef\xbf\xbd!");
	/* Cut at a character, never in the middle of one. */
	assert_int_equal(str_sanitize(out, 3, "a\xc3\xa4", 3), 1);
	assert_string_equal(out, "a");
	assert_int_equal(str_sanitize(out, 1, "abc", 3), 0);
	assert_string_equal(out, "");
}

static void test_copy(void **state)
{
	char out[4];

	(void)state;
	assert_true(str_copy(out, sizeof(out), "abc"));
	assert_string_equal(out, "abc");
	assert_false(str_copy(out, sizeof(out), "abcd"));
	assert_string_equal(out, "abc");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_to_int),     cmocka_unit_test(test_utf8_both_ways),
		cmocka_unit_test(test_utf8_wrong), cmocka_unit_test(test_sanitize),
		cmocka_unit_test(test_copy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
