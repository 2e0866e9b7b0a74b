/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

#include "bench/ssim.h"

#define WIDTH 61
#define HEIGHT 43

static uint32_t a[HEIGHT][WIDTH], b[HEIGHT][WIDTH + 3];

static uint32_t next_random(void)
{
	static uint32_t state = 1;

	state = state * 1664525u + 1013904223u;
	return state >> 8;
}

static void noise(void)
{
	for (int y = 0; y < HEIGHT; y++) {
		for (int x = 0; x < WIDTH; x++) {
			a[y][x] = next_random() | (next_random() << 24);
			b[y][x] = (a[y][x] & 0xffffff) ^ (next_random() & 0x0f1f07);
		}
	}
}

static void fill(uint32_t colour_a, uint32_t colour_b)
{
	for (int y = 0; y < HEIGHT; y++) {
		for (int x = 0; x < WIDTH; x++) {
			a[y][x] = colour_a;
			b[y][x] = colour_b;
		}
	}
}

static double ssim(void)
{
	double value = -2;

	assert_int_equal(ssim_rgb(a[0], WIDTH, b[0], WIDTH + 3, WIDTH, HEIGHT, &value), 0);
	return value;
}

static double psnr(void)
{
	return psnr_rgb(a[0], WIDTH, b[0], WIDTH + 3, WIDTH, HEIGHT);
}

static void assert_near(double have, double want, double by)
{
	if (!(fabs(have - want) <= by))
		fail_msg("%.12f is not %.12f", have, want);
}

static void test_equal(void **state)
{
	(void)state;
	noise();
	for (int y = 0; y < HEIGHT; y++) {
		for (int x = 0; x < WIDTH; x++)
			b[y][x] = a[y][x] ^ 0xff000000;
	}
	assert_near(ssim(), 1, 0);
	assert_near(psnr(), PSNR_EQUAL, 0);
}

/* Without variance only the means count: (2ab + C1) / (a² + b² + C1), C1 = 2.55². */
static void test_flat(void **state)
{
	(void)state;
	fill(0x646464, 0x6e6e6e);
	assert_near(ssim(), 22006.5025 / 22106.5025, 1e-12);
	assert_near(psnr(), 10 * log10(255.0 * 255.0 / 100), 1e-9);
	/* One colour of three: the mean. */
	fill(0x646464, 0x64646e);
	assert_near(ssim(), (2 + 22006.5025 / 22106.5025) / 3, 1e-12);
	fill(0, 0xffffff);
	assert_near(ssim(), 6.5025 / (65025 + 6.5025), 1e-12);
	assert_near(psnr(), 0, 1e-9);
}

static double plain_window(int left, int top, int shift)
{
	double mean_a = 0, mean_b = 0, var_a = 0, var_b = 0, both = 0;

	for (int i = 0; i < 64; i++) {
		mean_a += (a[top + i / 8][left + i % 8] >> shift & 0xff) / 64.0;
		mean_b += (b[top + i / 8][left + i % 8] >> shift & 0xff) / 64.0;
	}
	for (int i = 0; i < 64; i++) {
		double p = (a[top + i / 8][left + i % 8] >> shift & 0xff) - mean_a;
		double q = (b[top + i / 8][left + i % 8] >> shift & 0xff) - mean_b;

		var_a += p * p / 63;
		var_b += q * q / 63;
		both += p * q / 63;
	}
	return (2 * mean_a * mean_b + 6.5025) * (2 * both + 58.5225) /
	       ((mean_a * mean_a + mean_b * mean_b + 6.5025) * (var_a + var_b + 58.5225));
}

/* The definition, one window at a time. */
static void test_noise(void **state)
{
	double total = 0;
	int count = 0;

	(void)state;
	noise();
	for (int shift = 0; shift < 24; shift += 8) {
		for (int y = 0; y + 8 <= HEIGHT; y += 4) {
			for (int x = 0; x + 8 <= WIDTH; x += 4, count++)
				total += plain_window(x, y, shift);
		}
	}
	assert_near(ssim(), total / count, 1e-9);
	assert_true(ssim() > 0.5 && ssim() < 0.999);
}

static void test_too_small(void **state)
{
	double value = 7;

	(void)state;
	assert_int_equal(ssim_rgb(a[0], WIDTH, b[0], WIDTH, 7, 20, &value), -EINVAL);
	assert_int_equal(ssim_rgb(a[0], WIDTH, b[0], WIDTH, 20, 7, &value), -EINVAL);
	assert_near(value, 7, 0);
	fill(5, 5);
	assert_int_equal(ssim_rgb(a[0], WIDTH, b[0], WIDTH + 3, 8, 8, &value), 0);
	assert_near(value, 1, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_equal), cmocka_unit_test(test_flat),
		cmocka_unit_test(test_noise), cmocka_unit_test(test_too_small)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
