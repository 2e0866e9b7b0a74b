/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "base/attr.h"
#include "display/wayland/client.h"
#include "display/wayland/region.h"
#include "display/wayland/surface.h"
#include "viewporter-server-protocol.h"

#define COMPOSITOR_VERSION 5

void resource_destroy_request(struct wl_client *client, struct wl_resource *resource)
{
	(void)client;
	wl_resource_destroy(resource);
}

/* ---- state --------------------------------------------------------------------------------- */

static void handle_buffer_destroy(struct wl_listener *listener, void *data)
{
	struct surface_state *state = wl_container_of(listener, state, buffer_destroy);

	(void)data;
	surface_state_set_buffer(state, NULL);
	state->buffer_lost = true;
}

void surface_state_init(struct surface_state *state)
{
	*state = (struct surface_state){.scale = 1};
	state->buffer_destroy.notify = handle_buffer_destroy;
	wl_list_init(&state->buffer_destroy.link);
	pixman_region32_init(&state->damage);
	pixman_region32_init(&state->buffer_damage);
	pixman_region32_init(&state->opaque);
	pixman_region32_init(&state->input);
	wl_list_init(&state->callbacks);
	wl_list_init(&state->feedbacks);
}

static void destroy_resources(struct wl_list *list)
{
	struct wl_resource *resource, *next;

	wl_resource_for_each_safe(resource, next, list) wl_resource_destroy(resource);
}

void surface_state_finish(struct surface_state *state)
{
	surface_state_set_buffer(state, NULL);
	destroy_resources(&state->callbacks);
	destroy_resources(&state->feedbacks);
	pixman_region32_fini(&state->damage);
	pixman_region32_fini(&state->buffer_damage);
	pixman_region32_fini(&state->opaque);
	pixman_region32_fini(&state->input);
}

void surface_state_set_buffer(struct surface_state *state, struct wl_resource *buffer)
{
	wl_list_remove(&state->buffer_destroy.link);
	wl_list_init(&state->buffer_destroy.link);
	state->buffer = buffer;
	state->buffer_lost = false;
	if (buffer)
		wl_resource_add_destroy_listener(buffer, &state->buffer_destroy);
}

static void merge_buffer(struct surface_state *to, struct surface_state *from)
{
	/* A cached buffer that is never shown goes back to its client. */
	if (to->buffer && to->buffer != from->buffer)
		wl_buffer_send_release(to->buffer);
	surface_state_set_buffer(to, from->buffer);
	to->buffer_lost = from->buffer_lost;
	surface_state_set_buffer(from, NULL);
}

static void merge_viewport(struct surface_state *to, const struct surface_state *from)
{
	to->has_source = from->has_source;
	to->source_x = from->source_x;
	to->source_y = from->source_y;
	to->source_width = from->source_width;
	to->source_height = from->source_height;
	to->destination_width = from->destination_width;
	to->destination_height = from->destination_height;
}

static void merge_damage(pixman_region32_t *to, pixman_region32_t *from)
{
	pixman_region32_union(to, to, from);
	region_bound(to, DAMAGE_RECTS_MAX);
	pixman_region32_clear(from);
}

void surface_state_merge(struct surface_state *to, struct surface_state *from)
{
	unsigned int set = from->set;

	if (set & SET_BUFFER)
		merge_buffer(to, from);
	if (set & SET_OPAQUE)
		pixman_region32_copy(&to->opaque, &from->opaque);
	if (set & SET_INPUT) {
		pixman_region32_copy(&to->input, &from->input);
		to->has_input = from->has_input;
	}
	if (set & SET_SCALE)
		to->scale = from->scale;
	if (set & SET_TRANSFORM)
		to->transform = from->transform;
	if (set & SET_VIEWPORT)
		merge_viewport(to, from);
	to->dx = CLAMP(to->dx + from->dx, -COORD_MAX, COORD_MAX);
	to->dy = CLAMP(to->dy + from->dy, -COORD_MAX, COORD_MAX);
	from->dx = from->dy = 0;
	merge_damage(&to->damage, &from->damage);
	merge_damage(&to->buffer_damage, &from->buffer_damage);
	wl_list_insert_list(to->callbacks.prev, &from->callbacks);
	wl_list_init(&from->callbacks);
	wl_list_insert_list(to->feedbacks.prev, &from->feedbacks);
	wl_list_init(&from->feedbacks);
	to->set |= set;
	from->set = 0;
}

