/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "bench/client/framebuffer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "rfb/protocol.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "pixels come as they lie here");

static uint32_t *at(const struct framebuffer *fb, int x, int y)
{
	return fb->pixels + (size_t)y * (size_t)fb->width + x;
}

static int tiles_across(int side)
{
	return (side + TILE_SIDE - 1) / TILE_SIDE;
}

static int resize_tiles(struct framebuffer *fb, int width, int height)
{
	size_t count = (size_t)tiles_across(width) * (size_t)tiles_across(height);
	uint8_t *tiles = malloc(count);

	if (!tiles)
		return -ENOMEM;
	memset(tiles, 1, count);
	free(fb->tiles);
	fb->tiles = tiles;
	fb->tile_columns = tiles_across(width);
	fb->tile_rows = tiles_across(height);
	return 0;
}

int framebuffer_resize(struct framebuffer *fb, int width, int height)
{
	uint32_t *pixels, *scratch;

	if (width < 1 || height < 1 || width > RFB_SIDE_MAX || height > RFB_SIDE_MAX)
		return -EINVAL;
	pixels = calloc((size_t)width * (size_t)height, sizeof(*pixels));
	scratch = calloc((size_t)width, sizeof(*scratch));
	if (!pixels || !scratch || (fb->tiles && resize_tiles(fb, width, height) < 0)) {
		free(pixels);
		free(scratch);
		return -ENOMEM;
	}
	free(fb->pixels);
	free(fb->scratch);
	fb->pixels = pixels;
	fb->scratch = scratch;
	fb->width = width;
	fb->height = height;
	/* Whoever waits for a change has one. */
	fb->changed = true;
	return 0;
}

void framebuffer_finish(struct framebuffer *fb)
{
	free(fb->pixels);
	free(fb->scratch);
	free(fb->patch);
	free(fb->tiles);
	*fb = (struct framebuffer){0};
}

void framebuffer_begin_update(struct framebuffer *fb)
{
	fb->changed = false;
	fb->box_changed = false;
	fb->box_active = fb->box_armed;
}

void framebuffer_watch(struct framebuffer *fb, const struct box *box)
{
	fb->box = *box;
	fb->box_armed = true;
	fb->box_active = false;
	fb->box_changed = false;
}

void framebuffer_unwatch(struct framebuffer *fb)
{
	fb->box_armed = false;
	fb->box_active = false;
	fb->box_changed = false;
}

int framebuffer_track_tiles(struct framebuffer *fb)
{
	return resize_tiles(fb, fb->width, fb->height);
}

void framebuffer_clean_tiles(struct framebuffer *fb)
{
	if (fb->tiles)
		memset(fb->tiles, 0, (size_t)fb->tile_columns * (size_t)fb->tile_rows);
}

void framebuffer_forget_tiles(struct framebuffer *fb)
{
	free(fb->tiles);
	fb->tiles = NULL;
}

static void touch_tiles(struct framebuffer *fb, const struct box *rect)
{
	int left = rect->x1 / TILE_SIDE, right = tiles_across(rect->x2);

	for (int row = rect->y1 / TILE_SIDE; row < tiles_across(rect->y2); row++)
		memset(fb->tiles + (size_t)row * (size_t)fb->tile_columns + left, 1,
		       (size_t)(right - left));
}

/* Whether what is written into the rectangle has to be compared. */
static bool wants_check(const struct framebuffer *fb, const struct box *rect)
{
	if (!fb->changed)
		return true;
	return fb->box_active && !fb->box_changed && rect->x1 < fb->box.x2 &&
	       rect->x2 > fb->box.x1 && rect->y1 < fb->box.y2 && rect->y2 > fb->box.y1;
}

void framebuffer_begin_rect(struct framebuffer *fb, const struct box *rect)
{
	fb->checking = wants_check(fb, rect);
	if (fb->tiles)
		touch_tiles(fb, rect);
}

