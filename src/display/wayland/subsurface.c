/* SPDX-License-Identifier: GPL-3.0-or-later */
/* wl_subcompositor and wl_subsurface (wayland.xml). */
#include <stdlib.h>

#include "base/attr.h"
#include "display/wayland/client.h"
#include "display/wayland/surface.h"

#define SUBCOMPOSITOR_VERSION 1

static void surface_gone(struct surface *surface)
{
	struct subsurface *child = surface->role_object;

	if (child)
		child->surface = NULL;
}

static const struct surface_role subsurface_role = {
	.name = "wl_subsurface",
	.surface_gone = surface_gone,
};

bool subsurface_is_synchronized(const struct surface *surface)
{
	const struct subsurface *child = surface->subsurface;

	for (; child && child->parent; child = child->parent->subsurface)
		if (child->sync)
			return true;
	return false;
}

static void apply_order(struct wl_list *current, struct wl_list *pending)
{
	struct subsurface *child;

	wl_list_for_each (child, pending, pending_link) {
		wl_list_remove(&child->link);
		wl_list_insert(current->prev, &child->link);
	}
}

static void apply_children(struct wl_list *children)
{
	struct subsurface *child, *next;

	wl_list_for_each_safe (child, next, children, link) {
		struct surface *surface = child->surface;

		if (child->x != child->pending_x || child->y != child->pending_y) {
			child->x = child->pending_x;
			child->y = child->pending_y;
			if (surface)
				compositor_settle_later(surface->compositor);
		}
		if (surface && surface->has_cached && subsurface_is_synchronized(surface)) {
			surface->has_cached = false;
			surface_apply(surface, &surface->cached);
		}
	}
}

void subsurface_parent_applied(struct surface *parent)
{
	if (parent->order_changed) {
		apply_order(&parent->below, &parent->pending_below);
		apply_order(&parent->above, &parent->pending_above);
		parent->order_changed = false;
	}
	apply_children(&parent->below);
	apply_children(&parent->above);
}

/* Out of its parent's lists. */
static void unlink_child(struct subsurface *child)
{
	wl_list_remove(&child->link);
	wl_list_init(&child->link);
	wl_list_remove(&child->pending_link);
	wl_list_init(&child->pending_link);
	child->parent = NULL;
}

static void orphan_all(struct wl_list *pending)
{
	struct subsurface *child, *next;

	wl_list_for_each_safe (child, next, pending, pending_link)
		unlink_child(child);
}

void subsurface_surface_gone(struct surface *surface)
{
	orphan_all(&surface->pending_below);
	orphan_all(&surface->pending_above);
	if (surface->subsurface)
		unlink_child(surface->subsurface);
	surface->subsurface = NULL;
}

/* ---- wl_subsurface ------------------------------------------------------------------------- */

static void handle_set_position(struct wl_client *client, struct wl_resource *resource, int32_t x,
				int32_t y)
{
	struct subsurface *child = wl_resource_get_user_data(resource);

	(void)client;
	child->pending_x = CLAMP(x, -COORD_MAX, COORD_MAX);
	child->pending_y = CLAMP(y, -COORD_MAX, COORD_MAX);
}

/* The sibling that `other` is, NULL after an error. The parent itself counts: *ret_parent. */
static struct subsurface *find_sibling(struct subsurface *child, struct wl_resource *other,
				       bool *ret_parent)
{
	struct surface *surface = surface_from_resource(other);

	*ret_parent = surface == child->parent;
	if (*ret_parent)
		return NULL;
	if (surface->subsurface && surface->subsurface != child &&
	    surface->subsurface->parent == child->parent)
		return surface->subsurface;
	wl_resource_post_error(child->resource, WL_SUBSURFACE_ERROR_BAD_SURFACE,
			       "neither a sibling nor the parent");
	return NULL;
}

static void place(struct subsurface *child, struct wl_resource *other, bool above)
{
	struct surface *parent = child->parent;
	struct subsurface *sibling;
	struct wl_list *position;
	bool is_parent;

	if (!parent || !child->surface)
		return;
	sibling = find_sibling(child, other, &is_parent);
	if (is_parent) {
		child->pending_is_above = above;
		position = above ? &parent->pending_above : parent->pending_below.prev;
	} else if (sibling) {
		child->pending_is_above = sibling->pending_is_above;
		position = above ? &sibling->pending_link : sibling->pending_link.prev;
	} else {
		return;
	}
	if (position == &child->pending_link)
		return;
	wl_list_remove(&child->pending_link);
	wl_list_insert(position, &child->pending_link);
	parent->order_changed = true;
}

