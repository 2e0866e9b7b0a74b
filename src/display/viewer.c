/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "display/viewer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/str.h"
#include "display/display.h"
#include "display/hooks.h"
#include "display/notice.h"

static const char desktop_name[] = "Lazaret"; /* the gateway puts its own */

void viewer_end(struct viewer *viewer, const char *reason)
{
	if (viewer->ending)
		return;
	viewer->ending = reason;
	paint_soon(viewer);
}

void viewer_settle(struct viewer *viewer)
{
	if (viewer->ending)
		viewer_destroy(viewer);
}

static void watch(struct viewer *viewer, bool writable)
{
	if (viewer->watching == writable)
		return;
	viewer->watching = writable;
	wl_event_source_fd_update(viewer->source,
				  WL_EVENT_READABLE | (writable ? WL_EVENT_WRITABLE : 0));
}

static void give_back_memory(struct buf *buf)
{
	size_t cap = buf->cap;

	if (buf_len(buf) > 0 || buf->size <= OUT_BYTES_IDLE)
		return;
	buf_finish(buf);
	buf_init(buf, cap);
}

void viewer_flush(struct viewer *viewer)
{
	ssize_t n = 0;

	if (viewer->ending)
		return;
	if (buf_error(&viewer->out)) {
		viewer_end(viewer, "the viewer takes less than it asks for");
		return;
	}
	while (buf_len(&viewer->out) > 0 && n >= 0)
		n = buf_write_fd(&viewer->out, viewer->fd);
	if (n < 0 && n != -EAGAIN) {
		viewer_end(viewer, "the gateway is gone");
		return;
	}
	watch(viewer, !viewer->drained || buf_len(&viewer->out) > 0);
}

/* The socket says so when only a quarter of what it holds is left (limits.h, SOCKET_BYTES). */
static void handle_writable(struct viewer *viewer)
{
	if (buf_len(&viewer->out) > 0) {
		viewer_flush(viewer);
		return;
	}
	viewer->drained = true;
	watch(viewer, false);
	give_back_memory(&viewer->out);
	paint_now(viewer);
}

static void parse(struct viewer *viewer)
{
	struct client_message message;
	int r = 1;

	for (int i = 0; i < MESSAGES_MAX && !viewer->ending; i++) {
		r = client_parser_next(&viewer->parser, &viewer->in, &message);
		if (r <= 0)
			break;
		viewer_dispatch(viewer, &message);
		client_message_finish(&message);
	}
	if (r == -EPROTO)
		viewer_end(viewer, viewer->parser.reason ? viewer->parser.reason : "malformed");
	else if (r < 0)
		viewer_end(viewer, "out of memory");
}

static void handle_readable(struct viewer *viewer)
{
	for (int i = 0; i < READS_MAX && !viewer->ending; i++) {
		ssize_t n = buf_read_fd(&viewer->in, viewer->fd, READ_BYTES);

		if (n == -EAGAIN)
			return;
		if (n == 0)
			viewer_end(viewer, "the viewer left");
		else if (n < 0 && n != -ENOBUFS)
			viewer_end(viewer, "the gateway is gone");
		else
			parse(viewer);
	}
}

static int handle_stream(int fd, uint32_t mask, void *data)
{
	struct viewer *viewer = data;

	(void)fd;
	if (mask & (WL_EVENT_READABLE | WL_EVENT_HANGUP | WL_EVENT_ERROR))
		handle_readable(viewer);
	if ((mask & WL_EVENT_WRITABLE) && !viewer->ending)
		handle_writable(viewer);
	/* Replies, and what a request or a fence has set free. */
	if (!viewer->ending)
		viewer_flush(viewer);
	viewer_settle(viewer);
	return 0;
}

static int handle_timer(void *data)
{
	struct viewer *viewer = data;

	viewer->deadline = 0;
	if (viewer->farewell && clock_now() >= viewer->closes)
		viewer_end(viewer, "the farewell is over");
	else
		paint_now(viewer);
	viewer_settle(viewer);
	return 0;
}

void viewer_wake_at(struct viewer *viewer, uint64_t deadline)
{
	uint64_t now = clock_now();
	uint64_t ms;

	if (viewer->deadline && viewer->deadline <= deadline)
		return;
	viewer->deadline = deadline;
	ms = deadline > now ? (deadline - now + USEC_PER_MSEC - 1) / USEC_PER_MSEC : 0;
	wl_event_source_timer_update(viewer->timer, (int)CLAMP(ms, UINT64_C(1), UINT64_C(60000)));
}

