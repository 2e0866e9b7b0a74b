/* SPDX-License-Identifier: GPL-3.0-or-later */
/* wl_seat (wayland.xml, version 8): one pointer, one keyboard, and where they point. */
#ifndef LAZARET_DISPLAY_WAYLAND_SEAT_H
#define LAZARET_DISPLAY_WAYLAND_SEAT_H

#include "display/wayland/internal.h"
#include "display/wayland/keymap.h"
#include "display/wayland/surface.h"

#define BUTTONS_MAX 8

/* A surface that is pointed at, forgotten when it goes. */
struct surface_link {
	struct surface *surface; /* NULL: none */
	struct wl_listener destroy;
	struct seat *seat;
};

struct pointer {
	struct wl_list resources; /* wl_pointer */
	int x, y; /* output pixels */
	struct surface_link focus;
	double sx, sy; /* logical, relative to the focus */
	uint32_t buttons[BUTTONS_MAX]; /* held */
	int button_count;
	uint32_t press_serial; /* of the press that began the implicit grab */
	uint32_t enter_serial;
	int wheel_x, wheel_y; /* 1/120 notch not yet told to clients of whole notches */
	struct toplevel *moving; /* a dialog that is dragged; NULL: none */
	int move_x, move_y; /* logical, pointer to the dialog's origin */

	struct surface_link cursor; /* NULL: hidden, or our own arrow without focus */
	int hot_x, hot_y; /* logical */
};

enum held_kind {
	HELD_KEY, /* a key is down */
	HELD_TEXT, /* went as text */
	HELD_NOTHING, /* swallowed */
};

struct held {
	enum held_kind kind;
	uint32_t keysym, scancode; /* as pressed */
	uint32_t code; /* evdev, if HELD_KEY */
};

struct modifiers {
	uint32_t depressed, latched, locked;
};

struct keyboard {
	struct wl_list resources; /* wl_keyboard; user data: struct keyboard_resource */
	struct keymap *keymap;
	struct xkb_state *state; /* by the keys really held */
	struct surface_link focus;
	struct held held[KEYS_HELD_MAX];
	int held_count;
	struct modifiers sent; /* last told */
	unsigned int leds;
	int memfd; /* the keymap's text, sealed; -1: to be made */
	uint32_t memfd_generation;
	size_t memfd_size;
};

struct seat {
	struct compositor *compositor;
	struct wl_global *global;
	struct pointer pointer;
	struct keyboard keyboard;
	struct wl_list text_inputs; /* struct text_input.link */
};

int seat_create(struct compositor *compositor, const char *layout, struct seat **ret_seat);
void seat_destroy(struct seat *seat);

/* surface_link: one surface and the listener that forgets it. */
void surface_link_init(struct surface_link *link, struct seat *seat, wl_notify_func_t notify);
void surface_link_set(struct surface_link *link, struct surface *surface);

/* The client of a surface; NULL for NULL. */
struct wl_client *surface_client(const struct surface *surface);

/* pointer.c */
void pointer_init(struct seat *seat);
void pointer_add(struct seat *seat, struct wl_client *client, uint32_t version, uint32_t id);
/* Looks again what lies under the pointer. */
void pointer_repick(struct seat *seat);
/* The output changed. */
void pointer_clamp(struct seat *seat);
/* Place in logical units, relative to the area. */
void pointer_place(const struct seat *seat, double *ret_x, double *ret_y);
void pointer_set_focus(struct seat *seat, struct surface *surface, double sx, double sy);
/* A button is held since the press of that serial, on a surface of that client. */
bool pointer_has_grab(const struct seat *seat, struct wl_client *client, uint32_t serial);
/* The user drags a dialog by its title bar. */
void pointer_start_move(struct seat *seat, struct toplevel *toplevel, uint32_t serial);
/* A drag took the pointer: its client sees the pointer leave. */
void pointer_drag_began(struct seat *seat);
void pointer_forget_window(struct seat *seat, const struct toplevel *toplevel);
void pointer_release_all(struct seat *seat);

/* cursor.c */
void cursor_init(struct seat *seat);
/* From wl_pointer.set_cursor; surface may be NULL. */
void cursor_set(struct seat *seat, struct wl_resource *pointer, struct surface *surface, int hot_x,
		int hot_y);
/* The pointer is over no window: an arrow of our own. */
void cursor_reset(struct seat *seat);

/* keyboard.c */
int keyboard_init(struct seat *seat, const char *layout);
void keyboard_finish(struct seat *seat);
void keyboard_add(struct seat *seat, struct wl_client *client, uint32_t version, uint32_t id);
/* Gives the keyboard to the topmost grabbing popup or the active window. */
void keyboard_refocus(struct seat *seat);

/* text_input.c */
void text_input_focus(struct seat *seat, struct surface *old, struct surface *surface);
/* A text field of the focused window takes text now. */
bool text_input_is_active(const struct seat *seat);
void text_input_commit(struct seat *seat, const char *utf8);

#endif
