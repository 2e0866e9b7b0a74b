/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From the framebuffer into a file: every frame, or those with a number. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "bench/client/recording.h"

#define WIDTH 200
#define HEIGHT 130

static char path[] = "/tmp/lazaret-recording-XXXXXX";
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

static void draw(int x, int y, uint32_t colour)
{
	const struct box box = {x, y, x + 20, y + 10};

	framebuffer_begin_update(&fb);
	framebuffer_fill(&fb, &box, colour);
}

static uint32_t pixel(const struct frame *frame, const struct frames_region *region, int x, int y)
{
	return frame->pixels[(y - region->y) * region->width + x - region->x];
}

static void test_all(void **state)
{
	struct recording recording = {0};
	struct frames_reader *reader;
	struct frame frame;
	const struct frames_region *region;

	(void)state;
	draw(10, 10, 0x111111);
	assert_int_equal(recording_start(&recording, path, NULL, false, &fb), 0);
	assert_int_equal(recording_start(&recording, path, NULL, false, &fb), -EBUSY);
	for (int i = 0; i < 10; i++) {
		draw(15 * i, 12 * i, 0x010203u * (unsigned int)i);
		recording_frame(&recording, &fb, (uint64_t)i, FRAMES_NO_NUMBER);
	}
	assert_int_equal(recording_stop(&recording, &fb), 0);
	assert_int_equal(recording.frames, 11);
	assert_null(fb.tiles);
	assert_int_equal(recording_stop(&recording, &fb), -ENOENT);

	assert_int_equal(frames_open(path, &reader), 0);
	region = frames_region(reader);
	assert_int_equal(region->width, WIDTH);
	assert_int_equal(frames_read(reader, &frame), 1);
	assert_int_equal(pixel(&frame, region, 10, 10), 0x111111);
	for (int i = 0; i < 10; i++) {
		assert_int_equal(frames_read(reader, &frame), 1);
		assert_int_equal(frame.time, i);
		for (int k = 0; k <= i; k++)
			assert_int_equal(pixel(&frame, region, 15 * k + 1, 12 * k + 1),
					 0x010203 * k);
	}
	assert_memory_equal(frame.pixels, fb.pixels, WIDTH * HEIGHT * 4);
	assert_int_equal(frames_read(reader, &frame), 0);
	frames_reader_close(reader);
}

/* What changed while frames had no number is in the next that has one. */
static void test_codes(void **state)
{
	static const struct frames_region part = {50, 30, 100, 60};
	struct recording recording = {0};
	struct frames_reader *reader;
	struct frame frame;

	(void)state;
	assert_int_equal(recording_start(&recording, path, &part, true, &fb), 0);
	for (unsigned int i = 0; i < 9; i++) {
		draw(55 + 10 * (int)(i % 3), 35 + 15 * (int)(i / 3), 0x800000 + i);
		recording_frame(&recording, &fb, i, i % 3 == 2 ? i : FRAMES_NO_NUMBER);
	}
	assert_int_equal(recording_stop(&recording, &fb), 0);
	assert_int_equal(recording.frames, 3);

	assert_int_equal(frames_open(path, &reader), 0);
	for (unsigned int i = 2; i < 9; i += 3) {
		assert_int_equal(frames_read(reader, &frame), 1);
		assert_int_equal(frame.number, i);
		for (unsigned int k = 0; k <= i; k++)
			assert_int_equal(pixel(&frame, &part, 56 + 10 * (int)(k % 3),
					       36 + 15 * (int)(k / 3)),
					 0x800000 + k);
	}
	assert_int_equal(frames_read(reader, &frame), 0);
	frames_reader_close(reader);
}

static void test_wrong(void **state)
{
	static const struct frames_region outside = {WIDTH - 9, 0, 10, 10};
	static const struct frames_region corner = {WIDTH - 10, HEIGHT - 10, 10, 10};
	struct recording recording = {0};

	(void)state;
	assert_int_equal(recording_start(&recording, path, &outside, false, &fb), -EINVAL);
	assert_int_equal(recording_start(&recording, "/nonexistent/x", NULL, false, &fb), -ENOENT);
	assert_int_equal(recording_stop(&recording, &fb), -ENOENT);
	/* A picture that has become too small. */
	assert_int_equal(recording_start(&recording, path, &corner, false, &fb), 0);
	assert_int_equal(framebuffer_resize(&fb, WIDTH - 1, HEIGHT), 0);
	recording_frame(&recording, &fb, 1, 1);
	assert_int_equal(recording_stop(&recording, &fb), -ERANGE);
	assert_int_equal(framebuffer_resize(&fb, WIDTH, HEIGHT), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_all), cmocka_unit_test(test_codes),
					   cmocka_unit_test(test_wrong)};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