static void handle_place_above(struct wl_client *client, struct wl_resource *resource,
			       struct wl_resource *sibling)
{
	(void)client;
	place(wl_resource_get_user_data(resource), sibling, true);
}

static void handle_place_below(struct wl_client *client, struct wl_resource *resource,
			       struct wl_resource *sibling)
{
	(void)client;
	place(wl_resource_get_user_data(resource), sibling, false);
}

static void handle_set_sync(struct wl_client *client, struct wl_resource *resource)
{
	struct subsurface *child = wl_resource_get_user_data(resource);

	(void)client;
	child->sync = true;
}

static void handle_set_desync(struct wl_client *client, struct wl_resource *resource)
{
	struct subsurface *child = wl_resource_get_user_data(resource);
	struct surface *surface = child->surface;

	(void)client;
	child->sync = false;
	if (surface && surface->has_cached && !subsurface_is_synchronized(surface)) {
		surface->has_cached = false;
		surface_apply(surface, &surface->cached);
	}
}

static const struct wl_subsurface_interface subsurface_impl = {
	.destroy = resource_destroy_request,
	.set_position = handle_set_position,
	.place_above = handle_place_above,
	.place_below = handle_place_below,
	.set_sync = handle_set_sync,
	.set_desync = handle_set_desync,
};

static void destroy_subsurface(struct wl_resource *resource)
{
	struct subsurface *child = wl_resource_get_user_data(resource);

	unlink_child(child);
	if (child->surface) {
		child->surface->subsurface = NULL;
		child->surface->role_object = NULL;
		scene_changed(child->surface->compositor);
		compositor_settle_later(child->surface->compositor);
	}
	free(child);
}

/* ---- wl_subcompositor ---------------------------------------------------------------------- */

/* Levels of the tree below and with `surface`; bounded, as trees are only built through here. */
static int tree_height(const struct surface *surface)
{
	const struct wl_list *lists[] = {&surface->pending_below, &surface->pending_above};
	const struct subsurface *child;
	int height = 0;

	for (size_t i = 0; i < ARRAY_LEN(lists); i++)
		wl_list_for_each (child, lists[i], pending_link) {
			if (child->surface)
				height = MAX(height, tree_height(child->surface));
		}
	return height + 1;
}

static bool check_family(struct wl_resource *resource, const struct surface *surface,
			 const struct surface *parent)
{
	int depth = tree_height(surface);

	while (parent) {
		if (parent == surface) {
			wl_resource_post_error(resource, WL_SUBCOMPOSITOR_ERROR_BAD_SURFACE,
					       "a surface cannot be below itself");
			return false;
		}
		depth++;
		parent = parent->subsurface ? parent->subsurface->parent : NULL;
	}
	if (depth > SUBSURFACE_DEPTH_MAX) {
		wl_resource_post_no_memory(resource);
		return false;
	}
	return true;
}

static void handle_get_subsurface(struct wl_client *client, struct wl_resource *resource,
				  uint32_t id, struct wl_resource *surface_resource,
				  struct wl_resource *parent_resource)
{
	struct surface *surface = surface_from_resource(surface_resource);
	struct surface *parent = surface_from_resource(parent_resource);
	struct subsurface *child;

	if (!check_family(resource, surface, parent))
		return;
	child = calloc(1, sizeof(*child));
	if (child)
		child->resource = wl_resource_create(client, &wl_subsurface_interface,
						     wl_resource_get_version(resource), id);
	if (!child || !child->resource) {
		free(child);
		wl_client_post_no_memory(client);
		return;
	}
	wl_list_init(&child->link);
	wl_list_init(&child->pending_link);
	wl_resource_set_implementation(child->resource, &subsurface_impl, child,
				       destroy_subsurface);
	if (!surface_set_role(surface, &subsurface_role, child, resource,
			      WL_SUBCOMPOSITOR_ERROR_BAD_SURFACE))
		return;
	child->surface = surface;
	child->parent = parent;
	child->sync = true;
	child->pending_is_above = true;
	surface->subsurface = child;
	wl_list_insert(parent->pending_above.prev, &child->pending_link);
	parent->order_changed = true;
}

static const struct wl_subcompositor_interface subcompositor_impl = {
	.destroy = resource_destroy_request,
	.get_subsurface = handle_get_subsurface,
};

static void bind_subcompositor(struct wl_client *client, void *data, uint32_t version, uint32_t id)
{
	compositor_bind(data, client, &wl_subcompositor_interface, &subcompositor_impl, version,
			id);
}

int subsurface_init(struct compositor *compositor)
{
	return compositor_add_global(compositor, &wl_subcompositor_interface, SUBCOMPOSITOR_VERSION,
				     bind_subcompositor);
}
