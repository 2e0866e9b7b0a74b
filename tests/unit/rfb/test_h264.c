/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What libavcodec makes of our streams is the picture that went in, in shape and in colour. */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "film_decoder.h"
#include "rfb/h264.h"
#include "rfb/h264_walk.h"
#include "rfb/protocol.h"
#include "rfb/yuv.h"

#define OUT_CAP (16 << 20)
#define FRAME_USEC 33333

struct fixture {
	int width, height;
	uint32_t *pixels, *shown;
	struct picture picture;
	struct h264 *h264;
	struct film_decoder decoder;
	struct buf out;
	int quality;
	uint64_t bits_per_second, time;
	size_t bytes; /* of the last frame */
};

static void open_film(struct fixture *f, int width, int height)
{
	*f = (struct fixture){.width = width, .height = height, .quality = 8, .time = 1000};
	f->pixels = calloc((size_t)width * (size_t)height, 4);
	f->shown = calloc((size_t)width * (size_t)height, 4);
	assert_non_null(f->pixels);
	assert_non_null(f->shown);
	f->picture = (struct picture){f->pixels, width, height, width};
	assert_int_equal(h264_create(&f->h264, width, height), 0);
	film_decoder_init(&f->decoder);
	buf_init(&f->out, OUT_CAP);
}

static void close_film(struct fixture *f)
{
	h264_destroy(f->h264);
	film_decoder_finish(&f->decoder);
	buf_finish(&f->out);
	free(f->pixels);
	free(f->shown);
}

/* Smooth shapes that move, in all colours. */
static void draw(struct fixture *f, int step)
{
	for (int y = 0; y < f->height; y++) {
		for (int x = 0; x < f->width; x++) {
			double r = 128 + 90 * sin((x + 3 * step) / 31.0) + 30 * cos(y / 17.0);
			double g = 128 + 80 * sin((y - 2 * step) / 43.0) + 40 * cos((x + y) / 23.0);
			double b = 128 + 100 * cos((x - y + step) / 57.0);

			f->pixels[y * f->width + x] = (uint32_t)fmax(0, fmin(255, r)) << 16 |
						      (uint32_t)fmax(0, fmin(255, g)) << 8 |
						      (uint32_t)fmax(0, fmin(255, b));
		}
	}
}

static void fill(struct fixture *f, uint32_t colour)
{
	for (int i = 0; i < f->width * f->height; i++)
		f->pixels[i] = colour;
}

static void draw_noise(struct fixture *f, uint32_t seed)
{
	for (int i = 0; i < f->width * f->height; i++) {
		seed ^= seed << 13;
		seed ^= seed >> 17;
		seed ^= seed << 5;
		f->pixels[i] = seed & 0xffffff;
	}
}

static int encode(struct fixture *f, bool key)
{
	struct h264_frame frame = {
		.picture = &f->picture,
		.box = {0, 0, f->width, f->height},
		.time = f->time += FRAME_USEC,
		.quality = f->quality,
		.bits_per_second = f->bits_per_second,
		.key = key,
	};
	int r;

	buf_clear(&f->out);
	r = h264_encode(f->h264, &frame, &f->out);
	f->bytes = buf_len(&f->out);
	return r;
}

static double show(struct fixture *f, bool key)
{
	struct h264_walk walk;

	assert_int_equal(encode(f, key), 0);
	/* The gateway lets it pass. */
	h264_walk_init(&walk, (uint16_t)f->width, (uint16_t)f->height, key);
	assert_int_equal(h264_walk_feed(&walk, buf_data(&f->out), f->bytes), 0);
	assert_true(h264_walk_done(&walk));
	assert_true(film_decoder_take(&f->decoder, buf_data(&f->out), f->bytes, f->width, f->height,
				      f->shown, f->width));
	return film_ssim(f->pixels, f->width, f->shown, f->width, f->width, f->height);
}

/* Types of the units of the last frame, as bits; each behind a start code. */
static unsigned int units(const struct fixture *f, int *ret_slices)
{
	const uint8_t *p = buf_data(&f->out);
	unsigned int found = 0;

	*ret_slices = 0;
	for (size_t i = 0; i + 3 < f->bytes; i++) {
		if (p[i] == 0 && p[i + 1] == 0 && p[i + 2] == 1) {
			unsigned int type = p[i + 3] & 0x1f;

			found |= 1u << type;
			*ret_slices += type == 1 || type == 5;
		}
	}
	return found;
}

