/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "base/attr.h"
#include "bench/client/barcode.h"

#define WIDTH 600
#define HEIGHT 40

static uint32_t pixels[HEIGHT][WIDTH];

/* Grey levels stand for black and white. */
static void draw(const struct barcode *code, uint32_t number, uint32_t black, uint32_t white)
{
	for (int i = 0; i < 2 * code->columns; i++) {
		int bit = code->columns - 1 - i % code->columns;
		bool one = (number >> bit & 1) != (i >= code->columns);

		for (int y = 0; y < code->cell; y++) {
			for (int x = 0; x < code->cell; x++)
				pixels[code->y + y][code->x + i * code->cell + x] = one ? white
											: black;
		}
	}
}

static uint32_t read_code(const struct barcode *code)
{
	return barcode_read(code, pixels[0], WIDTH, WIDTH, HEIGHT);
}

static void test_numbers(void **state)
{
	static const struct barcode codes[] = {{0, 0, 1, 1},
					       {5, 7, 8, 16},
					       {0, 0, 4, 31},
					       {1, 2, 3, 20},
					       {WIDTH - 32, HEIGHT - 2, 2, 8}};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(codes); i++) {
		uint32_t mask = (UINT32_C(1) << codes[i].columns) - 1;

		for (uint32_t n = 0; n < 1000; n++) {
			uint32_t number = n * 2654435761u & mask;

			draw(&codes[i], number, 0, 0xffffff);
			assert_int_equal(read_code(&codes[i]), number);
		}
	}
}

/* As lossy coding leaves it: not quite black, not quite white, edges of any colour. */
static void test_blurred(void **state)
{
	const struct barcode code = {3, 3, 8, 16};

	(void)state;
	draw(&code, 0xa50f, 0x303830, 0xd0c0d0);
	for (int i = 0; i < 32; i++) {
		pixels[6][3 + 8 * i] ^= 0xffffff;
		pixels[6][3 + 8 * i + 7] ^= 0xffffff;
	}
	assert_int_equal(read_code(&code), 0xa50f);
}

static void test_nothing(void **state)
{
	struct barcode code = {3, 3, 8, 16};

	(void)state;
	memset(pixels, 0, sizeof(pixels));
	assert_int_equal(read_code(&code), BARCODE_NONE);
	memset(pixels, 255, sizeof(pixels));
	assert_int_equal(read_code(&code), BARCODE_NONE);
	/* One cell wrong, in either half. */
	for (int wrong = 0; wrong < 32; wrong++) {
		draw(&code, 1234, 0, 0xffffff);
		for (int y = 0; y < 8; y++) {
			for (int x = 0; x < 8; x++)
				pixels[3 + y][3 + wrong * 8 + x] ^= 0xffffff;
		}
		assert_int_equal(read_code(&code), BARCODE_NONE);
	}
}

static void test_outside(void **state)
{
	struct barcode code = {WIDTH - 256, HEIGHT - 8, 8, 16};

	(void)state;
	assert_true(barcode_fits(&code, WIDTH, HEIGHT));
	draw(&code, 77, 0, 0xffffff);
	assert_int_equal(read_code(&code), 77);
	code.x++;
	assert_int_equal(read_code(&code), BARCODE_NONE);
	code.x--;
	code.y++;
	assert_int_equal(read_code(&code), BARCODE_NONE);
	code = (struct barcode){-1, 0, 1, 1};
	assert_false(barcode_fits(&code, WIDTH, HEIGHT));
	code = (struct barcode){0, 0, 1, BARCODE_COLUMNS_MAX + 1};
	assert_false(barcode_fits(&code, WIDTH, HEIGHT));
	code = (struct barcode){0, 0, INT32_MAX, BARCODE_COLUMNS_MAX};
	assert_false(barcode_fits(&code, WIDTH, HEIGHT));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbers), cmocka_unit_test(test_blurred),
		cmocka_unit_test(test_nothing), cmocka_unit_test(test_outside)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
