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

/* Where a colour is, or belongs: the slot is then not in use. */
static uint32_t find_slot(const struct palette *palette, uint32_t colour)
{
	uint32_t slot = (colour * UINT32_C(0x9e3779b1)) >> 22;

	_Static_assert(PALETTE_SLOTS == 1 << 10, "the shift above makes an index of the table");
	while (palette->slots[slot].round == palette->round &&
	       palette->slots[slot].colour != colour)
		slot = (slot + 1) % PALETTE_SLOTS;
	return slot;
}

/* The index of a colour, added if it is new; -1 if there is no place for it. */
static int find_or_add(struct palette *palette, uint32_t colour, int max)
{
	uint32_t slot = find_slot(palette, colour);

	if (palette->slots[slot].round == palette->round)
		return palette->slots[slot].index;
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

void palette_arrange(struct palette *palette, struct palette_order *order, uint8_t *indices,
		     size_t count)
{
	uint8_t places[PALETTE_MAX]; /* new index by old */
	bool placed[PALETTE_MAX] = {false}, taken[PALETTE_MAX] = {false};
	int n = palette->count, next = 0;

	for (int i = 0; i < order->count && i < n; i++) {
		uint32_t slot = find_slot(palette, order->colours[i]);
		int index = palette->slots[slot].index;

		if (palette->slots[slot].round != palette->round || placed[index])
			continue;
		places[index] = (uint8_t)i;
		placed[index] = taken[i] = true;
	}
	for (int i = 0; i < n; i++) {
		if (placed[i])
			continue;
		while (taken[next])
			next++;
		places[i] = (uint8_t)next++;
	}
	for (int i = 0; i < n; i++)
		order->colours[places[i]] = palette->colours[i];
	order->count = order->count > n ? order->count : n;
	memcpy(palette->colours, order->colours, (size_t)n * sizeof(*palette->colours));
	for (size_t i = 0; i < count; i++)
		indices[i] = places[indices[i]];
}
