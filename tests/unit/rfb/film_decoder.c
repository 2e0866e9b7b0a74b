/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "film_decoder.h"

#include <libavcodec/avcodec.h>
#include <libswscale/swscale.h>
#include <stdlib.h>
#include <string.h>

#define WINDOW 8
#define STEP 4

void film_decoder_init(struct film_decoder *decoder)
{
	av_log_set_level(AV_LOG_ERROR);
	*decoder = (struct film_decoder){
		.context = avcodec_alloc_context3(avcodec_find_decoder(AV_CODEC_ID_H264)),
		.frame = av_frame_alloc(),
		.packet = av_packet_alloc(),
	};
	decoder->context->flags |= AV_CODEC_FLAG_LOW_DELAY;
	decoder->context->thread_count = 1;
	if (avcodec_open2(decoder->context, decoder->context->codec, NULL) < 0)
		avcodec_free_context(&decoder->context);
}

void film_decoder_finish(struct film_decoder *decoder)
{
	avcodec_free_context(&decoder->context);
	av_frame_free(&decoder->frame);
	av_packet_free(&decoder->packet);
}

static bool decode(struct film_decoder *decoder, const uint8_t *data, size_t len)
{
	if (!decoder->context || av_new_packet(decoder->packet, (int)len) < 0)
		return false;
	memcpy(decoder->packet->data, data, len);
	if (avcodec_send_packet(decoder->context, decoder->packet) < 0 ||
	    avcodec_receive_frame(decoder->context, decoder->frame) < 0)
		return false;
	av_packet_unref(decoder->packet);
	/* One packet, one frame: anything else would lag behind. */
	return decoder->frame->decode_error_flags == 0;
}

bool film_decoder_take(struct film_decoder *decoder, const uint8_t *data, size_t len, int width,
		       int height, uint32_t *pixels, int stride)
{
	const AVFrame *frame = decoder->frame;
	/* The scaler writes in large steps, past the ends of rows. */
	int row = (width + 63) / 64 * 64;
	uint8_t *planes[1];
	int strides[1] = {row * 4};
	struct SwsContext *scaler;
	uint32_t *scaled;

	if (!decode(decoder, data, len) || frame->width != width || frame->height != height)
		return false;
	scaled = malloc((size_t)row * (size_t)(height + 1) * 4);
	scaler = sws_getContext(width, height, AV_PIX_FMT_YUVJ420P, width, height, AV_PIX_FMT_BGR0,
				SWS_BILINEAR, NULL, NULL, NULL);
	if (!scaler || !scaled)
		return false;
	planes[0] = (uint8_t *)scaled;
	if (!decoder->deaf)
		sws_setColorspaceDetails(scaler, sws_getCoefficients(frame->colorspace),
					 frame->color_range == AVCOL_RANGE_JPEG,
					 sws_getCoefficients(SWS_CS_DEFAULT), 1, 0, 1 << 16,
					 1 << 16);
	sws_scale(scaler, (const uint8_t *const *)frame->data, frame->linesize, 0, height, planes,
		  strides);
	sws_freeContext(scaler);
	for (int y = 0; y < height; y++) {
		for (int x = 0; x < width; x++)
			pixels[y * stride + x] = scaled[y * row + x] & 0xffffff;
	}
	free(scaled);
	return true;
}

static double window_ssim(const uint32_t *a, int stride_a, const uint32_t *b, int stride_b,
			  int shift)
{
	const double n = WINDOW * WINDOW, c1 = 6.5025, c2 = 58.5225;
	double mean_a, mean_b, var_a, var_b, both;
	int sa = 0, sb = 0, saa = 0, sbb = 0, sab = 0;

	for (int y = 0; y < WINDOW; y++) {
		for (int x = 0; x < WINDOW; x++) {
			int p = (int)(a[y * stride_a + x] >> shift & 0xff);
			int q = (int)(b[y * stride_b + x] >> shift & 0xff);

			sa += p;
			sb += q;
			saa += p * p;
			sbb += q * q;
			sab += p * q;
		}
	}
	mean_a = sa / n;
	mean_b = sb / n;
	var_a = (saa - sa * mean_a) / (n - 1);
	var_b = (sbb - sb * mean_b) / (n - 1);
	both = (sab - sa * mean_b) / (n - 1);
	return (2 * mean_a * mean_b + c1) * (2 * both + c2) /
	       ((mean_a * mean_a + mean_b * mean_b + c1) * (var_a + var_b + c2));
}

double film_ssim(const uint32_t *a, int stride_a, const uint32_t *b, int stride_b, int width,
		 int height)
{
	double sum = 0;
	int n = 0;

	for (int y = 0; y + WINDOW <= height; y += STEP) {
		for (int x = 0; x + WINDOW <= width; x += STEP) {
			for (int shift = 0; shift < 24; shift += 8, n++)
				sum += window_ssim(a + y * stride_a + x, stride_a,
						   b + y * stride_b + x, stride_b, shift);
		}
	}
	return n ? sum / n : 1;
}
