/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * When a viewer gets its next update, and what is in it.
 *
 * An update is built when there is something new, the viewer wants it (a request, or continuous
 * updates), the stream took all but a small part of the former one, the window has room, and the
 * line is clear (flow.h). Until then changes merge. What the person's own key or click brought about
 * goes out at once; the clock of 60 a second is only for pictures that move by themselves.
 *
 * While somebody types on a slow line, what is large and moves gets less than the line takes, and in
 * smaller portions: an echo, which is small, finds the line clear, and a packet that is lost holds it
 * up more rarely.
 */
#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "display/display.h"
#include "display/hooks.h"
#include "display/viewer.h"
#include "rfb/cursor_rect.h"
#include "rfb/encoder.h"

#define FRAME (USEC_PER_SEC / 60)
/* A place that was sent with loss is mended when it held still for so long. */
#define REST (250 * USEC_PER_MSEC)
#define REPAIR_PIXELS (512 * 512)
/* A viewer that takes nothing for so long is taken for not looking. */
#define STALL (2 * USEC_PER_SEC)
#define SPACING_MAX (USEC_PER_SEC / 4)
/* So long after a key somebody types. */
#define TYPING (3 * USEC_PER_SEC)
/* For how long one update may occupy the line, and how much of the line such get, in percent. */
#define QUEUE (100 * USEC_PER_MSEC)
#define QUEUE_TYPING (20 * USEC_PER_MSEC)
#define PERCENT 100
#define PERCENT_TYPING 25
/* A line that takes as many bytes a second has room for both. */
#define FAST_LINE (1u << 20)
/* More than so many pixels that move are a film, not what is typed. */
#define FILM_PIXELS (256 * 256)
/* So long after the person did something, what is small does not wait for what is large; unless there
 * is as much of it as this time, or bytes, of the line. */
#define ECHO_WAIT (500 * USEC_PER_MSEC)
#define ECHO_QUEUE (150 * USEC_PER_MSEC)
#define ECHO_BYTES (16u << 10)

static void handle_idle(void *data)
{
	struct viewer *viewer = data;

	viewer->idle = NULL;
	if (!viewer->ending)
		paint_now(viewer);
	viewer_settle(viewer);
}

void paint_soon(struct viewer *viewer)
{
	/* Without memory the next event of any kind does it. */
	if (!viewer->idle)
		viewer->idle = wl_event_loop_add_idle(viewer->display->loop, handle_idle, viewer);
}

void paint_all(struct viewer *viewer)
{
	pixman_region32_union_rect(&viewer->pending, &viewer->pending, 0, 0,
				   (unsigned int)viewer->width, (unsigned int)viewer->height);
	paint_soon(viewer);
}

static bool wants(const struct viewer *viewer)
{
	return viewer->continuous || pixman_region32_not_empty((void *)&viewer->requested);
}

static bool stream_takes(const struct viewer *viewer)
{
	return wants(viewer) && viewer->drained && buf_len(&viewer->out) == 0;
}

/* A viewer without fences says what it has by asking for more. */
static bool takes(const struct viewer *viewer)
{
	return stream_takes(viewer) && !(viewer->told_fence && flow_congested(&viewer->flow));
}

static bool is_typing(const struct viewer *viewer, uint64_t now)
{
	return viewer->key && now - viewer->key < TYPING;
}

/* What is small and new may be the echo of what the person did. */
static bool may_be_echo(const struct viewer *viewer, uint64_t now)
{
	const struct flow *flow = &viewer->flow;

	return viewer->input && now - viewer->input < ECHO_WAIT && stream_takes(viewer) &&
	       flow->count < FLOW_PINGS_MAX &&
	       (!viewer->told_fence || flow_in_flight(flow) < flow->window + ECHO_BYTES) &&
	       flow_clear_at(flow) < now + ECHO_QUEUE;
}

static bool draws_pointer(const struct viewer *viewer)
{
	return !viewer->can.cursor && !viewer->can.cursor_alpha;
}

/* --- rectangles without pixels ---------------------------------------------------------------- */

static void put_acknowledgement(struct viewer *viewer, int32_t encoding)
{
	const pixman_box32_t none = {0, 0, 0, 0};

	buf_put_u8(&viewer->out, RFB_FRAMEBUFFER_UPDATE);
	buf_put_zero(&viewer->out, 1);
	buf_put_u16(&viewer->out, 1);
	encoder_put_header(&viewer->out, &none, encoding);
}

