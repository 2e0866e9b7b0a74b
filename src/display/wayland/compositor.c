/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/mem.h"
#include "display/wayland/client.h"
#include "display/wayland/clipboard.h"
#include "display/wayland/seat.h"
#include "display/wayland/surface.h"
#include "display/wayland/xdg.h"

#define SCALE_MIN 60
#define SCALE_MAX 480
#define REFRESH_START 16666667

int compositor_add_global(struct compositor *compositor, const struct wl_interface *interface,
			  int version, wl_global_bind_func_t bind)
{
	struct wl_global *global;

	if (compositor->global_count == GLOBALS_MAX)
		return -ENOMEM;
	global = wl_global_create(compositor->display, interface, version, compositor, bind);
	if (!global)
		return -ENOMEM;
	compositor->globals[compositor->global_count++] = global;
	return 0;
}

struct wl_resource *compositor_bind(struct compositor *compositor, struct wl_client *client,
				    const struct wl_interface *interface, const void *impl,
				    uint32_t version, uint32_t id)
{
	struct wl_resource *resource = wl_resource_create(client, interface, (int)version, id);

	if (!resource)
		wl_client_post_no_memory(client);
	else
		wl_resource_set_implementation(resource, impl, compositor, NULL);
	return resource;
}

static void handle_settle(void *data)
{
	struct compositor *compositor = data;

	compositor->settle_idle = NULL;
	pointer_repick(compositor->seat);
	keyboard_refocus(compositor->seat);
}

void compositor_settle_later(struct compositor *compositor)
{
	if (!compositor->settle_idle)
		compositor->settle_idle = wl_event_loop_add_idle(compositor->loop, handle_settle,
								 compositor);
}

static bool size_is_valid(int width, int height, int scale120)
{
	return width >= 1 && height >= 1 && width <= OUTPUT_SIDE_MAX && height <= OUTPUT_SIDE_MAX &&
	       scale120 >= SCALE_MIN && scale120 <= SCALE_MAX;
}

static const struct {
	int (*init)(struct compositor *compositor);
} protocols[] = {
	{client_init},     {pace_init},         {surface_init},          {subsurface_init},
	{output_init},     {xdg_shell_init},    {data_device_init},      {primary_selection_init},
	{viewporter_init}, {presentation_init}, {fractional_scale_init}, {single_pixel_buffer_init},
	{decoration_init}, {foreign_init},      {activation_init},       {text_input_init},
};

/* libwayland's words about what a client did: many, if the client wishes. */
static PRINTF(1, 0) void handle_library_log(const char *format, va_list args)
{
	char text[LOG_VALUE_MAX];

	if (log_level() < LOG_DEBUG)
		return;
	vsnprintf(text, sizeof(text), format, args);
	log_event(LOG_DEBUG, "wayland.library", LOG_STR("text", text));
}

static int set_up(struct compositor *compositor, const char *layout)
{
	int r = seat_create(compositor, layout, &compositor->seat);

	wl_log_set_handler_server(handle_library_log);
	if (r < 0)
		return r;
	if (wl_display_init_shm(compositor->display) != 0)
		return -ENOMEM;
	for (size_t i = 0; i < ARRAY_LEN(protocols); i++) {
		r = protocols[i].init(compositor);
		if (r < 0)
			return r;
	}
	return 0;
}

int compositor_create(const struct compositor_config *config, const struct compositor_impl *impl,
		      void *data, struct compositor **ret_compositor)
{
	struct compositor *compositor;
	int r;

	if (!size_is_valid(config->width, config->height, config->scale120))
		return -EINVAL;
	compositor = calloc(1, sizeof(*compositor));
	if (!compositor)
		return -ENOMEM;
	compositor->display = config->display;
	compositor->loop = wl_display_get_event_loop(config->display);
	compositor->impl = impl;
	compositor->data = data;
	compositor->width = config->width;
	compositor->height = config->height;
	compositor->scale120 = config->scale120;
	compositor->refresh_ns = REFRESH_START;
	wl_list_init(&compositor->client_created.link);
	wl_list_init(&compositor->stack);
	wl_list_init(&compositor->grabs);
	wl_list_init(&compositor->writes);
	scene_init(&compositor->scene);
	output_compute_area(compositor);
	scene_damage_all(compositor);
	r = set_up(compositor, config->keyboard_layout ? config->keyboard_layout : "us");
	if (r < 0) {
		compositor_destroy(compositor);
		return r;
	}
	*ret_compositor = compositor;
	return 0;
}

void compositor_destroy(struct compositor *compositor)
{
	static const struct compositor_impl silent;

	if (!compositor)
		return;
	clipboard_finish(compositor);
	compositor->impl = &silent;
	wl_display_destroy_clients(compositor->display);
	for (int i = 0; i < compositor->global_count; i++)
		wl_global_destroy(compositor->globals[i]);
	if (compositor->logger)
		client_finish(compositor);
	pace_finish(compositor);
	seat_destroy(compositor->seat);
	if (compositor->settle_idle)
		wl_event_source_remove(compositor->settle_idle);
	scene_finish(&compositor->scene);
	free(compositor->clipboard);
	free(compositor->primary);
	free(compositor);
}

int compositor_picture(struct compositor *compositor, struct picture *ret_picture,
		       pixman_region32_t *damage)
{
	return scene_picture(compositor, ret_picture, damage);
}

int compositor_resize(struct compositor *compositor, int width, int height, int scale120)
{
	if (!size_is_valid(width, height, scale120) ||
	    height < compositor->scene.strip_height + OUTPUT_REST_MIN)
		return -EINVAL;
	if (width == compositor->width && height == compositor->height &&
	    scale120 == compositor->scale120)
		return 0;
	compositor->width = width;
	compositor->height = height;
	compositor->scale120 = scale120;
	output_update(compositor);
	return 0;
}

int compositor_set_strip(struct compositor *compositor, const struct picture *strip)
{
	int old_height = compositor->scene.strip_height, r;

	if (strip && (strip->width < 1 || strip->height < 1 ||
		      strip->height > compositor->height - OUTPUT_REST_MIN))
		return -EINVAL;
	r = scene_set_strip(compositor, strip);
	if (r == 0 && compositor->scene.strip_height != old_height)
		output_update(compositor);
	return r;
}

void compositor_close_all(struct compositor *compositor)
{
	struct toplevel *toplevel;

	wl_list_for_each (toplevel, &compositor->stack, stack_link)
		xdg_toplevel_send_close(toplevel->resource);
}

int compositor_toplevel_count(const struct compositor *compositor)
{
	return wl_list_length(&compositor->stack);
}
