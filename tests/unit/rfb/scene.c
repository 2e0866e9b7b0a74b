/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "scene.h"

#include <stdlib.h>
#include <string.h>

#include "base/attr.h"

int scene_random(struct scene *scene, int n)
{
	scene->random ^= scene->random << 13;
	scene->random ^= scene->random >> 7;
	scene->random ^= scene->random << 17;
	return (int)((scene->random >> 16) % (uint64_t)n);
}

static uint32_t random_pixel(struct scene *scene)
{
	return (uint32_t)scene_random(scene, 1 << 24);
}

static void put(struct scene *scene, int x, int y, uint32_t colour)
{
	uint32_t top = (uint32_t)scene_random(scene, 256) << 24;

	scene->picture.pixels[y * scene->picture.stride + x] = colour | top;
}

void scene_resize(struct scene *scene, int width, int height)
{
	pixman_box32_t all = {0, 0, width, height};

	free(scene->picture.pixels);
	scene->picture = (struct picture){.width = width, .height = height, .stride = width + 5};
	scene->picture.pixels = calloc((size_t)height * (size_t)scene->picture.stride,
				       sizeof(uint32_t));
	if (!scene->picture.pixels)
		abort();
	scene_fill(scene, &all, 0xffffff);
	scene_text(scene, &all, true);
}

void scene_init(struct scene *scene, int width, int height, uint64_t seed)
{
	*scene = (struct scene){.random = seed * 2 + 1};
	for (int i = 0; i < 8; i++)
		(void)scene_random(scene, 2);
	scene_resize(scene, width, height);
}

void scene_finish(struct scene *scene)
{
	free(scene->picture.pixels);
}

pixman_box32_t scene_random_box(struct scene *scene)
{
	int width = scene->picture.width, height = scene->picture.height;
	int w = scene_random(scene, 2) ? 1 + scene_random(scene, width)
				       : 1 + scene_random(scene, MIN(width, 40));
	int h = scene_random(scene, 2) ? 1 + scene_random(scene, height)
				       : 1 + scene_random(scene, MIN(height, 40));
	int x = scene_random(scene, width - w + 1), y = scene_random(scene, height - h + 1);

	return (pixman_box32_t){x, y, x + w, y + h};
}

void scene_fill(struct scene *scene, const pixman_box32_t *box, uint32_t colour)
{
	for (int y = box->y1; y < box->y2; y++) {
		for (int x = box->x1; x < box->x2; x++)
			put(scene, x, y, colour);
	}
}

void scene_text(struct scene *scene, const pixman_box32_t *box, bool shades)
{
	for (int y = box->y1; y < box->y2; y++) {
		bool blank = (y - box->y1) % 18 >= 12;

		for (int x = box->x1; x < box->x2; x++) {
			uint32_t grey = shades ? (uint32_t)scene_random(scene, 17) * 15 : 0;

			put(scene, x, y,
			    blank || scene_random(scene, 3) ? 0xffffff : grey * 0x010101);
		}
	}
}

void scene_gradient(struct scene *scene, const pixman_box32_t *box)
{
	for (int y = box->y1; y < box->y2; y++) {
		for (int x = box->x1; x < box->x2; x++)
			put(scene, x, y,
			    (uint32_t)(x & 255) << 16 | (uint32_t)(y & 255) << 8 |
				    (uint32_t)((x + y) / 2 & 255));
	}
}

void scene_noise(struct scene *scene, const pixman_box32_t *box)
{
	for (int y = box->y1; y < box->y2; y++) {
		for (int x = box->x1; x < box->x2; x++)
			put(scene, x, y, random_pixel(scene));
	}
}

void scene_scroll(struct scene *scene, const pixman_box32_t *box, int dx, int dy)
{
	int stride = scene->picture.stride;
	int width = box->x2 - box->x1, height = box->y2 - box->y1;
	uint32_t *old = malloc((size_t)width * (size_t)height * sizeof(*old));

	if (!old)
		abort();
	for (int y = 0; y < height; y++)
		memcpy(old + y * width, scene->picture.pixels + (box->y1 + y) * stride + box->x1,
		       (size_t)width * sizeof(*old));
	scene_text(scene, box, true);
	for (int y = MAX(0, dy); y < MIN(height, height + dy); y++) {
		for (int x = MAX(0, dx); x < MIN(width, width + dx); x++)
			put(scene, box->x1 + x, box->y1 + y,
			    old[(y - dy) * width + x - dx] & 0xffffff);
	}
	free(old);
}

static int random_shift(struct scene *scene, int side)
{
	int shift = 1 + scene_random(scene, MAX(1, side / 2));

	return scene_random(scene, 2) ? shift : -shift;
}

static void add(pixman_region32_t *damage, const pixman_box32_t *box)
{
	if (!pixman_region32_union_rect(damage, damage, box->x1, box->y1,
					(unsigned int)(box->x2 - box->x1),
					(unsigned int)(box->y2 - box->y1)))
		abort();
}

/* A page below a header that stays, or two panes, or all of it sideways. */
static void scroll_step(struct scene *scene, pixman_region32_t *damage)
{
	int width = scene->picture.width, height = scene->picture.height;
	int header = scene_random(scene, height / 4 + 1);
	int edge = scene_random(scene, width);
	pixman_box32_t page = {0, header, width, height};
	pixman_box32_t left = {0, header, edge, height}, right = {edge, header, width, height};
	pixman_box32_t none = {0};

	switch (scene_random(scene, 4)) {
	case 0:
		scene_scroll(scene, &left, 0, random_shift(scene, height));
		right = none;
		break;
	case 1:
		scene_scroll(scene, &left, 0, random_shift(scene, height));
		scene_scroll(scene, &right, 0, random_shift(scene, height));
		break;
	case 2:
		scene_scroll(scene, &page, random_shift(scene, width), 0);
		break;
	default:
		scene_scroll(scene, &page, 0, random_shift(scene, height));
		break;
	}
	add(damage, &page);
}

static void move_step(struct scene *scene, pixman_region32_t *damage)
{
	pixman_box32_t box = scene_random_box(scene);

	scene_scroll(scene, &box, random_shift(scene, box.x2 - box.x1),
		     random_shift(scene, box.y2 - box.y1));
	add(damage, &box);
}

void scene_step(struct scene *scene, pixman_region32_t *damage)
{
	pixman_box32_t box = scene_random_box(scene);
	pixman_box32_t all = {0, 0, scene->picture.width, scene->picture.height};

	switch (scene_random(scene, 10)) {
	case 0:
		scene_fill(scene, &box, random_pixel(scene));
		break;
	case 1:
		scene_text(scene, &box, false);
		break;
	case 2:
		scene_text(scene, &box, true);
		break;
	case 3:
		scene_gradient(scene, &box);
		break;
	case 4:
		scene_noise(scene, &box);
		break;
	case 5:
		box = (pixman_box32_t){box.x1, box.y1, box.x1 + 1, box.y1 + 1};
		scene_fill(scene, &box, random_pixel(scene));
		break;
	case 6:
		move_step(scene, damage);
		return;
	case 7:
		break; /* damage without a change */
	default:
		scroll_step(scene, damage);
		return;
	}
	/* A browser's damage is often far more than what changed. */
	add(damage, scene_random(scene, 4) ? &box : &all);
}
