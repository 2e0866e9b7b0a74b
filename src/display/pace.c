/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "display/pace.h"

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

static void begin_round(struct pace *pace)
{
	pace->round_min = UINT64_MAX;
	pace->round_position = pace->sent;
	pace->round_full = false;
}

void pace_init(struct pace *pace)
{
	*pace = (struct pace){
		.window = PACE_WINDOW_START,
		.base = UINT64_MAX,
		.slow_start = true,
	};
	begin_round(pace);
}

uint64_t pace_in_flight(const struct pace *pace)
{
	return pace->sent - pace->acked;
}

bool pace_congested(const struct pace *pace)
{
	if (pace->count == 0)
		return false;
	return pace->count == PACE_PINGS_MAX || pace_in_flight(pace) >= pace->window;
}

static void rest(struct pace *pace, uint64_t now)
{
	uint64_t limit = REST;

	if (pace->base != UINT64_MAX)
		limit = MAX(limit, 2 * pace->base);
	if (pace->count > 0 || now - pace->last_used <= limit)
		return;
	pace->window = PACE_WINDOW_START;
	pace->base = UINT64_MAX;
	pace->slow_start = true;
	begin_round(pace);
}

void pace_send(struct pace *pace, size_t bytes, uint64_t now)
{
	rest(pace, now);
	pace->sent += bytes;
	pace->last_used = now;
	if (pace_in_flight(pace) >= pace->window)
		pace->round_full = true;
}

uint32_t pace_ping(struct pace *pace, uint64_t now)
{
	struct pace_ping *ping = &pace->pings[(pace->first + pace->count) % PACE_PINGS_MAX];

	if (pace->count < PACE_PINGS_MAX)
		pace->count++;
	*ping = (struct pace_ping){
		.number = pace->next_number++,
		.position = pace->sent,
		.time = now,
	};
	return ping->number;
}

static void set_window(struct pace *pace, uint64_t window)
{
	pace->window = (uint32_t)CLAMP(window, PACE_WINDOW_MIN, PACE_WINDOW_MAX);
}

static void shrink_to_base(struct pace *pace)
{
	set_window(pace, pace->window * pace->base / pace->round_min);
	pace->slow_start = false;
}

static void end_round(struct pace *pace)
{
	uint64_t extra = pace->round_min - pace->base;

	if (extra > EXTRA_SPIKE && extra > pace->base / 2)
		shrink_to_base(pace);
	else if (pace->slow_start && extra > EXTRA_SOME)
		shrink_to_base(pace);
	else if (extra > EXTRA_MUCH)
		set_window(pace, pace->window - MIN(pace->window, STEP_DOWN));
	else if (pace->round_full && pace->slow_start)
		set_window(pace, UINT64_C(2) * pace->window);
	else if (pace->round_full && extra < EXTRA_LITTLE)
		set_window(pace, UINT64_C(0) + pace->window + STEP_UP_FAST);
	else if (pace->round_full && extra < EXTRA_SOME)
		set_window(pace, UINT64_C(0) + pace->window + STEP_UP);
	begin_round(pace);
}

void pace_pong(struct pace *pace, uint32_t number, uint64_t now)
{
	struct pace_ping *ping;
	uint64_t trip;

	/* Fences come back in order; one that was passed over will not come any more. */
	if (pace->count == 0 || number - pace->pings[pace->first].number >= pace->count)
		return;
	pace->count -= number - pace->pings[pace->first].number;
	pace->first = (pace->first + number - pace->pings[pace->first].number) % PACE_PINGS_MAX;
	ping = &pace->pings[pace->first];
	pace->first = (pace->first + 1) % PACE_PINGS_MAX;
	pace->count--;

	trip = MAX(now - MIN(now, ping->time), UINT64_C(1));
	pace->acked = ping->position;
	pace->last_used = now;
	pace->base = MIN(pace->base, trip);
	pace->round_min = MIN(pace->round_min, trip);
	if (ping->position > pace->round_position)
		end_round(pace);
}
