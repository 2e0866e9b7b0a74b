/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Rules of the walker that depend on the order of things: pixel formats, continuous updates. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>

#include "rfb/server_walk.h"

static const struct pixel_format sixteen = {16, 16, false, true, 31, 63, 31, 11, 5, 0};
static const struct pixel_format eight = {8, 8, false, true, 7, 7, 3, 0, 3, 6};
static const int32_t encodings[] = {RFB_ENCODING_CONTINUOUS_UPDATES};

struct fixture {
	struct server_walk *walk;
	struct buf out;
};

static int feed(struct fixture *f, struct buf *message)
{
	int r = server_walk_feed(f->walk, buf_data(message), buf_len(message), &f->out);

	buf_finish(message);
	return r;
}

static int set_up(void **state)
{
	static struct fixture fixture;
	const struct server_walk_policy policy = {.name = "Lazaret: test"};
	struct buf init;

	buf_init(&fixture.out, 1 << 20);
	assert_int_equal(server_walk_create(&policy, &fixture.walk), 0);
	server_walk_asked_encodings(fixture.walk, encodings, 1);
	buf_init(&init, 100);
	buf_put_u16(&init, 64);
	buf_put_u16(&init, 64);
	pixel_format_put(&init, &pixel_format_default);
	buf_put_str(&init, "");
	assert_int_equal(feed(&fixture, &init), 0);
	*state = &fixture;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	server_walk_destroy(f->walk);
	buf_finish(&f->out);
	return 0;
}

/* One pixel, Raw, of so many bytes. */
static int update(struct fixture *f, size_t bytes)
{
	struct buf b;

	buf_init(&b, 100);
	buf_put_u32(&b, 1);
	buf_put_zero(&b, 4);
	buf_put_u32(&b, 0x00010001);
	buf_put_u32(&b, RFB_ENCODING_RAW);
	buf_put_zero(&b, bytes);
	return feed(f, &b);
}

static int format(struct fixture *f, const struct pixel_format *pixel_format)
{
	struct buf b;

	buf_init(&b, 100);
	buf_put_u8(&b, RFB_PRIVATE_PIXEL_FORMAT);
	pixel_format_put(&b, pixel_format);
	return feed(f, &b);
}

static int end_of_continuous(struct fixture *f)
{
	struct buf b;

	buf_init(&b, 1);
	buf_put_u8(&b, RFB_END_OF_CONTINUOUS_UPDATES);
	return feed(f, &b);
}

static void test_format_is_never_shown_to_the_viewer(void **state)
{
	struct fixture *f = *state;
	size_t before = buf_len(&f->out);

	assert_int_equal(server_walk_asked_format(f->walk, &sixteen), 0);
	assert_int_equal(format(f, &sixteen), 0);
	assert_int_equal(buf_len(&f->out), before);
	assert_int_equal(update(f, 2), 0);
	assert_true(server_walk_at_boundary(f->walk));
}

static void test_format_nobody_asked_for(void **state)
{
	assert_int_equal(format(*state, &eight), -EPROTO);
}

static void test_format_given_up_does_not_come_back(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(server_walk_asked_format(f->walk, &eight), 0);
	assert_int_equal(server_walk_asked_format(f->walk, &sixteen), 0);
	assert_int_equal(format(f, &sixteen), 0);
	assert_int_equal(format(f, &eight), -EPROTO);
}

static void test_no_update_in_the_old_format(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(server_walk_asked_format(f->walk, &sixteen), 0);
	server_walk_asked_update(f->walk);
	assert_int_equal(update(f, 4), -EPROTO);
}

static void test_one_update_may_be_under_way(void **state)
{
	struct fixture *f = *state;

	server_walk_asked_update(f->walk);
	assert_int_equal(server_walk_asked_format(f->walk, &sixteen), 0);
	assert_int_equal(update(f, 4), 0);
	assert_int_equal(update(f, 4), -EPROTO);
}

/* As viewers do it: off, new format, on again; the end of the old updates is the border. */
static void test_continuous_updates(void **state)
{
	struct fixture *f = *state;

	server_walk_asked_continuous(f->walk, true);
	assert_int_equal(update(f, 4), 0);
	server_walk_asked_continuous(f->walk, false);
	assert_int_equal(server_walk_asked_format(f->walk, &sixteen), 0);
	server_walk_asked_continuous(f->walk, true);
	assert_int_equal(update(f, 4), 0);
	assert_int_equal(update(f, 4), 0);
	assert_int_equal(end_of_continuous(f), 0);
	assert_int_equal(format(f, &sixteen), 0);
	assert_int_equal(update(f, 2), 0);
	assert_int_equal(update(f, 2), 0);
}

