/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "rfb/client_message.h"

#include <errno.h>
#include <string.h>

#include "wire/cursor.h"

static int malformed(struct client_parser *parser, const char *reason)
{
	parser->reason = reason;
	return -EPROTO;
}

/* Each reader below starts behind the type byte; a cursor that fails means "not yet". */

static int read_pixel_format(struct client_parser *parser, struct cursor *c,
			     struct client_message *m)
{
	cursor_skip(c, 3);
	if (cursor_left(c) < 16) {
		cursor_skip(c, 16);
		return 0;
	}
	if (pixel_format_read(c, &m->pixel_format) < 0)
		return malformed(parser,
				 "the pixel format is not a true-colour one that is served");
	return 0;
}

static int read_encodings(struct client_parser *parser, struct cursor *c, struct client_message *m)
{
	uint16_t count;

	cursor_skip(c, 1);
	count = cursor_u16(c);
	if (count > RFB_ENCODINGS_MAX)
		return malformed(parser, "too many encodings in one list");
	m->encodings.count = count;
	for (int i = 0; i < count; i++)
		m->encodings.list[i] = cursor_s32(c);
	return 0;
}

static int read_update_request(struct client_parser *parser, struct cursor *c,
			       struct client_message *m)
{
	struct client_update_request *request = &m->update_request;

	(void)parser;
	request->incremental = cursor_u8(c) != 0;
	request->x = cursor_u16(c);
	request->y = cursor_u16(c);
	request->width = cursor_u16(c);
	request->height = cursor_u16(c);
	return 0;
}

static int read_key(struct client_parser *parser, struct cursor *c, struct client_message *m)
{
	(void)parser;
	m->key.down = cursor_u8(c) != 0;
	cursor_skip(c, 2);
	m->key.keysym = cursor_u32(c);
	m->key.keycode = 0;
	return 0;
}

static int read_pointer(struct client_parser *parser, struct cursor *c, struct client_message *m)
{
	struct client_pointer *pointer = &m->pointer;
	uint8_t mask = cursor_u8(c);

	pointer->buttons = mask & 0x7f;
	pointer->x = cursor_u16(c);
	pointer->y = cursor_u16(c);
	/* Only 8 and 9 are assigned; the reserved bits are not passed on. */
	if ((mask & 0x80) && parser->extended_buttons)
		pointer->buttons |= (uint16_t)((cursor_u8(c) & 0x03) << 7);
	return 0;
}

static int read_fence(struct client_parser *parser, struct cursor *c, struct client_message *m)
{
	struct client_fence *fence = &m->fence;
	const uint8_t *payload;

	cursor_skip(c, 3);
	fence->flags = cursor_u32(c) & RFB_FENCE_FLAGS;
	fence->len = cursor_u8(c);
	if (fence->len > RFB_FENCE_PAYLOAD_MAX)
		return malformed(parser, "a fence carries more than 64 bytes");
	payload = cursor_bytes(c, fence->len);
	if (payload)
		memcpy(fence->payload, payload, fence->len);
	return 0;
}

static int read_continuous(struct client_parser *parser, struct cursor *c, struct client_message *m)
{
	struct client_continuous *continuous = &m->continuous;

	(void)parser;
	continuous->enable = cursor_u8(c) != 0;
	continuous->x = cursor_u16(c);
	continuous->y = cursor_u16(c);
	continuous->width = cursor_u16(c);
	continuous->height = cursor_u16(c);
	return 0;
}

static int read_desktop_size(struct client_parser *parser, struct cursor *c,
			     struct client_message *m)
{
	struct client_desktop_size *size = &m->desktop_size;

	cursor_skip(c, 1);
	size->width = cursor_u16(c);
	size->height = cursor_u16(c);
	size->count = cursor_u8(c);
	cursor_skip(c, 1);
	if (size->count > RFB_SCREENS_MAX)
		return malformed(parser, "too many screens in one layout");
	for (int i = 0; i < size->count; i++) {
		struct rfb_screen *screen = &size->screens[i];

		screen->id = cursor_u32(c);
		screen->x = cursor_u16(c);
		screen->y = cursor_u16(c);
		screen->width = cursor_u16(c);
		screen->height = cursor_u16(c);
		screen->flags = cursor_u32(c);
	}
	return 0;
}

static int read_qemu(struct client_parser *parser, struct cursor *c, struct client_message *m)
{
	if (cursor_u8(c) != 0)
		return malformed(parser, "an unknown QEMU message");
	m->key.down = cursor_u16(c) != 0;
	m->key.keysym = cursor_u32(c);
	m->key.keycode = cursor_u32(c);
	return 0;
}

