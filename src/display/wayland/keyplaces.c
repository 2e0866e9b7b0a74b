/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Fixed facts about keyboards: PC scan codes, and where scripts lie on a Latin keyboard. */
#include <linux/input-event-codes.h>
#include <string.h>

#include "base/str.h"
#include "display/wayland/keymap.h"

/* ---- scan codes ---------------------------------------------------------------------------- */

/* Set 1 with the 0xe0 prefix as bit 7, where it differs from evdev's numbers. */
static const struct {
	uint8_t scancode, code;
} scancodes[] = {
	{0x59, KEY_KPEQUAL},  {0x5b, KEY_F13},        {0x70, KEY_KATAKANAHIRAGANA},
	{0x73, KEY_RO},       {0x79, KEY_HENKAN},     {0x7b, KEY_MUHENKAN},
	{0x7d, KEY_YEN},      {0x7e, KEY_KPCOMMA},    {0x90, KEY_PREVIOUSSONG},
	{0x99, KEY_NEXTSONG}, {0x9c, KEY_KPENTER},    {0x9d, KEY_RIGHTCTRL},
	{0xa0, KEY_MUTE},     {0xa1, KEY_CALC},       {0xa2, KEY_PLAYPAUSE},
	{0xa4, KEY_STOPCD},   {0xae, KEY_VOLUMEDOWN}, {0xb0, KEY_VOLUMEUP},
	{0xb2, KEY_HOMEPAGE}, {0xb5, KEY_KPSLASH},    {0xb7, KEY_SYSRQ},
	{0xb8, KEY_RIGHTALT}, {0xc6, KEY_PAUSE},      {0xc7, KEY_HOME},
	{0xc8, KEY_UP},       {0xc9, KEY_PAGEUP},     {0xcb, KEY_LEFT},
	{0xcd, KEY_RIGHT},    {0xcf, KEY_END},        {0xd0, KEY_DOWN},
	{0xd1, KEY_PAGEDOWN}, {0xd2, KEY_INSERT},     {0xd3, KEY_DELETE},
	{0xdb, KEY_LEFTMETA}, {0xdc, KEY_RIGHTMETA},  {0xdd, KEY_COMPOSE},
	{0xe5, KEY_SEARCH},   {0xe6, KEY_BOOKMARKS},  {0xe7, KEY_REFRESH},
	{0xe8, KEY_STOP},     {0xe9, KEY_FORWARD},    {0xea, KEY_BACK},
	{0xec, KEY_MAIL},
};

uint32_t keymap_from_scancode(uint32_t scancode)
{
	/* Up to F12 evdev took its numbers from set 1; 0x54 is what Alt makes of Print. */
	if (scancode >= KEY_ESC && scancode <= KEY_F12)
		return scancode == 0x54 ? KEY_SYSRQ : scancode == 0x55 ? 0 : scancode;
	for (size_t i = 0; i < ARRAY_LEN(scancodes); i++)
		if (scancodes[i].scancode == scancode)
			return scancodes[i].code;
	return 0;
}

/* ---- scripts ------------------------------------------------------------------------------- */

/* Small letters as they lie on the keys of the Latin row; by the most common layout of each. */
static const struct {
	const char *script, *latin;
} places[] = {
	{"йцукенгшщзхъфывапролджэячсмитьбю", "qwertyuiop[]asdfghjkl;'zxcvbnm,."},
	{"ёіїєґў", "`s]'\\o"},
	{"ςερτυθιοπασδφγηξκλζχψωβνμ", "wertyuiopasdfghjklzxcvbnm"},
	{"קראטוןםפשדגכעיחלךףזסבהנמצתץ", "ertyuiopasdfghjkl;zxcvbnm,."},
	{"ضصثقفغعهخحجدشسيبلاتنمكطئءؤرىةوزظ", "qwertyuiop[]asdfghjkl;'zxcvnm,./"},
};

static char find_place(const char *script, const char *latin, uint32_t scalar)
{
	size_t left = strlen(script), taken;
	uint32_t here;

	for (; *latin && left > 0; latin++, script += taken, left -= taken) {
		taken = str_utf8_decode(script, left, &here);
		if (taken == 0)
			break;
		if (here == scalar)
			return *latin;
	}
	return '\0';
}

xkb_keysym_t keymap_latin(xkb_keysym_t keysym)
{
	xkb_keysym_t lower = xkb_keysym_to_lower(keysym);
	uint32_t scalar = xkb_keysym_to_utf32(lower);

	if (scalar < 0x370)
		return 0;
	for (size_t i = 0; i < ARRAY_LEN(places); i++) {
		char c = find_place(places[i].script, places[i].latin, scalar);

		if (!c)
			continue;
		/* ASCII and its keysyms have the same numbers. */
		return lower == keysym ? (xkb_keysym_t)c : xkb_keysym_to_upper((xkb_keysym_t)c);
	}
	return 0;
}