static void put_cursor(struct viewer *viewer)
{
	const struct cursor_image *image = &viewer->display->screen.cursor;

	if (viewer->can.cursor_alpha)
		cursor_rect_put_alpha(&viewer->out, image);
	else if (viewer->can.cursor)
		cursor_rect_put(&viewer->out, image, &viewer->format);
}

static unsigned int count_at(const struct buf *out, size_t update)
{
	const uint8_t *count = buf_data(out) + update + 2;

	return (unsigned int)count[0] << 8 | count[1];
}

/*
 * One request, one message: behind a request the gateway lets one update pass that has the former
 * pixel format, no more. Joins the update that begins at `second` to the one before it.
 */
static void join_updates(struct buf *out, size_t first, size_t second)
{
	unsigned int count;
	size_t len = buf_len(out);
	uint8_t *bytes;

	if (buf_error(out) || first == second || second == len)
		return;
	count = count_at(out, first) + count_at(out, second);
	if (count >= UINT16_MAX)
		return;
	bytes = out->data + out->start + second;
	memmove(bytes, bytes + 4, len - second - 4);
	buf_truncate(out, len - 4);
	buf_patch_u16(out, first + 2, (uint16_t)count);
}

static void acknowledge_qemu_key(struct viewer *viewer)
{
	put_acknowledgement(viewer, RFB_ENCODING_QEMU_KEY);
}

static void acknowledge_mouse_buttons(struct viewer *viewer)
{
	put_acknowledgement(viewer, RFB_ENCODING_EXTENDED_MOUSE_BUTTONS);
	viewer->parser.extended_buttons = true;
}

/* `start`: where the message begins, or the end of the buffer if there is none yet. */
static void put_due(struct viewer *viewer, size_t start)
{
	static const struct {
		unsigned int due;
		void (*put)(struct viewer *viewer);
	} kinds[] = {
		{DUE_QEMU_KEY, acknowledge_qemu_key},
		{DUE_MOUSE_BUTTONS, acknowledge_mouse_buttons},
		{DUE_CURSOR, put_cursor},
	};
	unsigned int due = viewer->due;

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		size_t end = buf_len(&viewer->out);

		if (!(due & kinds[i].due))
			continue;
		viewer->due &= ~kinds[i].due;
		kinds[i].put(viewer);
		join_updates(&viewer->out, start, end);
	}
}

/* --- the clock -------------------------------------------------------------------------------- */

/* The browser shall not draw more often than the viewer takes pictures. */
static void steer_browser(struct viewer *viewer, uint64_t now)
{
	static const unsigned int rates[] = {60, 50, 40, 30, 24, 20, 15, 12, 10, 8, 6, 5};
	unsigned int rate = rates[ARRAY_LEN(rates) - 1];

	/* A browser that draws rarely answers keys late. */
	if (is_typing(viewer, now))
		rate = rates[0];
	for (size_t i = 0; rate != rates[0] && i < ARRAY_LEN(rates); i++) {
		if (USEC_PER_SEC / rates[i] * 11 / 10 >= viewer->spacing) {
			rate = rates[i];
			break;
		}
	}
	screen_set_refresh(viewer->display, 1000000000u / rate);
}

static void note_spacing(struct viewer *viewer, uint64_t now)
{
	uint64_t took = FRAME;

	if (viewer->held_up && viewer->painted)
		took = CLAMP(now - viewer->painted, FRAME, SPACING_MAX);
	if (viewer->spacing == 0)
		viewer->spacing = FRAME;
	viewer->spacing = (3 * viewer->spacing + took) / 4;
	viewer->held_up = false;
	steer_browser(viewer, now);
}

/*
 * One update may come a frame early, so that a browser's uneven steps are not made worse. While the
 * person does something the clock holds nothing back: what was sent in between, of a film say, is not
 * the answer that he waits for.
 */
static bool too_early(const struct viewer *viewer, uint64_t now)
{
	bool answers = viewer->input && now - viewer->input < ECHO_WAIT;

	return now + FRAME < viewer->allowed && !answers;
}

static void wait_for_viewer(struct viewer *viewer, uint64_t now)
{
	viewer->held_up = true;
	if (!viewer->blocked)
		viewer->blocked = now;
	if (viewer->stalled)
		return;
	if (now - viewer->blocked < STALL) {
		viewer_wake_at(viewer, viewer->blocked + STALL);
		return;
	}
	viewer->stalled = true;
	display_update_visible(viewer->display);
}