/* Compares `width` pixels that are to come to (x, y) with those that are there. */
static void compare_row(struct framebuffer *fb, int x, int y, int width, const uint32_t *row)
{
	const uint32_t *old = at(fb, x, y);
	int left = MAX(x, fb->box.x1), right = MIN(x + width, fb->box.x2);

	if (!fb->changed)
		fb->changed = memcmp(old, row, (size_t)width * sizeof(*row)) != 0;
	if (fb->box_active && !fb->box_changed && fb->changed && y >= fb->box.y1 &&
	    y < fb->box.y2 && left < right)
		fb->box_changed = memcmp(old + (left - x), row + (left - x),
					 (size_t)(right - left) * sizeof(*row)) != 0;
}

/* The rest of the rectangle, from row y on, may go unlooked at. */
static void reconsider(struct framebuffer *fb, int x, int y, int width)
{
	struct box rest = {x, y, x + width, fb->height};

	fb->checking = wants_check(fb, &rest);
}

void framebuffer_check_row(struct framebuffer *fb, int x, int y, int width)
{
	compare_row(fb, x, y, width, fb->scratch);
	memcpy(at(fb, x, y), fb->scratch, (size_t)width * sizeof(*fb->scratch));
	if (fb->changed)
		reconsider(fb, x, y + 1, width);
}

uint32_t *framebuffer_patch(struct framebuffer *fb, const struct box *rect, int *ret_stride)
{
	size_t width = (size_t)(rect->x2 - rect->x1);
	size_t size = width * (size_t)(rect->y2 - rect->y1);

	if (!fb->checking) {
		*ret_stride = fb->width;
		return at(fb, rect->x1, rect->y1);
	}
	if (size > fb->patch_size) {
		free(fb->patch);
		fb->patch = malloc(size * sizeof(*fb->patch));
		fb->patch_size = fb->patch ? size : 0;
	}
	*ret_stride = (int)width;
	return fb->patch;
}

static void clear_top_bytes(uint32_t *pixels, int width)
{
	for (int x = 0; x < width; x++)
		pixels[x] &= 0xffffff;
}

void framebuffer_patch_done(struct framebuffer *fb, const struct box *rect)
{
	int width = rect->x2 - rect->x1;
	uint32_t *from = fb->patch;
	bool patched = fb->checking;

	for (int y = rect->y1; y < rect->y2; y++, from += width) {
		if (!patched) {
			clear_top_bytes(at(fb, rect->x1, y), width);
			continue;
		}
		clear_top_bytes(from, width);
		if (fb->checking) {
			compare_row(fb, rect->x1, y, width, from);
			if (fb->changed)
				reconsider(fb, rect->x1, y + 1, width);
		}
		memcpy(at(fb, rect->x1, y), from, (size_t)width * sizeof(*from));
	}
}

void framebuffer_fill(struct framebuffer *fb, const struct box *rect, uint32_t colour)
{
	int width = rect->x2 - rect->x1;

	framebuffer_begin_rect(fb, rect);
	for (int y = rect->y1; y < rect->y2; y++) {
		uint32_t *row = framebuffer_row(fb, rect->x1, y);

		for (int x = 0; x < width; x++)
			row[x] = colour;
		framebuffer_row_done(fb, rect->x1, y, width);
	}
}

void framebuffer_copy(struct framebuffer *fb, const struct box *dst, int src_x, int src_y)
{
	int width = dst->x2 - dst->x1, height = dst->y2 - dst->y1;
	/* Upwards from the last row if that would otherwise be overwritten before it is read. */
	bool up = src_y < dst->y1;

	framebuffer_begin_rect(fb, dst);
	for (int i = 0; i < height; i++) {
		int row = up ? height - 1 - i : i;
		const uint32_t *from = at(fb, src_x, src_y + row);

		/* A row later in the copy has not been written yet, so it may be compared still. */
		if (fb->checking) {
			compare_row(fb, dst->x1, dst->y1 + row, width, from);
			fb->checking = wants_check(fb, dst);
		}
		memmove(at(fb, dst->x1, dst->y1 + row), from, (size_t)width * sizeof(*from));
	}
}
