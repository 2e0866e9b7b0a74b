/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "decoder.h"
#include "rfb/cursor_rect.h"

/* Opaque red, half-transparent white (premultiplied), nearly nothing; ten wide to have padding. */
static const uint32_t pixels[24] = {0xffff0000, 0x80808080, 0x10101010};
static const struct cursor_image image = {pixels, 10, 2, 12, 3, 1};

static void test_mask(void **state)
{
	struct buf out;

	(void)state;
	buf_init(&out, 4096);
	cursor_rect_put(&out, &image, &pixel_format_default);
	assert_int_equal(buf_len(&out), 4 + 12 + 10 * 2 * 4 + 2 * 2);
	assert_memory_equal(buf_data(&out) + 16, "\0\0\xff\0\xff\xff\xff\0", 8);
	assert_memory_equal(buf_data(&out) + 16 + 80, "\xc0\0\0\0", 4);
	buf_finish(&out);
}

static void test_decoded(void **state)
{
	struct decoder decoder;
	struct buf out;

	(void)state;
	decoder_init(&decoder, 100, 50, &pixel_format_default);
	buf_init(&out, 4096);
	cursor_rect_put(&out, &image, &pixel_format_default);
	decoder_feed(&decoder, &out);
	assert_int_equal(decoder.cursors, 1);
	assert_int_equal(decoder.cursor_width, 10);
	assert_int_equal(decoder.cursor_height, 2);
	assert_int_equal(decoder.hot_x, 3);
	assert_int_equal(decoder.hot_y, 1);
	buf_finish(&out);
	decoder_finish(&decoder);
}

static void test_alpha(void **state)
{
	struct buf out;

	(void)state;
	buf_init(&out, 4096);
	cursor_rect_put_alpha(&out, &image);
	assert_int_equal(buf_len(&out), 4 + 12 + 4 + 10 * 2 * 4);
	assert_memory_equal(buf_data(&out) + 12, "\xff\xff\xfe\xc6\0\0\0\0", 8);
	assert_memory_equal(buf_data(&out) + 20, "\xff\0\0\xff\x80\x80\x80\x80", 8);
	buf_finish(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mask),
		cmocka_unit_test(test_decoded),
		cmocka_unit_test(test_alpha),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
