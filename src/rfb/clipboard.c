/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "rfb/clipboard.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/mem.h"
#include "base/str.h"
#include "wire/cursor.h"

#define FORMATS_MASK UINT32_C(0x0000ffff)
#define ACTIONS_MASK                                                                              \
	(RFB_CLIPBOARD_CAPS | RFB_CLIPBOARD_REQUEST | RFB_CLIPBOARD_PEEK | RFB_CLIPBOARD_NOTIFY | \
	 RFB_CLIPBOARD_PROVIDE)
/* CRLF doubles a line end on the wire, and a NUL is counted. */
#define WIRE_TEXT_MAX (2 * RFB_CLIPBOARD_MAX + 1)
#define REPLACEMENT 0xfffd

void clipboard_message_finish(struct clipboard_message *message)
{
	mem_wipe_free(message->text, message->text_len);
	*message = (struct clipboard_message){0};
}

/* Text under construction, in the form that clipboard.h describes. */
struct cleaner {
	char *text;
	size_t len;
	size_t size;
	bool after_cr;
	int error;
};

static int cleaner_init(struct cleaner *c, size_t source_len, size_t growth)
{
	*c = (struct cleaner){0};
	c->size = MIN(source_len, (size_t)RFB_CLIPBOARD_MAX) * growth;
	c->size = MIN(c->size, (size_t)RFB_CLIPBOARD_MAX);
	c->text = malloc(c->size + 1);
	return c->text ? 0 : -ENOMEM;
}

static void cleaner_add(struct cleaner *c, uint32_t scalar)
{
	bool after_cr = c->after_cr;
	char bytes[4];
	size_t n;

	c->after_cr = scalar == '\r';
	if (scalar == '\n' && after_cr)
		return;
	if (scalar == '\r')
		scalar = '\n';
	if (scalar != '\n' && scalar != '\t' &&
	    (scalar < 0x20 || (scalar >= 0x7f && scalar <= 0x9f)))
		return;
	n = str_utf8_encode(scalar, bytes);
	if (n > c->size - c->len) {
		c->error = -EFBIG;
		return;
	}
	memcpy(c->text + c->len, bytes, n);
	c->len += n;
}

static int cleaner_take(struct cleaner *c, char **ret_text, size_t *ret_len)
{
	if (c->error) {
		mem_wipe_free(c->text, c->len);
		return c->error;
	}
	c->text[c->len] = '\0';
	*ret_text = c->text;
	*ret_len = c->len;
	return 0;
}

int clipboard_clean(const char *text, size_t len, char **ret_text, size_t *ret_len)
{
	struct cleaner c;
	/* An invalid byte becomes the three of U+FFFD. */
	int r = cleaner_init(&c, len, 3);

	if (r < 0)
		return r;
	for (size_t i = 0; i < len && text[i] != '\0' && !c.error;) {
		uint32_t scalar;
		size_t n = str_utf8_decode(text + i, len - i, &scalar);

		cleaner_add(&c, n ? scalar : REPLACEMENT);
		i += n ? n : 1;
	}
	return cleaner_take(&c, ret_text, ret_len);
}

int clipboard_clean_latin1(const uint8_t *text, size_t len, char **ret_text, size_t *ret_len)
{
	struct cleaner c;
	int r = cleaner_init(&c, len, 2);

	if (r < 0)
		return r;
	for (size_t i = 0; i < len && text[i] != 0 && !c.error; i++)
		cleaner_add(&c, text[i]);
	return cleaner_take(&c, ret_text, ret_len);
}

void clipboard_put_latin1(struct buf *out, const char *text, size_t len)
{
	for (size_t i = 0; i < len;) {
		uint32_t scalar = '?';
		size_t n = str_utf8_decode(text + i, len - i, &scalar);

		buf_put_u8(out, scalar <= 0xff ? (uint8_t)scalar : '?');
		i += n ? n : 1;
	}
}

size_t clipboard_latin1_len(const char *text, size_t len)
{
	size_t count = 0;

	for (size_t i = 0; i < len; i++)
		count += ((uint8_t)text[i] & 0xc0) != 0x80;
	return count;
}

static int inflate_exactly(z_stream *z, uint8_t *out, size_t len)
{
	z->next_out = out;
	z->avail_out = (uInt)len;
	while (z->avail_out > 0) {
		int r = inflate(z, Z_SYNC_FLUSH);

		if (r == Z_MEM_ERROR)
			return -ENOMEM;
		if (r != Z_OK && r != Z_STREAM_END)
			return -EPROTO;
		if (r == Z_STREAM_END && z->avail_out > 0)
			return -EPROTO;
	}
	return 0;
}

