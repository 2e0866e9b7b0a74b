/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The window over fences, against a modelled line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "display/pace.h"
#include "display/texts.h"

#define MSEC USEC_PER_MSEC

/* A line with a fixed delay and a bottleneck in front of it; time jumps from event to event. */
struct line {
	struct pace pace;
	uint64_t now;
	uint64_t free_at; /* the bottleneck has sent all it has */
	uint64_t delay; /* both ways, microseconds */
	uint64_t rate; /* bytes a second */
	uint64_t arrive[PACE_PINGS_MAX]; /* of each fence on its way, by number */
	uint32_t oldest, next;
	uint64_t longest_queue; /* microseconds */
};

static void line_init(struct line *line, uint64_t delay, uint64_t rate)
{
	memset(line, 0, sizeof(*line));
	pace_init(&line->pace);
	line->now = USEC_PER_SEC;
	line->delay = delay;
	line->rate = rate;
}

static void line_send(struct line *line, size_t bytes)
{
	uint32_t number;

	pace_send(&line->pace, bytes, line->now);
	number = pace_ping(&line->pace, line->now);
	line->free_at = MAX(line->free_at, line->now) + bytes * USEC_PER_SEC / line->rate;
	line->longest_queue = MAX(line->longest_queue, line->free_at - line->now);
	line->arrive[number % PACE_PINGS_MAX] = line->free_at + line->delay;
	line->next = number + 1;
}

static void line_receive(struct line *line)
{
	line->now = MAX(line->now, line->arrive[line->oldest % PACE_PINGS_MAX]);
	pace_pong(&line->pace, line->oldest, line->now);
	line->oldest++;
}

/* Sends `bytes` at a time as fast as the window lets, for `duration`; returns bytes a second. */
static uint64_t line_saturate(struct line *line, size_t bytes, uint64_t duration)
{
	uint64_t start = line->now, sent = 0;

	while (line->now - start < duration) {
		if (pace_congested(&line->pace)) {
			line_receive(line);
			continue;
		}
		line_send(line, bytes);
		sent += bytes;
		line->now += 100;
	}
	return sent * USEC_PER_SEC / (line->now - start);
}

static void first_update_may_be_large(void **state)
{
	struct pace pace;

	(void)state;
	pace_init(&pace);
	assert_false(pace_congested(&pace));
	pace_send(&pace, 10u << 20, MSEC);
	(void)pace_ping(&pace, MSEC);
	assert_true(pace_congested(&pace));
	assert_int_equal(pace_in_flight(&pace), 10u << 20);
	pace_pong(&pace, 0, 2 * MSEC);
	assert_false(pace_congested(&pace));
	assert_int_equal(pace_in_flight(&pace), 0);
}

static void a_long_fast_line_is_filled(void **state)
{
	struct line line;
	uint64_t rate;

	(void)state;
	line_init(&line, 100 * MSEC, 12500000);
	(void)line_saturate(&line, 20000, 5 * USEC_PER_SEC);
	rate = line_saturate(&line, 20000, 5 * USEC_PER_SEC);
	assert_true(rate > line.rate * 7 / 10);
}

static void a_slow_line_gets_no_long_queue(void **state)
{
	struct line line;
	uint64_t rate;

	(void)state;
	line_init(&line, 20 * MSEC, 250000);
	(void)line_saturate(&line, 3000, 10 * USEC_PER_SEC);
	line.longest_queue = 0;
	rate = line_saturate(&line, 3000, 10 * USEC_PER_SEC);
	assert_true(rate > line.rate * 8 / 10);
	assert_true(line.longest_queue < 120 * MSEC);
}

static void a_line_that_turns_slow_is_noticed(void **state)
{
	struct line line;

	(void)state;
	line_init(&line, 20 * MSEC, 12500000);
	(void)line_saturate(&line, 20000, 5 * USEC_PER_SEC);
	line.rate = 500000;
	(void)line_saturate(&line, 5000, 5 * USEC_PER_SEC);
	line.longest_queue = 0;
	(void)line_saturate(&line, 5000, 5 * USEC_PER_SEC);
	assert_true(line.longest_queue < 150 * MSEC);
}

