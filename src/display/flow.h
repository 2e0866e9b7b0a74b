/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * How much may be on its way to a viewer, and how fast: from what fences tell (rfbproto "Fence"). A
 * fence stands behind each update and asks for BlockBefore, so the time that the viewer takes to
 * decode counts. A viewer without fences is answered by its requests; each stands for a fence.
 *
 * How fast the line is shows in how long an update takes to arrive behind a fence that was sent with
 * it, in front: so an update now and then is enough to know. A line that is full shows it in what is
 * confirmed from one fence to the next.
 *
 * Bytes are handed out as fast as the line takes them and no faster (flow_clear_at()), so that there
 * is never a long queue for what is urgent to wait behind. The window is the bound for when the line
 * is not what we think.
 *
 * Pure arithmetic: no clock, no socket. Times are monotonic microseconds.
 */
#ifndef LAZARET_DISPLAY_FLOW_H
#define LAZARET_DISPLAY_FLOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"

#define FLOW_WINDOW_START (16u << 10)
#define FLOW_WINDOW_MIN (8u << 10)
#define FLOW_WINDOW_MAX (4u << 20)
#define FLOW_PINGS_MAX 64
/* Bytes of an update while nothing is known of the line, and the fewest. */
#define FLOW_UPDATE_START (128u << 10)
#define FLOW_UPDATE_MIN (4u << 10)
/* Measurements that flow_bandwidth() goes by. */
#define FLOW_RATES 8

struct flow_rate {
	uint64_t rate; /* bytes a second; 0: none */
	uint64_t time;
};

struct flow_ping {
	uint32_t number;
	uint64_t position; /* of the stream, in bytes */
	uint64_t time;
	/* What was confirmed by then, since when, and when the last of it had been sent */
	uint64_t acked, acked_time, acked_sent;
	bool full; /* as much was on its way as the window lets */
};

struct flow {
	uint64_t sent, acked; /* bytes of the stream, since ever */
	uint64_t acked_time, acked_sent; /* as in struct flow_ping */
	uint32_t window; /* bytes */
	uint32_t next_number;
	uint64_t queue; /* for how long what is sent at once may occupy the line */
	uint64_t clear_at; /* the line has taken all that it was given */
	uint64_t base; /* shortest round trip; UINT64_MAX: none yet */
	uint64_t base_time; /* when it was seen last */
	bool draining; /* the window is small for a moment, to see the shortest round trip again */
	/* The fence that came back last */
	uint32_t last_number;
	uint64_t last_position, last_time, last_sent;
	bool last_prompt; /* after the shortest round trip, or nearly */
	/* The measurement that runs: pings sent behind round_position belong to the next. */
	uint64_t round_min;
	uint64_t round_position;
	uint64_t
		round_rate; /* the highest, bytes a second; 0: none that says how fast the line is */
	unsigned int slow_rounds; /* in a row, in which every trip was far too long */
	struct flow_rate rates[FLOW_RATES]; /* the highest of late */
	uint64_t known; /* when the last measurement was made */
	uint64_t led; /* when flow_wants_lead() was true last */
	uint64_t last_used; /* when something was sent or acknowledged last */
	struct flow_ping pings[FLOW_PINGS_MAX]; /* ring, oldest at `first` */
	unsigned int first, count;
};

void flow_init(struct flow *flow);

/*
 * For how long what is sent at once may occupy the line: what is urgent may have to wait as long. It
 * bounds flow_update_bytes() and the window.
 */
void flow_set_queue(struct flow *flow, uint64_t usec);

/* Whether a fence should stand in front of an update of so many bytes: sent by flow_ping() before
 * flow_send(). */
bool flow_wants_lead(struct flow *flow, size_t bytes, uint64_t now);

/* Bytes of an update are about to be sent at `now`, of which the line may give `percent` to such. */
void flow_send(struct flow *flow, size_t bytes, unsigned int percent, uint64_t now);

/* A fence goes out behind them: its number is to come back. Not when flow_congested(). */
uint32_t flow_ping(struct flow *flow, uint64_t now);

/* A fence came back. Numbers that are not on their way are ignored. */
void flow_pong(struct flow *flow, uint32_t number, uint64_t now);

/* Bytes that the viewer has not confirmed. */
uint64_t flow_in_flight(const struct flow *flow);

/* Nothing more may be sent until a fence comes back. Never true when nothing is in flight. */
bool flow_congested(const struct flow *flow);

/* When the line will have taken what it was given, as far as we know; what is not urgent waits. */
uint64_t flow_clear_at(const struct flow *flow);

/*
 * What the line takes, bytes a second; 0: not known. Not less because little is sent. The figure
 * rises slowly while nothing is sent that could be measured.
 */
uint64_t flow_bandwidth(const struct flow *flow, uint64_t now);

/* How long an update should be that is built now, bytes. */
size_t flow_update_bytes(const struct flow *flow);

#endif
