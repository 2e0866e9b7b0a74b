/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Streams of x264, and the colours that come of them by the matrix and range they name. */
#include <errno.h>
#include <libavcodec/avcodec.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "bench/client/h264_decoders.h"

#define WIDTH 96
#define HEIGHT 64

struct encoder {
	AVCodecContext *codec;
	AVFrame *frame;
	AVPacket *packet;
};

static void encoder_init(struct encoder *e, int width, int height, enum AVColorSpace matrix,
			 enum AVColorRange range)
{
	const AVCodec *codec = avcodec_find_encoder_by_name("libx264");
	AVDictionary *options = NULL;

	assert_non_null(codec);
	e->codec = avcodec_alloc_context3(codec);
	e->codec->width = width;
	e->codec->height = height;
	e->codec->time_base = (AVRational){1, 60};
	e->codec->pix_fmt = AV_PIX_FMT_YUV420P;
	e->codec->colorspace = matrix;
	e->codec->color_range = range;
	e->codec->thread_count = 1;
	e->codec->gop_size = 1000;
	av_dict_set(&options, "preset", "ultrafast", 0);
	av_dict_set(&options, "tune", "zerolatency", 0);
	av_dict_set(&options, "qp", "2", 0);
	assert_int_equal(avcodec_open2(e->codec, codec, &options), 0);
	av_dict_free(&options);
	e->packet = av_packet_alloc();
	e->frame = av_frame_alloc();
	e->frame->format = AV_PIX_FMT_YUV420P;
	e->frame->width = width;
	e->frame->height = height;
	e->frame->pts = 0;
	assert_int_equal(av_frame_get_buffer(e->frame, 0), 0);
}

static void encoder_finish(struct encoder *e)
{
	avcodec_free_context(&e->codec);
	av_frame_free(&e->frame);
	av_packet_free(&e->packet);
}

/* One picture of a single colour; the bytes are the packet's until the next. */
static void encode(struct encoder *e, const int colour[3])
{
	assert_int_equal(av_frame_make_writable(e->frame), 0);
	for (int plane = 0; plane < 3; plane++)
		memset(e->frame->data[plane], colour[plane],
		       (size_t)e->frame->linesize[plane] *
			       (size_t)(plane ? (e->frame->height + 1) / 2 : e->frame->height));
	e->frame->pts++;
	assert_int_equal(avcodec_send_frame(e->codec, e->frame), 0);
	av_packet_unref(e->packet);
	assert_int_equal(avcodec_receive_packet(e->codec, e->packet), 0);
}

static int level(double value)
{
	return (int)lrint(CLAMP(value, 0.0, 255.0));
}

/* ITU-R BT.601 and BT.709, both ranges. */
static void expected(const int yuv[3], double kr, double kb, bool full, int rgb[3])
{
	double y = full ? yuv[0] : (yuv[0] - 16) * 255.0 / 219;
	double u = (yuv[1] - 128) * (full ? 1.0 : 255.0 / 224);
	double v = (yuv[2] - 128) * (full ? 1.0 : 255.0 / 224);

	rgb[0] = level(y + 2 * (1 - kr) * v);
	rgb[2] = level(y + 2 * (1 - kb) * u);
	rgb[1] = level(y - (2 * kr * (1 - kr) * v + 2 * kb * (1 - kb) * u) / (1 - kr - kb));
}

static void check_colour(const struct framebuffer *fb, const struct box *rect, const int rgb[3])
{
	for (int y = rect->y1; y < rect->y2; y++) {
		for (int x = rect->x1; x < rect->x2; x++) {
			uint32_t pixel = fb->pixels[y * fb->width + x];

			for (int i = 0; i < 3; i++) {
				int have = (int)(pixel >> (16 - 8 * i) & 0xff);

				if (abs(have - rgb[i]) > 1 || pixel >> 24)
					fail_msg("pixel %d,%d is %08x, not %02x%02x%02x", x, y,
						 pixel, rgb[0], rgb[1], rgb[2]);
			}
		}
	}
}

