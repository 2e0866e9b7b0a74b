/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <linux/input-event-codes.h>
#include <math.h>
#include <stdlib.h>

#include "base/attr.h"
#include "base/clock.h"
#include "display/wayland/client.h"
#include "display/wayland/drag.h"
#include "display/wayland/seat.h"
#include "display/wayland/xdg.h"

#define NOTCH 120 /* wheel units of one notch */
#define NOTCH_AXIS 10 /* axis units of one notch: 120 pixels in Chromium, three lines in GTK */

static uint32_t now_ms(void)
{
	return (uint32_t)(clock_now() / USEC_PER_MSEC);
}

/* ---- events to the clients ----------------------------------------------------------------- */

static void send_frame(struct wl_resource *resource)
{
	if (wl_resource_get_version(resource) >= WL_POINTER_FRAME_SINCE_VERSION)
		wl_pointer_send_frame(resource);
}

static void send_enter(struct seat *seat, struct wl_resource *resource)
{
	struct pointer *pointer = &seat->pointer;

	wl_pointer_send_enter(resource, pointer->enter_serial, pointer->focus.surface->resource,
			      wl_fixed_from_double(pointer->sx), wl_fixed_from_double(pointer->sy));
	send_frame(resource);
}

void pointer_set_focus(struct seat *seat, struct surface *surface, double sx, double sy)
{
	struct pointer *pointer = &seat->pointer;
	struct surface *old = pointer->focus.surface;
	struct wl_resource *resource;
	uint32_t serial;

	pointer->sx = sx;
	pointer->sy = sy;
	if (old == surface)
		return;
	serial = wl_display_next_serial(seat->compositor->display);
	wl_resource_for_each(resource, &pointer->resources)
	{
		if (!old || wl_resource_get_client(resource) != surface_client(old))
			continue;
		wl_pointer_send_leave(resource, serial, old->resource);
		send_frame(resource);
	}
	surface_link_set(&pointer->focus, surface);
	if (!surface) {
		cursor_reset(seat);
		return;
	}
	pointer->enter_serial = wl_display_next_serial(seat->compositor->display);
	wl_resource_for_each(resource, &pointer->resources) if (wl_resource_get_client(resource) ==
								surface_client(surface))
		send_enter(seat, resource);
}

static void send_motion(struct seat *seat)
{
	struct pointer *pointer = &seat->pointer;
	struct wl_resource *resource;

	wl_resource_for_each(resource, &pointer->resources)
	{
		if (!pointer->focus.surface ||
		    wl_resource_get_client(resource) != surface_client(pointer->focus.surface))
			continue;
		wl_pointer_send_motion(resource, now_ms(), wl_fixed_from_double(pointer->sx),
				       wl_fixed_from_double(pointer->sy));
		send_frame(resource);
	}
}

static uint32_t send_button(struct seat *seat, uint32_t button, bool pressed)
{
	uint32_t serial = wl_display_next_serial(seat->compositor->display);
	struct pointer *pointer = &seat->pointer;
	struct wl_resource *resource;

	wl_resource_for_each(resource, &pointer->resources)
	{
		if (!pointer->focus.surface ||
		    wl_resource_get_client(resource) != surface_client(pointer->focus.surface))
			continue;
		wl_pointer_send_button(resource, serial, now_ms(), button,
				       pressed ? WL_POINTER_BUTTON_STATE_PRESSED
					       : WL_POINTER_BUTTON_STATE_RELEASED);
		send_frame(resource);
	}
	return serial;
}

/* ---- what is under the pointer ------------------------------------------------------------- */

void pointer_place(const struct seat *seat, double *ret_x, double *ret_y)
{
	const struct compositor *compositor = seat->compositor;
	double scale = compositor->scale120 / (double)COMPOSITOR_SCALE_ONE;

	*ret_x = seat->pointer.x / scale;
	*ret_y = (seat->pointer.y - compositor->scene.strip_height) / scale;
}

/* Where a surface's origin is, logical, in the area. */
static void surface_place(struct surface *surface, int *ret_x, int *ret_y)
{
	const struct xdg_surface *xdg;
	int x = 0, y = 0;

	while (surface->subsurface && surface->subsurface->parent) {
		x += surface->subsurface->x;
		y += surface->subsurface->y;
		surface = surface->subsurface->parent;
	}
	*ret_x = *ret_y = 0;
	xdg = xdg_surface_from_surface(surface);
	if (xdg)
		xdg_surface_position(xdg, ret_x, ret_y);
	*ret_x += x;
	*ret_y += y;
}

/* While a popup has a grab, other clients' surfaces are not there (xdg_popup.grab). */
static bool is_shut_out(const struct seat *seat, const struct surface *surface)
{
	const struct wl_list *grabs = &seat->compositor->grabs;
	const struct popup *top;

	if (wl_list_empty(grabs))
		return false;
	top = wl_container_of(grabs->next, top, grab_link);
	return wl_resource_get_client(top->resource) != surface_client(surface);
}

