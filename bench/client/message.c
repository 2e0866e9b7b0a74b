/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "bench/client/message.h"

#include "rfb/pixel_format.h"
#include "rfb/protocol.h"

void message_pixel_format(struct buf *out)
{
	buf_put_u8(out, RFB_SET_PIXEL_FORMAT);
	buf_put_zero(out, 3);
	pixel_format_put(out, &pixel_format_default);
}

void message_encodings(struct buf *out, const int32_t *encodings, size_t count)
{
	buf_put_u8(out, RFB_SET_ENCODINGS);
	buf_put_zero(out, 1);
	buf_put_u16(out, (uint16_t)count);
	for (size_t i = 0; i < count; i++)
		buf_put_u32(out, (uint32_t)encodings[i]);
}

static void put_size(struct buf *out, int width, int height)
{
	buf_put_u16(out, (uint16_t)width);
	buf_put_u16(out, (uint16_t)height);
}

void message_request(struct buf *out, bool incremental, int width, int height)
{
	buf_put_u8(out, RFB_FRAMEBUFFER_UPDATE_REQUEST);
	buf_put_u8(out, incremental);
	buf_put_zero(out, 4);
	put_size(out, width, height);
}

void message_key(struct buf *out, bool down, uint32_t keysym)
{
	buf_put_u8(out, RFB_KEY_EVENT);
	buf_put_u8(out, down);
	buf_put_zero(out, 2);
	buf_put_u32(out, keysym);
}

void message_pointer(struct buf *out, unsigned int mask, int x, int y)
{
	buf_put_u8(out, RFB_POINTER_EVENT);
	buf_put_u8(out, (uint8_t)mask);
	put_size(out, x, y);
}

void message_fence(struct buf *out, uint32_t flags, const uint8_t *payload, size_t len)
{
	buf_put_u8(out, RFB_CLIENT_FENCE);
	buf_put_zero(out, 3);
	buf_put_u32(out, flags);
	buf_put_u8(out, (uint8_t)len);
	buf_put(out, payload, len);
}

void message_continuous(struct buf *out, bool on, int width, int height)
{
	buf_put_u8(out, RFB_ENABLE_CONTINUOUS_UPDATES);
	buf_put_u8(out, on);
	buf_put_zero(out, 4);
	put_size(out, width, height);
}

void message_desktop_size(struct buf *out, int width, int height)
{
	buf_put_u8(out, RFB_SET_DESKTOP_SIZE);
	buf_put_zero(out, 1);
	put_size(out, width, height);
	buf_put_u8(out, 1);
	buf_put_zero(out, 1);
	buf_put_zero(out, 4 + 4);
	put_size(out, width, height);
	buf_put_zero(out, 4);
}
