/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * xdg_activation_v1, so that a window which a second start of the browser asks for comes up; and
 * zwp_idle_inhibit_manager_v1, which is accepted because nothing here goes idle.
 */
#include <stdlib.h>

#include "display/wayland/client.h"
#include "display/wayland/xdg.h"
#include "idle-inhibit-unstable-v1-server-protocol.h"
#include "xdg-activation-v1-server-protocol.h"

#define ACTIVATION_VERSION 1
#define IDLE_INHIBIT_VERSION 1

/*
 * All clients of this compositor are one user's session, so a token proves nothing: any string
 * activates. It is only there because clients wait for it.
 */
#define TOKEN "lazaret"

static void handle_set_serial(struct wl_client *client, struct wl_resource *resource,
			      uint32_t serial, struct wl_resource *seat)
{
	(void)client;
	(void)resource;
	(void)serial;
	(void)seat;
}

static void handle_set_app_id(struct wl_client *client, struct wl_resource *resource,
			      const char *app_id)
{
	(void)client;
	(void)resource;
	(void)app_id;
}

static void handle_set_surface(struct wl_client *client, struct wl_resource *resource,
			       struct wl_resource *surface)
{
	(void)client;
	(void)resource;
	(void)surface;
}

static void handle_token_commit(struct wl_client *client, struct wl_resource *resource)
{
	(void)client;
	xdg_activation_token_v1_send_done(resource, TOKEN);
}

static const struct xdg_activation_token_v1_interface token_impl = {
	.set_serial = handle_set_serial,
	.set_app_id = handle_set_app_id,
	.set_surface = handle_set_surface,
	.commit = handle_token_commit,
	.destroy = resource_destroy_request,
};

static void handle_get_token(struct wl_client *client, struct wl_resource *resource, uint32_t id)
{
	struct wl_resource *token = wl_resource_create(client, &xdg_activation_token_v1_interface,
						       wl_resource_get_version(resource), id);

	if (!token)
		wl_client_post_no_memory(client);
	else
		wl_resource_set_implementation(token, &token_impl, NULL, NULL);
}

static void handle_activate(struct wl_client *client, struct wl_resource *resource,
			    const char *token, struct wl_resource *surface_resource)
{
	struct xdg_surface *xdg = xdg_surface_from_surface(
		surface_root(surface_from_resource(surface_resource)));

	(void)client;
	(void)resource;
	(void)token;
	if (xdg && xdg->toplevel)
		toplevel_raise(xdg->toplevel);
}

static const struct xdg_activation_v1_interface activation_impl = {
	.destroy = resource_destroy_request,
	.get_activation_token = handle_get_token,
	.activate = handle_activate,
};

static void bind_activation(struct wl_client *client, void *data, uint32_t version, uint32_t id)
{
	compositor_bind(data, client, &xdg_activation_v1_interface, &activation_impl, version, id);
}

static const struct zwp_idle_inhibitor_v1_interface inhibitor_impl = {
	.destroy = resource_destroy_request,
};

static void handle_inhibit(struct wl_client *client, struct wl_resource *resource, uint32_t id,
			   struct wl_resource *surface)
{
	struct wl_resource *inhibitor = wl_resource_create(client, &zwp_idle_inhibitor_v1_interface,
							   wl_resource_get_version(resource), id);

	(void)surface;
	if (!inhibitor)
		wl_client_post_no_memory(client);
	else
		wl_resource_set_implementation(inhibitor, &inhibitor_impl, NULL, NULL);
}

static const struct zwp_idle_inhibit_manager_v1_interface inhibit_impl = {
	.destroy = resource_destroy_request,
	.create_inhibitor = handle_inhibit,
};

static void bind_inhibit(struct wl_client *client, void *data, uint32_t version, uint32_t id)
{
	compositor_bind(data, client, &zwp_idle_inhibit_manager_v1_interface, &inhibit_impl,
			version, id);
}

int activation_init(struct compositor *compositor)
{
	int r = compositor_add_global(compositor, &xdg_activation_v1_interface, ACTIVATION_VERSION,
				      bind_activation);

	if (r < 0)
		return r;
	return compositor_add_global(compositor, &zwp_idle_inhibit_manager_v1_interface,
				     IDLE_INHIBIT_VERSION, bind_inhibit);
}
