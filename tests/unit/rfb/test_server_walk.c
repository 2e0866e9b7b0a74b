/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Rules of the walker that depend on the order of things: pixel formats, continuous updates. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "rfb/h264_walk.h"
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

/* 20 x 20 pixels: parameter sets and a slice; and a frame that goes on from there. */
static const uint8_t key[] = {
	0x00, 0x00, 0x00, 0x01, 0x67, 0x42, 0xc0, 0x29, 0xda, 0x25, 0xe7, 0x9e, 0x6e, 0x02, 0x1a,
	0x0d, 0x4a, 0x00, 0x00, 0x03, 0x00, 0x02, 0x00, 0x00, 0x03, 0x00, 0x79, 0x1e, 0x30, 0x65,
	0x40, 0x00, 0x00, 0x00, 0x01, 0x68, 0xce, 0x03, 0xbc, 0x80, 0x00, 0x00, 0x01, 0x65, 0x88,
	0x84, 0x37, 0xff, 0xff, 0xc3, 0xd1, 0x40, 0x00, 0x44, 0x0f, 0xc9, 0xd7, 0x5e,
};
static const uint8_t other[] = {0, 0, 0, 1, 0x41, 0x9a, 0x20, 0x1a};
#define PICTURE_AT 31 /* where the second unit of the key frame begins, */
#define SLICE_AT 40 /* and the third */
#define PARAMETERS_END (11 * 8 + 6) /* bits up to the size; what follows does not change it */

struct rect {
	unsigned int x, width, height;
	uint32_t len, flags;
	const uint8_t *data;
	size_t data_len; /* then come bytes 0xff up to `len`, unless more is missing */
	bool cut;
};

static int h264(struct fixture *f, const struct rect *rect)
{
	struct buf b;

	buf_init(&b, 1 << 20);
	buf_put_u32(&b, 1);
	buf_put_u16(&b, (uint16_t)rect->x);
	buf_put_u16(&b, 0);
	buf_put_u16(&b, (uint16_t)rect->width);
	buf_put_u16(&b, (uint16_t)rect->height);
	buf_put_u32(&b, RFB_ENCODING_H264);
	buf_put_u32(&b, rect->len);
	buf_put_u32(&b, rect->flags);
	buf_put(&b, rect->data, rect->data_len);
	for (size_t i = rect->data_len; i < rect->len && !rect->cut; i++)
		buf_put_u8(&b, 0xff);
	return feed(f, &b);
}

static int h264_data(struct fixture *f, const uint8_t *data, size_t len, uint32_t flags)
{
	return h264(f, &(struct rect){0, 20, 20, (uint32_t)len, flags, data, len, false});
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
	assert_int_equal(h264(f, &(struct rect){44, 20, 20, sizeof(key), RFB_H264_RESET_ALL, key,
						sizeof(key), false}),
			 0);
	assert_true(server_walk_at_boundary(f->walk));
	assert_int_equal(buf_len(&f->out) - before, 4 + 12 + 8 + sizeof(key));
	assert_memory_equal(buf_data(&f->out) + before + 24, key, sizeof(key));
	assert_int_equal(h264_data(f, key, sizeof(key), RFB_H264_RESET_CONTEXT), 0);
	assert_int_equal(h264_data(f, key, sizeof(key), 0), 0);
	assert_int_equal(h264_data(f, other, sizeof(other), 0), 0);
}

static void test_h264_nobody_listed(void **state)
{
	assert_int_equal(h264_data(*state, key, sizeof(key), 0), -EPROTO);
}

static void test_h264_outside_the_framebuffer(void **state)
{
	list_h264(*state);
	assert_int_equal(
		h264(*state, &(struct rect){45, 20, 20, sizeof(key), 0, key, sizeof(key), false}),
		-EPROTO);
}

static void test_h264_flags_that_do_not_exist(void **state)
{
	list_h264(*state);
	assert_int_equal(h264_data(*state, key, sizeof(key), 4), -EPROTO);
}

static void test_h264_without_data(void **state)
{
	list_h264(*state);
	assert_int_equal(h264_data(*state, key, 0, RFB_H264_RESET_ALL), -EPROTO);
}

/* Two by two macroblocks. */
#define H264_MOST (4 * RFB_H264_MACROBLOCK_BYTES + RFB_H264_FRAME_BYTES)

static void test_h264_as_long_as_can_be(void **state)
{
	list_h264(*state);
	assert_int_equal(
		h264(*state, &(struct rect){0, 20, 20, H264_MOST, 0, other, sizeof(other), false}),
		0);
}

