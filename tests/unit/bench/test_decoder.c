/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Our own encoders at the other end: what is decoded is what was drawn, whatever the pieces in which
 * it comes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "bench/client/decoder.h"
#include "rfb/update.h"
#include "scene.h"

#define STEPS 600

struct session {
	struct scene scene;
	struct update *update;
	struct update_client client;
	struct decoder decoder;
	struct buf out, in;
	pixman_region32_t damage;
	int updates, sizes;
	uint64_t bytes;
};

static void handle_update(void *data)
{
	((struct session *)data)->updates++;
}

static void handle_size(void *data, bool changed, bool extended)
{
	(void)extended;
	((struct session *)data)->sizes += changed;
}

static const struct decoder_calls calls = {.update = handle_update, .size = handle_size};

static void session_init(struct session *s, const struct update_client *client, uint64_t seed)
{
	memset(s, 0, sizeof(*s));
	s->client = *client;
	scene_init(&s->scene, 350, 230, seed);
	assert_int_equal(decoder_init(&s->decoder, 350, 230, &calls, s), 0);
	buf_init(&s->out, 64 << 20);
	buf_init(&s->in, 64 << 20);
	pixman_region32_init(&s->damage);
	assert_int_equal(update_create(&s->update), 0);
	update_set_client(s->update, client);
	update_set_format(s->update, &pixel_format_default);
	assert_int_equal(update_set_size(s->update, 350, 230), 0);
}

static void session_finish(struct session *s)
{
	update_destroy(s->update);
	pixman_region32_fini(&s->damage);
	buf_finish(&s->out);
	buf_finish(&s->in);
	decoder_finish(&s->decoder);
	scene_finish(&s->scene);
}

/* In pieces of up to `piece` bytes. */
static void deliver(struct session *s, int piece)
{
	s->bytes += buf_len(&s->out);
	while (buf_len(&s->out) > 0) {
		size_t n = 1 + (size_t)scene_random(&s->scene, piece);

		n = MIN(n, buf_len(&s->out));
		buf_put(&s->in, buf_data(&s->out), n);
		buf_consume(&s->out, n);
		if (decoder_feed(&s->decoder, &s->in) != 0)
			fail_msg("%s", s->decoder.reason);
	}
	assert_int_equal(buf_len(&s->in), 0);
	assert_false(s->decoder.in_update);
}

static void settle(struct session *s, int piece)
{
	size_t bytes;

	do {
		int before = s->updates;

		buf_clear(&s->out);
		assert_int_equal(update_build(s->update, &s->scene.picture, &s->damage, NULL,
					      &s->out, &bytes),
				 0);
		deliver(s, piece);
		assert_int_equal(s->updates, before + (bytes > 0));
	} while (bytes > 0);
}

static void check_picture(const struct session *s)
{
	const struct framebuffer *fb = &s->decoder.fb;
	const struct picture *picture = &s->scene.picture;

	assert_int_equal(fb->width, picture->width);
	assert_int_equal(fb->height, picture->height);
	for (int y = 0; y < fb->height; y++) {
		for (int x = 0; x < fb->width; x++) {
			uint32_t want = picture->pixels[y * picture->stride + x] & 0xffffff;
			uint32_t have = fb->pixels[y * fb->width + x];

			if (want != have)
				fail_msg("pixel %d,%d is %08x, not %08x", x, y, have, want);
		}
	}
}

static void resize(struct session *s)
{
	int width = 100 + scene_random(&s->scene, 400), height = 60 + scene_random(&s->scene, 300);
	struct update_screen screen = {1, 0, 0, (uint16_t)width, (uint16_t)height, 0};

	scene_resize(&s->scene, width, height);
	buf_clear(&s->out);
	if (scene_random(&s->scene, 2))
		update_put_desktop_size(&s->out, RFB_SIZE_REASON_SERVER, RFB_SIZE_OK, width, height,
					&screen, 1);
	else
		update_put_desktop_size_plain(&s->out, width, height);
	deliver(s, 10);
	assert_int_equal(update_set_size(s->update, width, height), 0);
	pixman_region32_clear(&s->damage);
}

