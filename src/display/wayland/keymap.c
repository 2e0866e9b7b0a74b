/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <linux/input-event-codes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xkbcommon/xkbcommon-keysyms.h>

#include "base/mem.h"
#include "base/str.h"
#include "display/wayland/keymap.h"

#define XKB_OFFSET 8
#define XKB_CODE_MAX 255 /* what every client can take */
#define MASKS_MAX 16
#define SPARE_LINE_MAX 96
#define LAYOUT_MAX 64

struct keymap_entry {
	xkb_keysym_t keysym;
	uint32_t code; /* evdev */
	uint32_t level;
	uint32_t mods; /* that give the level */
	uint32_t controlled; /* all that choose among the key's levels */
};

/* ---- index --------------------------------------------------------------------------------- */

static uint32_t mod_mask(struct xkb_keymap *xkb, const char *name)
{
	xkb_mod_index_t index = xkb_keymap_mod_get_index(xkb, name);

	return index == XKB_MOD_INVALID || index > 31 ? 0 : 1u << index;
}

/* The real modifiers that a virtual one stands for. */
static uint32_t virtual_mask(struct keymap *keymap, const char *name)
{
	uint32_t real = 0, all = mod_mask(keymap->xkb, name);

	if (!all)
		return 0;
	xkb_state_update_mask(keymap->scratch, all, 0, 0, 0, 0, 0);
	real = xkb_state_serialize_mods(keymap->scratch, XKB_STATE_MODS_EFFECTIVE) & 0xff;
	return real;
}

static void find_mods(struct keymap *keymap)
{
	struct keymap_mods *mods = &keymap->mods;

	mods->shift = mod_mask(keymap->xkb, XKB_MOD_NAME_SHIFT);
	mods->lock = mod_mask(keymap->xkb, XKB_MOD_NAME_CAPS);
	mods->control = mod_mask(keymap->xkb, XKB_MOD_NAME_CTRL);
	mods->alt = mod_mask(keymap->xkb, XKB_MOD_NAME_ALT);
	mods->super = mod_mask(keymap->xkb, XKB_MOD_NAME_LOGO);
	mods->num = mod_mask(keymap->xkb, XKB_MOD_NAME_NUM);
	/* By the rules of xkb-data, AltGr is Mod5 and the fifth level's shift Mod3. */
	mods->level3 = virtual_mask(keymap, "LevelThree");
	if (!mods->level3)
		mods->level3 = mod_mask(keymap->xkb, "Mod5");
	mods->level5 = virtual_mask(keymap, "LevelFive");
}

/* Fewer modifiers are better; Num Lock rather than Shift on the keypad; Caps Lock never. */
static int mask_cost(const struct keymap *keymap, uint32_t mask)
{
	int cost = __builtin_popcount(mask) * 2;

	if (mask & keymap->mods.lock)
		cost += 16;
	if (mask & keymap->mods.num)
		cost--;
	return cost;
}

static uint32_t best_mask(const struct keymap *keymap, const xkb_mod_mask_t *masks, size_t count)
{
	uint32_t best = masks[0];

	for (size_t i = 1; i < count; i++)
		if (mask_cost(keymap, masks[i]) < mask_cost(keymap, best))
			best = masks[i];
	return best;
}

static uint32_t controlled_mods(struct keymap *keymap, xkb_keycode_t key)
{
	xkb_level_index_t levels = xkb_keymap_num_levels_for_key(keymap->xkb, key, 0);
	xkb_mod_mask_t masks[MASKS_MAX];
	uint32_t all = 0;

	for (xkb_level_index_t level = 0; level < levels; level++) {
		size_t count = xkb_keymap_key_get_mods_for_level(keymap->xkb, key, 0, level, masks,
								 MASKS_MAX);

		for (size_t i = 0; i < count; i++)
			all |= masks[i];
	}
	return all;
}

