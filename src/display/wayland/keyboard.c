/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <linux/input-event-codes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <xkbcommon/xkbcommon-keysyms.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/str.h"
#include "display/wayland/client.h"
#include "display/wayland/clipboard.h"
#include "display/wayland/seat.h"
#include "display/wayland/xdg.h"

#define REPEAT_RATE 25 /* a second */
#define REPEAT_DELAY 600 /* ms */
#define XKB_OFFSET 8
#define PRIVATE_MAP_VERSION 7 /* from here on clients map the keymap privately */

/* A client's wl_keyboard and which keymap it has. */
struct keyboard_resource {
	struct seat *seat;
	uint32_t generation;
};

static uint32_t now_ms(void)
{
	return (uint32_t)(clock_now() / USEC_PER_MSEC);
}

/* ---- keymap to clients --------------------------------------------------------------------- */

static int current_memfd(struct keyboard *keyboard)
{
	struct keymap *keymap = keyboard->keymap;

	if (keyboard->memfd >= 0 && keyboard->memfd_generation == keymap->generation)
		return keyboard->memfd;
	keyboard->memfd = fd_close(keyboard->memfd);
	keyboard->memfd_size = strlen(keymap->text) + 1;
	keyboard->memfd = fd_memfd("keymap", keymap->text, keyboard->memfd_size);
	keyboard->memfd_generation = keymap->generation;
	return keyboard->memfd;
}

/* Older clients map it shared and writable, which a sealed file refuses: a file for each. */
static int unsealed_copy(const char *text, size_t size)
{
	int fd = memfd_create("keymap", MFD_CLOEXEC);

	if (fd < 0)
		return -errno;
	if (fd_write_all(fd, text, size) < 0)
		return fd_close(fd);
	return fd;
}

static void send_keymap(struct keyboard *keyboard, struct wl_resource *resource)
{
	struct keyboard_resource *mine = wl_resource_get_user_data(resource);
	struct keymap *keymap = keyboard->keymap;
	_cleanup_fd_ int copy = -1;
	int fd;

	if (mine->generation == keymap->generation)
		return;
	if (wl_resource_get_version(resource) >= PRIVATE_MAP_VERSION)
		fd = current_memfd(keyboard);
	else
		fd = copy = unsealed_copy(keymap->text, strlen(keymap->text) + 1);
	if (fd < 0) {
		wl_resource_post_no_memory(resource);
		return;
	}
	mine->generation = keymap->generation;
	wl_keyboard_send_keymap(resource, WL_KEYBOARD_KEYMAP_FORMAT_XKB_V1, fd,
				(uint32_t)strlen(keymap->text) + 1);
}

/* ---- events to the focus ------------------------------------------------------------------- */

static bool has_focus(const struct keyboard *keyboard, struct wl_resource *resource)
{
	return keyboard->focus.surface &&
	       wl_resource_get_client(resource) == surface_client(keyboard->focus.surface);
}

static struct modifiers real_modifiers(const struct keyboard *keyboard)
{
	return (struct modifiers){
		xkb_state_serialize_mods(keyboard->state, XKB_STATE_MODS_DEPRESSED),
		xkb_state_serialize_mods(keyboard->state, XKB_STATE_MODS_LATCHED),
		xkb_state_serialize_mods(keyboard->state, XKB_STATE_MODS_LOCKED),
	};
}

static uint32_t effective(struct modifiers mods)
{
	return mods.depressed | mods.latched | mods.locked;
}

static void send_modifiers_to(struct seat *seat, struct wl_resource *resource)
{
	const struct modifiers *mods = &seat->keyboard.sent;

	wl_keyboard_send_modifiers(resource, wl_display_next_serial(seat->compositor->display),
				   mods->depressed, mods->latched, mods->locked, 0);
}

static void set_modifiers(struct seat *seat, struct modifiers mods)
{
	struct keyboard *keyboard = &seat->keyboard;
	struct wl_resource *resource;

	if (mods.depressed == keyboard->sent.depressed && mods.latched == keyboard->sent.latched &&
	    mods.locked == keyboard->sent.locked)
		return;
	keyboard->sent = mods;
	wl_resource_for_each(resource, &keyboard->resources) if (has_focus(keyboard, resource))
		send_modifiers_to(seat, resource);
}

