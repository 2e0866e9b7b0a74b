/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is a film and what is not, by pictures that are drawn as pages draw them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/clock.h"
#include "rfb/compare.h"
#include "rfb/film.h"
#include "scene.h"

#define WIDTH 1280
#define HEIGHT 800
#define FRAME (USEC_PER_SEC / 30)

struct page {
	struct scene scene;
	struct picture before;
	struct update_motion motion;
	struct film film;
	uint64_t time;
	int frames; /* shown so far */
};

static void page_open(struct page *page)
{
	const pixman_box32_t whole = {0, 0, WIDTH, HEIGHT};

	memset(page, 0, sizeof(*page));
	scene_init(&page->scene, WIDTH, HEIGHT, 99);
	scene_fill(&page->scene, &whole, 0xffffff);
	scene_text(&page->scene, &whole, true);
	page->before = (struct picture){calloc(WIDTH * HEIGHT, 4), WIDTH, HEIGHT, WIDTH};
	assert_non_null(page->before.pixels);
	compare_copy(&page->before, &page->scene.picture, &whole);
	assert_int_equal(update_motion_resize(&page->motion, WIDTH, HEIGHT), 0);
	assert_int_equal(film_resize(&page->film, WIDTH, HEIGHT), 0);
	page->time = 5 * USEC_PER_SEC;
}

static void page_close(struct page *page)
{
	film_finish(&page->film);
	update_motion_finish(&page->motion);
	free(page->before.pixels);
	scene_finish(&page->scene);
}

/* What was drawn is sent; by a scroll as far as there is one. */
static void show_scrolled(struct page *page, int dx, int dy, const pixman_region32_t *copied)
{
	const pixman_box32_t whole = {0, 0, WIDTH, HEIGHT};
	static struct compare_row rows[HEIGHT];
	pixman_region32_t hint, changed;

	pixman_region32_init_with_extents(&hint, &whole);
	pixman_region32_init(&changed);
	assert_int_equal(
		compare_region(&page->before, &page->scene.picture, &hint, rows, NULL, &changed),
		0);
	update_motion_note(&page->motion, &changed, page->time);
	if (copied) {
		pixman_region32_subtract(&changed, &changed, (pixman_region32_t *)copied);
		const struct film_shift shift = {dx, dy, WIDTH * HEIGHT};

		film_follow(&page->film, &changed, &shift, page->time);
	} else {
		const struct film_update update = {&page->before, &page->scene.picture, &changed,
						   &page->motion, page->time};

		film_note(&page->film, &update);
	}
	compare_copy(&page->before, &page->scene.picture, &whole);
	pixman_region32_fini(&hint);
	pixman_region32_fini(&changed);
	page->time += FRAME;
	page->frames++;
}

static void show(struct page *page)
{
	show_scrolled(page, 0, 0, NULL);
}

/* A picture as a camera sees it: shapes that move, and grain. */
static void draw_film(struct page *page, const pixman_box32_t *box)
{
	int t = page->frames;

	for (int y = box->y1; y < box->y2; y++) {
		for (int x = box->x1; x < box->x2; x++) {
			int u = x - box->x1 + 3 * t, v = y - box->y1 + t;
			int grain = scene_random(&page->scene, 5);

			page->scene.picture.pixels[y * page->scene.picture.stride + x] =
				(uint32_t)((u * v / 97 + grain) & 0xff) << 16 |
				(uint32_t)((u / 2 + grain) & 0xff) << 8 |
				(uint32_t)((v + grain) & 0xff);
		}
	}
}

static void play(struct page *page, const pixman_box32_t *box, int frames)
{
	for (int i = 0; i < frames; i++) {
		draw_film(page, box);
		show(page);
	}
}

static void assert_film(const struct page *page, int x1, int y1, int x2, int y2)
{
	assert_true(page->film.active);
	assert_int_equal(page->film.box.x1, x1);
	assert_int_equal(page->film.box.y1, y1);
	assert_int_equal(page->film.box.x2, x2);
	assert_int_equal(page->film.box.y2, y2);
}