#define UNITS_OF_KEY (1u << 5 | 1u << 7 | 1u << 8)
#define UNITS_OF_OTHERS (1u << 1)

static void test_frames_look_like_what_went_in(void **state)
{
	struct fixture f;

	(void)state;
	open_film(&f, 320, 180);
	for (int i = 0; i < 30; i++) {
		draw(&f, i);
		assert_true(show(&f, false) > 0.97);
	}
	close_film(&f);
}

/* Any size, and a matrix taken for granted: plain colours come out as they went in. */
static void check_colours(bool deaf)
{
	static const uint32_t colours[] = {0x000000, 0xffffff, 0xff0000, 0x00ff00, 0x0000ff,
					   0xffff00, 0x00ffff, 0xff00ff, 0x808080, 0xc08040,
					   0x101010, 0xf0f0f0, 0x123456};
	struct fixture f;

	open_film(&f, 64, 48);
	f.decoder.deaf = deaf;
	for (size_t i = 0; i < ARRAY_LEN(colours); i++) {
		fill(&f, colours[i]);
		(void)show(&f, true);
		for (int shift = 0; shift < 24; shift += 8)
			assert_in_range((int)(f.shown[24 * 64 + 32] >> shift & 0xff) + 3 -
						(int)(colours[i] >> shift & 0xff),
					0, 6);
	}
	close_film(&f);
}

static void test_colours(void **state)
{
	(void)state;
	check_colours(false);
}

static void test_colours_where_the_matrix_is_not_read(void **state)
{
	(void)state;
	check_colours(true);
}

static void test_sizes(void **state)
{
	static const int sizes[][2] = {{16, 16},   {18, 16},    {34, 50},
				       {322, 182}, {130, 1080}, {1366, 98}};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		struct fixture f;

		open_film(&f, sizes[i][0], sizes[i][1]);
		for (int step = 0; step < 4; step++) {
			draw(&f, step);
			assert_true(show(&f, false) > 0.97);
		}
		close_film(&f);
	}
}

static void test_sizes_that_are_refused(void **state)
{
	struct h264 *h264;

	(void)state;
	assert_int_equal(h264_create(&h264, 321, 180), -EINVAL);
	assert_int_equal(h264_create(&h264, 320, 181), -EINVAL);
	assert_int_equal(h264_create(&h264, 14, 180), -EINVAL);
	assert_int_equal(h264_create(&h264, RFB_SIDE_MAX + 2, 180), -EINVAL);
}

static void test_first_frame_is_a_key_frame_and_others_when_wanted(void **state)
{
	struct fixture f;
	int slices;

	(void)state;
	open_film(&f, 320, 180);
	for (int i = 0; i < 10; i++) {
		draw(&f, i);
		(void)show(&f, i == 6);
		assert_int_equal(units(&f, &slices),
				 i == 0 || i == 6 ? UNITS_OF_KEY : UNITS_OF_OTHERS);
		/* A viewer may take each slice for a frame. */
		assert_int_equal(slices, 1);
	}
	close_film(&f);
}

/* A decoder that begins in the middle. */
static void test_key_frame_needs_nothing_before_it(void **state)
{
	struct fixture f;

	(void)state;
	open_film(&f, 320, 180);
	for (int i = 0; i < 5; i++) {
		draw(&f, i);
		(void)show(&f, false);
	}
	film_decoder_finish(&f.decoder);
	film_decoder_init(&f.decoder);
	draw(&f, 5);
	assert_true(show(&f, true) > 0.975);
	close_film(&f);
}

static void test_scene_change(void **state)
{
	struct fixture f;

	(void)state;
	open_film(&f, 320, 180);
	for (int i = 0; i < 5; i++) {
		draw(&f, i);
		(void)show(&f, false);
	}
	draw(&f, 1000);
	assert_true(show(&f, false) > 0.97);
	close_film(&f);
}

static size_t bytes_of_noise(uint64_t bits_per_second, int quality)
{
	struct fixture f;
	size_t sum = 0;

	open_film(&f, 640, 360);
	f.bits_per_second = bits_per_second;
	f.quality = quality;
	for (int i = 0; i < 90; i++) {
		draw_noise(&f, (uint32_t)i + 1);
		assert_int_equal(encode(&f, false), 0);
		if (i >= 30)
			sum += f.bytes;
	}
	close_film(&f);
	return sum;
}

/* Two seconds, after one to get used to it. */
static void test_rate_of_the_line_is_kept(void **state)
{
	(void)state;
	assert_in_range(bytes_of_noise(4000000, 8), 700000, 1100000);
	assert_in_range(bytes_of_noise(0, 9), 4800000, 6600000);
}

