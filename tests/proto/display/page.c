/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "page.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/attr.h"
#include "base/str.h"
#include "xdg-shell-client-protocol.h"

/* --- input ------------------------------------------------------------------------------------ */

static void keyboard_keymap(void *data, struct wl_keyboard *keyboard, uint32_t format, int32_t fd,
			    uint32_t size)
{
	(void)data, (void)keyboard, (void)format, (void)size;
	close(fd);
}

static void keyboard_enter(void *data, struct wl_keyboard *keyboard, uint32_t serial,
			   struct wl_surface *surface, struct wl_array *keys)
{
	struct page *page = data;

	(void)keyboard, (void)surface, (void)keys;
	page->serial = serial;
}

static void keyboard_leave(void *data, struct wl_keyboard *keyboard, uint32_t serial,
			   struct wl_surface *surface)
{
	(void)data, (void)keyboard, (void)serial, (void)surface;
}

static void keyboard_key(void *data, struct wl_keyboard *keyboard, uint32_t serial, uint32_t time,
			 uint32_t key, uint32_t state)
{
	struct page *page = data;

	(void)keyboard, (void)time;
	page->serial = serial;
	if (state == WL_KEYBOARD_KEY_STATE_PRESSED && page->n_keys < PAGE_KEYS_MAX)
		page->keys[page->n_keys++] = key;
	else if (state == WL_KEYBOARD_KEY_STATE_RELEASED)
		page->n_releases++;
}

static void keyboard_modifiers(void *data, struct wl_keyboard *keyboard, uint32_t serial,
			       uint32_t depressed, uint32_t latched, uint32_t locked,
			       uint32_t group)
{
	(void)data, (void)keyboard, (void)serial;
	(void)depressed, (void)latched, (void)locked, (void)group;
}

static void keyboard_repeat_info(void *data, struct wl_keyboard *keyboard, int32_t rate,
				 int32_t delay)
{
	(void)data, (void)keyboard, (void)rate, (void)delay;
}

static const struct wl_keyboard_listener keyboard_listener = {
	.keymap = keyboard_keymap,
	.enter = keyboard_enter,
	.leave = keyboard_leave,
	.key = keyboard_key,
	.modifiers = keyboard_modifiers,
	.repeat_info = keyboard_repeat_info,
};

static void pointer_enter(void *data, struct wl_pointer *pointer, uint32_t serial,
			  struct wl_surface *surface, wl_fixed_t x, wl_fixed_t y)
{
	struct page *page = data;

	(void)pointer, (void)serial, (void)surface;
	page->pointer_x = wl_fixed_to_double(x);
	page->pointer_y = wl_fixed_to_double(y);
}

static void pointer_leave(void *data, struct wl_pointer *pointer, uint32_t serial,
			  struct wl_surface *surface)
{
	(void)data, (void)pointer, (void)serial, (void)surface;
}

static void pointer_motion(void *data, struct wl_pointer *pointer, uint32_t time, wl_fixed_t x,
			   wl_fixed_t y)
{
	struct page *page = data;

	(void)pointer, (void)time;
	page->pointer_x = wl_fixed_to_double(x);
	page->pointer_y = wl_fixed_to_double(y);
}

static void pointer_button(void *data, struct wl_pointer *pointer, uint32_t serial, uint32_t time,
			   uint32_t button, uint32_t state)
{
	struct page *page = data;

	(void)pointer, (void)time;
	page->serial = serial;
	if (state == WL_POINTER_BUTTON_STATE_PRESSED) {
		page->button = button;
		page->n_buttons++;
	} else {
		page->n_button_releases++;
	}
}

static void pointer_axis(void *data, struct wl_pointer *pointer, uint32_t time, uint32_t axis,
			 wl_fixed_t value)
{
	struct page *page = data;

	(void)pointer, (void)time;
	if (axis == WL_POINTER_AXIS_VERTICAL_SCROLL)
		page->axis_y += wl_fixed_to_double(value);
	else
		page->axis_x += wl_fixed_to_double(value);
}

