/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What an independent client shows after each update is what was drawn, pixel by pixel. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "decoder.h"
#include "rfb/update.h"
#include "scene.h"

#define OUT_CAP (64 << 20)
#define STEPS 1000
#define STEPS_OF_FORMATS 150

static const struct pixel_format formats[] = {
	{32, 24, true, true, 255, 255, 255, 16, 8, 0}, /* big endian */
	{32, 24, false, true, 255, 255, 255, 0, 8, 16}, /* blue first */
	{32, 24, false, true, 255, 255, 255, 8, 16, 24}, /* in the upper bytes */
	{32, 30, false, true, 1023, 1023, 1023, 20, 10, 0},
	{16, 16, false, true, 31, 63, 31, 11, 5, 0},
	{16, 16, true, true, 31, 63, 31, 11, 5, 0},
	{16, 15, false, true, 31, 31, 31, 10, 5, 0},
	{8, 8, false, true, 7, 7, 3, 0, 3, 6},
	{8, 6, false, true, 3, 3, 3, 4, 2, 0},
};

struct session {
	struct scene scene;
	struct decoder decoder;
	struct update *update;
	struct update_client client;
	struct buf out;
	pixman_region32_t damage;
	bool rgb_order;
};

static void add_all(struct session *s)
{
	assert_true(pixman_region32_union_rect(&s->damage, &s->damage, 0, 0,
					       (unsigned int)s->scene.picture.width,
					       (unsigned int)s->scene.picture.height));
}

static void session_init(struct session *s, const struct update_client *client, int width,
			 int height, const struct pixel_format *format, uint64_t seed)
{
	memset(s, 0, sizeof(*s));
	s->client = *client;
	s->rgb_order = client->encoding == RFB_ENCODING_TIGHT;
	scene_init(&s->scene, width, height, seed);
	decoder_init(&s->decoder, width, height, format);
	buf_init(&s->out, OUT_CAP);
	pixman_region32_init(&s->damage);
	assert_int_equal(update_create(&s->update), 0);
	update_set_client(s->update, client);
	update_set_format(s->update, format);
	assert_int_equal(update_set_size(s->update, width, height), 0);
}

static void session_finish(struct session *s)
{
	update_destroy(s->update);
	pixman_region32_fini(&s->damage);
	buf_finish(&s->out);
	decoder_finish(&s->decoder);
	scene_finish(&s->scene);
}

/* One message, if there is one. */
static bool session_send(struct session *s, const struct update_limits *limits)
{
	size_t bytes = 0;

	buf_clear(&s->out);
	assert_int_equal(
		update_build(s->update, &s->scene.picture, &s->damage, limits, &s->out, &bytes), 0);
	assert_int_equal(bytes, buf_len(&s->out));
	if (bytes == 0)
		return false;
	decoder_feed(&s->decoder, &s->out);
	return true;
}

static void session_settle(struct session *s, const struct update_limits *limits)
{
	int rounds = 0;

	while (session_send(s, limits) && pixman_region32_not_empty(&s->damage))
		assert_true(++rounds < 100000);
	assert_false(pixman_region32_not_empty(&s->damage));
	assert_false(update_has_unknown(s->update));
}

static void session_check(struct session *s)
{
	decoder_assert_picture(&s->decoder, &s->scene.picture, s->rgb_order);
}

static void resize(struct session *s)
{
	int width = 100 + scene_random(&s->scene, 400), height = 60 + scene_random(&s->scene, 300);
	struct update_screen screen = {1, 0, 0, (uint16_t)width, (uint16_t)height, 0};

	scene_resize(&s->scene, width, height);
	buf_clear(&s->out);
	update_put_desktop_size(&s->out, RFB_SIZE_REASON_SERVER, RFB_SIZE_OK, width, height,
				&screen, 1);
	decoder_feed(&s->decoder, &s->out);
	assert_int_equal(update_set_size(s->update, width, height), 0);
	pixman_region32_clear(&s->damage);
}

/* Things that happen to a client besides new pictures. */
static void disturb(struct session *s, int step)
{
	pixman_region32_t region;
	pixman_box32_t box = scene_random_box(&s->scene);

	if (step % 97 == 96)
		resize(s);
	if (step % 31 == 30) {
		pixman_region32_init_with_extents(&region, &box);
		update_forget(s->update, &region);
		pixman_region32_fini(&region);
		assert_true(update_has_unknown(s->update));
	}
	if (step % 53 == 52) {
		s->client.compress = scene_random(&s->scene, 10);
		update_set_client(s->update, &s->client);
	}
}

