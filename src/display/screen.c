/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "display/screen.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/attr.h"
#include "display/display.h"
#include "display/hooks.h"
#include "display/limits.h"
#include "display/viewer.h"
#include "rfb/compare.h"

#define REFRESH_START 16666667u

/* --- what the compositor tells ---------------------------------------------------------------- */

static void handle_damaged(void *data)
{
	struct display *display = data;

	display->screen.dirty = true;
	hooks_damaged();
	if (display->current)
		paint_soon(display->current);
}

static void set_cursor(struct screen *screen, const struct compositor_cursor *cursor)
{
	size_t size = (size_t)cursor->width * (size_t)cursor->height * sizeof(uint32_t);
	uint32_t *pixels = realloc((void *)screen->cursor.pixels, size);

	/* Without memory it stays what it was. */
	if (!pixels)
		return;
	memcpy(pixels, cursor->pixels, size);
	screen->cursor = (struct cursor_image){
		.pixels = pixels,
		.width = cursor->width,
		.height = cursor->height,
		.stride = cursor->width,
		.hot_x = cursor->hot_x,
		.hot_y = cursor->hot_y,
	};
}

static void handle_cursor_changed(void *data, const struct compositor_cursor *cursor)
{
	struct display *display = data;
	struct screen *screen = &display->screen;

	if (cursor) {
		set_cursor(screen, cursor);
	} else {
		screen->cursor.width = 0;
		screen->cursor.height = 0;
		screen->cursor.hot_x = 0;
		screen->cursor.hot_y = 0;
	}
	screen->dirty = screen->dirty || screen->canvas.pixels;
	if (display->current) {
		display->current->due |= DUE_CURSOR;
		paint_soon(display->current);
	}
}

static void handle_clipboard_changed(void *data, bool has_text)
{
	struct display *display = data;

	display->has_text = has_text;
	if (display->current && (has_text || display->current->can.clipboard))
		viewer_announce_clipboard(display->current);
}

static void handle_toplevel_count_changed(void *data, int count)
{
	struct display *display = data;
	_cleanup_buf_ struct buf body;

	buf_init(&body, sizeof(uint32_t));
	buf_put_u32(&body, (uint32_t)count);
	parent_tell(display, IPC_DISPLAY_WINDOWS, &body);
	if (count > 0 && !display->had_window) {
		display->had_window = true;
		parent_tell(display, IPC_DISPLAY_FIRST_PICTURE, NULL);
	}
}

static const struct compositor_impl impl = {
	.damaged = handle_damaged,
	.cursor_changed = handle_cursor_changed,
	.clipboard_changed = handle_clipboard_changed,
	.toplevel_count_changed = handle_toplevel_count_changed,
};

/* ---------------------------------------------------------------------------------------------- */

int screen_init(struct display *display, const char *keyboard_layout)
{
	struct screen *screen = &display->screen;
	const struct compositor_config config = {
		.display = display->wl,
		.width = MIN(SIZE_DEFAULT_WIDTH, display->max_width),
		.height = MIN(SIZE_DEFAULT_HEIGHT, display->max_height),
		.scale120 = COMPOSITOR_SCALE_ONE,
		.keyboard_layout = keyboard_layout,
	};

	screen->width = config.width;
	screen->height = config.height;
	screen->refresh = REFRESH_START;
	return compositor_create(&config, &impl, display, &screen->compositor);
}

static void drop_canvas(struct screen *screen)
{
	free(screen->canvas.pixels);
	screen->canvas.pixels = NULL;
}

void screen_finish(struct display *display)
{
	struct screen *screen = &display->screen;

	compositor_destroy(screen->compositor);
	screen->compositor = NULL;
	drop_canvas(screen);
	free((void *)screen->cursor.pixels);
	screen->cursor.pixels = NULL;
}

int screen_resize(struct display *display, int width, int height)
{
	struct screen *screen = &display->screen;
	int r = compositor_resize(screen->compositor, width, height, COMPOSITOR_SCALE_ONE);

	if (r < 0)
		return r;
	screen->width = width;
	screen->height = height;
	screen->dirty = true;
	drop_canvas(screen);
	return 0;
}

void screen_move_pointer(struct display *display, int x, int y)
{
	struct screen *screen = &display->screen;

	screen->pointer_x = MIN(x, screen->width - 1);
	screen->pointer_y = MIN(y, screen->height - 1);
	screen->dirty = screen->dirty || screen->canvas.pixels;
	compositor_pointer_motion(screen->compositor, screen->pointer_x, screen->pointer_y);
}

