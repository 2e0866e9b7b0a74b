/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "rfb/encoder.h"

#include "rfb/protocol.h"

const struct encoder_impl *encoder_find(int32_t encoding)
{
	switch (encoding) {
	case RFB_ENCODING_TIGHT:
		return &encoder_tight;
	case RFB_ENCODING_ZRLE:
		return &encoder_zrle;
	default:
		return &encoder_raw;
	}
}

void encoder_put_header(struct buf *out, const pixman_box32_t *box, int32_t encoding)
{
	buf_put_u16(out, (uint16_t)box->x1);
	buf_put_u16(out, (uint16_t)box->y1);
	buf_put_u16(out, (uint16_t)(box->x2 - box->x1));
	buf_put_u16(out, (uint16_t)(box->y2 - box->y1));
	buf_put_u32(out, (uint32_t)encoding);
}

void encoder_put_copy(struct buf *out, const pixman_box32_t *dst, int dx, int dy)
{
	encoder_put_header(out, dst, RFB_ENCODING_COPY_RECT);
	buf_put_u16(out, (uint16_t)(dst->x1 - dx));
	buf_put_u16(out, (uint16_t)(dst->y1 - dy));
}

int encoder_undo(struct buf *out, size_t len)
{
	int error = buf_error(out);

	buf_truncate(out, len);
	out->error = 0;
	return error;
}
