/* SPDX-License-Identifier: GPL-3.0-or-later */
/* wl_region (wayland.xml). Logical units. */
#ifndef LAZARET_DISPLAY_WAYLAND_REGION_H
#define LAZARET_DISPLAY_WAYLAND_REGION_H

#include <pixman.h>
#include <wayland-server.h>

void region_create(struct wl_client *client, uint32_t id);

/* The rectangles of a wl_region resource; borrowed. */
const pixman_region32_t *region_get(struct wl_resource *resource);

/* Adds a rectangle whose coordinates may be anything: cut to +-COORD_MAX. Empty ones do nothing. */
void region_add_clamped(pixman_region32_t *region, int x, int y, int width, int height);

/* Past `max` rectangles: becomes its bounding rectangle. */
void region_bound(pixman_region32_t *region, int max);

#endif