static void small_updates_do_not_open_the_window(void **state)
{
	struct line line;

	(void)state;
	line_init(&line, 50 * MSEC, 12500000);
	for (int i = 0; i < 500; i++) {
		line_send(&line, 500);
		line_receive(&line);
	}
	assert_int_equal(line.pace.window, PACE_WINDOW_START);
}

static void rest_starts_over(void **state)
{
	struct line line;

	(void)state;
	line_init(&line, 50 * MSEC, 12500000);
	(void)line_saturate(&line, 20000, 3 * USEC_PER_SEC);
	while (line.oldest != line.next)
		line_receive(&line);
	assert_true(line.pace.window > PACE_WINDOW_START);
	line.now += USEC_PER_SEC;
	line_send(&line, 100);
	assert_int_equal(line.pace.window, PACE_WINDOW_START);
	assert_true(line.pace.base == UINT64_MAX);
}

static void foreign_fences_mean_nothing(void **state)
{
	struct pace pace, before;

	(void)state;
	pace_init(&pace);
	before = pace;
	pace_pong(&pace, 0, MSEC);
	pace_pong(&pace, UINT32_MAX, MSEC);
	assert_memory_equal(&pace, &before, sizeof(pace));
	pace_send(&pace, 100, MSEC);
	(void)pace_ping(&pace, MSEC);
	before = pace;
	pace_pong(&pace, 1, 2 * MSEC);
	pace_pong(&pace, UINT32_MAX, 2 * MSEC);
	assert_memory_equal(&pace, &before, sizeof(pace));
	pace_pong(&pace, 0, 2 * MSEC);
	before = pace;
	pace_pong(&pace, 0, 3 * MSEC);
	assert_memory_equal(&pace, &before, sizeof(pace));
}

static void a_fence_that_was_passed_over_is_gone(void **state)
{
	struct pace pace;

	(void)state;
	pace_init(&pace);
	for (int i = 0; i < 5; i++) {
		pace_send(&pace, 100, MSEC);
		(void)pace_ping(&pace, MSEC);
	}
	pace_pong(&pace, 3, 5 * MSEC);
	assert_int_equal(pace_in_flight(&pace), 100);
	pace_pong(&pace, 1, 6 * MSEC);
	assert_int_equal(pace_in_flight(&pace), 100);
}

static void too_many_fences_hold_up(void **state)
{
	struct pace pace;

	(void)state;
	pace_init(&pace);
	for (int i = 0; i < PACE_PINGS_MAX; i++) {
		assert_false(pace_congested(&pace));
		pace_send(&pace, 1, MSEC);
		(void)pace_ping(&pace, MSEC);
	}
	assert_true(pace_congested(&pace));
}

static void sentences_take_their_argument(void **state)
{
	char text[256];

	(void)state;
	text_format(text, sizeof(text), TEXT_TAKEN_OVER, CONF_LANGUAGE_EN, "192.0.2.7");
	assert_string_equal(text, "Your session was continued on another workstation (192.0.2.7).");
	text_format(text, sizeof(text), TEXT_TAKEN_OVER, CONF_LANGUAGE_DE, "%s%n");
	assert_string_equal(text,
			    "Ihre Sitzung wurde an einem anderen Arbeitsplatz fortgesetzt (%s%n).");
	text_format(text, 10, TEXT_TAKEN_OVER, CONF_LANGUAGE_EN, "192.0.2.7");
	assert_string_equal(text, "Your sess");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(first_update_may_be_large),
		cmocka_unit_test(a_long_fast_line_is_filled),
		cmocka_unit_test(a_slow_line_gets_no_long_queue),
		cmocka_unit_test(a_line_that_turns_slow_is_noticed),
		cmocka_unit_test(small_updates_do_not_open_the_window),
		cmocka_unit_test(rest_starts_over),
		cmocka_unit_test(foreign_fences_mean_nothing),
		cmocka_unit_test(a_fence_that_was_passed_over_is_gone),
		cmocka_unit_test(too_many_fences_hold_up),
		cmocka_unit_test(sentences_take_their_argument),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
