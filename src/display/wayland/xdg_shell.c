/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/attr.h"
#include "display/wayland/client.h"
#include "display/wayland/xdg.h"

#define XDG_VERSION 5

/* ---- the role ------------------------------------------------------------------------------ */

static void unmap(struct xdg_surface *xdg)
{
	if (xdg->toplevel)
		toplevel_unmap(xdg->toplevel);
	if (xdg->popup)
		popup_unmap(xdg->popup);
	xdg_surface_unmap(xdg);
}

static bool check_commit(struct surface *surface, bool has_buffer)
{
	struct xdg_surface *xdg = surface->role_object;

	if (!xdg || !has_buffer || xdg->configured)
		return true;
	wl_resource_post_error(xdg->resource, XDG_SURFACE_ERROR_UNCONFIGURED_BUFFER,
			       "a buffer before the first configure was acknowledged");
	return false;
}

static void role_commit(struct surface *surface)
{
	struct xdg_surface *xdg = surface->role_object;

	if (!xdg)
		return;
	if (xdg->has_pending_geometry) {
		xdg->geometry = xdg->pending_geometry;
		xdg->has_geometry = true;
		xdg->has_pending_geometry = false;
	}
	if (xdg->toplevel)
		toplevel_commit(xdg->toplevel);
	else if (xdg->popup)
		popup_commit(xdg->popup);
}

static void role_surface_gone(struct surface *surface)
{
	struct xdg_surface *xdg = surface->role_object;

	if (!xdg)
		return;
	unmap(xdg);
	xdg->surface = NULL;
}

static const struct surface_role xdg_role = {
	.name = "xdg_surface",
	.check = check_commit,
	.commit = role_commit,
	.surface_gone = role_surface_gone,
};

/* ---- shared by windows and popups ---------------------------------------------------------- */

struct xdg_surface *xdg_surface_from_surface(const struct surface *surface)
{
	return surface->role == &xdg_role ? surface->role_object : NULL;
}

struct box xdg_surface_geometry(const struct xdg_surface *xdg)
{
	if (xdg->has_geometry)
		return xdg->geometry;
	if (!xdg->surface)
		return (struct box){0};
	return (struct box){0, 0, xdg->surface->width, xdg->surface->height};
}

void xdg_surface_origin(const struct xdg_surface *xdg, int *ret_x, int *ret_y)
{
	*ret_x = *ret_y = 0;
	if (xdg->toplevel) {
		*ret_x = xdg->toplevel->x;
		*ret_y = xdg->toplevel->y;
	} else if (xdg->popup && xdg->popup->parent) {
		/* As deep as popups are nested, which POPUPS_MAX bounds. */
		xdg_surface_origin(xdg->popup->parent, ret_x, ret_y);
		*ret_x += xdg->popup->box.x;
		*ret_y += xdg->popup->box.y;
	}
}

void xdg_surface_position(const struct xdg_surface *xdg, int *ret_x, int *ret_y)
{
	struct box geometry = xdg_surface_geometry(xdg);

	xdg_surface_origin(xdg, ret_x, ret_y);
	*ret_x -= geometry.x;
	*ret_y -= geometry.y;
}

struct toplevel *xdg_surface_toplevel(struct xdg_surface *xdg)
{
	while (xdg && xdg->popup)
		xdg = xdg->popup->parent;
	return xdg ? xdg->toplevel : NULL;
}

void xdg_surface_finish_configure(struct xdg_surface *xdg)
{
	uint32_t serial = wl_display_next_serial(xdg->compositor->display);

	if (xdg->serial_count == CONFIGURES_KEPT) {
		memmove(&xdg->serials[0], &xdg->serials[1],
			sizeof(xdg->serials[0]) * (CONFIGURES_KEPT - 1));
		xdg->serial_count--;
	}
	xdg->serials[xdg->serial_count++] = serial;
	xdg_surface_send_configure(xdg->resource, serial);
}

static void tell_entered(struct surface *surface)
{
	struct wl_resource *output;

	if (surface->entered)
		return;
	surface->entered = true;
	wl_resource_for_each(
		output,
		&surface->compositor->outputs) if (wl_resource_get_client(output) ==
						   wl_resource_get_client(surface->resource))
		wl_surface_send_enter(surface->resource, output);
}

void xdg_surface_map(struct xdg_surface *xdg)
{
	xdg->mapped = true;
	tell_entered(xdg->surface);
	scene_changed(xdg->compositor);
	compositor_settle_later(xdg->compositor);
}

void xdg_surface_unmap(struct xdg_surface *xdg)
{
	popup_dismiss_children(xdg);
	xdg->initialised = xdg->configured = xdg->mapped = false;
	xdg->serial_count = 0;
	xdg->has_geometry = xdg->has_pending_geometry = false;
	scene_changed(xdg->compositor);
	compositor_settle_later(xdg->compositor);
}

/* ---- xdg_surface --------------------------------------------------------------------------- */

static bool check_new_role(struct xdg_surface *xdg, enum xdg_kind kind)
{
	if (!xdg->surface)
		return false;
	if (xdg->toplevel || xdg->popup || (xdg->kind != XDG_NONE && xdg->kind != kind)) {
		wl_resource_post_error(xdg->resource, XDG_SURFACE_ERROR_ALREADY_CONSTRUCTED,
				       "the surface is a window or popup already");
		return false;
	}
	xdg->kind = kind;
	return true;
}

