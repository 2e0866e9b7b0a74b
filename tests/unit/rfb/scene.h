/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Pictures that change like a browser's, at random but the same in each run. */
#ifndef LAZARET_TESTS_RFB_SCENE_H
#define LAZARET_TESTS_RFB_SCENE_H

#include <pixman.h>
#include <stdbool.h>
#include <stdint.h>

#include "rfb/pixel_format.h"

struct scene {
	struct picture picture; /* its top bytes are noise */
	uint64_t random;
};

void scene_init(struct scene *scene, int width, int height, uint64_t seed);
void scene_finish(struct scene *scene);
void scene_resize(struct scene *scene, int width, int height);

/* 0 to n - 1. */
int scene_random(struct scene *scene, int n);
pixman_box32_t scene_random_box(struct scene *scene);

void scene_fill(struct scene *scene, const pixman_box32_t *box, uint32_t colour);
/* Lines of glyph-like marks with blank space between: two colours, or shades of grey. */
void scene_text(struct scene *scene, const pixman_box32_t *box, bool shades);
void scene_gradient(struct scene *scene, const pixman_box32_t *box);
void scene_noise(struct scene *scene, const pixman_box32_t *box);

/* Moves the content of a box by (dx, dy) inside the box; what comes in is fresh text. */
void scene_scroll(struct scene *scene, const pixman_box32_t *box, int dx, int dy);

/* One change at random; what it may have touched is added to `damage`. */
void scene_step(struct scene *scene, pixman_region32_t *damage);

#endif
