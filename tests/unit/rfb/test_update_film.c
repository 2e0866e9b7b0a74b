/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Films in the engine: they go out as H.264, all else stays exact, and so do they in the end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/clock.h"
#include "decoder.h"
#include "film_client.h"
#include "film_decoder.h"
#include "rfb/update.h"
#include "scene.h"

#define WIDTH 640
#define HEIGHT 480
#define OUT_CAP (64 << 20)
#define FRAME_USEC 20000
#define FRAMES_MAX 100 /* until a film is seen */

struct session {
	struct scene scene;
	struct decoder decoder;
	struct update *update;
	struct buf out;
	pixman_region32_t damage;
	int step;
};

static const struct update_client films = {.encoding = RFB_ENCODING_TIGHT,
					   .copy_rect = true,
					   .quality = 8,
					   .compress = 1,
					   .h264 = true};
static const pixman_box32_t place = {101, 53, 501, 279};

static void add_all(struct session *s)
{
	assert_true(pixman_region32_union_rect(&s->damage, &s->damage, 0, 0, WIDTH, HEIGHT));
}

static void session_init(struct session *s, const struct update_client *client)
{
	const pixman_box32_t whole = {0, 0, WIDTH, HEIGHT};

	memset(s, 0, sizeof(*s));
	film_client_install(client->h264);
	scene_init(&s->scene, WIDTH, HEIGHT, 3);
	scene_text(&s->scene, &whole, true);
	decoder_init(&s->decoder, WIDTH, HEIGHT, &pixel_format_default);
	buf_init(&s->out, OUT_CAP);
	pixman_region32_init(&s->damage);
	assert_int_equal(update_create(&s->update), 0);
	update_set_client(s->update, client);
	assert_int_equal(update_set_size(s->update, WIDTH, HEIGHT), 0);
}

static void session_finish(struct session *s)
{
	update_destroy(s->update);
	pixman_region32_fini(&s->damage);
	buf_finish(&s->out);
	decoder_finish(&s->decoder);
	scene_finish(&s->scene);
	film_client_install(false);
}

static size_t send_limited(struct session *s, const struct update_limits *limits)
{
	size_t bytes = 0;

	buf_clear(&s->out);
	assert_int_equal(
		update_build(s->update, &s->scene.picture, &s->damage, limits, &s->out, &bytes), 0);
	if (bytes > 0)
		decoder_feed(&s->decoder, &s->out);
	return bytes;
}

static void send_all(struct session *s)
{
	add_all(s);
	send_limited(s, NULL);
	assert_false(pixman_region32_not_empty(&s->damage));
}

static void draw_film(struct session *s, const pixman_box32_t *box)
{
	const struct picture *p = &s->scene.picture;
	int t = s->step++;

	for (int y = box->y1; y < box->y2; y++) {
		for (int x = box->x1; x < box->x2; x++) {
			int u = x - box->x1 + 3 * t, v = y - box->y1 + t;

			p->pixels[y * p->stride + x] =
				(uint32_t)((u * v / 397 + scene_random(&s->scene, 3)) & 0xff)
					<< 16 |
				(uint32_t)((u / 2 + scene_random(&s->scene, 3)) & 0xff) << 8 |
				(uint32_t)((v + scene_random(&s->scene, 3)) & 0xff);
		}
	}
}

static void play(struct session *s, const pixman_box32_t *box, int frames)
{
	for (int i = 0; i < frames; i++) {
		draw_film(s, box);
		send_all(s);
		usleep(FRAME_USEC);
	}
}

/* Until it goes out as H.264. */
static void begin(struct session *s)
{
	int before = film_client_seen()->frames;

	send_all(s);
	for (int i = 0; i < FRAMES_MAX && film_client_seen()->frames == before; i++)
		play(s, &place, 1);
	assert_true(film_client_seen()->frames > before);
}

static double likeness(const struct session *s, const pixman_box32_t *box)
{
	const struct picture *p = &s->scene.picture;
	int width = box->x2 - box->x1, height = box->y2 - box->y1;
	uint32_t *shown = calloc((size_t)width * (size_t)height, 4);
	double ssim;

	assert_non_null(shown);
	for (int y = 0; y < height; y++) {
		for (int x = 0; x < width; x++)
			shown[y * width + x] = decoder_pixel(&s->decoder, box->x1 + x, box->y1 + y);
	}
	ssim = film_ssim(p->pixels + box->y1 * p->stride + box->x1, p->stride, shown, width, width,
			 height);
	free(shown);
	return ssim;
}

