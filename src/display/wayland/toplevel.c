/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Windows. One without a parent fills the area; the newest is on top and active. A dialog (it has a
 * parent, or a fixed size below the area) keeps its own size, centred above its parent.
 */
#include <stdlib.h>
#include <string.h>

#include "base/attr.h"
#include "base/str.h"
#include "display/wayland/client.h"
#include "display/wayland/seat.h"
#include "display/wayland/xdg.h"

#define CAPABILITIES_VERSION XDG_TOPLEVEL_WM_CAPABILITIES_SINCE_VERSION
#define BOUNDS_VERSION XDG_TOPLEVEL_CONFIGURE_BOUNDS_SINCE_VERSION

/* ---- configure ----------------------------------------------------------------------------- */

static bool fills(const struct toplevel *toplevel)
{
	return toplevel->filling || toplevel->fullscreen || toplevel->wants_maximized;
}

static void add_state(struct wl_array *states, uint32_t state)
{
	uint32_t *slot = wl_array_add(states, sizeof(*slot));

	if (slot)
		*slot = state;
}

static void send_surroundings(struct toplevel *toplevel)
{
	struct compositor *compositor = toplevel->xdg->compositor;
	int version = wl_resource_get_version(toplevel->resource);

	if (version >= CAPABILITIES_VERSION) {
		/* No minimising and no restoring: browsers leave those buttons out. */
		uint32_t capability = XDG_TOPLEVEL_WM_CAPABILITIES_FULLSCREEN;
		struct wl_array list = {sizeof(capability), 0, &capability};

		xdg_toplevel_send_wm_capabilities(toplevel->resource, &list);
	}
	if (version >= BOUNDS_VERSION)
		xdg_toplevel_send_configure_bounds(toplevel->resource, compositor->area_width,
						   compositor->area_height);
}

void toplevel_configure(struct toplevel *toplevel)
{
	struct compositor *compositor = toplevel->xdg->compositor;
	struct box geometry = xdg_surface_geometry(toplevel->xdg);
	int width = 0, height = 0; /* the client's choice */
	struct wl_array states;

	wl_array_init(&states);
	if (fills(toplevel)) {
		width = compositor->area_width;
		height = compositor->area_height;
		add_state(&states, XDG_TOPLEVEL_STATE_MAXIMIZED);
	} else if (geometry.width > compositor->area_width ||
		   geometry.height > compositor->area_height) {
		width = MIN(geometry.width, compositor->area_width);
		height = MIN(geometry.height, compositor->area_height);
	}
	if (toplevel->fullscreen)
		add_state(&states, XDG_TOPLEVEL_STATE_FULLSCREEN);
	if (compositor->active == toplevel)
		add_state(&states, XDG_TOPLEVEL_STATE_ACTIVATED);
	xdg_toplevel_send_configure(toplevel->resource, width, height, &states);
	wl_array_release(&states);
	xdg_surface_finish_configure(toplevel->xdg);
}

static void configure_if_shown(struct toplevel *toplevel)
{
	if (toplevel->xdg && toplevel->xdg->initialised)
		toplevel_configure(toplevel);
}

/* A window whose size is fixed below the area's is a dialog, parent or not. */
static bool is_dialog(const struct toplevel *toplevel)
{
	const struct compositor *compositor = toplevel->xdg->compositor;

	if (toplevel->parent)
		return true;
	return toplevel->max_width > 0 && toplevel->max_height > 0 &&
	       toplevel->max_width < compositor->area_width &&
	       toplevel->max_height < compositor->area_height;
}

/* ---- place --------------------------------------------------------------------------------- */

static void place(struct toplevel *toplevel)
{
	struct compositor *compositor = toplevel->xdg->compositor;
	struct box geometry = xdg_surface_geometry(toplevel->xdg);
	int x = 0, y = 0;

	if (!fills(toplevel)) {
		x = MAX(0, (compositor->area_width - geometry.width) / 2);
		y = MAX(0, (compositor->area_height - geometry.height) / 2);
		if (toplevel->moved) {
			x = CLAMP(toplevel->x, MIN(0, 64 - geometry.width),
				  MAX(0, compositor->area_width - 64));
			y = CLAMP(toplevel->y, 0, MAX(0, compositor->area_height - 32));
		}
	}
	toplevel->last_width = geometry.width;
	toplevel->last_height = geometry.height;
	if (x == toplevel->x && y == toplevel->y)
		return;
	toplevel->x = x;
	toplevel->y = y;
	scene_changed(compositor);
	compositor_settle_later(compositor);
}

