/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <linux/input-event-codes.h>
#include <string.h>
#include <xkbcommon/xkbcommon-keysyms.h>

#include "display/wayland/keymap.h"

static struct keymap *open_layout(const char *layout)
{
	struct keymap *keymap;

	assert_int_equal(keymap_create(layout, &keymap), 0);
	return keymap;
}

/* What a client makes of a key: by the text that it gets, not by our own tables. */
static xkb_keysym_t as_client(const struct keymap *keymap, uint32_t code, uint32_t mods)
{
	struct xkb_keymap *xkb = xkb_keymap_new_from_string(keymap->context, keymap->text,
							    XKB_KEYMAP_FORMAT_TEXT_V1, 0);
	struct xkb_state *state;
	xkb_keysym_t keysym;

	assert_non_null(xkb);
	state = xkb_state_new(xkb);
	xkb_state_update_mask(state, mods, 0, 0, 0, 0, 0);
	keysym = xkb_state_key_get_one_sym(state, code + 8);
	xkb_state_unref(state);
	xkb_keymap_unref(xkb);
	return keysym;
}

static void expect_key(struct keymap *keymap, xkb_keysym_t keysym, uint32_t held, uint32_t code,
		       uint32_t mods)
{
	struct keymap_choice choice;

	assert_true(keymap_find(keymap, keysym, 0, held, &choice));
	assert_int_equal(choice.code, code);
	assert_int_equal(choice.mods, mods);
	assert_int_equal(choice.fix, mods != held);
}

static void test_levels(void **state)
{
	struct keymap *us = open_layout("us");
	uint32_t shift = us->mods.shift, lock = us->mods.lock, ctrl = us->mods.control;

	(void)state;
	expect_key(us, 'a', 0, KEY_A, 0);
	expect_key(us, 'A', 0, KEY_A, shift);
	expect_key(us, 'A', shift, KEY_A, shift);
	expect_key(us, 'a', shift, KEY_A, 0);
	expect_key(us, 'A', lock, KEY_A, lock);
	expect_key(us, 'a', lock, KEY_A, 0);
	expect_key(us, '@', 0, KEY_2, shift);
	expect_key(us, '@', us->mods.level3, KEY_2, shift);
	expect_key(us, 'c', ctrl, KEY_C, ctrl);
	expect_key(us, '+', ctrl, KEY_EQUAL, ctrl | shift);
	/* '<' has a key of its own on 105 keys; with Shift held it is the comma's. */
	expect_key(us, '<', shift, KEY_COMMA, shift);
	expect_key(us, XKB_KEY_KP_1, 0, KEY_KP1, us->mods.num);
	expect_key(us, XKB_KEY_KP_End, us->mods.num, KEY_KP1, 0);
	keymap_destroy(us);
}

/* What types nothing keeps the modifiers that are held: Shift+Tab must not become Tab. */
static void test_no_fix_for_functions(void **state)
{
	struct keymap *us = open_layout("us");
	uint32_t shift = us->mods.shift, both = us->mods.control | us->mods.alt;

	(void)state;
	expect_key(us, XKB_KEY_Tab, shift, KEY_TAB, shift);
	expect_key(us, XKB_KEY_ISO_Left_Tab, shift, KEY_TAB, shift);
	expect_key(us, XKB_KEY_F1, both, KEY_F1, both);
	expect_key(us, XKB_KEY_Alt_L, shift, KEY_LEFTALT, shift);
	keymap_destroy(us);
}

static void test_altgr(void **state)
{
	struct keymap *de = open_layout("de");

	(void)state;
	assert_int_not_equal(de->mods.level3, 0);
	expect_key(de, '@', 0, KEY_Q, de->mods.level3);
	expect_key(de, XKB_KEY_EuroSign, 0, KEY_E, de->mods.level3);
	expect_key(de, 'z', 0, KEY_Y, 0);
	assert_int_equal(as_client(de, KEY_Q, de->mods.level3), '@');
	keymap_destroy(de);
}

static void test_prefer(void **state)
{
	struct keymap *us = open_layout("us");
	struct keymap_choice choice;

	(void)state;
	/* The scan code's key has it at another level. */
	assert_true(keymap_find(us, '<', KEY_COMMA, 0, &choice));
	assert_int_equal(choice.code, KEY_COMMA);
	assert_int_equal(choice.mods, us->mods.shift);
	/* The scan code's key has it not: a German viewer on this layout. */
	assert_true(keymap_find(us, 'z', KEY_Y, 0, &choice));
	assert_int_equal(choice.code, KEY_Z);
	keymap_destroy(us);
}