static int skip_text(struct client_parser *parser, size_t len, bool extended)
{
	if (len > CLIPBOARD_SKIP_MAX)
		return malformed(parser, "a cut text is longer than anybody's text");
	parser->skip = len;
	parser->skip_extended = extended;
	return 0;
}

static int take_text(struct client_parser *parser, const uint8_t *body, size_t len, bool extended,
		     struct client_message *m)
{
	struct client_cut_text *cut = &m->cut_text;
	int r;

	*cut = (struct client_cut_text){.extended = extended};
	if (extended) {
		r = clipboard_message_parse(body, len, &cut->message);
	} else {
		cut->message.action = RFB_CLIPBOARD_PROVIDE;
		cut->message.has_text = true;
		r = clipboard_clean_latin1(body, len, &cut->message.text, &cut->message.text_len);
	}
	if (r == -EFBIG) {
		*cut = (struct client_cut_text){.extended = extended, .too_long = true};
		return 0;
	}
	return r == -EPROTO ? malformed(parser, "an extended clipboard message is malformed") : r;
}

static int read_cut_text(struct client_parser *parser, struct cursor *c, struct client_message *m)
{
	bool extended;
	int32_t wire_len;
	size_t len;
	const uint8_t *body;

	cursor_skip(c, 3);
	wire_len = cursor_s32(c);
	if (cursor_failed(c))
		return 0;
	extended = wire_len < 0;
	if (extended && !parser->extended_clipboard)
		return malformed(parser, "an extended clipboard message that was not announced");
	len = (size_t)(extended ? -(int64_t)wire_len : wire_len);
	/* Latin-1 may double in UTF-8, never shrink: too long for the wire is too long at all. */
	if (len > (extended ? CLIPBOARD_WIRE_MAX : RFB_CLIPBOARD_MAX))
		return skip_text(parser, len, extended);
	body = cursor_bytes(c, len);
	return body || len == 0 ? take_text(parser, body, len, extended, m) : 0;
}

static const struct {
	enum rfb_client_type type;
	/* 0 (the cursor tells whether all was there), -EPROTO or -ENOMEM */
	int (*read)(struct client_parser *parser, struct cursor *c, struct client_message *m);
} readers[] = {
	{RFB_SET_PIXEL_FORMAT, read_pixel_format},
	{RFB_SET_ENCODINGS, read_encodings},
	{RFB_FRAMEBUFFER_UPDATE_REQUEST, read_update_request},
	{RFB_KEY_EVENT, read_key},
	{RFB_POINTER_EVENT, read_pointer},
	{RFB_CLIENT_CUT_TEXT, read_cut_text},
	{RFB_ENABLE_CONTINUOUS_UPDATES, read_continuous},
	{RFB_CLIENT_FENCE, read_fence},
	{RFB_SET_DESKTOP_SIZE, read_desktop_size},
	{RFB_QEMU_CLIENT, read_qemu},
};

/* Eats a text that is not kept; 1 with the message that reports it when the last byte went. */
static int finish_skip(struct client_parser *parser, struct buf *in, struct client_message *m)
{
	size_t n = MIN(parser->skip, buf_len(in));

	buf_consume(in, n);
	parser->skip -= n;
	if (parser->skip > 0)
		return 0;
	m->type = RFB_CLIENT_CUT_TEXT;
	m->cut_text = (struct client_cut_text){.extended = parser->skip_extended, .too_long = true};
	return 1;
}

int client_parser_next(struct client_parser *parser, struct buf *in,
		       struct client_message *ret_message)
{
	struct cursor c = cursor_over(buf_data(in), buf_len(in));
	uint8_t type;
	int r;

	if (parser->skip > 0)
		return finish_skip(parser, in, ret_message);
	if (buf_len(in) == 0)
		return 0;
	type = cursor_u8(&c);
	for (size_t i = 0; i < ARRAY_LEN(readers); i++) {
		if (readers[i].type != type)
			continue;
		ret_message->type = readers[i].type;
		r = readers[i].read(parser, &c, ret_message);
		if (r < 0)
			return r;
		if (cursor_failed(&c))
			return 0;
		buf_consume(in, c.pos);
		return parser->skip > 0 ? finish_skip(parser, in, ret_message) : 1;
	}
	return malformed(parser, "an unknown message type");
}

void client_message_finish(struct client_message *message)
{
	if (message->type == RFB_CLIENT_CUT_TEXT)
		clipboard_message_finish(&message->cut_text.message);
}

