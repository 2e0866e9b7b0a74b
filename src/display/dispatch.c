/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a viewer says (RFC 6143 7.5, and rfbproto for the extensions). */
#include <stddef.h>
#include <string.h>

#include "base/attr.h"
#include "base/clock.h"
#include "display/display.h"
#include "display/viewer.h"
#include "rfb/protocol.h"

static void put_fence(struct buf *out, uint32_t flags, const uint8_t *payload, uint8_t len)
{
	buf_put_u8(out, RFB_SERVER_FENCE);
	buf_put_zero(out, 3);
	buf_put_u32(out, flags);
	buf_put_u8(out, len);
	buf_put(out, payload, len);
}

static void take_pixel_format(struct viewer *viewer, struct client_message *message)
{
	/* The same once more changes no byte that we would send. */
	if (pixel_format_equal(&viewer->format, &message->pixel_format))
		return;
	viewer->format = message->pixel_format;
	buf_put_u8(&viewer->out, RFB_PRIVATE_PIXEL_FORMAT);
	pixel_format_put(&viewer->out, &viewer->format);
	update_set_format(viewer->update, &viewer->format);
	viewer->due |= DUE_CURSOR;
	paint_soon(viewer);
}

static bool is_between(int32_t encoding, int low, int high)
{
	return encoding >= low && encoding <= high;
}

static void take_encoding(int32_t encoding, struct viewer_can *can, struct update_client *client)
{
	static const struct {
		int32_t encoding;
		size_t offset;
	} abilities[] = {
		{RFB_ENCODING_FENCE, offsetof(struct viewer_can, fence)},
		{RFB_ENCODING_CONTINUOUS_UPDATES, offsetof(struct viewer_can, continuous)},
		{RFB_ENCODING_EXTENDED_DESKTOP_SIZE, offsetof(struct viewer_can, desktop_size)},
		{RFB_ENCODING_QEMU_KEY, offsetof(struct viewer_can, qemu_key)},
		{RFB_ENCODING_EXTENDED_MOUSE_BUTTONS, offsetof(struct viewer_can, mouse_buttons)},
		{RFB_ENCODING_EXTENDED_CLIPBOARD, offsetof(struct viewer_can, clipboard)},
		{RFB_ENCODING_CURSOR, offsetof(struct viewer_can, cursor)},
		{RFB_ENCODING_CURSOR_WITH_ALPHA, offsetof(struct viewer_can, cursor_alpha)},
	};

	for (size_t i = 0; i < ARRAY_LEN(abilities); i++) {
		if (abilities[i].encoding == encoding)
			*(bool *)((char *)can + abilities[i].offset) = true;
	}
	if (encoding == RFB_ENCODING_COPY_RECT)
		client->copy_rect = true;
	else if (encoding == RFB_ENCODING_H264)
		client->h264 = true;
	else if (is_between(encoding, RFB_ENCODING_JPEG_QUALITY_LOW,
			    RFB_ENCODING_JPEG_QUALITY_HIGH))
		client->quality = encoding - RFB_ENCODING_JPEG_QUALITY_LOW;
	else if (is_between(encoding, RFB_ENCODING_COMPRESS_LEVEL_LOW,
			    RFB_ENCODING_COMPRESS_LEVEL_HIGH))
		client->compress = encoding - RFB_ENCODING_COMPRESS_LEVEL_LOW;
	else if (client->encoding < 0 &&
		 (encoding == RFB_ENCODING_TIGHT || encoding == RFB_ENCODING_ZRLE ||
		  encoding == RFB_ENCODING_RAW))
		client->encoding = encoding;
}

/* Fence and ContinuousUpdates are announced by a message, once a connection; the rest by
 * pseudo-rectangles, when the viewer waits for an update. */
