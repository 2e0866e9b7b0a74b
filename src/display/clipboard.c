/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Text between the browser's clipboard and the viewer's: classic cut text (RFC 6143 7.5.6, 7.6.4),
 * and Extended Clipboard (rfbproto), where text travels only when it was asked for. What may pass
 * is the gateway's decision, not ours.
 */
#include <errno.h>

#include "base/log.h"
#include "base/mem.h"
#include "display/display.h"
#include "display/viewer.h"

#define OUR_ACTIONS \
	(RFB_CLIPBOARD_REQUEST | RFB_CLIPBOARD_PEEK | RFB_CLIPBOARD_NOTIFY | RFB_CLIPBOARD_PROVIDE)

static void put_extended(struct viewer *viewer, const struct clipboard_message *message)
{
	struct buf *out = &viewer->out;
	size_t head = buf_len(out);

	buf_put_u8(out, RFB_SERVER_CUT_TEXT);
	buf_put_zero(out, 3);
	buf_put_u32(out, 0);
	if (clipboard_message_put(out, message) < 0 || buf_error(out)) {
		viewer_end(viewer, "no room for clipboard text");
		return;
	}
	/* The length is negative. */
	buf_patch_u32(out, head + 4, -(uint32_t)(buf_len(out) - head - 8));
}

static void put_action(struct viewer *viewer, uint32_t action, bool has_text)
{
	const struct clipboard_message message = {.action = action, .has_text = has_text};

	put_extended(viewer, &message);
}

void viewer_put_clipboard_caps(struct viewer *viewer)
{
	/* No text unasked: a length of 0 makes viewers tell first and send on request. */
	const struct clipboard_message message = {
		.action = RFB_CLIPBOARD_CAPS,
		.has_text = true,
		.actions = OUR_ACTIONS,
		.text_max = 0,
	};

	put_extended(viewer, &message);
}

static void put_text(struct viewer *viewer, const char *text, size_t len)
{
	struct clipboard_message message = {
		.action = RFB_CLIPBOARD_PROVIDE,
		.has_text = true,
	};

	if (!viewer->can.clipboard) {
		buf_put_u8(&viewer->out, RFB_SERVER_CUT_TEXT);
		buf_put_zero(&viewer->out, 3);
		buf_put_u32(&viewer->out, (uint32_t)clipboard_latin1_len(text, len));
		clipboard_put_latin1(&viewer->out, text, len);
		return;
	}
	message.text = (char *)text;
	message.text_len = len;
	put_extended(viewer, &message);
}

/* The viewer may have changed since the text was asked for; the new one gets it instead. */
static void handle_text(void *data, const char *text, size_t len, int error)
{
	struct display *display = data;
	struct viewer *viewer = display->current;
	char *clean;
	size_t clean_len;
	int r = error;

	if (!viewer || viewer->ending)
		return;
	if (r == 0)
		r = clipboard_clean(text, len, &clean, &clean_len);
	if (r < 0) {
		log_event(LOG_DEBUG, "clipboard.failed", LOG_ERR(r));
		return;
	}
	put_text(viewer, clean, clean_len);
	mem_wipe_free(clean, clean_len);
	viewer_flush(viewer);
}

static void fetch(struct viewer *viewer)
{
	struct display *display = viewer->display;
	int r;

	if (!display->has_text)
		return;
	r = compositor_fetch_text(display->screen.compositor, handle_text, display);
	if (r < 0)
		log_event(LOG_DEBUG, "clipboard.failed", LOG_ERR(r));
}

static bool understands(const struct viewer *viewer, uint32_t action)
{
	const struct clipboard_message *caps = &viewer->clipboard_caps.message;

	/* Some viewers never say what they understand; all know these. */
	if (caps->action != RFB_CLIPBOARD_CAPS)
		return true;
	return caps->actions & action;
}

void viewer_announce_clipboard(struct viewer *viewer)
{
	bool has_text = viewer->display->has_text;

	if (viewer->ending || viewer->farewell)
		return;
	if (!viewer->can.clipboard)
		fetch(viewer);
	else if (understands(viewer, RFB_CLIPBOARD_NOTIFY))
		put_action(viewer, RFB_CLIPBOARD_NOTIFY, has_text);
	else
		fetch(viewer);
	viewer_flush(viewer);
}

static void offer(struct viewer *viewer, const struct clipboard_message *message)
{
	int r;

	if (!message->has_text)
		return;
	r = compositor_offer_text(viewer->display->screen.compositor, message->text,
				  message->text_len);
	if (r < 0)
		log_event(LOG_WARN, "clipboard.refused", LOG_INT("bytes", message->text_len),
			  LOG_ERR(r));
}

void viewer_take_cut_text(struct viewer *viewer, struct client_cut_text *cut)
{
	const struct clipboard_message *message = &cut->message;

	if (cut->too_long) {
		log_event(LOG_WARN, "clipboard.too-long");
		return;
	}
	switch (message->action) {
	case RFB_CLIPBOARD_CAPS:
		viewer->clipboard_caps.message.action = RFB_CLIPBOARD_CAPS;
		viewer->clipboard_caps.message.actions = message->actions;
		break;
	case RFB_CLIPBOARD_REQUEST:
		if (message->has_text)
			fetch(viewer);
		break;
	case RFB_CLIPBOARD_PEEK:
		put_action(viewer, RFB_CLIPBOARD_NOTIFY, viewer->display->has_text);
		break;
	case RFB_CLIPBOARD_NOTIFY:
		if (message->has_text)
			put_action(viewer, RFB_CLIPBOARD_REQUEST, true);
		break;
	case RFB_CLIPBOARD_PROVIDE:
		offer(viewer, message);
		break;
	default:
		break;
	}
}
