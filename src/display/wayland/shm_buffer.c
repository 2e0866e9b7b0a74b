/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/attr.h"
#include "display/wayland/client.h"
#include "display/wayland/region.h"
#include "display/wayland/surface.h"

/* Pixels: of a cache line; copied at a time; asked for ahead of time. */
#define LINE 16
#define BLOCK 64
#define AHEAD 1024

static bool swaps_sides(enum wl_output_transform transform)
{
	return transform & 1; /* 90, 270 and their flipped kin have the lowest bit set */
}

int shm_buffer_size(struct wl_resource *buffer, enum wl_output_transform transform, int *ret_width,
		    int *ret_height)
{
	struct wl_shm_buffer *shm = wl_shm_buffer_get(buffer);
	uint32_t pixel;
	int width = 1, height = 1;

	if (shm) {
		width = wl_shm_buffer_get_width(shm);
		height = wl_shm_buffer_get_height(shm);
	} else if (!single_pixel_buffer_get(buffer, &pixel)) {
		return -EPROTO;
	}
	*ret_width = swaps_sides(transform) ? height : width;
	*ret_height = swaps_sides(transform) ? width : height;
	return 0;
}

/* Makes surface->pixels fit; *ret_fresh: the old content is gone, copy all. */
static int fit_pixels(struct surface *surface, int width, int height, bool *ret_fresh)
{
	struct wl_client *client = wl_resource_get_client(surface->resource);
	size_t bytes = (size_t)width * (size_t)height * 4;
	uint32_t *pixels;

	if (surface->pixels && surface->buffer_width == width && surface->buffer_height == height) {
		*ret_fresh = false;
		return 0;
	}
	surface_drop_content(surface);
	if (!client_take_pixels(surface->compositor, client, bytes))
		return -EPROTO;
	pixels = malloc(bytes);
	if (!pixels) {
		client_give_pixels(surface->compositor, client, bytes);
		wl_client_post_no_memory(client);
		return -ENOMEM;
	}
	surface->pixels = pixels;
	surface->buffer_width = width;
	surface->buffer_height = height;
	*ret_fresh = true;
	return 0;
}

/*
 * Where the pixel (x, y) of the upright picture lies in the buffer. The transform is the one that
 * the client drew with (wl_surface.set_buffer_transform): counter-clockwise rotation, after an
 * optional flip around the vertical axis.
 */
static size_t buffer_index(enum wl_output_transform transform, int x, int y, int width, int height,
			   size_t stride)
{
	int bx = x, by = y;

	if (transform >= WL_OUTPUT_TRANSFORM_FLIPPED)
		x = width - 1 - x;
	switch (transform & 3) {
	case WL_OUTPUT_TRANSFORM_NORMAL:
		bx = x;
		by = y;
		break;
	case WL_OUTPUT_TRANSFORM_90:
		bx = height - 1 - y;
		by = x;
		break;
	case WL_OUTPUT_TRANSFORM_180:
		bx = width - 1 - x;
		by = height - 1 - y;
		break;
	case WL_OUTPUT_TRANSFORM_270:
		bx = y;
		by = width - 1 - x;
		break;
	}
	return (size_t)by * stride + (size_t)bx;
}

static void copy_transformed(struct surface *surface, const uint32_t *from, size_t stride,
			     enum wl_output_transform transform)
{
	int width = surface->buffer_width, height = surface->buffer_height;
	uint32_t *to = surface->pixels;

	for (int y = 0; y < height; y++)
		for (int x = 0; x < width; x++)
			*to++ = from[buffer_index(transform, x, y, width, height, stride)];
}

/*
 * The pixels were just written by a browser on another processor and lie in its cache: asking for them
 * ahead of time hides most of the way. A prefetch beyond the buffer does nothing.
 */
