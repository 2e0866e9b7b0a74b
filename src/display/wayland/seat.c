/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <stdlib.h>

#include "display/wayland/client.h"
#include "display/wayland/seat.h"

#define SEAT_VERSION 8

void surface_link_init(struct surface_link *link, struct seat *seat, wl_notify_func_t notify)
{
	link->seat = seat;
	link->destroy.notify = notify;
	wl_list_init(&link->destroy.link);
}

void surface_link_set(struct surface_link *link, struct surface *surface)
{
	wl_list_remove(&link->destroy.link);
	wl_list_init(&link->destroy.link);
	link->surface = surface;
	if (surface)
		wl_signal_add(&surface->destroy, &link->destroy);
}

struct wl_client *surface_client(const struct surface *surface)
{
	return surface ? wl_resource_get_client(surface->resource) : NULL;
}

static void handle_get_pointer(struct wl_client *client, struct wl_resource *resource, uint32_t id)
{
	pointer_add(wl_resource_get_user_data(resource), client,
		    (uint32_t)wl_resource_get_version(resource), id);
}

static void handle_get_keyboard(struct wl_client *client, struct wl_resource *resource, uint32_t id)
{
	keyboard_add(wl_resource_get_user_data(resource), client,
		     (uint32_t)wl_resource_get_version(resource), id);
}

static void handle_get_touch(struct wl_client *client, struct wl_resource *resource, uint32_t id)
{
	(void)client;
	(void)id;
	wl_resource_post_error(resource, WL_SEAT_ERROR_MISSING_CAPABILITY, "there is no touch");
}

static const struct wl_seat_interface seat_impl = {
	.get_pointer = handle_get_pointer,
	.get_keyboard = handle_get_keyboard,
	.get_touch = handle_get_touch,
	.release = resource_destroy_request,
};

static void bind_seat(struct wl_client *client, void *data, uint32_t version, uint32_t id)
{
	struct seat *seat = data;
	struct wl_resource *resource = wl_resource_create(client, &wl_seat_interface, (int)version,
							  id);

	if (!resource) {
		wl_client_post_no_memory(client);
		return;
	}
	wl_resource_set_implementation(resource, &seat_impl, seat, NULL);
	wl_seat_send_capabilities(resource,
				  WL_SEAT_CAPABILITY_POINTER | WL_SEAT_CAPABILITY_KEYBOARD);
	if (version >= WL_SEAT_NAME_SINCE_VERSION)
		wl_seat_send_name(resource, "viewer");
}

int seat_create(struct compositor *compositor, const char *layout, struct seat **ret_seat)
{
	struct seat *seat = calloc(1, sizeof(*seat));
	int r;

	if (!seat)
		return -ENOMEM;
	seat->compositor = compositor;
	wl_list_init(&seat->text_inputs);
	pointer_init(seat);
	cursor_init(seat);
	r = keyboard_init(seat, layout);
	if (r == 0) {
		seat->global = wl_global_create(compositor->display, &wl_seat_interface,
						SEAT_VERSION, seat, bind_seat);
		r = seat->global ? 0 : -ENOMEM;
	}
	if (r < 0) {
		seat_destroy(seat);
		return r;
	}
	*ret_seat = seat;
	return 0;
}

void seat_destroy(struct seat *seat)
{
	if (!seat)
		return;
	keyboard_finish(seat);
	if (seat->global)
		wl_global_destroy(seat->global);
	free(seat);
}
