/* SPDX-License-Identifier: GPL-3.0-or-later */
/* wl_output (wayland.xml) and zxdg_output_v1 (xdg-output-unstable-v1.xml): the one screen. */
#include "base/attr.h"
#include "display/wayland/seat.h"
#include "display/wayland/surface.h"
#include "display/wayland/xdg.h"
#include "xdg-output-unstable-v1-server-protocol.h"

#define OUTPUT_VERSION 4
#define XDG_OUTPUT_VERSION 3
#define OUTPUT_NAME "LAZARET-1"
#define OUTPUT_MHZ 60000

static const struct wl_output_interface output_impl = {
	.release = resource_destroy_request,
};

static const struct zxdg_output_v1_interface xdg_output_impl = {
	.destroy = resource_destroy_request,
};

/* Rounded up, so that a buffer drawn for it covers the last, partial pixel. */
static int to_logical(const struct compositor *compositor, int pixels)
{
	return MAX(1, (pixels * COMPOSITOR_SCALE_ONE + compositor->scale120 - 1) /
			      compositor->scale120);
}

void output_compute_area(struct compositor *compositor)
{
	compositor->area_width = to_logical(compositor, compositor->width);
	compositor->area_height = to_logical(compositor,
					     compositor->height - compositor->scene.strip_height);
}

int output_integer_scale(const struct compositor *compositor)
{
	return (compositor->scale120 + COMPOSITOR_SCALE_ONE - 1) / COMPOSITOR_SCALE_ONE;
}

static void send_output(struct compositor *compositor, struct wl_resource *resource)
{
	int version = wl_resource_get_version(resource);
	/* 96 dots an inch at scale 1 */
	int mm_width = compositor->area_width * 254 / 960;
	int mm_height = compositor->area_height * 254 / 960;

	wl_output_send_geometry(resource, 0, 0, mm_width, mm_height, WL_OUTPUT_SUBPIXEL_NONE,
				"Lazaret", "screen", WL_OUTPUT_TRANSFORM_NORMAL);
	wl_output_send_mode(resource, WL_OUTPUT_MODE_CURRENT | WL_OUTPUT_MODE_PREFERRED,
			    compositor->width, compositor->height, OUTPUT_MHZ);
	if (version >= WL_OUTPUT_SCALE_SINCE_VERSION)
		wl_output_send_scale(resource, output_integer_scale(compositor));
}

static void send_output_done(struct wl_resource *resource)
{
	if (wl_resource_get_version(resource) >= WL_OUTPUT_DONE_SINCE_VERSION)
		wl_output_send_done(resource);
}

static void send_xdg_output(struct compositor *compositor, struct wl_resource *resource)
{
	zxdg_output_v1_send_logical_position(resource, 0, 0);
	zxdg_output_v1_send_logical_size(resource, to_logical(compositor, compositor->width),
					 to_logical(compositor, compositor->height));
	if (wl_resource_get_version(resource) < 3)
		zxdg_output_v1_send_done(resource);
}

void output_update(struct compositor *compositor)
{
	struct wl_resource *resource;
	struct surface *surface;

	output_compute_area(compositor);
	wl_resource_for_each(resource, &compositor->outputs) send_output(compositor, resource);
	wl_resource_for_each(resource, &compositor->xdg_outputs)
		send_xdg_output(compositor, resource);
	wl_resource_for_each(resource, &compositor->outputs) send_output_done(resource);
	wl_list_for_each (surface, &compositor->surfaces, link)
		fractional_scale_tell(surface);
	toplevel_relayout(compositor);
	pointer_clamp(compositor->seat);
	scene_damage_all(compositor);
	compositor_settle_later(compositor);
}

static void unlink_resource(struct wl_resource *resource)
{
	wl_list_remove(wl_resource_get_link(resource));
}

static void enter_surfaces(struct compositor *compositor, struct wl_client *client,
			   struct wl_resource *output)
{
	struct surface *surface;

	wl_list_for_each (surface, &compositor->surfaces, link)
		if (surface->entered && wl_resource_get_client(surface->resource) == client)
			wl_surface_send_enter(surface->resource, output);
}

static void bind_output(struct wl_client *client, void *data, uint32_t version, uint32_t id)
{
	struct compositor *compositor = data;
	struct wl_resource *resource = compositor_bind(compositor, client, &wl_output_interface,
						       &output_impl, version, id);

	if (!resource)
		return;
	wl_resource_set_destructor(resource, unlink_resource);
	wl_list_insert(&compositor->outputs, wl_resource_get_link(resource));
	send_output(compositor, resource);
	if (version >= WL_OUTPUT_NAME_SINCE_VERSION) {
		wl_output_send_name(resource, OUTPUT_NAME);
		wl_output_send_description(resource, "The viewer's window");
	}
	send_output_done(resource);
	enter_surfaces(compositor, client, resource);
}

static void handle_get_xdg_output(struct wl_client *client, struct wl_resource *resource,
				  uint32_t id, struct wl_resource *output)
{
	struct compositor *compositor = wl_resource_get_user_data(resource);
	int version = wl_resource_get_version(resource);
	struct wl_resource *xdg_output;

	xdg_output = wl_resource_create(client, &zxdg_output_v1_interface, version, id);
	if (!xdg_output) {
		wl_client_post_no_memory(client);
		return;
	}
	wl_resource_set_implementation(xdg_output, &xdg_output_impl, NULL, unlink_resource);
	wl_list_insert(&compositor->xdg_outputs, wl_resource_get_link(xdg_output));
	if (version >= ZXDG_OUTPUT_V1_NAME_SINCE_VERSION)
		zxdg_output_v1_send_name(xdg_output, OUTPUT_NAME);
	send_xdg_output(compositor, xdg_output);
	if (version >= 3)
		send_output_done(output);
}

static const struct zxdg_output_manager_v1_interface xdg_output_manager_impl = {
	.destroy = resource_destroy_request,
	.get_xdg_output = handle_get_xdg_output,
};

static void bind_xdg_output(struct wl_client *client, void *data, uint32_t version, uint32_t id)
{
	compositor_bind(data, client, &zxdg_output_manager_v1_interface, &xdg_output_manager_impl,
			version, id);
}

int output_init(struct compositor *compositor)
{
	int r;

	wl_list_init(&compositor->outputs);
	wl_list_init(&compositor->xdg_outputs);
	r = compositor_add_global(compositor, &wl_output_interface, OUTPUT_VERSION, bind_output);
	if (r < 0)
		return r;
	return compositor_add_global(compositor, &zxdg_output_manager_v1_interface,
				     XDG_OUTPUT_VERSION, bind_xdg_output);
}