static void test_layout_errors(void **state)
{
	struct keymap *keymap;

	(void)state;
	assert_true(keymap_create("nolayout", &keymap) < 0);
	assert_true(keymap_create("", &keymap) < 0);
	assert_true(keymap_create("de(nodeadkeys", &keymap) < 0);
	keymap = open_layout("de(nodeadkeys)");
	keymap_destroy(keymap);
}

static void test_spares(void **state)
{
	struct keymap *us = open_layout("us");
	uint32_t code, again, generation;
	bool changed;

	(void)state;
	assert_true(keymap_assign(us, 0x01006f22, 0, &code, &changed)); /* 漢 */
	assert_true(changed);
	assert_in_range(code, KEYMAP_SPARE_FIRST, KEYMAP_SPARE_FIRST + KEYMAP_SPARES - 1);
	assert_int_equal(as_client(us, code, 0), 0x01006f22);
	assert_int_equal(as_client(us, KEY_A, us->mods.shift), 'A');
	generation = us->generation;
	assert_true(keymap_assign(us, 0x01006f22, 0, &again, &changed));
	assert_false(changed);
	assert_int_equal(again, code);
	assert_int_equal(us->generation, generation);
	assert_true(keymap_assign(us, XKB_KEY_dead_acute, 0, &again, &changed));
	assert_int_not_equal(again, code);
	assert_int_equal(as_client(us, again, 0), XKB_KEY_dead_acute);
	assert_int_equal(as_client(us, code, 0), 0x01006f22);
	keymap_destroy(us);
}

/* More characters than spare keys: the one used longest ago makes room, never one held down. */
static void test_spares_run_out(void **state)
{
	struct keymap *us = open_layout("us");
	uint32_t first, code, busy;
	bool changed;

	(void)state;
	assert_true(keymap_assign(us, 0x01004e00, 0, &first, &changed));
	busy = 1u << (first - KEYMAP_SPARE_FIRST);
	for (uint32_t i = 1; i < 40; i++) {
		assert_true(keymap_assign(us, 0x01004e00 + i, busy, &code, &changed));
		assert_int_not_equal(code, first);
		assert_int_equal(as_client(us, code, 0), 0x01004e00 + i);
	}
	assert_int_equal(as_client(us, first, 0), 0x01004e00);
	assert_false(keymap_assign(us, 0x01005000, (1u << KEYMAP_SPARES) - 1, &code, &changed));
	keymap_destroy(us);
}

static void test_canonical(void **state)
{
	(void)state;
	assert_int_equal(keymap_canonical(0x010000e4), XKB_KEY_adiaeresis);
	assert_int_equal(keymap_canonical(0x010020ac), XKB_KEY_EuroSign);
	assert_int_equal(keymap_canonical(0x01006f22), 0x01006f22);
	assert_int_equal(keymap_canonical(XKB_KEY_Return), XKB_KEY_Return);
}

static void test_latin(void **state)
{
	(void)state;
	assert_int_equal(keymap_latin(XKB_KEY_Cyrillic_es), 'c');
	assert_int_equal(keymap_latin(XKB_KEY_Cyrillic_ES), 'C');
	assert_int_equal(keymap_latin(XKB_KEY_Greek_chi), 'x');
	assert_int_equal(keymap_latin(XKB_KEY_hebrew_bet), 'c');
	assert_int_equal(keymap_latin('c'), 0);
	assert_int_equal(keymap_latin(XKB_KEY_adiaeresis), 0);
}

static void test_scancodes(void **state)
{
	(void)state;
	assert_int_equal(keymap_from_scancode(0x1e), KEY_A);
	assert_int_equal(keymap_from_scancode(0x56), KEY_102ND);
	assert_int_equal(keymap_from_scancode(0x9d), KEY_RIGHTCTRL);
	assert_int_equal(keymap_from_scancode(0xb8), KEY_RIGHTALT);
	assert_int_equal(keymap_from_scancode(0xd3), KEY_DELETE);
	assert_int_equal(keymap_from_scancode(0), 0);
	assert_int_equal(keymap_from_scancode(0xffffffff), 0);
}

/* xkb-data is not there once the sandbox is up: text must be enough for all that comes later. */
static void test_text_alone(void **state)
{
	struct keymap *us = open_layout("us");

	(void)state;
	assert_null(strstr(us->text, "include"));
	assert_int_equal(as_client(us, KEY_5, 0), '5');
	keymap_destroy(us);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_levels),         cmocka_unit_test(test_no_fix_for_functions),
		cmocka_unit_test(test_altgr),          cmocka_unit_test(test_prefer),
		cmocka_unit_test(test_layout_errors),  cmocka_unit_test(test_spares),
		cmocka_unit_test(test_spares_run_out), cmocka_unit_test(test_canonical),
		cmocka_unit_test(test_latin),          cmocka_unit_test(test_scancodes),
		cmocka_unit_test(test_text_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
