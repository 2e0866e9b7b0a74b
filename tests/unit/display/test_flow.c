/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The window over fences, against a modelled line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "display/flow.h"
#include "display/texts.h"

#define MSEC USEC_PER_MSEC

/* A line with a fixed delay and a bottleneck in front of it; time jumps from event to event. */
struct line {
	struct flow flow;
	uint64_t now;
	uint64_t free_at; /* the bottleneck has sent all it has */
	uint64_t delay; /* both ways, microseconds */
	uint64_t rate; /* bytes a second */
	uint64_t arrive[FLOW_PINGS_MAX]; /* of each fence on its way, by number */
	uint32_t oldest, next;
	uint64_t longest_queue; /* microseconds */
	uint64_t queues, sends; /* their sum, and how many */
};

static void line_init(struct line *line, uint64_t delay, uint64_t rate)
{
	memset(line, 0, sizeof(*line));
	flow_init(&line->flow);
	line->now = USEC_PER_SEC;
	line->delay = delay;
	line->rate = rate;
}

static void line_send(struct line *line, size_t bytes)
{
	uint32_t number;

	flow_send(&line->flow, bytes, line->now);
	number = flow_ping(&line->flow, line->now);
	line->free_at = MAX(line->free_at, line->now) + bytes * USEC_PER_SEC / line->rate;
	line->longest_queue = MAX(line->longest_queue, line->free_at - line->now);
	line->queues += line->free_at - line->now;
	line->sends++;
	line->arrive[number % FLOW_PINGS_MAX] = line->free_at + line->delay;
	line->next = number + 1;
}

static void line_receive(struct line *line)
{
	line->now = MAX(line->now, line->arrive[line->oldest % FLOW_PINGS_MAX]);
	flow_pong(&line->flow, line->oldest, line->now);
	line->oldest++;
}

