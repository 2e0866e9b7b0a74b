/* SPDX-License-Identifier: GPL-3.0-or-later */
/* wp_single_pixel_buffer_manager_v1 (single-pixel-buffer-v1.xml). */
#include "display/wayland/surface.h"
#include "single-pixel-buffer-v1-server-protocol.h"

#define SINGLE_PIXEL_VERSION 1

static const struct wl_buffer_interface buffer_impl = {
	.destroy = resource_destroy_request,
};

/* The pixel is kept in the pointer itself. */
bool single_pixel_buffer_get(struct wl_resource *buffer, uint32_t *ret_pixel)
{
	if (!wl_resource_instance_of(buffer, &wl_buffer_interface, &buffer_impl))
		return false;
	*ret_pixel = (uint32_t)(uintptr_t)wl_resource_get_user_data(buffer);
	return true;
}

static void handle_create(struct wl_client *client, struct wl_resource *resource, uint32_t id,
			  uint32_t r, uint32_t g, uint32_t b, uint32_t a)
{
	uint32_t pixel = (a & 0xff000000u) | ((r >> 8) & 0xff0000u) | ((g >> 16) & 0xff00u) |
			 (b >> 24);
	struct wl_resource *buffer = wl_resource_create(client, &wl_buffer_interface, 1, id);

	(void)resource;
	if (!buffer) {
		wl_client_post_no_memory(client);
		return;
	}
	wl_resource_set_implementation(buffer, &buffer_impl, (void *)(uintptr_t)pixel, NULL);
}

static const struct wp_single_pixel_buffer_manager_v1_interface manager_impl = {
	.destroy = resource_destroy_request,
	.create_u32_rgba_buffer = handle_create,
};

static void bind_manager(struct wl_client *client, void *data, uint32_t version, uint32_t id)
{
	compositor_bind(data, client, &wp_single_pixel_buffer_manager_v1_interface, &manager_impl,
			version, id);
}

int single_pixel_buffer_init(struct compositor *compositor)
{
	return compositor_add_global(compositor, &wp_single_pixel_buffer_manager_v1_interface,
				     SINGLE_PIXEL_VERSION, bind_manager);
}