static int add_entry(struct keymap *keymap, size_t *capacity, const struct keymap_entry *entry)
{
	if (keymap->count == *capacity) {
		size_t wanted = MAX(512, *capacity * 2);
		struct keymap_entry *entries = reallocarray(keymap->entries, wanted,
							    sizeof(*entries));

		if (!entries)
			return -ENOMEM;
		keymap->entries = entries;
		*capacity = wanted;
	}
	keymap->entries[keymap->count++] = *entry;
	return 0;
}

static int index_key(struct keymap *keymap, size_t *capacity, xkb_keycode_t key)
{
	xkb_level_index_t levels = xkb_keymap_num_levels_for_key(keymap->xkb, key, 0);
	uint32_t controlled = controlled_mods(keymap, key);
	int r = 0;

	for (xkb_level_index_t level = 0; level < levels && r == 0; level++) {
		const xkb_keysym_t *syms;
		xkb_mod_mask_t masks[MASKS_MAX];
		size_t count;

		if (xkb_keymap_key_get_syms_by_level(keymap->xkb, key, 0, level, &syms) != 1)
			continue;
		count = xkb_keymap_key_get_mods_for_level(keymap->xkb, key, 0, level, masks,
							  MASKS_MAX);
		if (count == 0)
			continue;
		r = add_entry(keymap, capacity,
			      &(struct keymap_entry){
				      .keysym = syms[0],
				      .code = key - XKB_OFFSET,
				      .level = level,
				      .mods = best_mask(keymap, masks, count),
				      .controlled = controlled,
			      });
	}
	return r;
}

static int compare_entries(const void *a, const void *b)
{
	const struct keymap_entry *x = a, *y = b;

	if (x->keysym != y->keysym)
		return x->keysym < y->keysym ? -1 : 1;
	if (x->level != y->level)
		return x->level < y->level ? -1 : 1;
	return x->code < y->code ? -1 : x->code > y->code;
}

static bool is_spare(uint32_t code)
{
	return code >= KEYMAP_SPARE_FIRST && code < KEYMAP_SPARE_FIRST + KEYMAP_SPARES;
}

static int build_index(struct keymap *keymap)
{
	xkb_keycode_t last = MIN(xkb_keymap_max_keycode(keymap->xkb), XKB_CODE_MAX);
	size_t capacity = 0;
	int r = 0;

	for (xkb_keycode_t key = MAX(xkb_keymap_min_keycode(keymap->xkb), XKB_OFFSET + 1);
	     key <= last && r == 0; key++)
		if (!is_spare(key - XKB_OFFSET))
			r = index_key(keymap, &capacity, key);
	if (r == 0 && keymap->count > 0)
		qsort(keymap->entries, keymap->count, sizeof(*keymap->entries), compare_entries);
	return r;
}

/* ---- text ---------------------------------------------------------------------------------- */

/* Removes the symbols that the layout itself has on a spare key. */
static void cut_spare(char *text, int spare)
{
	char name[32], *from, *to;

	snprintf(name, sizeof(name), "\tkey <FK%d> ", 13 + spare);
	from = strstr(text, name);
	to = from ? strstr(from, "};") : NULL;
	if (!to)
		return;
	to = strchr(to, '\n');
	if (to)
		memmove(from, to + 1, strlen(to + 1) + 1);
}

static int take_base(struct keymap *keymap)
{
	char *symbols, *line;

	keymap->base = xkb_keymap_get_as_string(keymap->xkb, XKB_KEYMAP_FORMAT_TEXT_V1);
	if (!keymap->base)
		return -ENOMEM;
	symbols = strstr(keymap->base, "xkb_symbols");
	line = symbols ? strchr(symbols, '\n') : NULL;
	if (!line)
		return -EINVAL;
	for (int i = 0; i < KEYMAP_SPARES; i++)
		cut_spare(symbols, i);
	keymap->spare_offset = (size_t)(line + 1 - keymap->base);
	return 0;
}

