/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The fixed-point conversion against the definition in floating point. */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

#include "bench/client/yuv_rgb.h"

#define SIDE_MAX 40
#define STRIDE 48

static uint8_t planes[3][SIDE_MAX][STRIDE];

static void noise(int amplitude)
{
	static uint32_t state = 1;

	for (int i = 0; i < 3; i++) {
		for (int y = 0; y < SIDE_MAX; y++) {
			for (int x = 0; x < STRIDE; x++) {
				state = state * 1664525u + 1013904223u;
				planes[i][y][x] = (uint8_t)(128 - amplitude +
							    (int)((state >> 16) %
								  (unsigned int)(2 * amplitude)));
			}
		}
	}
}

/* Chroma at a place counted in its own samples; outside, the nearest counts. */
static double sample(int plane, const struct yuv_picture *p, double x, double y)
{
	int width = (p->width + 1) / 2, height = (p->height + 1) / 2;
	int left = (int)floor(x), top = (int)floor(y);
	double sum = 0;

	for (int i = 0; i < 4; i++) {
		int column = CLAMP(left + i % 2, 0, width - 1);
		int row = CLAMP(top + i / 2, 0, height - 1);

		sum += planes[plane][row][column] * (i % 2 ? x - left : 1 - x + left) *
		       (i / 2 ? y - top : 1 - y + top);
	}
	return sum;
}

static void check_pixel(const struct yuv_picture *p, int x, int y, uint32_t pixel)
{
	const double kg = 1 - p->kr - p->kb;
	double luma = p->full_range ? planes[0][y][x] : (planes[0][y][x] - 16) * 255.0 / 219;
	double scale = p->full_range ? 1 : 255.0 / 224;
	double at_x = p->left ? x / 2.0 : (x + 0.5) / 2 - 0.5, at_y = (y + 0.5) / 2 - 0.5;
	double cb = (sample(1, p, at_x, at_y) - 128) * scale;
	double cr = (sample(2, p, at_x, at_y) - 128) * scale;
	double want[] = {luma + 2 * (1 - p->kb) * cb,
			 luma - (2 * p->kb * (1 - p->kb) * cb + 2 * p->kr * (1 - p->kr) * cr) / kg,
			 luma + 2 * (1 - p->kr) * cr};

	assert_int_equal(pixel >> 24, 0);
	for (int i = 0; i < 3; i++) {
		double have = pixel >> (8 * i) & 0xff;

		if (!(fabs(have - CLAMP(want[i], 0.0, 255.0)) < 0.56))
			fail_msg("pixel %d,%d, colour %d is %.0f, not %.3f", x, y, i, have,
				 want[i]);
	}
}

static void check(const struct yuv_picture *picture)
{
	uint32_t row[SIDE_MAX + 1];
	struct yuv_rgb *yuv;

	assert_int_equal(yuv_rgb_create(&yuv, picture), 0);
	assert_true(yuv_rgb_fits(yuv, picture));
	for (int y = 0; y < picture->height; y++) {
		row[picture->width] = 0xabcdef12;
		yuv_rgb_row(yuv, picture, y, row, picture->width + 1);
		for (int x = 0; x < picture->width; x++)
			check_pixel(picture, x, y, row[x]);
		assert_int_equal(row[picture->width], 0xabcdef12);
	}
	yuv_rgb_destroy(yuv);
}

static void test_definition(void **state)
{
	static const double weights[][2] = {{0.299, 0.114}, {0.2126, 0.0722}, {0.2627, 0.0593}};
	static const int sides[][2] = {{40, 40}, {39, 37}, {1, 1}, {2, 3}, {3, 2}, {17, 4}};

	(void)state;
	for (unsigned int i = 0; i < ARRAY_LEN(weights) * ARRAY_LEN(sides) * 4; i++) {
		const int *side = sides[i / 4 % ARRAY_LEN(sides)];
		const double *weight = weights[i / 4 / ARRAY_LEN(sides)];
		struct yuv_picture picture = {
			.planes = {planes[0][0], planes[1][0], planes[2][0]},
			.strides = {STRIDE, STRIDE, STRIDE},
			.width = side[0],
			.height = side[1],
			.kr = weight[0],
			.kb = weight[1],
			.full_range = i & 1,
			.left = i & 2,
		};

		noise(128);
		check(&picture);
		noise(30);
		check(&picture);
	}
}

static void test_fits(void **state)
{
	struct yuv_picture picture = {
		.width = 10, .height = 10, .kr = 0.299, .kb = 0.114, .left = true};
	struct yuv_picture other = picture;
	struct yuv_rgb *yuv;

	(void)state;
	assert_int_equal(yuv_rgb_create(&yuv, &picture), 0);
	other.height = 5;
	assert_true(yuv_rgb_fits(yuv, &other));
	other.left = false;
	assert_false(yuv_rgb_fits(yuv, &other));
	other = picture;
	other.width = 9;
	assert_false(yuv_rgb_fits(yuv, &other));
	other = picture;
	other.full_range = true;
	assert_false(yuv_rgb_fits(yuv, &other));
	yuv_rgb_destroy(yuv);
	other.width = 0;
	assert_int_equal(yuv_rgb_create(&yuv, &other), -EINVAL);
	yuv_rgb_destroy(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_definition),
					   cmocka_unit_test(test_fits)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