/* ---- content ------------------------------------------------------------------------------- */

void surface_drop_content(struct surface *surface)
{
	size_t bytes = (size_t)surface->buffer_width * (size_t)surface->buffer_height * 4;

	if (!surface->pixels)
		return;
	client_give_pixels(surface->compositor, wl_resource_get_client(surface->resource), bytes);
	free(surface->pixels);
	surface->pixels = NULL;
	surface->buffer_width = surface->buffer_height = 0;
	pixman_region32_clear(&surface->fresh);
}

/* Logical damage, through viewport and scale, to pixels of the upright buffer; outward. */
static void damage_to_buffer(const struct surface *surface, pixman_region32_t *logical,
			     pixman_region32_t *pixels)
{
	double fx = surface->width > 0 ? surface->crop_width / surface->width : 1;
	double fy = surface->height > 0 ? surface->crop_height / surface->height : 1;
	pixman_box32_t *boxes;
	int count;

	boxes = pixman_region32_rectangles(logical, &count);
	for (int i = 0; i < count; i++) {
		int x1 = (int)floor(surface->crop_x + boxes[i].x1 * fx);
		int y1 = (int)floor(surface->crop_y + boxes[i].y1 * fy);
		int x2 = (int)ceil(surface->crop_x + boxes[i].x2 * fx);
		int y2 = (int)ceil(surface->crop_y + boxes[i].y2 * fy);

		region_add_clamped(pixels, x1, y1, x2 - x1, y2 - y1);
	}
}

/* The part of the buffer that is shown, and the logical size (viewporter.xml, wp_viewport). */
static bool compute_size(struct surface *surface, int buffer_width, int buffer_height)
{
	const struct surface_state *state = &surface->current;
	double width = (double)buffer_width / state->scale;
	double height = (double)buffer_height / state->scale;
	double x = 0, y = 0;

	if (state->has_source) {
		x = wl_fixed_to_double(state->source_x);
		y = wl_fixed_to_double(state->source_y);
		if (x + wl_fixed_to_double(state->source_width) > width ||
		    y + wl_fixed_to_double(state->source_height) > height) {
			wl_resource_post_error(surface->viewport ? surface->viewport
								 : surface->resource,
					       WP_VIEWPORT_ERROR_OUT_OF_BUFFER,
					       "the viewport's source leaves the buffer");
			return false;
		}
		width = wl_fixed_to_double(state->source_width);
		height = wl_fixed_to_double(state->source_height);
	}
	surface->crop_x = x * state->scale;
	surface->crop_y = y * state->scale;
	surface->crop_width = width * state->scale;
	surface->crop_height = height * state->scale;
	if (state->destination_width > 0) {
		surface->width = state->destination_width;
		surface->height = state->destination_height;
	} else {
		surface->width = MAX((int)width, 1);
		surface->height = MAX((int)height, 1);
	}
	return true;
}

/* Takes the buffer of the current state; false if the client was sent an error. */
static bool take_buffer(struct surface *surface)
{
	struct surface_state *state = &surface->current;
	pixman_region32_t damage;
	int width, height, r;

	if (!state->buffer) {
		if (!state->buffer_lost)
			surface_drop_content(surface);
		return true;
	}
	r = shm_buffer_size(state->buffer, state->transform, &width, &height);
	if (r == 0 && !compute_size(surface, width, height))
		return false;
	pixman_region32_init(&damage);
	pixman_region32_copy(&damage, &state->buffer_damage);
	damage_to_buffer(surface, &state->damage, &damage);
	r = shm_buffer_copy(surface, state->buffer,
			    state->transform == WL_OUTPUT_TRANSFORM_NORMAL ? &damage : NULL);
	pixman_region32_fini(&damage);
	return r == 0;
}