static void announce(struct viewer *viewer, const struct viewer_can *before)
{
	const struct viewer_can *can = &viewer->can;

	if (can->fence && !viewer->told_fence) {
		/* With nothing before it, it shows the shortest round trip. */
		paint_put_ping(viewer, clock_now());
		viewer->told_fence = true;
	}
	/* Updates without requests only where fences say what has arrived. */
	if (can->continuous && can->fence && !viewer->told_continuous) {
		buf_put_u8(&viewer->out, RFB_END_OF_CONTINUOUS_UPDATES);
		viewer->told_continuous = true;
	}
	if (can->qemu_key && !before->qemu_key)
		viewer->due |= DUE_QEMU_KEY;
	if (can->mouse_buttons && !before->mouse_buttons)
		viewer->due |= DUE_MOUSE_BUTTONS;
	if (can->desktop_size && !before->desktop_size)
		viewer->due |= DUE_DESKTOP_SIZE;
	if (can->cursor != before->cursor || can->cursor_alpha != before->cursor_alpha) {
		viewer->due |= DUE_CURSOR;
		/* A pointer that was drawn into the picture has to go, or to come. */
		paint_all(viewer);
	}
	if (can->clipboard)
		viewer_put_clipboard_caps(viewer);
	if (can->clipboard && !before->clipboard)
		viewer_announce_clipboard(viewer);
}

static void apply_policy(const struct display *display, struct update_client *client)
{
	client->h264 &= display->video == CONF_VIDEO_H264;
	if (display->video == CONF_VIDEO_EXACT)
		client->quality = -1;
}

static void take_encodings(struct viewer *viewer, struct client_message *message)
{
	struct update_client client = {.encoding = -1, .quality = -1, .compress = -1};
	struct viewer_can before = viewer->can;
	struct viewer_can can = {0};

	for (int i = 0; i < message->encodings.count; i++)
		take_encoding(message->encodings.list[i], &can, &client);
	if (client.encoding < 0)
		client.encoding = RFB_ENCODING_RAW;
	apply_policy(viewer->display, &client);
	viewer->can = can;
	if (can.clipboard)
		viewer->parser.extended_clipboard = true;
	update_set_client(viewer->update, &client);
	announce(viewer, &before);
	paint_soon(viewer);
}

/* Cuts an area to the framebuffer; false if nothing is left. */
static bool cut_area(const struct viewer *viewer, int x, int y, int width, int height,
		     pixman_box32_t *ret_box)
{
	*ret_box = (pixman_box32_t){
		MIN(x, viewer->width),
		MIN(y, viewer->height),
		MIN(x + width, viewer->width),
		MIN(y + height, viewer->height),
	};
	return ret_box->x1 < ret_box->x2 && ret_box->y1 < ret_box->y2;
}

static void forget(struct viewer *viewer, const pixman_box32_t *box)
{
	pixman_region32_t region;

	pixman_region32_init_with_extents(&region, box);
	update_forget(viewer->update, &region);
	pixman_region32_fini(&region);
}

static void take_update_request(struct viewer *viewer, struct client_message *message)
{
	const struct client_update_request *request = &message->update_request;
	pixman_box32_t box;

	viewer->asked = true;
	/* Without fences this says that what was sent has arrived. */
	if (!viewer->told_fence)
		flow_pong(&viewer->flow, viewer->flow.next_number - 1, clock_now());
	/* The answer to a SetDesktopSize that waits says all of it. */
	if (!request->incremental && viewer->can.desktop_size &&
	    !(viewer->due & DUE_DESKTOP_SIZE)) {
		viewer->due |= DUE_DESKTOP_SIZE;
		viewer->size_reason = RFB_SIZE_REASON_SERVER;
		viewer->size_status = RFB_SIZE_OK;
	}
	if (cut_area(viewer, request->x, request->y, request->width, request->height, &box)) {
		if (!request->incremental)
			forget(viewer, &box);
		pixman_region32_union_rect(&viewer->requested, &viewer->requested, box.x1, box.y1,
					   (unsigned int)(box.x2 - box.x1),
					   (unsigned int)(box.y2 - box.y1));
	}
	paint_soon(viewer);
}

