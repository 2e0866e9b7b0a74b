/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * How much may be on its way to a viewer: a window over the bytes of the stream, steered by how
 * long fences take to come back (rfbproto "Fence"), after TCP Vegas. The fence stands behind an
 * update and asks for BlockBefore, so the time that the viewer takes to decode counts.
 *
 * Pure arithmetic: no clock, no socket.
 */
#ifndef LAZARET_DISPLAY_PACE_H
#define LAZARET_DISPLAY_PACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"

#define PACE_WINDOW_START (16u << 10)
#define PACE_WINDOW_MIN (4u << 10)
#define PACE_WINDOW_MAX (4u << 20)
#define PACE_PINGS_MAX 64

struct pace_ping {
	uint32_t number;
	uint64_t position; /* of the stream, in bytes */
	uint64_t time; /* monotonic microseconds */
};

struct pace {
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
	struct pace_ping pings[PACE_PINGS_MAX]; /* ring, oldest at `first` */
	unsigned int first, count;
};

void pace_init(struct pace *pace);

/* Bytes of an update are about to be sent at `now` (monotonic microseconds). */
void pace_send(struct pace *pace, size_t bytes, uint64_t now);

/* A fence goes out behind them: its number is to come back. Not when pace_congested(). */
uint32_t pace_ping(struct pace *pace, uint64_t now);

/* A fence came back. Numbers that are not on their way are ignored. */
void pace_pong(struct pace *pace, uint32_t number, uint64_t now);

/* Bytes that the viewer has not confirmed. */
uint64_t pace_in_flight(const struct pace *pace);

/* Nothing more may be sent until a fence comes back. Never true when nothing is in flight. */
bool pace_congested(const struct pace *pace);

#endif
