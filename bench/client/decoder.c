/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "bench/client/decoder.h"

#include <errno.h>
#include <string.h>
#include <turbojpeg.h>

#define SCREEN_BYTES 16
#define CURSOR_SIDE_MAX 1024
#define LAST_RECT_COUNT 0xffff

const char *const decoder_kind_names[DECODER_KINDS] = {
	"copyrect",   "tight_fill", "tight_palette", "tight_mono", "tight_full",
	"tight_jpeg", "h264",       "raw",           "zrle",
};

int decoder_refuse(struct decoder *decoder, const char *reason)
{
	decoder->reason = reason;
	return -EPROTO;
}

uint8_t *decoder_scratch(struct decoder *decoder, size_t size)
{
	buf_clear(&decoder->scratch);
	return buf_reserve(&decoder->scratch, size);
}

int decoder_init(struct decoder *decoder, int width, int height, const struct decoder_calls *calls,
		 void *data)
{
	*decoder = (struct decoder){.calls = calls, .data = data};
	buf_init(&decoder->scratch, (size_t)DECODER_UNIT_MAX * 2);
	return framebuffer_resize(&decoder->fb, width, height);
}

void decoder_finish(struct decoder *decoder)
{
	for (int i = 0; i < RFB_TIGHT_STREAMS; i++)
		inflater_finish(&decoder->tight[i]);
	inflater_finish(&decoder->zrle);
	if (decoder->jpeg)
		tjDestroy(decoder->jpeg);
	h264_decoders_finish(&decoder->h264);
	buf_finish(&decoder->scratch);
	framebuffer_finish(&decoder->fb);
}

/* --- rectangles --------------------------------------------------------------------------------- */

static int read_raw(struct decoder *decoder, struct cursor *c, const struct box *rect)
{
	int width = rect->x2 - rect->x1, height = rect->y2 - rect->y1;
	const uint8_t *p = cursor_bytes(c, (size_t)width * (size_t)height * 4);

	if (!p)
		return 0;
	decoder->kind = DECODER_RAW;
	framebuffer_begin_rect(&decoder->fb, rect);
	for (int y = rect->y1; y < rect->y2; y++, p += (size_t)width * 4) {
		uint32_t *row = framebuffer_row(&decoder->fb, rect->x1, y);

		memcpy(row, p, (size_t)width * 4);
		for (int x = 0; x < width; x++)
			row[x] &= 0xffffff;
		framebuffer_row_done(&decoder->fb, rect->x1, y, width);
	}
	return 1;
}

static int read_copy(struct decoder *decoder, struct cursor *c, const struct box *rect)
{
	int x = cursor_u16(c), y = cursor_u16(c);

	if (cursor_failed(c))
		return 0;
	if (x + rect->x2 - rect->x1 > decoder->fb.width ||
	    y + rect->y2 - rect->y1 > decoder->fb.height)
		return decoder_refuse(decoder, "a copy from outside the picture");
	decoder->kind = DECODER_COPYRECT;
	framebuffer_copy(&decoder->fb, rect, x, y);
	return 1;
}

static int read_pixels(struct decoder *decoder, struct cursor *c, const struct box *rect,
		       int32_t encoding)
{
	size_t start = c->pos - 12;
	int r;

	if (rect->x2 > decoder->fb.width || rect->y2 > decoder->fb.height)
		return decoder_refuse(decoder, "a rectangle outside the picture");
	if (rect->x1 == rect->x2 || rect->y1 == rect->y2)
		return decoder_refuse(decoder, "an empty rectangle");
	switch (encoding) {
	case RFB_ENCODING_RAW:
		r = read_raw(decoder, c, rect);
		break;
	case RFB_ENCODING_COPY_RECT:
		r = read_copy(decoder, c, rect);
		break;
	case RFB_ENCODING_TIGHT:
		r = decoder_tight(decoder, c, rect);
		break;
	case RFB_ENCODING_ZRLE:
		r = decoder_zrle(decoder, c, rect);
		break;
	case RFB_ENCODING_H264:
		r = decoder_h264(decoder, c, rect);
		break;
	default:
		return decoder_refuse(decoder, "an encoding that was not asked for");
	}
	if (r <= 0)
		return r;
	decoder->has_pixels = true;
	decoder->stats.rects[decoder->kind]++;
	decoder->stats.bytes[decoder->kind] += c->pos - start;
	decoder->stats.pixels[decoder->kind] += (uint64_t)(rect->x2 - rect->x1) *
						(uint64_t)(rect->y2 - rect->y1);
	return 1;
}

