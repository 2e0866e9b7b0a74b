/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/attr.h"
#include "base/mem.h"
#include "display/wayland/drag.h"
#include "display/wayland/region.h"
#include "display/wayland/seat.h"
#include "display/wayland/xdg.h"

#define BACKGROUND 0xff202428u
#define CANVAS_UNUSED_MAX 60 /* pictures; menus come and go */

void scene_init(struct scene *scene)
{
	pixman_region32_init(&scene->damage);
	pixman_region32_init(&scene->stale);
}

void scene_finish(struct scene *scene)
{
	free(scene->items);
	free(scene->old_items);
	free(scene->canvas);
	free(scene->strip);
	pixman_region32_fini(&scene->damage);
	pixman_region32_fini(&scene->stale);
}

void scene_changed(struct compositor *compositor)
{
	struct scene *scene = &compositor->scene;

	scene->dirty = true;
	if (scene->told)
		return;
	scene->told = true;
	if (compositor->impl->damaged)
		compositor->impl->damaged(compositor->data);
}

static void add_damage(struct scene *scene, int x, int y, int width, int height)
{
	region_add_clamped(&scene->damage, x, y, width, height);
	region_add_clamped(&scene->stale, x, y, width, height);
}

void scene_damage_all(struct compositor *compositor)
{
	add_damage(&compositor->scene, 0, 0, compositor->width, compositor->height);
	scene_changed(compositor);
}

/* ---- the list of visible surfaces ---------------------------------------------------------- */

static struct scene_item *new_item(struct scene *scene)
{
	if (scene->count == scene->capacity) {
		int capacity = MAX(16, scene->capacity * 2);
		struct scene_item *items = reallocarray(scene->items, (size_t)capacity,
							sizeof(*items));

		if (!items)
			return NULL;
		scene->items = items;
		scene->capacity = capacity;
	}
	return &scene->items[scene->count++];
}

/* A buffer drawn for just this size, give or take the rounding of the client, is not resampled. */
static bool is_exact(const struct surface *surface, int width, int height)
{
	return fabs(surface->crop_width - width) <= 1 && fabs(surface->crop_height - height) <= 1 &&
	       surface->crop_x == floor(surface->crop_x) &&
	       surface->crop_y == floor(surface->crop_y);
}

/* x, y: logical, in the area. */
static int add_surface(struct compositor *compositor, struct surface *surface, int x, int y)
{
	struct scene_item *item = new_item(&compositor->scene);

	if (!item)
		return -ENOMEM;
	*item = (struct scene_item){
		.surface = surface,
		.id = surface->id,
		.x = scale_round(compositor, x),
		.y = scale_round(compositor, y) + compositor->scene.strip_height,
		.crop_x = surface->crop_x,
		.crop_y = surface->crop_y,
	};
	item->width = scale_round(compositor, (int64_t)x + surface->width) - item->x;
	item->height = scale_round(compositor, (int64_t)y + surface->height) +
		       compositor->scene.strip_height - item->y;
	item->exact = is_exact(surface, item->width, item->height);
	if (item->exact) {
		item->width = (int)floor(surface->crop_width);
		item->height = (int)floor(surface->crop_height);
	}
	return 0;
}

static int add_tree(struct compositor *compositor, struct surface *surface, int x, int y)
{
	struct subsurface *child;
	int r = 0;

	if (!surface || !surface_has_content(surface))
		return 0;
	wl_list_for_each (child, &surface->below, link) {
		if (r == 0)
			r = add_tree(compositor, child->surface, x + child->x, y + child->y);
	}
	if (r == 0)
		r = add_surface(compositor, surface, x, y);
	wl_list_for_each (child, &surface->above, link) {
		if (r == 0)
			r = add_tree(compositor, child->surface, x + child->x, y + child->y);
	}
	return r;
}

static int add_window(struct compositor *compositor, struct xdg_surface *xdg)
{
	struct popup *popup;
	int x, y, r;

	if (!xdg->mapped)
		return 0;
	xdg_surface_position(xdg, &x, &y);
	r = add_tree(compositor, xdg->surface, x, y);
	wl_list_for_each (popup, &xdg->popups, parent_link) {
		if (r == 0)
			r = add_window(compositor, popup->xdg);
	}
	return r;
}

