/* SPDX-License-Identifier: GPL-3.0-or-later */
/* wp_fractional_scale_manager_v1 (fractional-scale-v1.xml). */
#include "display/wayland/surface.h"
#include "fractional-scale-v1-server-protocol.h"

#define FRACTIONAL_SCALE_VERSION 1

static const struct wp_fractional_scale_v1_interface scale_impl = {
	.destroy = resource_destroy_request,
};

void fractional_scale_tell(struct surface *surface)
{
	if (surface->fractional)
		wp_fractional_scale_v1_send_preferred_scale(
			surface->fractional, (uint32_t)surface->compositor->scale120);
}

static void destroy_scale(struct wl_resource *resource)
{
	struct surface *surface = wl_resource_get_user_data(resource);

	if (surface)
		surface->fractional = NULL;
}

static void handle_get(struct wl_client *client, struct wl_resource *resource, uint32_t id,
		       struct wl_resource *surface_resource)
{
	struct surface *surface = surface_from_resource(surface_resource);
	struct wl_resource *scale;

	if (surface->fractional) {
		wl_resource_post_error(resource,
				       WP_FRACTIONAL_SCALE_MANAGER_V1_ERROR_FRACTIONAL_SCALE_EXISTS,
				       "the surface has such an object already");
		return;
	}
	scale = wl_resource_create(client, &wp_fractional_scale_v1_interface,
				   wl_resource_get_version(resource), id);
	if (!scale) {
		wl_client_post_no_memory(client);
		return;
	}
	wl_resource_set_implementation(scale, &scale_impl, surface, destroy_scale);
	surface->fractional = scale;
	fractional_scale_tell(surface);
}

static const struct wp_fractional_scale_manager_v1_interface manager_impl = {
	.destroy = resource_destroy_request,
	.get_fractional_scale = handle_get,
};

static void bind_manager(struct wl_client *client, void *data, uint32_t version, uint32_t id)
{
	compositor_bind(data, client, &wp_fractional_scale_manager_v1_interface, &manager_impl,
			version, id);
}

int fractional_scale_init(struct compositor *compositor)
{
	return compositor_add_global(compositor, &wp_fractional_scale_manager_v1_interface,
				     FRACTIONAL_SCALE_VERSION, bind_manager);
}
