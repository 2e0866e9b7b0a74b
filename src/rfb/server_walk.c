/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "rfb/server_walk.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "rfb/clipboard.h"
#include "rfb/server_walk_private.h"

#define SERVER_INIT_LEN (2 + 2 + 16 + 4)

/* A position in this list is a bit of walk->listed; quality levels share one. */
static const int32_t known_encodings[] = {
	RFB_ENCODING_COPY_RECT,
	RFB_ENCODING_TIGHT,
	RFB_ENCODING_ZRLE,
	RFB_ENCODING_H264,
	RFB_ENCODING_JPEG_QUALITY_LOW,
	RFB_ENCODING_DESKTOP_SIZE,
	RFB_ENCODING_LAST_RECT,
	RFB_ENCODING_CURSOR,
	RFB_ENCODING_QEMU_KEY,
	RFB_ENCODING_DESKTOP_NAME,
	RFB_ENCODING_EXTENDED_DESKTOP_SIZE,
	RFB_ENCODING_FENCE,
	RFB_ENCODING_CONTINUOUS_UPDATES,
	RFB_ENCODING_CURSOR_WITH_ALPHA,
	RFB_ENCODING_EXTENDED_MOUSE_BUTTONS,
	RFB_ENCODING_EXTENDED_CLIPBOARD,
};

static uint64_t encoding_bit(int32_t encoding)
{
	if (encoding >= RFB_ENCODING_JPEG_QUALITY_LOW && encoding <= RFB_ENCODING_JPEG_QUALITY_HIGH)
		encoding = RFB_ENCODING_JPEG_QUALITY_LOW;
	for (size_t i = 0; i < ARRAY_LEN(known_encodings); i++) {
		if (known_encodings[i] == encoding)
			return UINT64_C(1) << i;
	}
	return 0;
}

int server_walk_refuse(struct server_walk *walk, const char *reason)
{
	walk->reason = reason;
	return -EPROTO;
}

void server_walk_next(struct server_walk *walk, server_walk_step step, size_t need)
{
	walk->step = step;
	walk->need = need;
}

bool server_walk_listed(const struct server_walk *walk, int32_t encoding)
{
	/* Raw needs no listing: RFC 6143 7.7. */
	return encoding == RFB_ENCODING_RAW || (walk->listed & encoding_bit(encoding));
}

bool server_walk_jpeg_listed(const struct server_walk *walk)
{
	return server_walk_listed(walk, RFB_ENCODING_JPEG_QUALITY_LOW);
}

static void put_text(struct buf *out, const char *text)
{
	buf_put_u32(out, (uint32_t)strlen(text));
	buf_put(out, text, strlen(text));
}

/* --- ServerInit ------------------------------------------------------------------------------- */

static int step_init_name(struct server_walk *walk, struct cursor *c, struct buf *out)
{
	(void)c;
	buf_put_u16(out, walk->width);
	buf_put_u16(out, walk->height);
	pixel_format_put(out, &walk->format);
	put_text(out, walk->name);
	server_walk_next(walk, server_walk_step_type, 1);
	return 0;
}

static int step_init(struct server_walk *walk, struct cursor *c, struct buf *out)
{
	struct pixel_format format;
	uint32_t name_len;

	walk->width = cursor_u16(c);
	walk->height = cursor_u16(c);
	if (pixel_format_read(c, &format) < 0 ||
	    !pixel_format_equal(&format, &pixel_format_default))
		return server_walk_refuse(walk, "ServerInit has another pixel format than ours");
	name_len = cursor_u32(c);
	if (walk->width == 0 || walk->height == 0 || walk->width > RFB_SIDE_MAX ||
	    walk->height > RFB_SIDE_MAX)
		return server_walk_refuse(walk, "ServerInit has an impossible size");
	if (name_len > RFB_NAME_MAX)
		return server_walk_refuse(walk, "ServerInit has a name that is too long");
	walk->format = format;
	if (name_len == 0)
		return step_init_name(walk, c, out);
	server_walk_next(walk, step_init_name, name_len);
	return 0;
}

/* --- messages --------------------------------------------------------------------------------- */