static void test_h264_too_long(void **state)
{
	list_h264(*state);
	assert_int_equal(h264(*state, &(struct rect){0, 20, 20, H264_MOST + 1, 0, other,
						     sizeof(other), true}),
			 -EPROTO);
}

static void assert_refused(struct fixture *f, const struct rect *rect)
{
	assert_int_equal(h264(f, rect), -EPROTO);
	assert_non_null(server_walk_reason(f->walk));
}

static void test_h264_of_another_width(void **state)
{
	list_h264(*state);
	assert_refused(*state, &(struct rect){0, 22, 20, sizeof(key), 0, key, sizeof(key), false});
}

static void test_h264_of_another_height(void **state)
{
	list_h264(*state);
	assert_refused(*state, &(struct rect){0, 20, 36, sizeof(key), 0, key, sizeof(key), false});
}

static void test_h264_begins_anew_without_a_key_frame(void **state)
{
	list_h264(*state);
	assert_int_equal(h264_data(*state, other, sizeof(other), RFB_H264_RESET_ALL), -EPROTO);
}

static void test_h264_without_a_slice(void **state)
{
	list_h264(*state);
	assert_int_equal(h264_data(*state, key, SLICE_AT, RFB_H264_RESET_ALL), -EPROTO);
}

static void test_h264_without_parameters(void **state)
{
	list_h264(*state);
	assert_int_equal(h264_data(*state, key + SLICE_AT, sizeof(key) - SLICE_AT, 0), -EPROTO);
}

static void test_h264_with_half_of_the_parameters(void **state)
{
	list_h264(*state);
	assert_int_equal(h264_data(*state, key + PICTURE_AT, sizeof(key) - PICTURE_AT, 0), -EPROTO);
}

static void test_h264_of_two_slices(void **state)
{
	uint8_t two[2 * sizeof(other)];

	memcpy(two, other, sizeof(other));
	memcpy(two + sizeof(other), other, sizeof(other));
	list_h264(*state);
	assert_int_equal(h264_data(*state, two, sizeof(two), 0), -EPROTO);
}

/* A second set of parameters, of another size, where a decoder would find it. */
static void test_h264_parameters_behind_the_slice(void **state)
{
	uint8_t both[sizeof(other) + sizeof(key)];

	memcpy(both, other, sizeof(other));
	memcpy(both + sizeof(other), key, sizeof(key));
	list_h264(*state);
	assert_int_equal(h264_data(*state, both, sizeof(both), 0), -EPROTO);
}

static void test_h264_units_that_are_never_sent(void **state)
{
	uint8_t unit[] = {0, 0, 0, 1, 6, 5, 0, 0, 1, 0x41, 1, 2};

	list_h264(*state);
	assert_int_equal(h264_data(*state, unit, sizeof(unit), 0), -EPROTO);
}

static void test_h264_without_a_start_code(void **state)
{
	list_h264(*state);
	assert_int_equal(h264_data(*state, other + 4, sizeof(other) - 4, 0), -EPROTO);
}

static void test_h264_parameters_without_end(void **state)
{
	uint8_t data[5 + H264_WALK_PARAMETERS_MAX + 1];

	memset(data, 0xff, sizeof(data));
	memcpy(data, key, PICTURE_AT);
	list_h264(*state);
	assert_int_equal(h264_data(*state, data, sizeof(data), 0), -EPROTO);
}

/* Profile, numbers, macroblocks: one bit at a time, all of the set up to its size. */
static void test_h264_bent_parameters(void **state)
{
	struct fixture *f = *state;
	int passed = 0;

	for (size_t bit = 5 * 8; bit < PARAMETERS_END; bit++) {
		uint8_t bent[sizeof(key)];

		memcpy(bent, key, sizeof(key));
		bent[bit / 8] ^= (uint8_t)(0x80 >> bit % 8);
		server_walk_destroy(f->walk);
		buf_finish(&f->out);
		set_up(state);
		f = *state;
		list_h264(f);
		passed += h264_data(f, bent, sizeof(bent), 0) == 0;
	}
	/* Constraints and level, 16 bits, and a few of what does not change the size. */
	assert_in_range(passed, 16, 24);
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
		TEST(test_h264_of_another_width),
		TEST(test_h264_of_another_height),
		TEST(test_h264_begins_anew_without_a_key_frame),
		TEST(test_h264_without_a_slice),
		TEST(test_h264_without_parameters),
		TEST(test_h264_with_half_of_the_parameters),
		TEST(test_h264_of_two_slices),
		TEST(test_h264_parameters_behind_the_slice),
		TEST(test_h264_units_that_are_never_sent),
		TEST(test_h264_without_a_start_code),
		TEST(test_h264_parameters_without_end),
		TEST(test_h264_bent_parameters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
