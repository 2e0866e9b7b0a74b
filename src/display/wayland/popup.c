/* SPDX-License-Identifier: GPL-3.0-or-later */
/* xdg_popup and the xdg_positioner object: menus, lists, tooltips. */
#include <stdlib.h>

#include "base/attr.h"
#include "display/wayland/client.h"
#include "display/wayland/seat.h"
#include "display/wayland/xdg.h"

/* ---- place --------------------------------------------------------------------------------- */

/* The area that a popup must stay in, relative to its parent's window geometry. */
static void compute_box(struct popup *popup)
{
	struct compositor *compositor = popup->parent->compositor;
	struct box area = {0, 0, compositor->area_width, compositor->area_height};
	int x, y;

	xdg_surface_origin(popup->parent, &x, &y);
	area.x -= x;
	area.y -= y;
	popup->box = positioner_constrain(&popup->positioner, &area);
}

static void configure(struct popup *popup)
{
	xdg_popup_send_configure(popup->resource, popup->box.x, popup->box.y, popup->box.width,
				 popup->box.height);
	xdg_surface_finish_configure(popup->xdg);
}

/* ---- life ---------------------------------------------------------------------------------- */

static void release_grab(struct popup *popup)
{
	if (!popup->grabbing)
		return;
	popup->grabbing = false;
	wl_list_remove(&popup->grab_link);
	wl_list_init(&popup->grab_link);
}

static void dismiss(struct popup *popup)
{
	release_grab(popup);
	popup->dismissed = true;
	xdg_popup_send_popup_done(popup->resource);
	if (popup->xdg) {
		popup_dismiss_children(popup->xdg);
		/* Gone from the picture at once; the client's own unmapping follows. */
		popup->xdg->mapped = false;
		scene_changed(popup->xdg->compositor);
		compositor_settle_later(popup->xdg->compositor);
	}
}

void popup_dismiss_children(struct xdg_surface *xdg)
{
	struct popup *child, *next;

	wl_list_for_each_safe (child, next, &xdg->popups, parent_link) {
		wl_list_remove(&child->parent_link);
		wl_list_init(&child->parent_link);
		child->parent = NULL;
		dismiss(child);
	}
}

void popup_dismiss_all(struct compositor *compositor)
{
	struct popup *popup;

	while (!wl_list_empty(&compositor->grabs)) {
		popup = wl_container_of(compositor->grabs.next, popup, grab_link);
		dismiss(popup);
	}
}

void popup_unmap(struct popup *popup)
{
	release_grab(popup);
	popup->xdg->mapped = false;
}

void popup_commit(struct popup *popup)
{
	struct xdg_surface *xdg = popup->xdg;

	if (!popup->parent || popup->dismissed)
		return;
	if (!xdg->initialised) {
		xdg->initialised = true;
		compute_box(popup);
		configure(popup);
		return;
	}
	if (surface_has_content(xdg->surface)) {
		if (!xdg->mapped)
			xdg_surface_map(xdg);
	} else if (xdg->mapped) {
		popup_unmap(popup);
		xdg_surface_unmap(xdg);
	}
}

/* ---- requests ------------------------------------------------------------------------------ */

static void handle_grab(struct wl_client *client, struct wl_resource *resource,
			struct wl_resource *seat, uint32_t serial)
{
	struct popup *popup = wl_resource_get_user_data(resource);

	(void)client;
	(void)seat;
	(void)serial;
	if (!popup->xdg || popup->grabbing)
		return;
	if (popup->xdg->mapped) {
		wl_resource_post_error(resource, XDG_POPUP_ERROR_INVALID_GRAB,
				       "a grab is asked for before the popup is mapped");
		return;
	}
	if (!popup->parent) {
		xdg_popup_send_popup_done(resource);
		return;
	}
	popup->grabbing = true;
	wl_list_insert(&popup->xdg->compositor->grabs, &popup->grab_link);
}

