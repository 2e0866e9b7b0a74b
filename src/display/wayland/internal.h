/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the files of the compositor share: its state, and each protocol's set-up. */
#ifndef LAZARET_DISPLAY_WAYLAND_INTERNAL_H
#define LAZARET_DISPLAY_WAYLAND_INTERNAL_H

#include <wayland-server.h>

#include "display/wayland/compositor.h"
#include "display/wayland/limits.h"
#include "display/wayland/scene.h"

#define GLOBALS_MAX 24

struct seat;
struct toplevel;
struct selection;
struct drag;

struct compositor {
	struct wl_display *display;
	struct wl_event_loop *loop;
	const struct compositor_impl *impl;
	void *data;

	/* output */
	int width, height, scale120; /* pixels */
	int area_width, area_height; /* logical: what a filling window gets, below the strip */
	struct wl_list outputs; /* wl_output resources */
	struct wl_list xdg_outputs; /* zxdg_output_v1 resources */
	struct scene scene;

	/* pace */
	bool visible;
	uint32_t refresh_ns;
	uint64_t present_seq;
	struct wl_event_source *pace_timer;

	/* clients and what they hold */
	struct wl_list clients; /* struct client.link */
	struct wl_list surfaces; /* struct surface.link */
	size_t pixel_bytes;
	int client_count;
	uint64_t next_id; /* of surfaces, so that a new one at an old address is told apart */

	/* windows */
	struct wl_list stack; /* mapped struct toplevel.stack_link, lowest first */
	struct wl_list grabs; /* struct popup.grab_link, topmost first */
	struct toplevel *active; /* may be NULL */
	struct wl_list exports; /* xdg-foreign: struct export.link */

	struct seat *seat;
	struct selection *clipboard;
	struct selection *primary;
	struct drag *drag; /* the one that is going on, or NULL */
	struct wl_list writes; /* struct transfer.link of the viewer's text */
	int write_count;
	struct fetch *fetch; /* compositor_fetch_text() under way, or NULL */

	struct wl_event_source *settle_idle; /* focus is looked at again after this dispatch */
	struct wl_listener client_created;
	struct wl_protocol_logger *logger;
	struct wl_global *globals[GLOBALS_MAX];
	int global_count;
};

/* Adds a global that compositor_destroy() removes; its bind function gets the compositor. */
NODISCARD int compositor_add_global(struct compositor *compositor,
				    const struct wl_interface *interface, int version,
				    wl_global_bind_func_t bind);

/*
 * What every bind does: a resource with `impl`, the compositor as user data and no destructor; on
 * lack of memory the client is told and NULL returned.
 */
struct wl_resource *compositor_bind(struct compositor *compositor, struct wl_client *client,
				    const struct wl_interface *interface, const void *impl,
				    uint32_t version, uint32_t id);

/* Windows or surfaces moved, came or went: look at focus again when this dispatch is over. */
void compositor_settle_later(struct compositor *compositor);

/* pace.c */
int pace_init(struct compositor *compositor);
void pace_finish(struct compositor *compositor);

/* A request that has nothing to do but destroy its object. */
void resource_destroy_request(struct wl_client *client, struct wl_resource *resource);

/* Set-up of the protocols: each adds its globals; 0 or a negative errno. */
int surface_init(struct compositor *compositor);
int subsurface_init(struct compositor *compositor);
int output_init(struct compositor *compositor);
int xdg_shell_init(struct compositor *compositor);
int data_device_init(struct compositor *compositor);
int primary_selection_init(struct compositor *compositor);
int viewporter_init(struct compositor *compositor);
int presentation_init(struct compositor *compositor);
int fractional_scale_init(struct compositor *compositor);
int single_pixel_buffer_init(struct compositor *compositor);
int decoration_init(struct compositor *compositor);
int foreign_init(struct compositor *compositor);
int activation_init(struct compositor *compositor);
int text_input_init(struct compositor *compositor);

/* output.c: the size or scale changed; tells clients, recomputes the area and lays windows out. */
void output_update(struct compositor *compositor);
void output_compute_area(struct compositor *compositor);
/* The wl_output.scale for clients that know whole numbers only. */
int output_integer_scale(const struct compositor *compositor);

/* Logical to pixels, rounded half up; negative values too. */
static inline int scale_round(const struct compositor *compositor, int64_t logical)
{
	int64_t n = logical * compositor->scale120 * 2 + COMPOSITOR_SCALE_ONE;
	int64_t d = 2 * COMPOSITOR_SCALE_ONE;

	return (int)(n >= 0 ? n / d : -((-n + d - 1) / d));
}

#endif
