/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The window over fences, against a modelled line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
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
	bool paced; /* as the display does it; else as fast as the window lets */
};

static void line_init(struct line *line, uint64_t delay, uint64_t rate)
{
	memset(line, 0, sizeof(*line));
	flow_init(&line->flow);
	line->now = USEC_PER_SEC;
	line->delay = delay;
	line->rate = rate;
	line->paced = true;
}

static void line_ping(struct line *line)
{
	uint32_t number = flow_ping(&line->flow, line->now);

	line->arrive[number % FLOW_PINGS_MAX] = MAX(line->free_at, line->now) + line->delay;
	line->next = number + 1;
}

static void line_send(struct line *line, size_t bytes)
{
	line->free_at = MAX(line->free_at, line->now);
	line->queues += line->free_at - line->now;
	line->longest_queue = MAX(line->longest_queue, line->free_at - line->now);
	line->sends++;
	if (flow_wants_lead(&line->flow, bytes, line->now))
		line_ping(line);
	flow_send(&line->flow, bytes, 100, line->now);
	line->free_at += bytes * USEC_PER_SEC / line->rate;
	line_ping(line);
}

static void line_receive(struct line *line)
{
	line->now = MAX(line->now, line->arrive[line->oldest % FLOW_PINGS_MAX]);
	flow_pong(&line->flow, line->oldest, line->now);
	line->oldest++;
}

static void line_receive_all(struct line *line)
{
	while (line->oldest != line->next)
		line_receive(line);
}

static bool line_may_send(const struct line *line)
{
	return !flow_congested(&line->flow) &&
	       (!line->paced || flow_clear_at(&line->flow) <= line->now);
}

/* Sends updates as large and as fast as they may be, for `duration`; returns bytes a second. */
static uint64_t line_saturate(struct line *line, uint64_t duration)
{
	uint64_t start = line->now, sent = 0;

	while (line->now - start < duration) {
		bool any = line->oldest != line->next;
		uint64_t next = any ? line->arrive[line->oldest % FLOW_PINGS_MAX] : UINT64_MAX;

		if (next <= line->now) {
			line_receive(line);
		} else if (line_may_send(line)) {
			size_t bytes = flow_update_bytes(&line->flow);

			line_send(line, bytes);
			sent += bytes;
			line->now += 100;
		} else if (flow_congested(&line->flow)) {
			line->now = next;
		} else {
			/* The display's timer has milliseconds. */
			line->now = MIN(next, flow_clear_at(&line->flow) + MSEC);
		}
	}
	return sent * USEC_PER_SEC / (line->now - start);
}

/* The longest queue that an update met, after 5 seconds in which the line was got to know. */
static uint64_t line_settle(struct line *line, uint64_t duration)
{
	(void)line_saturate(line, 5 * USEC_PER_SEC);
	line->longest_queue = line->queues = line->sends = 0;
	(void)line_saturate(line, duration);
	return line->queues / line->sends;
}

static void first_update_may_be_large(void **state)
{
	struct flow flow;

	(void)state;
	flow_init(&flow);
	assert_false(flow_congested(&flow));
	flow_send(&flow, 10u << 20, 100, MSEC);
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

	(void)state;
	line_init(&line, 100 * MSEC, 12500000);
	(void)line_saturate(&line, 2 * USEC_PER_SEC);
	assert_true(line_saturate(&line, 5 * USEC_PER_SEC) > line.rate * 9 / 10);
}

static void a_slow_line_gets_no_long_queue(void **state)
{
	static const uint64_t queues[] = {20 * MSEC, 100 * MSEC};

	(void)state;
	for (size_t i = 0; i < sizeof(queues) / sizeof(queues[0]); i++) {
		struct line line;

		line_init(&line, 80 * MSEC, 250000);
		flow_set_queue(&line.flow, queues[i]);
		/* What is sent at once is all that there is of it. */
		assert_true(line_settle(&line, 60 * USEC_PER_SEC) < 3 * MSEC);
		assert_true(line.longest_queue < queues[i] * 3 / 10);
		assert_true(line_saturate(&line, 10 * USEC_PER_SEC) > line.rate * 9 / 10);
	}
}

static void without_pacing_the_window_is_the_bound(void **state)
{
	struct line line;

	(void)state;
	line_init(&line, 80 * MSEC, 250000);
	flow_set_queue(&line.flow, 20 * MSEC);
	line.paced = false;
	assert_true(line_settle(&line, 60 * USEC_PER_SEC) < 60 * MSEC);
	assert_true(line_saturate(&line, 10 * USEC_PER_SEC) > line.rate * 9 / 10);
}