static void put_server_init(struct viewer *viewer)
{
	struct buf *out = &viewer->out;

	buf_put_u16(out, (uint16_t)viewer->width);
	buf_put_u16(out, (uint16_t)viewer->height);
	pixel_format_put(out, &viewer->format);
	buf_put_str(out, desktop_name);
}

static struct viewer *viewer_init(struct display *display, const char *address)
{
	struct viewer *viewer = calloc(1, sizeof(*viewer));

	if (!viewer)
		return NULL;
	viewer->display = display;
	viewer->fd = -1;
	wl_list_init(&viewer->link);
	(void)str_copy(viewer->address, sizeof(viewer->address), address);
	buf_init(&viewer->in, CLIENT_MESSAGE_MAX);
	buf_init(&viewer->out, OUT_BYTES_MAX);
	pixman_region32_init(&viewer->requested);
	pixman_region32_init(&viewer->pending);
	flow_init(&viewer->flow);
	viewer->format = pixel_format_default;
	viewer->width = display->screen.width;
	viewer->height = display->screen.height;
	viewer->drained = true;
	viewer->percent = 100;
	return viewer;
}

static int viewer_open(struct viewer *viewer)
{
	struct display *display = viewer->display;
	int bytes = SOCKET_BYTES;
	int r = update_create(&viewer->update);

	if (r < 0)
		return r;
	r = update_set_size(viewer->update, viewer->width, viewer->height);
	if (r < 0)
		return r;
	r = fd_set_nonblock(viewer->fd, true);
	if (r < 0)
		return r;
	if (setsockopt(viewer->fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes)) < 0)
		return -errno;
	viewer->timer = wl_event_loop_add_timer(display->loop, handle_timer, viewer);
	if (viewer->timer)
		viewer->source = wl_event_loop_add_fd(display->loop, viewer->fd, WL_EVENT_READABLE,
						      handle_stream, viewer);
	if (!viewer->source)
		return -ENOMEM;
	put_server_init(viewer);
	return buf_error(&viewer->out);
}

int viewer_create(struct display *display, int fd, const char *address, struct viewer **ret_viewer)
{
	_cleanup_fd_ int owned = fd;
	struct viewer *viewer = viewer_init(display, address);
	int r;

	if (!viewer)
		return -ENOMEM;
	viewer->fd = FD_STEAL(owned);
	r = viewer_open(viewer);
	if (r < 0) {
		viewer_destroy(viewer);
		return r;
	}
	viewer_flush(viewer);
	*ret_viewer = viewer;
	return 0;
}

static void log_end(const struct viewer *viewer)
{
	struct update_stats stats;

	update_get_stats(viewer->update, &stats);
	log_event(LOG_INFO, "viewer.gone", LOG_STR("address", viewer->address),
		  LOG_STR("reason", viewer->ending ? viewer->ending : ""),
		  LOG_INT("updates", stats.messages), LOG_INT("bytes", stats.bytes),
		  LOG_INT("pixels_hinted", stats.pixels_hinted),
		  LOG_INT("pixels_changed", stats.pixels_changed),
		  LOG_INT("pixels_copied", stats.pixels_copied),
		  LOG_INT("pixels_lossy", stats.pixels_lossy), LOG_INT("films", stats.films),
		  LOG_INT("compare_usec", stats.usec_compare),
		  LOG_INT("scroll_usec", stats.usec_scroll),
		  LOG_INT("encode_usec", stats.usec_encode));
}

static void leave(struct viewer *viewer)
{
	struct display *display = viewer->display;

	if (viewer->farewell) {
		wl_list_remove(&viewer->link);
		display->n_farewells--;
		/* A new viewer's session must not hear that its viewer is gone. */
		if (viewer->detached && !display->current)
			parent_tell_detached(display, "sent away");
	} else if (viewer == display->current) {
		display->current = NULL;
		compositor_keyboard_release_all(display->screen.compositor);
		display_update_visible(display);
		parent_tell_detached(display, viewer->ending ? viewer->ending : "");
	} else {
		return;
	}
	log_end(viewer);
}

void viewer_destroy(struct viewer *viewer)
{
	if (!viewer)
		return;
	hooks_flush();
	leave(viewer);
	notice_forget(viewer);
	if (viewer->source)
		wl_event_source_remove(viewer->source);
	if (viewer->timer)
		wl_event_source_remove(viewer->timer);
	if (viewer->idle)
		wl_event_source_remove(viewer->idle);
	fd_close(viewer->fd);
	update_destroy(viewer->update);
	pixman_region32_fini(&viewer->requested);
	pixman_region32_fini(&viewer->pending);
	buf_finish(&viewer->in);
	buf_finish(&viewer->out);
	free(viewer->goodbye.pixels);
	free(viewer);
}