static void test_rate_may_change_on_the_way(void **state)
{
	struct fixture f;
	size_t fast = 0, slow = 0;

	(void)state;
	open_film(&f, 640, 360);
	for (int i = 0; i < 120; i++) {
		f.bits_per_second = i < 60 ? 16000000 : 2000000;
		draw_noise(&f, (uint32_t)i + 1);
		assert_int_equal(encode(&f, false), 0);
		fast += i >= 30 && i < 60 ? f.bytes : 0;
		slow += i >= 90 ? f.bytes : 0;
	}
	assert_in_range(fast, 1500000, 2300000);
	assert_in_range(slow, 150000, 320000);
	close_film(&f);
}

static void test_levels_of_quality(void **state)
{
	size_t before = 0;

	(void)state;
	for (int quality = 0; quality <= 9; quality++) {
		struct fixture f;

		open_film(&f, 320, 180);
		f.quality = quality;
		draw_noise(&f, 7);
		for (int i = 0; i < f.width * f.height; i++)
			f.pixels[i] = f.pixels[i] >> 3 & 0x1f1f1f;
		(void)show(&f, false);
		assert_true(f.bytes >= before);
		before = f.bytes;
		close_film(&f);
	}
}

/* Without room nothing is left behind, and the decoder is not left without a frame it needs. */
static void test_out_is_full(void **state)
{
	struct fixture f;
	int slices;

	(void)state;
	open_film(&f, 320, 180);
	draw(&f, 0);
	(void)show(&f, false);
	buf_finish(&f.out);
	buf_init(&f.out, 10);
	draw(&f, 50);
	assert_int_equal(encode(&f, false), -ENOBUFS);
	assert_int_equal(buf_len(&f.out), 0);
	assert_int_equal(buf_error(&f.out), 0);
	buf_finish(&f.out);
	buf_init(&f.out, OUT_CAP);
	draw(&f, 51);
	assert_true(show(&f, false) > 0.97);
	assert_int_equal(units(&f, &slices), UNITS_OF_KEY);
	close_film(&f);
}

static void test_conversion_is_exact(void **state)
{
	uint32_t pixels[2 * 38];
	uint8_t luma[2 * 38], cb[19], cr[19];
	struct picture picture = {pixels, 38, 2, 38};
	struct yuv_planes planes = {{luma, cb, cr}, {38, 19, 19}};
	pixman_box32_t box = {0, 0, 38, 2};

	(void)state;
	for (unsigned int i = 0; i < 2 * 38; i++)
		pixels[i] = i * 0x35a7c1u + (i % 7) * 0x1000000u;
	yuv_convert(&picture, &box, &planes);
	for (int i = 0; i < 2 * 38; i++) {
		double r = pixels[i] >> 16 & 0xff, g = pixels[i] >> 8 & 0xff, b = pixels[i] & 0xff;

		assert_true(fabs(luma[i] - (0.299 * r + 0.587 * g + 0.114 * b)) < 0.51);
	}
	for (int i = 0; i < 19; i++) {
		double r = 0, g = 0, b = 0;

		for (int k = 0; k < 4; k++) {
			uint32_t p = pixels[k / 2 * 38 + 2 * i + k % 2];

			r += (p >> 16 & 0xff) / 4.0;
			g += (p >> 8 & 0xff) / 4.0;
			b += (p & 0xff) / 4.0;
		}
		assert_true(fabs(cb[i] - (128 - 0.168736 * r - 0.331264 * g + 0.5 * b)) < 0.51);
		assert_true(fabs(cr[i] - (128 + 0.5 * r - 0.418688 * g - 0.081312 * b)) < 0.51);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_frames_look_like_what_went_in),
		cmocka_unit_test(test_colours),
		cmocka_unit_test(test_colours_where_the_matrix_is_not_read),
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_sizes_that_are_refused),
		cmocka_unit_test(test_first_frame_is_a_key_frame_and_others_when_wanted),
		cmocka_unit_test(test_key_frame_needs_nothing_before_it),
		cmocka_unit_test(test_scene_change),
		cmocka_unit_test(test_rate_of_the_line_is_kept),
		cmocka_unit_test(test_rate_may_change_on_the_way),
		cmocka_unit_test(test_levels_of_quality),
		cmocka_unit_test(test_out_is_full),
		cmocka_unit_test(test_conversion_is_exact),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
