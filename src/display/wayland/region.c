/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdlib.h>

#include "base/attr.h"
#include "display/wayland/client.h"
#include "display/wayland/region.h"

/* Cuts [*pos, *pos + *len) to +-COORD_MAX; false if nothing is left. */
static bool clamp_span(int *pos, int *len)
{
	int64_t from = *pos, to = from + *len;

	from = CLAMP(from, -COORD_MAX, COORD_MAX);
	to = CLAMP(to, -COORD_MAX, COORD_MAX);
	*pos = (int)from;
	*len = (int)(to - from);
	return to > from;
}

void region_add_clamped(pixman_region32_t *region, int x, int y, int width, int height)
{
	if (clamp_span(&x, &width) && clamp_span(&y, &height))
		pixman_region32_union_rect(region, region, x, y, (unsigned int)width,
					   (unsigned int)height);
}

void region_bound(pixman_region32_t *region, int max)
{
	if (pixman_region32_n_rects(region) > max) {
		pixman_box32_t box = *pixman_region32_extents(region);

		pixman_region32_reset(region, &box);
	}
}

static void check_size(struct wl_resource *resource, const pixman_region32_t *region)
{
	if (pixman_region32_n_rects((pixman_region32_t *)region) > REGION_RECTS_MAX)
		wl_resource_post_no_memory(resource);
}

static void handle_add(struct wl_client *client, struct wl_resource *resource, int32_t x, int32_t y,
		       int32_t width, int32_t height)
{
	pixman_region32_t *region = wl_resource_get_user_data(resource);

	(void)client;
	region_add_clamped(region, x, y, width, height);
	check_size(resource, region);
}

static void handle_subtract(struct wl_client *client, struct wl_resource *resource, int32_t x,
			    int32_t y, int32_t width, int32_t height)
{
	pixman_region32_t *region = wl_resource_get_user_data(resource);
	pixman_region32_t rect;

	(void)client;
	if (!clamp_span(&x, &width) || !clamp_span(&y, &height))
		return;
	pixman_region32_init_rect(&rect, x, y, (unsigned int)width, (unsigned int)height);
	pixman_region32_subtract(region, region, &rect);
	pixman_region32_fini(&rect);
	check_size(resource, region);
}

static const struct wl_region_interface region_impl = {
	.destroy = resource_destroy_request,
	.add = handle_add,
	.subtract = handle_subtract,
};

static void destroy_region(struct wl_resource *resource)
{
	pixman_region32_t *region = wl_resource_get_user_data(resource);

	client_give(wl_resource_get_client(resource), CLIENT_REGION);
	pixman_region32_fini(region);
	free(region);
}

void region_create(struct wl_client *client, uint32_t id)
{
	struct wl_resource *resource;
	pixman_region32_t *region;

	if (!client_take(client, CLIENT_REGION))
		return;
	region = calloc(1, sizeof(*region));
	resource = wl_resource_create(client, &wl_region_interface, 1, id);
	if (!region || !resource) {
		free(region);
		client_give(client, CLIENT_REGION);
		wl_client_post_no_memory(client);
		return;
	}
	pixman_region32_init(region);
	wl_resource_set_implementation(resource, &region_impl, region, destroy_region);
}

const pixman_region32_t *region_get(struct wl_resource *resource)
{
	return wl_resource_get_user_data(resource);
}