static void pointer_frame(void *data, struct wl_pointer *pointer)
{
	(void)data, (void)pointer;
}

static void pointer_axis_source(void *data, struct wl_pointer *pointer, uint32_t source)
{
	(void)data, (void)pointer, (void)source;
}

static void pointer_axis_stop(void *data, struct wl_pointer *pointer, uint32_t time, uint32_t axis)
{
	(void)data, (void)pointer, (void)time, (void)axis;
}

static void pointer_axis_discrete(void *data, struct wl_pointer *pointer, uint32_t axis,
				  int32_t discrete)
{
	(void)data, (void)pointer, (void)axis, (void)discrete;
}

static const struct wl_pointer_listener pointer_listener = {
	.enter = pointer_enter,
	.leave = pointer_leave,
	.motion = pointer_motion,
	.button = pointer_button,
	.axis = pointer_axis,
	.frame = pointer_frame,
	.axis_source = pointer_axis_source,
	.axis_stop = pointer_axis_stop,
	.axis_discrete = pointer_axis_discrete,
};

/* --- clipboard -------------------------------------------------------------------------------- */

static void source_target(void *data, struct wl_data_source *source, const char *mime)
{
	(void)data, (void)source, (void)mime;
}

static void source_send(void *data, struct wl_data_source *source, const char *mime, int32_t fd)
{
	struct page *page = data;
	ssize_t n = write(fd, page->text, strlen(page->text));

	(void)source, (void)mime;
	assert_int_equal(n, (ssize_t)strlen(page->text));
	close(fd);
}

static void source_cancelled(void *data, struct wl_data_source *source)
{
	struct page *page = data;

	wl_data_source_destroy(source);
	if (page->data_source == source)
		page->data_source = NULL;
}

static const struct wl_data_source_listener source_listener = {
	.target = source_target,
	.send = source_send,
	.cancelled = source_cancelled,
};

void page_copy(struct page *page, const char *text)
{
	(void)str_copy(page->text, sizeof(page->text), text);
	page->data_source = wl_data_device_manager_create_data_source(page->data_manager);
	wl_data_source_add_listener(page->data_source, &source_listener, page);
	wl_data_source_offer(page->data_source, "text/plain;charset=utf-8");
	wl_data_device_set_selection(page->data_device, page->data_source, page->serial);
	wl_display_flush(page->display);
}

static void device_data_offer(void *data, struct wl_data_device *device,
			      struct wl_data_offer *offer)
{
	(void)data, (void)device, (void)offer;
}

static void device_enter(void *data, struct wl_data_device *device, uint32_t serial,
			 struct wl_surface *surface, wl_fixed_t x, wl_fixed_t y,
			 struct wl_data_offer *offer)
{
	(void)data, (void)device, (void)serial, (void)surface, (void)x, (void)y, (void)offer;
}

static void device_leave(void *data, struct wl_data_device *device)
{
	(void)data, (void)device;
}

static void device_motion(void *data, struct wl_data_device *device, uint32_t time, wl_fixed_t x,
			  wl_fixed_t y)
{
	(void)data, (void)device, (void)time, (void)x, (void)y;
}

static void device_selection(void *data, struct wl_data_device *device, struct wl_data_offer *offer)
{
	struct page *page = data;

	(void)device;
	if (page->data_offer)
		wl_data_offer_destroy(page->data_offer);
	page->data_offer = offer;
}

static const struct wl_data_device_listener device_listener = {
	.data_offer = device_data_offer,
	.enter = device_enter,
	.leave = device_leave,
	.motion = device_motion,
	.drop = device_leave,
	.selection = device_selection,
};

/* --- window ----------------------------------------------------------------------------------- */

static void shell_ping(void *data, struct xdg_wm_base *shell, uint32_t serial)
{
	(void)data;
	xdg_wm_base_pong(shell, serial);
}

static const struct xdg_wm_base_listener shell_listener = {.ping = shell_ping};

