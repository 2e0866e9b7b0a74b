/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "rfb/compare.h"

#define WIDTH 150
#define HEIGHT 20

static uint32_t left[WIDTH * HEIGHT], right[WIDTH * HEIGHT];
static const struct picture a = {left, WIDTH, HEIGHT, WIDTH}, b = {right, WIDTH, HEIGHT, WIDTH};

/* Every bit of a colour counts, no bit of the top byte does, at each place of a row. */
static void test_bits(void **state)
{
	(void)state;
	for (int count = 1; count <= WIDTH; count++) {
		for (int bit = 0; bit < 32; bit++) {
			int x = (count * 7 + bit) % count;

			left[x] ^= UINT32_C(1) << bit;
			assert_int_equal(compare_equal(left, right, count), bit >= 24);
			assert_int_equal(compare_prefix(left, right, count), bit < 24 ? x : count);
			assert_int_equal(compare_suffix(left, right, count),
					 bit < 24 ? count - 1 - x : count);
			left[x] ^= UINT32_C(1) << bit;
		}
	}
}

/* The region holds each pixel that differs, and nothing outside its cell and the hint. */
static void test_region(void **state)
{
	pixman_region32_t hint, changed;

	(void)state;
	pixman_region32_init_rect(&hint, 5, 3, 140, 15);
	pixman_region32_init(&changed);
	for (int y = 0; y < HEIGHT; y++) {
		for (int x = 0; x < WIDTH; x++) {
			bool inside = pixman_region32_contains_point(&hint, x, y, NULL);
			pixman_box32_t e;

			left[y * WIDTH + x] = 0xff000001;
			assert_int_equal(compare_region(&a, &b, &hint, NULL, NULL, &changed), 0);
			left[y * WIDTH + x] = 0;
			assert_int_equal(pixman_region32_not_empty(&changed), inside);
			if (!inside)
				continue;
			assert_true(pixman_region32_contains_point(&changed, x, y, NULL));
			e = *pixman_region32_extents(&changed);
			assert_true(e.x1 >= 5 && e.y1 >= 3 && e.x2 <= 145 && e.y2 <= 18);
			assert_true(e.x2 - e.x1 <= COMPARE_CELL_WIDTH);
			assert_true(e.y2 - e.y1 <= COMPARE_CELL_HEIGHT);
		}
	}
	pixman_region32_fini(&changed);
	pixman_region32_fini(&hint);
}

static void test_copy(void **state)
{
	pixman_box32_t box = {3, 2, 140, 9};

	(void)state;
	memset(left, 0xee, sizeof(left));
	memset(right, 0, sizeof(right));
	compare_copy(&b, &a, &box);
	for (int y = 0; y < HEIGHT; y++) {
		for (int x = 0; x < WIDTH; x++)
			assert_int_equal(right[y * WIDTH + x],
					 x >= 3 && x < 140 && y >= 2 && y < 9 ? 0xeeeeee : 0);
	}
	memset(left, 0, sizeof(left));
	memset(right, 0, sizeof(right));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bits),
		cmocka_unit_test(test_region),
		cmocka_unit_test(test_copy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
