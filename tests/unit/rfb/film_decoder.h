/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A viewer's half of Open H.264 by libavcodec, and how much two pictures look alike. */
#ifndef LAZARET_TESTS_RFB_FILM_DECODER_H
#define LAZARET_TESTS_RFB_FILM_DECODER_H

#include <pixman.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct AVCodecContext;
struct AVFrame;
struct AVPacket;

/* One context: for one rectangle. */
struct film_decoder {
	struct AVCodecContext *context;
	struct AVFrame *frame;
	struct AVPacket *packet;
	bool deaf; /* does not look at the colour matrix of the stream, as some viewers */
};

void film_decoder_init(struct film_decoder *decoder);
void film_decoder_finish(struct film_decoder *decoder);

/*
 * Decodes what one rectangle of an update carried, which must be exactly one frame of this size, and
 * writes it as 0x00RRGGBB to `pixels` (stride in pixels). False if that is not what the data are.
 */
bool film_decoder_take(struct film_decoder *decoder, const uint8_t *data, size_t len, int width,
		       int height, uint32_t *pixels, int stride);

/* Mean structural similarity (windows of 8x8, step 4) of red, green and blue; 1: the same. */
double film_ssim(const uint32_t *a, int stride_a, const uint32_t *b, int stride_b, int width,
		 int height);

#endif
