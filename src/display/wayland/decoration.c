/* SPDX-License-Identifier: GPL-3.0-or-later */
/* zxdg_decoration_manager_v1: windows fill the screen, so nobody draws frames: "server side". */
#include "display/wayland/xdg.h"
#include "xdg-decoration-unstable-v1-server-protocol.h"

#define DECORATION_VERSION 1

static void tell(struct wl_resource *resource)
{
	struct toplevel *toplevel = wl_resource_get_user_data(resource);

	if (!toplevel)
		return;
	zxdg_toplevel_decoration_v1_send_configure(resource,
						   ZXDG_TOPLEVEL_DECORATION_V1_MODE_SERVER_SIDE);
	if (toplevel->xdg && toplevel->xdg->initialised)
		xdg_surface_finish_configure(toplevel->xdg);
}

static void handle_set_mode(struct wl_client *client, struct wl_resource *resource, uint32_t mode)
{
	(void)client;
	(void)mode;
	tell(resource);
}

static void handle_unset_mode(struct wl_client *client, struct wl_resource *resource)
{
	(void)client;
	tell(resource);
}

static const struct zxdg_toplevel_decoration_v1_interface decoration_impl = {
	.destroy = resource_destroy_request,
	.set_mode = handle_set_mode,
	.unset_mode = handle_unset_mode,
};

static void destroy_decoration(struct wl_resource *resource)
{
	struct toplevel *toplevel = wl_resource_get_user_data(resource);

	if (toplevel)
		toplevel->decoration = NULL;
}

static void handle_get(struct wl_client *client, struct wl_resource *resource, uint32_t id,
		       struct wl_resource *toplevel_resource)
{
	struct toplevel *toplevel = wl_resource_get_user_data(toplevel_resource);
	struct wl_resource *decoration;

	decoration = wl_resource_create(client, &zxdg_toplevel_decoration_v1_interface,
					wl_resource_get_version(resource), id);
	if (!decoration) {
		wl_client_post_no_memory(client);
		return;
	}
	wl_resource_set_implementation(decoration, &decoration_impl, NULL, destroy_decoration);
	if (toplevel->decoration) {
		wl_resource_post_error(decoration,
				       ZXDG_TOPLEVEL_DECORATION_V1_ERROR_ALREADY_CONSTRUCTED,
				       "the window has a decoration object already");
		return;
	}
	wl_resource_set_user_data(decoration, toplevel);
	toplevel->decoration = decoration;
	tell(decoration);
}

static const struct zxdg_decoration_manager_v1_interface manager_impl = {
	.destroy = resource_destroy_request,
	.get_toplevel_decoration = handle_get,
};

static void bind_manager(struct wl_client *client, void *data, uint32_t version, uint32_t id)
{
	compositor_bind(data, client, &zxdg_decoration_manager_v1_interface, &manager_impl, version,
			id);
}

int decoration_init(struct compositor *compositor)
{
	return compositor_add_global(compositor, &zxdg_decoration_manager_v1_interface,
				     DECORATION_VERSION, bind_manager);
}
