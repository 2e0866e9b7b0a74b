/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What one connection holds, against limits.h. */
#ifndef LAZARET_DISPLAY_WAYLAND_CLIENT_H
#define LAZARET_DISPLAY_WAYLAND_CLIENT_H

#include "display/wayland/internal.h"

enum client_kind {
	CLIENT_SURFACE,
	CLIENT_REGION,
	CLIENT_TOPLEVEL,
	CLIENT_POPUP,
	CLIENT_CALLBACK,
	CLIENT_SEAT_OBJECT,
	CLIENT_SOURCE,
	CLIENT_OFFER,
	CLIENT_TOKEN,
	CLIENT_KINDS,
};

struct client {
	struct wl_list link; /* compositor.clients */
	struct wl_client *client;
	struct compositor *compositor;
	unsigned int held[CLIENT_KINDS];
	size_t pixel_bytes;
	int object_budget, pool_budget; /* creations until the next census */
	struct wl_listener destroy, resource_created;
};

int client_init(struct compositor *compositor);
void client_finish(struct compositor *compositor);

/* One more of a kind; false: the limit is reached and the client was told, do nothing. */
NODISCARD bool client_take(struct wl_client *client, enum client_kind kind);
/* One less. Does nothing for a client that is being destroyed. */
void client_give(struct wl_client *client, enum client_kind kind);

/* The same for copies of pixels; give also counts down the sum of all clients. */
NODISCARD bool client_take_pixels(struct compositor *compositor, struct wl_client *client,
				  size_t bytes);
void client_give_pixels(struct compositor *compositor, struct wl_client *client, size_t bytes);

#endif