/* All bytes and pixels are accounted for, under what our encoder says it did. */
static void check_stats(const struct session *s)
{
	const struct decoder_stats *stats = &s->decoder.stats;
	struct update_stats sent;
	uint64_t bytes = 0, pixels = 0, rects = 0;

	update_get_stats(s->update, &sent);
	for (int i = 0; i < DECODER_KINDS; i++) {
		bytes += stats->bytes[i];
		pixels += stats->pixels[i];
		rects += stats->rects[i];
	}
	assert_int_equal(stats->updates, sent.messages);
	assert_int_equal(bytes + 4 * stats->updates, sent.bytes);
	assert_int_equal(rects, sent.rects);
	assert_int_equal(stats->rects[DECODER_COPYRECT], sent.copies);
	assert_int_equal(stats->pixels[DECODER_COPYRECT], sent.pixels_copied);
	assert_int_equal(pixels, sent.pixels_copied + sent.pixels_lossless + sent.pixels_lossy);
	assert_true(stats->frames > 0 && stats->frames <= stats->updates);
}

static void test_encoding(void **state)
{
	const struct update_client *client = *state;
	const struct decoder_stats *stats;
	struct session s;

	session_init(&s, client, 11);
	stats = &s.decoder.stats;
	for (int i = 0; i < STEPS; i++) {
		if (i % 97 == 96)
			resize(&s);
		scene_step(&s.scene, &s.damage);
		settle(&s, i % 5 == 4 ? 3 : i % 5 == 3 ? 2000 : 1 << 20);
		check_picture(&s);
	}
	check_stats(&s);
	assert_true(s.sizes >= STEPS / 97);
	if (client->copy_rect)
		assert_true(stats->rects[DECODER_COPYRECT] > STEPS / 10);
	if (client->encoding == RFB_ENCODING_TIGHT) {
		assert_true(stats->rects[DECODER_TIGHT_FILL] > 0);
		assert_true(stats->rects[DECODER_TIGHT_MONO] > 0);
		assert_true(stats->rects[DECODER_TIGHT_PALETTE] > 0);
		assert_true(stats->rects[DECODER_TIGHT_FULL] > 0);
	}
	session_finish(&s);
}

/* JPEG is not exact; what is repaired afterwards is. */
static void test_lossy(void **state)
{
	static const struct update_client client = {RFB_ENCODING_TIGHT, true, 6, -1};
	const pixman_box32_t box = {20, 20, 320, 200};
	pixman_region32_t all;
	struct update_limits limits = {.moving = &all};
	struct session s;
	uint64_t off = 0;
	size_t bytes;

	(void)state;
	session_init(&s, &client, 3);
	settle(&s, 1 << 20);
	scene_gradient(&s.scene, &box);
	pixman_region32_init_rect(&all, 0, 0, 350, 230);
	pixman_region32_union(&s.damage, &s.damage, &all);
	buf_clear(&s.out);
	assert_int_equal(
		update_build(s.update, &s.scene.picture, &s.damage, &limits, &s.out, &bytes), 0);
	deliver(&s, 100);
	assert_true(s.decoder.stats.rects[DECODER_TIGHT_JPEG] > 0);
	for (int y = box.y1; y < box.y2; y++) {
		for (int x = box.x1; x < box.x2; x++) {
			uint32_t want = s.scene.picture.pixels[y * s.scene.picture.stride + x];
			uint32_t have = s.decoder.fb.pixels[y * 350 + x];

			assert_int_equal(have >> 24, 0);
			for (int shift = 0; shift < 24; shift += 8)
				off += (uint64_t)abs((int)(want >> shift & 0xff) -
						     (int)(have >> shift & 0xff));
		}
	}
	assert_true(off > 0 && off < (uint64_t)3 * 300 * 180 * 8);
	do {
		buf_clear(&s.out);
		assert_int_equal(
			update_repair(s.update, &s.scene.picture, 1 << 20, 0, &s.out, &bytes), 0);
		deliver(&s, 1 << 20);
	} while (bytes > 0);
	check_picture(&s);
	pixman_region32_fini(&all);
	session_finish(&s);
}

int main(void)
{
	static struct update_client tight = {RFB_ENCODING_TIGHT, true, -1, 2},
				    tight_plain = {RFB_ENCODING_TIGHT, false, -1, 1},
				    zrle = {RFB_ENCODING_ZRLE, true, -1, -1},
				    raw = {RFB_ENCODING_RAW, false, -1, -1};
	const struct CMUnitTest tests[] = {
		{"test_tight", test_encoding, NULL, NULL, &tight},
		{"test_tight_plain", test_encoding, NULL, NULL, &tight_plain},
		{"test_zrle", test_encoding, NULL, NULL, &zrle},
		{"test_raw", test_encoding, NULL, NULL, &raw},
		cmocka_unit_test(test_lossy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
