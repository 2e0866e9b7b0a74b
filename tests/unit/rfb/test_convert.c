/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "base/attr.h"
#include "rfb/convert.h"

/* The bytes of pixel 0x00fe8001 (red 254, green 128, blue 1) in each form. */
static const struct {
	struct pixel_format format;
	enum convert_form form;
	int count;
	uint8_t bytes[4];
} rows[] = {
	{{32, 24, false, true, 255, 255, 255, 16, 8, 0}, CONVERT_PIXEL, 4, {0x01, 0x80, 0xfe, 0}},
	{{32, 24, true, true, 255, 255, 255, 16, 8, 0}, CONVERT_PIXEL, 4, {0, 0xfe, 0x80, 0x01}},
	{{32, 24, false, true, 255, 255, 255, 16, 8, 0}, CONVERT_CPIXEL, 3, {0x01, 0x80, 0xfe}},
	{{32, 24, true, true, 255, 255, 255, 16, 8, 0}, CONVERT_CPIXEL, 3, {0xfe, 0x80, 0x01}},
	{{32, 24, false, true, 255, 255, 255, 8, 16, 24}, CONVERT_CPIXEL, 3, {0xfe, 0x80, 0x01}},
	{{32, 24, true, true, 255, 255, 255, 24, 16, 8}, CONVERT_CPIXEL, 3, {0xfe, 0x80, 0x01}},
	{{32, 24, false, true, 255, 255, 255, 16, 8, 0}, CONVERT_TPIXEL, 3, {0xfe, 0x80, 0x01}},
	{{32, 24, true, true, 255, 255, 255, 0, 8, 16}, CONVERT_TPIXEL, 3, {0xfe, 0x80, 0x01}},
	{{16, 16, false, true, 31, 63, 31, 11, 5, 0}, CONVERT_PIXEL, 2, {0x00, 0xfc}},
	{{16, 16, true, true, 31, 63, 31, 11, 5, 0}, CONVERT_TPIXEL, 2, {0xfc, 0x00}},
	{{8, 8, false, true, 7, 7, 3, 0, 3, 6}, CONVERT_CPIXEL, 1, {0x27}},
};

static void test_forms(void **state)
{
	static struct convert convert;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		uint32_t values[33];
		uint8_t bytes[33 * 4];

		for (size_t k = 0; k < ARRAY_LEN(values); k++)
			values[k] = 0xfe8001;
		convert_init(&convert, &rows[i].format, rows[i].form);
		assert_int_equal(convert.bytes, rows[i].count);
		convert_values(&convert, values, values, ARRAY_LEN(values));
		convert_pack(&convert, values, bytes, ARRAY_LEN(values));
		for (size_t k = 0; k < ARRAY_LEN(values); k++)
			assert_memory_equal(bytes + k * (size_t)convert.bytes, rows[i].bytes,
					    (size_t)convert.bytes);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_forms)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
