/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "rfb/update_rate.h"

#include "base/clock.h"
#include "base/mem.h"

#define LEVELS 10
#define SHARE 80 /* percent of the line; the rest is for all else */
#define RATE 30 /* pictures a second that a film has */
#define SHIFT 16
#define RAISE_USEC (500 * USEC_PER_MSEC)

/* Bytes of the same picture by Tight's levels, in thousandths of those of level 9: the middle of what
 * films of the web and grainy ones take. */
static const unsigned int sizes[LEVELS] = {95, 125, 150, 170, 190, 215, 290, 360, 590, 1000};

void update_rate_reset(struct update_rate *rate)
{
	*rate = (struct update_rate){.level = -1};
}

static int best_level(const struct update_rate *rate, int ceiling, uint64_t bits_per_second,
		      uint64_t pixels)
{
	uint64_t budget = bits_per_second / 8 * SHARE / 100 / RATE;
	uint64_t most = pixels * rate->density >> SHIFT;
	int level = ceiling, floor = MIN(UPDATE_RATE_FLOOR, ceiling);

	while (level > floor && most * sizes[level] / 1000 > budget)
		level--;
	return level;
}

/* Down at once, up step by step: a picture whose quality wavers is worse than a poor one. */
int update_rate_level(struct update_rate *rate, int ceiling, uint64_t bits_per_second,
		      uint64_t pixels, uint64_t time)
{
	int level = CLAMP(ceiling, 0, LEVELS - 1);

	if (bits_per_second > 0 && rate->density > 0)
		level = best_level(rate, level, bits_per_second, pixels);
	if (rate->level >= 0 && level > rate->level)
		level = time - rate->changed >= RAISE_USEC ? rate->level + 1 : rate->level;
	level = MIN(level, CLAMP(ceiling, 0, LEVELS - 1));
	if (level != rate->level)
		rate->changed = time;
	rate->level = level;
	return level;
}

void update_rate_note(struct update_rate *rate, uint64_t pixels, size_t bytes)
{
	uint64_t density;

	if (rate->level < 0 || pixels == 0)
		return;
	density = ((uint64_t)bytes << SHIFT) * 1000 / sizes[rate->level] / pixels;
	rate->density = rate->density ? (3 * rate->density + density) / 4 : density;
}
