/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Which key, with which modifiers, gives a keysym; and a keymap text whose spare keys give what no
 * key does. Pure logic over one xkb layout; no Wayland.
 *
 * Key codes here are evdev's (linux/input-event-codes.h), xkb's less 8. Modifier masks are those
 * of the xkb keymap, as wl_keyboard.modifiers carries them.
 */
#ifndef LAZARET_DISPLAY_WAYLAND_KEYMAP_H
#define LAZARET_DISPLAY_WAYLAND_KEYMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <xkbcommon/xkbcommon.h>

#include "base/attr.h"

/* F13 to F24: Chromium loses characters on keys above them. */
#define KEYMAP_SPARE_FIRST 183
#define KEYMAP_SPARES 12

/* Masks of the modifiers that matter here; 0 where the layout has none. */
struct keymap_mods {
	uint32_t shift, lock, control, alt, super, num, level3, level5;
};

struct keymap {
	struct xkb_context *context;
	struct xkb_keymap *xkb;
	struct xkb_state *scratch;
	struct keymap_mods mods;
	struct keymap_entry *entries; /* by keysym, then the better choice first */
	size_t count;
	char *text; /* as clients get it */
	size_t spare_offset; /* where in the text the spare keys are put */
	char *base; /* the text without them */
	xkb_keysym_t spares[KEYMAP_SPARES]; /* 0: free */
	uint32_t spare_used[KEYMAP_SPARES]; /* for finding the one used longest ago */
	uint32_t use_count;
	uint32_t generation; /* changes with the text */
};

struct keymap_choice {
	uint32_t code; /* evdev */
	bool fix; /* the held modifiers do not give this level: take `mods` */
	uint32_t mods; /* effective modifiers to be in force around the key */
};

/* layout: "us", "de(nodeadkeys)". Reads xkb-data. -EINVAL if xkb knows no such layout, -ENOMEM. */
NODISCARD int keymap_create(const char *layout, struct keymap **ret_keymap);
void keymap_destroy(struct keymap *keymap);

/* A Unicode keysym (0x01000000 and up) as the older keysym of that character, if it has one. */
xkb_keysym_t keymap_canonical(xkb_keysym_t keysym);

/* What a key gives under these effective modifiers; 0 (NoSymbol) if nothing. */
xkb_keysym_t keymap_symbol(struct keymap *keymap, uint32_t code, uint32_t mods);

/*
 * The layout's key for a keysym. `prefer` (evdev, 0: none) wins if it has it at any level; then a
 * key that gives it under `mods` as they are. Levels are only corrected for what types something
 * (characters, dead keys, the keypad); Tab stays Tab's key whatever is held.
 */
bool keymap_find(struct keymap *keymap, xkb_keysym_t keysym, uint32_t prefer, uint32_t mods,
		 struct keymap_choice *ret_choice);

/*
 * Gives a spare key to a keysym; *ret_changed: the text is new. `busy` has a bit for each spare
 * that is held down. False if all are, or out of memory.
 */
bool keymap_assign(struct keymap *keymap, xkb_keysym_t keysym, uint32_t busy, uint32_t *ret_code,
		   bool *ret_changed);

/* Evdev code of an XT scan code as the QEMU extended key event has it; 0: none known. */
uint32_t keymap_from_scancode(uint32_t scancode);

/* The Latin letter or sign at the place of a Cyrillic, Greek, Hebrew or Arabic one; 0: none. */
xkb_keysym_t keymap_latin(xkb_keysym_t keysym);

/* Shift, Control, locks and their like, which cannot be put on a spare key. */
bool keymap_is_modifier(xkb_keysym_t keysym);

#endif