static const pixman_box32_t place = {203, 101, 843, 461};

/* --- films ------------------------------------------------------------------------------------ */

static void test_film_is_found_to_the_pixel(void **state)
{
	struct page page;
	uint64_t start;

	(void)state;
	page_open(&page);
	start = page.time;
	while (!page.film.active && page.frames < 100)
		play(&page, &place, 1);
	assert_in_range(page.time - start, 300 * USEC_PER_MSEC, 500 * USEC_PER_MSEC);
	assert_film(&page, 203, 101, 843, 461);
	play(&page, &place, 200);
	assert_film(&page, 203, 101, 843, 461);
	page_close(&page);
}

static void test_odd_sizes_are_cut(void **state)
{
	const pixman_box32_t odd = {33, 7, 334, 208};
	struct page page;

	(void)state;
	page_open(&page);
	play(&page, &odd, 30);
	assert_film(&page, 33, 7, 333, 207);
	page_close(&page);
}

static void test_whole_picture(void **state)
{
	const pixman_box32_t whole = {0, 0, WIDTH, HEIGHT};
	struct page page;

	(void)state;
	page_open(&page);
	play(&page, &whole, 30);
	assert_film(&page, 0, 0, WIDTH, HEIGHT);
	page_close(&page);
}

static void test_slow_film(void **state)
{
	struct page page;

	(void)state;
	page_open(&page);
	for (int i = 0; i < 20; i++) {
		play(&page, &place, 1);
		page.time += 4 * FRAME;
	}
	assert_film(&page, 203, 101, 843, 461);
	page_close(&page);
}

static void test_pause_is_survived_and_end_is_seen(void **state)
{
	struct page page;

	(void)state;
	page_open(&page);
	play(&page, &place, 30);
	page.time += 400 * USEC_PER_MSEC;
	film_expire(&page.film, page.time);
	assert_true(page.film.active);
	play(&page, &place, 3);
	assert_film(&page, 203, 101, 843, 461);
	page.time += 550 * USEC_PER_MSEC;
	film_expire(&page.film, page.time);
	assert_false(page.film.active);
	play(&page, &place, 30);
	assert_film(&page, 203, 101, 843, 461);
	page_close(&page);
}

/* Controls that fade over a film that is paused are no film. */
static void test_small_changes_do_not_keep_it_going(void **state)
{
	struct page page;

	(void)state;
	page_open(&page);
	play(&page, &place, 30);
	for (int i = 0; i < 30; i++) {
		pixman_box32_t spinner = {500, 250, 540, 290};

		scene_noise(&page.scene, &spinner);
		show(&page);
	}
	assert_false(page.film.active);
	page_close(&page);
}

static void test_clock_and_caret_beside_it(void **state)
{
	const pixman_box32_t clock = {850, 110, 930, 128}, caret = {300, 462, 302, 480};
	struct page page;

	(void)state;
	page_open(&page);
	for (int i = 0; i < 90; i++) {
		draw_film(&page, &place);
		scene_text(&page.scene, &clock, true);
		scene_fill(&page.scene, &caret, i / 5 % 2 ? 0 : 0xffffff);
		show(&page);
	}
	assert_film(&page, 203, 101, 843, 461);
	page_close(&page);
}

/* Comments that rush by below it, and are wider. */
static void test_wide_text_below_it(void **state)
{
	const pixman_box32_t text = {20, 480, 1260, 700};
	struct page page;

	(void)state;
	page_open(&page);
	for (int i = 0; i < 90; i++) {
		draw_film(&page, &place);
		scene_text(&page.scene, &text, true);
		show(&page);
		if (page.film.active)
			assert_film(&page, 203, 101, 843, 461);
	}
	assert_film(&page, 203, 101, 843, 461);
	page_close(&page);
}