static void move_again(struct viewer *viewer)
{
	viewer->blocked = 0;
	if (!viewer->stalled)
		return;
	viewer->stalled = false;
	display_update_visible(viewer->display);
}

/* --- updates ---------------------------------------------------------------------------------- */

/* Type, padding, flags, length, number */
#define PING_BYTES (1 + 3 + 4 + 1 + 4)

void paint_put_ping(struct viewer *viewer, uint64_t now)
{
	buf_put_u8(&viewer->out, RFB_SERVER_FENCE);
	buf_put_zero(&viewer->out, 3);
	buf_put_u32(&viewer->out, RFB_FENCE_REQUEST | RFB_FENCE_BLOCK_BEFORE);
	buf_put_u8(&viewer->out, 4);
	buf_put_u32(&viewer->out, flow_ping(&viewer->flow, now));
}

static void note_built(struct viewer *viewer, uint64_t now)
{
	note_spacing(viewer, now);
	viewer->painted = now;
	viewer->allowed = MAX(viewer->allowed, now) + FRAME;
}

/* A fence in front of the message that begins at `start`. */
static void put_lead(struct viewer *viewer, size_t start, uint64_t now)
{
	struct buf *out = &viewer->out;
	size_t end = buf_len(out), len;
	uint8_t fence[PING_BYTES];
	uint8_t *bytes;

	paint_put_ping(viewer, now);
	if (buf_error(out))
		return;
	bytes = out->data + out->start;
	len = buf_len(out) - end;
	memcpy(fence, bytes + end, len);
	memmove(bytes + start + len, bytes + start, end - start);
	memcpy(bytes + start, fence, len);
}

static void update_sent(struct viewer *viewer, size_t start, uint64_t now)
{
	struct flow *flow = &viewer->flow;
	size_t bytes = buf_len(&viewer->out) - start;

	viewer->drained = false;
	pixman_region32_clear(&viewer->requested);
	if (viewer->told_fence && flow_wants_lead(flow, bytes, now))
		put_lead(viewer, start, now);
	flow_send(flow, bytes, viewer->percent, now);
	if (viewer->told_fence)
		paint_put_ping(viewer, now);
	else
		(void)flow_ping(flow, now);
}

static void get_area(struct viewer *viewer, pixman_region32_t *area)
{
	pixman_region32_copy(area, &viewer->requested);
	if (viewer->continuous)
		pixman_region32_union_rect(
			area, area, viewer->continuous_area.x1, viewer->continuous_area.y1,
			(unsigned int)(viewer->continuous_area.x2 - viewer->continuous_area.x1),
			(unsigned int)(viewer->continuous_area.y2 - viewer->continuous_area.y1));
}

/* What one update may be, and what it costs the others. */
static void get_limits(struct viewer *viewer, bool small_only, uint64_t now,
		       struct update_limits *ret_limits)
{
	struct flow *flow = &viewer->flow;
	bool typing = is_typing(viewer, now);
	size_t bytes;

	flow_set_queue(flow, typing && viewer->told_fence ? QUEUE_TYPING : QUEUE);
	bytes = flow_update_bytes(flow);
	/* One update at a time and a request between: it may fill the way. */
	if (!viewer->told_fence)
		bytes = MAX(bytes, (size_t)flow->window);
	*ret_limits = (struct update_limits){
		.bytes = MIN(bytes, (size_t)UPDATE_BYTES_MAX),
		.small_only = small_only,
	};
	viewer->percent = PERCENT;
	if (typing && !small_only && flow_bandwidth(flow, now) < FAST_LINE &&
	    update_moving_pixels(viewer->update) > FILM_PIXELS)
		viewer->percent = PERCENT_TYPING;
	ret_limits->bits_per_second = 8 * flow_bandwidth(flow, now) * viewer->percent / PERCENT;
}

static void build_from(struct viewer *viewer, const struct picture *picture, bool small_only,
		       uint64_t now)
{
	struct update_limits limits;
	pixman_region32_t area, todo;
	size_t bytes = 0;
	int r;

	get_limits(viewer, small_only, now, &limits);
	pixman_region32_init(&area);
	pixman_region32_init(&todo);
	get_area(viewer, &area);
	pixman_region32_intersect(&todo, &viewer->pending, &area);
	pixman_region32_subtract(&viewer->pending, &viewer->pending, &area);
	r = update_build(viewer->update, picture, &todo, &limits, &viewer->out, &bytes);
	pixman_region32_union(&viewer->pending, &viewer->pending, &todo);
	if (bytes > 0)
		hooks_built(picture, !pixman_region32_not_empty(&todo));
	pixman_region32_fini(&area);
	pixman_region32_fini(&todo);
	if (r < 0)
		viewer_end(viewer, r == -ENOMEM ? "out of memory" : "an update had no room");
	else if (bytes > 0)
		note_built(viewer, now);
}

