/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Messages by hand: what our own encoders do not do, and what no server should. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <cmocka.h>

#include "bench/client/decoder.h"

#define WIDTH 64
#define HEIGHT 48
#define GRADIENT_WIDTH 5
#define GRADIENT_HEIGHT 4

struct state {
	struct decoder decoder;
	struct buf in;
	int updates, ends, sizes, size_changes, ends_of_continuous;
	unsigned int refused;
	uint32_t fence_flags;
	uint8_t fence[RFB_FENCE_PAYLOAD_MAX];
	size_t fence_len;
	uint32_t seen_at_fence; /* first pixel */
};

static void handle_update(void *data)
{
	((struct state *)data)->updates++;
}

static void handle_end(void *data)
{
	((struct state *)data)->ends++;
}

static void handle_size(void *data, bool changed, bool extended)
{
	struct state *s = data;

	(void)extended;
	s->sizes++;
	s->size_changes += changed;
}

static void handle_refused(void *data, unsigned int status)
{
	((struct state *)data)->refused = status;
}

static void handle_fence(void *data, uint32_t flags, const uint8_t *payload, size_t len)
{
	struct state *s = data;

	s->fence_flags = flags;
	s->fence_len = len;
	memcpy(s->fence, payload, len);
	s->seen_at_fence = s->decoder.fb.pixels[0];
}

static void handle_continuous(void *data)
{
	((struct state *)data)->ends_of_continuous++;
}

static const struct decoder_calls calls = {handle_update,  handle_end,   handle_size,
					   handle_refused, handle_fence, handle_continuous};

static struct state s;

static int set_up(void **state)
{
	(void)state;
	memset(&s, 0, sizeof(s));
	buf_init(&s.in, 1 << 20);
	return decoder_init(&s.decoder, WIDTH, HEIGHT, &calls, &s);
}

static int tear_down(void **state)
{
	(void)state;
	decoder_finish(&s.decoder);
	buf_finish(&s.in);
	return 0;
}

static void put_update(unsigned int rects)
{
	buf_put_u8(&s.in, RFB_FRAMEBUFFER_UPDATE);
	buf_put_u8(&s.in, 0);
	buf_put_u16(&s.in, (uint16_t)rects);
}

static void put_rect(int x, int y, int width, int height, int32_t encoding)
{
	buf_put_u16(&s.in, (uint16_t)x);
	buf_put_u16(&s.in, (uint16_t)y);
	buf_put_u16(&s.in, (uint16_t)width);
	buf_put_u16(&s.in, (uint16_t)height);
	buf_put_u32(&s.in, (uint32_t)encoding);
}

static void put_fill(int x, int y, int width, int height, uint32_t colour)
{
	put_rect(x, y, width, height, RFB_ENCODING_TIGHT);
	buf_put_u32(&s.in, 0x80000000 | colour);
}

static void feed(void)
{
	if (decoder_feed(&s.decoder, &s.in) != 0)
		fail_msg("%s", s.decoder.reason);
	assert_int_equal(buf_len(&s.in), 0);
}

static void refused(void)
{
	assert_int_equal(decoder_feed(&s.decoder, &s.in), -EPROTO);
	assert_non_null(s.decoder.reason);
}

static uint32_t pixel(int x, int y)
{
	return s.decoder.fb.pixels[y * s.decoder.fb.width + x];
}

static size_t deflate_into(z_stream *z, const void *data, size_t len, uint8_t *out, size_t size)
{
	z->next_in = (Bytef *)(uintptr_t)data;
	z->avail_in = (uInt)len;
	z->next_out = out;
	z->avail_out = (uInt)size;
	assert_int_equal(deflate(z, Z_SYNC_FLUSH), Z_OK);
	assert_int_equal(z->avail_in, 0);
	return size - z->avail_out;
}

/* --- Tight -------------------------------------------------------------------------------------- */

static uint32_t gradient_pixel(int x, int y)
{
	return (uint32_t)(x * 60) << 16 | (uint32_t)(255 - y * 70) << 8 | (uint32_t)(x * y * 17);
}

