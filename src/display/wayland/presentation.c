/* SPDX-License-Identifier: GPL-3.0-or-later */
/* wp_presentation (presentation-time.xml): when a frame was taken, and the refresh interval. */
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "display/wayland/client.h"
#include "display/wayland/surface.h"
#include "presentation-time-server-protocol.h"

#define PRESENTATION_VERSION 1

static void destroy_feedback(struct wl_resource *resource)
{
	wl_list_remove(wl_resource_get_link(resource));
	client_give(wl_resource_get_client(resource), CLIENT_CALLBACK);
}

static void send_sync_output(struct surface *surface, struct wl_resource *feedback)
{
	struct wl_resource *output;

	wl_resource_for_each(output,
			     &surface->compositor->outputs) if (wl_resource_get_client(output) ==
								wl_resource_get_client(feedback))
		wp_presentation_feedback_send_sync_output(feedback, output);
}

void presentation_answer(struct surface *surface, bool discarded)
{
	struct compositor *compositor = surface->compositor;
	struct wl_resource *feedback, *next;
	uint64_t now, seconds, seq;

	if (wl_list_empty(&surface->current.feedbacks))
		return;
	now = clock_now();
	seconds = now / USEC_PER_SEC;
	seq = ++compositor->present_seq;
	wl_resource_for_each_safe(feedback, next, &surface->current.feedbacks)
	{
		if (discarded) {
			wp_presentation_feedback_send_discarded(feedback);
		} else {
			send_sync_output(surface, feedback);
			wp_presentation_feedback_send_presented(
				feedback, (uint32_t)(seconds >> 32), (uint32_t)seconds,
				(uint32_t)(now % USEC_PER_SEC * 1000), compositor->refresh_ns,
				(uint32_t)(seq >> 32), (uint32_t)seq, 0);
		}
		wl_resource_destroy(feedback);
	}
}

static void handle_feedback(struct wl_client *client, struct wl_resource *resource,
			    struct wl_resource *surface_resource, uint32_t id)
{
	struct surface *surface = surface_from_resource(surface_resource);
	struct wl_resource *feedback;

	if (!client_take(client, CLIENT_CALLBACK))
		return;
	feedback = wl_resource_create(client, &wp_presentation_feedback_interface,
				      wl_resource_get_version(resource), id);
	if (!feedback) {
		client_give(client, CLIENT_CALLBACK);
		wl_client_post_no_memory(client);
		return;
	}
	wl_resource_set_implementation(feedback, NULL, NULL, destroy_feedback);
	wl_list_insert(surface->pending.feedbacks.prev, wl_resource_get_link(feedback));
}

static const struct wp_presentation_interface presentation_impl = {
	.destroy = resource_destroy_request,
	.feedback = handle_feedback,
};

static void bind_presentation(struct wl_client *client, void *data, uint32_t version, uint32_t id)
{
	struct wl_resource *resource = compositor_bind(data, client, &wp_presentation_interface,
						       &presentation_impl, version, id);

	if (resource)
		wp_presentation_send_clock_id(resource, CLOCK_MONOTONIC);
}

int presentation_init(struct compositor *compositor)
{
	return compositor_add_global(compositor, &wp_presentation_interface, PRESENTATION_VERSION,
				     bind_presentation);
}
