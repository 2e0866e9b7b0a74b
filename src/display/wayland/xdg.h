/* SPDX-License-Identifier: GPL-3.0-or-later */
/* xdg_wm_base, xdg_surface, xdg_toplevel, xdg_popup, xdg_positioner (xdg-shell.xml, version 5). */
#ifndef LAZARET_DISPLAY_WAYLAND_XDG_H
#define LAZARET_DISPLAY_WAYLAND_XDG_H

#include "display/wayland/internal.h"
#include "display/wayland/positioner.h"
#include "display/wayland/surface.h"
#include "xdg-shell-server-protocol.h"

#define CONFIGURES_KEPT 32

enum xdg_kind { XDG_NONE, XDG_TOPLEVEL, XDG_POPUP };

struct xdg_surface {
	struct wl_resource *resource;
	struct compositor *compositor;
	struct surface *surface; /* NULL when the wl_surface is gone */
	struct wl_list popups; /* struct popup.parent_link, oldest first */
	enum xdg_kind kind;
	struct toplevel *toplevel; /* if XDG_TOPLEVEL; NULL when destroyed */
	struct popup *popup; /* if XDG_POPUP; the same */

	bool initialised; /* the first configure was sent */
	bool configured; /* a configure was acknowledged */
	bool mapped;
	uint32_t serials[CONFIGURES_KEPT]; /* sent and not acknowledged, oldest first */
	int serial_count;

	bool has_geometry, has_pending_geometry;
	struct box geometry, pending_geometry; /* logical, surface coordinates */
};

struct toplevel {
	struct wl_resource *resource;
	struct xdg_surface *xdg; /* NULL when gone: the object does nothing any more */
	struct wl_list stack_link; /* compositor.stack while mapped */
	struct toplevel *parent; /* NULL: none */
	struct wl_resource *decoration; /* NULL: none */
	char *title; /* NULL: none */
	bool filling; /* gets the whole area; else a dialog of its own size */
	bool fullscreen, wants_maximized; /* asked by the client */
	int x, y; /* logical, of the window geometry, in the area */
	bool moved; /* the user dragged it: it is not centred any more */
	int last_width, last_height; /* geometry that it was centred for */
	int min_width, min_height, max_width, max_height; /* 0: no limit */
	int pending_min_width, pending_min_height, pending_max_width, pending_max_height;
};

struct popup {
	struct wl_resource *resource;
	struct xdg_surface *xdg; /* NULL when gone */
	struct xdg_surface *parent; /* NULL when gone */
	struct wl_list parent_link;
	struct wl_list grab_link; /* compositor.grabs while it holds one */
	struct positioner positioner;
	struct box box; /* logical, relative to the parent's window geometry */
	bool grabbing;
	bool dismissed; /* popup_done was sent: never mapped again */
};

/* NULL if the surface is no window or popup. */
struct xdg_surface *xdg_surface_from_surface(const struct surface *surface);

/* The window geometry, or the surface's extents where the client set none. */
struct box xdg_surface_geometry(const struct xdg_surface *xdg);
/* Where the geometry's origin lies, logical, in the area; and where the surface's own does. */
void xdg_surface_origin(const struct xdg_surface *xdg, int *ret_x, int *ret_y);
void xdg_surface_position(const struct xdg_surface *xdg, int *ret_x, int *ret_y);
/* Sends xdg_surface.configure, after what is role specific. */
void xdg_surface_finish_configure(struct xdg_surface *xdg);
/* Content came (the scene has it from now on) or went, with what hangs on it. */
void xdg_surface_map(struct xdg_surface *xdg);
void xdg_surface_unmap(struct xdg_surface *xdg);
/* The topmost window of a chain of popups; NULL if it hangs nowhere. */
struct toplevel *xdg_surface_toplevel(struct xdg_surface *xdg);

/* toplevel.c */
void toplevel_create(struct xdg_surface *xdg, struct wl_client *client, uint32_t id);
void toplevel_commit(struct toplevel *toplevel);
void toplevel_unmap(struct toplevel *toplevel);
void toplevel_configure(struct toplevel *toplevel);
/* Top of the stack, with the dialogs that belong to it; activated. */
void toplevel_raise(struct toplevel *toplevel);
/* Recomputes which window is active and tells it, the one before, and the owner. */
void toplevel_activate_top(struct compositor *compositor);
/* The area changed: all windows are configured and placed anew. */
void toplevel_relayout(struct compositor *compositor);
void toplevel_close_active(struct compositor *compositor);
void toplevel_cycle(struct compositor *compositor);
void toplevel_set_parent(struct toplevel *toplevel, struct toplevel *parent);
void toplevel_tell_title(struct compositor *compositor);
/* Moves a dialog by the pointer, logical. */
void toplevel_drag_to(struct toplevel *toplevel, int x, int y);

/* popup.c */
void popup_create(struct xdg_surface *xdg, struct wl_client *client, uint32_t id,
		  struct wl_resource *parent, struct wl_resource *positioner);
void popup_commit(struct popup *popup);
void popup_unmap(struct popup *popup);
/* Ends all grabs: the user clicked elsewhere. */
void popup_dismiss_all(struct compositor *compositor);
/* Ends all popups of a window that was unmapped. */
void popup_dismiss_children(struct xdg_surface *xdg);

/* positioner resource (popup.c) */
void positioner_create(struct wl_client *client, uint32_t version, uint32_t id);
const struct positioner *positioner_get(struct wl_resource *resource);

#endif