static int step_update(struct server_walk *walk, struct cursor *c, struct buf *out)
{
	uint16_t count;

	cursor_skip(c, 1);
	count = cursor_u16(c);
	if (count == 0)
		return server_walk_refuse(walk, "an update without rectangles");
	walk->until_last_rect = count == 0xffff;
	if (walk->until_last_rect && !server_walk_listed(walk, RFB_ENCODING_LAST_RECT))
		return server_walk_refuse(walk, "an update of open length that was not listed");
	walk->rects_left = count;
	walk->update_has_pixels = false;
	walk->update_has_size = false;
	buf_put_u8(out, RFB_FRAMEBUFFER_UPDATE);
	buf_put_zero(out, 1);
	buf_put_u16(out, count);
	server_walk_next(walk, server_walk_step_rect, 12);
	return 0;
}

/*
 * A viewer that changed the pixel format reads the updates that follow in the new one. Whether an
 * update still has the old one cannot be seen in it, so it has to be known from the order of
 * things: rfbproto "SetPixelFormat", "EnableContinuousUpdates".
 */
static int begin_update(struct server_walk *walk)
{
	if (walk->format_due)
		return server_walk_refuse(walk, "an update in a pixel format that was given up");
	if (walk->n_formats > 0 && !walk->continuous_open)
		walk->format_due = true;
	walk->request_open = false;
	server_walk_next(walk, step_update, 3);
	return 0;
}

static int step_bell(struct server_walk *walk, struct cursor *c, struct buf *out)
{
	(void)c;
	buf_put_u8(out, RFB_BELL);
	server_walk_next(walk, server_walk_step_type, 1);
	return 0;
}

static int step_end_of_continuous(struct server_walk *walk, struct cursor *c, struct buf *out)
{
	(void)c;
	if (!server_walk_listed(walk, RFB_ENCODING_CONTINUOUS_UPDATES))
		return server_walk_refuse(walk, "an end of continuous updates, never listed");
	buf_put_u8(out, RFB_END_OF_CONTINUOUS_UPDATES);
	if (walk->n_formats > 0 && walk->continuous_open)
		walk->format_due = true;
	walk->continuous_open = walk->continuous;
	server_walk_next(walk, server_walk_step_type, 1);
	return 0;
}

static int step_fence_payload(struct server_walk *walk, struct cursor *c, struct buf *out)
{
	const uint8_t *payload = cursor_bytes(c, walk->text_len);

	buf_put(out, payload, walk->text_len);
	server_walk_next(walk, server_walk_step_type, 1);
	return 0;
}

static int step_fence(struct server_walk *walk, struct cursor *c, struct buf *out)
{
	uint32_t flags;

	cursor_skip(c, 3);
	flags = cursor_u32(c);
	walk->text_len = cursor_u8(c);
	if (!server_walk_listed(walk, RFB_ENCODING_FENCE))
		return server_walk_refuse(walk, "a fence, never listed");
	if (flags & ~RFB_FENCE_FLAGS)
		return server_walk_refuse(walk, "a fence with unknown flags");
	if (walk->text_len > RFB_FENCE_PAYLOAD_MAX)
		return server_walk_refuse(walk, "a fence with more than 64 bytes");
	buf_put_u8(out, RFB_SERVER_FENCE);
	buf_put_zero(out, 3);
	buf_put_u32(out, flags);
	buf_put_u8(out, (uint8_t)walk->text_len);
	if (walk->text_len > 0)
		server_walk_next(walk, step_fence_payload, walk->text_len);
	else
		server_walk_next(walk, server_walk_step_type, 1);
	return 0;
}

static void format_in_force(struct server_walk *walk, unsigned int done)
{
	walk->n_formats -= done;
	memmove(walk->formats, walk->formats + done, walk->n_formats * sizeof(walk->formats[0]));
	if (walk->n_formats == 0)
		walk->format_due = false;
}

static int step_format(struct server_walk *walk, struct cursor *c, struct buf *out)
{
	struct pixel_format format;

	(void)out;
	if (pixel_format_read(c, &format) < 0)
		return server_walk_refuse(walk, "a pixel format that is none");
	server_walk_next(walk, server_walk_step_type, 1);
	/* The last one that fits: a display may answer several requests at once. */
	for (unsigned int i = walk->n_formats; i > 0; i--) {
		if (!pixel_format_equal(&walk->formats[i - 1], &format))
			continue;
		walk->format = format;
		format_in_force(walk, i);
		return 0;
	}
	if (pixel_format_equal(&walk->format, &format))
		return 0;
	return server_walk_refuse(walk, "a pixel format that nobody asked for");
}

/* --- cut text --------------------------------------------------------------------------------- */

