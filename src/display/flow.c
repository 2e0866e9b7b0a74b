/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "display/flow.h"

#include "base/clock.h"

/* The queue that we make on the way: a fifth of the shortest round trip, within bounds. */
#define QUEUE_MIN (10 * USEC_PER_MSEC)
#define QUEUE_MAX (25 * USEC_PER_MSEC)
/* Extra time over the shortest round trip that ends the doubling of the window. */
#define EXTRA_SOME (25 * USEC_PER_MSEC)
/* If all trips of so many rounds take that much longer, the line is slower than it was. */
#define EXTRA_SPIKE (100 * USEC_PER_MSEC)
#define SLOW_ROUNDS 2
/* The shortest round trip is looked for again when it was not seen for so long. */
#define BASE_AGE (10 * USEC_PER_SEC)
/* After a rest as long as this the way may be another one. */
#define REST (10 * USEC_PER_SEC)
/* flow_bandwidth() rises by a quarter a second when it was not measured for so long. */
#define KNOWN_AGE USEC_PER_SEC
#define RISE_MAX 4
/* The least that an update may have: some packets, or so many parts of a second. */
#define UPDATE_MIN (4u << 10)
#define UPDATE_PARTS 50

static void begin_round(struct flow *flow)
{
	flow->round_min = UINT64_MAX;
	flow->round_position = flow->sent;
	flow->round_rate = 0;
}

static void forget_line(struct flow *flow)
{
	flow->window = FLOW_WINDOW_START;
	flow->base = UINT64_MAX;
	flow->slow_start = true;
	flow->draining = false;
	flow->slow_rounds = 0;
	for (int i = 0; i < FLOW_ROUNDS; i++)
		flow->rates[i] = 0;
	begin_round(flow);
}

void flow_init(struct flow *flow)
{
	*flow = (struct flow){0};
	forget_line(flow);
}

uint64_t flow_in_flight(const struct flow *flow)
{
	return flow->sent - flow->acked;
}

bool flow_congested(const struct flow *flow)
{
	if (flow->count == 0)
		return false;
	return flow->count == FLOW_PINGS_MAX || flow_in_flight(flow) >= flow->window;
}

void flow_send(struct flow *flow, size_t bytes, uint64_t now)
{
	if (flow->count == 0 && now - flow->last_used > REST)
		forget_line(flow);
	flow->sent += bytes;
	flow->last_used = now;
}

uint32_t flow_ping(struct flow *flow, uint64_t now)
{
	struct flow_ping *ping = &flow->pings[(flow->first + flow->count) % FLOW_PINGS_MAX];
	/* Nothing was on its way: the time before does not count. */
	bool idle = flow->count == 0;

	if (flow->count < FLOW_PINGS_MAX)
		flow->count++;
	*ping = (struct flow_ping){
		.number = flow->next_number++,
		.position = flow->sent,
		.time = now,
		.acked = flow->acked,
		.acked_time = idle ? now : flow->acked_time,
		.acked_sent = idle ? now : flow->acked_sent,
		.full = flow_congested(flow),
	};
	if (idle) {
		flow->acked_time = now;
		flow->acked_sent = now;
	}
	return ping->number;
}

/* --- the line ---------------------------------------------------------------------------------- */

static uint64_t highest_rate(const struct flow *flow)
{
	uint64_t rate = 0;

	for (int i = 0; i < FLOW_ROUNDS; i++)
		rate = MAX(rate, flow->rates[i]);
	return rate;
}

static void note_rate(struct flow *flow, uint64_t rate, uint64_t now)
{
	flow->rates[flow->next_rate] = rate;
	flow->next_rate = (flow->next_rate + 1) % FLOW_ROUNDS;
	flow->known = now;
}

