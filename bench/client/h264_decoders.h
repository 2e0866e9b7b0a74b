/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Open H.264 (rfbproto "Open H.264 Encoding"): one decoder for each rectangle that carries a film,
 * told apart by place and size. Colours follow what the stream says of its matrix and range.
 */
#ifndef LAZARET_BENCH_H264_DECODERS_H
#define LAZARET_BENCH_H264_DECODERS_H

#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "bench/client/framebuffer.h"

#define H264_CONTEXTS_MAX 64
#define H264_RESET (UINT32_C(1) << 0) /* of this rectangle's decoder */
#define H264_RESET_ALL (UINT32_C(1) << 1)

struct h264_context;

struct h264_decoders {
	struct h264_context *contexts[H264_CONTEXTS_MAX];
	uint64_t uses; /* ages the contexts: the one that was used longest ago makes room */
};

/* All zero is a set without contexts. */
void h264_decoders_finish(struct h264_decoders *decoders);

/*
 * Decodes one picture of `rect` and draws it. 0; -EPROTO: no H.264, or of another size; -EAGAIN:
 * taken, but no picture came of it (nothing is drawn); -ENOMEM.
 */
NODISCARD int h264_decoders_draw(struct h264_decoders *decoders, const struct box *rect,
				 uint32_t flags, const uint8_t *data, size_t len,
				 struct framebuffer *fb);

#endif
