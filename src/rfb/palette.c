/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "rfb/palette.h"

#include <string.h>

static void start_round(struct palette *palette)
{
	palette->count = 0;
	if (++palette->round == 0) {
		memset(palette->slots, 0, sizeof(palette->slots));
		palette->round = 1;
	}
}

/* The index of a colour, added if it is new; -1 if there is no place for it. */
static int find_or_add(struct palette *palette, uint32_t colour, int max)
{
	uint32_t slot = (colour * UINT32_C(0x9e3779b1)) >> 22;

	while (palette->slots[slot].round == palette->round) {
		if (palette->slots[slot].colour == colour)
			return palette->slots[slot].index;
		slot = (slot + 1) % PALETTE_SLOTS;
	}
	if (palette->count == max)
		return -1;
	palette->slots[slot].round = palette->round;
	palette->slots[slot].colour = colour;
	palette->slots[slot].index = (uint16_t)palette->count;
	palette->colours[palette->count] = colour;
	return palette->count++;
}

bool palette_build(struct palette *palette, const uint32_t *values, size_t count, int max,
		   uint8_t *indices)
{
	uint32_t last = 0;
	int index = -1;

	start_round(palette);
	for (size_t i = 0; i < count; i++) {
		if (values[i] != last || index < 0) {
			last = values[i];
			index = find_or_add(palette, last, max);
			if (index < 0)
				return false;
		}
		indices[i] = (uint8_t)index;
	}
	return true;
}