void toplevel_drag_to(struct toplevel *toplevel, int x, int y)
{
	if (fills(toplevel) || !toplevel->xdg->mapped)
		return;
	toplevel->moved = true;
	toplevel->x = x;
	toplevel->y = y;
	place(toplevel);
	scene_changed(toplevel->xdg->compositor);
}

void toplevel_relayout(struct compositor *compositor)
{
	struct toplevel *toplevel;

	wl_list_for_each (toplevel, &compositor->stack, stack_link) {
		if (wl_resource_get_version(toplevel->resource) >= BOUNDS_VERSION)
			xdg_toplevel_send_configure_bounds(toplevel->resource,
							   compositor->area_width,
							   compositor->area_height);
		place(toplevel);
		toplevel_configure(toplevel);
	}
}

/* ---- stack and activation ------------------------------------------------------------------ */

void toplevel_tell_title(struct compositor *compositor)
{
	struct toplevel *active = compositor->active;

	if (compositor->impl->title_changed)
		compositor->impl->title_changed(compositor->data,
						active && active->title ? active->title : "");
}

void toplevel_activate_top(struct compositor *compositor)
{
	struct toplevel *old = compositor->active, *top = NULL;

	if (!wl_list_empty(&compositor->stack))
		top = wl_container_of(compositor->stack.prev, top, stack_link);
	if (top == old)
		return;
	compositor->active = top;
	if (old)
		configure_if_shown(old);
	if (top)
		configure_if_shown(top);
	toplevel_tell_title(compositor);
	compositor_settle_later(compositor);
}

static bool is_ancestor(const struct toplevel *maybe, const struct toplevel *of)
{
	for (; of; of = of->parent)
		if (of == maybe)
			return true;
	return false;
}

/* The window and its dialogs, and theirs, in the order they had: parents are below children. */
static void raise_tree(struct toplevel *toplevel)
{
	struct wl_list *stack = &toplevel->xdg->compositor->stack, family;
	struct toplevel *member, *next;

	wl_list_init(&family);
	wl_list_for_each_safe (member, next, stack, stack_link) {
		if (!is_ancestor(toplevel, member))
			continue;
		wl_list_remove(&member->stack_link);
		wl_list_insert(family.prev, &member->stack_link);
	}
	wl_list_insert_list(stack->prev, &family);
}

void toplevel_raise(struct toplevel *toplevel)
{
	struct toplevel *root = toplevel;

	if (!toplevel->xdg || !toplevel->xdg->mapped)
		return;
	while (root->parent && root->parent->xdg && root->parent->xdg->mapped)
		root = root->parent;
	raise_tree(root);
	if (root != toplevel)
		raise_tree(toplevel);
	scene_changed(toplevel->xdg->compositor);
	toplevel_activate_top(toplevel->xdg->compositor);
}

void toplevel_cycle(struct compositor *compositor)
{
	struct toplevel *toplevel;

	wl_list_for_each (toplevel, &compositor->stack, stack_link) {
		if (toplevel->parent || toplevel == compositor->active)
			continue;
		toplevel_raise(toplevel);
		return;
	}
}

void toplevel_close_active(struct compositor *compositor)
{
	if (compositor->active)
		xdg_toplevel_send_close(compositor->active->resource);
}

static void tell_count(struct compositor *compositor)
{
	if (compositor->impl->toplevel_count_changed)
		compositor->impl->toplevel_count_changed(compositor->data,
							 compositor_toplevel_count(compositor));
}

/* ---- map, unmap, commit -------------------------------------------------------------------- */

/* Children of a window that goes are its parent's from then on (xdg_toplevel.set_parent). */
static void hand_over_children(struct toplevel *toplevel)
{
	struct surface *surface;

	wl_list_for_each (surface, &toplevel->xdg->compositor->surfaces, link) {
		struct xdg_surface *xdg = xdg_surface_from_surface(surface);

		if (xdg && xdg->toplevel && xdg->toplevel->parent == toplevel)
			xdg->toplevel->parent = toplevel->parent;
	}
}

void toplevel_unmap(struct toplevel *toplevel)
{
	struct compositor *compositor = toplevel->xdg->compositor;

	hand_over_children(toplevel);
	if (!toplevel->xdg->mapped)
		return;
	pointer_forget_window(compositor->seat, toplevel);
	wl_list_remove(&toplevel->stack_link);
	wl_list_init(&toplevel->stack_link);
	toplevel->xdg->mapped = false;
	if (compositor->active == toplevel) {
		compositor->active = NULL;
		toplevel_activate_top(compositor);
		if (!compositor->active)
			toplevel_tell_title(compositor);
	}
	tell_count(compositor);
}

