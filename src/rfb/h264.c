/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "rfb/h264.h"

#include <errno.h>
#include <stdlib.h>
#include <x264.h>

#include "base/clock.h"
#include "base/mem.h"
#include "rfb/encoder.h"
#include "rfb/protocol.h"
#include "rfb/yuv.h"

/* The share of a second that the line may need for one frame that is larger than others. */
#define BUFFER_PARTS 4
/* What the coder thinks that time is made of. Rates are scaled to what it really is. */
#define FRAMES_PER_SECOND 30
#define SPACING (USEC_PER_SEC / FRAMES_PER_SECOND)
#define SPACING_MIN (USEC_PER_SEC / 60)
#define SPACING_MAX (USEC_PER_SEC / 4)
/* A rate has to change by so much, one part of this, to be followed. */
#define RATE_STEP 8

/* Annex E of H.264: what the numbers of the colour description mean. */
#define VUI_PRIMARIES_BT709 1
#define VUI_TRANSFER_SRGB 13
#define VUI_MATRIX_BT601 6
#define VUI_CHROMA_CENTRE 1

struct h264 {
	x264_t *coder;
	x264_param_t param;
	x264_picture_t picture;
	int width, height;
	int64_t frames;
	uint64_t time; /* of the last frame */
	uint64_t spacing; /* of frames, microseconds; a moving average */
	bool broken; /* the next frame has to be a key frame */
};

/* Constant rate factors for the levels of JPEG. With grain in the film its SSIM on RGB is between that
 * of our JPEG of the level and TigerVNC's, without it is lower, which the eye does not see; figures in
 * docs/decisions/video.md. */
static const float rate_factors[] = {35, 31.5f, 29.5f, 28, 26.5f, 25, 23.5f, 22, 21, 12};

static void set_colours(x264_param_t *param)
{
	param->vui.b_fullrange = 1;
	param->vui.i_colorprim = VUI_PRIMARIES_BT709;
	param->vui.i_transfer = VUI_TRANSFER_SRGB;
	param->vui.i_colmatrix = VUI_MATRIX_BT601;
	param->vui.i_chroma_loc = VUI_CHROMA_CENTRE;
}

/* Presets by name, then what a film in a page needs otherwise; the figures are in the docs. */
static int set_parameters(x264_param_t *param, int width, int height)
{
	if (x264_param_default_preset(param, "superfast", "zerolatency") < 0)
		return -EINVAL;
	param->i_log_level = X264_LOG_NONE;
	param->i_threads = 1;
	param->b_sliced_threads = 0;
	param->i_width = width;
	param->i_height = height;
	param->i_csp = X264_CSP_I420;
	/* Were it told the time of each frame, the coder would hold each back to see the next. */
	param->b_vfr_input = 0;
	param->i_fps_num = FRAMES_PER_SECOND;
	param->i_fps_den = 1;
	/* Key frames come when a viewer needs one. */
	param->i_keyint_max = X264_KEYINT_MAX_INFINITE;
	param->i_scenecut_threshold = 0;
	param->b_repeat_headers = 1;
	param->b_annexb = 1;
	/* Bits go where structural similarity gains most. */
	param->rc.i_aq_mode = X264_AQ_AUTOVARIANCE;
	param->analyse.b_psy = 0;
	param->rc.i_rc_method = X264_RC_CRF;
	param->rc.f_rf_constant = rate_factors[ARRAY_LEN(rate_factors) - 1];
	param->rc.i_vbv_max_bitrate = H264_BITS_PER_SECOND_MAX / 1000;
	param->rc.i_vbv_buffer_size = param->rc.i_vbv_max_bitrate / BUFFER_PARTS;
	set_colours(param);
	return x264_param_apply_profile(param, "baseline") < 0 ? -EINVAL : 0;
}

static int open_coder(struct h264 *h264)
{
	int r = set_parameters(&h264->param, h264->width, h264->height);

	if (r < 0)
		return r;
	if (x264_picture_alloc(&h264->picture, X264_CSP_I420, h264->width, h264->height) < 0)
		return -ENOMEM;
	h264->coder = x264_encoder_open(&h264->param);
	return h264->coder ? 0 : -ENOMEM;
}