static void take_continuous(struct viewer *viewer, struct client_message *message)
{
	const struct client_continuous *continuous = &message->continuous;

	if (!viewer->told_continuous)
		return;
	viewer->continuous = continuous->enable &&
			     cut_area(viewer, continuous->x, continuous->y, continuous->width,
				      continuous->height, &viewer->continuous_area);
	if (!continuous->enable)
		buf_put_u8(&viewer->out, RFB_END_OF_CONTINUOUS_UPDATES);
	viewer->asked = true;
	paint_soon(viewer);
}

static void take_fence_reply(struct viewer *viewer, const struct client_fence *fence)
{
	uint32_t number;

	/* Ours have no other lengths. */
	if (fence->len != 4)
		return;
	number = (uint32_t)fence->payload[0] << 24 | (uint32_t)fence->payload[1] << 16 |
		 (uint32_t)fence->payload[2] << 8 | fence->payload[3];
	flow_pong(&viewer->flow, number, clock_now());
	paint_soon(viewer);
}

static void answer_fence(struct viewer *viewer, const struct client_fence *fence)
{
	put_fence(&viewer->out, fence->flags & ~RFB_FENCE_REQUEST, fence->payload, fence->len);
}

/*
 * Messages are handled one after the other, each to its end, so BlockBefore and BlockAfter are kept
 * by answering in place. With SyncNext nothing may come between the answer and the effect of the
 * next message: the answer waits for that.
 */
static void take_fence(struct viewer *viewer, struct client_message *message)
{
	const struct client_fence *fence = &message->fence;

	if (!(fence->flags & RFB_FENCE_REQUEST)) {
		take_fence_reply(viewer, fence);
	} else if (fence->flags & RFB_FENCE_SYNC_NEXT) {
		viewer->sync = *fence;
		viewer->has_sync = true;
	} else {
		answer_fence(viewer, fence);
	}
}

static void take_pointer(struct viewer *viewer, struct client_message *message)
{
	viewer_take_pointer(viewer, &message->pointer);
}

static void take_key(struct viewer *viewer, struct client_message *message)
{
	viewer_take_key(viewer, &message->key);
}

static void take_cut_text(struct viewer *viewer, struct client_message *message)
{
	viewer_take_cut_text(viewer, &message->cut_text);
}

static void take_desktop_size(struct viewer *viewer, struct client_message *message)
{
	viewer_take_desktop_size(viewer, &message->desktop_size);
}

static const struct {
	enum rfb_client_type type;
	bool in_farewell; /* also from a viewer that is being sent away */
	void (*take)(struct viewer *viewer, struct client_message *message);
} handlers[] = {
	{RFB_SET_PIXEL_FORMAT, true, take_pixel_format},
	{RFB_SET_ENCODINGS, true, take_encodings},
	{RFB_FRAMEBUFFER_UPDATE_REQUEST, true, take_update_request},
	{RFB_KEY_EVENT, false, take_key},
	{RFB_POINTER_EVENT, false, take_pointer},
	{RFB_CLIENT_CUT_TEXT, false, take_cut_text},
	{RFB_ENABLE_CONTINUOUS_UPDATES, true, take_continuous},
	{RFB_CLIENT_FENCE, true, take_fence},
	{RFB_SET_DESKTOP_SIZE, false, take_desktop_size},
	{RFB_QEMU_CLIENT, false, take_key},
};

void viewer_dispatch(struct viewer *viewer, struct client_message *message)
{
	if (viewer->has_sync) {
		viewer->has_sync = false;
		answer_fence(viewer, &viewer->sync);
	}
	for (size_t i = 0; i < ARRAY_LEN(handlers); i++) {
		if (handlers[i].type != message->type)
			continue;
		if (handlers[i].in_farewell || !viewer->farewell)
			handlers[i].take(viewer, message);
	}
}
