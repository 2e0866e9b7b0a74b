/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A real encoder's pictures pass, whatever pieces they come in; what is bent in them does not. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <turbojpeg.h>

#include "rfb/jpeg_walk.h"

#define WIDTH 67
#define HEIGHT 43

struct picture {
	unsigned char *data;
	unsigned long size;
};

static struct picture compress(int subsampling, int quality)
{
	static unsigned char pixels[WIDTH * HEIGHT * 4];
	struct picture picture = {0};
	tjhandle encoder = tjInitCompress();

	for (size_t i = 0; i < sizeof(pixels); i++)
		pixels[i] = (unsigned char)(i * 2654435761u >> 13);
	assert_int_equal(tjCompress2(encoder, pixels, WIDTH, 0, HEIGHT, TJPF_BGRX, &picture.data,
				     &picture.size, subsampling, quality, 0),
			 0);
	tjDestroy(encoder);
	return picture;
}

/* In pieces of `step` bytes; 0 also means that it is whole. */
static int walk(const unsigned char *data, size_t size, size_t step, int width, int height)
{
	struct jpeg_walk walk;

	jpeg_walk_init(&walk, (uint16_t)width, (uint16_t)height);
	for (size_t at = 0; at < size; at += step) {
		int r = jpeg_walk_feed(&walk, data + at, MIN(step, size - at));

		if (r < 0)
			return r;
	}
	return jpeg_walk_done(&walk) ? 0 : -EAGAIN;
}

static int walk_whole(const struct picture *picture)
{
	return walk(picture->data, picture->size, picture->size, WIDTH, HEIGHT);
}

static void test_real_pictures(void **state)
{
	static const int samplings[] = {TJSAMP_444, TJSAMP_422, TJSAMP_420, TJSAMP_GRAY};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(samplings); i++) {
		for (int quality = 5; quality <= 100; quality += 19) {
			struct picture picture = compress(samplings[i], quality);

			for (size_t step = 1; step < 20; step++)
				assert_int_equal(
					walk(picture.data, picture.size, step, WIDTH, HEIGHT), 0);
			assert_int_equal(walk_whole(&picture), 0);
			tjFree(picture.data);
		}
	}
}

static void test_other_size(void **state)
{
	struct picture picture = compress(TJSAMP_420, 80);

	(void)state;
	assert_int_equal(walk(picture.data, picture.size, picture.size, WIDTH + 1, HEIGHT),
			 -EPROTO);
	assert_int_equal(walk(picture.data, picture.size, picture.size, WIDTH, HEIGHT - 1),
			 -EPROTO);
	assert_int_equal(walk(picture.data, picture.size, picture.size, HEIGHT, WIDTH), -EPROTO);
	tjFree(picture.data);
}

/* Cut anywhere, it is never taken for whole; with a byte behind its end it is refused. */
static void test_cut_and_long(void **state)
{
	struct picture picture = compress(TJSAMP_420, 80);
	unsigned char *longer = malloc(picture.size + 1);

	(void)state;
	for (size_t size = 0; size < picture.size; size++)
		assert_int_equal(walk(picture.data, size, size + 1, WIDTH, HEIGHT), -EAGAIN);
	memcpy(longer, picture.data, picture.size);
	longer[picture.size] = 0;
	assert_int_equal(walk(longer, picture.size + 1, picture.size + 1, WIDTH, HEIGHT), -EPROTO);
	free(longer);
	tjFree(picture.data);
}

/* The offset of the first segment with this marker, at its 0xff. */
static size_t find(const struct picture *picture, unsigned char marker)
{
	for (size_t i = 2; i + 3 < picture->size;
	     i += 2 + ((size_t)picture->data[i + 2] << 8 | picture->data[i + 3])) {
		if (picture->data[i + 1] == marker)
			return i;
	}
	fail_msg("no marker %02x", marker);
	return 0;
}

static void test_bent(void **state)
{
	static const struct {
		const char *name;
		unsigned char marker; /* of the segment that is bent */
		size_t offset; /* from its 0xff */
		unsigned char value;
	} cases[] = {
		{"no SOI", 0xe0, (size_t)-1, 0xd9},
		{"progressive", 0xc0, 1, 0xc2},
		{"arithmetic", 0xc0, 1, 0xc9},
		{"a comment", 0xe0, 1, 0xfe},
		{"Exif", 0xe0, 1, 0xe1},
		{"a profile", 0xe0, 1, 0xe2},
		{"12 bits", 0xc0, 4, 12},
		{"no component", 0xc0, 9, 0},
		{"four components", 0xc0, 9, 4},
		{"a frame header too short", 0xc0, 3, 8},
		{"a sampling of three", 0xc0, 11, 0x31},
		{"a sampling of zero", 0xc0, 11, 0x00},
		{"colour finer than grey", 0xc0, 14, 0x21},
		{"a segment of one byte", 0xdb, 3, 1},
		{"a scan header of another length", 0xda, 3, 10},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct picture picture = compress(TJSAMP_420, 80);
		size_t at = find(&picture, cases[i].marker);

		print_message("%s\n", cases[i].name);
		assert_int_equal(walk_whole(&picture), 0);
		if (cases[i].marker == 0xdb)
			picture.data[at + 2] = 0;
		picture.data[at + cases[i].offset] = cases[i].value;
		assert_int_equal(walk_whole(&picture), -EPROTO);
		tjFree(picture.data);
	}
}

/* A scan without a frame, a second frame, a second scan: a decoder may take any of them amiss. */
static void test_order(void **state)
{
	static const unsigned char no_frame[] = {0xff, 0xd8, 0xff, 0xda, 0,    6,   0,
						 0,    63,   0,    0x12, 0xff, 0xd9};
	struct picture picture = compress(TJSAMP_420, 80);
	size_t frame = find(&picture, 0xc0), scan = find(&picture, 0xda);
	unsigned char *bent = malloc(picture.size * 2);
	size_t n;

	(void)state;
	/* The frame is left out. */
	n = frame + 2 + 17;
	memcpy(bent, picture.data, frame);
	memcpy(bent + frame, picture.data + n, picture.size - n);
	assert_int_equal(walk(bent, picture.size - 19, picture.size, WIDTH, HEIGHT), -EPROTO);
	/* There never was one, and the scan says that it has no components. */
	assert_int_equal(walk(no_frame, sizeof(no_frame), 1, WIDTH, HEIGHT), -EPROTO);
	/* The frame comes twice. */
	memcpy(bent, picture.data, n);
	memcpy(bent + n, picture.data + frame, picture.size - frame);
	assert_int_equal(walk(bent, picture.size + 19, picture.size * 2, WIDTH, HEIGHT), -EPROTO);
	/* The scan comes twice: in place of the end, a marker that no scan may have inside. */
	memcpy(bent, picture.data, picture.size - 2);
	memcpy(bent + picture.size - 2, picture.data + scan, picture.size - scan);
	assert_int_equal(walk(bent, 2 * picture.size - 2 - scan, picture.size * 2, WIDTH, HEIGHT),
			 -EPROTO);
	free(bent);
	tjFree(picture.data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_real_pictures), cmocka_unit_test(test_other_size),
		cmocka_unit_test(test_cut_and_long),  cmocka_unit_test(test_bent),
		cmocka_unit_test(test_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