int h264_create(struct h264 **ret_h264, int width, int height)
{
	struct h264 *h264;
	int r;

	if (width < H264_SIDE_MIN || height < H264_SIDE_MIN || width > RFB_SIDE_MAX ||
	    height > RFB_SIDE_MAX || width % 2 || height % 2)
		return -EINVAL;
	h264 = calloc(1, sizeof(*h264));
	if (!h264)
		return -ENOMEM;
	h264->width = width;
	h264->height = height;
	h264->broken = true;
	h264->spacing = SPACING;
	r = open_coder(h264);
	if (r < 0) {
		h264_destroy(h264);
		return r;
	}
	*ret_h264 = h264;
	return 0;
}

void h264_destroy(struct h264 *h264)
{
	if (!h264)
		return;
	if (h264->coder)
		x264_encoder_close(h264->coder);
	x264_picture_clean(&h264->picture);
	free(h264);
}

static bool differs(int rate, int other)
{
	return abs(rate - other) > other / RATE_STEP;
}

static void note_time(struct h264 *h264, uint64_t time)
{
	uint64_t took = CLAMP(time - MIN(time, h264->time), SPACING_MIN, SPACING_MAX);

	if (h264->time)
		h264->spacing = (7 * h264->spacing + took) / 8;
	h264->time = time;
}

static int set_rate(struct h264 *h264, const struct h264_frame *frame)
{
	x264_param_t *param = &h264->param;
	int quality = CLAMP(frame->quality, 0, (int)ARRAY_LEN(rate_factors) - 1);
	uint64_t most = H264_BITS_PER_SECOND_MAX;
	int rate;

	note_time(h264, frame->time);
	if (frame->bits_per_second)
		most = CLAMP(frame->bits_per_second, (uint64_t)H264_BITS_PER_SECOND_MIN, most);
	rate = (int)(most * h264->spacing / SPACING / 1000);
	if (param->rc.f_rf_constant == rate_factors[quality] &&
	    !differs(rate, param->rc.i_vbv_max_bitrate))
		return 0;
	param->rc.f_rf_constant = rate_factors[quality];
	param->rc.i_vbv_max_bitrate = rate;
	param->rc.i_vbv_buffer_size = rate / BUFFER_PARTS;
	return x264_encoder_reconfig(h264->coder, param) < 0 ? -ENOMEM : 0;
}

static void load(struct h264 *h264, const struct h264_frame *frame)
{
	x264_image_t *image = &h264->picture.img;
	struct yuv_planes planes;

	for (int i = 0; i < 3; i++) {
		planes.planes[i] = image->plane[i];
		planes.strides[i] = image->i_stride[i];
	}
	yuv_convert(frame->picture, &frame->box, &planes);
	h264->picture.i_pts = h264->frames++;
	h264->picture.i_type = frame->key || h264->broken ? X264_TYPE_IDR : X264_TYPE_AUTO;
}

/* Only what a decoder needs: notes about the coder are left out. */
static bool is_needed(const x264_nal_t *nal)
{
	return nal->i_type == NAL_SPS || nal->i_type == NAL_PPS || nal->i_type == NAL_SLICE ||
	       nal->i_type == NAL_SLICE_IDR;
}

static int append(const struct h264 *h264, const x264_nal_t *nals, int count, struct buf *out)
{
	size_t before = buf_len(out);
	int error;

	for (int i = 0; i < count; i++) {
		if (is_needed(&nals[i]))
			buf_put(out, nals[i].p_payload, (size_t)nals[i].i_payload);
	}
	if (!buf_error(out) && buf_len(out) > before &&
	    buf_len(out) - before <= RFB_H264_BYTES_MAX(h264->width, h264->height))
		return 0;
	error = encoder_undo(out, before);
	return error ? error : -EMSGSIZE;
}

int h264_encode(struct h264 *h264, const struct h264_frame *frame, struct buf *out)
{
	x264_picture_t coded;
	x264_nal_t *nals;
	int count = 0, r = set_rate(h264, frame);

	if (r == 0) {
		load(h264, frame);
		if (x264_encoder_encode(h264->coder, &nals, &count, &h264->picture, &coded) < 0)
			r = -ENOMEM;
	}
	if (r == 0)
		r = append(h264, nals, count, out);
	h264->broken = r < 0;
	return r;
}
