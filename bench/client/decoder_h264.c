/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>

#include "bench/client/decoder.h"

int decoder_h264(struct decoder *decoder, struct cursor *c, const struct box *rect)
{
	size_t len = cursor_u32(c);
	uint32_t flags = cursor_u32(c);
	const uint8_t *data;
	int r;

	if (!cursor_failed(c) && len > DECODER_UNIT_MAX)
		return decoder_refuse(decoder, "H.264 data that are too long");
	data = cursor_bytes(c, len);
	if (!data)
		return 0;
	decoder->kind = DECODER_H264;
	r = h264_decoders_draw(&decoder->h264, rect, flags, data, len, &decoder->fb);
	if (r == -EPROTO)
		return decoder_refuse(decoder, "H.264 data that are no picture of the rectangle");
	if (r == -EAGAIN) {
		decoder->stats.h264_without_picture++;
		return 1;
	}
	return r < 0 ? r : 1;
}
