/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "wire/cursor.h"

static void test_numbers(void **state)
{
	static const uint8_t data[] = {1, 2, 3, 4, 5, 6, 7, 0xff, 0xff, 0xff, 0xfe};
	struct cursor c = cursor_over(data, sizeof(data));

	(void)state;
	assert_int_equal(cursor_u8(&c), 1);
	assert_int_equal(cursor_u16(&c), 0x0203);
	assert_int_equal(cursor_u32(&c), 0x04050607);
	assert_false(cursor_done(&c));
	assert_int_equal(cursor_s32(&c), -2);
	assert_true(cursor_done(&c));
}

static void test_failure_is_sticky(void **state)
{
	static const uint8_t data[] = {1, 2, 3};
	struct cursor c = cursor_over(data, sizeof(data));

	(void)state;
	assert_int_equal(cursor_u32(&c), 0);
	assert_true(cursor_failed(&c));
	assert_int_equal(cursor_u8(&c), 0);
	assert_int_equal(cursor_left(&c), 0);
	assert_null(cursor_bytes(&c, 0));
	assert_false(cursor_done(&c));
}

static void test_strings(void **state)
{
	static const uint8_t good[] = {0, 0, 0, 2, 'h', 'i', 0, 0, 0, 0};
	static const uint8_t nul[] = {0, 0, 0, 2, 'h', 0};
	static const uint8_t lies[] = {0xff, 0xff, 0xff, 0xff, 'h'};
	struct cursor c = cursor_over(good, sizeof(good));
	char *s = cursor_str(&c, 2);

	(void)state;
	assert_string_equal(s, "hi");
	free(s);
	s = cursor_str(&c, 0);
	assert_string_equal(s, "");
	free(s);
	assert_true(cursor_done(&c));
	c = cursor_over(good, sizeof(good));
	assert_null(cursor_str(&c, 1));
	c = cursor_over(nul, sizeof(nul));
	assert_null(cursor_str(&c, 10));
	c = cursor_over(lies, sizeof(lies));
	assert_null(cursor_str(&c, SIZE_MAX));
	assert_true(cursor_failed(&c));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_failure_is_sticky),
		cmocka_unit_test(test_strings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
