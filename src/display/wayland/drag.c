/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdlib.h>

#include "base/attr.h"
#include "base/clock.h"
#include "display/wayland/drag.h"
#include "display/wayland/seat.h"

/* ---- icon ---------------------------------------------------------------------------------- */

static void icon_commit(struct surface *surface)
{
	struct drag *drag = surface->compositor->drag;

	if (!drag || drag->icon != surface)
		return;
	drag->icon_x = CLAMP(drag->icon_x + surface->current.dx, -COORD_MAX, COORD_MAX);
	drag->icon_y = CLAMP(drag->icon_y + surface->current.dy, -COORD_MAX, COORD_MAX);
}

static const struct surface_role icon_role = {
	.name = "drag icon",
	.commit = icon_commit,
};

bool drag_take_icon(struct surface *surface, struct wl_resource *device)
{
	return surface_set_role(surface, &icon_role, NULL, device, WL_DATA_DEVICE_ERROR_ROLE);
}

struct surface *drag_icon(struct compositor *compositor, int *ret_x, int *ret_y)
{
	struct drag *drag = compositor->drag;
	double x, y;

	if (!drag || !drag->icon)
		return NULL;
	pointer_place(compositor->seat, &x, &y);
	*ret_x = (int)x + drag->icon_x;
	*ret_y = (int)y + drag->icon_y;
	return drag->icon;
}

/* ---- focus --------------------------------------------------------------------------------- */

static void leave(struct drag *drag)
{
	struct wl_resource *device;

	if (!drag->focus)
		return;
	wl_resource_for_each(device,
			     data_devices(drag->compositor)) if (wl_resource_get_client(device) ==
								 surface_client(drag->focus))
		wl_data_device_send_leave(device);
	wl_list_remove(&drag->focus_destroy.link);
	wl_list_init(&drag->focus_destroy.link);
	drag->focus = NULL;
	/* An offer that was not dropped leads nowhere from now on. */
	drag->offer = NULL;
}

static void enter(struct drag *drag, struct surface *surface, double sx, double sy)
{
	struct compositor *compositor = drag->compositor;
	uint32_t serial = wl_display_next_serial(compositor->display);
	struct wl_resource *device;

	/* Without a source the drag is private to its client (wl_data_device.start_drag). */
	if (!drag->source && surface_client(surface) != drag->client)
		return;
	drag->focus = surface;
	wl_signal_add(&surface->destroy, &drag->focus_destroy);
	wl_resource_for_each(device, data_devices(compositor))
	{
		struct offer *offer = NULL;

		if (wl_resource_get_client(device) != surface_client(surface))
			continue;
		if (drag->source) {
			offer = data_offer_create(device, drag->source, true);
			if (!offer)
				return;
			drag->offer = offer;
		}
		wl_data_device_send_enter(device, serial, surface->resource,
					  wl_fixed_from_double(sx), wl_fixed_from_double(sy),
					  offer ? offer->resource : NULL);
	}
}

void drag_motion(struct compositor *compositor, struct surface *surface, double sx, double sy)
{
	struct drag *drag = compositor->drag;
	struct wl_resource *device;

	if (drag->icon)
		scene_changed(compositor);
	if (surface != drag->focus) {
		leave(drag);
		if (surface)
			enter(drag, surface, sx, sy);
		return;
	}
	if (!surface)
		return;
	wl_resource_for_each(device, data_devices(compositor)) if (wl_resource_get_client(device) ==
								   surface_client(surface))
		wl_data_device_send_motion(device, (uint32_t)(clock_now() / USEC_PER_MSEC),
					   wl_fixed_from_double(sx), wl_fixed_from_double(sy));
}

/* ---- begin and end ------------------------------------------------------------------------- */

static void end(struct drag *drag)
{
	leave(drag);
	drag->compositor->drag = NULL;
	wl_list_remove(&drag->source_destroy.link);
	wl_list_remove(&drag->icon_destroy.link);
	wl_list_remove(&drag->focus_destroy.link);
	scene_changed(drag->compositor);
	compositor_settle_later(drag->compositor);
	free(drag);
}

static bool drop_is_welcome(const struct drag *drag)
{
	const struct offer *offer = drag->offer;

	if (!drag->focus)
		return false;
	if (!drag->source)
		return true;
	if (!offer || !offer->accepted)
		return false;
	return wl_resource_get_version(offer->resource) < 3 || !drag->source->has_actions ||
	       offer->action != 0;
}

static void tell_dropped(struct drag *drag)
{
	struct source *source = drag->source;
	struct wl_resource *device;

	wl_resource_for_each(device,
			     data_devices(drag->compositor)) if (wl_resource_get_client(device) ==
								 surface_client(drag->focus))
		wl_data_device_send_drop(device);
	if (drag->offer)
		drag->offer->dropped = true;
	if (source && wl_resource_get_version(source->resource) >=
			      WL_DATA_SOURCE_DND_DROP_PERFORMED_SINCE_VERSION)
		wl_data_source_send_dnd_drop_performed(source->resource);
}

void drag_drop(struct compositor *compositor)
{
	struct drag *drag = compositor->drag;

	if (drop_is_welcome(drag))
		tell_dropped(drag);
	else if (drag->source)
		drag->source->impl->cancel(drag->source);
	end(drag);
}

static void handle_source_destroy(struct wl_listener *listener, void *data)
{
	struct drag *drag = wl_container_of(listener, drag, source_destroy);

	(void)data;
	drag->source = NULL;
	end(drag);
}

static void handle_icon_destroy(struct wl_listener *listener, void *data)
{
	struct drag *drag = wl_container_of(listener, drag, icon_destroy);

	(void)data;
	wl_list_remove(&drag->icon_destroy.link);
	wl_list_init(&drag->icon_destroy.link);
	drag->icon = NULL;
}

static void handle_focus_destroy(struct wl_listener *listener, void *data)
{
	struct drag *drag = wl_container_of(listener, drag, focus_destroy);

	(void)data;
	leave(drag);
}

bool drag_start(struct compositor *compositor, struct wl_client *client, struct source *source,
		struct surface *icon)
{
	struct drag *drag;

	if (compositor->drag)
		return false;
	drag = calloc(1, sizeof(*drag));
	if (!drag)
		return false;
	drag->compositor = compositor;
	drag->client = client;
	drag->source = source;
	drag->icon = icon;
	drag->source_destroy.notify = handle_source_destroy;
	drag->icon_destroy.notify = handle_icon_destroy;
	drag->focus_destroy.notify = handle_focus_destroy;
	wl_list_init(&drag->source_destroy.link);
	wl_list_init(&drag->icon_destroy.link);
	wl_list_init(&drag->focus_destroy.link);
	if (source)
		wl_signal_add(&source->destroy, &drag->source_destroy);
	if (icon)
		wl_signal_add(&icon->destroy, &drag->icon_destroy);
	compositor->drag = drag;
	pointer_drag_began(compositor->seat);
	return true;
}