static void update_focus(struct seat *seat)
{
	struct pointer *pointer = &seat->pointer;
	struct surface *hit;
	double x, y, sx = 0, sy = 0;
	int left, top;

	pointer_place(seat, &x, &y);
	if (pointer->button_count > 0 && !seat->compositor->drag) {
		if (!pointer->focus.surface)
			return;
		surface_place(pointer->focus.surface, &left, &top);
		pointer->sx = x - left;
		pointer->sy = y - top;
		return;
	}
	hit = scene_pick(seat->compositor, x, y, &sx, &sy);
	if (seat->compositor->drag) {
		drag_motion(seat->compositor, hit, sx, sy);
		return;
	}
	if (hit && is_shut_out(seat, hit))
		hit = NULL;
	pointer_set_focus(seat, hit, sx, sy);
}

void pointer_repick(struct seat *seat)
{
	struct pointer *pointer = &seat->pointer;
	struct surface *before = pointer->focus.surface;
	double sx = pointer->sx, sy = pointer->sy;

	if (seat->compositor->drag)
		return;
	update_focus(seat);
	/* The window moved below a pointer that stands still. */
	if (before && before == pointer->focus.surface && pointer->button_count == 0 &&
	    (fabs(sx - pointer->sx) > 0.001 || fabs(sy - pointer->sy) > 0.001))
		send_motion(seat);
}

void pointer_clamp(struct seat *seat)
{
	struct pointer *pointer = &seat->pointer;

	pointer->x = CLAMP(pointer->x, 0, seat->compositor->width - 1);
	pointer->y = CLAMP(pointer->y, 0, seat->compositor->height - 1);
}

/* ---- input --------------------------------------------------------------------------------- */

void compositor_pointer_motion(struct compositor *compositor, int x, int y)
{
	struct seat *seat = compositor->seat;
	struct pointer *pointer = &seat->pointer;
	double lx, ly;

	if (x == pointer->x && y == pointer->y)
		return;
	pointer->x = x;
	pointer->y = y;
	pointer_clamp(seat);
	if (pointer->moving) {
		pointer_place(seat, &lx, &ly);
		toplevel_drag_to(pointer->moving, (int)lx - pointer->move_x,
				 (int)ly - pointer->move_y);
		return;
	}
	update_focus(seat);
	if (!compositor->drag)
		send_motion(seat);
}

static int find_button(const struct pointer *pointer, uint32_t button)
{
	for (int i = 0; i < pointer->button_count; i++)
		if (pointer->buttons[i] == button)
			return i;
	return -1;
}

/* A click brings its window up. */
static void raise_focus(struct seat *seat)
{
	struct surface *focus = seat->pointer.focus.surface;
	struct xdg_surface *xdg;
	struct toplevel *toplevel;

	if (!focus)
		return;
	xdg = xdg_surface_from_surface(surface_root(focus));
	toplevel = xdg ? xdg_surface_toplevel(xdg) : NULL;
	if (toplevel && toplevel != seat->compositor->active)
		toplevel_raise(toplevel);
}

static void press(struct seat *seat, uint32_t button)
{
	struct pointer *pointer = &seat->pointer;

	if (pointer->button_count == BUTTONS_MAX)
		return;
	if (pointer->button_count == 0 && !pointer->focus.surface)
		popup_dismiss_all(seat->compositor);
	pointer->buttons[pointer->button_count++] = button;
	if (pointer->button_count == 1) {
		raise_focus(seat);
		pointer->press_serial = send_button(seat, button, true);
	} else {
		send_button(seat, button, true);
	}
}

static void release(struct seat *seat, int index)
{
	struct pointer *pointer = &seat->pointer;
	uint32_t button = pointer->buttons[index];

	pointer->buttons[index] = pointer->buttons[--pointer->button_count];
	if (pointer->moving) {
		if (pointer->button_count == 0)
			pointer->moving = NULL;
	} else if (!seat->compositor->drag) {
		send_button(seat, button, false);
	} else if (pointer->button_count == 0) {
		drag_drop(seat->compositor);
	}
	if (pointer->button_count == 0)
		update_focus(seat);
}

void compositor_pointer_button(struct compositor *compositor, uint32_t button, bool pressed)
{
	struct seat *seat = compositor->seat;
	int index;

	if (button == BTN_BACK)
		button = BTN_SIDE;
	else if (button == BTN_FORWARD)
		button = BTN_EXTRA;
	index = find_button(&seat->pointer, button);
	if (pressed && index < 0)
		press(seat, button);
	else if (!pressed && index >= 0)
		release(seat, index);
}

static void send_axis(struct wl_resource *resource, uint32_t axis, int value120, int notches)
{
	int version = wl_resource_get_version(resource);

	if (value120 == 0)
		return;
	if (version >= WL_POINTER_AXIS_VALUE120_SINCE_VERSION)
		wl_pointer_send_axis_value120(resource, axis, value120);
	else if (version >= WL_POINTER_AXIS_DISCRETE_SINCE_VERSION && notches != 0)
		wl_pointer_send_axis_discrete(resource, axis, notches);
	wl_pointer_send_axis(resource, now_ms(), axis,
			     wl_fixed_from_double(value120 * (double)NOTCH_AXIS / NOTCH));
}