static void send_key(struct seat *seat, uint32_t code, bool pressed)
{
	uint32_t serial = wl_display_next_serial(seat->compositor->display);
	struct keyboard *keyboard = &seat->keyboard;
	struct wl_resource *resource;

	wl_resource_for_each(resource, &keyboard->resources) if (has_focus(keyboard, resource))
		wl_keyboard_send_key(resource, serial, now_ms(), code,
				     pressed ? WL_KEYBOARD_KEY_STATE_PRESSED
					     : WL_KEYBOARD_KEY_STATE_RELEASED);
}

static void send_enter(struct seat *seat, struct wl_resource *resource)
{
	struct keyboard *keyboard = &seat->keyboard;
	struct wl_array keys;

	send_keymap(keyboard, resource);
	wl_array_init(&keys);
	for (int i = 0; i < keyboard->held_count; i++) {
		uint32_t *slot;

		if (keyboard->held[i].kind != HELD_KEY)
			continue;
		slot = wl_array_add(&keys, sizeof(*slot));
		if (slot)
			*slot = keyboard->held[i].code;
	}
	wl_keyboard_send_enter(resource, wl_display_next_serial(seat->compositor->display),
			       keyboard->focus.surface->resource, &keys);
	wl_array_release(&keys);
	send_modifiers_to(seat, resource);
}

static void set_focus(struct seat *seat, struct surface *surface)
{
	struct keyboard *keyboard = &seat->keyboard;
	struct surface *old = keyboard->focus.surface;
	struct wl_resource *resource;
	uint32_t serial;

	if (old == surface)
		return;
	serial = wl_display_next_serial(seat->compositor->display);
	wl_resource_for_each(resource,
			     &keyboard->resources) if (old && has_focus(keyboard, resource))
		wl_keyboard_send_leave(resource, serial, old->resource);
	surface_link_set(&keyboard->focus, surface);
	if (surface && surface_client(surface) != surface_client(old))
		clipboard_tell_focus(seat->compositor, surface_client(surface));
	wl_resource_for_each(resource, &keyboard->resources) if (has_focus(keyboard, resource))
		send_enter(seat, resource);
	text_input_focus(seat, old, surface);
}

void keyboard_refocus(struct seat *seat)
{
	struct compositor *compositor = seat->compositor;
	struct surface *surface = NULL;
	struct popup *popup;

	wl_list_for_each (popup, &compositor->grabs, grab_link) {
		if (!popup->xdg || !popup->xdg->mapped || !popup->xdg->surface)
			continue;
		surface = popup->xdg->surface;
		break;
	}
	if (!surface && compositor->active)
		surface = compositor->active->xdg->surface;
	set_focus(seat, surface);
}

/* ---- held keys ----------------------------------------------------------------------------- */

/* A viewer that tells scan codes may tell another keysym at the release: the code is the key. */
static struct held *find_held(struct keyboard *keyboard, uint32_t keysym, uint32_t scancode)
{
	for (int i = 0; i < keyboard->held_count; i++) {
		struct held *held = &keyboard->held[i];

		if (scancode && held->scancode ? held->scancode == scancode
					       : held->keysym == keysym)
			return held;
	}
	return NULL;
}

/* 'a' went down, Shift came, 'A' goes up: the same key. */
static struct held *find_released(struct keyboard *keyboard, uint32_t keysym, uint32_t scancode)
{
	struct held *held = find_held(keyboard, keysym, scancode);

	if (!held)
		held = find_held(keyboard, xkb_keysym_to_lower(keysym), 0);
	if (!held)
		held = find_held(keyboard, xkb_keysym_to_upper(keysym), 0);
	return held;
}

static struct held *find_code(struct keyboard *keyboard, uint32_t code)
{
	for (int i = 0; i < keyboard->held_count; i++)
		if (keyboard->held[i].kind == HELD_KEY && keyboard->held[i].code == code)
			return &keyboard->held[i];
	return NULL;
}