static int inflate_text(z_stream *z, struct clipboard_message *m)
{
	uint8_t head[4];
	struct cursor c = cursor_over(head, sizeof(head));
	_cleanup_free_ char *raw = NULL;
	uint32_t len;
	int r;

	r = inflate_exactly(z, head, sizeof(head));
	if (r < 0)
		return r;
	len = cursor_u32(&c);
	if (len > WIRE_TEXT_MAX)
		return -EFBIG;
	raw = malloc((size_t)len + 1);
	if (!raw)
		return -ENOMEM;
	r = inflate_exactly(z, (uint8_t *)raw, len);
	if (r < 0)
		return r;
	r = clipboard_clean(raw, len, &m->text, &m->text_len);
	mem_wipe(raw, len);
	return r;
}

static int parse_provide(struct cursor *c, struct clipboard_message *m)
{
	size_t len = cursor_left(c);
	z_stream z = {0};
	int r;

	if (!m->has_text)
		return 0;
	/* zlib promises not to write there; the cast only drops what its old interface lacks. */
	z.next_in = (Bytef *)(uintptr_t)cursor_bytes(c, len);
	z.avail_in = (uInt)len;
	if (inflateInit(&z) != Z_OK)
		return -ENOMEM;
	r = inflate_text(&z, m);
	inflateEnd(&z);
	return r;
}

static int parse_caps(struct cursor *c, uint32_t flags, struct clipboard_message *m)
{
	m->actions = flags & ACTIONS_MASK & ~RFB_CLIPBOARD_CAPS;
	for (uint32_t format = 1; format & FORMATS_MASK; format <<= 1) {
		uint32_t size = flags & format ? cursor_u32(c) : 0;

		if (format == RFB_CLIPBOARD_TEXT)
			m->text_max = MIN(size, (uint32_t)RFB_CLIPBOARD_MAX);
	}
	return cursor_failed(c) ? -EPROTO : 0;
}

int clipboard_message_parse(const uint8_t *body, size_t len, struct clipboard_message *ret_message)
{
	struct cursor c = cursor_over(body, len);
	uint32_t flags = cursor_u32(&c);
	struct clipboard_message m = {0};
	int r = 0;

	if (cursor_failed(&c) || len > CLIPBOARD_WIRE_MAX)
		return -EPROTO;
	m.has_text = flags & RFB_CLIPBOARD_TEXT;
	m.action = flags & RFB_CLIPBOARD_CAPS ? RFB_CLIPBOARD_CAPS : flags & ACTIONS_MASK;
	switch (m.action) {
	case RFB_CLIPBOARD_CAPS:
		r = parse_caps(&c, flags, &m);
		break;
	case RFB_CLIPBOARD_PROVIDE:
		r = parse_provide(&c, &m);
		break;
	case RFB_CLIPBOARD_REQUEST:
	case RFB_CLIPBOARD_PEEK:
	case RFB_CLIPBOARD_NOTIFY:
		break;
	default:
		return -EPROTO;
	}
	if (r < 0)
		return r;
	*ret_message = m;
	return 0;
}

static size_t wire_text_len(const struct clipboard_message *m)
{
	size_t len = m->text_len + 1;

	for (size_t i = 0; i < m->text_len; i++)
		len += m->text[i] == '\n';
	return len;
}

static uint8_t *wire_text(const struct clipboard_message *m, size_t len)
{
	uint8_t *raw = malloc(4 + len);
	uint8_t *p = raw;

	if (!raw)
		return NULL;
	*p++ = (uint8_t)(len >> 24);
	*p++ = (uint8_t)(len >> 16);
	*p++ = (uint8_t)(len >> 8);
	*p++ = (uint8_t)len;
	for (size_t i = 0; i < m->text_len; i++) {
		if (m->text[i] == '\n')
			*p++ = '\r';
		*p++ = (uint8_t)m->text[i];
	}
	*p = '\0';
	return raw;
}

static int put_text(struct buf *out, const struct clipboard_message *m)
{
	size_t len = wire_text_len(m);
	_cleanup_free_ uint8_t *raw = wire_text(m, len);
	uLongf packed = compressBound(4 + len);
	uint8_t *room;
	int r;

	if (!raw)
		return -ENOMEM;
	room = buf_reserve(out, packed);
	if (!room) {
		mem_wipe(raw, 4 + len);
		return buf_error(out);
	}
	r = compress2(room, &packed, raw, 4 + len, 1);
	mem_wipe(raw, 4 + len);
	if (r != Z_OK)
		return -ENOMEM;
	buf_added(out, packed);
	return 0;
}

int clipboard_message_put(struct buf *out, const struct clipboard_message *m)
{
	uint32_t flags = m->action | (m->has_text ? RFB_CLIPBOARD_TEXT : 0);

	if (m->action == RFB_CLIPBOARD_CAPS)
		flags |= m->actions;
	buf_put_u32(out, flags);
	if (m->action == RFB_CLIPBOARD_CAPS && m->has_text)
		buf_put_u32(out, m->text_max);
	if (m->action == RFB_CLIPBOARD_PROVIDE && m->has_text) {
		int r = put_text(out, m);

		if (r < 0)
			return r;
	}
	return buf_error(out);
}