static int take_notches(int *sum, int value120)
{
	int notches;

	*sum += value120;
	notches = *sum / NOTCH;
	*sum -= notches * NOTCH;
	return notches;
}

void compositor_pointer_wheel(struct compositor *compositor, int dx120, int dy120)
{
	struct pointer *pointer = &compositor->seat->pointer;
	struct wl_resource *resource;
	int nx, ny;

	dx120 = CLAMP(dx120, -100 * NOTCH, 100 * NOTCH);
	dy120 = CLAMP(dy120, -100 * NOTCH, 100 * NOTCH);
	nx = take_notches(&pointer->wheel_x, dx120);
	ny = take_notches(&pointer->wheel_y, dy120);
	if (!pointer->focus.surface || compositor->drag || (dx120 == 0 && dy120 == 0))
		return;
	wl_resource_for_each(resource, &pointer->resources)
	{
		if (wl_resource_get_client(resource) != surface_client(pointer->focus.surface))
			continue;
		if (wl_resource_get_version(resource) >= WL_POINTER_AXIS_SOURCE_SINCE_VERSION)
			wl_pointer_send_axis_source(resource, WL_POINTER_AXIS_SOURCE_WHEEL);
		send_axis(resource, WL_POINTER_AXIS_HORIZONTAL_SCROLL, dx120, nx);
		send_axis(resource, WL_POINTER_AXIS_VERTICAL_SCROLL, dy120, ny);
		send_frame(resource);
	}
}

void pointer_release_all(struct seat *seat)
{
	while (seat->pointer.button_count > 0)
		release(seat, seat->pointer.button_count - 1);
}

/* ---- grabs --------------------------------------------------------------------------------- */

bool pointer_has_grab(const struct seat *seat, struct wl_client *client, uint32_t serial)
{
	const struct pointer *pointer = &seat->pointer;

	return pointer->button_count > 0 && pointer->press_serial == serial &&
	       surface_client(pointer->focus.surface) == client;
}

void pointer_start_move(struct seat *seat, struct toplevel *toplevel, uint32_t serial)
{
	struct pointer *pointer = &seat->pointer;
	double x, y;

	if (!pointer_has_grab(seat, wl_resource_get_client(toplevel->resource), serial))
		return;
	pointer_place(seat, &x, &y);
	pointer->moving = toplevel;
	pointer->move_x = (int)x - toplevel->x;
	pointer->move_y = (int)y - toplevel->y;
	pointer_set_focus(seat, NULL, 0, 0);
}

void pointer_drag_began(struct seat *seat)
{
	pointer_set_focus(seat, NULL, 0, 0);
	update_focus(seat);
}

void pointer_forget_window(struct seat *seat, const struct toplevel *toplevel)
{
	if (seat->pointer.moving == toplevel)
		seat->pointer.moving = NULL;
}

/* ---- wl_pointer ---------------------------------------------------------------------------- */

static void handle_set_cursor(struct wl_client *client, struct wl_resource *resource,
			      uint32_t serial, struct wl_resource *surface_resource, int32_t hot_x,
			      int32_t hot_y)
{
	struct seat *seat = wl_resource_get_user_data(resource);

	(void)serial;
	if (client == surface_client(seat->pointer.focus.surface))
		cursor_set(seat, resource,
			   surface_resource ? surface_from_resource(surface_resource) : NULL, hot_x,
			   hot_y);
}

static const struct wl_pointer_interface pointer_impl = {
	.set_cursor = handle_set_cursor,
	.release = resource_destroy_request,
};

static void destroy_pointer(struct wl_resource *resource)
{
	wl_list_remove(wl_resource_get_link(resource));
	client_give(wl_resource_get_client(resource), CLIENT_SEAT_OBJECT);
}

void pointer_add(struct seat *seat, struct wl_client *client, uint32_t version, uint32_t id)
{
	struct wl_resource *resource;

	if (!client_take(client, CLIENT_SEAT_OBJECT))
		return;
	resource = wl_resource_create(client, &wl_pointer_interface, (int)version, id);
	if (!resource) {
		client_give(client, CLIENT_SEAT_OBJECT);
		wl_client_post_no_memory(client);
		return;
	}
	wl_resource_set_implementation(resource, &pointer_impl, seat, destroy_pointer);
	wl_list_insert(&seat->pointer.resources, wl_resource_get_link(resource));
	if (client == surface_client(seat->pointer.focus.surface))
		send_enter(seat, resource);
}

static void handle_focus_destroy(struct wl_listener *listener, void *data)
{
	struct surface_link *link = wl_container_of(listener, link, destroy);
	struct seat *seat = link->seat;

	(void)data;
	surface_link_set(link, NULL);
	cursor_reset(seat);
	compositor_settle_later(seat->compositor);
}

void pointer_init(struct seat *seat)
{
	wl_list_init(&seat->pointer.resources);
	surface_link_init(&seat->pointer.focus, seat, handle_focus_destroy);
}
