/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What an independent decoder shows is, pixel for pixel, what the browser drew: after a thousand
 * random changes and after scrolling, in each lossless encoding.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/attr.h"
#include "page.h"
#include "vnc.h"

#define PATTERNS 1000
#define SCROLLS 300
#define TIMEOUT_MS 15000

struct scene {
	struct harness harness;
	struct page page;
	struct vnc vnc;
	struct harness_source sources[2];
	uint32_t seed;
};

static uint32_t rnd(struct scene *scene)
{
	scene->seed ^= scene->seed << 13;
	scene->seed ^= scene->seed >> 17;
	scene->seed ^= scene->seed << 5;
	return scene->seed;
}

static int below(struct scene *scene, int n)
{
	return (int)(rnd(scene) % (uint32_t)n);
}

static void scene_open(struct scene *scene, const struct vnc_options *options)
{
	memset(scene, 0, sizeof(*scene));
	scene->seed = 0x1a2a3e7;
	harness_start(&scene->harness, harness_program, NULL);
	page_open(&scene->page, &scene->harness);
	vnc_open(&scene->vnc, &scene->harness, options);
	scene->sources[0] = page_source(&scene->page);
	scene->sources[1] = vnc_source(&scene->vnc);
}

static void scene_close(struct scene *scene)
{
	vnc_close(&scene->vnc);
	page_close(&scene->page);
	harness_stop(&scene->harness);
}

static bool same(void *data)
{
	struct scene *scene = data;

	assert_false(scene->vnc.closed);
	assert_false(scene->harness.gone);
	return vnc_shows(&scene->vnc, scene->page.pixels, scene->page.width, scene->page.height);
}

static void assert_same(struct scene *scene, const char *what, int step)
{
	int x, y;

	if (harness_pump(&scene->harness, scene->sources, 2, same, scene, TIMEOUT_MS))
		return;
	(void)vnc_first_difference(&scene->vnc, scene->page.pixels, scene->page.width,
				   scene->page.height, &x, &y);
	fail_msg("%s %d: pixel %d,%d is %06x instead of %06x", what, step, x, y,
		 vnc_pixel(&scene->vnc, MAX(x, 0), MAX(y, 0)),
		 scene->page.pixels[MAX(y, 0) * scene->page.width + MAX(x, 0)]);
}

/* --- patterns --------------------------------------------------------------------------------- */

struct box {
	int x, y, width, height;
};

static uint32_t *at(struct scene *scene, int x, int y)
{
	return scene->page.pixels + (size_t)y * (size_t)scene->page.width + (size_t)x;
}

static struct box random_box(struct scene *scene)
{
	const struct page *page = &scene->page;
	int most = below(scene, 4) == 0 ? page->width : 200;
	struct box box;

	box.x = below(scene, page->width);
	box.y = below(scene, page->height);
	box.width = 1 + below(scene, MIN(most, page->width - box.x));
	box.height = 1 + below(scene, MIN(most, page->height - box.y));
	return box;
}

static void draw_fill(struct scene *scene, const struct box *box)
{
	uint32_t colour = rnd(scene) & 0xffffff;

	for (int y = 0; y < box->height; y++) {
		for (int x = 0; x < box->width; x++)
			*at(scene, box->x + x, box->y + y) = colour;
	}
}

static void draw_noise(struct scene *scene, const struct box *box)
{
	for (int y = 0; y < box->height; y++) {
		for (int x = 0; x < box->width; x++)
			*at(scene, box->x + x, box->y + y) = rnd(scene) & 0xffffff;
	}
}

static void draw_colours(struct scene *scene, const struct box *box, int count)
{
	uint32_t colours[256];

	for (int i = 0; i < count; i++)
		colours[i] = rnd(scene) & 0xffffff;
	for (int y = 0; y < box->height; y++) {
		for (int x = 0; x < box->width; x++)
			*at(scene, box->x + x, box->y + y) = colours[below(scene, count)];
	}
}

static void draw_two(struct scene *scene, const struct box *box)
{
	draw_colours(scene, box, 2);
}

static void draw_few(struct scene *scene, const struct box *box)
{
	draw_colours(scene, box, 3 + below(scene, 250));
}

static void draw_gradient(struct scene *scene, const struct box *box)
{
	uint32_t base = rnd(scene);

	for (int y = 0; y < box->height; y++) {
		for (int x = 0; x < box->width; x++)
			*at(scene, box->x + x, box->y + y) = (base + (uint32_t)x * 0x010002u +
							      (uint32_t)y * 0x000300u) &
							     0xffffff;
	}
}

/* Moves what stands in the box by a random way, as a pane that scrolls does. */
static void draw_shift(struct scene *scene, const struct box *box)
{
	int dy = 1 + below(scene, MAX(box->height - 1, 1));

	if (dy >= box->height)
		return;
	for (int y = box->y; y < box->y + box->height - dy; y++)
		memmove(at(scene, box->x, y), at(scene, box->x, y + dy), (size_t)box->width * 4);
}

static void (*const painters[])(struct scene *scene, const struct box *box) = {
	draw_fill, draw_noise, draw_two, draw_few, draw_gradient, draw_shift,
};