static bool text_may_pass(struct server_walk *walk, const struct clipboard_message *m)
{
	const struct server_walk_policy *policy = &walk->policy;
	bool may;

	switch (m->action) {
	case RFB_CLIPBOARD_CAPS:
		may = policy->clipboard_in || policy->clipboard_out;
		break;
	case RFB_CLIPBOARD_REQUEST:
	case RFB_CLIPBOARD_PEEK:
		may = policy->clipboard_in;
		break;
	default:
		may = policy->clipboard_out;
		break;
	}
	if (!may)
		walk->blocked_texts++;
	return may;
}

static int put_classic_text(struct server_walk *walk, const uint8_t *data, size_t len,
			    struct buf *out)
{
	struct clipboard_message m = {.action = RFB_CLIPBOARD_PROVIDE};
	int r;

	if (!text_may_pass(walk, &m))
		return 0;
	r = clipboard_clean_latin1(data, len, &m.text, &m.text_len);
	if (r == -EFBIG)
		return server_walk_refuse(walk, "a cut text that is too long");
	if (r < 0)
		return r;
	buf_put_u8(out, RFB_SERVER_CUT_TEXT);
	buf_put_zero(out, 3);
	buf_put_u32(out, (uint32_t)clipboard_latin1_len(m.text, m.text_len));
	clipboard_put_latin1(out, m.text, m.text_len);
	clipboard_message_finish(&m);
	return 0;
}

static int put_extended_text(struct server_walk *walk, const uint8_t *data, size_t len,
			     struct buf *out)
{
	struct clipboard_message m;
	size_t start;
	int r = clipboard_message_parse(data, len, &m);

	if (r == -EPROTO || r == -EFBIG)
		return server_walk_refuse(walk, "a malformed extended clipboard message");
	if (r < 0)
		return r;
	if (text_may_pass(walk, &m)) {
		buf_put_u8(out, RFB_SERVER_CUT_TEXT);
		buf_put_zero(out, 3);
		start = buf_len(out);
		buf_put_u32(out, 0);
		r = clipboard_message_put(out, &m);
		if (r == 0)
			buf_patch_u32(out, start, -(uint32_t)(buf_len(out) - start - 4));
	}
	clipboard_message_finish(&m);
	return r;
}

static int step_text(struct server_walk *walk, struct cursor *c, struct buf *out)
{
	const uint8_t *data = cursor_bytes(c, walk->text_len);

	server_walk_next(walk, server_walk_step_type, 1);
	if (walk->text_extended)
		return put_extended_text(walk, data, walk->text_len, out);
	return put_classic_text(walk, data, walk->text_len, out);
}

static int step_cut_text(struct server_walk *walk, struct cursor *c, struct buf *out)
{
	int32_t len;

	cursor_skip(c, 3);
	len = cursor_s32(c);
	walk->text_extended = len < 0;
	walk->text_len = (size_t)(len < 0 ? -(int64_t)len : len);
	if (walk->text_extended && !server_walk_listed(walk, RFB_ENCODING_EXTENDED_CLIPBOARD))
		return server_walk_refuse(walk, "an extended clipboard message, never listed");
	if (walk->text_len > (walk->text_extended ? CLIPBOARD_WIRE_MAX : RFB_CLIPBOARD_MAX))
		return server_walk_refuse(walk, "a cut text that is too long");
	server_walk_next(walk, step_text, walk->text_len);
	return walk->text_len == 0 ? step_text(walk, c, out) : 0;
}

/* --- the type byte ---------------------------------------------------------------------------- */

int server_walk_step_type(struct server_walk *walk, struct cursor *c, struct buf *out)
{
	switch (cursor_u8(c)) {
	case RFB_FRAMEBUFFER_UPDATE:
		return begin_update(walk);
	case RFB_BELL:
		return step_bell(walk, c, out);
	case RFB_SERVER_CUT_TEXT:
		server_walk_next(walk, step_cut_text, 7);
		return 0;
	case RFB_END_OF_CONTINUOUS_UPDATES:
		return step_end_of_continuous(walk, c, out);
	case RFB_SERVER_FENCE:
		server_walk_next(walk, step_fence, 8);
		return 0;
	case RFB_PRIVATE_PIXEL_FORMAT:
		server_walk_next(walk, step_format, 16);
		return 0;
	default:
		return server_walk_refuse(walk, "a message of a type that is never sent");
	}
}

/* --- what the viewer asks --------------------------------------------------------------------- */

void server_walk_asked_encodings(struct server_walk *walk, const int32_t *list, int count)
{
	for (int i = 0; i < count; i++)
		walk->listed |= encoding_bit(list[i]);
	if (!walk->policy.title)
		walk->listed &= ~encoding_bit(RFB_ENCODING_DESKTOP_NAME);
}

