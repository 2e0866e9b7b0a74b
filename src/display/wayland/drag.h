/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Drag and drop between the windows of the session (wl_data_device.start_drag). */
#ifndef LAZARET_DISPLAY_WAYLAND_DRAG_H
#define LAZARET_DISPLAY_WAYLAND_DRAG_H

#include "display/wayland/clipboard.h"
#include "display/wayland/surface.h"

struct drag {
	struct compositor *compositor;
	struct wl_client *client; /* that dragged */
	struct source *source; /* NULL: only within its client */
	struct wl_listener source_destroy;
	struct surface *icon; /* NULL: none */
	struct wl_listener icon_destroy;
	int icon_x, icon_y; /* logical, offset to the pointer */
	struct surface *focus; /* NULL: over nothing */
	struct wl_listener focus_destroy;
	struct offer *offer; /* to the focus; NULL without a source */
};

/* Begins; the caller checked that the client has the pointer. False: not possible. */
bool drag_start(struct compositor *compositor, struct wl_client *client, struct source *source,
		struct surface *icon);
/* The pointer is over that surface (NULL: none), logical. */
void drag_motion(struct compositor *compositor, struct surface *surface, double sx, double sy);
/* The last button was let go. */
void drag_drop(struct compositor *compositor);
/* The picture that is dragged, and where, logical in the area; NULL: none. */
struct surface *drag_icon(struct compositor *compositor, int *ret_x, int *ret_y);
/* Gives a surface the role of a drag's picture; false: an error was posted. */
bool drag_take_icon(struct surface *surface, struct wl_resource *device);

/* data_device.c: an offer of a source to one device, told to it. */
struct offer *data_offer_create(struct wl_resource *device, struct source *source, bool is_drag);
/* The devices of clients, in compositor.clipboard->devices. */
static inline struct wl_list *data_devices(struct compositor *compositor)
{
	return &compositor->clipboard->devices;
}

#endif