static void run_steps(const struct update_client *client, const struct pixel_format *format,
		      int steps, uint64_t seed)
{
	struct session s;
	struct update_stats stats;
	const struct update_limits small = {.bytes = 2000};

	session_init(&s, client, 350, 230, format, seed);
	for (int i = 0; i < steps; i++) {
		disturb(&s, i);
		scene_step(&s.scene, &s.damage);
		session_settle(&s, i % 7 == 6 ? &small : NULL);
		session_check(&s);
	}
	update_get_stats(s.update, &stats);
	if (client->copy_rect)
		assert_true(stats.copies > (uint64_t)steps / 10);
	assert_int_equal(stats.copies, s.decoder.copies);
	assert_int_equal(stats.pixels_lossy, 0);
	session_finish(&s);
}

static void test_encodings(void **state)
{
	const struct update_client *client = *state;

	run_steps(client, &pixel_format_default, STEPS, 7);
}

static void test_formats(void **state)
{
	const struct update_client *client = *state;

	/* libvncclient takes the three bytes of a ZRLE pixel in the machine's order, whatever it
	 * asked for; test_convert has that case. */
	for (size_t i = client->encoding == RFB_ENCODING_ZRLE; i < ARRAY_LEN(formats); i++)
		run_steps(client, &formats[i], STEPS_OF_FORMATS, 100 + i);
}

static void test_format_changes(void **state)
{
	static const struct update_client client = {RFB_ENCODING_TIGHT, true, -1, -1};
	struct session s;

	(void)state;
	session_init(&s, &client, 300, 200, &pixel_format_default, 3);
	session_settle(&s, NULL);
	session_check(&s);
	/* The streams go on, whatever they carry. */
	update_set_format(s.update, &formats[4]);
	assert_true(update_has_unknown(s.update));
	update_set_format(s.update, &pixel_format_default);
	scene_step(&s.scene, &s.damage);
	session_settle(&s, NULL);
	session_check(&s);
	for (int i = 0; i < 60; i++) {
		static const int encodings[] = {RFB_ENCODING_RAW, RFB_ENCODING_ZRLE,
						RFB_ENCODING_TIGHT};

		s.client.encoding = encodings[i % 3];
		update_set_client(s.update, &s.client);
		scene_step(&s.scene, &s.damage);
		session_settle(&s, NULL);
		session_check(&s);
	}
	session_finish(&s);
}