/* Subtitles, controls, and edges that do not move: part of the film. */
static void test_overlays_and_quiet_places(void **state)
{
	const pixman_box32_t subtitles = {400, 400, 640, 440};
	const pixman_box32_t still = {203, 101, 300, 461};
	struct page page;

	(void)state;
	page_open(&page);
	for (int i = 0; i < 120; i++) {
		const pixman_box32_t moving = {300, 101, 843, 461};

		draw_film(&page, i < 60 ? &place : &moving);
		scene_fill(&page.scene, &subtitles, 0x101010);
		show(&page);
	}
	assert_film(&page, 203, 101, 843, 461);
	assert_true(still.x2 > still.x1);
	page_close(&page);
}

static void test_larger_and_elsewhere(void **state)
{
	const pixman_box32_t large = {0, 40, 1280, 760}, other = {700, 450, 1100, 750};
	struct page page;

	(void)state;
	page_open(&page);
	play(&page, &place, 30);
	play(&page, &large, 25);
	assert_film(&page, 0, 40, 1280, 760);
	play(&page, &other, 60);
	assert_film(&page, 700, 450, 1100, 750);
	page_close(&page);
}

static void test_largest_of_two(void **state)
{
	const pixman_box32_t small = {1000, 600, 1200, 730};
	struct page page;

	(void)state;
	page_open(&page);
	for (int i = 0; i < 60; i++) {
		draw_film(&page, &small);
		draw_film(&page, &place);
		show(&page);
	}
	assert_film(&page, 203, 101, 843, 461);
	page_close(&page);
}

/* --- scrolling -------------------------------------------------------------------------------- */

/* A page with a film in it moves up by 20 a frame; the text is explained, the film is not. */
static void test_film_follows_the_page(void **state)
{
	const pixman_box32_t whole = {0, 0, WIDTH, HEIGHT - 20};
	pixman_box32_t box = place;
	struct page page;

	(void)state;
	page_open(&page);
	play(&page, &box, 30);
	for (int i = 0; i < 4; i++) {
		pixman_region32_t copied, film;

		scene_scroll(&page.scene, &(pixman_box32_t){0, 0, WIDTH, HEIGHT}, 0, -20);
		box.y1 -= 20;
		box.y2 -= 20;
		draw_film(&page, &box);
		pixman_region32_init_with_extents(&copied, &whole);
		pixman_region32_init_with_extents(&film, &box);
		pixman_region32_subtract(&copied, &copied, &film);
		show_scrolled(&page, 0, -20, &copied);
		assert_film(&page, 203, box.y1, 843, box.y2);
		pixman_region32_fini(&copied);
		pixman_region32_fini(&film);
	}
	play(&page, &box, 100);
	assert_film(&page, 203, box.y1, 843, box.y2);
	page_close(&page);
}

/* Fixed in the window, as players in a corner are, while the page scrolls. */
static void test_film_that_does_not_scroll(void **state)
{
	const pixman_box32_t whole = {0, 0, WIDTH, HEIGHT - 20};
	struct page page;

	(void)state;
	page_open(&page);
	play(&page, &place, 30);
	for (int i = 0; i < 20; i++) {
		pixman_region32_t copied, film;

		scene_scroll(&page.scene, &(pixman_box32_t){0, 0, WIDTH, HEIGHT}, 0, -20);
		draw_film(&page, &place);
		pixman_region32_init_with_extents(&copied, &whole);
		pixman_region32_init_with_extents(&film, &place);
		pixman_region32_subtract(&copied, &copied, &film);
		show_scrolled(&page, 0, -20, &copied);
		assert_film(&page, 203, 101, 843, 461);
		pixman_region32_fini(&copied);
		pixman_region32_fini(&film);
	}
	page_close(&page);
}