static void a_line_that_turns_slow_is_noticed(void **state)
{
	struct line line;

	(void)state;
	line_init(&line, 20 * MSEC, 2500000);
	(void)line_saturate(&line, 5 * USEC_PER_SEC);
	line.rate = 250000;
	(void)line_saturate(&line, 5 * USEC_PER_SEC);
	assert_true(line_settle(&line, 5 * USEC_PER_SEC) < 20 * MSEC);
	assert_true(line_saturate(&line, 5 * USEC_PER_SEC) > line.rate * 9 / 10);
}

static void a_line_that_turns_fast_is_noticed(void **state)
{
	struct line line;

	(void)state;
	line_init(&line, 20 * MSEC, 500000);
	(void)line_saturate(&line, 5 * USEC_PER_SEC);
	line.rate = 12500000;
	(void)line_saturate(&line, 2 * USEC_PER_SEC);
	assert_true(line_saturate(&line, 2 * USEC_PER_SEC) > line.rate * 8 / 10);
}

static void a_way_that_becomes_longer_is_noticed(void **state)
{
	struct line line;

	(void)state;
	line_init(&line, MSEC, 12500000);
	(void)line_saturate(&line, 5 * USEC_PER_SEC);
	line.delay = 300 * MSEC;
	(void)line_saturate(&line, 5 * USEC_PER_SEC);
	assert_true(line_saturate(&line, 10 * USEC_PER_SEC) > line.rate * 8 / 10);
	assert_in_range(line.flow.base, 300 * MSEC, 320 * MSEC);
}

/* A small rise is no queue that could be drained away; the base is looked for in time. */
static void a_way_that_becomes_a_little_longer_is_noticed(void **state)
{
	struct line line;

	(void)state;
	line_init(&line, 20 * MSEC, 1250000);
	(void)line_saturate(&line, 5 * USEC_PER_SEC);
	line.delay = 50 * MSEC;
	(void)line_saturate(&line, 12 * USEC_PER_SEC);
	assert_in_range(line.flow.base, 50 * MSEC, 55 * MSEC);
}

/* What a lost packet does to a stream: nothing arrives for a while, and then all of it. */
static void a_stall_costs_no_window(void **state)
{
	struct line line;
	uint64_t rate;

	(void)state;
	line_init(&line, 80 * MSEC, 250000);
	(void)line_saturate(&line, 5 * USEC_PER_SEC);
	rate = flow_bandwidth(&line.flow, line.now);
	for (int i = 0; i < 40; i++) {
		for (uint32_t n = line.oldest; n != line.next; n++)
			line.arrive[n % FLOW_PINGS_MAX] = MAX(line.arrive[n % FLOW_PINGS_MAX],
							      line.now + 110 * MSEC);
		(void)line_saturate(&line, 500 * MSEC);
		assert_in_range(flow_bandwidth(&line.flow, line.now), rate * 8 / 10,
				rate * 12 / 10);
		assert_true(line.flow.window > 250000 / 1000 * 80);
	}
}

/* The viewer reads its fences late now and then, several at once. */
static void a_busy_viewer_makes_no_fast_line(void **state)
{
	struct line line;

	(void)state;
	line_init(&line, 20 * MSEC, 250000);
	(void)line_saturate(&line, 5 * USEC_PER_SEC);
	for (int i = 0; i < 40; i++) {
		for (uint32_t n = line.oldest; n != line.next; n++)
			line.arrive[n % FLOW_PINGS_MAX] += 40 * MSEC;
		(void)line_saturate(&line, 300 * MSEC);
		assert_in_range(flow_bandwidth(&line.flow, line.now), 200000, 320000);
	}
}

static void small_updates_do_not_open_the_window(void **state)
{
	struct line line;

	(void)state;
	line_init(&line, 50 * MSEC, 12500000);
	for (int i = 0; i < 500; i++) {
		line_send(&line, 500);
		line_receive_all(&line);
	}
	assert_int_equal(line.flow.window, FLOW_WINDOW_START);
	assert_int_equal(flow_bandwidth(&line.flow, line.now), 0);
	assert_int_equal(flow_update_bytes(&line.flow), FLOW_UPDATE_START);
}

static void bandwidth_is_what_the_line_takes(void **state)
{
	static const uint64_t rates[] = {30000, 250000, 1250000, 12500000, 125000000};

	(void)state;
	for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
		struct line line;

		line_init(&line, 40 * MSEC, rates[i]);
		assert_int_equal(flow_bandwidth(&line.flow, line.now), 0);
		(void)line_saturate(&line, 5 * USEC_PER_SEC);
		assert_in_range(flow_bandwidth(&line.flow, line.now), rates[i] * 9 / 10,
				rates[i] * 11 / 10);
	}
}

/* One update now and then, far less than the line would take. */
static void an_idle_line_is_known_too(void **state)
{
	struct line line;

	(void)state;
	line_init(&line, 80 * MSEC, 250000);
	for (int i = 0; i < 10; i++) {
		line_send(&line, 6000);
		line_receive_all(&line);
		line.now += 500 * MSEC;
	}
	assert_in_range(flow_bandwidth(&line.flow, line.now), 225000, 300000);
	for (int i = 0; i < 100; i++) {
		line_send(&line, 500);
		line_receive_all(&line);
	}
	assert_true(flow_bandwidth(&line.flow, line.now) >= 225000);
}

