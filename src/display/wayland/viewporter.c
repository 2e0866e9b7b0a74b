/* SPDX-License-Identifier: GPL-3.0-or-later */
/* wp_viewporter (viewporter.xml): a part of the buffer, at any size. */
#include "base/attr.h"
#include "display/wayland/surface.h"
#include "viewporter-server-protocol.h"

#define VIEWPORTER_VERSION 1

static struct surface_state *pending_state(struct wl_resource *resource)
{
	struct surface *surface = wl_resource_get_user_data(resource);

	if (!surface) {
		wl_resource_post_error(resource, WP_VIEWPORT_ERROR_NO_SURFACE,
				       "the surface is gone");
		return NULL;
	}
	return &surface->pending;
}

/* The pending viewport fields count as one: what a commit before set is carried over. */
static void begin_change(struct wl_resource *resource, struct surface_state *pending)
{
	struct surface *surface = wl_resource_get_user_data(resource);
	const struct surface_state *from;

	if (pending->set & SET_VIEWPORT)
		return;
	from = surface->cached.set & SET_VIEWPORT ? &surface->cached : &surface->current;
	pending->has_source = from->has_source;
	pending->source_x = from->source_x;
	pending->source_y = from->source_y;
	pending->source_width = from->source_width;
	pending->source_height = from->source_height;
	pending->destination_width = from->destination_width;
	pending->destination_height = from->destination_height;
	pending->set |= SET_VIEWPORT;
}

static void handle_set_source(struct wl_client *client, struct wl_resource *resource, wl_fixed_t x,
			      wl_fixed_t y, wl_fixed_t width, wl_fixed_t height)
{
	struct surface_state *state = pending_state(resource);
	wl_fixed_t unset = wl_fixed_from_int(-1);

	(void)client;
	if (!state)
		return;
	begin_change(resource, state);
	if (x == unset && y == unset && width == unset && height == unset) {
		state->has_source = false;
		return;
	}
	if (x < 0 || y < 0 || width <= 0 || height <= 0) {
		wl_resource_post_error(resource, WP_VIEWPORT_ERROR_BAD_VALUE,
				       "a source of that size or place is not possible");
		return;
	}
	state->has_source = true;
	state->source_x = x;
	state->source_y = y;
	state->source_width = width;
	state->source_height = height;
}

static void handle_set_destination(struct wl_client *client, struct wl_resource *resource,
				   int32_t width, int32_t height)
{
	struct surface_state *state = pending_state(resource);

	(void)client;
	if (!state)
		return;
	begin_change(resource, state);
	if (width == -1 && height == -1) {
		state->destination_width = state->destination_height = 0;
		return;
	}
	if (width <= 0 || height <= 0) {
		wl_resource_post_error(resource, WP_VIEWPORT_ERROR_BAD_VALUE,
				       "a destination of %d by %d", width, height);
		return;
	}
	state->destination_width = MIN(width, COORD_MAX);
	state->destination_height = MIN(height, COORD_MAX);
}

static const struct wp_viewport_interface viewport_impl = {
	.destroy = resource_destroy_request,
	.set_source = handle_set_source,
	.set_destination = handle_set_destination,
};

static void destroy_viewport(struct wl_resource *resource)
{
	struct surface *surface = wl_resource_get_user_data(resource);

	if (!surface)
		return;
	surface->viewport = NULL;
	surface->pending.set |= SET_VIEWPORT;
	surface->pending.has_source = false;
	surface->pending.destination_width = surface->pending.destination_height = 0;
}

static void handle_get_viewport(struct wl_client *client, struct wl_resource *resource, uint32_t id,
				struct wl_resource *surface_resource)
{
	struct surface *surface = surface_from_resource(surface_resource);
	struct wl_resource *viewport;

	if (surface->viewport) {
		wl_resource_post_error(resource, WP_VIEWPORTER_ERROR_VIEWPORT_EXISTS,
				       "the surface has a viewport already");
		return;
	}
	viewport = wl_resource_create(client, &wp_viewport_interface,
				      wl_resource_get_version(resource), id);
	if (!viewport) {
		wl_client_post_no_memory(client);
		return;
	}
	wl_resource_set_implementation(viewport, &viewport_impl, surface, destroy_viewport);
	surface->viewport = viewport;
}

static const struct wp_viewporter_interface viewporter_impl = {
	.destroy = resource_destroy_request,
	.get_viewport = handle_get_viewport,
};

static void bind_viewporter(struct wl_client *client, void *data, uint32_t version, uint32_t id)
{
	compositor_bind(data, client, &wp_viewporter_interface, &viewporter_impl, version, id);
}

int viewporter_init(struct compositor *compositor)
{
	return compositor_add_global(compositor, &wp_viewporter_interface, VIEWPORTER_VERSION,
				     bind_viewporter);
}
