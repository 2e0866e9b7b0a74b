/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "display/flow.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

#define QUEUE_START (100 * USEC_PER_MSEC)
/* In the window beside the queue: what a viewer may take to answer. */
#define SLACK (10 * USEC_PER_MSEC)
/* If all trips of so many rounds take that much longer, the line is not what it was. */
#define EXTRA_SPIKE (150 * USEC_PER_MSEC)
#define SLOW_ROUNDS 2
/* A trip is prompt that takes so much longer than the shortest at most, or an eighth. */
#define PROMPT (2 * USEC_PER_MSEC)
/* The shortest round trip is looked for again when it was not seen for so long. */
#define BASE_AGE (10 * USEC_PER_SEC)
/* After a rest as long as this the shortest round trip may be another one. */
#define REST (10 * USEC_PER_SEC)
/* Updates of fewer bytes show little of the line; more often than this it is not asked. */
#define LEAD_BYTES 4096
#define LEAD_INTERVAL (100 * USEC_PER_MSEC)
/* A fence in front and the update behind it leave together. */
#define TOGETHER USEC_PER_MSEC
/* How long a measurement counts. */
#define RATE_AGE (5 * USEC_PER_SEC)
/* Nothing that is measured once makes the line so many times faster. */
#define GROWTH_MAX 4
/* flow_bandwidth() rises by a quarter a second when it was not measured for so long. */
#define KNOWN_AGE USEC_PER_SEC
#define RISE_MAX 4

static void begin_round(struct flow *flow)
{
	flow->round_min = UINT64_MAX;
	flow->round_position = flow->sent;
	flow->round_rate = 0;
}

void flow_init(struct flow *flow)
{
	*flow = (struct flow){
		.queue = QUEUE_START,
		.window = FLOW_WINDOW_START,
		.base = UINT64_MAX,
	};
	begin_round(flow);
}

static void rest(struct flow *flow, uint64_t now)
{
	if (flow->count > 0 || now - flow->last_used <= REST)
		return;
	flow->base = UINT64_MAX;
	flow->draining = false;
	begin_round(flow);
}

/* --- what is on its way ------------------------------------------------------------------------ */

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

bool flow_wants_lead(struct flow *flow, size_t bytes, uint64_t now)
{
	rest(flow, now);
	/* The one behind the update needs a place too. */
	if (bytes < LEAD_BYTES || flow->count + 2 > FLOW_PINGS_MAX)
		return false;
	if (flow->count > 0 && now - flow->led < LEAD_INTERVAL)
		return false;
	flow->led = now;
	return true;
}

uint32_t flow_ping(struct flow *flow, uint64_t now)
{
	struct flow_ping *ping = &flow->pings[(flow->first + flow->count) % FLOW_PINGS_MAX];

	/* Nothing was on its way: the time before does not count. */
	if (flow->count == 0) {
		flow->acked_time = now;
		flow->acked_sent = now;
	}
	if (flow->count < FLOW_PINGS_MAX)
		flow->count++;
	*ping = (struct flow_ping){
		.number = flow->next_number++,
		.position = flow->sent,
		.time = now,
		.acked = flow->acked,
		.acked_time = flow->acked_time,
		.acked_sent = flow->acked_sent,
		.full = flow_congested(flow),
	};
	return ping->number;
}

/* --- the line ---------------------------------------------------------------------------------- */

static int falling(const void *left, const void *right)
{
	const struct flow_rate *a = left, *b = right;

	return a->rate < b->rate ? 1 : a->rate > b->rate ? -1 : 0;
}

/* Of the highest the middle one: a viewer that was busy makes a measurement too high now and then. */
static uint64_t line_rate(const struct flow *flow)
{
	struct flow_rate rates[FLOW_RATES];
	int count = 0;

	memcpy(rates, flow->rates, sizeof(rates));
	qsort(rates, FLOW_RATES, sizeof(rates[0]), falling);
	while (count < FLOW_RATES && rates[count].rate > 0)
		count++;
	return rates[count / 2].rate ? rates[count / 2].rate : rates[0].rate;
}

/* What is high stays for a while: measurements are too low when a packet was lost, and when TCP, which
 * goes by what it was given lately, holds back. */
static void note_rate(struct flow *flow, uint64_t rate, uint64_t now)
{
	uint64_t before = line_rate(flow);
	struct flow_rate *place = &flow->rates[0];

	flow->known = now;
	if (before > 0)
		rate = MIN(rate, GROWTH_MAX * before);
	for (int i = 0; i < FLOW_RATES; i++) {
		struct flow_rate *other = &flow->rates[i];

		if (now - other->time > RATE_AGE)
			other->rate = 0;
		if (other->rate < place->rate)
			place = other;
	}
	if (rate >= place->rate)
		*place = (struct flow_rate){MAX(rate, UINT64_C(1)), now};
}

/* A fence was prompt, and the update behind it took so much longer. */
static void note_lead(struct flow *flow, const struct flow_ping *ping, uint64_t now)
{
	uint64_t bytes = ping->position - flow->last_position, took = now - flow->last_time;

	if (!flow->last_prompt || ping->number != flow->last_number + 1 || bytes < LEAD_BYTES ||
	    ping->time - flow->last_sent > TOGETHER)
		return;
	note_rate(flow, bytes * USEC_PER_SEC / MAX(took, UINT64_C(1)), now);
}

