/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A film as JPEG on lines that take it, hardly take it, and do not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/clock.h"
#include "rfb/update_rate.h"

#define PIXELS (1280 * 720)
#define FRAME (USEC_PER_SEC / 30)

/* Bytes of a picture at each level: a film that is easier than most at low levels. */
static const size_t film[] = {60000,  90000,  105000, 115000, 128000,
			      140000, 190000, 240000, 400000, 700000};

static uint64_t now;

static int play(struct update_rate *rate, int ceiling, uint64_t bits_per_second, int frames)
{
	int level = -1;

	for (int i = 0; i < frames; i++) {
		level = update_rate_level(rate, ceiling, bits_per_second, PIXELS, now);
		update_rate_note(rate, PIXELS, film[level]);
		now += FRAME;
	}
	return level;
}

static int set_up(void **state)
{
	static struct update_rate rate;

	update_rate_reset(&rate);
	now = 77 * USEC_PER_SEC;
	*state = &rate;
	return 0;
}

static void test_nothing_known_of_the_line(void **state)
{
	assert_int_equal(play(*state, 8, 0, 100), 8);
	assert_int_equal(play(*state, 3, 0, 100), 3);
}

static void test_good_line(void **state)
{
	assert_int_equal(play(*state, 8, 300000000, 100), 8);
}

/* 30 frames a second fit, in four fifths of it. */
static void test_line_that_takes_less(void **state)
{
	struct update_rate *rate = *state;
	int level = play(rate, 8, 80000000, 100);

	assert_true(film[level] * 8 * 30 <= 80000000 * 8 / 10);
	assert_in_range(level, 6, 7);
}

static void test_slow_line_has_a_floor(void **state)
{
	assert_int_equal(play(*state, 8, 2000000, 100), UPDATE_RATE_FLOOR);
	assert_int_equal(play(*state, 1, 2000000, 100), 1);
}

static void test_steady(void **state)
{
	struct update_rate *rate = *state;
	int changes = 0, level = play(rate, 8, 50000000, 60);

	for (int i = 0; i < 300; i++) {
		int next = play(rate, 8, 50000000, 1);

		changes += next != level;
		level = next;
	}
	assert_true(changes <= 300 / 15);
}

static void test_down_at_once_up_by_steps(void **state)
{
	struct update_rate *rate = *state;

	assert_int_equal(play(rate, 8, 0, 10), 8);
	assert_int_equal(play(rate, 8, 2000000, 1), UPDATE_RATE_FLOOR);
	assert_int_equal(play(rate, 8, 0, 14), UPDATE_RATE_FLOOR);
	assert_int_equal(play(rate, 8, 0, 2), UPDATE_RATE_FLOOR + 1);
	assert_int_equal(play(rate, 8, 0, 120), 8);
}

static void test_small_updates_are_not_made_worse(void **state)
{
	struct update_rate *rate = *state;

	(void)play(rate, 8, 4000000, 10);
	now += USEC_PER_SEC;
	assert_int_equal(update_rate_level(rate, 8, 4000000, 64 * 64, now), UPDATE_RATE_FLOOR + 1);
}

#define TEST(name) cmocka_unit_test_setup(name, set_up)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_nothing_known_of_the_line),
		TEST(test_good_line),
		TEST(test_line_that_takes_less),
		TEST(test_slow_line_has_a_floor),
		TEST(test_steady),
		TEST(test_down_at_once_up_by_steps),
		TEST(test_small_updates_are_not_made_worse),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