static void put_gradient(z_stream *z, unsigned int control)
{
	uint8_t data[GRADIENT_HEIGHT][GRADIENT_WIDTH][3], packed[200];
	size_t len;

	for (int y = 0; y < GRADIENT_HEIGHT; y++) {
		for (int x = 0; x < GRADIENT_WIDTH; x++) {
			for (int i = 0; i < 3; i++) {
				int shift = 16 - 8 * i;
				int left = x ? gradient_pixel(x - 1, y) >> shift & 255 : 0;
				int up = y ? gradient_pixel(x, y - 1) >> shift & 255 : 0;
				int both = x && y ? gradient_pixel(x - 1, y - 1) >> shift & 255 : 0;
				int guess = CLAMP(left + up - both, 0, 255);

				data[y][x][i] = (uint8_t)((gradient_pixel(x, y) >> shift & 255) -
							  (unsigned int)guess);
			}
		}
	}
	len = deflate_into(z, data, sizeof(data), packed, sizeof(packed));
	assert_true(len < 128);
	put_rect(7, 9, GRADIENT_WIDTH, GRADIENT_HEIGHT, RFB_ENCODING_TIGHT);
	buf_put_u8(&s.in, (uint8_t)(RFB_TIGHT_EXPLICIT_FILTER | control));
	buf_put_u8(&s.in, RFB_TIGHT_FILTER_GRADIENT);
	buf_put_u8(&s.in, (uint8_t)len);
	buf_put(&s.in, packed, len);
}

static void test_gradient(void **state)
{
	z_stream z = {0};

	(void)state;
	assert_int_equal(deflateInit(&z, 6), Z_OK);
	put_update(1);
	put_gradient(&z, 2 << 4);
	feed();
	for (int y = 0; y < GRADIENT_HEIGHT; y++) {
		for (int x = 0; x < GRADIENT_WIDTH; x++)
			assert_int_equal(pixel(7 + x, 9 + y), gradient_pixel(x, y));
	}
	assert_int_equal(s.decoder.stats.pixels[DECODER_TIGHT_FULL], 20);
	/* The stream begins anew; the bit is read again with each byte that comes. */
	deflateReset(&z);
	put_update(1);
	put_gradient(&z, 2 << 4 | 1 << 2);
	while (buf_len(&s.in) > 0) {
		size_t len = buf_len(&s.in);
		uint8_t last = buf_data(&s.in)[len - 1];

		buf_truncate(&s.in, len - 1);
		assert_int_equal(decoder_feed(&s.decoder, &s.in), 0);
		buf_put_u8(&s.in, last);
		assert_int_equal(decoder_feed(&s.decoder, &s.in), 0);
	}
	assert_int_equal(s.updates, 2);
	/* Without that bit a fresh stream is none. */
	deflateReset(&z);
	put_update(1);
	put_gradient(&z, 2 << 4);
	refused();
	deflateEnd(&z);
}

static void test_small_data(void **state)
{
	static const uint8_t row[] = {1, 2, 3, 4, 5, 6, 7, 8, 9};

	(void)state;
	put_update(2);
	put_rect(0, 0, 3, 1, RFB_ENCODING_TIGHT);
	buf_put_u8(&s.in, 0);
	buf_put(&s.in, row, sizeof(row));
	/* A palette of two, bits of a row in a byte. */
	put_rect(0, 1, 3, 2, RFB_ENCODING_TIGHT);
	buf_put_u8(&s.in, RFB_TIGHT_EXPLICIT_FILTER);
	buf_put_u8(&s.in, RFB_TIGHT_FILTER_PALETTE);
	buf_put_u8(&s.in, 1);
	buf_put(&s.in, row, 6);
	buf_put_u8(&s.in, 0xa0);
	buf_put_u8(&s.in, 0x40);
	feed();
	assert_int_equal(pixel(0, 0), 0x010203);
	assert_int_equal(pixel(2, 0), 0x070809);
	assert_int_equal(pixel(0, 1), 0x040506);
	assert_int_equal(pixel(1, 1), 0x010203);
	assert_int_equal(pixel(1, 2), 0x040506);
	assert_int_equal(s.decoder.stats.bytes[DECODER_TIGHT_MONO], 12 + 3 + 6 + 2);
	assert_int_equal(s.decoder.stats.bytes[DECODER_TIGHT_FULL], 12 + 1 + 9);
}