static void handle_get_toplevel(struct wl_client *client, struct wl_resource *resource, uint32_t id)
{
	struct xdg_surface *xdg = wl_resource_get_user_data(resource);

	if (check_new_role(xdg, XDG_TOPLEVEL))
		toplevel_create(xdg, client, id);
}

static void handle_get_popup(struct wl_client *client, struct wl_resource *resource, uint32_t id,
			     struct wl_resource *parent, struct wl_resource *positioner)
{
	struct xdg_surface *xdg = wl_resource_get_user_data(resource);

	if (check_new_role(xdg, XDG_POPUP))
		popup_create(xdg, client, id, parent, positioner);
}

static void handle_set_geometry(struct wl_client *client, struct wl_resource *resource, int32_t x,
				int32_t y, int32_t width, int32_t height)
{
	struct xdg_surface *xdg = wl_resource_get_user_data(resource);

	(void)client;
	if (width <= 0 || height <= 0) {
		wl_resource_post_error(resource, XDG_SURFACE_ERROR_INVALID_SIZE,
				       "a geometry of %d by %d", width, height);
		return;
	}
	xdg->pending_geometry = (struct box){
		CLAMP(x, -COORD_MAX, COORD_MAX),
		CLAMP(y, -COORD_MAX, COORD_MAX),
		MIN(width, COORD_MAX),
		MIN(height, COORD_MAX),
	};
	xdg->has_pending_geometry = true;
}

static void handle_ack(struct wl_client *client, struct wl_resource *resource, uint32_t serial)
{
	struct xdg_surface *xdg = wl_resource_get_user_data(resource);

	(void)client;
	for (int i = 0; i < xdg->serial_count; i++) {
		if (xdg->serials[i] != serial)
			continue;
		xdg->serial_count -= i + 1;
		memmove(&xdg->serials[0], &xdg->serials[i + 1],
			sizeof(xdg->serials[0]) * (size_t)xdg->serial_count);
		xdg->configured = true;
		return;
	}
	/* Unmapped meanwhile, or so slow that the serial was dropped: no reason to end anybody. */
}

static void handle_destroy(struct wl_client *client, struct wl_resource *resource)
{
	struct xdg_surface *xdg = wl_resource_get_user_data(resource);

	(void)client;
	if (xdg->toplevel || xdg->popup) {
		wl_resource_post_error(resource, XDG_SURFACE_ERROR_DEFUNCT_ROLE_OBJECT,
				       "its window or popup must be destroyed first");
		return;
	}
	wl_resource_destroy(resource);
}

static const struct xdg_surface_interface xdg_surface_impl = {
	.destroy = handle_destroy,
	.get_toplevel = handle_get_toplevel,
	.get_popup = handle_get_popup,
	.set_window_geometry = handle_set_geometry,
	.ack_configure = handle_ack,
};

static void destroy_xdg_surface(struct wl_resource *resource)
{
	struct xdg_surface *xdg = wl_resource_get_user_data(resource);

	unmap(xdg);
	if (xdg->toplevel)
		xdg->toplevel->xdg = NULL;
	if (xdg->popup)
		xdg->popup->xdg = NULL;
	if (xdg->surface)
		xdg->surface->role_object = NULL;
	free(xdg);
}

/* ---- xdg_wm_base --------------------------------------------------------------------------- */

static void handle_create_positioner(struct wl_client *client, struct wl_resource *resource,
				     uint32_t id)
{
	positioner_create(client, (uint32_t)wl_resource_get_version(resource), id);
}

static void handle_get_xdg_surface(struct wl_client *client, struct wl_resource *resource,
				   uint32_t id, struct wl_resource *surface_resource)
{
	struct surface *surface = surface_from_resource(surface_resource);
	struct xdg_surface *xdg;

	if (surface_has_content(surface) || surface->pending.buffer) {
		wl_resource_post_error(resource, XDG_WM_BASE_ERROR_INVALID_SURFACE_STATE,
				       "the surface has a buffer already");
		return;
	}
	xdg = calloc(1, sizeof(*xdg));
	if (xdg)
		xdg->resource = wl_resource_create(client, &xdg_surface_interface,
						   wl_resource_get_version(resource), id);
	if (!xdg || !xdg->resource) {
		free(xdg);
		wl_client_post_no_memory(client);
		return;
	}
	xdg->compositor = surface->compositor;
	wl_list_init(&xdg->popups);
	wl_resource_set_implementation(xdg->resource, &xdg_surface_impl, xdg, destroy_xdg_surface);
	if (surface_set_role(surface, &xdg_role, xdg, resource, XDG_WM_BASE_ERROR_ROLE))
		xdg->surface = surface;
}

static void handle_pong(struct wl_client *client, struct wl_resource *resource, uint32_t serial)
{
	(void)client;
	(void)resource;
	(void)serial;
}

static const struct xdg_wm_base_interface wm_base_impl = {
	.destroy = resource_destroy_request,
	.create_positioner = handle_create_positioner,
	.get_xdg_surface = handle_get_xdg_surface,
	.pong = handle_pong,
};

static void bind_wm_base(struct wl_client *client, void *data, uint32_t version, uint32_t id)
{
	compositor_bind(data, client, &xdg_wm_base_interface, &wm_base_impl, version, id);
}

int xdg_shell_init(struct compositor *compositor)
{
	return compositor_add_global(compositor, &xdg_wm_base_interface, XDG_VERSION, bind_wm_base);
}
