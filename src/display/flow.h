/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * How much may be on its way to a viewer: a window over the bytes of the stream, from what fences
 * tell (rfbproto "Fence"). A fence stands behind each update and asks for BlockBefore, so the time
 * that the viewer takes to decode counts.
 *
 * The window is what the line takes in the shortest round trip and a moment more: the moment is the
 * longest queue that we make on the way, and by it a line that became faster is noticed. What the
 * line takes is the most that was confirmed in a round trip of late, so that a packet that was lost,
 * which delays everything behind it, is no reason to send less.
 *
 * Pure arithmetic: no clock, no socket.
 */
#ifndef LAZARET_DISPLAY_FLOW_H
#define LAZARET_DISPLAY_FLOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"

#define FLOW_WINDOW_START (16u << 10)
#define FLOW_WINDOW_MIN (4u << 10)
#define FLOW_WINDOW_MAX (4u << 20)
#define FLOW_PINGS_MAX 64
/* Bytes of an update while nothing is known of the line. */
#define FLOW_UPDATE_START (128u << 10)
/* Rounds in which a rate was measured that count for flow_bandwidth(). */
#define FLOW_ROUNDS 8

struct flow_ping {
	uint32_t number;
	uint64_t position; /* of the stream, in bytes */
	uint64_t time; /* monotonic microseconds */
	/* What was confirmed by then, since when, and when the last of it had been sent */
	uint64_t acked, acked_time, acked_sent;
	bool full; /* as much was on its way as the window lets */
};

struct flow {
	uint64_t sent, acked; /* bytes of the stream, since ever */
	uint64_t acked_time, acked_sent; /* as in struct flow_ping */
	uint32_t window; /* bytes */
	uint32_t next_number;
	uint64_t base; /* shortest round trip, microseconds; UINT64_MAX: none yet */
	uint64_t base_time; /* when it was seen last */
	bool slow_start;
	bool draining; /* the window is small for a moment, to see the shortest round trip again */
	/* The measurement that runs: pings sent behind round_position belong to the next. */
	uint64_t round_min;
	uint64_t round_position;
	uint64_t
		round_rate; /* the highest, bytes a second; 0: none that says how fast the line is */
	unsigned int slow_rounds; /* in a row, in which every trip was far too long */
	uint64_t rates[FLOW_ROUNDS]; /* ring of former rounds' rates; 0: none */
	unsigned int next_rate;
	uint64_t known; /* when the last of them was measured */
	uint64_t last_used; /* when something was sent or acknowledged last */
	struct flow_ping pings[FLOW_PINGS_MAX]; /* ring, oldest at `first` */
	unsigned int first, count;
};

void flow_init(struct flow *flow);

/* Bytes of an update are about to be sent at `now` (monotonic microseconds). */
void flow_send(struct flow *flow, size_t bytes, uint64_t now);

/* A fence goes out behind them: its number is to come back. Not when flow_congested(). */
uint32_t flow_ping(struct flow *flow, uint64_t now);

/* A fence came back. Numbers that are not on their way are ignored. */
void flow_pong(struct flow *flow, uint32_t number, uint64_t now);

/* Bytes that the viewer has not confirmed. */
uint64_t flow_in_flight(const struct flow *flow);

/* Nothing more may be sent until a fence comes back. Never true when nothing is in flight. */
bool flow_congested(const struct flow *flow);

/*
 * What the line takes, bytes a second; 0: it was never full, so nothing limits that we know of. Only
 * times count in which the window held us back: who sends little learns nothing of the line. For the
 * same reason the figure rises slowly while nobody tries it, so that who keeps below it comes to try
 * more.
 */
uint64_t flow_bandwidth(const struct flow *flow, uint64_t now);

/* How long an update should be that is built now, bytes: what fits into the window, but not so
 * little that its overhead counts. */
size_t flow_update_bytes(const struct flow *flow);

#endif
