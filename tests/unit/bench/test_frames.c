/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is read is what was written, up to where a file was cut off. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "bench/frames.h"

#define WIDTH 200 /* of the picture; its tiles: 4 x 3 */
#define HEIGHT 150
#define STRIDE (WIDTH + 8)
#define FRAMES 40

static const struct frames_region whole = {0, 0, WIDTH, HEIGHT}, part = {37, 21, 131, 70};

static uint32_t picture[HEIGHT][STRIDE], history[FRAMES][HEIGHT][WIDTH];
static char path[] = "/tmp/lazaret-frames-XXXXXX";

static uint32_t next_random(void)
{
	static uint32_t state = 1;

	state = state * 1664525u + 1013904223u;
	return state >> 8;
}

static int set_up(void **state)
{
	int fd = mkstemp(path);

	(void)state;
	return fd < 0 ? -1 : close(fd);
}

static int tear_down(void **state)
{
	(void)state;
	return unlink(path);
}

/* Changes a few pixels, and says in which tiles. */
static void change(uint8_t *touched, int count)
{
	memset(touched, 0, 12);
	for (int i = 0; i < count; i++) {
		int x = (int)(next_random() % WIDTH), y = (int)(next_random() % HEIGHT);

		picture[y][x] = next_random();
		touched[y / 64 * 4 + x / 64] = 1;
	}
}

static void write_file(const struct frames_region *region, bool tell)
{
	struct frames_writer *writer;
	uint8_t touched[12];

	assert_int_equal(frames_create(path, region, &writer), 0);
	for (int i = 0; i < FRAMES; i++) {
		change(touched, i % 4 == 3 ? 0 : i % 9);
		for (int y = 0; y < HEIGHT; y++)
			memcpy(history[i][y], picture[y], sizeof(history[i][y]));
		assert_int_equal(frames_write(writer, 1000u * (unsigned int)i,
					      i % 5 ? (uint32_t)i : FRAMES_NO_NUMBER, picture[0],
					      STRIDE, tell ? touched : NULL, 4),
				 0);
	}
	assert_int_equal(frames_writer_close(writer), 0);
}

static void check_frame(const struct frame *frame, const struct frames_region *region, int i)
{
	assert_int_equal(frame->time, 1000 * i);
	assert_int_equal(frame->number, i % 5 ? (uint32_t)i : FRAMES_NO_NUMBER);
	if (i % 4 == 3)
		assert_int_equal(frame->n_tiles, 0);
	for (int y = 0; y < region->height; y++)
		assert_memory_equal(frame->pixels + (size_t)y * (size_t)region->width,
				    history[i][region->y + y] + region->x,
				    (size_t)region->width * 4);
}

static void read_all(struct frames_reader *reader, const struct frames_region *region)
{
	struct frame frame;

	for (int i = 0; i < FRAMES; i++) {
		assert_int_equal(frames_read(reader, &frame), 1);
		check_frame(&frame, region, i);
	}
	assert_int_equal(frames_read(reader, &frame), 0);
	assert_int_equal(frames_read(reader, &frame), 0);
}

static void check_region(const struct frames_region *region, bool tell)
{
	struct frames_reader *reader;

	memset(picture, 0, sizeof(picture));
	write_file(region, tell);
	assert_int_equal(frames_open(path, &reader), 0);
	assert_memory_equal(frames_region(reader), region, sizeof(*region));
	read_all(reader, region);
	assert_int_equal(frames_rewind(reader), 0);
	read_all(reader, region);
	frames_reader_close(reader);
}

static void test_round_trip(void **state)
{
	(void)state;
	check_region(&whole, false);
	check_region(&whole, true);
	check_region(&part, false);
	check_region(&part, true);
}

/* Wherever it ends: frames that are whole come out, then an error and never an end. */
static void test_truncated(void **state)
{
	static char data[1 << 20];
	size_t len;
	FILE *file;

	(void)state;
	memset(picture, 0, sizeof(picture));
	write_file(&part, true);
	file = fopen(path, "re");
	assert_non_null(file);
	len = fread(data, 1, sizeof(data), file);
	fclose(file);
	assert_true(len > 100 && len < sizeof(data));
	for (size_t cut = 1; cut < len; cut += cut < 200 ? 1 : 97) {
		struct frames_reader *reader;
		struct frame frame;
		int i = 0, r;

		file = fmemopen(data, cut, "re");
		assert_non_null(file);
		r = frames_open_stream(file, &reader);
		if (cut < 28) {
			assert_int_equal(r, -EPROTO);
			continue;
		}
		assert_int_equal(r, 0);
		while ((r = frames_read(reader, &frame)) == 1)
			check_frame(&frame, &part, i++);
		assert_int_equal(r, -EPROTO);
		frames_reader_close(reader);
	}
}

static void test_strangers(void **state)
{
	static const struct frames_region wrong[] = {
		{0, 0, 0, 10}, {0, 0, 10, 0}, {-1, 0, 10, 10}, {0, 0, FRAMES_SIDE_MAX + 1, 10}};
	struct frames_reader *reader;
	struct frames_writer *writer;
	char text[] = "P6\n640 480\n255\nand whatever follows in a picture";

	(void)state;
	assert_int_equal(frames_open_stream(fmemopen(text, sizeof(text), "re"), &reader), -EPROTO);
	assert_int_equal(frames_open("/nonexistent/file", &reader), -ENOENT);
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
		assert_int_equal(frames_create(path, &wrong[i], &writer), -EINVAL);
	assert_int_equal(frames_writer_close(NULL), 0);
	frames_reader_close(NULL);
}

/* A full disk is told, at the latest at the end. */
static void test_no_room(void **state)
{
	struct frames_writer *writer;

	(void)state;
	assert_int_equal(frames_create("/dev/full", &whole, &writer), 0);
	for (int i = 0; i < 3; i++) {
		int r = frames_write(writer, 0, 0, picture[0], STRIDE, NULL, 0);

		assert_true(r == 0 || r == -EIO);
	}
	assert_int_equal(frames_writer_close(writer), -EIO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip), cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_strangers), cmocka_unit_test(test_no_room)};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