static void test_colours(void **state)
{
	static const struct {
		enum AVColorSpace matrix;
		enum AVColorRange range;
		double kr, kb;
		bool full;
	} rows[] = {
		{AVCOL_SPC_UNSPECIFIED, AVCOL_RANGE_UNSPECIFIED, 0.299, 0.114, false},
		{AVCOL_SPC_SMPTE170M, AVCOL_RANGE_MPEG, 0.299, 0.114, false},
		{AVCOL_SPC_BT709, AVCOL_RANGE_MPEG, 0.2126, 0.0722, false},
		{AVCOL_SPC_BT709, AVCOL_RANGE_JPEG, 0.2126, 0.0722, true},
		{AVCOL_SPC_SMPTE170M, AVCOL_RANGE_JPEG, 0.299, 0.114, true},
	};
	static const int colours[][3] = {{40, 90, 160}, {120, 128, 128}, {200, 100, 140},
					 {90, 60, 200}, {16, 128, 128},  {235, 128, 128}};
	const struct box rect = {3, 5, 3 + WIDTH, 5 + HEIGHT};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct framebuffer fb = {0};
		struct h264_decoders decoders = {0};
		struct encoder e;

		encoder_init(&e, WIDTH, HEIGHT, rows[i].matrix, rows[i].range);
		assert_int_equal(framebuffer_resize(&fb, 120, 80), 0);
		for (size_t k = 0; k < ARRAY_LEN(colours); k++) {
			int rgb[3];

			encode(&e, colours[k]);
			expected(colours[k], rows[i].kr, rows[i].kb, rows[i].full, rgb);
			framebuffer_begin_update(&fb);
			assert_int_equal(h264_decoders_draw(&decoders, &rect,
							    k == 0 ? H264_RESET : 0, e.packet->data,
							    (size_t)e.packet->size, &fb),
					 0);
			assert_true(fb.changed);
			check_colour(&fb, &rect, rgb);
		}
		assert_int_equal(fb.pixels[0], 0);
		encoder_finish(&e);
		h264_decoders_finish(&decoders);
		framebuffer_finish(&fb);
	}
}

static int draw(struct h264_decoders *decoders, struct framebuffer *fb, const struct encoder *e,
		const struct box *rect, uint32_t flags)
{
	framebuffer_begin_update(fb);
	return h264_decoders_draw(decoders, rect, flags, e->packet->data, (size_t)e->packet->size,
				  fb);
}

static const int dark[3] = {40, 128, 128}, light[3] = {200, 128, 128};

/* Odd sides: the encoder has one more. */
static void test_sizes(void **state)
{
	const struct box odd = {1, 1, WIDTH, HEIGHT}, small = {0, 0, WIDTH - 2, HEIGHT};
	const struct box large = {0, 0, WIDTH + 1, HEIGHT};
	struct framebuffer fb = {0};
	struct h264_decoders decoders = {0};
	struct encoder e;
	int rgb[3];

	(void)state;
	encoder_init(&e, WIDTH, HEIGHT, AVCOL_SPC_BT709, AVCOL_RANGE_MPEG);
	assert_int_equal(framebuffer_resize(&fb, 120, 80), 0);
	encode(&e, dark);
	assert_int_equal(draw(&decoders, &fb, &e, &odd, 0), 0);
	expected(dark, 0.2126, 0.0722, false, rgb);
	check_colour(&fb, &odd, rgb);
	assert_int_equal(fb.pixels[WIDTH + 120], 0);
	assert_int_equal(draw(&decoders, &fb, &e, &small, 0), -EPROTO);
	assert_int_equal(draw(&decoders, &fb, &e, &large, 0), -EPROTO);
	encoder_finish(&e);
	h264_decoders_finish(&decoders);
	framebuffer_finish(&fb);
}

