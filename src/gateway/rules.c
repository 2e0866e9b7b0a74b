/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>

#include "gateway/gateway.h"

/* What the display understands; all else is left out of the list that it gets. */
static const struct {
	int32_t first, last;
} understood[] = {
	{RFB_ENCODING_RAW, RFB_ENCODING_RAW},
	{RFB_ENCODING_COPY_RECT, RFB_ENCODING_COPY_RECT},
	{RFB_ENCODING_TIGHT, RFB_ENCODING_TIGHT},
	{RFB_ENCODING_ZRLE, RFB_ENCODING_ZRLE},
	{RFB_ENCODING_H264, RFB_ENCODING_H264},
	{RFB_ENCODING_JPEG_QUALITY_LOW, RFB_ENCODING_JPEG_QUALITY_HIGH},
	{RFB_ENCODING_COMPRESS_LEVEL_LOW, RFB_ENCODING_COMPRESS_LEVEL_HIGH},
	{RFB_ENCODING_DESKTOP_SIZE, RFB_ENCODING_DESKTOP_SIZE},
	{RFB_ENCODING_LAST_RECT, RFB_ENCODING_LAST_RECT},
	{RFB_ENCODING_CURSOR, RFB_ENCODING_CURSOR},
	{RFB_ENCODING_QEMU_KEY, RFB_ENCODING_QEMU_KEY},
	{RFB_ENCODING_DESKTOP_NAME, RFB_ENCODING_DESKTOP_NAME},
	{RFB_ENCODING_EXTENDED_DESKTOP_SIZE, RFB_ENCODING_EXTENDED_DESKTOP_SIZE},
	{RFB_ENCODING_FENCE, RFB_ENCODING_FENCE},
	{RFB_ENCODING_CONTINUOUS_UPDATES, RFB_ENCODING_CONTINUOUS_UPDATES},
	{RFB_ENCODING_CURSOR_WITH_ALPHA, RFB_ENCODING_CURSOR_WITH_ALPHA},
	{RFB_ENCODING_EXTENDED_MOUSE_BUTTONS, RFB_ENCODING_EXTENDED_MOUSE_BUTTONS},
	{RFB_ENCODING_EXTENDED_CLIPBOARD, RFB_ENCODING_EXTENDED_CLIPBOARD},
};

/* Extensions with messages of their own, as bits of gateway->listed. */
static const struct {
	int32_t encoding;
	enum rfb_client_type type;
	const char *reason;
} extensions[] = {
	{RFB_ENCODING_CONTINUOUS_UPDATES, RFB_ENABLE_CONTINUOUS_UPDATES,
	 "continuous updates, never listed"},
	{RFB_ENCODING_FENCE, RFB_CLIENT_FENCE, "a fence, never listed"},
	{RFB_ENCODING_EXTENDED_DESKTOP_SIZE, RFB_SET_DESKTOP_SIZE, "a desktop size, never listed"},
	{RFB_ENCODING_QEMU_KEY, RFB_QEMU_CLIENT, "a QEMU key, never listed"},
};

static bool may_know(const struct gateway *gateway, int32_t encoding)
{
	if (encoding == RFB_ENCODING_DESKTOP_NAME)
		return gateway->title;
	if (encoding == RFB_ENCODING_EXTENDED_CLIPBOARD)
		return gateway->clipboard_in || gateway->clipboard_out;
	for (size_t i = 0; i < ARRAY_LEN(understood); i++) {
		if (encoding >= understood[i].first && encoding <= understood[i].last)
			return true;
	}
	return false;
}

static void take_encodings(struct gateway *gateway, struct client_encodings *encodings)
{
	int kept = 0;

	for (int i = 0; i < encodings->count; i++) {
		int32_t encoding = encodings->list[i];

		for (size_t e = 0; e < ARRAY_LEN(extensions); e++) {
			if (extensions[e].encoding == encoding)
				gateway->listed |= UINT32_C(1) << e;
		}
		if (encoding == RFB_ENCODING_EXTENDED_CLIPBOARD)
			gateway->parser.extended_clipboard = true;
		if (may_know(gateway, encoding))
			encodings->list[kept++] = encoding;
	}
	encodings->count = kept;
	server_walk_asked_encodings(gateway->walk, encodings->list, kept);
}

static void text_blocked(struct gateway *gateway)
{
	if (gateway->texts_blocked++ == 0)
		log_event(LOG_INFO, "clipboard.blocked", LOG_STR("user", gateway->account),
			  LOG_STR("direction", "in"));
}

static bool text_may_pass(struct gateway *gateway, const struct client_cut_text *cut)
{
	bool may;

	switch (cut->message.action) {
	case RFB_CLIPBOARD_CAPS:
		return gateway->clipboard_in || gateway->clipboard_out;
	case RFB_CLIPBOARD_REQUEST:
	case RFB_CLIPBOARD_PEEK:
		/* Asks for text; says none. */
		return gateway->clipboard_out;
	default:
		may = gateway->clipboard_in;
		break;
	}
	if (!may)
		text_blocked(gateway);
	return may;
}

static bool take_text(struct gateway *gateway, const struct client_cut_text *cut)
{
	if (!cut->too_long)
		return text_may_pass(gateway, cut);
	if (gateway->texts_too_long++ == 0)
		log_event(LOG_INFO, "clipboard.too-long", LOG_STR("user", gateway->account),
			  LOG_STR("direction", "in"), LOG_INT("limit", RFB_CLIPBOARD_MAX));
	return false;
}

static int check_listed(const struct gateway *gateway, enum rfb_client_type type,
			const char **ret_reason)
{
	for (size_t e = 0; e < ARRAY_LEN(extensions); e++) {
		if (extensions[e].type != type || (gateway->listed & UINT32_C(1) << e))
			continue;
		*ret_reason = extensions[e].reason;
		return -EPROTO;
	}
	return 1;
}

int rules_apply(struct gateway *gateway, struct client_message *message, const char **ret_reason)
{
	int r = check_listed(gateway, message->type, ret_reason);

	if (r < 0)
		return r;
	switch (message->type) {
	case RFB_SET_ENCODINGS:
		take_encodings(gateway, &message->encodings);
		return 1;
	case RFB_SET_PIXEL_FORMAT:
		if (server_walk_asked_format(gateway->walk, &message->pixel_format) == 0)
			return 1;
		*ret_reason = "pixel formats faster than they can be served";
		return -EPROTO;
	case RFB_FRAMEBUFFER_UPDATE_REQUEST:
		server_walk_asked_update(gateway->walk);
		return 1;
	case RFB_ENABLE_CONTINUOUS_UPDATES:
		server_walk_asked_continuous(gateway->walk, message->continuous.enable);
		return 1;
	case RFB_CLIENT_CUT_TEXT:
		return take_text(gateway, &message->cut_text);
	case RFB_KEY_EVENT:
	case RFB_POINTER_EVENT:
	case RFB_CLIENT_FENCE:
	case RFB_SET_DESKTOP_SIZE:
	case RFB_QEMU_CLIENT:
		break;
	}
	return 1;
}
