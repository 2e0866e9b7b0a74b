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
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