static void assert_exact_around(const struct session *s, const pixman_box32_t *box)
{
	const struct picture *p = &s->scene.picture;

	for (int y = 0; y < HEIGHT; y++) {
		for (int x = 0; x < WIDTH; x++) {
			uint32_t want = p->pixels[y * p->stride + x] & 0xffffff;
			uint32_t have = decoder_pixel(&s->decoder, x, y) & 0xffffff;

			if (x >= box->x1 && x < box->x2 && y >= box->y1 && y < box->y2)
				continue;
			if (want != have)
				fail_msg("pixel %d,%d is %06x, not %06x", x, y, have, want);
		}
	}
}

static void assert_place(const pixman_box32_t *box)
{
	const struct film_client_seen *seen = film_client_seen();

	assert_int_equal(seen->x, box->x1);
	assert_int_equal(seen->y, box->y1);
	assert_int_equal(seen->width, box->x2 - box->x1);
	assert_int_equal(seen->height, box->y2 - box->y1);
	assert_int_equal(seen->broken, 0);
}

static uint64_t bytes_of(const struct session *s)
{
	struct update_stats stats;

	update_get_stats(s->update, &stats);
	return stats.bytes;
}

/* As the display does when there is nothing else to do. */
static void rest(struct session *s, uint64_t usec)
{
	uint64_t end = clock_now() + usec;

	while (update_has_lossy(s->update) && clock_now() < end) {
		size_t bytes = 0;

		usleep(FRAME_USEC);
		buf_clear(&s->out);
		assert_int_equal(update_repair(s->update, &s->scene.picture, 512 * 512, 250000,
					       &s->out, &bytes),
				 0);
		if (bytes > 0)
			decoder_feed(&s->decoder, &s->out);
	}
}

static void test_film_goes_as_h264_and_all_else_exact(void **state)
{
	const pixman_box32_t text = {520, 300, 600, 340};
	struct session s;
	struct update_stats stats;
	uint64_t before;

	(void)state;
	session_init(&s, &films);
	begin(&s);
	before = bytes_of(&s);
	assert_exact_around(&s, &place);
	for (int i = 0; i < 20; i++) {
		scene_text(&s.scene, &text, true);
		play(&s, &place, 1);
		assert_exact_around(&s, &place);
		assert_true(likeness(&s, &place) > 0.93);
	}
	assert_place(&place);
	assert_int_equal(film_client_seen()->keys, 1);
	assert_int_equal(film_client_seen()->resets, 1);
	update_get_stats(s.update, &stats);
	assert_int_equal(stats.films, film_client_seen()->frames);
	/* The text is most of it. */
	assert_in_range(bytes_of(&s) - before, 20 * 500, 20 * 60000);
	assert_true(update_has_lossy(s.update));
	rest(&s, 2 * USEC_PER_SEC);
	assert_false(update_has_lossy(s.update));
	decoder_assert_picture(&s.decoder, &s.scene.picture, true);
	session_finish(&s);
}

/* An animation elsewhere leaves no idle moment. */
static void test_exact_in_the_end_beside_an_animation(void **state)
{
	const pixman_box32_t spinner = {600, 440, 630, 470};
	struct session s;
	int i;

	(void)state;
	session_init(&s, &films);
	begin(&s);
	play(&s, &place, 3);
	for (i = 0; i < 100 && update_has_lossy(s.update); i++) {
		scene_fill(&s.scene, &spinner, (uint32_t)i * 0x030201);
		send_all(&s);
		usleep(FRAME_USEC);
	}
	assert_false(update_has_lossy(s.update));
	/* The film is over after half a second of them. */
	assert_in_range(i, 20, 80);
	decoder_assert_picture(&s.decoder, &s.scene.picture, true);
	session_finish(&s);
}

static void test_not_without_being_asked(void **state)
{
	struct update_client client = films;
	struct session s;

	(void)state;
	client.h264 = false;
	session_init(&s, &client);
	send_all(&s);
	play(&s, &place, 40);
	assert_int_equal(film_client_seen()->frames, 0);
	client.h264 = true;
	film_client_install(true);
	update_set_client(s.update, &client);
	begin(&s);
	assert_place(&place);
	client.h264 = false;
	update_set_client(s.update, &client);
	film_client_install(true);
	play(&s, &place, 10);
	assert_int_equal(film_client_seen()->frames, 0);
	session_finish(&s);
}

static void test_client_that_asks_anew_gets_a_key_frame(void **state)
{
	const pixman_box32_t elsewhere = {0, 300, 640, 480}, part = {300, 100, 310, 110};
	pixman_region32_t region;
	struct session s;

	(void)state;
	session_init(&s, &films);
	begin(&s);
	play(&s, &place, 3);
	pixman_region32_init_with_extents(&region, (pixman_box32_t *)&elsewhere);
	update_forget(s.update, &region);
	pixman_region32_fini(&region);
	play(&s, &place, 1);
	assert_int_equal(film_client_seen()->keys, 1);
	/* Also when nothing moved. */
	pixman_region32_init_with_extents(&region, (pixman_box32_t *)&part);
	update_forget(s.update, &region);
	pixman_region32_fini(&region);
	assert_true(send_limited(&s, NULL) > 0);
	assert_int_equal(film_client_seen()->keys, 2);
	assert_int_equal(film_client_seen()->resets, 2);
	play(&s, &place, 3);
	assert_int_equal(film_client_seen()->keys, 2);
	assert_place(&place);
	assert_exact_around(&s, &place);
	session_finish(&s);
}