static void test_continuous_updates_with_a_liar(void **state)
{
	struct fixture *f = *state;

	server_walk_asked_continuous(f->walk, true);
	server_walk_asked_continuous(f->walk, false);
	assert_int_equal(server_walk_asked_format(f->walk, &sixteen), 0);
	server_walk_asked_continuous(f->walk, true);
	assert_int_equal(end_of_continuous(f), 0);
	assert_int_equal(update(f, 4), -EPROTO);
}

static void test_too_many_formats(void **state)
{
	struct fixture *f = *state;

	for (int i = 0; i < SERVER_WALK_FORMATS_MAX; i++)
		assert_int_equal(server_walk_asked_format(f->walk, i % 2 ? &eight : &sixteen), 0);
	assert_int_equal(server_walk_asked_format(f->walk, &sixteen), -ENOBUFS);
	/* The same again asks for nothing. */
	assert_int_equal(server_walk_asked_format(f->walk, &eight), 0);
}

/* --- Open H.264 ------------------------------------------------------------------------------- */

static const int32_t h264_encodings[] = {RFB_ENCODING_H264};

/* One rectangle at the given place, whose header says `len` and `flags`, with `data` bytes. */
static int h264(struct fixture *f, unsigned int x, unsigned int width, uint32_t len, uint32_t flags,
		size_t data)
{
	struct buf b;

	buf_init(&b, 1 << 20);
	buf_put_u32(&b, 1);
	buf_put_u16(&b, (uint16_t)x);
	buf_put_u16(&b, 0);
	buf_put_u16(&b, (uint16_t)width);
	buf_put_u16(&b, 20);
	buf_put_u32(&b, RFB_ENCODING_H264);
	buf_put_u32(&b, len);
	buf_put_u32(&b, flags);
	buf_put_zero(&b, data);
	return feed(f, &b);
}

static void list_h264(struct fixture *f)
{
	server_walk_asked_encodings(f->walk, h264_encodings, ARRAY_LEN(h264_encodings));
}

static void test_h264_passes_unchanged(void **state)
{
	struct fixture *f = *state;
	size_t before = buf_len(&f->out);

	list_h264(f);
	assert_int_equal(h264(f, 44, 20, 100, RFB_H264_RESET_ALL, 100), 0);
	assert_true(server_walk_at_boundary(f->walk));
	assert_int_equal(buf_len(&f->out) - before, 4 + 12 + 8 + 100);
	assert_int_equal(h264(f, 44, 20, 100, RFB_H264_RESET_CONTEXT, 100), 0);
	assert_int_equal(h264(f, 44, 20, 1, 0, 1), 0);
}

static void test_h264_nobody_listed(void **state)
{
	assert_int_equal(h264(*state, 0, 20, 100, 0, 100), -EPROTO);
}

static void test_h264_outside_the_framebuffer(void **state)
{
	list_h264(*state);
	assert_int_equal(h264(*state, 45, 20, 100, 0, 100), -EPROTO);
}

static void test_h264_flags_that_do_not_exist(void **state)
{
	list_h264(*state);
	assert_int_equal(h264(*state, 0, 20, 100, 4, 100), -EPROTO);
}

static void test_h264_without_data(void **state)
{
	list_h264(*state);
	assert_int_equal(h264(*state, 0, 20, 0, RFB_H264_RESET_ALL, 0), -EPROTO);
}

/* Two by two macroblocks. */
#define H264_MOST (4 * RFB_H264_MACROBLOCK_BYTES + RFB_H264_FRAME_BYTES)

static void test_h264_as_long_as_can_be(void **state)
{
	list_h264(*state);
	assert_int_equal(h264(*state, 0, 20, H264_MOST, 0, H264_MOST), 0);
}

static void test_h264_too_long(void **state)
{
	list_h264(*state);
	assert_int_equal(h264(*state, 0, 20, H264_MOST + 1, 0, 0), -EPROTO);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_format_is_never_shown_to_the_viewer),
		TEST(test_format_nobody_asked_for),
		TEST(test_format_given_up_does_not_come_back),
		TEST(test_no_update_in_the_old_format),
		TEST(test_one_update_may_be_under_way),
		TEST(test_continuous_updates),
		TEST(test_continuous_updates_with_a_liar),
		TEST(test_too_many_formats),
		TEST(test_h264_passes_unchanged),
		TEST(test_h264_nobody_listed),
		TEST(test_h264_outside_the_framebuffer),
		TEST(test_h264_flags_that_do_not_exist),
		TEST(test_h264_without_data),
		TEST(test_h264_as_long_as_can_be),
		TEST(test_h264_too_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
