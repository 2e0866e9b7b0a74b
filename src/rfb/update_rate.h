/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Private to update: how well pictures that move are coded as JPEG, so that they keep their rate on
 * the line that there is. The viewer's level is the ceiling. Below FLOOR it is no use any more: then
 * there are fewer pictures, as fast as the line takes them.
 */
#ifndef LAZARET_RFB_UPDATE_RATE_H
#define LAZARET_RFB_UPDATE_RATE_H

#include <stddef.h>
#include <stdint.h>

#define UPDATE_RATE_FLOOR 2

struct update_rate {
	int level; /* last used; -1 after update_rate_reset() */
	uint64_t changed; /* when it was last raised or lowered */
	uint64_t density; /* what a pixel would cost at level 9: bytes << 16; 0: not known */
};

void update_rate_reset(struct update_rate *rate);

/* The level for an update of so many moving pixels: 0 to `ceiling`, which is at most 9. A line of 0
 * bits a second is one that nothing is known of. */
int update_rate_level(struct update_rate *rate, int ceiling, uint64_t bits_per_second,
		      uint64_t pixels, uint64_t time);

/* What came of it. */
void update_rate_note(struct update_rate *rate, uint64_t pixels, size_t bytes);

#endif