static void handle_reposition(struct wl_client *client, struct wl_resource *resource,
			      struct wl_resource *positioner, uint32_t token)
{
	struct popup *popup = wl_resource_get_user_data(resource);
	const struct positioner *wanted = positioner_get(positioner);

	(void)client;
	if (!positioner_is_complete(wanted)) {
		wl_resource_post_error(resource, XDG_WM_BASE_ERROR_INVALID_POSITIONER,
				       "the positioner has no size or anchor");
		return;
	}
	if (!popup->xdg || !popup->parent)
		return;
	popup->positioner = *wanted;
	compute_box(popup);
	xdg_popup_send_repositioned(resource, token);
	if (popup->xdg->initialised)
		configure(popup);
	scene_changed(popup->xdg->compositor);
	compositor_settle_later(popup->xdg->compositor);
}

static const struct xdg_popup_interface popup_impl = {
	.destroy = resource_destroy_request,
	.grab = handle_grab,
	.reposition = handle_reposition,
};

static void destroy_popup(struct wl_resource *resource)
{
	struct popup *popup = wl_resource_get_user_data(resource);

	release_grab(popup);
	wl_list_remove(&popup->parent_link);
	if (popup->xdg) {
		xdg_surface_unmap(popup->xdg);
		popup->xdg->popup = NULL;
	}
	client_give(wl_resource_get_client(resource), CLIENT_POPUP);
	free(popup);
}

/* Only a window or popup that exists can be a parent, so chains have no loops. */
static bool check_parent(struct xdg_surface *xdg, struct wl_resource *resource,
			 struct xdg_surface **ret_parent)
{
	struct xdg_surface *parent = resource ? wl_resource_get_user_data(resource) : NULL;

	if (!parent || parent == xdg || (!parent->toplevel && !parent->popup)) {
		wl_resource_post_error(xdg->resource, XDG_WM_BASE_ERROR_INVALID_POPUP_PARENT,
				       "a popup needs a window or popup as its parent");
		return false;
	}
	*ret_parent = parent;
	return true;
}

void popup_create(struct xdg_surface *xdg, struct wl_client *client, uint32_t id,
		  struct wl_resource *parent_resource, struct wl_resource *positioner_resource)
{
	const struct positioner *positioner = positioner_get(positioner_resource);
	struct xdg_surface *parent;
	struct popup *popup;

	if (!check_parent(xdg, parent_resource, &parent))
		return;
	if (!positioner_is_complete(positioner)) {
		wl_resource_post_error(xdg->resource, XDG_WM_BASE_ERROR_INVALID_POSITIONER,
				       "the positioner has no size or anchor");
		return;
	}
	if (!client_take(client, CLIENT_POPUP))
		return;
	popup = calloc(1, sizeof(*popup));
	if (popup)
		popup->resource = wl_resource_create(client, &xdg_popup_interface,
						     wl_resource_get_version(xdg->resource), id);
	if (!popup || !popup->resource) {
		free(popup);
		client_give(client, CLIENT_POPUP);
		wl_client_post_no_memory(client);
		return;
	}
	popup->xdg = xdg;
	popup->parent = parent;
	popup->positioner = *positioner;
	wl_list_init(&popup->grab_link);
	wl_list_insert(parent->popups.prev, &popup->parent_link);
	xdg->popup = popup;
	wl_resource_set_implementation(popup->resource, &popup_impl, popup, destroy_popup);
}

/* ---- xdg_positioner ------------------------------------------------------------------------ */

const struct positioner *positioner_get(struct wl_resource *resource)
{
	return wl_resource_get_user_data(resource);
}

static void refuse_value(struct wl_resource *resource)
{
	wl_resource_post_error(resource, XDG_POSITIONER_ERROR_INVALID_INPUT,
			       "a value that a positioner cannot have");
}

static void handle_set_size(struct wl_client *client, struct wl_resource *resource, int32_t width,
			    int32_t height)
{
	struct positioner *positioner = wl_resource_get_user_data(resource);

	(void)client;
	if (width < 1 || height < 1) {
		refuse_value(resource);
		return;
	}
	positioner->width = MIN(width, COORD_MAX);
	positioner->height = MIN(height, COORD_MAX);
}

