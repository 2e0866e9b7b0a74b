/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "display/flow.h"

#include "base/clock.h"

/* Extra time over the shortest round trip, and what it says of the queue on the way. */
#define EXTRA_LITTLE (5 * USEC_PER_MSEC)
#define EXTRA_SOME (25 * USEC_PER_MSEC)
#define EXTRA_MUCH (50 * USEC_PER_MSEC)
#define EXTRA_SPIKE (100 * USEC_PER_MSEC)
#define STEP_UP_FAST (8u << 10)
#define STEP_UP (4u << 10)
#define STEP_DOWN (4u << 10)
/* After a rest as long as this, and as two round trips, the way may be another one. */
#define REST (100 * USEC_PER_MSEC)

static void begin_round(struct flow *flow)
{
	flow->round_min = UINT64_MAX;
	flow->round_position = flow->sent;
	flow->round_full = false;
}

void flow_init(struct flow *flow)
{
	*flow = (struct flow){
		.window = FLOW_WINDOW_START,
		.base = UINT64_MAX,
		.slow_start = true,
	};
	begin_round(flow);
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

static void rest(struct flow *flow, uint64_t now)
{
	uint64_t limit = REST;

	if (flow->base != UINT64_MAX)
		limit = MAX(limit, 2 * flow->base);
	if (flow->count > 0 || now - flow->last_used <= limit)
		return;
	flow->window = FLOW_WINDOW_START;
	flow->base = UINT64_MAX;
	flow->slow_start = true;
	begin_round(flow);
}

void flow_send(struct flow *flow, size_t bytes, uint64_t now)
{
	rest(flow, now);
	flow->sent += bytes;
	flow->last_used = now;
	if (flow_in_flight(flow) >= flow->window)
		flow->round_full = true;
}

uint32_t flow_ping(struct flow *flow, uint64_t now)
{
	struct flow_ping *ping = &flow->pings[(flow->first + flow->count) % FLOW_PINGS_MAX];

	if (flow->count < FLOW_PINGS_MAX)
		flow->count++;
	*ping = (struct flow_ping){
		.number = flow->next_number++,
		.position = flow->sent,
		.time = now,
	};
	return ping->number;
}

static void set_window(struct flow *flow, uint64_t window)
{
	flow->window = (uint32_t)CLAMP(window, FLOW_WINDOW_MIN, FLOW_WINDOW_MAX);
}

static void shrink_to_base(struct flow *flow)
{
	set_window(flow, flow->window * flow->base / flow->round_min);
	flow->slow_start = false;
}

static void end_round(struct flow *flow)
{
	uint64_t extra = flow->round_min - flow->base;

	if (extra > EXTRA_SPIKE && extra > flow->base / 2)
		shrink_to_base(flow);
	else if (flow->slow_start && extra > EXTRA_SOME)
		shrink_to_base(flow);
	else if (extra > EXTRA_MUCH)
		set_window(flow, flow->window - MIN(flow->window, STEP_DOWN));
	else if (flow->round_full && flow->slow_start)
		set_window(flow, UINT64_C(2) * flow->window);
	else if (flow->round_full && extra < EXTRA_LITTLE)
		set_window(flow, UINT64_C(0) + flow->window + STEP_UP_FAST);
	else if (flow->round_full && extra < EXTRA_SOME)
		set_window(flow, UINT64_C(0) + flow->window + STEP_UP);
	begin_round(flow);
}

void flow_pong(struct flow *flow, uint32_t number, uint64_t now)
{
	struct flow_ping *ping;
	uint64_t trip;

	/* Fences come back in order; one that was passed over will not come any more. */
	if (flow->count == 0 || number - flow->pings[flow->first].number >= flow->count)
		return;
	flow->count -= number - flow->pings[flow->first].number;
	flow->first = (flow->first + number - flow->pings[flow->first].number) % FLOW_PINGS_MAX;
	ping = &flow->pings[flow->first];
	flow->first = (flow->first + 1) % FLOW_PINGS_MAX;
	flow->count--;

	trip = MAX(now - MIN(now, ping->time), UINT64_C(1));
	flow->acked = ping->position;
	flow->last_used = now;
	flow->base = MIN(flow->base, trip);
	flow->round_min = MIN(flow->round_min, trip);
	if (ping->position > flow->round_position)
		end_round(flow);
}
