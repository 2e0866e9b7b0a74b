/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "bench/client/h264_decoders.h"

#include <errno.h>
#include <libavcodec/avcodec.h>
#include <libavutil/log.h>
#include <stdlib.h>
#include <string.h>

#include "bench/client/yuv_rgb.h"

struct h264_context {
	struct box rect;
	uint64_t used;
	AVCodecContext *codec;
	AVPacket *packet;
	AVFrame *frame;
	struct yuv_rgb *yuv;
};

static void context_destroy(struct h264_context *context)
{
	if (!context)
		return;
	avcodec_free_context(&context->codec);
	av_packet_free(&context->packet);
	av_frame_free(&context->frame);
	yuv_rgb_destroy(context->yuv);
	free(context);
}

static struct h264_context *context_create(const struct box *rect)
{
	struct h264_context *context = calloc(1, sizeof(*context));
	const AVCodec *codec = avcodec_find_decoder(AV_CODEC_ID_H264);

	if (!context || !codec)
		goto fail;
	av_log_set_level(AV_LOG_QUIET);
	context->rect = *rect;
	context->codec = avcodec_alloc_context3(codec);
	context->packet = av_packet_alloc();
	context->frame = av_frame_alloc();
	if (!context->codec || !context->packet || !context->frame)
		goto fail;
	/* One picture out for each that comes in; threads would only add to the CPU it costs. */
	context->codec->flags |= AV_CODEC_FLAG_LOW_DELAY;
	context->codec->thread_count = 1;
	if (avcodec_open2(context->codec, codec, NULL) < 0)
		goto fail;
	return context;
fail:
	context_destroy(context);
	return NULL;
}

static void forget(struct h264_decoders *decoders, size_t i)
{
	context_destroy(decoders->contexts[i]);
	decoders->contexts[i] = NULL;
}

void h264_decoders_finish(struct h264_decoders *decoders)
{
	for (size_t i = 0; i < H264_CONTEXTS_MAX; i++)
		forget(decoders, i);
}

static bool same_box(const struct box *a, const struct box *b)
{
	return a->x1 == b->x1 && a->y1 == b->y1 && a->x2 == b->x2 && a->y2 == b->y2;
}

/* The slot that has the rectangle's context, or is free, or was not used for longest. */
static size_t find_slot(const struct h264_decoders *decoders, const struct box *rect)
{
	uint64_t oldest = UINT64_MAX;
	size_t best = 0;

	for (size_t i = 0; i < H264_CONTEXTS_MAX; i++) {
		const struct h264_context *context = decoders->contexts[i];
		uint64_t used = context ? context->used : 0;

		if (context && same_box(&context->rect, rect))
			return i;
		if (used < oldest) {
			oldest = used;
			best = i;
		}
	}
	return best;
}

static struct h264_context *find_context(struct h264_decoders *decoders, const struct box *rect,
					 uint32_t flags)
{
	size_t i;

	if (flags & H264_RESET_ALL)
		h264_decoders_finish(decoders);
	i = find_slot(decoders, rect);
	if (decoders->contexts[i] &&
	    ((flags & H264_RESET) || !same_box(&decoders->contexts[i]->rect, rect)))
		forget(decoders, i);
	if (!decoders->contexts[i])
		decoders->contexts[i] = context_create(rect);
	if (decoders->contexts[i])
		decoders->contexts[i]->used = ++decoders->uses;
	return decoders->contexts[i];
}

static int decode(struct h264_context *context, const uint8_t *data, size_t len)
{
	int r = av_new_packet(context->packet, (int)len);

	if (r < 0)
		return -ENOMEM;
	memcpy(context->packet->data, data, len);
	r = avcodec_send_packet(context->codec, context->packet);
	av_packet_unref(context->packet);
	if (r < 0)
		return r == AVERROR(ENOMEM) ? -ENOMEM : -EPROTO;
	r = avcodec_receive_frame(context->codec, context->frame);
	if (r == AVERROR(EAGAIN))
		return -EAGAIN;
	return r < 0 ? -EPROTO : 0;
}

/* Weights of red and blue (ITU-T H.264 table E-5). BT.601 is what viewers take where the stream says
 * nothing. */
static void set_weights(struct yuv_picture *picture, enum AVColorSpace matrix)
{
	picture->kr = 0.299;
	picture->kb = 0.114;
	if (matrix == AVCOL_SPC_BT709) {
		picture->kr = 0.2126;
		picture->kb = 0.0722;
	} else if (matrix == AVCOL_SPC_SMPTE240M) {
		picture->kr = 0.212;
		picture->kb = 0.087;
	} else if (matrix == AVCOL_SPC_BT2020_NCL) {
		picture->kr = 0.2627;
		picture->kb = 0.0593;
	}
}

/* -EPROTO: no 4:2:0 of eight bits, which baseline profile does not have either. */
static int read_frame(const AVFrame *frame, struct yuv_picture *ret_picture)
{
	*ret_picture = (struct yuv_picture){
		.planes = {frame->data[0], frame->data[1], frame->data[2]},
		.strides = {frame->linesize[0], frame->linesize[1], frame->linesize[2]},
		.width = frame->width,
		.height = frame->height,
		.full_range = frame->color_range == AVCOL_RANGE_JPEG ||
			      frame->format == AV_PIX_FMT_YUVJ420P,
		.left = frame->chroma_location != AVCHROMA_LOC_CENTER,
	};
	set_weights(ret_picture, frame->colorspace);
	return frame->format == AV_PIX_FMT_YUV420P || frame->format == AV_PIX_FMT_YUVJ420P
		       ? 0
		       : -EPROTO;
}

static int prepare(struct h264_context *context, const struct yuv_picture *picture)
{
	if (context->yuv && yuv_rgb_fits(context->yuv, picture))
		return 0;
	yuv_rgb_destroy(context->yuv);
	context->yuv = NULL;
	return yuv_rgb_create(&context->yuv, picture);
}

static int draw(struct h264_context *context, const struct box *rect, struct framebuffer *fb)
{
	int width = rect->x2 - rect->x1, height = rect->y2 - rect->y1;
	struct yuv_picture picture;
	int r = read_frame(context->frame, &picture);

	/* An encoder for even sides only may round up. */
	if (r < 0 || picture.width < width || picture.width > width + 1 ||
	    picture.height < height || picture.height > height + 1)
		return -EPROTO;
	r = prepare(context, &picture);
	if (r < 0)
		return r;
	framebuffer_begin_rect(fb, rect);
	for (int y = 0; y < height; y++) {
		yuv_rgb_row(context->yuv, &picture, y, framebuffer_row(fb, rect->x1, rect->y1 + y),
			    width);
		framebuffer_row_done(fb, rect->x1, rect->y1 + y, width);
	}
	return 0;
}

int h264_decoders_draw(struct h264_decoders *decoders, const struct box *rect, uint32_t flags,
		       const uint8_t *data, size_t len, struct framebuffer *fb)
{
	struct h264_context *context = find_context(decoders, rect, flags);
	int r;

	if (!context)
		return -ENOMEM;
	if (len == 0)
		return -EAGAIN;
	r = decode(context, data, len);
	if (r == 0)
		r = draw(context, rect, fb);
	av_frame_unref(context->frame);
	return r;
}