static int set_size(struct decoder *decoder, int width, int height, bool extended)
{
	bool changed = width != decoder->fb.width || height != decoder->fb.height;
	int r = changed ? framebuffer_resize(&decoder->fb, width, height) : 0;

	if (r == -EINVAL)
		return decoder_refuse(decoder, "a picture of a size that is not possible");
	if (r < 0)
		return r;
	if (decoder->calls->size)
		decoder->calls->size(decoder->data, changed, extended);
	return 1;
}

/* Position and size are reason, status and the new size. */
static int read_extended_size(struct decoder *decoder, struct cursor *c, const struct box *rect)
{
	unsigned int screens = cursor_u8(c);

	cursor_skip(c, 3 + (size_t)screens * SCREEN_BYTES);
	if (cursor_failed(c))
		return 0;
	if (rect->x1 == RFB_SIZE_REASON_THIS_CLIENT && rect->y1 != RFB_SIZE_OK) {
		if (decoder->calls->size_refused)
			decoder->calls->size_refused(decoder->data, (unsigned int)rect->y1);
		return 1;
	}
	return set_size(decoder, rect->x2 - rect->x1, rect->y2 - rect->y1, true);
}

/* The pointer's shape is no part of the picture: read and forgotten. */
static int read_cursor(struct decoder *decoder, struct cursor *c, const struct box *rect,
		       bool alpha)
{
	size_t width = (size_t)(rect->x2 - rect->x1), height = (size_t)(rect->y2 - rect->y1);

	if (width > CURSOR_SIDE_MAX || height > CURSOR_SIDE_MAX)
		return decoder_refuse(decoder, "a pointer larger than 1024 pixels");
	if (alpha && cursor_s32(c) != RFB_ENCODING_RAW && !cursor_failed(c))
		return decoder_refuse(decoder, "a pointer in another encoding than Raw");
	cursor_skip(c, width * height * 4 + (alpha ? 0 : (width + 7) / 8 * height));
	if (cursor_failed(c))
		return 0;
	decoder->stats.cursors++;
	return 1;
}

static int read_name(struct decoder *decoder, struct cursor *c)
{
	uint32_t len = cursor_u32(c);

	if (!cursor_failed(c) && len > DECODER_TEXT_MAX)
		return decoder_refuse(decoder, "a name that is too long");
	cursor_skip(c, len);
	return cursor_failed(c) ? 0 : 1;
}

static int read_rect(struct decoder *decoder, struct cursor *c)
{
	struct box rect = {.x1 = cursor_u16(c), .y1 = cursor_u16(c)};
	int32_t encoding;

	rect.x2 = rect.x1 + cursor_u16(c);
	rect.y2 = rect.y1 + cursor_u16(c);
	encoding = cursor_s32(c);
	if (cursor_failed(c))
		return 0;
	switch (encoding) {
	case RFB_ENCODING_LAST_RECT:
		decoder->rects_left = 1;
		decoder->until_last_rect = false;
		return 1;
	case RFB_ENCODING_CURSOR:
		return read_cursor(decoder, c, &rect, false);
	case RFB_ENCODING_CURSOR_WITH_ALPHA:
		return read_cursor(decoder, c, &rect, true);
	case RFB_ENCODING_DESKTOP_SIZE:
		return set_size(decoder, rect.x2 - rect.x1, rect.y2 - rect.y1, false);
	case RFB_ENCODING_EXTENDED_DESKTOP_SIZE:
		return read_extended_size(decoder, c, &rect);
	case RFB_ENCODING_DESKTOP_NAME:
		return read_name(decoder, c);
	default:
		return read_pixels(decoder, c, &rect, encoding);
	}
}

