/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The viewer sets the size (rfbproto "SetDesktopSize", "ExtendedDesktopSize"). */
#include <errno.h>

#include "base/attr.h"
#include "base/log.h"
#include "display/display.h"
#include "display/viewer.h"

void viewer_put_desktop_size(struct viewer *viewer)
{
	/* One output, whatever layout the viewer has. */
	const struct update_screen screen = {
		.width = (uint16_t)viewer->width,
		.height = (uint16_t)viewer->height,
	};

	update_put_desktop_size(&viewer->out, viewer->size_reason, viewer->size_status,
				viewer->width, viewer->height, &screen, 1);
}

static bool layout_fits(const struct client_desktop_size *size)
{
	if (size->count == 0)
		return false;
	for (int i = 0; i < size->count; i++) {
		const struct rfb_screen *screen = &size->screens[i];

		if (screen->width == 0 || screen->height == 0 ||
		    screen->x + screen->width > size->width ||
		    screen->y + screen->height > size->height)
			return false;
	}
	return true;
}

static enum rfb_desktop_size_status set_size(struct viewer *viewer, int width, int height)
{
	struct display *display = viewer->display;
	int r;

	if (width > display->max_width || height > display->max_height)
		return RFB_SIZE_NO_RESOURCES;
	if (width == viewer->width && height == viewer->height)
		return RFB_SIZE_OK;
	r = screen_resize(display, width, height);
	if (r < 0)
		return r == -ENOMEM ? RFB_SIZE_NO_RESOURCES : RFB_SIZE_INVALID_LAYOUT;
	r = update_set_size(viewer->update, width, height);
	if (r < 0) {
		/* The engine has the former size, the picture the new one: no way on. */
		viewer_end(viewer, "out of memory");
		return RFB_SIZE_NO_RESOURCES;
	}
	viewer->width = width;
	viewer->height = height;
	return RFB_SIZE_OK;
}

/* What was asked for of the former size means nothing in the new one but "all of it". */
static void start_over(struct viewer *viewer)
{
	pixman_box32_t all = {0, 0, viewer->width, viewer->height};
	bool asked = pixman_region32_not_empty(&viewer->requested);

	if (asked)
		pixman_region32_reset(&viewer->requested, &all);
	viewer->continuous_area = all;
	pixman_region32_clear(&viewer->pending);
	paint_all(viewer);
}

void viewer_take_desktop_size(struct viewer *viewer, const struct client_desktop_size *size)
{
	if (!viewer->can.desktop_size)
		return;
	viewer->size_reason = RFB_SIZE_REASON_THIS_CLIENT;
	viewer->size_status = RFB_SIZE_INVALID_LAYOUT;
	if (size->width > 0 && size->height > 0 && layout_fits(size))
		viewer->size_status = set_size(viewer, size->width, size->height);
	if (viewer->size_status == RFB_SIZE_OK)
		start_over(viewer);
	else
		log_event(LOG_INFO, "viewer.size-refused", LOG_INT("width", size->width),
			  LOG_INT("height", size->height), LOG_INT("status", viewer->size_status));
	/* The answer goes out before any pixel of the new size. */
	viewer->due |= DUE_DESKTOP_SIZE;
	paint_soon(viewer);
}
