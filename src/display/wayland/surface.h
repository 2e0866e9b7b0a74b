/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * wl_surface, its double-buffered state, and subsurfaces (wayland.xml).
 *
 * A committed buffer is copied, damage only, into memory of our own and released at once: no
 * client's memory is read later, whatever happens to the pool, and the client may draw on.
 */
#ifndef LAZARET_DISPLAY_WAYLAND_SURFACE_H
#define LAZARET_DISPLAY_WAYLAND_SURFACE_H

#include "display/wayland/internal.h"

struct surface;
struct subsurface;

/* What a surface is used for. A surface gets one role for life (wayland.xml, wl_surface). */
struct surface_role {
	const char *name;
	/* Before a commit is applied; false: the commit is an error, which was posted. May be
	 * NULL. */
	bool (*check)(struct surface *surface, bool has_buffer);
	/* State was applied. May be NULL. */
	void (*commit)(struct surface *surface);
	/* The wl_surface goes; role_object must not be used for it any more. May be NULL. */
	void (*surface_gone)(struct surface *surface);
};

enum surface_set {
	SET_BUFFER = 1 << 0,
	SET_OFFSET = 1 << 1,
	SET_OPAQUE = 1 << 2,
	SET_INPUT = 1 << 3,
	SET_SCALE = 1 << 4,
	SET_TRANSFORM = 1 << 5,
	SET_VIEWPORT = 1 << 6,
};

struct surface_state {
	unsigned int set; /* enum surface_set: which fields a commit changes */
	struct wl_resource *buffer; /* wl_buffer, NULL if detached or destroyed meanwhile */
	struct wl_listener buffer_destroy;
	bool buffer_lost; /* it was attached and then destroyed: nothing new to show */
	int dx, dy; /* logical, sum of what was asked */
	pixman_region32_t damage; /* logical */
	pixman_region32_t buffer_damage; /* buffer pixels */
	pixman_region32_t opaque; /* logical */
	pixman_region32_t input; /* logical; whole surface unless has_input */
	bool has_input;
	int scale; /* 1 and more */
	enum wl_output_transform transform;
	bool has_source; /* viewport source is set */
	wl_fixed_t source_x, source_y, source_width, source_height; /* logical before viewport */
	int destination_width, destination_height; /* logical; 0: not set */
	struct wl_list callbacks; /* wl_callback resources */
	struct wl_list feedbacks; /* wp_presentation_feedback resources */
};

struct surface {
	struct wl_resource *resource;
	struct compositor *compositor;
	struct wl_list link; /* compositor.surfaces */
	uint64_t id;

	const struct surface_role *role; /* NULL: none yet */
	void *role_object; /* NULL when the role's object is gone */

	struct surface_state pending, cached, current;
	bool has_cached; /* a synchronized subsurface committed */

	/* Content, upright (buffer transform undone); NULL pixels: none */
	uint32_t *pixels;
	int buffer_width, buffer_height; /* pixels, rows without gaps */
	bool has_alpha;
	pixman_region32_t fresh; /* pixels changed since the scene last looked */
	int width, height; /* logical, after scale and viewport; 0 without content */
	double crop_x, crop_y, crop_width, crop_height; /* part of the buffer shown, pixels */

	struct subsurface *subsurface; /* as a child; NULL unless that is the role */
	struct wl_list below, above; /* struct subsurface.link, lowest first */
	struct wl_list pending_below, pending_above; /* struct subsurface.pending_link */
	bool order_changed;

	struct wl_resource *viewport; /* NULL: none */
	struct wl_resource *fractional; /* NULL: none */
	bool entered; /* told wl_surface.enter */

	/* pace.c: a bucket of frame answers */
	int tokens;
	uint64_t token_time; /* monotonic us */
	uint64_t answered; /* monotonic us of the last answer */

	struct wl_signal destroy; /* data: the surface */
};

struct surface *surface_from_resource(struct wl_resource *resource);

/* Gives the role, or posts `error` on `on` and returns false if it has another already. */
bool surface_set_role(struct surface *surface, const struct surface_role *role, void *object,
		      struct wl_resource *on, uint32_t error);

static inline bool surface_has_content(const struct surface *surface)
{
	return surface->pixels != NULL;
}

/* The surface, and each child above it in the tree, takes pointer input there? Logical, relative
 * to `surface`; *ret_x and *ret_y are relative to the one returned. NULL: none. */
struct surface *surface_pick(struct surface *surface, double x, double y, double *ret_x,
			     double *ret_y);

/* The topmost parent of a subsurface; the surface itself otherwise. */
struct surface *surface_root(struct surface *surface);

/* Forgets the content and gives its memory back. */
void surface_drop_content(struct surface *surface);

void surface_state_init(struct surface_state *state);
void surface_state_finish(struct surface_state *state);
/* Moves what `from` sets onto `to`; `from` is empty after. */
void surface_state_merge(struct surface_state *to, struct surface_state *from);
/* Sets the buffer of a state, watching for its destruction. */
void surface_state_set_buffer(struct surface_state *state, struct wl_resource *buffer);

/* Applies a state that is due, and what children had cached for this moment. */
void surface_apply(struct surface *surface, struct surface_state *state);

/* subsurface.c */
struct subsurface {
	struct wl_resource *resource;
	struct surface *surface; /* NULL when its wl_surface is gone */
	struct surface *parent; /* NULL when the parent is gone */
	struct wl_list link; /* parent.below or above */
	struct wl_list pending_link;
	bool pending_is_above, sync;
	int x, y, pending_x, pending_y; /* logical, relative to the parent */
};

/* Whether commits of this surface wait for its parent. */
bool subsurface_is_synchronized(const struct surface *surface);
/* The parent was committed: order and positions become current. */
void subsurface_parent_applied(struct surface *parent);
/* The surface goes: children lose their parent, and it leaves its own. */
void subsurface_surface_gone(struct surface *surface);

/* shm_buffer.c: copies what `damage` (pixels of the upright picture; NULL: all) says from the
 * buffer into surface->pixels, allocating as needed, and releases the buffer. 0, -EPROTO (an error
 * was posted), -ENOMEM (posted). */
int shm_buffer_copy(struct surface *surface, struct wl_resource *buffer,
		    const pixman_region32_t *damage);
/* Width and height in pixels after undoing the transform; -EPROTO if it is no buffer of a kind we
 * know. */
int shm_buffer_size(struct wl_resource *buffer, enum wl_output_transform transform, int *ret_width,
		    int *ret_height);

/* single_pixel_buffer.c: true if the buffer is one, with its premultiplied ARGB. */
bool single_pixel_buffer_get(struct wl_resource *buffer, uint32_t *ret_pixel);

/* pace.c: callbacks and feedbacks of a surface whose content was taken. */
void pace_answer(struct surface *surface);
void pace_surface_init(struct surface *surface);
/* presentation.c */
void presentation_answer(struct surface *surface, bool discarded);

/* fractional_scale.c: tells the preferred scale, if the client asked. */
void fractional_scale_tell(struct surface *surface);

#endif
