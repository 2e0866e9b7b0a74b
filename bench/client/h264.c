/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "bench/client/h264.h"

#include <errno.h>
#include <libavcodec/avcodec.h>
#include <libavutil/log.h>
#include <libavutil/mem.h>
#include <libswscale/swscale.h>
#include <stdlib.h>
#include <string.h>

#define ROW_ALIGN 32 /* pixels */

struct h264_context {
	struct box rect;
	uint64_t used;
	AVCodecContext *codec;
	AVPacket *packet;
	AVFrame *frame;
	struct SwsContext *scale;
	/* What `scale` was made for */
	int format, colorspace, range, width, height;
	uint8_t *rgb; /* what it made */
	int rgb_stride; /* bytes */
};

static void context_destroy(struct h264_context *context)
{
	if (!context)
		return;
	avcodec_free_context(&context->codec);
	av_packet_free(&context->packet);
	av_frame_free(&context->frame);
	sws_freeContext(context->scale);
	av_free(context->rgb);
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

static void forget(struct h264 *h264, size_t i)
{
	context_destroy(h264->contexts[i]);
	h264->contexts[i] = NULL;
}

void h264_finish(struct h264 *h264)
{
	for (size_t i = 0; i < H264_CONTEXTS_MAX; i++)
		forget(h264, i);
}

static bool same_box(const struct box *a, const struct box *b)
{
	return a->x1 == b->x1 && a->y1 == b->y1 && a->x2 == b->x2 && a->y2 == b->y2;
}

/* The slot that has the rectangle's context, or is free, or was not used for longest. */
static size_t find_slot(const struct h264 *h264, const struct box *rect)
{
	uint64_t oldest = UINT64_MAX;
	size_t best = 0;

	for (size_t i = 0; i < H264_CONTEXTS_MAX; i++) {
		const struct h264_context *context = h264->contexts[i];
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

static struct h264_context *find_context(struct h264 *h264, const struct box *rect, uint32_t flags)
{
	size_t i;

	if (flags & H264_RESET_ALL)
		h264_finish(h264);
	i = find_slot(h264, rect);
	if (h264->contexts[i] &&
	    ((flags & H264_RESET) || !same_box(&h264->contexts[i]->rect, rect)))
		forget(h264, i);
	if (!h264->contexts[i])
		h264->contexts[i] = context_create(rect);
	if (h264->contexts[i])
		h264->contexts[i]->used = ++h264->uses;
	return h264->contexts[i];
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

/* BT.601 is what viewers take where the stream says nothing. */
static int matrix_of(const AVFrame *frame)
{
	switch (frame->colorspace) {
	case AVCOL_SPC_BT709:
		return SWS_CS_ITU709;
	case AVCOL_SPC_FCC:
		return SWS_CS_FCC;
	case AVCOL_SPC_SMPTE240M:
		return SWS_CS_SMPTE240M;
	case AVCOL_SPC_BT2020_NCL:
	case AVCOL_SPC_BT2020_CL:
		return SWS_CS_BT2020;
	default:
		return SWS_CS_ITU601;
	}
}

/* Full chroma and exact rounding: the picture is judged by its pixels. */
static int prepare_scale(struct h264_context *context, const AVFrame *frame)
{
	const int flags = SWS_BICUBIC | SWS_FULL_CHR_H_INT | SWS_FULL_CHR_H_INP | SWS_ACCURATE_RND;
	const int *matrix = sws_getCoefficients(matrix_of(frame));

	if (context->scale && context->format == frame->format && context->width == frame->width &&
	    context->height == frame->height && context->colorspace == (int)frame->colorspace &&
	    context->range == (int)frame->color_range)
		return 0;
	sws_freeContext(context->scale);
	context->scale = sws_getContext(frame->width, frame->height,
					(enum AVPixelFormat)frame->format, frame->width,
					frame->height, AV_PIX_FMT_BGR0, flags, NULL, NULL, NULL);
	av_free(context->rgb);
	context->rgb_stride = (frame->width + 2 * ROW_ALIGN) / ROW_ALIGN * ROW_ALIGN * 4;
	context->rgb = av_malloc((size_t)context->rgb_stride * (size_t)(frame->height + 1));
	if (!context->scale || !context->rgb) {
		sws_freeContext(context->scale);
		context->scale = NULL;
		return -ENOMEM;
	}
	sws_setColorspaceDetails(context->scale, matrix, frame->color_range == AVCOL_RANGE_JPEG,
				 matrix, 1, 0, 1 << 16, 1 << 16);
	context->format = frame->format;
	context->width = frame->width;
	context->height = frame->height;
	context->colorspace = (int)frame->colorspace;
	context->range = (int)frame->color_range;
	return 0;
}

/* The converter may write past the end of rows that are no multiple of its vectors, so it gets a
 * picture of its own. */
static int draw(struct h264_context *context, const struct box *rect, struct framebuffer *fb)
{
	int width = rect->x2 - rect->x1, height = rect->y2 - rect->y1;
	const AVFrame *frame = context->frame;
	uint8_t *planes[4] = {NULL};
	int strides[4] = {0};

	/* An encoder for even sides only may round up. */
	if (frame->width < width || frame->width > width + 1 || frame->height < height ||
	    frame->height > height + 1)
		return -EPROTO;
	if (prepare_scale(context, frame) < 0)
		return -ENOMEM;
	planes[0] = context->rgb;
	strides[0] = context->rgb_stride;
	sws_scale(context->scale, (const uint8_t *const *)frame->data, frame->linesize, 0,
		  frame->height, planes, strides);
	framebuffer_begin_rect(fb, rect);
	for (int y = 0; y < height; y++) {
		const uint32_t *from = (const uint32_t *)(context->rgb +
							  (size_t)y * (size_t)strides[0]);
		uint32_t *to = framebuffer_row(fb, rect->x1, rect->y1 + y);

		for (int x = 0; x < width; x++)
			to[x] = from[x] & 0xffffff;
		framebuffer_row_done(fb, rect->x1, rect->y1 + y, width);
	}
	return 0;
}

int h264_draw(struct h264 *h264, const struct box *rect, uint32_t flags, const uint8_t *data,
	      size_t len, struct framebuffer *fb)
{
	struct h264_context *context = find_context(h264, rect, flags);
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
