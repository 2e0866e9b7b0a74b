/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * How much may be on its way to a viewer: a window over the bytes of the stream, steered by how
 * long fences take to come back (rfbproto "Fence"), after TCP Vegas. The fence stands behind an
 * update and asks for BlockBefore, so the time that the viewer takes to decode counts.
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

struct flow_ping {
	uint32_t number;
	uint64_t position; /* of the stream, in bytes */
	uint64_t time; /* monotonic microseconds */
};

struct flow {
	uint64_t sent, acked; /* bytes of the stream, since ever */
	uint32_t window; /* bytes */
	uint32_t next_number;
	uint64_t base; /* shortest round trip seen, microseconds; UINT64_MAX: none yet */
	bool slow_start;
	/* The measurement that runs: pings sent behind round_position belong to the next. */
	uint64_t round_min;
	uint64_t round_position;
	bool round_full; /* the window was what held us back */
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

#endif