static void test_tight_refused(void **state)
{
	(void)state;
	put_update(1);
	put_rect(0, 0, 4, 4, RFB_ENCODING_TIGHT);
	buf_put_u8(&s.in, 0xa0);
	refused();
}

static void test_tight_filter(void **state)
{
	(void)state;
	put_update(1);
	put_rect(0, 0, 4, 4, RFB_ENCODING_TIGHT);
	buf_put_u16(&s.in, RFB_TIGHT_EXPLICIT_FILTER << 8 | 3);
	refused();
}

static void test_tight_garbage(void **state)
{
	(void)state;
	put_update(1);
	put_rect(0, 0, 4, 4, RFB_ENCODING_TIGHT);
	buf_put_u8(&s.in, 0);
	buf_put_u8(&s.in, 20);
	buf_put_zero(&s.in, 20);
	refused();
}

static void test_jpeg_garbage(void **state)
{
	(void)state;
	put_update(1);
	put_rect(0, 0, 16, 16, RFB_ENCODING_TIGHT);
	buf_put_u8(&s.in, RFB_TIGHT_JPEG);
	buf_put_u8(&s.in, 20);
	buf_put_zero(&s.in, 20);
	refused();
}

/* --- other rectangles --------------------------------------------------------------------------- */

static void test_last_rect(void **state)
{
	(void)state;
	put_update(0xffff);
	put_fill(0, 0, 10, 10, 0x112233);
	put_fill(10, 0, 10, 10, 0x445566);
	put_rect(0, 0, 0, 0, RFB_ENCODING_LAST_RECT);
	put_update(1);
	put_fill(0, 0, 10, 10, 0x778899);
	feed();
	assert_int_equal(s.updates, 2);
	assert_int_equal(pixel(5, 5), 0x778899);
	assert_int_equal(pixel(15, 5), 0x445566);
	/* It may end a message before its count does. */
	put_update(5);
	put_fill(0, 0, 10, 10, 0x778899);
	put_rect(0, 0, 0, 0, RFB_ENCODING_LAST_RECT);
	feed();
	assert_int_equal(s.updates, 3);
	assert_false(s.decoder.in_update);
	assert_int_equal(s.decoder.stats.frames, 2);
}

static void test_pointers(void **state)
{
	(void)state;
	put_update(3);
	put_rect(1, 1, 9, 5, RFB_ENCODING_CURSOR);
	buf_put_zero(&s.in, 9 * 5 * 4 + 2 * 5);
	put_rect(1, 1, 4, 4, RFB_ENCODING_CURSOR_WITH_ALPHA);
	buf_put_u32(&s.in, RFB_ENCODING_RAW);
	buf_put_zero(&s.in, 4 * 4 * 4);
	put_rect(0, 0, 0, 0, RFB_ENCODING_CURSOR);
	feed();
	assert_int_equal(s.decoder.stats.cursors, 3);
	/* No picture, no update; but the next may be asked for. */
	assert_int_equal(s.updates, 0);
	assert_int_equal(s.ends, 1);
	put_update(0);
	feed();
	assert_int_equal(s.ends, 2);
	put_update(1);
	put_rect(0, 0, 4, 4, RFB_ENCODING_CURSOR_WITH_ALPHA);
	buf_put_u32(&s.in, RFB_ENCODING_TIGHT);
	refused();
}

static void put_extended(int reason, int status, int width, int height)
{
	put_update(1);
	put_rect(reason, status, width, height, RFB_ENCODING_EXTENDED_DESKTOP_SIZE);
	buf_put_u32(&s.in, 1 << 24);
	buf_put_zero(&s.in, 16);
}