/* Several boxes; their damage exact, as one box around them, or the whole window. */
static void draw_random(struct scene *scene)
{
	int damage[4][4], n = 1 + below(scene, 4), kind = below(scene, 3);
	const int all[1][4] = {{0, 0, scene->page.width, scene->page.height}};
	int around[1][4] = {{scene->page.width, scene->page.height, 0, 0}};

	for (int i = 0; i < n; i++) {
		struct box box = random_box(scene);

		painters[below(scene, (int)ARRAY_LEN(painters))](scene, &box);
		memcpy(damage[i], (int[4]){box.x, box.y, box.width, box.height}, sizeof(damage[i]));
		around[0][0] = MIN(around[0][0], box.x);
		around[0][1] = MIN(around[0][1], box.y);
		around[0][2] = MAX(around[0][2], box.x + box.width);
		around[0][3] = MAX(around[0][3], box.y + box.height);
	}
	around[0][2] -= around[0][0];
	around[0][3] -= around[0][1];
	if (kind == 0)
		page_commit(&scene->page, (const int(*)[4])damage, n);
	else
		page_commit(&scene->page, kind == 1 ? (const int(*)[4])around : all, 1);
}

static void run_patterns(const struct vnc_options *options)
{
	struct scene scene;

	scene_open(&scene, options);
	for (int i = 0; i < PATTERNS; i++) {
		draw_random(&scene);
		/* Now and then a few in a row, so that damage merges. */
		if (below(&scene, 4) > 0)
			assert_same(&scene, options->encodings, i);
	}
	assert_same(&scene, options->encodings, PATTERNS);
	scene_close(&scene);
}

/* --- scrolling -------------------------------------------------------------------------------- */

/* A line of text-like pixels, the same for the same number. */
static uint32_t text_pixel(int x, int line, int row)
{
	uint32_t glyph = ((uint32_t)line * 2654435761u) ^ ((uint32_t)(x / 8) * 40503u);

	if (row < 3 || row > 13 || x % 8 == 7 || (glyph >> 28) < 3)
		return 0xffffff;
	glyph *= 0x9e3779b1u + (uint32_t)row * 0x85ebca6bu;
	return glyph >> (x % 8 + 8) & 1 ? 0x202020 : 0xffffff;
}

/* A page with a fixed head, a fixed bar at the left, and text that stands at `offset`. */
static void draw_page(struct scene *scene, int offset)
{
	const struct page *page = &scene->page;

	for (int y = 0; y < page->height; y++) {
		for (int x = 0; x < page->width; x++) {
			int position = y + offset;
			uint32_t pixel;

			if (y < 60)
				pixel = 0x3050a0;
			else if (x < 180)
				pixel = y / 20 % 2 ? 0xe8e8f0 : 0xd8d8e8;
			else
				pixel = text_pixel(x, position / 18, position % 18);
			*at(scene, x, y) = pixel;
		}
	}
}

static void run_scrolling(const struct vnc_options *options)
{
	static const int steps[] = {3, 40, 53, 120, -53, -120, 1, 300, -1, 77};
	struct scene scene;
	int offset = 5000;

	scene_open(&scene, options);
	for (int i = 0; i < SCROLLS; i++) {
		const int all[1][4] = {{0, 0, scene.page.width, scene.page.height}};

		offset += steps[(i / 20) % (int)ARRAY_LEN(steps)];
		draw_page(&scene, offset);
		page_commit(&scene.page, all, 1);
		if (i % 3 > 0)
			assert_same(&scene, options->encodings, i);
	}
	assert_same(&scene, options->encodings, SCROLLS);
	if (strstr(options->encodings, "copyrect"))
		assert_true(scene.vnc.copies > SCROLLS / 3);
	else
		assert_int_equal(scene.vnc.copies, 0);
	scene_close(&scene);
}

static const struct vnc_options tight = {.encodings = "tight copyrect", .quality = -1};
static const struct vnc_options zrle = {.encodings = "zrle copyrect", .quality = -1};
static const struct vnc_options raw = {.encodings = "raw copyrect", .quality = -1};
static const struct vnc_options plain_tight = {.encodings = "tight", .quality = -1};

static void patterns_tight(void **state)
{
	(void)state;
	run_patterns(&tight);
}

static void patterns_zrle(void **state)
{
	(void)state;
	run_patterns(&zrle);
}

static void patterns_raw(void **state)
{
	(void)state;
	run_patterns(&raw);
}

static void patterns_without_copies(void **state)
{
	(void)state;
	run_patterns(&plain_tight);
}

static void scrolling_tight(void **state)
{
	(void)state;
	run_scrolling(&tight);
}

static void scrolling_zrle(void **state)
{
	(void)state;
	run_scrolling(&zrle);
}

static void scrolling_raw(void **state)
{
	(void)state;
	run_scrolling(&raw);
}

static void scrolling_without_copies(void **state)
{
	(void)state;
	run_scrolling(&plain_tight);
}

/* With a quality level moving places may be lossy; when they rest they become exact. */
static void rest_is_exact_with_jpeg(void **state)
{
	const struct vnc_options options = {.encodings = "tight copyrect", .quality = 5};
	struct scene scene;

	(void)state;
	scene_open(&scene, &options);
	for (int i = 0; i < 60; i++) {
		const struct box box = {300, 200, 400, 300};
		const int damage[1][4] = {{box.x, box.y, box.width, box.height}};

		draw_gradient(&scene, &box);
		page_commit(&scene.page, damage, 1);
		(void)harness_pump(&scene.harness, scene.sources, 2, NULL, NULL, 20);
	}
	assert_same(&scene, "jpeg", 0);
	scene_close(&scene);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(patterns_tight),
		cmocka_unit_test(patterns_zrle),
		cmocka_unit_test(patterns_raw),
		cmocka_unit_test(patterns_without_copies),
		cmocka_unit_test(scrolling_tight),
		cmocka_unit_test(scrolling_zrle),
		cmocka_unit_test(scrolling_raw),
		cmocka_unit_test(scrolling_without_copies),
		cmocka_unit_test(rest_is_exact_with_jpeg),
	};

	if (argc < 2)
		return 2;
	harness_program = argv[1];
	if (argc > 2)
		cmocka_set_test_filter(argv[2]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
