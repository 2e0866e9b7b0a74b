/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A film in a page, from a live display in its confinement to a decoder by libavcodec: it looks like
 * what the browser drew, the page around it is exact all the time, and two seconds after it stopped
 * so is all of the picture.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <rfb/rfbclient.h>

#include "base/attr.h"
#include "base/clock.h"
#include "film_client.h"
#include "film_decoder.h"
#include "page.h"
#include "vnc.h"

#define FRAME_MS 33
#define FILM_X 151
#define FILM_Y 77
#define FILM_WIDTH 640
#define FILM_HEIGHT 360
#define TIMEOUT_MS 15000

struct scene {
	struct harness harness;
	struct page page;
	struct vnc vnc;
	struct harness_source sources[2];
	uint32_t seed;
	int step;
};

static uint32_t rnd(struct scene *scene)
{
	scene->seed ^= scene->seed << 13;
	scene->seed ^= scene->seed >> 17;
	scene->seed ^= scene->seed << 5;
	return scene->seed;
}

static uint32_t *at(struct scene *scene, int x, int y)
{
	return scene->page.pixels + (size_t)y * (size_t)scene->page.width + (size_t)x;
}

static void commit(struct scene *scene, int x, int y, int width, int height)
{
	const int damage[1][4] = {{x, y, width, height}};

	page_commit(&scene->page, damage, 1);
}

/* Text-like marks, another page for another number. */
static void draw_page(struct scene *scene, uint32_t number)
{
	for (int y = 0; y < scene->page.height; y++) {
		for (int x = 0; x < scene->page.width; x++) {
			uint32_t glyph = ((uint32_t)(y / 18) * 2654435761u) ^
					 ((uint32_t)(x / 8) * 40503u) ^ number;

			glyph *= 0x9e3779b1u + (uint32_t)(y % 18) * 0x85ebca6bu;
			*at(scene, x, y) = y % 18 > 3 && glyph >> (x % 8 + 8) & 1 ? 0x202020
										  : 0xffffff;
		}
	}
	commit(scene, 0, 0, scene->page.width, scene->page.height);
}

static void draw_film(struct scene *scene)
{
	int t = scene->step++;

	for (int y = 0; y < FILM_HEIGHT; y++) {
		for (int x = 0; x < FILM_WIDTH; x++) {
			int u = x + 3 * t, v = y + t;

			*at(scene, FILM_X + x,
			    FILM_Y + y) = ((uint32_t)(u * v / 397) + rnd(scene) % 3) % 256 << 16 |
					  ((uint32_t)(u / 2) + rnd(scene) % 3) % 256 << 8 |
					  ((uint32_t)v + rnd(scene) % 3) % 256;
		}
	}
	commit(scene, FILM_X, FILM_Y, FILM_WIDTH, FILM_HEIGHT);
}

static void scene_open(struct scene *scene, const struct vnc_options *options, bool h264,
		       const char *configuration)
{
	memset(scene, 0, sizeof(*scene));
	scene->seed = 0x1a2a3e7;
	film_client_install(h264);
	harness_start(&scene->harness, harness_program, configuration);
	page_open(&scene->page, &scene->harness);
	vnc_open(&scene->vnc, &scene->harness, options);
	scene->sources[0] = page_source(&scene->page);
	scene->sources[1] = vnc_source(&scene->vnc);
	draw_page(scene, 1);
}

static void scene_close(struct scene *scene)
{
	vnc_close(&scene->vnc);
	page_close(&scene->page);
	harness_stop(&scene->harness);
	film_client_install(false);
}

static void pump(struct scene *scene, int ms)
{
	(void)harness_pump(&scene->harness, scene->sources, 2, NULL, NULL, ms);
	assert_false(scene->vnc.closed);
	assert_false(scene->harness.gone);
}

static void play(struct scene *scene, int frames)
{
	for (int i = 0; i < frames; i++) {
		draw_film(scene);
		pump(scene, FRAME_MS);
	}
}

static bool shows_all(void *data)
{
	struct scene *scene = data;

	return vnc_shows(&scene->vnc, scene->page.pixels, scene->page.width, scene->page.height);
}

static void assert_same(struct scene *scene, int timeout_ms)
{
	int x, y;

	if (harness_pump(&scene->harness, scene->sources, 2, shows_all, scene, timeout_ms))
		return;
	(void)vnc_first_difference(&scene->vnc, scene->page.pixels, scene->page.width,
				   scene->page.height, &x, &y);
	fail_msg("pixel %d,%d differs", x, y);
}

static bool exact_around(void *data)
{
	struct scene *scene = data;

	for (int y = 0; y < scene->page.height; y++) {
		for (int x = 0; x < scene->page.width; x++) {
			if (x >= FILM_X && x < FILM_X + FILM_WIDTH && y >= FILM_Y &&
			    y < FILM_Y + FILM_HEIGHT)
				continue;
			if (vnc_pixel(&scene->vnc, x, y) != (*at(scene, x, y) & 0xffffff))
				return false;
		}
	}
	return true;
}