static void test_sizes(void **state)
{
	(void)state;
	put_extended(RFB_SIZE_REASON_SERVER, 0, WIDTH, HEIGHT);
	feed();
	assert_int_equal(s.sizes, 1);
	assert_int_equal(s.size_changes, 0);
	put_extended(RFB_SIZE_REASON_THIS_CLIENT, RFB_SIZE_PROHIBITED, 10, 10);
	feed();
	assert_int_equal(s.refused, RFB_SIZE_PROHIBITED);
	assert_int_equal(s.decoder.fb.width, WIDTH);
	put_extended(RFB_SIZE_REASON_THIS_CLIENT, RFB_SIZE_OK, 80, 20);
	feed();
	assert_int_equal(s.decoder.fb.width, 80);
	put_update(1);
	put_rect(0, 0, 30, 40, RFB_ENCODING_DESKTOP_SIZE);
	feed();
	assert_int_equal(s.decoder.fb.height, 40);
	assert_int_equal(s.size_changes, 2);
	assert_int_equal(s.updates, 0);
	put_extended(RFB_SIZE_REASON_SERVER, 0, RFB_SIDE_MAX + 1, 10);
	refused();
}

static void test_outside(void **state)
{
	(void)state;
	put_update(2);
	put_fill(WIDTH - 10, HEIGHT - 10, 10, 10, 0x010101);
	put_fill(WIDTH - 10, HEIGHT - 10, 10, 11, 0x010101);
	refused();
	assert_int_equal(pixel(WIDTH - 1, HEIGHT - 1), 0x010101);
}

static void test_copy_outside(void **state)
{
	(void)state;
	put_update(2);
	put_rect(0, 0, 10, 10, RFB_ENCODING_COPY_RECT);
	buf_put_u32(&s.in, (uint32_t)(WIDTH - 10) << 16 | (HEIGHT - 10));
	put_rect(0, 0, 10, 10, RFB_ENCODING_COPY_RECT);
	buf_put_u32(&s.in, (uint32_t)(WIDTH - 9) << 16 | (HEIGHT - 10));
	refused();
	assert_int_equal(s.decoder.stats.rects[DECODER_COPYRECT], 1);
}

static void test_empty_rect(void **state)
{
	(void)state;
	put_update(1);
	put_fill(0, 0, 0, 10, 0);
	refused();
}

static void test_unknown_encoding(void **state)
{
	(void)state;
	put_update(1);
	put_rect(0, 0, 10, 10, 5);
	refused();
}

/* --- ZRLE --------------------------------------------------------------------------------------- */

static void put_zrle(const uint8_t *tile, size_t len)
{
	uint8_t packed[200];
	z_stream z = {0};

	assert_int_equal(deflateInit(&z, 6), Z_OK);
	len = deflate_into(&z, tile, len, packed, sizeof(packed));
	deflateEnd(&z);
	put_update(1);
	put_rect(0, 0, 4, 2, RFB_ENCODING_ZRLE);
	buf_put_u32(&s.in, (uint32_t)len);
	buf_put(&s.in, packed, len);
}

/* Runs of a palette, one of them longer than a byte says; blue comes first. */
static void test_zrle_runs(void **state)
{
	static const uint8_t tile[] = {130, 1, 2, 3, 4, 5, 6, 0, 0x81, 5, 0};

	(void)state;
	put_zrle(tile, sizeof(tile));
	feed();
	assert_int_equal(pixel(0, 0), 0x030201);
	assert_int_equal(pixel(1, 0), 0x060504);
	assert_int_equal(pixel(2, 1), 0x060504);
	assert_int_equal(pixel(3, 1), 0x030201);
}