static int build_list(struct compositor *compositor)
{
	struct scene *scene = &compositor->scene;
	struct toplevel *toplevel;
	struct surface *icon;
	int x, y, r = 0;

	scene->count = 0;
	wl_list_for_each (toplevel, &compositor->stack, stack_link) {
		if (r == 0)
			r = add_window(compositor, toplevel->xdg);
	}
	icon = drag_icon(compositor, &x, &y);
	if (icon && r == 0)
		r = add_tree(compositor, icon, x, y);
	return r;
}

/* ---- what differs -------------------------------------------------------------------------- */

static bool same_place(const struct scene_item *a, const struct scene_item *b)
{
	return a->id == b->id && a->x == b->x && a->y == b->y && a->width == b->width &&
	       a->height == b->height && a->exact == b->exact && a->crop_x == b->crop_x &&
	       a->crop_y == b->crop_y;
}

static void damage_item(struct scene *scene, const struct scene_item *item)
{
	add_damage(scene, item->x, item->y, item->width, item->height);
}

/* The pixels that the client changed, where they are on the output. */
static void damage_fresh(struct scene *scene, const struct scene_item *item)
{
	struct surface *surface = item->surface;
	double fx = item->exact ? 1 : item->width / surface->crop_width;
	double fy = item->exact ? 1 : item->height / surface->crop_height;
	int count, reach = item->exact ? 0 : 1; /* bilinear filter */
	pixman_box32_t *boxes;

	boxes = pixman_region32_rectangles(&surface->fresh, &count);
	for (int i = 0; i < count; i++) {
		int x1 = (int)floor((boxes[i].x1 - item->crop_x) * fx) - reach;
		int y1 = (int)floor((boxes[i].y1 - item->crop_y) * fy) - reach;
		int x2 = (int)ceil((boxes[i].x2 - item->crop_x) * fx) + reach;
		int y2 = (int)ceil((boxes[i].y2 - item->crop_y) * fy) + reach;

		x1 = MAX(x1, 0);
		y1 = MAX(y1, 0);
		x2 = MIN(x2, item->width);
		y2 = MIN(y2, item->height);
		add_damage(scene, item->x + x1, item->y + y1, x2 - x1, y2 - y1);
	}
}

static void diff_lists(struct scene *scene)
{
	int common = MIN(scene->count, scene->old_count), i;

	for (i = 0; i < common; i++) {
		if (same_place(&scene->items[i], &scene->old_items[i])) {
			damage_fresh(scene, &scene->items[i]);
			continue;
		}
		damage_item(scene, &scene->old_items[i]);
		damage_item(scene, &scene->items[i]);
	}
	for (int k = i; k < scene->old_count; k++)
		damage_item(scene, &scene->old_items[k]);
	for (int k = i; k < scene->count; k++)
		damage_item(scene, &scene->items[k]);
	for (int k = 0; k < scene->count; k++)
		pixman_region32_clear(&scene->items[k].surface->fresh);
}

static void swap_lists(struct scene *scene)
{
	struct scene_item *items = scene->items;
	int capacity = scene->capacity;

	scene->items = scene->old_items;
	scene->capacity = scene->old_capacity;
	scene->old_items = items;
	scene->old_capacity = capacity;
	scene->old_count = scene->count;
	scene->count = 0;
}

/* After this, old_items is the list as it is now. */
static int update(struct compositor *compositor)
{
	struct scene *scene = &compositor->scene;
	int r;

	if (!scene->dirty)
		return 0;
	r = build_list(compositor);
	if (r < 0)
		return r;
	diff_lists(scene);
	swap_lists(scene);
	pixman_region32_intersect_rect(&scene->damage, &scene->damage, 0, 0,
				       (unsigned int)compositor->width,
				       (unsigned int)compositor->height);
	pixman_region32_intersect_rect(&scene->stale, &scene->stale, 0, 0,
				       (unsigned int)compositor->width,
				       (unsigned int)compositor->height);
	region_bound(&scene->damage, DAMAGE_RECTS_MAX);
	region_bound(&scene->stale, DAMAGE_RECTS_MAX);
	scene->dirty = false;
	return 0;
}

/* ---- painting ------------------------------------------------------------------------------ */

static bool is_opaque(const struct surface *surface)
{
	pixman_box32_t all = {0, 0, surface->width, surface->height};

	return !surface->has_alpha ||
	       pixman_region32_contains_rectangle((pixman_region32_t *)&surface->current.opaque,
						  &all) == PIXMAN_REGION_IN;
}

static bool covers(const struct scene_item *item, const pixman_box32_t *box)
{
	return item->x <= box->x1 && item->y <= box->y1 && item->x + item->width >= box->x2 &&
	       item->y + item->height >= box->y2 && is_opaque(item->surface);
}