static void update_leds(struct seat *seat)
{
	struct keyboard *keyboard = &seat->keyboard;
	struct compositor *compositor = seat->compositor;
	unsigned int leds = 0;

	if (xkb_state_led_name_is_active(keyboard->state, XKB_LED_NAME_CAPS) > 0)
		leds |= COMPOSITOR_LED_CAPS;
	if (xkb_state_led_name_is_active(keyboard->state, XKB_LED_NAME_NUM) > 0)
		leds |= COMPOSITOR_LED_NUM;
	if (xkb_state_led_name_is_active(keyboard->state, XKB_LED_NAME_SCROLL) > 0)
		leds |= COMPOSITOR_LED_SCROLL;
	if (leds == keyboard->leds)
		return;
	keyboard->leds = leds;
	if (compositor->impl->leds_changed)
		compositor->impl->leds_changed(compositor->data, leds);
}

static bool is_spare(uint32_t code)
{
	return code >= KEYMAP_SPARE_FIRST && code < KEYMAP_SPARE_FIRST + KEYMAP_SPARES;
}

static void update_state(struct seat *seat, uint32_t code, bool pressed)
{
	if (!is_spare(code))
		xkb_state_update_key(seat->keyboard.state, code + XKB_OFFSET,
				     pressed ? XKB_KEY_DOWN : XKB_KEY_UP);
	update_leds(seat);
}

static void release_held(struct seat *seat, struct held *held)
{
	struct keyboard *keyboard = &seat->keyboard;
	struct held gone = *held;

	*held = keyboard->held[--keyboard->held_count];
	if (gone.kind != HELD_KEY)
		return;
	send_key(seat, gone.code, false);
	update_state(seat, gone.code, false);
	set_modifiers(seat, real_modifiers(keyboard));
}

static uint32_t busy_spares(const struct keyboard *keyboard)
{
	uint32_t busy = 0;

	for (int i = 0; i < keyboard->held_count; i++)
		if (keyboard->held[i].kind == HELD_KEY && is_spare(keyboard->held[i].code))
			busy |= 1u << (keyboard->held[i].code - KEYMAP_SPARE_FIRST);
	return busy;
}

/* ---- from keysym to key -------------------------------------------------------------------- */

static uint32_t shortcut_mods(const struct keymap *keymap)
{
	return keymap->mods.control | keymap->mods.alt | keymap->mods.super;
}

/*
 * Viewers on Windows and on the web send AltGr as Control with Alt, together with the character
 * that it gave. A character that is no letter or digit of ASCII then stands for itself.
 */
static uint32_t drop_fake_altgr(const struct keymap *keymap, uint32_t keysym, uint32_t mods)
{
	uint32_t both = keymap->mods.control | keymap->mods.alt;
	bool plain = (keysym >= '0' && keysym <= '9') || (keysym >= 'a' && keysym <= 'z') ||
		     (keysym >= 'A' && keysym <= 'Z') || keysym == ' ';

	if ((mods & both) == both && !plain && xkb_keysym_to_utf32(keysym) > 0x20 &&
	    xkb_keysym_to_utf32(keysym) != 0x7f)
		return mods & ~both;
	return mods;
}

/* With Control or Alt a letter of another script means the key that it lies on. */
static uint32_t shortcut_keysym(struct keymap *keymap, uint32_t keysym, uint32_t code)
{
	uint32_t latin = keymap_latin(keysym), base;

	if (xkb_keysym_to_utf32(keysym) < 0x370)
		return keysym;
	base = code ? keymap_symbol(keymap, code, 0) : 0;
	if (base >= 0x20 && base < 0x7f)
		return keysym == xkb_keysym_to_lower(keysym) ? base : xkb_keysym_to_upper(base);
	return latin ? latin : keysym;
}