/* Base text, with a line for each spare key in use put into its symbols. */
static int write_text(struct keymap *keymap)
{
	size_t size = strlen(keymap->base) + KEYMAP_SPARES * SPARE_LINE_MAX + 1;
	char *text = malloc(size), *out;

	if (!text)
		return -ENOMEM;
	memcpy(text, keymap->base, keymap->spare_offset);
	out = text + keymap->spare_offset;
	for (int i = 0; i < KEYMAP_SPARES; i++) {
		char name[64];

		if (!keymap->spares[i] ||
		    xkb_keysym_get_name(keymap->spares[i], name, sizeof(name)) < 0)
			continue;
		out += snprintf(out, SPARE_LINE_MAX,
				"\tkey <FK%d> { type= \"ONE_LEVEL\", symbols[Group1]= [ %s ] };\n",
				13 + i, name);
	}
	str_copy(out, size - (size_t)(out - text), keymap->base + keymap->spare_offset);
	free(keymap->text);
	keymap->text = text;
	keymap->generation++;
	return 0;
}

bool keymap_assign(struct keymap *keymap, xkb_keysym_t keysym, uint32_t busy, uint32_t *ret_code,
		   bool *ret_changed)
{
	xkb_keysym_t before;
	int oldest = -1;

	for (int i = 0; i < KEYMAP_SPARES; i++) {
		if (keymap->spares[i] == keysym) {
			keymap->spare_used[i] = ++keymap->use_count;
			*ret_code = KEYMAP_SPARE_FIRST + (uint32_t)i;
			*ret_changed = false;
			return true;
		}
		if (!(busy & (1u << i)) &&
		    (oldest < 0 || keymap->spare_used[i] < keymap->spare_used[oldest]))
			oldest = i;
	}
	if (oldest < 0)
		return false;
	before = keymap->spares[oldest];
	keymap->spares[oldest] = keysym;
	if (write_text(keymap) < 0) {
		keymap->spares[oldest] = before;
		return false;
	}
	keymap->spare_used[oldest] = ++keymap->use_count;
	*ret_code = KEYMAP_SPARE_FIRST + (uint32_t)oldest;
	*ret_changed = true;
	return true;
}

/* ---- life ---------------------------------------------------------------------------------- */

/* "de(nodeadkeys)" into layout and variant. */
static int split_layout(const char *layout, char name[LAYOUT_MAX], char variant[LAYOUT_MAX])
{
	const char *open = strchr(layout, '(');
	size_t len = strlen(layout);

	if (len == 0 || len >= LAYOUT_MAX)
		return -EINVAL;
	str_copy(name, LAYOUT_MAX, layout);
	variant[0] = '\0';
	if (!open)
		return 0;
	if (layout[len - 1] != ')')
		return -EINVAL;
	name[open - layout] = '\0';
	str_copy(variant, LAYOUT_MAX, open + 1);
	variant[strlen(variant) - 1] = '\0';
	return 0;
}

static int compile(struct keymap *keymap, const char *layout)
{
	char name[LAYOUT_MAX], variant[LAYOUT_MAX];
	struct xkb_rule_names names = {
		.rules = "evdev", .model = "pc105", .layout = name, .variant = variant};
	int r = split_layout(layout, name, variant);

	if (r < 0)
		return r;
	keymap->context = xkb_context_new(XKB_CONTEXT_NO_ENVIRONMENT_NAMES);
	if (!keymap->context)
		return -ENOMEM;
	xkb_context_set_log_level(keymap->context, XKB_LOG_LEVEL_CRITICAL);
	keymap->xkb = xkb_keymap_new_from_names(keymap->context, &names,
						XKB_KEYMAP_COMPILE_NO_FLAGS);
	if (!keymap->xkb)
		return -EINVAL;
	keymap->scratch = xkb_state_new(keymap->xkb);
	return keymap->scratch ? 0 : -ENOMEM;
}

