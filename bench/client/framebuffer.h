/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The picture that the server gave us, and what an update changed in it. Pixels are host-order
 * 0x00RRGGBB, which in memory of a little-endian machine is BGRX with X = 0.
 *
 * Whether an update changed anything is found by comparing what is written with what was there, but
 * only until the first difference: after that rows go straight into the picture.
 */
#ifndef LAZARET_BENCH_FRAMEBUFFER_H
#define LAZARET_BENCH_FRAMEBUFFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"

/* Pixels; x2 and y2 are just outside. */
struct box {
	int x1, y1, x2, y2;
};

#define TILE_SIDE 64

struct framebuffer {
	uint32_t *pixels; /* rows of `width` */
	int width, height;

	bool changed; /* by the update that is being decoded */

	/* A box that someone waits for. It counts from the update on that begins after
	 * framebuffer_watch(): what was under way then is no answer to anything. */
	struct box box;
	bool box_armed, box_active;
	bool box_changed; /* by the update that is being decoded */

	/* Tiles that rectangles touched since framebuffer_clean_tiles(); NULL: nobody asks. */
	uint8_t *tiles;
	int tile_columns, tile_rows;

	/* The rectangle that is being written */
	bool checking;
	uint32_t *scratch; /* one row */
	uint32_t *patch; /* a whole rectangle, taken when one is needed */
	size_t patch_size; /* pixels */
};

/* Black pixels of this size. 0, -EINVAL (not 1 to RFB_SIDE_MAX) or -ENOMEM; on error what was
 * there is kept. Watching and tracking go on. */
NODISCARD int framebuffer_resize(struct framebuffer *fb, int width, int height);
void framebuffer_finish(struct framebuffer *fb);

/* Between rectangles and after the last. */
void framebuffer_begin_update(struct framebuffer *fb);

/* Waits for a change inside a box (it may reach beyond the picture); again after each hit. */
void framebuffer_watch(struct framebuffer *fb, const struct box *box);
void framebuffer_unwatch(struct framebuffer *fb);

/* Notes touched tiles from now on; all count as touched at first. 0 or -ENOMEM. */
NODISCARD int framebuffer_track_tiles(struct framebuffer *fb);
void framebuffer_clean_tiles(struct framebuffer *fb);
void framebuffer_forget_tiles(struct framebuffer *fb);

/* Comes before the rows of a rectangle, which is not empty and inside the picture. */
void framebuffer_begin_rect(struct framebuffer *fb, const struct box *rect);

/* Where `width` pixels for a row go, top bytes 0; then framebuffer_row_done() with the same. */
static inline uint32_t *framebuffer_row(struct framebuffer *fb, int x, int y)
{
	return fb->checking ? fb->scratch : fb->pixels + (size_t)y * (size_t)fb->width + x;
}
void framebuffer_check_row(struct framebuffer *fb, int x, int y, int width);
static inline void framebuffer_row_done(struct framebuffer *fb, int x, int y, int width)
{
	if (fb->checking)
		framebuffer_check_row(fb, x, y, width);
}

/*
 * The same for a rectangle at once: where its pixels go (any top byte), and how many pixels apart
 * its rows lie. NULL without memory. Then framebuffer_patch_done().
 */
uint32_t *framebuffer_patch(struct framebuffer *fb, const struct box *rect, int *ret_stride);
void framebuffer_patch_done(struct framebuffer *fb, const struct box *rect);

/* Whole rectangles; framebuffer_begin_rect() is included. Source and destination of a copy are
 * inside the picture and may overlap. */
void framebuffer_fill(struct framebuffer *fb, const struct box *rect, uint32_t colour);
void framebuffer_copy(struct framebuffer *fb, const struct box *dst, int src_x, int src_y);

#endif
