/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a framebuffer says of an update against a comparison of the pictures before and after. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "bench/client/framebuffer.h"
#include "rfb/protocol.h"

#define WIDTH 150
#define HEIGHT 140
#define ROUNDS 20000

static struct framebuffer fb;
static uint32_t model[HEIGHT][WIDTH], before[HEIGHT][WIDTH];

static int next_random(int n)
{
	static uint64_t state = 7;

	state = state * UINT64_C(6364136223846793005) + 1;
	return (int)(state >> 33) % n;
}

static struct box random_box(void)
{
	struct box box = {.x1 = next_random(WIDTH), .y1 = next_random(HEIGHT)};

	box.x2 = box.x1 + 1 + next_random(next_random(3) ? MIN(9, WIDTH - box.x1) : WIDTH - box.x1);
	box.y2 = box.y1 + 1 +
		 next_random(next_random(3) ? MIN(9, HEIGHT - box.y1) : HEIGHT - box.y1);
	return box;
}

/* Few colours, so that much is written that is there already. */
static uint32_t random_colour(void)
{
	return next_random(4) ? 0x102030 : 0x405060;
}

static void fill(const struct box *box)
{
	uint32_t colour = random_colour();

	for (int y = box->y1; y < box->y2; y++) {
		for (int x = box->x1; x < box->x2; x++)
			model[y][x] = colour;
	}
	framebuffer_fill(&fb, box, colour);
}

/* The same again but for a pixel or none. */
static void rows(const struct box *box)
{
	int x = box->x1 + next_random(box->x2 - box->x1);
	int y = box->y1 + next_random(box->y2 - box->y1);

	model[y][x] = random_colour();
	framebuffer_begin_rect(&fb, box);
	for (y = box->y1; y < box->y2; y++) {
		memcpy(framebuffer_row(&fb, box->x1, y), &model[y][box->x1],
		       (size_t)(box->x2 - box->x1) * 4);
		framebuffer_row_done(&fb, box->x1, y, box->x2 - box->x1);
	}
}

static void patch(const struct box *box)
{
	int x = box->x1 + next_random(box->x2 - box->x1);
	int y = box->y1 + next_random(box->y2 - box->y1), stride;
	uint32_t *to;

	model[y][x] = random_colour();
	framebuffer_begin_rect(&fb, box);
	to = framebuffer_patch(&fb, box, &stride);
	assert_non_null(to);
	for (y = box->y1; y < box->y2; y++, to += stride) {
		for (x = box->x1; x < box->x2; x++)
			to[x - box->x1] = model[y][x] | 0xff000000;
	}
	framebuffer_patch_done(&fb, box);
}

static void copy(const struct box *dst)
{
	int width = dst->x2 - dst->x1, height = dst->y2 - dst->y1;
	int x = next_random(WIDTH - width + 1), y = next_random(HEIGHT - height + 1);
	static uint32_t old[HEIGHT][WIDTH];

	memcpy(old, model, sizeof(old));
	for (int row = 0; row < height; row++)
		memcpy(&model[dst->y1 + row][dst->x1], &old[y + row][x], (size_t)width * 4);
	framebuffer_copy(&fb, dst, x, y);
}

static bool box_differs(const struct box *box)
{
	for (int y = MAX(box->y1, 0); y < MIN(box->y2, HEIGHT); y++) {
		for (int x = MAX(box->x1, 0); x < MIN(box->x2, WIDTH); x++) {
			if (model[y][x] != before[y][x])
				return true;
		}
	}
	return false;
}

/* Something may come and go within one update: then `changed` is true and the pictures are equal. */
static void run_update(bool one)
{
	static void (*const kinds[])(const struct box *) = {fill, rows, patch, copy};
	int count = one ? 1 : 1 + next_random(4);

	memcpy(before, model, sizeof(before));
	framebuffer_begin_update(&fb);
	for (int i = 0; i < count; i++) {
		struct box box = random_box();

		kinds[next_random((int)ARRAY_LEN(kinds))](&box);
	}
	assert_memory_equal(fb.pixels, model, sizeof(model));
}

static void check_tiles(void)
{
	for (int i = 0; i < fb.tile_columns * fb.tile_rows; i++) {
		int x = i % fb.tile_columns * TILE_SIDE, y = i / fb.tile_columns * TILE_SIDE;
		struct box tile = {x, y, x + TILE_SIDE, y + TILE_SIDE};

		if (box_differs(&tile))
			assert_true(fb.tiles[i]);
	}
	framebuffer_clean_tiles(&fb);
}

static void test_updates(void **state)
{
	struct box box = {20, 10, 60, 50};
	int changed = 0, hit = 0;

	(void)state;
	assert_int_equal(framebuffer_resize(&fb, WIDTH, HEIGHT), 0);
	assert_int_equal(framebuffer_track_tiles(&fb), 0);
	for (int i = 0; i < ROUNDS; i++) {
		const struct box all = {0, 0, WIDTH, HEIGHT};
		bool one = i % 2, watched = i % 3;

		if (watched)
			framebuffer_watch(&fb, &box);
		else
			framebuffer_unwatch(&fb);
		run_update(one);
		if (one) {
			assert_int_equal(fb.changed, box_differs(&all));
			assert_int_equal(fb.box_changed, watched && box_differs(&box));
		} else {
			assert_true(fb.changed || !box_differs(&all));
			assert_true(fb.box_changed || !watched || !box_differs(&box));
		}
		changed += fb.changed;
		hit += fb.box_changed;
		check_tiles();
		if (i % 50 == 0) {
			box = random_box();
			box.x2 += 30;
		}
	}
	assert_true(changed > ROUNDS / 10 && changed < ROUNDS * 9 / 10);
	assert_true(hit > ROUNDS / 100 && hit < changed);
	framebuffer_finish(&fb);
}

/* What was under way when the wait began is no answer. */
static void test_watch_begins_late(void **state)
{
	const struct box box = {0, 0, 10, 10};

	(void)state;
	assert_int_equal(framebuffer_resize(&fb, WIDTH, HEIGHT), 0);
	framebuffer_begin_update(&fb);
	framebuffer_watch(&fb, &box);
	framebuffer_fill(&fb, &box, 0x123456);
	assert_true(fb.changed);
	assert_false(fb.box_changed);
	framebuffer_begin_update(&fb);
	framebuffer_fill(&fb, &box, 0x123456);
	assert_false(fb.changed || fb.box_changed);
	framebuffer_fill(&fb, &box, 0x123457);
	assert_true(fb.changed && fb.box_changed);
	framebuffer_finish(&fb);
}

static void test_sizes(void **state)
{
	(void)state;
	assert_int_equal(framebuffer_resize(&fb, 3, 2), 0);
	assert_int_equal(framebuffer_resize(&fb, 0, 2), -EINVAL);
	assert_int_equal(framebuffer_resize(&fb, 2, RFB_SIDE_MAX + 1), -EINVAL);
	assert_int_equal(fb.width, 3);
	assert_int_equal(framebuffer_resize(&fb, RFB_SIDE_MAX, 1), 0);
	framebuffer_finish(&fb);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_updates),
					   cmocka_unit_test(test_watch_begins_late),
					   cmocka_unit_test(test_sizes)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