static void paint_item(const struct scene_item *item, pixman_image_t *canvas)
{
	struct surface *surface = item->surface;
	bool opaque = is_opaque(surface);
	int crop_x = (int)item->crop_x, crop_y = (int)item->crop_y;
	pixman_image_t *image;

	if (item->width <= 0 || item->height <= 0)
		return;
	image = pixman_image_create_bits_no_clear(opaque ? PIXMAN_x8r8g8b8 : PIXMAN_a8r8g8b8,
						  surface->buffer_width, surface->buffer_height,
						  surface->pixels, surface->buffer_width * 4);
	if (!image)
		return;
	if (!item->exact) {
		pixman_transform_t transform;
		struct pixman_f_transform exact = {
			{{surface->crop_width / item->width, 0, item->crop_x},
			 {0, surface->crop_height / item->height, item->crop_y},
			 {0, 0, 1}}};

		pixman_transform_from_pixman_f_transform(&transform, &exact);
		pixman_image_set_transform(image, &transform);
		pixman_image_set_filter(image, PIXMAN_FILTER_BILINEAR, NULL, 0);
		pixman_image_set_repeat(image, PIXMAN_REPEAT_PAD);
		crop_x = crop_y = 0;
	}
	pixman_image_composite32(opaque ? PIXMAN_OP_SRC : PIXMAN_OP_OVER, image, NULL, canvas,
				 crop_x, crop_y, 0, 0, item->x, item->y, item->width, item->height);
	pixman_image_unref(image);
}

static void paint_background(pixman_image_t *canvas, pixman_region32_t *region)
{
	pixman_color_t colour = {.red = ((BACKGROUND >> 16) & 0xff) * 257,
				 .green = ((BACKGROUND >> 8) & 0xff) * 257,
				 .blue = (BACKGROUND & 0xff) * 257,
				 .alpha = 0xffff};
	pixman_box32_t *boxes;
	int count;

	boxes = pixman_region32_rectangles(region, &count);
	pixman_image_fill_boxes(PIXMAN_OP_SRC, canvas, &colour, count, boxes);
}

static void paint_strip(struct compositor *compositor)
{
	struct scene *scene = &compositor->scene;

	for (int y = 0; y < scene->strip_height; y++) {
		uint32_t *to = &scene->canvas[(size_t)y * (size_t)compositor->width];
		const uint32_t *from = &scene->strip[(size_t)y * (size_t)scene->strip_width];
		int width = MIN(scene->strip_width, compositor->width);

		memcpy(to, from, (size_t)width * 4);
		for (int x = width; x < compositor->width; x++)
			to[x] = from[width - 1];
	}
}

static void paint(struct compositor *compositor, pixman_image_t *canvas)
{
	struct scene *scene = &compositor->scene;
	pixman_region32_t strip;
	int from;

	pixman_region32_init_rect(&strip, 0, 0, (unsigned int)compositor->width,
				  (unsigned int)scene->strip_height);
	pixman_region32_subtract(&scene->stale, &scene->stale, &strip);
	pixman_region32_fini(&strip);
	if (scene->strip)
		paint_strip(compositor);
	if (!pixman_region32_not_empty(&scene->stale))
		return;
	for (from = scene->old_count - 1; from >= 0; from--)
		if (covers(&scene->old_items[from], pixman_region32_extents(&scene->stale)))
			break;
	if (from < 0) {
		paint_background(canvas, &scene->stale);
		from = 0;
	}
	pixman_image_set_clip_region32(canvas, &scene->stale);
	for (int i = from; i < scene->old_count; i++)
		paint_item(&scene->old_items[i], canvas);
}

static int compose(struct compositor *compositor, struct picture *ret_picture)
{
	struct scene *scene = &compositor->scene;
	int width = compositor->width, height = compositor->height;
	pixman_image_t *canvas;

	if (!scene->canvas || scene->canvas_width != width || scene->canvas_height != height) {
		free(scene->canvas);
		scene->canvas = malloc((size_t)width * (size_t)height * 4);
		if (!scene->canvas)
			return -ENOMEM;
		scene->canvas_width = width;
		scene->canvas_height = height;
		pixman_region32_fini(&scene->stale);
		pixman_region32_init_rect(&scene->stale, 0, 0, (unsigned int)width,
					  (unsigned int)height);
	}
	scene->canvas_unused = 0;
	*ret_picture = (struct picture){scene->canvas, width, height, width};
	if (!pixman_region32_not_empty(&scene->stale))
		return 0;
	canvas = pixman_image_create_bits_no_clear(PIXMAN_x8r8g8b8, width, height, scene->canvas,
						   width * 4);
	if (!canvas)
		return -ENOMEM;
	paint(compositor, canvas);
	pixman_image_unref(canvas);
	pixman_region32_clear(&scene->stale);
	return 0;
}