static void copy_row(uint32_t *to, const uint32_t *from, size_t count)
{
	size_t i = 0;

	for (; i + BLOCK <= count; i += BLOCK) {
		for (size_t k = 0; k < BLOCK; k += LINE)
			__builtin_prefetch(from + i + AHEAD + k);
		memcpy(to + i, from + i, BLOCK * sizeof(*to));
	}
	memcpy(to + i, from + i, (count - i) * sizeof(*to));
}

static void copy_boxes(struct surface *surface, const uint32_t *from, size_t stride,
		       pixman_region32_t *damage)
{
	pixman_box32_t *boxes;
	int count;

	boxes = pixman_region32_rectangles(damage, &count);
	for (int i = 0; i < count; i++) {
		size_t len = (size_t)(boxes[i].x2 - boxes[i].x1);

		for (int y = boxes[i].y1; y < boxes[i].y2; y++)
			copy_row(&surface->pixels[(size_t)y * (size_t)surface->buffer_width +
						  (size_t)boxes[i].x1],
				 &from[(size_t)y * stride + (size_t)boxes[i].x1], len);
	}
}

static int copy_shm(struct surface *surface, struct wl_shm_buffer *shm, pixman_region32_t *damage)
{
	enum wl_output_transform transform = surface->current.transform;
	uint32_t format = wl_shm_buffer_get_format(shm);
	int32_t stride = wl_shm_buffer_get_stride(shm);

	if ((format != WL_SHM_FORMAT_ARGB8888 && format != WL_SHM_FORMAT_XRGB8888) ||
	    stride % 4 != 0 || stride / 4 < wl_shm_buffer_get_width(shm))
		return -EPROTO;
	surface->has_alpha = format == WL_SHM_FORMAT_ARGB8888;
	/* A pool that was truncated reads as zeros and costs the client its connection. */
	wl_shm_buffer_begin_access(shm);
	if (transform == WL_OUTPUT_TRANSFORM_NORMAL)
		copy_boxes(surface, wl_shm_buffer_get_data(shm), (size_t)stride / 4, damage);
	else
		copy_transformed(surface, wl_shm_buffer_get_data(shm), (size_t)stride / 4,
				 transform);
	wl_shm_buffer_end_access(shm);
	return 0;
}

int shm_buffer_copy(struct surface *surface, struct wl_resource *buffer,
		    const pixman_region32_t *damage)
{
	struct wl_shm_buffer *shm = wl_shm_buffer_get(buffer);
	pixman_region32_t area;
	int width, height, r;
	uint32_t pixel = 0;
	bool fresh;

	r = shm_buffer_size(buffer, surface->current.transform, &width, &height);
	if (r == 0 &&
	    (width < 1 || height < 1 || width > BUFFER_SIDE_MAX || height > BUFFER_SIDE_MAX))
		r = -EPROTO;
	if (r < 0)
		goto refuse;
	r = fit_pixels(surface, width, height, &fresh);
	if (r < 0)
		return r;
	pixman_region32_init_rect(&area, 0, 0, (unsigned int)width, (unsigned int)height);
	if (damage && !fresh)
		pixman_region32_intersect(&area, &area, (pixman_region32_t *)damage);
	if (shm) {
		r = copy_shm(surface, shm, &area);
	} else {
		single_pixel_buffer_get(buffer, &pixel);
		surface->pixels[0] = pixel;
		surface->has_alpha = pixel >> 24 != 0xff;
	}
	pixman_region32_union(&surface->fresh, &surface->fresh, &area);
	pixman_region32_fini(&area);
	region_bound(&surface->fresh, DAMAGE_RECTS_MAX);
	wl_buffer_send_release(buffer);
	if (r == 0)
		return 0;
refuse:
	wl_resource_post_error(surface->resource, WL_SURFACE_ERROR_INVALID_SIZE,
			       "a buffer of %d by %d or of its format cannot be shown",
			       BUFFER_SIDE_MAX, BUFFER_SIDE_MAX);
	return r;
}