static void map(struct toplevel *toplevel)
{
	struct compositor *compositor = toplevel->xdg->compositor;

	xdg_surface_map(toplevel->xdg);
	place(toplevel);
	wl_list_insert(compositor->stack.prev, &toplevel->stack_link);
	toplevel_raise(toplevel);
	tell_count(compositor);
}

void toplevel_commit(struct toplevel *toplevel)
{
	struct xdg_surface *xdg = toplevel->xdg;
	struct box geometry;

	toplevel->min_width = toplevel->pending_min_width;
	toplevel->min_height = toplevel->pending_min_height;
	toplevel->max_width = toplevel->pending_max_width;
	toplevel->max_height = toplevel->pending_max_height;
	if (!xdg->initialised) {
		xdg->initialised = true;
		toplevel->filling = !is_dialog(toplevel);
		send_surroundings(toplevel);
		toplevel_configure(toplevel);
		return;
	}
	if (!surface_has_content(xdg->surface)) {
		if (xdg->mapped) {
			toplevel_unmap(toplevel);
			xdg_surface_unmap(xdg);
		}
		return;
	}
	geometry = xdg_surface_geometry(xdg);
	if (!xdg->mapped)
		map(toplevel);
	else if (geometry.width != toplevel->last_width || geometry.height != toplevel->last_height)
		place(toplevel);
}

/* ---- requests ------------------------------------------------------------------------------ */

void toplevel_set_parent(struct toplevel *toplevel, struct toplevel *parent)
{
	if (parent && is_ancestor(toplevel, parent))
		return;
	toplevel->parent = parent;
	if (!toplevel->xdg || !toplevel->xdg->initialised)
		return;
	if (toplevel->filling == is_dialog(toplevel)) {
		toplevel->filling = !is_dialog(toplevel);
		toplevel_configure(toplevel);
		place(toplevel);
	}
	if (parent && toplevel->xdg->mapped)
		toplevel_raise(toplevel);
}

static void handle_set_parent(struct wl_client *client, struct wl_resource *resource,
			      struct wl_resource *parent_resource)
{
	struct toplevel *parent = parent_resource ? wl_resource_get_user_data(parent_resource)
						  : NULL;

	(void)client;
	/* An unmapped parent is none (xdg_toplevel.set_parent). */
	if (parent && (!parent->xdg || !parent->xdg->mapped))
		parent = NULL;
	toplevel_set_parent(wl_resource_get_user_data(resource), parent);
}

static void handle_set_title(struct wl_client *client, struct wl_resource *resource,
			     const char *title)
{
	struct toplevel *toplevel = wl_resource_get_user_data(resource);
	char clean[TITLE_MAX + 1];

	(void)client;
	str_sanitize(clean, sizeof(clean), title, strlen(title));
	free(toplevel->title);
	toplevel->title = strdup(clean);
	if (toplevel->xdg && toplevel->xdg->compositor->active == toplevel)
		toplevel_tell_title(toplevel->xdg->compositor);
}

static void handle_set_app_id(struct wl_client *client, struct wl_resource *resource,
			      const char *app_id)
{
	(void)client;
	(void)resource;
	(void)app_id;
}

static void handle_show_window_menu(struct wl_client *client, struct wl_resource *resource,
				    struct wl_resource *seat, uint32_t serial, int32_t x, int32_t y)
{
	(void)client;
	(void)resource;
	(void)seat;
	(void)serial;
	(void)x;
	(void)y;
}

static void handle_move(struct wl_client *client, struct wl_resource *resource,
			struct wl_resource *seat, uint32_t serial)
{
	struct toplevel *toplevel = wl_resource_get_user_data(resource);

	(void)client;
	(void)seat;
	if (toplevel->xdg && toplevel->xdg->mapped && !fills(toplevel))
		pointer_start_move(toplevel->xdg->compositor->seat, toplevel, serial);
}

/* Windows fill the screen and dialogs choose their size: nothing to resize by hand. */
static void handle_resize(struct wl_client *client, struct wl_resource *resource,
			  struct wl_resource *seat, uint32_t serial, uint32_t edges)
{
	(void)client;
	(void)seat;
	(void)serial;
	if (edges > XDG_TOPLEVEL_RESIZE_EDGE_BOTTOM_RIGHT)
		wl_resource_post_error(resource, XDG_TOPLEVEL_ERROR_INVALID_RESIZE_EDGE,
				       "edge %u is none", edges);
}