/* A canvas weighs as much as the screen, and is needed only while there is a menu or a dialogue. */
static void drop_unused_canvas(struct scene *scene)
{
	if (scene->canvas && ++scene->canvas_unused >= CANVAS_UNUSED_MAX)
		free(STEAL(scene->canvas));
}

/* The one surface that is all there is to see, if so. */
static const struct scene_item *find_only(struct compositor *compositor)
{
	struct scene *scene = &compositor->scene;
	pixman_box32_t output = {0, 0, compositor->width, compositor->height};

	if (scene->strip)
		return NULL;
	for (int i = scene->old_count - 1; i >= 0; i--) {
		const struct scene_item *item = &scene->old_items[i];

		if (item->x >= output.x2 || item->y >= output.y2 || item->x + item->width <= 0 ||
		    item->y + item->height <= 0)
			continue;
		return item->exact && covers(item, &output) ? item : NULL;
	}
	return NULL;
}

int scene_picture(struct compositor *compositor, struct picture *ret_picture,
		  pixman_region32_t *damage)
{
	struct scene *scene = &compositor->scene;
	const struct scene_item *only;
	int r = update(compositor);

	if (r < 0)
		return r;
	only = find_only(compositor);
	if (only) {
		const struct surface *surface = only->surface;
		size_t x = (size_t)only->crop_x + (size_t)-only->x;
		size_t y = (size_t)only->crop_y + (size_t)-only->y;

		*ret_picture = (struct picture){
			&surface->pixels[y * (size_t)surface->buffer_width + x],
			compositor->width,
			compositor->height,
			surface->buffer_width,
		};
		drop_unused_canvas(scene);
	} else {
		r = compose(compositor, ret_picture);
		if (r < 0)
			return r;
	}
	pixman_region32_copy(damage, &scene->damage);
	pixman_region32_clear(&scene->damage);
	scene->told = false;
	return 0;
}

/* ---- strip, picking ------------------------------------------------------------------------ */

int scene_set_strip(struct compositor *compositor, const struct picture *strip)
{
	struct scene *scene = &compositor->scene;
	uint32_t *pixels = NULL;
	int height = strip ? strip->height : 0, old_height = scene->strip_height;

	if (strip) {
		pixels = reallocarray(NULL, (size_t)strip->width * (size_t)height, 4);
		if (!pixels)
			return -ENOMEM;
		for (int y = 0; y < height; y++)
			memcpy(&pixels[(size_t)y * (size_t)strip->width],
			       &strip->pixels[(size_t)y * (size_t)strip->stride],
			       (size_t)strip->width * 4);
	}
	free(scene->strip);
	scene->strip = pixels;
	scene->strip_width = strip ? strip->width : 0;
	scene->strip_height = height;
	if (height == old_height) {
		add_damage(scene, 0, 0, compositor->width, height);
		scene_changed(compositor);
	} else {
		scene_damage_all(compositor);
	}
	return 0;
}

static struct surface *pick_window(struct xdg_surface *xdg, double x, double y, double *ret_x,
				   double *ret_y)
{
	struct surface *hit;
	struct popup *popup;
	int left, top;

	if (!xdg->mapped || !xdg->surface)
		return NULL;
	wl_list_for_each_reverse (popup, &xdg->popups, parent_link) {
		hit = pick_window(popup->xdg, x, y, ret_x, ret_y);
		if (hit)
			return hit;
	}
	xdg_surface_position(xdg, &left, &top);
	return surface_pick(xdg->surface, x - left, y - top, ret_x, ret_y);
}

struct surface *scene_pick(struct compositor *compositor, double x, double y, double *ret_x,
			   double *ret_y)
{
	struct toplevel *toplevel;
	struct surface *hit;

	if (y < 0)
		return NULL;
	wl_list_for_each_reverse (toplevel, &compositor->stack, stack_link) {
		hit = pick_window(toplevel->xdg, x, y, ret_x, ret_y);
		if (hit)
			return hit;
	}
	return NULL;
}