static void update_content(struct surface *surface)
{
	struct surface_state *state = &surface->current;

	if ((state->set & SET_BUFFER) && !take_buffer(surface))
		surface_drop_content(surface);
	surface_state_set_buffer(state, NULL);
	if (!surface->pixels) {
		surface->width = surface->height = 0;
		return;
	}
	if ((state->set & (SET_VIEWPORT | SET_SCALE)) && !(state->set & SET_BUFFER))
		compute_size(surface, surface->buffer_width, surface->buffer_height);
}

void surface_apply(struct surface *surface, struct surface_state *from)
{
	struct surface_state *state = &surface->current;
	int old_width = surface->width, old_height = surface->height;
	unsigned int set;

	if (!wl_list_empty(&from->feedbacks))
		presentation_answer(surface, true);
	surface_state_merge(state, from);
	set = state->set;
	update_content(surface);
	subsurface_parent_applied(surface);
	if (surface->role && surface->role->commit)
		surface->role->commit(surface);
	state->set = 0;
	state->dx = state->dy = 0;
	pixman_region32_clear(&state->damage);
	pixman_region32_clear(&state->buffer_damage);
	if ((set & SET_INPUT) || surface->width != old_width || surface->height != old_height)
		compositor_settle_later(surface->compositor);
	scene_changed(surface->compositor);
	pace_answer(surface);
}

/* ---- requests ------------------------------------------------------------------------------ */

struct surface *surface_from_resource(struct wl_resource *resource)
{
	return wl_resource_get_user_data(resource);
}

static void handle_attach(struct wl_client *client, struct wl_resource *resource,
			  struct wl_resource *buffer, int32_t x, int32_t y)
{
	struct surface *surface = surface_from_resource(resource);

	(void)client;
	if (wl_resource_get_version(resource) >= 5 && (x != 0 || y != 0)) {
		wl_resource_post_error(resource, WL_SURFACE_ERROR_INVALID_OFFSET,
				       "offsets belong in wl_surface.offset");
		return;
	}
	surface->pending.dx = CLAMP(x, -COORD_MAX, COORD_MAX);
	surface->pending.dy = CLAMP(y, -COORD_MAX, COORD_MAX);
	surface->pending.set |= SET_BUFFER;
	surface_state_set_buffer(&surface->pending, buffer);
}

static void handle_damage(struct wl_client *client, struct wl_resource *resource, int32_t x,
			  int32_t y, int32_t width, int32_t height)
{
	struct surface *surface = surface_from_resource(resource);

	(void)client;
	region_add_clamped(&surface->pending.damage, x, y, width, height);
	region_bound(&surface->pending.damage, DAMAGE_RECTS_MAX);
}

static void handle_damage_buffer(struct wl_client *client, struct wl_resource *resource, int32_t x,
				 int32_t y, int32_t width, int32_t height)
{
	struct surface *surface = surface_from_resource(resource);

	(void)client;
	region_add_clamped(&surface->pending.buffer_damage, x, y, width, height);
	region_bound(&surface->pending.buffer_damage, DAMAGE_RECTS_MAX);
}

static void destroy_callback(struct wl_resource *resource)
{
	wl_list_remove(wl_resource_get_link(resource));
	client_give(wl_resource_get_client(resource), CLIENT_CALLBACK);
}

static void handle_frame(struct wl_client *client, struct wl_resource *resource, uint32_t id)
{
	struct surface *surface = surface_from_resource(resource);
	struct wl_resource *callback;

	if (!client_take(client, CLIENT_CALLBACK))
		return;
	callback = wl_resource_create(client, &wl_callback_interface, 1, id);
	if (!callback) {
		client_give(client, CLIENT_CALLBACK);
		wl_client_post_no_memory(client);
		return;
	}
	wl_resource_set_implementation(callback, NULL, NULL, destroy_callback);
	wl_list_insert(surface->pending.callbacks.prev, wl_resource_get_link(callback));
}

static void handle_set_opaque(struct wl_client *client, struct wl_resource *resource,
			      struct wl_resource *region)
{
	struct surface_state *state = &surface_from_resource(resource)->pending;