static void test_film_that_leaves_the_window_ends(void **state)
{
	pixman_region32_t copied;
	pixman_box32_t box = place;
	struct page page;

	(void)state;
	page_open(&page);
	play(&page, &place, 30);
	box.y1 = 0;
	box.y2 -= 110;
	draw_film(&page, &box);
	pixman_region32_init_rect(&copied, 0, 400, WIDTH, 300);
	show_scrolled(&page, 0, -110, &copied);
	assert_false(page.film.active);
	pixman_region32_fini(&copied);
	play(&page, &box, 30);
	assert_film(&page, 203, 0, 843, 350);
	page_close(&page);
}

static void run_scrolling(bool photos)
{
	const pixman_box32_t whole = {0, 0, WIDTH, HEIGHT};
	struct page page;

	page_open(&page);
	for (int i = 0; i < 90; i++) {
		pixman_region32_t copied;

		scene_scroll(&page.scene, &whole, 0, -40);
		if (photos)
			scene_noise(&page.scene, &(pixman_box32_t){0, HEIGHT - 40, WIDTH, HEIGHT});
		pixman_region32_init_rect(&copied, 0, 0, WIDTH, HEIGHT - 40);
		show_scrolled(&page, 0, -40, photos ? &copied : NULL);
		assert_false(page.film.active);
		pixman_region32_fini(&copied);
	}
	page_close(&page);
}

/* For a client without CopyRect nothing is explained. */
static void test_text_that_scrolls_unexplained_is_no_film(void **state)
{
	(void)state;
	run_scrolling(false);
}

static void test_photos_that_scroll_are_no_film(void **state)
{
	(void)state;
	run_scrolling(true);
}

static void test_shift_of_most_pixels(void **state)
{
	const struct scroll_copy copies[] = {
		{{0, 0, 100, 100}, 0, -20},
		{{0, 200, 100, 260}, 0, 7},
		{{200, 0, 300, 50}, 0, 7},
	};
	struct film_shift shift = film_find_shift(copies, ARRAY_LEN(copies));

	(void)state;
	assert_int_equal(shift.dx, 0);
	assert_int_equal(shift.dy, 7);
	assert_int_equal(shift.pixels, 21000);
	shift = film_find_shift(copies, 0);
	assert_int_equal(shift.pixels, 0);
}

/* --- what is no film -------------------------------------------------------------------------- */

/* `draw` draws one frame; never may a film be seen in 4 seconds of it. */
static void never_a_film(void (*draw)(struct page *page))
{
	struct page page;

	page_open(&page);
	for (int i = 0; i < 120; i++) {
		draw(&page);
		show(&page);
		assert_false(page.film.active);
	}
	page_close(&page);
}

static void draw_typing(struct page *page)
{
	int at = page->frames % 60, line = page->frames / 60;
	pixman_box32_t letter = {200 + 10 * at, 200 + 20 * line, 210 + 10 * at, 220 + 20 * line};

	scene_text(&page->scene, &letter, true);
}

static void draw_caret(struct page *page)
{
	scene_fill(&page->scene, &(pixman_box32_t){300, 300, 302, 320},
		   page->frames / 15 % 2 ? 0 : 0xffffff);
}

static void draw_small_spinner(struct page *page)
{
	scene_noise(&page->scene, &(pixman_box32_t){600, 400, 680, 480});
}

static void draw_large_spinner(struct page *page)
{
	const pixman_box32_t box = {500, 300, 740, 540};

	scene_fill(&page->scene, &box, 0xf8f8f8);
	for (int i = 0; i < 8; i++) {
		int x = 540 + 17 * ((page->frames + i) % 8), y = 330 + 20 * i;

		scene_fill(&page->scene, &(pixman_box32_t){x, y, x + 40, y + 20},
			   0x101010u * (uint32_t)(i + 1));
	}
}

static void draw_flat_colour(struct page *page)
{
	uint32_t grey = (uint32_t)(page->frames * 3 % 256);

	scene_fill(&page->scene, &(pixman_box32_t){200, 100, 800, 600},
		   grey << 16 | (255 - grey) << 8 | 0x40);
}