static void test_large(void **state)
{
	static const struct update_client clients[] = {
		{RFB_ENCODING_RAW, false, -1, -1},
		{RFB_ENCODING_ZRLE, false, -1, 1},
		{RFB_ENCODING_TIGHT, true, -1, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(clients); i++) {
		struct session s;

		session_init(&s, &clients[i], 4096, 1100, &pixel_format_default, i);
		session_settle(&s, NULL);
		session_check(&s);
		for (int k = 0; k < 6; k++) {
			scene_step(&s.scene, &s.damage);
			session_settle(&s, NULL);
			session_check(&s);
		}
		session_finish(&s);
	}
}

static void test_nothing_to_send(void **state)
{
	static const struct update_client client = {RFB_ENCODING_TIGHT, true, -1, -1};
	struct session s;

	(void)state;
	session_init(&s, &client, 200, 100, &pixel_format_default, 5);
	assert_true(update_has_unknown(s.update));
	session_settle(&s, NULL);
	add_all(&s);
	assert_false(session_send(&s, NULL));
	assert_false(pixman_region32_not_empty(&s.damage));
	/* Other top bytes are no change. */
	for (int i = 0; i < s.scene.picture.stride * 100; i++)
		s.scene.picture.pixels[i] ^= 0xa5000000u;
	add_all(&s);
	assert_false(session_send(&s, NULL));
	session_finish(&s);
}

/* The output has room for a part only, or for nothing: no byte is lost, and later all arrives. */
static void test_capped_output(void **state)
{
	const struct update_client *client = *state;
	struct session s;
	size_t bytes = 0;
	int failures = 0;

	session_init(&s, client, 300, 200, &pixel_format_default, 11);
	for (int i = 0; i < 200; i++) {
		int r;

		scene_step(&s.scene, &s.damage);
		buf_finish(&s.out);
		buf_init(&s.out, 1 + (size_t)scene_random(&s.scene, i % 2 ? 300 : 300000));
		r = update_build(s.update, &s.scene.picture, &s.damage, NULL, &s.out, &bytes);
		assert_int_equal(buf_error(&s.out), 0);
		if (r < 0) {
			assert_int_equal(r, -ENOBUFS);
			assert_int_equal(buf_len(&s.out), 0);
			failures++;
		} else if (bytes > 0) {
			decoder_feed(&s.decoder, &s.out);
		}
		if (i % 5 != 4)
			continue;
		buf_finish(&s.out);
		buf_init(&s.out, OUT_CAP);
		session_settle(&s, NULL);
		session_check(&s);
	}
	assert_true(failures > 5);
	session_finish(&s);
}

static void test_wrong_size(void **state)
{
	static const struct update_client client = {RFB_ENCODING_TIGHT, true, -1, -1};
	struct session s;
	size_t bytes = 0;

	(void)state;
	session_init(&s, &client, 200, 100, &pixel_format_default, 5);
	assert_int_equal(update_set_size(s.update, 0, 100), -EINVAL);
	assert_int_equal(update_set_size(s.update, 100, RFB_SIDE_MAX + 1), -EINVAL);
	assert_int_equal(update_set_size(s.update, 199, 100), 0);
	assert_int_equal(update_build(s.update, &s.scene.picture, &s.damage, NULL, &s.out, &bytes),
			 -EINVAL);
	assert_int_equal(buf_len(&s.out), 0);
	session_finish(&s);
}

static int64_t difference(const struct session *s)
{
	const struct picture *p = &s->scene.picture;
	int64_t sum = 0;

	for (int y = 0; y < p->height; y++) {
		for (int x = 0; x < p->width; x++) {
			uint32_t a = p->pixels[y * p->stride + x];
			uint32_t b = decoder_pixel(&s->decoder, x, y);

			for (int shift = 0; shift < 24; shift += 8)
				sum += abs((int)(a >> shift & 255) - (int)(b >> shift & 255));
		}
	}
	return sum / (p->width * p->height * 3);
}

static void repair_all(struct session *s)
{
	size_t bytes;
	int rounds = 0;

	do {
		bytes = 0;
		buf_clear(&s->out);
		assert_int_equal(
			update_repair(s->update, &s->scene.picture, 5000, 0, &s->out, &bytes), 0);
		if (bytes > 0)
			decoder_feed(&s->decoder, &s->out);
		assert_true(++rounds < 1000);
	} while (bytes > 0);
	assert_false(update_has_lossy(s->update));
}

/* What moves is coded with loss, also when it is copied afterwards; at rest it becomes exact. */
static void test_lossy_and_repair(void **state)
{
	static const struct update_client client = {RFB_ENCODING_TIGHT, true, 8, -1};
	pixman_box32_t photo = {20, 30, 260, 190}, page = {0, 10, 300, 200};
	struct update_limits limits = {0};
	pixman_region32_t moving;
	struct update_stats stats;
	struct session s;

	(void)state;
	session_init(&s, &client, 300, 200, &pixel_format_default, 5);
	pixman_region32_init_with_extents(&moving, &photo);
	limits.moving = &moving;
	session_settle(&s, NULL);
	session_check(&s);
	assert_false(update_has_lossy(s.update));
	scene_gradient(&s.scene, &photo);
	add_all(&s);
	session_settle(&s, &limits);
	assert_true(update_has_lossy(s.update));
	assert_in_range(difference(&s), 0, 3);
	scene_scroll(&s.scene, &page, 0, -23);
	add_all(&s);
	session_settle(&s, NULL);
	update_get_stats(s.update, &stats);
	assert_true(stats.copies > 0);
	assert_true(stats.pixels_lossy > 30000);
	assert_in_range(difference(&s), 0, 3);
	repair_all(&s);
	session_check(&s);
	update_get_stats(s.update, &stats);
	assert_true(stats.pixels_repaired > 25000);
	pixman_region32_fini(&moving);
	session_finish(&s);
}

/* The engine notices by itself what keeps changing. */
static void test_motion(void **state)
{
	static const struct update_client client = {RFB_ENCODING_TIGHT, true, 6, -1};
	pixman_box32_t film = {64, 64, 192, 128};
	struct session s;

	(void)state;
	session_init(&s, &client, 300, 200, &pixel_format_default, 5);
	session_settle(&s, NULL);
	for (int i = 0; i < 8; i++) {
		size_t bytes = 0;

		scene_noise(&s.scene, &film);
		add_all(&s);
		session_settle(&s, NULL);
		if (i == 0)
			session_check(&s);
		assert_int_equal(update_repair(s.update, &s.scene.picture, 1 << 20, 60000000,
					       &s.out, &bytes),
				 0);
		assert_int_equal(bytes, 0);
	}
	assert_true(update_has_lossy(s.update));
	repair_all(&s);
	session_check(&s);
	session_finish(&s);
}

static void test_lossy_steps(void **state)
{
	static const struct update_client client = {RFB_ENCODING_TIGHT, true, 9, -1};
	struct session s;

	(void)state;
	session_init(&s, &client, 350, 230, &pixel_format_default, 21);
	for (int i = 0; i < 300; i++) {
		struct update_limits limits = {0};
		pixman_region32_t moving;
		pixman_box32_t box = scene_random_box(&s.scene);

		pixman_region32_init_with_extents(&moving, &box);
		limits.moving = &moving;
		disturb(&s, i);
		scene_step(&s.scene, &s.damage);
		session_settle(&s, &limits);
		if (i % 5 == 0) {
			repair_all(&s);
			session_check(&s);
		}
		pixman_region32_fini(&moving);
	}
	session_finish(&s);
}

static void test_desktop_messages(void **state)
{
	struct update_screen screens[20] = {{7, 1, 2, 3, 4, 5}};
	struct buf out;
	static const uint8_t size[] = {0,   0,   0,   1,   0, 1, 0, 2, 3, 32, 2, 88,
				       255, 255, 254, 204, 1, 0, 0, 0, 0, 0,  0, 7,
				       0,   1,   0,   2,   0, 3, 0, 4, 0, 0,  0, 5};
	char name[300];

	(void)state;
	buf_init(&out, 4096);
	update_put_desktop_size(&out, RFB_SIZE_REASON_THIS_CLIENT, RFB_SIZE_NO_RESOURCES, 800, 600,
				screens, 1);
	assert_int_equal(buf_len(&out), sizeof(size));
	assert_memory_equal(buf_data(&out), size, sizeof(size));
	buf_clear(&out);
	update_put_desktop_size(&out, RFB_SIZE_REASON_SERVER, RFB_SIZE_OK, 800, 600, screens, 20);
	assert_int_equal(buf_len(&out), 4 + 12 + 4 + 16 * RFB_SCREENS_MAX);
	assert_int_equal(buf_data(&out)[16], RFB_SCREENS_MAX);
	buf_clear(&out);
	memset(name, 'a', sizeof(name));
	name[254] = '\xc3';
	name[255] = '\xa4';
	name[299] = '\0';
	update_put_desktop_name(&out, name);
	assert_int_equal(buf_len(&out), 4 + 12 + 4 + 254);
	assert_int_equal(buf_data(&out)[19], 254);
	buf_finish(&out);
}

int main(void)
{
	static struct update_client clients[] = {
		{RFB_ENCODING_RAW, false, -1, -1},   {RFB_ENCODING_RAW, true, -1, -1},
		{RFB_ENCODING_ZRLE, false, -1, -1},  {RFB_ENCODING_ZRLE, true, -1, -1},
		{RFB_ENCODING_TIGHT, false, -1, -1}, {RFB_ENCODING_TIGHT, true, -1, -1},
	};
	const struct CMUnitTest tests[] = {
		{"raw", test_encodings, NULL, NULL, &clients[0]},
		{"raw, copies", test_encodings, NULL, NULL, &clients[1]},
		{"zrle", test_encodings, NULL, NULL, &clients[2]},
		{"zrle, copies", test_encodings, NULL, NULL, &clients[3]},
		{"tight", test_encodings, NULL, NULL, &clients[4]},
		{"tight, copies", test_encodings, NULL, NULL, &clients[5]},
		{"formats, raw", test_formats, NULL, NULL, &clients[1]},
		{"formats, zrle", test_formats, NULL, NULL, &clients[3]},
		{"formats, tight", test_formats, NULL, NULL, &clients[5]},
		cmocka_unit_test(test_format_changes),
		cmocka_unit_test(test_large),
		cmocka_unit_test(test_nothing_to_send),
		{"capped, raw", test_capped_output, NULL, NULL, &clients[0]},
		{"capped, zrle", test_capped_output, NULL, NULL, &clients[3]},
		{"capped, tight", test_capped_output, NULL, NULL, &clients[5]},
		cmocka_unit_test(test_wrong_size),
		cmocka_unit_test(test_lossy_and_repair),
		cmocka_unit_test(test_motion),
		cmocka_unit_test(test_lossy_steps),
		cmocka_unit_test(test_desktop_messages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