/* Sends `bytes` at a time as fast as the window lets, for `duration`; returns bytes a second. */
static uint64_t line_saturate(struct line *line, size_t bytes, uint64_t duration)
{
	uint64_t start = line->now, sent = 0;

	while (line->now - start < duration) {
		bool arrived = line->oldest != line->next &&
			       line->arrive[line->oldest % FLOW_PINGS_MAX] <= line->now;

		if (arrived || flow_congested(&line->flow)) {
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
	struct flow flow;

	(void)state;
	flow_init(&flow);
	assert_false(flow_congested(&flow));
	flow_send(&flow, 10u << 20, MSEC);
	(void)flow_ping(&flow, MSEC);
	assert_true(flow_congested(&flow));
	assert_int_equal(flow_in_flight(&flow), 10u << 20);
	flow_pong(&flow, 0, 2 * MSEC);
	assert_false(flow_congested(&flow));
	assert_int_equal(flow_in_flight(&flow), 0);
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
	line_init(&line, 80 * MSEC, 250000);
	(void)line_saturate(&line, 3000, 10 * USEC_PER_SEC);
	line.longest_queue = line.queues = line.sends = 0;
	rate = line_saturate(&line, 1000, 60 * USEC_PER_SEC);
	assert_true(rate > line.rate * 9 / 10);
	assert_true(line.queues / line.sends < 25 * MSEC);
	/* When the line had run empty to be measured, it is filled at once. */
	assert_true(line.longest_queue < 80 * MSEC);
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
	assert_true(line.longest_queue < 40 * MSEC);
}

static void a_line_that_turns_fast_is_noticed(void **state)
{
	struct line line;

	(void)state;
	line_init(&line, 20 * MSEC, 500000);
	(void)line_saturate(&line, 5000, 5 * USEC_PER_SEC);
	line.rate = 12500000;
	(void)line_saturate(&line, 5000, 2 * USEC_PER_SEC);
	assert_true(line_saturate(&line, 5000, 2 * USEC_PER_SEC) > line.rate * 8 / 10);
}

static void a_way_that_becomes_longer_is_noticed(void **state)
{
	struct line line;
	uint64_t rate;

	(void)state;
	line_init(&line, 20 * MSEC, 1250000);
	(void)line_saturate(&line, 5000, 5 * USEC_PER_SEC);
	line.delay = 110 * MSEC;
	(void)line_saturate(&line, 5000, 25 * USEC_PER_SEC);
	line.queues = line.sends = 0;
	rate = line_saturate(&line, 5000, 10 * USEC_PER_SEC);
	assert_true(rate > line.rate * 8 / 10);
	assert_true(line.queues / line.sends < 40 * MSEC);
}

/* What a lost packet does to a stream: nothing arrives for a while, and then all of it. */
static void a_stall_costs_no_window(void **state)
{
	struct line line;
	uint64_t rate;

	(void)state;
	line_init(&line, 80 * MSEC, 250000);
	(void)line_saturate(&line, 3000, 5 * USEC_PER_SEC);
	rate = flow_bandwidth(&line.flow, line.now);
	for (int i = 0; i < 20; i++) {
		for (uint32_t n = line.oldest; n != line.next; n++)
			line.arrive[n % FLOW_PINGS_MAX] = MAX(line.arrive[n % FLOW_PINGS_MAX],
							      line.now + 110 * MSEC);
		(void)line_saturate(&line, 3000, 500 * MSEC);
		assert_in_range(flow_bandwidth(&line.flow, line.now), rate * 8 / 10,
				rate * 11 / 10);
		assert_true(line.flow.window > 250000 / 1000 * 80 * 8 / 10);
	}
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
	assert_int_equal(line.flow.window, FLOW_WINDOW_START);
}

static void bandwidth_is_what_the_line_takes(void **state)
{
	static const uint64_t rates[] = {30000, 250000, 1250000, 12500000};

	(void)state;
	for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
		struct line line;

		line_init(&line, 40 * MSEC, rates[i]);
		assert_int_equal(flow_bandwidth(&line.flow, line.now), 0);
		(void)line_saturate(&line, rates[i] / 500, 5 * USEC_PER_SEC);
		assert_in_range(flow_bandwidth(&line.flow, line.now), rates[i] * 9 / 10,
				rates[i] * 11 / 10);
	}
}

static void who_sends_little_learns_no_limit(void **state)
{
	struct line line;
	uint64_t rate;

	(void)state;
	line_init(&line, 40 * MSEC, 1250000);
	for (int i = 0; i < 200; i++) {
		line_send(&line, 500);
		line_receive(&line);
	}
	assert_int_equal(flow_bandwidth(&line.flow, line.now), 0);
	assert_int_equal(flow_update_bytes(&line.flow), FLOW_UPDATE_START);
	(void)line_saturate(&line, 5000, 5 * USEC_PER_SEC);
	rate = flow_bandwidth(&line.flow, line.now);
	for (int i = 0; i < 20; i++) {
		line_send(&line, 500);
		line_receive(&line);
		assert_true(flow_bandwidth(&line.flow, line.now) >= rate);
	}
}

static void bandwidth_rises_untried(void **state)
{
	struct line line;
	uint64_t rate;

	(void)state;
	line_init(&line, 40 * MSEC, 1250000);
	(void)line_saturate(&line, 5000, 5 * USEC_PER_SEC);
	rate = flow_bandwidth(&line.flow, line.now);
	line.now = line.flow.known;
	assert_int_equal(flow_bandwidth(&line.flow, line.now + USEC_PER_SEC), rate);
	assert_in_range(flow_bandwidth(&line.flow, line.now + 3 * USEC_PER_SEC), rate * 14 / 10,
			rate * 15 / 10);
	assert_int_equal(flow_bandwidth(&line.flow, line.now + 1000 * USEC_PER_SEC), 4 * rate);
	assert_int_equal(flow_bandwidth(&line.flow, 0), rate);
}

static void updates_fit_the_window(void **state)
{
	struct line line;

	(void)state;
	line_init(&line, 80 * MSEC, 250000);
	(void)line_saturate(&line, 3000, 5 * USEC_PER_SEC);
	while (line.oldest != line.next)
		line_receive(&line);
	assert_int_equal(flow_update_bytes(&line.flow), line.flow.window);
	flow_send(&line.flow, line.flow.window - 1000, line.now);
	/* A fiftieth of a second of the line. */
	assert_in_range(flow_update_bytes(&line.flow), 4096, 250000 / 45);
}

static void rest_starts_over(void **state)
{
	struct line line;
	uint32_t window;

	(void)state;
	line_init(&line, 50 * MSEC, 12500000);
	(void)line_saturate(&line, 20000, 3 * USEC_PER_SEC);
	while (line.oldest != line.next)
		line_receive(&line);
	window = line.flow.window;
	assert_true(window > FLOW_WINDOW_START);
	line.now += USEC_PER_SEC;
	line_send(&line, 100);
	line_receive(&line);
	assert_in_range(line.flow.window, window * 8 / 10, window * 12 / 10);
	line.now += 11 * USEC_PER_SEC;
	line_send(&line, 100);
	assert_int_equal(line.flow.window, FLOW_WINDOW_START);
	assert_true(line.flow.base == UINT64_MAX);
	assert_int_equal(flow_bandwidth(&line.flow, line.now), 0);
}

static void foreign_fences_mean_nothing(void **state)
{
	struct flow flow, before;

	(void)state;
	flow_init(&flow);
	before = flow;
	flow_pong(&flow, 0, MSEC);
	flow_pong(&flow, UINT32_MAX, MSEC);
	assert_memory_equal(&flow, &before, sizeof(flow));
	flow_send(&flow, 100, MSEC);
	(void)flow_ping(&flow, MSEC);
	before = flow;
	flow_pong(&flow, 1, 2 * MSEC);
	flow_pong(&flow, UINT32_MAX, 2 * MSEC);
	assert_memory_equal(&flow, &before, sizeof(flow));
	flow_pong(&flow, 0, 2 * MSEC);
	before = flow;
	flow_pong(&flow, 0, 3 * MSEC);
	assert_memory_equal(&flow, &before, sizeof(flow));
}

static void a_fence_that_was_passed_over_is_gone(void **state)
{
	struct flow flow;

	(void)state;
	flow_init(&flow);
	for (int i = 0; i < 5; i++) {
		flow_send(&flow, 100, MSEC);
		(void)flow_ping(&flow, MSEC);
	}
	flow_pong(&flow, 3, 5 * MSEC);
	assert_int_equal(flow_in_flight(&flow), 100);
	flow_pong(&flow, 1, 6 * MSEC);
	assert_int_equal(flow_in_flight(&flow), 100);
}

static void too_many_fences_hold_up(void **state)
{
	struct flow flow;

	(void)state;
	flow_init(&flow);
	for (int i = 0; i < FLOW_PINGS_MAX; i++) {
		assert_false(flow_congested(&flow));
		flow_send(&flow, 1, MSEC);
		(void)flow_ping(&flow, MSEC);
	}
	assert_true(flow_congested(&flow));
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
		cmocka_unit_test(a_line_that_turns_fast_is_noticed),
		cmocka_unit_test(a_way_that_becomes_longer_is_noticed),
		cmocka_unit_test(a_stall_costs_no_window),
		cmocka_unit_test(small_updates_do_not_open_the_window),
		cmocka_unit_test(bandwidth_is_what_the_line_takes),
		cmocka_unit_test(who_sends_little_learns_no_limit),
		cmocka_unit_test(bandwidth_rises_untried),
		cmocka_unit_test(updates_fit_the_window),
		cmocka_unit_test(rest_starts_over),
		cmocka_unit_test(foreign_fences_mean_nothing),
		cmocka_unit_test(a_fence_that_was_passed_over_is_gone),
		cmocka_unit_test(too_many_fences_hold_up),
		cmocka_unit_test(sentences_take_their_argument),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