/* A trip that shows a long queue on the way: so the line is full. */
static bool is_far_too_long(const struct flow *flow, uint64_t trip)
{
	return flow->base != UINT64_MAX &&
	       trip > flow->base + flow->queue + MAX(EXTRA_SPIKE, flow->base / 2);
}

static void note_confirmed(struct flow *flow, const struct flow_ping *ping, uint64_t now)
{
	/* Fences that arrive, or are read, together would make the line look faster than we sent. */
	uint64_t took = MAX(now - MIN(now, ping->acked_time), ping->time - ping->acked_sent);
	uint64_t rate = (ping->position - ping->acked) * USEC_PER_SEC / MAX(took, UINT64_C(1));

	/* Who sends little cannot tell that the line is slow, but that it is not as slow as that. */
	if (ping->full || is_far_too_long(flow, now - MIN(now, ping->time)))
		flow->round_rate = MAX(flow->round_rate, rate);
	else if (line_rate(flow) > 0 && rate > line_rate(flow))
		note_rate(flow, rate, now);
}

static void note_trip(struct flow *flow, const struct flow_ping *ping, uint64_t now)
{
	uint64_t trip = MAX(now - MIN(now, ping->time), UINT64_C(1));

	flow->last_prompt = flow->base == UINT64_MAX ||
			    trip <= flow->base + MAX(flow->base / 8, PROMPT);
	/* Near enough counts as seen again. */
	if (flow->last_prompt)
		flow->base_time = now;
	flow->base = MIN(flow->base, trip);
	flow->round_min = MIN(flow->round_min, trip);
	flow->last_number = ping->number;
	flow->last_position = ping->position;
	flow->last_time = now;
	flow->last_sent = ping->time;
}

uint64_t flow_bandwidth(const struct flow *flow, uint64_t now)
{
	uint64_t rate = line_rate(flow), age = now - MIN(now, flow->known);

	if (age <= KNOWN_AGE)
		return rate;
	return MIN(rate + rate / 4 * ((age - KNOWN_AGE) / 1000) / 1000, RISE_MAX * rate);
}

/* --- the window -------------------------------------------------------------------------------- */

static void set_window(struct flow *flow, uint64_t window)
{
	flow->window = (uint32_t)CLAMP(window, FLOW_WINDOW_MIN, FLOW_WINDOW_MAX);
}

static void fit_window(struct flow *flow)
{
	uint64_t rate = line_rate(flow);

	if (rate > 0 && flow->base != UINT64_MAX && !flow->draining)
		set_window(flow, rate * (flow->base + flow->queue + SLACK) / USEC_PER_SEC);
}

void flow_set_queue(struct flow *flow, uint64_t usec)
{
	if (flow->queue == usec)
		return;
	flow->queue = usec;
	fit_window(flow);
}

/* Every trip far too long, again and again. */
static bool became_slow(struct flow *flow)
{
	if (!is_far_too_long(flow, flow->round_min)) {
		flow->slow_rounds = 0;
		return false;
	}
	return ++flow->slow_rounds >= SLOW_ROUNDS;
}

/* Only what was measured just now counts. */
static void start_over(struct flow *flow)
{
	for (int i = 0; i < FLOW_RATES; i++)
		flow->rates[i].rate = 0;
	flow->slow_rounds = 0;
}

/* The queue is let run empty, and a round with little in it shows the shortest round trip. */
static void drain(struct flow *flow)
{
	flow->draining = true;
	set_window(flow, line_rate(flow) * flow->base / 2 / USEC_PER_SEC);
}

static void end_drain(struct flow *flow, uint64_t now)
{
	flow->draining = false;
	flow->base = flow->round_min;
	flow->base_time = now;
}

static void end_round(struct flow *flow, uint64_t now)
{
	bool slow = became_slow(flow) && flow->round_rate > 0;

	if (slow)
		start_over(flow);
	if (flow->round_rate > 0)
		note_rate(flow, flow->round_rate, now);
	if (flow->draining)
		end_drain(flow, now);
	else if (slow || now - flow->base_time > BASE_AGE)
		drain(flow);
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
	note_lead(flow, ping, now);
	note_confirmed(flow, ping, now);
	note_trip(flow, ping, now);
	if (ping->position > flow->round_position)
		end_round(flow, now);
	fit_window(flow);
}

/* --- when, and how much ------------------------------------------------------------------------ */

void flow_send(struct flow *flow, size_t bytes, unsigned int percent, uint64_t now)
{
	uint64_t rate;

	rest(flow, now);
	rate = line_rate(flow) * percent / 100;
	flow->sent += bytes;
	flow->last_used = now;
	flow->clear_at = MAX(flow->clear_at, now);
	if (rate > 0)
		flow->clear_at += bytes * USEC_PER_SEC / rate;
}

uint64_t flow_clear_at(const struct flow *flow)
{
	return flow->clear_at;
}

size_t flow_update_bytes(const struct flow *flow)
{
	uint64_t rate = line_rate(flow);

	if (rate == 0)
		return FLOW_UPDATE_START;
	return CLAMP(rate * flow->queue / USEC_PER_SEC, FLOW_UPDATE_MIN, FLOW_WINDOW_MAX);
}