int server_walk_asked_format(struct server_walk *walk, const struct pixel_format *format)
{
	const struct pixel_format *latest = walk->n_formats > 0
						    ? &walk->formats[walk->n_formats - 1]
						    : &walk->format;

	/* The same again changes nothing, so nothing has to be confirmed. */
	if (pixel_format_equal(latest, format))
		return 0;
	if (walk->n_formats == SERVER_WALK_FORMATS_MAX)
		return -ENOBUFS;
	walk->formats[walk->n_formats++] = *format;
	if (!walk->request_open && !walk->continuous_open)
		walk->format_due = true;
	return 0;
}

void server_walk_asked_update(struct server_walk *walk)
{
	walk->request_open = true;
}

void server_walk_asked_continuous(struct server_walk *walk, bool enable)
{
	walk->continuous = enable;
	if (enable)
		walk->continuous_open = true;
}

/* --- the machine ------------------------------------------------------------------------------ */

int server_walk_create(const struct server_walk_policy *policy, struct server_walk **ret_walk)
{
	struct server_walk *walk = calloc(1, sizeof(*walk));

	if (!walk)
		return -ENOMEM;
	walk->policy = *policy;
	walk->name = strdup(policy->name);
	walk->policy.name = walk->name;
	walk->format = pixel_format_default;
	buf_init(&walk->head, CLIPBOARD_WIRE_MAX);
	server_walk_next(walk, step_init, SERVER_INIT_LEN);
	if (!walk->name) {
		free(walk);
		return -ENOMEM;
	}
	*ret_walk = walk;
	return 0;
}

void server_walk_destroy(struct server_walk *walk)
{
	if (!walk)
		return;
	buf_finish(&walk->head);
	free(walk->name);
	free(walk);
}

/* Data of a rectangle; returns how much was taken, or a negative errno. */
static ssize_t pass_data(struct server_walk *walk, const uint8_t *data, size_t len, struct buf *out)
{
	size_t n = MIN(walk->pass, len);

	if (walk->pass_is_jpeg && jpeg_walk_feed(&walk->jpeg, data, n) < 0)
		return server_walk_refuse(walk, "a JPEG picture that does not fit its rectangle");
	if (walk->pass_is_h264 && h264_walk_feed(&walk->h264, data, n) < 0)
		return server_walk_refuse(walk, "an H.264 frame that does not fit its rectangle");
	walk->pass -= n;
	if (walk->pass == 0 && walk->pass_is_h264) {
		walk->pass_is_h264 = false;
		if (!h264_walk_done(&walk->h264))
			return server_walk_refuse(walk, "an H.264 frame that does not end");
	}
	if (walk->pass == 0 && walk->pass_is_jpeg) {
		walk->pass_is_jpeg = false;
		if (!jpeg_walk_done(&walk->jpeg))
			return server_walk_refuse(walk, "a JPEG picture that does not end");
	}
	buf_put(out, data, n);
	return (ssize_t)n;
}

static ssize_t gather(struct server_walk *walk, const uint8_t *data, size_t len, struct buf *out)
{
	size_t n = MIN(walk->need - buf_len(&walk->head), len);
	struct cursor c;
	int r;

	buf_put(&walk->head, data, n);
	if (buf_error(&walk->head))
		return buf_error(&walk->head);
	if (buf_len(&walk->head) < walk->need)
		return (ssize_t)n;
	c = cursor_over(buf_data(&walk->head), walk->need);
	r = walk->step(walk, &c, out);
	buf_clear(&walk->head);
	return r < 0 ? r : (ssize_t)n;
}

int server_walk_feed(struct server_walk *walk, const uint8_t *data, size_t len, struct buf *out)
{
	if (walk->reason)
		return -EPROTO;
	while (len > 0) {
		ssize_t n = walk->pass > 0 ? pass_data(walk, data, len, out)
					   : gather(walk, data, len, out);

		if (n < 0)
			return (int)n;
		data += n;
		len -= (size_t)n;
	}
	return buf_error(out);
}

const char *server_walk_reason(const struct server_walk *walk)
{
	return walk->reason;
}

bool server_walk_at_boundary(const struct server_walk *walk)
{
	return walk->step == server_walk_step_type && walk->pass == 0 && !walk->reason;
}

bool server_walk_extended_buttons(const struct server_walk *walk)
{
	return walk->extended_buttons;
}

unsigned int server_walk_blocked_texts(const struct server_walk *walk)
{
	return walk->blocked_texts;
}