static void surface_configure(void *data, struct xdg_surface *surface, uint32_t serial)
{
	struct page *page = data;

	xdg_surface_ack_configure(surface, serial);
	page->configured = true;
}

static const struct xdg_surface_listener surface_listener = {.configure = surface_configure};

static void toplevel_configure(void *data, struct xdg_toplevel *toplevel, int32_t width,
			       int32_t height, struct wl_array *states)
{
	struct page *page = data;

	(void)toplevel, (void)states;
	page->wanted_width = width;
	page->wanted_height = height;
}

static void toplevel_close(void *data, struct xdg_toplevel *toplevel)
{
	struct page *page = data;

	(void)toplevel;
	page->closed = true;
}

static const struct xdg_toplevel_listener toplevel_listener = {
	.configure = toplevel_configure,
	.close = toplevel_close,
};

static void bind_global(void *data, struct wl_registry *registry, uint32_t name,
			const char *interface, uint32_t version)
{
	struct page *page = data;
	const struct {
		const struct wl_interface *interface;
		uint32_t version;
		void **place;
	} wanted[] = {
		{&wl_compositor_interface, 4, (void **)&page->compositor},
		{&wl_shm_interface, 1, (void **)&page->shm},
		{&wl_seat_interface, 5, (void **)&page->seat},
		{&xdg_wm_base_interface, 1, (void **)&page->shell},
		{&wl_data_device_manager_interface, 3, (void **)&page->data_manager},
	};

	(void)version;
	for (size_t i = 0; i < ARRAY_LEN(wanted); i++) {
		if (str_eq(interface, wanted[i].interface->name))
			*wanted[i].place = wl_registry_bind(registry, name, wanted[i].interface,
							    wanted[i].version);
	}
}

static void unbind_global(void *data, struct wl_registry *registry, uint32_t name)
{
	(void)data, (void)registry, (void)name;
}

static const struct wl_registry_listener registry_listener = {
	.global = bind_global,
	.global_remove = unbind_global,
};

static void buffer_release(void *data, struct wl_buffer *buffer)
{
	struct page_buffer *page_buffer = data;

	(void)buffer;
	page_buffer->busy = false;
}

static const struct wl_buffer_listener buffer_listener = {.release = buffer_release};

static void drop_buffers(struct page *page)
{
	size_t size = (size_t)page->width * (size_t)page->height * 4;

	for (int i = 0; i < PAGE_BUFFERS; i++) {
		if (!page->buffers[i].buffer)
			continue;
		wl_buffer_destroy(page->buffers[i].buffer);
		munmap(page->buffers[i].pixels, size);
		page->buffers[i] = (struct page_buffer){0};
	}
	free(page->pixels);
	page->pixels = NULL;
}

void page_adopt_size(struct page *page)
{
	size_t size;

	drop_buffers(page);
	page->width = page->wanted_width;
	page->height = page->wanted_height;
	assert_true(page->width > 0 && page->height > 0);
	size = (size_t)page->width * (size_t)page->height * 4;
	page->pixels = calloc(1, size);
	assert_non_null(page->pixels);
	for (int i = 0; i < PAGE_BUFFERS; i++) {
		int fd = memfd_create("page", MFD_CLOEXEC);
		struct wl_shm_pool *pool;

		assert_int_equal(ftruncate(fd, (off_t)size), 0);
		page->buffers[i].pixels = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
					       0);
		assert_ptr_not_equal(page->buffers[i].pixels, MAP_FAILED);
		pool = wl_shm_create_pool(page->shm, fd, (int32_t)size);
		page->buffers[i].buffer = wl_shm_pool_create_buffer(pool, 0, page->width,
								    page->height, page->width * 4,
								    WL_SHM_FORMAT_XRGB8888);
		wl_buffer_add_listener(page->buffers[i].buffer, &buffer_listener,
				       &page->buffers[i]);
		wl_shm_pool_destroy(pool);
		close(fd);
	}
}

static int connect_to(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)str_copy(address.sun_path, sizeof(address.sun_path), path);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