static void handle_set_anchor_rect(struct wl_client *client, struct wl_resource *resource,
				   int32_t x, int32_t y, int32_t width, int32_t height)
{
	struct positioner *positioner = wl_resource_get_user_data(resource);

	(void)client;
	if (width < 0 || height < 0) {
		refuse_value(resource);
		return;
	}
	positioner->anchor_rect = (struct box){
		CLAMP(x, -COORD_MAX, COORD_MAX),
		CLAMP(y, -COORD_MAX, COORD_MAX),
		MIN(width, COORD_MAX),
		MIN(height, COORD_MAX),
	};
	positioner->has_anchor_rect = true;
}

static void handle_set_anchor(struct wl_client *client, struct wl_resource *resource,
			      uint32_t anchor)
{
	struct positioner *positioner = wl_resource_get_user_data(resource);

	(void)client;
	if (anchor > XDG_POSITIONER_ANCHOR_BOTTOM_RIGHT)
		refuse_value(resource);
	else
		positioner->anchor = anchor;
}

static void handle_set_gravity(struct wl_client *client, struct wl_resource *resource,
			       uint32_t gravity)
{
	struct positioner *positioner = wl_resource_get_user_data(resource);

	(void)client;
	if (gravity > XDG_POSITIONER_GRAVITY_BOTTOM_RIGHT)
		refuse_value(resource);
	else
		positioner->gravity = gravity;
}

static void handle_set_adjustment(struct wl_client *client, struct wl_resource *resource,
				  uint32_t adjustment)
{
	struct positioner *positioner = wl_resource_get_user_data(resource);

	(void)client;
	positioner->adjustment = adjustment;
}

static void handle_set_offset(struct wl_client *client, struct wl_resource *resource, int32_t x,
			      int32_t y)
{
	struct positioner *positioner = wl_resource_get_user_data(resource);

	(void)client;
	positioner->offset_x = CLAMP(x, -COORD_MAX, COORD_MAX);
	positioner->offset_y = CLAMP(y, -COORD_MAX, COORD_MAX);
}

static void handle_set_reactive(struct wl_client *client, struct wl_resource *resource)
{
	struct positioner *positioner = wl_resource_get_user_data(resource);

	(void)client;
	positioner->reactive = true;
}

/* Where the parent is going to be: windows here do not move under their popups. */
static void handle_set_parent_size(struct wl_client *client, struct wl_resource *resource,
				   int32_t width, int32_t height)
{
	(void)client;
	(void)resource;
	(void)width;
	(void)height;
}

static void handle_set_parent_configure(struct wl_client *client, struct wl_resource *resource,
					uint32_t serial)
{
	(void)client;
	(void)resource;
	(void)serial;
}

static const struct xdg_positioner_interface positioner_impl = {
	.destroy = resource_destroy_request,
	.set_size = handle_set_size,
	.set_anchor_rect = handle_set_anchor_rect,
	.set_anchor = handle_set_anchor,
	.set_gravity = handle_set_gravity,
	.set_constraint_adjustment = handle_set_adjustment,
	.set_offset = handle_set_offset,
	.set_reactive = handle_set_reactive,
	.set_parent_size = handle_set_parent_size,
	.set_parent_configure = handle_set_parent_configure,
};

static void destroy_positioner(struct wl_resource *resource)
{
	free(wl_resource_get_user_data(resource));
}

void positioner_create(struct wl_client *client, uint32_t version, uint32_t id)
{
	struct positioner *positioner = calloc(1, sizeof(*positioner));
	struct wl_resource *resource = wl_resource_create(client, &xdg_positioner_interface,
							  (int)version, id);

	if (!positioner || !resource) {
		free(positioner);
		wl_client_post_no_memory(client);
		return;
	}
	wl_resource_set_implementation(resource, &positioner_impl, positioner, destroy_positioner);
}
