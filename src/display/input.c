/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Pointer and keys (RFC 6143 7.5.4, 7.5.5; rfbproto "ExtendedMouseButtons", "QEMU Extended Key"). */
#include <linux/input-event-codes.h>

#include "base/attr.h"
#include "base/clock.h"
#include "display/display.h"
#include "display/hooks.h"
#include "display/viewer.h"

#define NOTCH 120

/* Button n of the protocol is bit n - 1: a button, or a notch of a wheel. */
static const struct {
	uint32_t code; /* evdev; 0: wheel */
	int dx, dy;
} buttons[] = {
	{BTN_LEFT, 0, 0}, {BTN_MIDDLE, 0, 0}, {BTN_RIGHT, 0, 0}, {0, 0, -NOTCH},    {0, 0, NOTCH},
	{0, -NOTCH, 0},   {0, NOTCH, 0},      {BTN_SIDE, 0, 0},  {BTN_EXTRA, 0, 0},
};

void viewer_take_pointer(struct viewer *viewer, const struct client_pointer *pointer)
{
	struct compositor *compositor = viewer->display->screen.compositor;
	uint16_t changed = viewer->buttons ^ pointer->buttons;

	viewer->input = clock_now();
	screen_move_pointer(viewer->display, pointer->x, pointer->y);
	if (!viewer->can.cursor && !viewer->can.cursor_alpha)
		paint_soon(viewer);
	for (size_t i = 0; i < ARRAY_LEN(buttons); i++) {
		bool pressed = pointer->buttons >> i & 1;

		if (!(changed >> i & 1))
			continue;
		if (buttons[i].code)
			compositor_pointer_button(compositor, buttons[i].code, pressed);
		else if (pressed)
			compositor_pointer_wheel(compositor, buttons[i].dx, buttons[i].dy);
	}
	viewer->buttons = pointer->buttons;
}

void viewer_take_key(struct viewer *viewer, const struct client_key *key)
{
	viewer->input = clock_now();
	viewer->key = viewer->input;
	if (key->down)
		hooks_key();
	compositor_keyboard_keysym(viewer->display->screen.compositor, key->keysym, key->keycode,
				   key->down);
}