void screen_set_visible(struct display *display, bool visible)
{
	struct screen *screen = &display->screen;

	if (screen->visible == visible)
		return;
	screen->visible = visible;
	compositor_set_visible(screen->compositor, visible);
}

void screen_set_refresh(struct display *display, uint32_t nanoseconds)
{
	struct screen *screen = &display->screen;

	if (screen->refresh == nanoseconds)
		return;
	screen->refresh = nanoseconds;
	compositor_set_refresh(screen->compositor, nanoseconds);
}

/* --- a pointer in the picture ----------------------------------------------------------------- */

static int make_canvas(struct screen *screen, const struct picture *picture,
		       pixman_region32_t *damage)
{
	uint32_t *pixels = calloc((size_t)picture->width * (size_t)picture->height,
				  sizeof(*pixels));

	if (!pixels)
		return -ENOMEM;
	screen->canvas = (struct picture){pixels, picture->width, picture->height, picture->width};
	screen->drawn = (pixman_box32_t){0, 0, 0, 0};
	pixman_region32_union_rect(damage, damage, 0, 0, (unsigned int)picture->width,
				   (unsigned int)picture->height);
	return 0;
}

static void add_box(pixman_region32_t *region, const pixman_box32_t *box)
{
	if (box->x1 < box->x2 && box->y1 < box->y2)
		pixman_region32_union_rect(region, region, box->x1, box->y1,
					   (unsigned int)(box->x2 - box->x1),
					   (unsigned int)(box->y2 - box->y1));
}

static pixman_box32_t pointer_box(const struct screen *screen)
{
	const struct cursor_image *image = &screen->cursor;
	int x = screen->pointer_x - image->hot_x, y = screen->pointer_y - image->hot_y;

	return (pixman_box32_t){
		MAX(x, 0),
		MAX(y, 0),
		MIN(x + image->width, screen->canvas.width),
		MIN(y + image->height, screen->canvas.height),
	};
}

static int draw_pointer(struct screen *screen)
{
	const struct cursor_image *image = &screen->cursor;
	pixman_image_t *from, *to;
	int r = -ENOMEM;

	if (image->width == 0)
		return 0;
	from = pixman_image_create_bits(PIXMAN_a8r8g8b8, image->width, image->height,
					(uint32_t *)image->pixels, image->stride * 4);
	to = pixman_image_create_bits(PIXMAN_x8r8g8b8, screen->canvas.width, screen->canvas.height,
				      screen->canvas.pixels, screen->canvas.stride * 4);
	if (from && to) {
		pixman_image_composite32(PIXMAN_OP_OVER, from, NULL, to, 0, 0, 0, 0,
					 screen->pointer_x - image->hot_x,
					 screen->pointer_y - image->hot_y, image->width,
					 image->height);
		r = 0;
	}
	if (from)
		pixman_image_unref(from);
	if (to)
		pixman_image_unref(to);
	return r;
}

/* Brings the canvas up to date; `fresh` is what changed, and comes to hold the pointer's places. */
static int paint_canvas(struct screen *screen, const struct picture *picture,
			pixman_region32_t *fresh)
{
	const pixman_box32_t *boxes;
	pixman_box32_t box;
	int n, r = 0;

	if (!screen->canvas.pixels)
		r = make_canvas(screen, picture, fresh);
	if (r < 0)
		return r;
	add_box(fresh, &screen->drawn);
	boxes = pixman_region32_rectangles(fresh, &n);
	for (int i = 0; i < n; i++)
		compare_copy(&screen->canvas, picture, &boxes[i]);
	box = pointer_box(screen);
	r = draw_pointer(screen);
	screen->drawn = box;
	add_box(fresh, &box);
	return r;
}

int screen_picture(struct display *display, bool with_pointer, struct picture *ret_picture,
		   pixman_region32_t *damage)
{
	struct screen *screen = &display->screen;
	pixman_region32_t fresh;
	int r;

	pixman_region32_init(&fresh);
	r = compositor_picture(screen->compositor, ret_picture, &fresh);
	if (r == 0) {
		screen->dirty = false;
		if (with_pointer) {
			r = paint_canvas(screen, ret_picture, &fresh);
			*ret_picture = screen->canvas;
		} else {
			drop_canvas(screen);
		}
		pixman_region32_union(damage, damage, &fresh);
	}
	pixman_region32_fini(&fresh);
	return r;
}
