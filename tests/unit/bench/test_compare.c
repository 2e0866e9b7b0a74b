/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Frames meet those of their number, in whatever order they come. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "bench/client/compare.h"
#include "bench/ssim.h"

#define WIDTH 120
#define HEIGHT 90

static const struct frames_region region = {16, 8, 64, 64};
static char path[] = "/tmp/lazaret-compare-XXXXXX";
static struct framebuffer fb;

static int set_up(void **state)
{
	int fd = mkstemp(path);

	(void)state;
	return fd < 0 || framebuffer_resize(&fb, WIDTH, HEIGHT) < 0 ? -1 : close(fd);
}

static int tear_down(void **state)
{
	(void)state;
	framebuffer_finish(&fb);
	return unlink(path);
}

static void show(uint32_t number)
{
	for (int y = 0; y < HEIGHT; y++) {
		for (int x = 0; x < WIDTH; x++)
			fb.pixels[y * WIDTH + x] = ((uint32_t)(x * y) * 2654435761u ^
						    number * 40503u) &
						   0xffffff;
	}
}

static void write_frames(const uint32_t *numbers, size_t count)
{
	struct frames_writer *writer;

	assert_int_equal(frames_create(path, &region, &writer), 0);
	for (size_t i = 0; i < count; i++) {
		show(numbers[i] == FRAMES_NO_NUMBER ? 999 : numbers[i]);
		/* The first of two with the same number is not whole yet. */
		if (i + 1 < count && numbers[i + 1] == numbers[i])
			memset(fb.pixels, 0, WIDTH * (HEIGHT / 2) * 4);
		assert_int_equal(frames_write(writer, i, numbers[i], fb.pixels, WIDTH, NULL, 0), 0);
	}
	assert_int_equal(frames_writer_close(writer), 0);
}

static void check(struct compare *compare, uint32_t number, bool same)
{
	double ssim = -2, psnr = -2;

	assert_int_equal(compare_frame(compare, number, &fb, &ssim, &psnr), 1);
	if (same)
		assert_true(ssim == 1 && psnr == PSNR_EQUAL);
	else
		assert_true(ssim < 0.9 && psnr < 30);
}

static void test_order(void **state)
{
	static const uint32_t numbers[] = {7, FRAMES_NO_NUMBER, 3, 4, 4, 9, 2};
	static const uint32_t wanted[] = {3, 4, 9, 9, 2, 7, 2, 4};
	struct compare compare = {0};
	double ssim = 5, psnr = 6;

	(void)state;
	write_frames(numbers, ARRAY_LEN(numbers));
	assert_int_equal(compare_open(&compare, path), 0);
	for (size_t i = 0; i < ARRAY_LEN(wanted); i++) {
		show(wanted[i]);
		check(&compare, wanted[i], true);
		fb.pixels[0] = 0x123456; /* outside the region */
		check(&compare, wanted[i], true);
		show(wanted[i] + 1);
		check(&compare, wanted[i], false);
	}
	assert_int_equal(compare_frame(&compare, 8, &fb, &ssim, &psnr), 0);
	assert_true(ssim == 5 && psnr == 6);
	compare_close(&compare);
}

static void test_wrong(void **state)
{
	static const uint32_t none[] = {FRAMES_NO_NUMBER, FRAMES_NO_NUMBER}, one[] = {1};
	struct compare compare = {0};
	double ssim, psnr;

	(void)state;
	write_frames(one, 1);
	assert_int_equal(compare_open(&compare, path), 0);
	/* What is wrong does not replace what there was. */
	assert_int_equal(compare_open(&compare, "/nonexistent/x"), -ENOENT);
	show(1);
	check(&compare, 1, true);
	assert_int_equal(framebuffer_resize(&fb, 79, HEIGHT), 0);
	assert_int_equal(compare_frame(&compare, 1, &fb, &ssim, &psnr), -EINVAL);
	assert_int_equal(framebuffer_resize(&fb, WIDTH, HEIGHT), 0);
	write_frames(none, 2);
	assert_int_equal(compare_open(&compare, path), -EPROTO);
	compare_close(&compare);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_order),
					   cmocka_unit_test(test_wrong)};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