/* --- messages ----------------------------------------------------------------------------------- */

static void end_update(struct decoder *decoder)
{
	const struct decoder_calls *calls = decoder->calls;

	decoder->in_update = false;
	if (decoder->has_pixels) {
		decoder->stats.updates++;
		decoder->stats.frames += decoder->fb.changed;
		if (calls->update)
			calls->update(decoder->data);
	}
	if (calls->update_end)
		calls->update_end(decoder->data);
}

static int read_update(struct decoder *decoder, struct cursor *c)
{
	cursor_skip(c, 1);
	decoder->rects_left = cursor_u16(c);
	if (cursor_failed(c))
		return 0;
	decoder->until_last_rect = decoder->rects_left == LAST_RECT_COUNT;
	decoder->in_update = true;
	decoder->has_pixels = false;
	framebuffer_begin_update(&decoder->fb);
	if (decoder->rects_left == 0)
		end_update(decoder);
	return 1;
}

static int read_colour_map(struct cursor *c)
{
	cursor_skip(c, 3);
	cursor_skip(c, (size_t)cursor_u16(c) * 6);
	return cursor_failed(c) ? 0 : 1;
}

/* The length of an extended clipboard is the negative of its bytes. */
static int read_cut_text(struct decoder *decoder, struct cursor *c)
{
	int32_t len;

	cursor_skip(c, 3);
	len = cursor_s32(c);
	if (cursor_failed(c))
		return 0;
	if (len > DECODER_TEXT_MAX || len < -DECODER_TEXT_MAX)
		return decoder_refuse(decoder, "a clipboard that is too long");
	cursor_skip(c, (size_t)(len < 0 ? -len : len));
	return cursor_failed(c) ? 0 : 1;
}

static int read_fence(struct decoder *decoder, struct cursor *c)
{
	const uint8_t *payload;
	uint32_t flags;
	size_t len;

	cursor_skip(c, 3);
	flags = cursor_u32(c);
	len = cursor_u8(c);
	payload = cursor_bytes(c, len);
	if (cursor_failed(c))
		return 0;
	if (len > RFB_FENCE_PAYLOAD_MAX)
		return decoder_refuse(decoder, "a fence with more than 64 bytes");
	if (decoder->calls->fence)
		decoder->calls->fence(decoder->data, flags, payload, len);
	return 1;
}

static int read_message(struct decoder *decoder, struct cursor *c)
{
	switch (cursor_u8(c)) {
	case RFB_FRAMEBUFFER_UPDATE:
		return read_update(decoder, c);
	case RFB_SET_COLOUR_MAP_ENTRIES:
		return read_colour_map(c);
	case RFB_BELL:
		return 1;
	case RFB_SERVER_CUT_TEXT:
		return read_cut_text(decoder, c);
	case RFB_END_OF_CONTINUOUS_UPDATES:
		if (decoder->calls->end_of_continuous)
			decoder->calls->end_of_continuous(decoder->data);
		return 1;
	case RFB_SERVER_FENCE:
		return read_fence(decoder, c);
	default:
		return decoder_refuse(decoder, "a message of a type that was not asked for");
	}
}

static int read_unit(struct decoder *decoder, struct cursor *c)
{
	int r;

	if (!decoder->in_update)
		return read_message(decoder, c);
	r = read_rect(decoder, c);
	if (r == 1 && !decoder->until_last_rect && --decoder->rects_left == 0)
		end_update(decoder);
	return r;
}

int decoder_feed(struct decoder *decoder, struct buf *in)
{
	while (buf_len(in) > 0) {
		struct cursor c = cursor_over(buf_data(in), buf_len(in));
		int r = read_unit(decoder, &c);

		if (r <= 0)
			return r;
		buf_consume(in, c.pos);
	}
	return 0;
}