	(void)client;
	state->set |= SET_OPAQUE;
	if (region)
		pixman_region32_copy(&state->opaque, (pixman_region32_t *)region_get(region));
	else
		pixman_region32_clear(&state->opaque);
}

static void handle_set_input(struct wl_client *client, struct wl_resource *resource,
			     struct wl_resource *region)
{
	struct surface_state *state = &surface_from_resource(resource)->pending;

	(void)client;
	state->set |= SET_INPUT;
	state->has_input = region != NULL;
	if (region)
		pixman_region32_copy(&state->input, (pixman_region32_t *)region_get(region));
}

static void handle_commit(struct wl_client *client, struct wl_resource *resource)
{
	struct surface *surface = surface_from_resource(resource);
	bool has_buffer = surface->pending.set & SET_BUFFER ? surface->pending.buffer != NULL
							    : surface_has_content(surface);

	(void)client;
	if (surface->role && surface->role->check && !surface->role->check(surface, has_buffer))
		return;
	if (subsurface_is_synchronized(surface)) {
		surface_state_merge(&surface->cached, &surface->pending);
		surface->has_cached = true;
		return;
	}
	if (surface->has_cached) {
		surface_state_merge(&surface->cached, &surface->pending);
		surface->has_cached = false;
		surface_apply(surface, &surface->cached);
		return;
	}
	surface_apply(surface, &surface->pending);
}

static void handle_set_transform(struct wl_client *client, struct wl_resource *resource,
				 int32_t transform)
{
	struct surface_state *state = &surface_from_resource(resource)->pending;

	(void)client;
	if (transform < WL_OUTPUT_TRANSFORM_NORMAL || transform > WL_OUTPUT_TRANSFORM_FLIPPED_270) {
		wl_resource_post_error(resource, WL_SURFACE_ERROR_INVALID_TRANSFORM,
				       "transform %d is none", transform);
		return;
	}
	state->set |= SET_TRANSFORM;
	state->transform = (enum wl_output_transform)transform;
}

static void handle_set_scale(struct wl_client *client, struct wl_resource *resource, int32_t scale)
{
	struct surface_state *state = &surface_from_resource(resource)->pending;

	(void)client;
	if (scale < 1 || scale > BUFFER_SIDE_MAX) {
		wl_resource_post_error(resource, WL_SURFACE_ERROR_INVALID_SCALE, "scale %d", scale);
		return;
	}
	state->set |= SET_SCALE;
	state->scale = scale;
}

static void handle_offset(struct wl_client *client, struct wl_resource *resource, int32_t x,
			  int32_t y)
{
	struct surface_state *state = &surface_from_resource(resource)->pending;

	(void)client;
	state->dx = CLAMP(x, -COORD_MAX, COORD_MAX);
	state->dy = CLAMP(y, -COORD_MAX, COORD_MAX);
}

static const struct wl_surface_interface surface_impl = {
	.destroy = resource_destroy_request,
	.attach = handle_attach,
	.damage = handle_damage,
	.frame = handle_frame,
	.set_opaque_region = handle_set_opaque,
	.set_input_region = handle_set_input,
	.commit = handle_commit,
	.set_buffer_transform = handle_set_transform,
	.set_buffer_scale = handle_set_scale,
	.damage_buffer = handle_damage_buffer,
	.offset = handle_offset,
};

/* ---- life ---------------------------------------------------------------------------------- */

bool surface_set_role(struct surface *surface, const struct surface_role *role, void *object,
		      struct wl_resource *on, uint32_t error)
{
	if ((surface->role && surface->role != role) || (surface->role_object && object)) {
		wl_resource_post_error(on, error, "the surface has a role already: %s",
				       surface->role->name);
		return false;
	}
	surface->role = role;
	surface->role_object = object;
	return true;
}

struct surface *surface_root(struct surface *surface)
{
	while (surface->subsurface && surface->subsurface->parent)
		surface = surface->subsurface->parent;
	return surface;
}

