/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The pointer's picture: what the client under it sets, in output pixels, or an arrow of ours. */
#include <math.h>
#include <stdlib.h>

#include "base/attr.h"
#include "base/mem.h"
#include "display/wayland/seat.h"

#define ARROW_WIDTH 12
#define ARROW_HEIGHT 19

static const char arrow[ARROW_HEIGHT][ARROW_WIDTH + 1] = {
	"#           ", "##          ", "#.#         ", "#..#        ", "#...#       ",
	"#....#      ", "#.....#     ", "#......#    ", "#.......#   ", "#........#  ",
	"#.........# ", "#......#####", "#...#..#    ", "#..# #..#   ", "#.#  #..#   ",
	"##    #..#  ", "#     #..#  ", "       ##   ", "            ",
};

static void tell(struct seat *seat, const struct compositor_cursor *cursor)
{
	struct compositor *compositor = seat->compositor;

	if (compositor->impl->cursor_changed)
		compositor->impl->cursor_changed(compositor->data, cursor);
}

static void tell_arrow(struct seat *seat)
{
	uint32_t pixels[ARROW_WIDTH * ARROW_HEIGHT];

	for (int y = 0; y < ARROW_HEIGHT; y++)
		for (int x = 0; x < ARROW_WIDTH; x++)
			pixels[y * ARROW_WIDTH + x] = arrow[y][x] == '#'   ? 0xff000000u
						      : arrow[y][x] == '.' ? 0xffffffffu
									   : 0;
	tell(seat, &(struct compositor_cursor){pixels, ARROW_WIDTH, ARROW_HEIGHT, 0, 0});
}

/* Scales the surface's picture into `pixels`. */
static bool render(const struct surface *surface, uint32_t *pixels, int width, int height,
		   int full_width, int full_height)
{
	pixman_image_t *from, *to;

	from = pixman_image_create_bits_no_clear(
		surface->has_alpha ? PIXMAN_a8r8g8b8 : PIXMAN_x8r8g8b8, surface->buffer_width,
		surface->buffer_height, surface->pixels, surface->buffer_width * 4);
	to = pixman_image_create_bits_no_clear(PIXMAN_a8r8g8b8, width, height, pixels, width * 4);
	if (from && to) {
		double fx = surface->crop_width / full_width;
		double fy = surface->crop_height / full_height;
		struct pixman_f_transform exact = {
			{{fx, 0, surface->crop_x}, {0, fy, surface->crop_y}, {0, 0, 1}}};
		pixman_transform_t transform;

		pixman_transform_from_pixman_f_transform(&transform, &exact);
		pixman_image_set_transform(from, &transform);
		/* At the same size the filter must not smear: nearest is exact then. */
		pixman_image_set_filter(
			from, fx == 1 && fy == 1 ? PIXMAN_FILTER_NEAREST : PIXMAN_FILTER_BILINEAR,
			NULL, 0);
		pixman_image_composite32(PIXMAN_OP_SRC, from, NULL, to, 0, 0, 0, 0, 0, 0, width,
					 height);
	}
	if (from)
		pixman_image_unref(from);
	if (to)
		pixman_image_unref(to);
	return from && to;
}

static void tell_surface(struct seat *seat)
{
	struct pointer *pointer = &seat->pointer;
	const struct surface *surface = pointer->cursor.surface;
	_cleanup_free_ uint32_t *pixels = NULL;
	int full_width, full_height, width, height;

	if (!surface || !surface_has_content(surface)) {
		tell(seat, NULL);
		return;
	}
	full_width = MAX(1, scale_round(seat->compositor, surface->width));
	full_height = MAX(1, scale_round(seat->compositor, surface->height));
	width = MIN(full_width, CURSOR_SIDE_MAX);
	height = MIN(full_height, CURSOR_SIDE_MAX);
	pixels = calloc((size_t)width * (size_t)height, 4);
	if (!pixels || !render(surface, pixels, width, height, full_width, full_height))
		return;
	tell(seat, &(struct compositor_cursor){
			   pixels, width, height,
			   CLAMP(scale_round(seat->compositor, pointer->hot_x), 0, width - 1),
			   CLAMP(scale_round(seat->compositor, pointer->hot_y), 0, height - 1)});
}

static void role_commit(struct surface *surface)
{
	struct seat *seat = surface->compositor->seat;
	struct pointer *pointer = &seat->pointer;

	if (pointer->cursor.surface != surface)
		return;
	pointer->hot_x = CLAMP(pointer->hot_x - surface->current.dx, -COORD_MAX, COORD_MAX);
	pointer->hot_y = CLAMP(pointer->hot_y - surface->current.dy, -COORD_MAX, COORD_MAX);
	if (pixman_region32_not_empty(&surface->fresh) || !surface_has_content(surface) ||
	    surface->current.dx != 0 || surface->current.dy != 0)
		tell_surface(seat);
	pixman_region32_clear(&surface->fresh);
}

static const struct surface_role cursor_role = {
	.name = "wl_pointer cursor",
	.commit = role_commit,
};

void cursor_set(struct seat *seat, struct wl_resource *resource, struct surface *surface, int hot_x,
		int hot_y)
{
	struct pointer *pointer = &seat->pointer;

	if (surface &&
	    !surface_set_role(surface, &cursor_role, NULL, resource, WL_POINTER_ERROR_ROLE))
		return;
	surface_link_set(&pointer->cursor, surface);
	pointer->hot_x = CLAMP(hot_x, -COORD_MAX, COORD_MAX);
	pointer->hot_y = CLAMP(hot_y, -COORD_MAX, COORD_MAX);
	tell_surface(seat);
}

void cursor_reset(struct seat *seat)
{
	surface_link_set(&seat->pointer.cursor, NULL);
	tell_arrow(seat);
}

static void handle_cursor_destroy(struct wl_listener *listener, void *data)
{
	struct surface_link *link = wl_container_of(listener, link, destroy);

	(void)data;
	surface_link_set(link, NULL);
	tell_surface(link->seat);
}

void cursor_init(struct seat *seat)
{
	surface_link_init(&seat->pointer.cursor, seat, handle_cursor_destroy);
}