static void test_zrle_wrong(void **state)
{
	static const uint8_t tiles[][12] = {
		{128, 1, 2, 3, 8}, /* a run of nine */
		{17}, /* no such type */
		{129},
		{128, 1, 2, 3, 7, 0}, /* a byte more */
		{0, 1, 2, 3}, /* too short */
		{130, 1, 2, 3, 4, 5, 6, 0, 1}, /* runs of less than the tile */
	};
	static const size_t sizes[] = {5, 1, 1, 6, 4, 9};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(tiles); i++) {
		tear_down(NULL);
		assert_int_equal(set_up(NULL), 0);
		put_zrle(tiles[i], sizes[i]);
		refused();
		/* Nothing is drawn of a tile that is not whole. */
		if (i != 3)
			assert_false(s.decoder.fb.changed);
	}
}

/* --- messages ----------------------------------------------------------------------------------- */

/* It tells of what came before it. */
static void test_fence(void **state)
{
	(void)state;
	put_update(1);
	put_fill(0, 0, 10, 10, 0xabcdef);
	buf_put_u32(&s.in, (uint32_t)RFB_SERVER_FENCE << 24);
	buf_put_u32(&s.in, RFB_FENCE_REQUEST | RFB_FENCE_BLOCK_BEFORE);
	buf_put_u8(&s.in, 3);
	buf_put(&s.in, "abc", 3);
	put_update(1);
	put_fill(0, 0, 10, 10, 0);
	feed();
	assert_int_equal(s.fence_flags, RFB_FENCE_REQUEST | RFB_FENCE_BLOCK_BEFORE);
	assert_int_equal(s.fence_len, 3);
	assert_memory_equal(s.fence, "abc", 3);
	assert_int_equal(s.seen_at_fence, 0xabcdef);
	buf_put_u32(&s.in, (uint32_t)RFB_SERVER_FENCE << 24);
	buf_put_u32(&s.in, 0);
	buf_put_u8(&s.in, 65);
	buf_put_zero(&s.in, 65);
	refused();
}

static void test_messages(void **state)
{
	(void)state;
	buf_put_u8(&s.in, RFB_BELL);
	buf_put_u8(&s.in, RFB_END_OF_CONTINUOUS_UPDATES);
	buf_put_u32(&s.in, (uint32_t)RFB_SERVER_CUT_TEXT << 24);
	buf_put_u32(&s.in, 4);
	buf_put(&s.in, "text", 4);
	buf_put_u32(&s.in, (uint32_t)RFB_SERVER_CUT_TEXT << 24);
	buf_put_u32(&s.in, (uint32_t)-8);
	buf_put_zero(&s.in, 8);
	buf_put_u32(&s.in, (uint32_t)RFB_SET_COLOUR_MAP_ENTRIES << 24);
	buf_put_u16(&s.in, 2);
	buf_put_zero(&s.in, 12);
	put_update(1);
	put_rect(0, 0, 0, 0, RFB_ENCODING_DESKTOP_NAME);
	buf_put_str(&s.in, "a page");
	feed();
	assert_int_equal(s.ends_of_continuous, 1);
	assert_int_equal(s.ends, 1);
	buf_put_u8(&s.in, 99);
	refused();
}

static void test_text_too_long(void **state)
{
	(void)state;
	buf_put_u32(&s.in, (uint32_t)RFB_SERVER_CUT_TEXT << 24);
	buf_put_u32(&s.in, DECODER_TEXT_MAX);
	assert_int_equal(decoder_feed(&s.decoder, &s.in), 0);
	buf_clear(&s.in);
	buf_put_u32(&s.in, (uint32_t)RFB_SERVER_CUT_TEXT << 24);
	buf_put_u32(&s.in, DECODER_TEXT_MAX + 1);
	refused();
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_gradient),
		TEST(test_small_data),
		TEST(test_tight_refused),
		TEST(test_tight_filter),
		TEST(test_tight_garbage),
		TEST(test_jpeg_garbage),
		TEST(test_last_rect),
		TEST(test_pointers),
		TEST(test_sizes),
		TEST(test_outside),
		TEST(test_copy_outside),
		TEST(test_empty_rect),
		TEST(test_unknown_encoding),
		TEST(test_zrle_runs),
		TEST(test_zrle_wrong),
		TEST(test_fence),
		TEST(test_messages),
		TEST(test_text_too_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
