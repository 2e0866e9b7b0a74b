/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * From windows to one picture. The visible surfaces are listed bottom up; what differs from the
 * list of last time, and what clients declared as damaged, is painted anew into a canvas with
 * pixman. Where one opaque surface covers the output its own pixels are the
 * picture.
 */
#ifndef LAZARET_DISPLAY_WAYLAND_SCENE_H
#define LAZARET_DISPLAY_WAYLAND_SCENE_H

#include <pixman.h>
#include <stdbool.h>
#include <stdint.h>

#include "rfb/pixel_format.h"

struct compositor;
struct surface;

/* One visible surface, in output pixels. */
struct scene_item {
	struct surface *surface; /* valid only while the list is being used */
	uint64_t id; /* of the surface */
	int x, y, width, height; /* may reach out of the output */
	bool exact; /* one buffer pixel is one output pixel */
	double crop_x, crop_y; /* first buffer pixel shown */
};

struct scene {
	struct scene_item *items, *old_items; /* bottom first */
	int count, old_count, capacity, old_capacity;
	bool dirty; /* something may differ from the last list */
	bool told; /* the owner knows of the damage */
	pixman_region32_t damage; /* since the last picture was taken */
	pixman_region32_t stale; /* parts of the canvas that are not up to date */
	uint32_t *canvas; /* width * height of the output; NULL until needed */
	int canvas_width, canvas_height;
	int canvas_unused; /* pictures in a row that did not need it */
	uint32_t *strip; /* strip_height rows of strip_width; NULL: none */
	int strip_width, strip_height;
};

void scene_init(struct scene *scene);
void scene_finish(struct scene *scene);

/* Something visible may have changed. */
void scene_changed(struct compositor *compositor);
/* All of it did: the output has a new size, or the strip came or went. */
void scene_damage_all(struct compositor *compositor);

/* See compositor_picture() and compositor_set_strip(). */
int scene_picture(struct compositor *compositor, struct picture *ret_picture,
		  pixman_region32_t *damage);
int scene_set_strip(struct compositor *compositor, const struct picture *strip);

/* The topmost surface that takes pointer input at a place (logical, below the strip), with the
 * place relative to it; NULL: none. */
struct surface *scene_pick(struct compositor *compositor, double x, double y, double *ret_x,
			   double *ret_y);

#endif