static bool assign_spare(struct seat *seat, uint32_t keysym, uint32_t *ret_code)
{
	struct keyboard *keyboard = &seat->keyboard;
	struct wl_resource *resource;
	bool changed;

	if (!keymap_assign(keyboard->keymap, keysym, busy_spares(keyboard), ret_code, &changed))
		return false;
	if (!changed)
		return true;
	wl_resource_for_each(resource, &keyboard->resources)
	{
		if (!has_focus(keyboard, resource))
			continue;
		send_keymap(keyboard, resource);
		send_modifiers_to(seat, resource);
	}
	return true;
}

/* Finds the key and the effective modifiers for it; HELD_TEXT: send it as text instead. */
static enum held_kind choose(struct seat *seat, uint32_t keysym, uint32_t code, uint32_t mods,
			     struct keymap_choice *ret_choice)
{
	struct keymap *keymap = seat->keyboard.keymap;
	uint32_t wanted = drop_fake_altgr(keymap, keysym, mods);
	uint32_t scalar = xkb_keysym_to_utf32(keysym);

	ret_choice->fix = wanted != mods;
	ret_choice->mods = wanted;
	if (keysym == 0) {
		ret_choice->code = code;
		return code ? HELD_KEY : HELD_NOTHING;
	}
	if (wanted & shortcut_mods(keymap))
		keysym = shortcut_keysym(keymap, keysym, code);
	if (keymap_find(keymap, keysym, code, wanted, ret_choice)) {
		ret_choice->fix |= wanted != mods;
		return HELD_KEY;
	}
	if (keymap_is_modifier(keysym))
		return HELD_NOTHING;
	if (scalar > 0xffff && text_input_is_active(seat))
		return HELD_TEXT;
	if (assign_spare(seat, keysym, &ret_choice->code)) {
		ret_choice->mods = wanted & shortcut_mods(keymap);
		ret_choice->fix = ret_choice->mods != mods;
		return HELD_KEY;
	}
	return scalar >= 0x20 && text_input_is_active(seat) ? HELD_TEXT : HELD_NOTHING;
}

static void type_text(struct seat *seat, uint32_t keysym)
{
	char text[5] = {0};

	if (str_utf8_encode(xkb_keysym_to_utf32(keysym), text) > 0)
		text_input_commit(seat, text);
}

static void press_key(struct seat *seat, const struct keymap_choice *choice)
{
	struct modifiers mods = real_modifiers(&seat->keyboard);

	if (choice->fix) {
		mods.latched = 0;
		mods.locked &= choice->mods;
		mods.depressed = choice->mods & ~mods.locked;
	}
	set_modifiers(seat, mods);
	send_key(seat, choice->code, true);
	update_state(seat, choice->code, true);
	/* A modifier's own press is in force after it. A correction stays until the release. */
	if (!choice->fix)
		set_modifiers(seat, real_modifiers(&seat->keyboard));
}

/* Keys of the window manager; true: taken. */
static bool take_window_key(struct seat *seat, uint32_t keysym, uint32_t mods)
{
	const struct keymap_mods *m = &seat->keyboard.keymap->mods;

	if (!(mods & m->alt) || (mods & (m->control | m->super)))
		return false;
	if (keysym == XKB_KEY_F4)
		toplevel_close_active(seat->compositor);
	else if (keysym == XKB_KEY_Tab || keysym == XKB_KEY_ISO_Left_Tab)
		toplevel_cycle(seat->compositor);
	else
		return false;
	return true;
}

static void press(struct seat *seat, uint32_t keysym, uint32_t scancode)
{
	struct keyboard *keyboard = &seat->keyboard;
	struct held held = {.keysym = keysym, .scancode = scancode};
	uint32_t mods = effective(real_modifiers(keyboard));
	struct keymap_choice choice = {0};
	struct held *same;

	if (keyboard->held_count == KEYS_HELD_MAX)
		return;
	if (take_window_key(seat, keysym, mods))
		held.kind = HELD_NOTHING;
	else
		held.kind = choose(seat, keysym, keymap_from_scancode(scancode), mods, &choice);
	held.code = choice.code;
	if (held.kind == HELD_KEY) {
		same = find_code(keyboard, held.code);
		if (same)
			release_held(seat, same);
		press_key(seat, &choice);
	} else if (held.kind == HELD_TEXT) {
		type_text(seat, keysym);
	} else {
		log_event(LOG_DEBUG, "wayland.key-dropped", LOG_INT("keysym", keysym),
			  LOG_INT("scancode", scancode));
	}
	keyboard->held[keyboard->held_count++] = held;
}