static void note_trip(struct flow *flow, const struct flow_ping *ping, uint64_t now)
{
	uint64_t trip = MAX(now - MIN(now, ping->time), UINT64_C(1));
	/* Fences that arrive, or are read, together would make the line look faster than we sent. */
	uint64_t took = MAX(now - MIN(now, ping->acked_time), ping->time - ping->acked_sent);
	uint64_t rate = (ping->position - ping->acked) * USEC_PER_SEC / MAX(took, UINT64_C(1));

	/* Near enough counts as seen again. */
	if (flow->base == UINT64_MAX || trip <= flow->base + flow->base / 16)
		flow->base_time = now;
	flow->base = MIN(flow->base, trip);
	flow->round_min = MIN(flow->round_min, trip);
	/* Who sends little cannot tell that the line is slow, but that it is not as slow as that. */
	if (ping->full)
		flow->round_rate = MAX(flow->round_rate, rate);
	else if (highest_rate(flow) > 0 && rate > highest_rate(flow))
		note_rate(flow, rate, now);
}

uint64_t flow_bandwidth(const struct flow *flow, uint64_t now)
{
	uint64_t rate = highest_rate(flow), age = now - MIN(now, flow->known);

	if (age <= KNOWN_AGE)
		return rate;
	return MIN(rate + rate / 4 * ((age - KNOWN_AGE) / 1000) / 1000, RISE_MAX * rate);
}

/* --- the window -------------------------------------------------------------------------------- */

static void set_window(struct flow *flow, uint64_t window)
{
	flow->window = (uint32_t)CLAMP(window, FLOW_WINDOW_MIN, FLOW_WINDOW_MAX);
}

static uint64_t queue_time(const struct flow *flow)
{
	return CLAMP(flow->base / 5, QUEUE_MIN, QUEUE_MAX);
}

static void fit_window(struct flow *flow)
{
	set_window(flow, highest_rate(flow) * (flow->base + queue_time(flow)) / USEC_PER_SEC);
}

/* Every trip far too long, again and again: what was measured before is no longer true. */
static bool became_slow(struct flow *flow, uint64_t extra)
{
	if (extra <= MAX(EXTRA_SPIKE, flow->base / 2)) {
		flow->slow_rounds = 0;
		return false;
	}
	return ++flow->slow_rounds >= SLOW_ROUNDS;
}

/* The queue is let run empty for a round, which shows the shortest round trip. */
static void drain(struct flow *flow)
{
	flow->draining = true;
	set_window(flow, flow->window / 2);
}

static void end_drain(struct flow *flow, uint64_t now)
{
	flow->draining = false;
	flow->base = flow->round_min;
	flow->base_time = now;
	fit_window(flow);
}

static void end_full_round(struct flow *flow, uint64_t now)
{
	uint64_t extra = flow->round_min - flow->base;

	if (became_slow(flow, extra)) {
		for (int i = 0; i < FLOW_ROUNDS; i++)
			flow->rates[i] = 0;
	}
	note_rate(flow, flow->round_rate, now);
	if (flow->slow_start && extra <= EXTRA_SOME) {
		set_window(flow, UINT64_C(2) * flow->window);
		return;
	}
	flow->slow_start = false;
	fit_window(flow);
	if (now - flow->base_time > BASE_AGE)
		drain(flow);
}

static void end_round(struct flow *flow, uint64_t now)
{
	if (flow->draining)
		end_drain(flow, now);
	else if (flow->round_rate > 0)
		end_full_round(flow, now);
	begin_round(flow);
}

void flow_pong(struct flow *flow, uint32_t number, uint64_t now)
{
	struct flow_ping *ping;

	/* Fences come back in order; one that was passed over will not come any more. */
	if (flow->count == 0 || number - flow->pings[flow->first].number >= flow->count)
		return;
	flow->count -= number - flow->pings[flow->first].number;
	flow->first = (flow->first + number - flow->pings[flow->first].number) % FLOW_PINGS_MAX;
	ping = &flow->pings[flow->first];
	flow->first = (flow->first + 1) % FLOW_PINGS_MAX;
	flow->count--;

	flow->acked = ping->position;
	flow->acked_time = now;
	flow->acked_sent = ping->time;
	flow->last_used = now;
	note_trip(flow, ping, now);
	if (ping->position > flow->round_position)
		end_round(flow, now);
}

size_t flow_update_bytes(const struct flow *flow)
{
	uint64_t rate = highest_rate(flow), in_flight = flow_in_flight(flow);
	uint64_t room = flow->window - MIN(in_flight, flow->window);

	if (rate == 0)
		return FLOW_UPDATE_START;
	return MAX(room, MAX(rate / UPDATE_PARTS, UPDATE_MIN));
}