static void build(struct viewer *viewer, bool small_only, uint64_t now)
{
	struct picture picture;

	if (screen_picture(viewer->display, draws_pointer(viewer), &picture, &viewer->pending) <
	    0) {
		viewer_end(viewer, "out of memory");
		return;
	}
	move_again(viewer);
	build_from(viewer, &picture, small_only, now);
}

/* Nothing new: what went out with loss and holds still is made exact. */
static void repair(struct viewer *viewer, uint64_t now)
{
	uint64_t when = MAX(viewer->painted + REST, flow_clear_at(&viewer->flow));
	struct update_limits limits;
	struct picture picture;
	size_t bytes = 0;
	int r;

	if (now < when) {
		viewer_wake_at(viewer, when);
		return;
	}
	get_limits(viewer, false, now, &limits);
	r = screen_picture(viewer->display, draws_pointer(viewer), &picture, &viewer->pending);
	if (r == 0)
		r = update_repair(viewer->update, &picture,
				  MIN((int64_t)limits.bytes, (int64_t)REPAIR_PIXELS), REST,
				  &viewer->out, &bytes);
	if (r < 0) {
		viewer_end(viewer, "out of memory");
		return;
	}
	if (bytes == 0)
		viewer_wake_at(viewer, now + REST);
}

static bool has_work(const struct viewer *viewer)
{
	return viewer->display->screen.dirty || update_has_unknown(viewer->update) ||
	       pixman_region32_not_empty((void *)&viewer->pending);
}

static void paint_new(struct viewer *viewer, bool ready, uint64_t now)
{
	uint64_t clear_at = flow_clear_at(&viewer->flow);

	if (ready && too_early(viewer, now)) {
		viewer_wake_at(viewer, viewer->allowed - FRAME);
	} else if (ready && clear_at <= now) {
		build(viewer, false, now);
	} else {
		if (may_be_echo(viewer, now))
			build(viewer, true, now);
		if (ready) {
			viewer->held_up = true;
			viewer_wake_at(viewer, clear_at);
		} else {
			wait_for_viewer(viewer, now);
		}
	}
}

static void paint_browser(struct viewer *viewer, bool ready, uint64_t now)
{
	if (has_work(viewer))
		paint_new(viewer, ready, now);
	else if (ready && update_has_lossy(viewer->update))
		repair(viewer, now);
}

static void paint_goodbye(struct viewer *viewer, bool ready, uint64_t now)
{
	if (ready && viewer->goodbye.pixels &&
	    (pixman_region32_not_empty(&viewer->pending) || update_has_unknown(viewer->update)))
		build_from(viewer, &viewer->goodbye, false, now);
	/* There is one timer: an earlier deadline may have taken the place of this one. */
	viewer_wake_at(viewer, viewer->closes);
}

/*
 * What has no pixels stands before what has: TigerVNC's viewer decodes pixels on other threads, and
 * while it reads an alpha cursor these would take the cursor's pixel format for theirs (1.12 dies of
 * it).
 */
static void paint_update(struct viewer *viewer, bool ready, size_t start, uint64_t now)
{
	size_t pixels;

	if (ready)
		put_due(viewer, start);
	pixels = buf_len(&viewer->out);
	if (viewer->farewell)
		paint_goodbye(viewer, ready, now);
	else
		paint_browser(viewer, ready, now);
	join_updates(&viewer->out, start, pixels);
}

void paint_now(struct viewer *viewer)
{
	size_t start = buf_len(&viewer->out);
	uint64_t now = clock_now();
	bool ready = takes(viewer);

	if (viewer->ending)
		return;
	if (ready && (viewer->due & DUE_DESKTOP_SIZE)) {
		/* Pixels may not stand in the same message, and have to come after it. */
		viewer->due &= ~(unsigned int)DUE_DESKTOP_SIZE;
		viewer_put_desktop_size(viewer);
		put_due(viewer, start);
	} else {
		paint_update(viewer, ready, start, now);
	}
	if (viewer->ending)
		return;
	if (buf_len(&viewer->out) > start)
		update_sent(viewer, start, now);
	viewer_flush(viewer);
	hooks_sent();
}