static void put_area(struct buf *out, bool flag, uint16_t x, uint16_t y, uint16_t width,
		     uint16_t height)
{
	buf_put_u8(out, flag);
	buf_put_u16(out, x);
	buf_put_u16(out, y);
	buf_put_u16(out, width);
	buf_put_u16(out, height);
}

static void put_pointer(struct buf *out, const struct client_pointer *pointer)
{
	bool extended = pointer->buttons > 0x7f;

	buf_put_u8(out, (uint8_t)((pointer->buttons & 0x7f) | (extended ? 0x80 : 0)));
	buf_put_u16(out, pointer->x);
	buf_put_u16(out, pointer->y);
	if (extended)
		buf_put_u8(out, (uint8_t)(pointer->buttons >> 7));
}

static void put_desktop_size(struct buf *out, const struct client_desktop_size *size)
{
	buf_put_zero(out, 1);
	buf_put_u16(out, size->width);
	buf_put_u16(out, size->height);
	buf_put_u8(out, size->count);
	buf_put_zero(out, 1);
	for (int i = 0; i < size->count; i++) {
		const struct rfb_screen *screen = &size->screens[i];

		buf_put_u32(out, screen->id);
		buf_put_u16(out, screen->x);
		buf_put_u16(out, screen->y);
		buf_put_u16(out, screen->width);
		buf_put_u16(out, screen->height);
		buf_put_u32(out, screen->flags);
	}
}

static int put_cut_text(struct buf *out, const struct client_cut_text *cut)
{
	size_t start;
	int r;

	buf_put_zero(out, 3);
	if (!cut->extended) {
		const struct clipboard_message *m = &cut->message;

		buf_put_u32(out, (uint32_t)clipboard_latin1_len(m->text, m->text_len));
		clipboard_put_latin1(out, m->text, m->text_len);
		return buf_error(out);
	}
	start = buf_len(out);
	buf_put_u32(out, 0);
	r = clipboard_message_put(out, &cut->message);
	if (r == 0)
		buf_patch_u32(out, start, -(uint32_t)(buf_len(out) - start - 4));
	return r;
}

static void put_key(struct buf *out, const struct client_key *key)
{
	buf_put_u8(out, key->down);
	buf_put_zero(out, 2);
	buf_put_u32(out, key->keysym);
}

static void put_qemu_key(struct buf *out, const struct client_key *key)
{
	buf_put_u8(out, 0);
	buf_put_u16(out, key->down);
	buf_put_u32(out, key->keysym);
	buf_put_u32(out, key->keycode);
}

static void put_fence(struct buf *out, const struct client_fence *fence)
{
	buf_put_zero(out, 3);
	buf_put_u32(out, fence->flags);
	buf_put_u8(out, fence->len);
	buf_put(out, fence->payload, fence->len);
}

static void put_encodings(struct buf *out, const struct client_encodings *encodings)
{
	buf_put_zero(out, 1);
	buf_put_u16(out, (uint16_t)encodings->count);
	for (int i = 0; i < encodings->count; i++)
		buf_put_u32(out, (uint32_t)encodings->list[i]);
}

int client_message_put(struct buf *out, const struct client_message *m)
{
	const struct client_update_request *request = &m->update_request;
	const struct client_continuous *continuous = &m->continuous;

	if (m->type == RFB_CLIENT_CUT_TEXT && m->cut_text.too_long)
		return buf_error(out);
	buf_put_u8(out, (uint8_t)m->type);
	switch (m->type) {
	case RFB_SET_PIXEL_FORMAT:
		buf_put_zero(out, 3);
		pixel_format_put(out, &m->pixel_format);
		break;
	case RFB_SET_ENCODINGS:
		put_encodings(out, &m->encodings);
		break;
	case RFB_FRAMEBUFFER_UPDATE_REQUEST:
		put_area(out, request->incremental, request->x, request->y, request->width,
			 request->height);
		break;
	case RFB_KEY_EVENT:
		put_key(out, &m->key);
		break;
	case RFB_POINTER_EVENT:
		put_pointer(out, &m->pointer);
		break;
	case RFB_CLIENT_CUT_TEXT:
		return put_cut_text(out, &m->cut_text);
	case RFB_ENABLE_CONTINUOUS_UPDATES:
		put_area(out, continuous->enable, continuous->x, continuous->y, continuous->width,
			 continuous->height);
		break;
	case RFB_CLIENT_FENCE:
		put_fence(out, &m->fence);
		break;
	case RFB_SET_DESKTOP_SIZE:
		put_desktop_size(out, &m->desktop_size);
		break;
	case RFB_QEMU_CLIENT:
		put_qemu_key(out, &m->key);
		break;
	}
	return buf_error(out);
}
