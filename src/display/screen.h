/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The compositor as the viewers see it: picture and damage, the pointer's shape, and the picture
 * with the pointer drawn in for viewers that cannot draw one of their own.
 */
#ifndef LAZARET_DISPLAY_SCREEN_H
#define LAZARET_DISPLAY_SCREEN_H

#include <pixman.h>
#include <stdbool.h>
#include <stdint.h>

#include "display/wayland/compositor.h"
#include "rfb/cursor_rect.h"
#include "rfb/pixel_format.h"

struct display;

struct screen {
	struct compositor *compositor;
	int width, height; /* pixels */
	bool dirty; /* there is damage that nobody has fetched */
	bool visible; /* what the compositor was told */
	uint32_t refresh; /* likewise, in nanoseconds */

	/* The pointer's shape; width 0: hidden. The pixels are ours. */
	struct cursor_image cursor;
	int pointer_x, pointer_y;

	/* The picture with the pointer in it; only kept while somebody needs it. */
	struct picture canvas; /* .pixels NULL: none */
	pixman_box32_t drawn; /* where the pointer stands in it */
};

/* Creates the compositor; loads files, so it comes before the sandbox. Errors: compositor.h. */
NODISCARD int screen_init(struct display *display, const char *keyboard_layout);
void screen_finish(struct display *display);

/* See compositor_resize(). */
NODISCARD int screen_resize(struct display *display, int width, int height);

/*
 * The picture of now and what changed since the last call, which is added to `damage`. Borrowed
 * until the next call of anything of the compositor. With `with_pointer` the pointer is drawn in.
 * 0, -ENOMEM.
 */
NODISCARD int screen_picture(struct display *display, bool with_pointer,
			     struct picture *ret_picture, pixman_region32_t *damage);

/* The pointer moved to here. */
void screen_move_pointer(struct display *display, int x, int y);

void screen_set_visible(struct display *display, bool visible);
void screen_set_refresh(struct display *display, uint32_t nanoseconds);

#endif
