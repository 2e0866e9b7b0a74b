/* SPDX-License-Identifier: GPL-3.0-or-later */
/* zwp_text_input_v3: characters that no key can give go straight into the focused text field. */
#include <stdlib.h>

#include "display/wayland/client.h"
#include "display/wayland/seat.h"
#include "text-input-unstable-v3-server-protocol.h"

#define TEXT_INPUT_VERSION 1

struct text_input {
	struct wl_resource *resource;
	struct seat *seat;
	struct wl_list link; /* seat.text_inputs */
	bool entered; /* the focus is a surface of its client */
	bool enabled, pending_enabled;
	uint32_t commits;
};

void text_input_focus(struct seat *seat, struct surface *old, struct surface *surface)
{
	struct text_input *input;

	wl_list_for_each (input, &seat->text_inputs, link) {
		struct wl_client *client = wl_resource_get_client(input->resource);

		if (old && input->entered && surface_client(old) == client)
			zwp_text_input_v3_send_leave(input->resource, old->resource);
		input->entered = surface && surface_client(surface) == client;
		input->enabled = input->pending_enabled = false;
		if (input->entered)
			zwp_text_input_v3_send_enter(input->resource, surface->resource);
	}
}

static struct text_input *find_active(const struct seat *seat)
{
	struct text_input *input;

	wl_list_for_each (input, &seat->text_inputs, link)
		if (input->entered && input->enabled)
			return input;
	return NULL;
}

bool text_input_is_active(const struct seat *seat)
{
	return find_active(seat) != NULL;
}

void text_input_commit(struct seat *seat, const char *utf8)
{
	struct text_input *input = find_active(seat);

	if (!input)
		return;
	zwp_text_input_v3_send_commit_string(input->resource, utf8);
	zwp_text_input_v3_send_done(input->resource, input->commits);
}

static void handle_enable(struct wl_client *client, struct wl_resource *resource)
{
	struct text_input *input = wl_resource_get_user_data(resource);

	(void)client;
	input->pending_enabled = input->entered;
}

static void handle_disable(struct wl_client *client, struct wl_resource *resource)
{
	struct text_input *input = wl_resource_get_user_data(resource);

	(void)client;
	input->pending_enabled = false;
}

static void handle_set_surrounding(struct wl_client *client, struct wl_resource *resource,
				   const char *text, int32_t cursor, int32_t anchor)
{
	(void)client;
	(void)resource;
	(void)text;
	(void)cursor;
	(void)anchor;
}

static void handle_set_change_cause(struct wl_client *client, struct wl_resource *resource,
				    uint32_t cause)
{
	(void)client;
	(void)resource;
	(void)cause;
}

static void handle_set_content_type(struct wl_client *client, struct wl_resource *resource,
				    uint32_t hint, uint32_t purpose)
{
	(void)client;
	(void)resource;
	(void)hint;
	(void)purpose;
}

static void handle_set_cursor_rectangle(struct wl_client *client, struct wl_resource *resource,
					int32_t x, int32_t y, int32_t width, int32_t height)
{
	(void)client;
	(void)resource;
	(void)x;
	(void)y;
	(void)width;
	(void)height;
}

static void handle_commit(struct wl_client *client, struct wl_resource *resource)
{
	struct text_input *input = wl_resource_get_user_data(resource);

	(void)client;
	input->commits++;
	input->enabled = input->pending_enabled;
}

static const struct zwp_text_input_v3_interface text_input_impl = {
	.destroy = resource_destroy_request,
	.enable = handle_enable,
	.disable = handle_disable,
	.set_surrounding_text = handle_set_surrounding,
	.set_text_change_cause = handle_set_change_cause,
	.set_content_type = handle_set_content_type,
	.set_cursor_rectangle = handle_set_cursor_rectangle,
	.commit = handle_commit,
};

static void destroy_text_input(struct wl_resource *resource)
{
	struct text_input *input = wl_resource_get_user_data(resource);

	wl_list_remove(&input->link);
	client_give(wl_resource_get_client(resource), CLIENT_SEAT_OBJECT);
	free(input);
}

static void handle_get(struct wl_client *client, struct wl_resource *resource, uint32_t id,
		       struct wl_resource *seat_resource)
{
	struct seat *seat = wl_resource_get_user_data(seat_resource);
	struct surface *focus = seat->keyboard.focus.surface;
	struct text_input *input;

	if (!client_take(client, CLIENT_SEAT_OBJECT))
		return;
	input = calloc(1, sizeof(*input));
	if (input)
		input->resource = wl_resource_create(client, &zwp_text_input_v3_interface,
						     wl_resource_get_version(resource), id);
	if (!input || !input->resource) {
		free(input);
		client_give(client, CLIENT_SEAT_OBJECT);
		wl_client_post_no_memory(client);
		return;
	}
	input->seat = seat;
	wl_list_insert(&seat->text_inputs, &input->link);
	wl_resource_set_implementation(input->resource, &text_input_impl, input,
				       destroy_text_input);
	if (surface_client(focus) == client) {
		input->entered = true;
		zwp_text_input_v3_send_enter(input->resource, focus->resource);
	}
}

static const struct zwp_text_input_manager_v3_interface manager_impl = {
	.destroy = resource_destroy_request,
	.get_text_input = handle_get,
};

static void bind_manager(struct wl_client *client, void *data, uint32_t version, uint32_t id)
{
	compositor_bind(data, client, &zwp_text_input_manager_v3_interface, &manager_impl, version,
			id);
}

int text_input_init(struct compositor *compositor)
{
	return compositor_add_global(compositor, &zwp_text_input_manager_v3_interface,
				     TEXT_INPUT_VERSION, bind_manager);
}