static void page_ready(void *data)
{
	struct page *page = data;

	assert_true(wl_display_dispatch(page->display) >= 0);
	wl_display_flush(page->display);
}

struct harness_source page_source(struct page *page)
{
	return (struct harness_source){
		.fd = wl_display_get_fd(page->display),
		.events = 1, /* POLLIN */
		.ready = page_ready,
		.data = page,
	};
}

static void get_seat(struct page *page)
{
	page->keyboard = wl_seat_get_keyboard(page->seat);
	wl_keyboard_add_listener(page->keyboard, &keyboard_listener, page);
	page->pointer = wl_seat_get_pointer(page->seat);
	wl_pointer_add_listener(page->pointer, &pointer_listener, page);
	page->data_device = wl_data_device_manager_get_data_device(page->data_manager, page->seat);
	wl_data_device_add_listener(page->data_device, &device_listener, page);
}

void page_open(struct page *page, struct harness *harness)
{
	const int all[1][4] = {{0, 0, 1 << 20, 1 << 20}};

	*page = (struct page){.harness = harness};
	page->display = wl_display_connect_to_fd(connect_to(harness->socket));
	assert_non_null(page->display);
	page->registry = wl_display_get_registry(page->display);
	wl_registry_add_listener(page->registry, &registry_listener, page);
	assert_true(wl_display_roundtrip(page->display) >= 0);
	assert_true(page->compositor && page->shm && page->seat && page->shell &&
		    page->data_manager);
	get_seat(page);
	xdg_wm_base_add_listener(page->shell, &shell_listener, page);
	page->surface = wl_compositor_create_surface(page->compositor);
	page->xdg_surface = xdg_wm_base_get_xdg_surface(page->shell, page->surface);
	xdg_surface_add_listener(page->xdg_surface, &surface_listener, page);
	page->toplevel = xdg_surface_get_toplevel(page->xdg_surface);
	xdg_toplevel_add_listener(page->toplevel, &toplevel_listener, page);
	wl_surface_commit(page->surface);
	while (!page->configured)
		assert_true(wl_display_roundtrip(page->display) >= 0);
	page_adopt_size(page);
	page_commit(page, all, 1);
	assert_true(wl_display_roundtrip(page->display) >= 0);
}

void page_close(struct page *page)
{
	drop_buffers(page);
	wl_display_disconnect(page->display);
	page->display = NULL;
}

static struct page_buffer *free_buffer(const struct page *page)
{
	for (int i = 0; i < PAGE_BUFFERS; i++) {
		if (!page->buffers[i].busy)
			return (struct page_buffer *)&page->buffers[i];
	}
	return NULL;
}

bool page_can_commit(const struct page *page)
{
	return free_buffer(page);
}

static void frame_done(void *data, struct wl_callback *callback, uint32_t time)
{
	struct page *page = data;

	(void)time;
	wl_callback_destroy(callback);
	page->frame = NULL;
	page->frames++;
}

static const struct wl_callback_listener frame_listener = {.done = frame_done};

void page_commit(struct page *page, const int (*damage)[4], int n)
{
	struct page_buffer *buffer = free_buffer(page);

	for (int i = 0; !buffer && i < 1000; i++) {
		assert_true(wl_display_roundtrip(page->display) >= 0);
		buffer = free_buffer(page);
	}
	assert_non_null(buffer);
	memcpy(buffer->pixels, page->pixels, (size_t)page->width * (size_t)page->height * 4);
	buffer->busy = true;
	wl_surface_attach(page->surface, buffer->buffer, 0, 0);
	for (int i = 0; i < n; i++)
		wl_surface_damage_buffer(page->surface, damage[i][0], damage[i][1], damage[i][2],
					 damage[i][3]);
	if (!page->frame) {
		page->frame = wl_surface_frame(page->surface);
		wl_callback_add_listener(page->frame, &frame_listener, page);
		page->frames_wanted++;
	}
	wl_surface_commit(page->surface);
	wl_display_flush(page->display);
}
