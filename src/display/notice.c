/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "display/notice.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "display/display.h"
#include "display/limits.h"
#include "display/viewer.h"
#include "rfb/compare.h"

#define PANEL_WIDTH 640
#define BACKGROUND UINT32_C(0x20242b)

/* A farewell text that the session is having drawn. */
struct notice_request {
	struct wl_list link;
	struct viewer *viewer; /* NULL: it is gone meanwhile */
};

/* --- asking for a text ------------------------------------------------------------------------ */

static void ask(struct viewer *viewer, const char *sentence)
{
	struct display *display = viewer->display;
	struct notice_request *request = calloc(1, sizeof(*request));
	_cleanup_buf_ struct buf body;

	if (!request)
		return;
	request->viewer = viewer;
	wl_list_insert(display->notice_requests.prev, &request->link);
	buf_init(&body, REASON_MAX + 64);
	buf_put_str(&body, sentence);
	buf_put_u32(&body, (uint32_t)MIN(viewer->width, PANEL_WIDTH));
	buf_put_u8(&body, DISPLAY_NOTICE_FAREWELL);
	parent_tell(display, IPC_DISPLAY_WANTS_TEXT, &body);
}

void viewer_say_goodbye(struct viewer *viewer, const char *sentence)
{
	viewer->farewell = true;
	viewer->closes = clock_now() + FAREWELL_USEC;
	pixman_region32_clear(&viewer->pending);
	viewer_wake_at(viewer, viewer->closes);
	ask(viewer, sentence);
}

void notice_forget(struct viewer *viewer)
{
	struct notice_request *request;

	wl_list_for_each (request, &viewer->display->notice_requests, link) {
		if (request->viewer == viewer)
			request->viewer = NULL;
	}
}

static void drop_request(struct notice_request *request)
{
	wl_list_remove(&request->link);
	free(request);
}

void notice_finish(struct display *display)
{
	struct notice_request *request, *next;

	wl_list_for_each_safe (request, next, &display->notice_requests, link)
		drop_request(request);
}

/* --- the answer ------------------------------------------------------------------------------- */

static int read_pixels(int fd, int width, int height, uint32_t **ret_pixels)
{
	size_t size = (size_t)width * (size_t)height * sizeof(uint32_t);
	_cleanup_free_ uint32_t *pixels = malloc(size);
	size_t done = 0;

	if (!pixels)
		return -ENOMEM;
	while (done < size) {
		ssize_t n = pread(fd, (char *)pixels + done, size - done, (off_t)done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EPROTO;
		done += (size_t)n;
	}
	*ret_pixels = STEAL(pixels);
	return 0;
}

/* The panel in the middle of an empty picture, cut where it is larger than that. */
static int compose(struct viewer *viewer, const struct picture *panel)
{
	struct picture *goodbye = &viewer->goodbye;
	size_t count = (size_t)viewer->width * (size_t)viewer->height;
	int x = (viewer->width - panel->width) / 2, y = (viewer->height - panel->height) / 2;

	goodbye->pixels = malloc(count * sizeof(uint32_t));
	if (!goodbye->pixels)
		return -ENOMEM;
	goodbye->width = goodbye->stride = viewer->width;
	goodbye->height = viewer->height;
	for (size_t i = 0; i < count; i++)
		goodbye->pixels[i] = BACKGROUND;
	for (int row = MAX(y, 0); row < MIN(y + panel->height, viewer->height); row++) {
		int left = MAX(x, 0), right = MIN(x + panel->width, viewer->width);

		memcpy(goodbye->pixels + (size_t)row * (size_t)viewer->width + left,
		       panel->pixels + (size_t)(row - y) * (size_t)panel->stride + (left - x),
		       (size_t)(right - left) * sizeof(uint32_t));
	}
	return 0;
}

static void take_farewell(struct display *display, const struct picture *panel)
{
	struct notice_request *request;
	struct viewer *viewer;

	if (wl_list_empty(&display->notice_requests))
		return;
	request = wl_container_of(display->notice_requests.next, request, link);
	viewer = request->viewer;
	drop_request(request);
	if (!viewer)
		return;
	/* No text could be drawn: better closed at once than a picture that is dead. */
	if (!panel->pixels || compose(viewer, panel) < 0)
		viewer_end(viewer, "the farewell could not be drawn");
	else
		paint_all(viewer);
}

static void take_strip(struct display *display, const struct picture *strip)
{
	int r = compositor_set_strip(display->screen.compositor, strip->pixels ? strip : NULL);

	if (r < 0)
		log_event(LOG_WARN, "notice.refused", LOG_INT("height", strip->height), LOG_ERR(r));
}

/* Safe: the session is our parent; even so sizes are checked, and a short file is no crash. */
int notice_take(struct display *display, struct ipc_message *message)
{
	_cleanup_fd_ int fd = ipc_message_take_fd(message, 0);
	_cleanup_free_ uint32_t *pixels = NULL;
	uint32_t width = cursor_u32(&message->body), height = cursor_u32(&message->body);
	uint8_t where = cursor_u8(&message->body);
	struct picture picture = {0};
	int r;

	if (!cursor_done(&message->body))
		return -EPROTO;
	if (fd >= 0) {
		if (width == 0 || width > NOTICE_SIDE_MAX || height == 0 ||
		    height > NOTICE_SIDE_MAX)
			return -EPROTO;
		r = read_pixels(fd, (int)width, (int)height, &pixels);
		if (r < 0)
			return r;
		picture = (struct picture){pixels, (int)width, (int)height, (int)width};
	}
	if (where == DISPLAY_NOTICE_STRIP)
		take_strip(display, &picture);
	else if (where == DISPLAY_NOTICE_FAREWELL)
		take_farewell(display, &picture);
	else
		return -EPROTO;
	return 0;
}