static double likeness(struct scene *scene)
{
	uint32_t *shown = calloc(FILM_WIDTH * FILM_HEIGHT, 4);
	double ssim;

	assert_non_null(shown);
	for (int y = 0; y < FILM_HEIGHT; y++) {
		for (int x = 0; x < FILM_WIDTH; x++)
			shown[y * FILM_WIDTH + x] = vnc_pixel(&scene->vnc, FILM_X + x, FILM_Y + y);
	}
	ssim = film_ssim(at(scene, FILM_X, FILM_Y), scene->page.width, shown, FILM_WIDTH,
			 FILM_WIDTH, FILM_HEIGHT);
	free(shown);
	return ssim;
}

static bool looks_right(void *data)
{
	return likeness(data) > 0.93;
}

static void assert_film(void)
{
	const struct film_client_seen *seen = film_client_seen();

	assert_int_equal(seen->x, FILM_X);
	assert_int_equal(seen->y, FILM_Y);
	assert_int_equal(seen->width, FILM_WIDTH);
	assert_int_equal(seen->height, FILM_HEIGHT);
	assert_int_equal(seen->broken, 0);
}

static const struct vnc_options options = {.encodings = "tight copyrect", .quality = 8};

static void film_in_a_page(void **state)
{
	struct scene scene;
	int frames;

	(void)state;
	scene_open(&scene, &options, true, NULL);
	play(&scene, 60);
	frames = film_client_seen()->frames;
	assert_true(frames > 20);
	/* Text changes beside it, while it plays. */
	for (int i = 0; i < 30; i++) {
		for (int k = 0; k < 400; k++)
			*at(&scene, 900 + k % 40, 300 + k / 40) = rnd(&scene) & 0xffffff;
		commit(&scene, 900, 300, 40, 10);
		play(&scene, 1);
	}
	assert_film();
	assert_in_range(film_client_seen()->frames - frames, 20, 40);
	assert_int_equal(film_client_seen()->keys, 1);
	assert_true(
		harness_pump(&scene.harness, scene.sources, 2, exact_around, &scene, TIMEOUT_MS));
	assert_true(
		harness_pump(&scene.harness, scene.sources, 2, looks_right, &scene, TIMEOUT_MS));
	assert_same(&scene, 2000);
	scene_close(&scene);
}

/* Stops, goes on, and gives way to another page. */
static void film_that_stops(void **state)
{
	struct scene scene;
	int keys;

	(void)state;
	scene_open(&scene, &options, true, NULL);
	play(&scene, 40);
	assert_film();
	assert_same(&scene, 2000);
	keys = film_client_seen()->keys;
	play(&scene, 40);
	assert_film();
	assert_int_equal(film_client_seen()->keys, keys + 1);
	draw_page(&scene, 77);
	assert_same(&scene, 2000);
	scene_close(&scene);
}

/* Who asks for all of it anew begins with a key frame. */
static void film_asked_for_anew(void **state)
{
	struct scene scene;
	int keys;

	(void)state;
	scene_open(&scene, &options, true, NULL);
	play(&scene, 40);
	keys = film_client_seen()->keys;
	assert_true(SendFramebufferUpdateRequest(scene.vnc.client, 0, 0, scene.vnc.client->width,
						 scene.vnc.client->height, FALSE));
	play(&scene, 10);
	assert_int_equal(film_client_seen()->keys, keys + 1);
	assert_int_equal(film_client_seen()->broken, 0);
	assert_same(&scene, 2000);
	scene_close(&scene);
}

static void film_that_may_not_be_h264(void **state)
{
	struct scene scene;

	(void)state;
	scene_open(&scene, &options, true, "video = jpeg\n");
	play(&scene, 60);
	assert_int_equal(film_client_seen()->frames, 0);
	assert_true(
		harness_pump(&scene.harness, scene.sources, 2, exact_around, &scene, TIMEOUT_MS));
	assert_same(&scene, 2000);
	scene_close(&scene);
}

static void film_that_must_be_exact(void **state)
{
	struct scene scene;

	(void)state;
	scene_open(&scene, &options, true, "video = exact\n");
	for (int i = 0; i < 20; i++) {
		play(&scene, 1);
		assert_same(&scene, TIMEOUT_MS);
	}
	assert_int_equal(film_client_seen()->frames, 0);
	scene_close(&scene);
}

static void film_for_a_viewer_without_h264(void **state)
{
	struct scene scene;

	(void)state;
	scene_open(&scene, &options, false, NULL);
	play(&scene, 60);
	assert_true(looks_right(&scene));
	assert_true(
		harness_pump(&scene.harness, scene.sources, 2, exact_around, &scene, TIMEOUT_MS));
	assert_same(&scene, 2000);
	scene_close(&scene);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(film_in_a_page),
		cmocka_unit_test(film_that_stops),
		cmocka_unit_test(film_asked_for_anew),
		cmocka_unit_test(film_that_may_not_be_h264),
		cmocka_unit_test(film_that_must_be_exact),
		cmocka_unit_test(film_for_a_viewer_without_h264),
	};

	if (argc < 2)
		return 2;
	harness_program = argv[1];
	if (argc > 2)
		cmocka_set_test_filter(argv[2]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