static void test_new_size_of_the_framebuffer(void **state)
{
	struct session s;

	(void)state;
	session_init(&s, &films);
	begin(&s);
	assert_int_equal(update_set_size(s.update, WIDTH, HEIGHT), 0);
	begin(&s);
	play(&s, &place, 3);
	assert_int_equal(film_client_seen()->keys, 2);
	assert_place(&place);
	assert_exact_around(&s, &place);
	session_finish(&s);
}

static void test_scroll_takes_the_film_along(void **state)
{
	const pixman_box32_t page = {0, 0, WIDTH, HEIGHT};
	pixman_box32_t box = place;
	struct update_stats stats;
	struct session s;
	int keys;

	(void)state;
	session_init(&s, &films);
	begin(&s);
	keys = film_client_seen()->keys;
	for (int i = 0; i < 3; i++) {
		scene_scroll(&s.scene, &page, 0, -13);
		box.y1 -= 13;
		box.y2 -= 13;
		play(&s, &box, 1);
		assert_place(&box);
		assert_exact_around(&s, &box);
		assert_true(likeness(&s, &box) > 0.93);
	}
	assert_int_equal(film_client_seen()->keys, keys + 3);
	update_get_stats(s.update, &stats);
	assert_true(stats.copies > 0);
	play(&s, &box, 30);
	assert_place(&box);
	rest(&s, 2 * USEC_PER_SEC);
	decoder_assert_picture(&s.decoder, &s.scene.picture, true);
	session_finish(&s);
}

/* What somebody may wait for goes first, but the film is not left out for ever. */
static void test_message_without_room_for_the_film(void **state)
{
	const struct update_limits limits = {.bytes = 200};
	const pixman_box32_t text = {0, 300, 640, 480};
	struct session s;
	int before, waited = 0;

	(void)state;
	session_init(&s, &films);
	begin(&s);
	before = film_client_seen()->frames;
	for (int i = 0; i < 10; i++) {
		int frames = film_client_seen()->frames;

		scene_text(&s.scene, &text, true);
		draw_film(&s, &place);
		add_all(&s);
		send_limited(&s, &limits);
		waited += film_client_seen()->frames == frames;
		usleep(FRAME_USEC);
	}
	assert_int_equal(waited, 5);
	assert_int_equal(film_client_seen()->frames, before + 5);
	send_all(&s);
	assert_place(&place);
	assert_exact_around(&s, &place);
	session_finish(&s);
}

static void test_slow_line(void **state)
{
	const struct update_limits limits = {.bits_per_second = 1000000};
	struct session s;
	uint64_t start = 0;
	size_t before = 0;

	(void)state;
	session_init(&s, &films);
	begin(&s);
	for (int i = 0; i < 60; i++) {
		if (i == 30) {
			before = film_client_seen()->bytes;
			start = clock_now();
		}
		scene_noise(&s.scene, &place);
		add_all(&s);
		send_limited(&s, &limits);
		usleep(FRAME_USEC);
	}
	/* Four fifths of the line, and the quarter of a second that may be saved up. */
	assert_in_range(film_client_seen()->bytes - before, 20000,
			(clock_now() - start + USEC_PER_SEC / 4) / 8);
	session_finish(&s);
}

static void test_lossless_clients_may_have_films(void **state)
{
	struct update_client client = films;
	struct session s;

	(void)state;
	client.quality = -1;
	session_init(&s, &client);
	begin(&s);
	play(&s, &place, 5);
	assert_place(&place);
	assert_exact_around(&s, &place);
	assert_true(likeness(&s, &place) > 0.93);
	session_finish(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_film_goes_as_h264_and_all_else_exact),
		cmocka_unit_test(test_exact_in_the_end_beside_an_animation),
		cmocka_unit_test(test_not_without_being_asked),
		cmocka_unit_test(test_client_that_asks_anew_gets_a_key_frame),
		cmocka_unit_test(test_new_size_of_the_framebuffer),
		cmocka_unit_test(test_scroll_takes_the_film_along),
		cmocka_unit_test(test_message_without_room_for_the_film),
		cmocka_unit_test(test_slow_line),
		cmocka_unit_test(test_lossless_clients_may_have_films),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