static void bandwidth_rises_untried(void **state)
{
	struct line line;
	uint64_t rate;

	(void)state;
	line_init(&line, 40 * MSEC, 1250000);
	(void)line_saturate(&line, 5 * USEC_PER_SEC);
	line.now = line.flow.known;
	rate = flow_bandwidth(&line.flow, line.now);
	assert_int_equal(flow_bandwidth(&line.flow, line.now + USEC_PER_SEC), rate);
	assert_in_range(flow_bandwidth(&line.flow, line.now + 3 * USEC_PER_SEC), rate * 14 / 10,
			rate * 15 / 10);
	assert_int_equal(flow_bandwidth(&line.flow, line.now + 1000 * USEC_PER_SEC), 4 * rate);
	assert_int_equal(flow_bandwidth(&line.flow, 0), rate);
}

static void less_than_all_of_the_line(void **state)
{
	struct line line;
	uint64_t rate;

	(void)state;
	line_init(&line, 80 * MSEC, 250000);
	(void)line_saturate(&line, 5 * USEC_PER_SEC);
	line_receive_all(&line);
	line.now += USEC_PER_SEC / 2;
	rate = flow_bandwidth(&line.flow, line.now);
	flow_send(&line.flow, rate / 10, 40, line.now);
	assert_in_range(flow_clear_at(&line.flow) - line.now, 240 * MSEC, 260 * MSEC);
	/* None of it: it does not count. */
	flow_send(&line.flow, rate / 10, 0, line.now);
	assert_in_range(flow_clear_at(&line.flow) - line.now, 240 * MSEC, 260 * MSEC);
}

static void updates_are_as_long_as_they_may_occupy_the_line(void **state)
{
	struct line line;

	(void)state;
	line_init(&line, 80 * MSEC, 250000);
	(void)line_saturate(&line, 5 * USEC_PER_SEC);
	assert_in_range(flow_update_bytes(&line.flow), 22500, 27500);
	flow_set_queue(&line.flow, 40 * MSEC);
	assert_in_range(flow_update_bytes(&line.flow), 9000, 11000);
	flow_set_queue(&line.flow, MSEC);
	assert_int_equal(flow_update_bytes(&line.flow), FLOW_UPDATE_MIN);
}

/* The way may be another one, the line is the same. */
static void rest_looks_anew_for_the_shortest_trip(void **state)
{
	struct line line;

	(void)state;
	line_init(&line, 50 * MSEC, 1250000);
	(void)line_saturate(&line, 3 * USEC_PER_SEC);
	line_receive_all(&line);
	line.now += 9 * USEC_PER_SEC;
	line_send(&line, 100);
	line_receive_all(&line);
	assert_in_range(line.flow.base, 50 * MSEC, 51 * MSEC);
	line.delay = 150 * MSEC;
	line.now += 11 * USEC_PER_SEC;
	line_send(&line, 20000);
	line_receive_all(&line);
	assert_in_range(line.flow.base, 150 * MSEC, 151 * MSEC);
	assert_in_range(flow_bandwidth(&line.flow, line.now), 1125000, 1375000);
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
	flow_send(&flow, 100, 100, MSEC);
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
		flow_send(&flow, 100, 100, MSEC);
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
		flow_send(&flow, 1, 100, MSEC);
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
		cmocka_unit_test(without_pacing_the_window_is_the_bound),
		cmocka_unit_test(a_line_that_turns_slow_is_noticed),
		cmocka_unit_test(a_line_that_turns_fast_is_noticed),
		cmocka_unit_test(a_way_that_becomes_longer_is_noticed),
		cmocka_unit_test(a_way_that_becomes_a_little_longer_is_noticed),
		cmocka_unit_test(a_stall_costs_no_window),
		cmocka_unit_test(a_busy_viewer_makes_no_fast_line),
		cmocka_unit_test(small_updates_do_not_open_the_window),
		cmocka_unit_test(bandwidth_is_what_the_line_takes),
		cmocka_unit_test(an_idle_line_is_known_too),
		cmocka_unit_test(bandwidth_rises_untried),
		cmocka_unit_test(less_than_all_of_the_line),
		cmocka_unit_test(updates_are_as_long_as_they_may_occupy_the_line),
		cmocka_unit_test(rest_looks_anew_for_the_shortest_trip),
		cmocka_unit_test(foreign_fences_mean_nothing),
		cmocka_unit_test(a_fence_that_was_passed_over_is_gone),
		cmocka_unit_test(too_many_fences_hold_up),
		cmocka_unit_test(sentences_take_their_argument),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