/* A picture that builds on another needs that other's context. */
static void test_contexts(void **state)
{
	const struct box one = {0, 0, WIDTH, HEIGHT}, other = {8, 8, 8 + WIDTH, 8 + HEIGHT};
	struct framebuffer fb = {0};
	struct h264_decoders decoders = {0};
	struct encoder e;

	(void)state;
	encoder_init(&e, WIDTH, HEIGHT, AVCOL_SPC_BT709, AVCOL_RANGE_MPEG);
	assert_int_equal(framebuffer_resize(&fb, 120, 80), 0);
	encode(&e, dark);
	assert_int_equal(draw(&decoders, &fb, &e, &one, 0), 0);
	encode(&e, light);
	assert_int_equal(draw(&decoders, &fb, &e, &one, 0), 0);
	assert_true(fb.changed);
	/* Elsewhere it is the first, and has no parameters. */
	assert_true(draw(&decoders, &fb, &e, &other, 0) < 0);
	assert_false(fb.changed);
	encode(&e, dark);
	assert_int_equal(draw(&decoders, &fb, &e, &one, 0), 0);
	/* Each flag makes a fresh start. */
	encode(&e, light);
	assert_true(draw(&decoders, &fb, &e, &one, H264_RESET) < 0);
	encode(&e, light);
	assert_true(draw(&decoders, &fb, &e, &one, 0) < 0);
	encoder_finish(&e);

	encoder_init(&e, WIDTH, HEIGHT, AVCOL_SPC_BT709, AVCOL_RANGE_MPEG);
	encode(&e, light);
	assert_int_equal(draw(&decoders, &fb, &e, &one, H264_RESET), 0);
	encode(&e, dark);
	assert_true(draw(&decoders, &fb, &e, &other, H264_RESET_ALL) < 0);
	assert_true(draw(&decoders, &fb, &e, &one, 0) < 0);
	encoder_finish(&e);
	h264_decoders_finish(&decoders);
	framebuffer_finish(&fb);
}

/* The 65th context takes the place of the one that was used longest ago. */
static void test_many(void **state)
{
	struct framebuffer fb = {0};
	struct h264_decoders decoders = {0};
	struct encoder e;
	struct box first = {0, 0, 32, 32};

	(void)state;
	encoder_init(&e, 32, 32, AVCOL_SPC_BT709, AVCOL_RANGE_MPEG);
	assert_int_equal(framebuffer_resize(&fb, 120, 80), 0);
	encode(&e, dark);
	for (int i = 0; i < H264_CONTEXTS_MAX; i++) {
		const struct box box = {i, 0, i + 32, 32};

		assert_int_equal(draw(&decoders, &fb, &e, &box, 0), 0);
	}
	encode(&e, light);
	assert_int_equal(draw(&decoders, &fb, &e, &first, 0), 0);
	/* Number 1 has to go for a new one, number 0 stays. */
	first = (struct box){0, 40, 32, 72};
	assert_true(draw(&decoders, &fb, &e, &first, 0) < 0);
	first = (struct box){1, 0, 33, 32};
	assert_true(draw(&decoders, &fb, &e, &first, 0) < 0);
	encode(&e, dark);
	first = (struct box){0, 0, 32, 32};
	assert_int_equal(draw(&decoders, &fb, &e, &first, 0), 0);
	encoder_finish(&e);
	h264_decoders_finish(&decoders);
	framebuffer_finish(&fb);
}

static void test_garbage(void **state)
{
	const struct box rect = {0, 0, WIDTH, HEIGHT};
	struct framebuffer fb = {0};
	struct h264_decoders decoders = {0};
	uint8_t bytes[500];

	(void)state;
	assert_int_equal(framebuffer_resize(&fb, 120, 80), 0);
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 31 + i / 7);
	assert_true(h264_decoders_draw(&decoders, &rect, 0, bytes, sizeof(bytes), &fb) < 0);
	assert_int_equal(h264_decoders_draw(&decoders, &rect, H264_RESET, bytes, 0, &fb), -EAGAIN);
	h264_decoders_finish(&decoders);
	framebuffer_finish(&fb);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_colours), cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_contexts), cmocka_unit_test(test_many),
		cmocka_unit_test(test_garbage)};

	av_log_set_level(AV_LOG_QUIET);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