static void draw_sliding_panel(struct page *page)
{
	int x = page->frames * 8 % 600;

	scene_fill(&page->scene, &(pixman_box32_t){100, 100, 1100, 700}, 0xffffff);
	scene_fill(&page->scene, &(pixman_box32_t){100 + x, 100, 500 + x, 700}, 0x3060c0);
}

/* A marquee of text, large. */
static void draw_text_that_flickers(struct page *page)
{
	scene_text(&page->scene, &(pixman_box32_t){200, 100, 800, 600}, true);
}

/* A new page each half second. */
static void draw_slides(struct page *page)
{
	if (page->frames % 15 == 0)
		draw_film(page, &place);
}

/* Many small things that move all over the page. */
static void draw_sparks(struct page *page)
{
	for (int i = 0; i < 30; i++) {
		int x = scene_random(&page->scene, WIDTH - 8);
		int y = scene_random(&page->scene, HEIGHT - 8);

		scene_noise(&page->scene, &(pixman_box32_t){x, y, x + 8, y + 8});
	}
}

#define NEVER(name)                        \
	static void name(void **state)     \
	{                                  \
		(void)state;               \
		never_a_film(draw_##name); \
	}

NEVER(typing)
NEVER(caret)
NEVER(small_spinner)
NEVER(large_spinner)
NEVER(flat_colour)
NEVER(sliding_panel)
NEVER(text_that_flickers)
NEVER(slides)
NEVER(sparks)

/* A film that becomes a page of text where it was. */
static void test_film_that_turns_into_text_ends(void **state)
{
	struct page page;

	(void)state;
	page_open(&page);
	play(&page, &place, 30);
	for (int i = 0; i < 100; i++) {
		scene_fill(&page.scene, &place, 0xffffff);
		scene_text(&page.scene, &place, true);
		show(&page);
	}
	assert_false(page.film.active);
	page_close(&page);
}

static void test_size_of_the_picture_changes(void **state)
{
	struct page page;

	(void)state;
	page_open(&page);
	play(&page, &place, 30);
	assert_int_equal(film_resize(&page.film, WIDTH, HEIGHT), 0);
	assert_false(page.film.active);
	play(&page, &place, 30);
	assert_film(&page, 203, 101, 843, 461);
	page_close(&page);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_film_is_found_to_the_pixel),
		cmocka_unit_test(test_odd_sizes_are_cut),
		cmocka_unit_test(test_whole_picture),
		cmocka_unit_test(test_slow_film),
		cmocka_unit_test(test_pause_is_survived_and_end_is_seen),
		cmocka_unit_test(test_small_changes_do_not_keep_it_going),
		cmocka_unit_test(test_clock_and_caret_beside_it),
		cmocka_unit_test(test_wide_text_below_it),
		cmocka_unit_test(test_overlays_and_quiet_places),
		cmocka_unit_test(test_larger_and_elsewhere),
		cmocka_unit_test(test_largest_of_two),
		cmocka_unit_test(test_film_follows_the_page),
		cmocka_unit_test(test_film_that_does_not_scroll),
		cmocka_unit_test(test_film_that_leaves_the_window_ends),
		cmocka_unit_test(test_shift_of_most_pixels),
		cmocka_unit_test(test_text_that_scrolls_unexplained_is_no_film),
		cmocka_unit_test(test_photos_that_scroll_are_no_film),
		cmocka_unit_test(typing),
		cmocka_unit_test(caret),
		cmocka_unit_test(small_spinner),
		cmocka_unit_test(large_spinner),
		cmocka_unit_test(flat_colour),
		cmocka_unit_test(sliding_panel),
		cmocka_unit_test(text_that_flickers),
		cmocka_unit_test(slides),
		cmocka_unit_test(sparks),
		cmocka_unit_test(test_film_that_turns_into_text_ends),
		cmocka_unit_test(test_size_of_the_picture_changes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