static bool takes_input(const struct surface *surface, double x, double y)
{
	if (!surface_has_content(surface) || x < 0 || y < 0 || x >= surface->width ||
	    y >= surface->height)
		return false;
	return !surface->current.has_input ||
	       pixman_region32_contains_point((pixman_region32_t *)&surface->current.input,
					      (int)floor(x), (int)floor(y), NULL);
}

static struct surface *pick_among(struct wl_list *children, double x, double y, double *ret_x,
				  double *ret_y)
{
	struct subsurface *child;

	wl_list_for_each_reverse (child, children, link) {
		struct surface *hit = child->surface ? surface_pick(child->surface, x - child->x,
								    y - child->y, ret_x, ret_y)
						     : NULL;
		if (hit)
			return hit;
	}
	return NULL;
}

struct surface *surface_pick(struct surface *surface, double x, double y, double *ret_x,
			     double *ret_y)
{
	struct surface *hit;

	if (!surface_has_content(surface))
		return NULL;
	hit = pick_among(&surface->above, x, y, ret_x, ret_y);
	if (hit)
		return hit;
	if (takes_input(surface, x, y)) {
		*ret_x = x;
		*ret_y = y;
		return surface;
	}
	return pick_among(&surface->below, x, y, ret_x, ret_y);
}

static void destroy_surface(struct wl_resource *resource)
{
	struct surface *surface = surface_from_resource(resource);

	wl_signal_emit_mutable(&surface->destroy, surface);
	if (surface->role && surface->role->surface_gone)
		surface->role->surface_gone(surface);
	subsurface_surface_gone(surface);
	if (surface->viewport)
		wl_resource_set_user_data(surface->viewport, NULL);
	if (surface->fractional)
		wl_resource_set_user_data(surface->fractional, NULL);
	surface_drop_content(surface);
	surface_state_finish(&surface->pending);
	surface_state_finish(&surface->cached);
	surface_state_finish(&surface->current);
	pixman_region32_fini(&surface->fresh);
	wl_list_remove(&surface->link);
	scene_changed(surface->compositor);
	compositor_settle_later(surface->compositor);
	client_give(wl_resource_get_client(resource), CLIENT_SURFACE);
	free(surface);
}

static void handle_create_surface(struct wl_client *client, struct wl_resource *resource,
				  uint32_t id)
{
	struct compositor *compositor = wl_resource_get_user_data(resource);
	struct surface *surface;

	if (!client_take(client, CLIENT_SURFACE))
		return;
	surface = calloc(1, sizeof(*surface));
	if (surface)
		surface->resource = wl_resource_create(client, &wl_surface_interface,
						       wl_resource_get_version(resource), id);
	if (!surface || !surface->resource) {
		free(surface);
		client_give(client, CLIENT_SURFACE);
		wl_client_post_no_memory(client);
		return;
	}
	surface->compositor = compositor;
	surface->id = ++compositor->next_id;
	surface_state_init(&surface->pending);
	surface_state_init(&surface->cached);
	surface_state_init(&surface->current);
	pixman_region32_init(&surface->fresh);
	wl_list_init(&surface->below);
	wl_list_init(&surface->above);
	wl_list_init(&surface->pending_below);
	wl_list_init(&surface->pending_above);
	wl_signal_init(&surface->destroy);
	pace_surface_init(surface);
	wl_list_insert(&compositor->surfaces, &surface->link);
	wl_resource_set_implementation(surface->resource, &surface_impl, surface, destroy_surface);
}

static void handle_create_region(struct wl_client *client, struct wl_resource *resource,
				 uint32_t id)
{
	(void)resource;
	region_create(client, id);
}

static const struct wl_compositor_interface compositor_impl = {
	.create_surface = handle_create_surface,
	.create_region = handle_create_region,
};

static void bind_compositor(struct wl_client *client, void *data, uint32_t version, uint32_t id)
{
	compositor_bind(data, client, &wl_compositor_interface, &compositor_impl, version, id);
}

int surface_init(struct compositor *compositor)
{
	wl_list_init(&compositor->surfaces);
	return compositor_add_global(compositor, &wl_compositor_interface, COMPOSITOR_VERSION,
				     bind_compositor);
}