void compositor_keyboard_keysym(struct compositor *compositor, uint32_t keysym,
				uint32_t qemu_keycode, bool pressed)
{
	struct seat *seat = compositor->seat;
	struct held *held;

	keysym = keymap_canonical(keysym);
	if (keysym == 0 && qemu_keycode == 0)
		return;
	if (!pressed) {
		held = find_released(&seat->keyboard, keysym, qemu_keycode);
		if (held)
			release_held(seat, held);
		return;
	}
	held = find_held(&seat->keyboard, keysym, qemu_keycode);
	if (!held)
		press(seat, keysym, qemu_keycode);
	else if (held->kind == HELD_TEXT)
		type_text(seat, keysym);
}

void compositor_keyboard_release_all(struct compositor *compositor)
{
	struct keyboard *keyboard = &compositor->seat->keyboard;

	while (keyboard->held_count > 0)
		release_held(compositor->seat, &keyboard->held[keyboard->held_count - 1]);
	pointer_release_all(compositor->seat);
}

unsigned int compositor_leds(const struct compositor *compositor)
{
	return compositor->seat->keyboard.leds;
}

/* ---- wl_keyboard --------------------------------------------------------------------------- */

static const struct wl_keyboard_interface keyboard_impl = {
	.release = resource_destroy_request,
};

static void destroy_keyboard(struct wl_resource *resource)
{
	wl_list_remove(wl_resource_get_link(resource));
	client_give(wl_resource_get_client(resource), CLIENT_SEAT_OBJECT);
	free(wl_resource_get_user_data(resource));
}

void keyboard_add(struct seat *seat, struct wl_client *client, uint32_t version, uint32_t id)
{
	struct keyboard_resource *mine;
	struct wl_resource *resource;

	if (!client_take(client, CLIENT_SEAT_OBJECT))
		return;
	mine = calloc(1, sizeof(*mine));
	resource = wl_resource_create(client, &wl_keyboard_interface, (int)version, id);
	if (!mine || !resource) {
		free(mine);
		client_give(client, CLIENT_SEAT_OBJECT);
		wl_client_post_no_memory(client);
		return;
	}
	mine->seat = seat;
	wl_resource_set_implementation(resource, &keyboard_impl, mine, destroy_keyboard);
	wl_list_insert(&seat->keyboard.resources, wl_resource_get_link(resource));
	send_keymap(&seat->keyboard, resource);
	if (version >= WL_KEYBOARD_REPEAT_INFO_SINCE_VERSION)
		wl_keyboard_send_repeat_info(resource, REPEAT_RATE, REPEAT_DELAY);
	if (has_focus(&seat->keyboard, resource))
		send_enter(seat, resource);
}

static void handle_focus_destroy(struct wl_listener *listener, void *data)
{
	struct surface_link *link = wl_container_of(listener, link, destroy);
	struct seat *seat = link->seat;
	struct surface *old = link->surface;

	(void)data;
	surface_link_set(link, NULL);
	text_input_focus(seat, old, NULL);
	compositor_settle_later(seat->compositor);
}

int keyboard_init(struct seat *seat, const char *layout)
{
	struct keyboard *keyboard = &seat->keyboard;
	int r;

	keyboard->memfd = -1;
	wl_list_init(&keyboard->resources);
	surface_link_init(&keyboard->focus, seat, handle_focus_destroy);
	r = keymap_create(layout, &keyboard->keymap);
	if (r < 0)
		return r;
	keyboard->state = xkb_state_new(keyboard->keymap->xkb);
	return keyboard->state ? 0 : -ENOMEM;
}

void keyboard_finish(struct seat *seat)
{
	xkb_state_unref(seat->keyboard.state);
	keymap_destroy(seat->keyboard.keymap);
	fd_close(seat->keyboard.memfd);
}