static bool check_limits(struct wl_resource *resource, int32_t width, int32_t height)
{
	if (width >= 0 && height >= 0)
		return true;
	wl_resource_post_error(resource, XDG_TOPLEVEL_ERROR_INVALID_SIZE, "a limit of %d by %d",
			       width, height);
	return false;
}

static void handle_set_max_size(struct wl_client *client, struct wl_resource *resource,
				int32_t width, int32_t height)
{
	struct toplevel *toplevel = wl_resource_get_user_data(resource);

	(void)client;
	if (!check_limits(resource, width, height))
		return;
	toplevel->pending_max_width = width;
	toplevel->pending_max_height = height;
}

static void handle_set_min_size(struct wl_client *client, struct wl_resource *resource,
				int32_t width, int32_t height)
{
	struct toplevel *toplevel = wl_resource_get_user_data(resource);

	(void)client;
	if (!check_limits(resource, width, height))
		return;
	toplevel->pending_min_width = width;
	toplevel->pending_min_height = height;
}

/* Each of these wants a configure as its answer, changed or not. */
static void answer_state(struct toplevel *toplevel)
{
	configure_if_shown(toplevel);
	if (toplevel->xdg && toplevel->xdg->mapped)
		place(toplevel);
}

static void handle_set_maximized(struct wl_client *client, struct wl_resource *resource)
{
	struct toplevel *toplevel = wl_resource_get_user_data(resource);

	(void)client;
	toplevel->wants_maximized = true;
	answer_state(toplevel);
}

static void handle_unset_maximized(struct wl_client *client, struct wl_resource *resource)
{
	struct toplevel *toplevel = wl_resource_get_user_data(resource);

	(void)client;
	toplevel->wants_maximized = false;
	answer_state(toplevel);
}

static void handle_set_fullscreen(struct wl_client *client, struct wl_resource *resource,
				  struct wl_resource *output)
{
	struct toplevel *toplevel = wl_resource_get_user_data(resource);

	(void)client;
	(void)output;
	toplevel->fullscreen = true;
	answer_state(toplevel);
}

static void handle_unset_fullscreen(struct wl_client *client, struct wl_resource *resource)
{
	struct toplevel *toplevel = wl_resource_get_user_data(resource);

	(void)client;
	toplevel->fullscreen = false;
	answer_state(toplevel);
}

/* A minimised window could not be had back; the protocol lets us ignore the wish. */
static void handle_set_minimized(struct wl_client *client, struct wl_resource *resource)
{
	(void)client;
	(void)resource;
}

static const struct xdg_toplevel_interface toplevel_impl = {
	.destroy = resource_destroy_request,
	.set_parent = handle_set_parent,
	.set_title = handle_set_title,
	.set_app_id = handle_set_app_id,
	.show_window_menu = handle_show_window_menu,
	.move = handle_move,
	.resize = handle_resize,
	.set_max_size = handle_set_max_size,
	.set_min_size = handle_set_min_size,
	.set_maximized = handle_set_maximized,
	.unset_maximized = handle_unset_maximized,
	.set_fullscreen = handle_set_fullscreen,
	.unset_fullscreen = handle_unset_fullscreen,
	.set_minimized = handle_set_minimized,
};

static void destroy_toplevel(struct wl_resource *resource)
{
	struct toplevel *toplevel = wl_resource_get_user_data(resource);

	if (toplevel->xdg) {
		toplevel_unmap(toplevel);
		xdg_surface_unmap(toplevel->xdg);
		toplevel->xdg->toplevel = NULL;
	}
	if (toplevel->decoration)
		wl_resource_set_user_data(toplevel->decoration, NULL);
	client_give(wl_resource_get_client(resource), CLIENT_TOPLEVEL);
	free(toplevel->title);
	free(toplevel);
}

void toplevel_create(struct xdg_surface *xdg, struct wl_client *client, uint32_t id)
{
	struct toplevel *toplevel;

	if (!client_take(client, CLIENT_TOPLEVEL))
		return;
	toplevel = calloc(1, sizeof(*toplevel));
	if (toplevel)
		toplevel->resource = wl_resource_create(client, &xdg_toplevel_interface,
							wl_resource_get_version(xdg->resource), id);
	if (!toplevel || !toplevel->resource) {
		free(toplevel);
		client_give(client, CLIENT_TOPLEVEL);
		wl_client_post_no_memory(client);
		return;
	}
	toplevel->xdg = xdg;
	wl_list_init(&toplevel->stack_link);
	xdg->toplevel = toplevel;
	wl_resource_set_implementation(toplevel->resource, &toplevel_impl, toplevel,
				       destroy_toplevel);
}