int keymap_create(const char *layout, struct keymap **ret_keymap)
{
	struct keymap *keymap = calloc(1, sizeof(*keymap));
	int r;

	if (!keymap)
		return -ENOMEM;
	r = compile(keymap, layout);
	if (r == 0) {
		find_mods(keymap);
		r = build_index(keymap);
	}
	if (r == 0)
		r = take_base(keymap);
	if (r == 0)
		r = write_text(keymap);
	if (r < 0) {
		keymap_destroy(keymap);
		return r;
	}
	*ret_keymap = keymap;
	return 0;
}

void keymap_destroy(struct keymap *keymap)
{
	if (!keymap)
		return;
	xkb_state_unref(keymap->scratch);
	xkb_keymap_unref(keymap->xkb);
	xkb_context_unref(keymap->context);
	free(keymap->entries);
	free(keymap->text);
	free(keymap->base);
	free(keymap);
}

/* ---- look-up ------------------------------------------------------------------------------- */

xkb_keysym_t keymap_canonical(xkb_keysym_t keysym)
{
	if (keysym < 0x01000000 || keysym > 0x0110ffff)
		return keysym;
	return xkb_utf32_to_keysym(keysym - 0x01000000);
}

xkb_keysym_t keymap_symbol(struct keymap *keymap, uint32_t code, uint32_t mods)
{
	xkb_state_update_mask(keymap->scratch, mods, 0, 0, 0, 0, 0);
	return xkb_state_key_get_one_sym(keymap->scratch, code + XKB_OFFSET);
}

/* Whether the level of the key matters, as it does for what ends up as text. */
static bool needs_level(xkb_keysym_t keysym)
{
	uint32_t scalar = xkb_keysym_to_utf32(keysym);

	if (keysym >= XKB_KEY_KP_Home && keysym <= XKB_KEY_KP_Delete)
		return true;
	if (keysym >= XKB_KEY_dead_grave && keysym <= 0xfe93)
		return true;
	return scalar >= 0x20 && scalar != 0x7f;
}

static const struct keymap_entry *first_entry(const struct keymap *keymap, xkb_keysym_t keysym)
{
	size_t low = 0, high = keymap->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (keymap->entries[middle].keysym < keysym)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == keymap->count || keymap->entries[low].keysym != keysym)
		return NULL;
	return &keymap->entries[low];
}

static void choose(struct keymap *keymap, const struct keymap_entry *entry, uint32_t mods,
		   struct keymap_choice *ret_choice)
{
	uint32_t controlled = entry->controlled | keymap->mods.level3 | keymap->mods.level5 |
			      keymap->mods.lock;

	ret_choice->code = entry->code;
	ret_choice->fix = needs_level(entry->keysym) &&
			  keymap_symbol(keymap, entry->code, mods) != entry->keysym;
	ret_choice->mods = ret_choice->fix ? (mods & ~controlled) | entry->mods : mods;
}

bool keymap_find(struct keymap *keymap, xkb_keysym_t keysym, uint32_t prefer, uint32_t mods,
		 struct keymap_choice *ret_choice)
{
	const struct keymap_entry *first = first_entry(keymap, keysym), *entry;
	const struct keymap_entry *end = keymap->entries + keymap->count, *best = first;

	if (!first)
		return false;
	for (entry = first; entry < end && entry->keysym == keysym; entry++) {
		if (entry->code == prefer) {
			best = entry;
			break;
		}
		if (needs_level(keysym) && keymap_symbol(keymap, best->code, mods) != keysym &&
		    keymap_symbol(keymap, entry->code, mods) == keysym)
			best = entry;
	}
	choose(keymap, best, mods, ret_choice);
	return true;
}

bool keymap_is_modifier(xkb_keysym_t keysym)
{
	return (keysym >= XKB_KEY_Shift_L && keysym <= XKB_KEY_Hyper_R) ||
	       (keysym >= XKB_KEY_ISO_Lock && keysym <= XKB_KEY_ISO_Last_Group_Lock) ||
	       keysym == XKB_KEY_Mode_switch || keysym == XKB_KEY_Num_Lock ||
	       keysym == XKB_KEY_Scroll_Lock;
}
