/* SPDX-License-Identifier: GPL-3.0-or-later */
/* wl_data_device_manager (wayland.xml, version 3): the objects of clipboard and drag. */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "display/wayland/client.h"
#include "display/wayland/clipboard.h"
#include "display/wayland/drag.h"
#include "display/wayland/seat.h"

#define DATA_DEVICE_VERSION 3
#define ACTIONS_ALL                                                                        \
	(WL_DATA_DEVICE_MANAGER_DND_ACTION_COPY | WL_DATA_DEVICE_MANAGER_DND_ACTION_MOVE | \
	 WL_DATA_DEVICE_MANAGER_DND_ACTION_ASK)

/* ---- wl_data_offer ------------------------------------------------------------------------- */

/* The target's wish if the source can do it, else the first that both can. */
static uint32_t settle_action(const struct data_offer *offer)
{
	uint32_t both = offer->source->actions & offer->actions;

	if (both & offer->preferred)
		return offer->preferred;
	return both & -both;
}

static void tell_action(struct data_offer *offer)
{
	struct source *source = offer->source;
	uint32_t action = settle_action(offer);

	if (action == offer->action)
		return;
	offer->action = action;
	if (wl_resource_get_version(source->resource) >= WL_DATA_SOURCE_ACTION_SINCE_VERSION)
		wl_data_source_send_action(source->resource, action);
	wl_data_offer_send_action(offer->resource, action);
}

static void handle_accept(struct wl_client *client, struct wl_resource *resource, uint32_t serial,
			  const char *mime)
{
	struct data_offer *offer = wl_resource_get_user_data(resource);

	(void)client;
	(void)serial;
	if (!offer->source || !offer->is_drag)
		return;
	offer->accepted = mime != NULL;
	wl_data_source_send_target(offer->source->resource, mime);
}

static void handle_receive(struct wl_client *client, struct wl_resource *resource, const char *mime,
			   int32_t fd)
{
	struct data_offer *offer = wl_resource_get_user_data(resource);

	(void)client;
	if (offer->source && source_has_mime(offer->source, mime))
		offer->source->impl->send(offer->source, mime, fd);
	else
		close(fd);
}

static void handle_finish(struct wl_client *client, struct wl_resource *resource)
{
	struct data_offer *offer = wl_resource_get_user_data(resource);

	(void)client;
	if (!offer->is_drag || !offer->dropped || offer->finished) {
		wl_resource_post_error(resource, WL_DATA_OFFER_ERROR_INVALID_FINISH,
				       "nothing was dropped that could be finished");
		return;
	}
	offer->finished = true;
	if (offer->source && wl_resource_get_version(offer->source->resource) >=
				     WL_DATA_SOURCE_DND_FINISHED_SINCE_VERSION)
		wl_data_source_send_dnd_finished(offer->source->resource);
}

static void handle_set_actions(struct wl_client *client, struct wl_resource *resource,
			       uint32_t actions, uint32_t preferred)
{
	struct data_offer *offer = wl_resource_get_user_data(resource);

	(void)client;
	if ((actions & ~(uint32_t)ACTIONS_ALL) ||
	    (preferred && (!(preferred & actions) || (preferred & (preferred - 1))))) {
		wl_resource_post_error(resource, WL_DATA_OFFER_ERROR_INVALID_ACTION_MASK,
				       "actions %x with %x preferred", actions, preferred);
		return;
	}
	if (!offer->is_drag) {
		wl_resource_post_error(resource, WL_DATA_OFFER_ERROR_INVALID_OFFER,
				       "the offer is no drag");
		return;
	}
	offer->actions = actions;
	offer->preferred = preferred;
	if (offer->source)
		tell_action(offer);
}

static const struct wl_data_offer_interface offer_impl = {
	.accept = handle_accept,
	.receive = handle_receive,
	.destroy = resource_destroy_request,
	.finish = handle_finish,
	.set_actions = handle_set_actions,
};

static void handle_offer_source_destroy(struct wl_listener *listener, void *data)
{
	struct data_offer *offer = wl_container_of(listener, offer, source_destroy);

	(void)data;
	wl_list_remove(&offer->source_destroy.link);
	wl_list_init(&offer->source_destroy.link);
	offer->source = NULL;
}

static void destroy_offer(struct wl_resource *resource)
{
	struct data_offer *offer = wl_resource_get_user_data(resource);
	struct source *source = offer->source;

	if (source && offer->is_drag && source->compositor->drag &&
	    source->compositor->drag->offer == offer)
		source->compositor->drag->offer = NULL;
	/* A target that goes without having finished has failed (wl_data_source.cancelled). */
	if (source && offer->dropped && !offer->finished && wl_resource_get_version(resource) >= 3)
		source->impl->cancel(source);
	wl_list_remove(&offer->source_destroy.link);
	client_give(wl_resource_get_client(resource), CLIENT_OFFER);
	free(offer);
}

static void tell_offer(struct wl_resource *device, struct data_offer *offer, struct source *source)
{
	wl_data_device_send_data_offer(device, offer->resource);
	for (int i = 0; i < source->mime_count; i++)
		wl_data_offer_send_offer(offer->resource, source->mimes[i]);
	if (offer->is_drag &&
	    wl_resource_get_version(offer->resource) >= WL_DATA_OFFER_SOURCE_ACTIONS_SINCE_VERSION)
		wl_data_offer_send_source_actions(offer->resource, source->actions);
}

struct data_offer *data_offer_create(struct wl_resource *device, struct source *source,
				     bool is_drag)
{
	struct wl_client *client = wl_resource_get_client(device);
	struct data_offer *offer;

	if (!client_take(client, CLIENT_OFFER))
		return NULL;
	offer = calloc(1, sizeof(*offer));
	if (offer)
		offer->resource = wl_resource_create(client, &wl_data_offer_interface,
						     wl_resource_get_version(device), 0);
	if (!offer || !offer->resource) {
		free(offer);
		client_give(client, CLIENT_OFFER);
		wl_client_post_no_memory(client);
		return NULL;
	}
	offer->source = source;
	offer->is_drag = is_drag;
	offer->source_destroy.notify = handle_offer_source_destroy;
	wl_signal_add(&source->destroy, &offer->source_destroy);
	wl_resource_set_implementation(offer->resource, &offer_impl, offer, destroy_offer);
	tell_offer(device, offer, source);
	return offer;
}

/* ---- wl_data_source ------------------------------------------------------------------------ */

static void source_send(struct source *source, const char *mime, int fd)
{
	wl_data_source_send_send(source->resource, mime, fd);
	close(fd);
}

static void source_cancel(struct source *source)
{
	wl_data_source_send_cancelled(source->resource);
}

static const struct source_impl client_source_impl = {
	.send = source_send,
	.cancel = source_cancel,
};

static void handle_source_offer(struct wl_client *client, struct wl_resource *resource,
				const char *mime)
{
	(void)client;
	if (source_add_mime(wl_resource_get_user_data(resource), mime) < 0)
		wl_resource_post_no_memory(resource);
}

static void handle_source_actions(struct wl_client *client, struct wl_resource *resource,
				  uint32_t actions)
{
	struct source *source = wl_resource_get_user_data(resource);

	(void)client;
	if ((actions & ~(uint32_t)ACTIONS_ALL) || source->has_actions) {
		wl_resource_post_error(resource, WL_DATA_SOURCE_ERROR_INVALID_ACTION_MASK,
				       "actions %x, or a second time", actions);
		return;
	}
	source->actions = actions;
	source->has_actions = true;
}

static const struct wl_data_source_interface source_impl = {
	.offer = handle_source_offer,
	.destroy = resource_destroy_request,
	.set_actions = handle_source_actions,
};

static void destroy_source(struct wl_resource *resource)
{
	struct source *source = wl_resource_get_user_data(resource);

	source_finish(source);
	client_give(wl_resource_get_client(resource), CLIENT_SOURCE);
	free(source);
}

static void handle_create_source(struct wl_client *client, struct wl_resource *resource,
				 uint32_t id)
{
	struct source *source;

	if (!client_take(client, CLIENT_SOURCE))
		return;
	source = calloc(1, sizeof(*source));
	if (source)
		source->resource = wl_resource_create(client, &wl_data_source_interface,
						      wl_resource_get_version(resource), id);
	if (!source || !source->resource) {
		free(source);
		client_give(client, CLIENT_SOURCE);
		wl_client_post_no_memory(client);
		return;
	}
	source_init(source, wl_resource_get_user_data(resource), &client_source_impl,
		    source->resource);
	wl_resource_set_implementation(source->resource, &source_impl, source, destroy_source);
}

/* ---- wl_data_device ------------------------------------------------------------------------ */

static void handle_start_drag(struct wl_client *client, struct wl_resource *resource,
			      struct wl_resource *source_resource, struct wl_resource *origin,
			      struct wl_resource *icon_resource, uint32_t serial)
{
	struct compositor *compositor = wl_resource_get_user_data(resource);
	struct source *source = source_resource ? wl_resource_get_user_data(source_resource) : NULL;
	struct surface *icon = icon_resource ? surface_from_resource(icon_resource) : NULL;

	(void)origin;
	if (icon && !drag_take_icon(icon, resource))
		return;
	if (source && source == compositor->clipboard->source) {
		wl_resource_post_error(source_resource, WL_DATA_SOURCE_ERROR_INVALID_SOURCE,
				       "the source is the clipboard's");
		return;
	}
	if (!pointer_has_grab(compositor->seat, client, serial) ||
	    !drag_start(compositor, client, source, icon)) {
		if (source)
			source_cancel(source);
	}
}

static void handle_set_selection(struct wl_client *client, struct wl_resource *resource,
				 struct wl_resource *source_resource, uint32_t serial)
{
	struct compositor *compositor = wl_resource_get_user_data(resource);
	struct source *source = source_resource ? wl_resource_get_user_data(source_resource) : NULL;

	(void)client;
	(void)serial;
	if (source && source->has_actions) {
		wl_resource_post_error(source_resource, WL_DATA_SOURCE_ERROR_INVALID_SOURCE,
				       "the source is a drag's");
		return;
	}
	selection_set(compositor->clipboard, source);
}

static const struct wl_data_device_interface device_impl = {
	.start_drag = handle_start_drag,
	.set_selection = handle_set_selection,
	.release = resource_destroy_request,
};

static void announce(struct selection *selection, struct wl_resource *device)
{
	struct data_offer *offer;

	if (!selection->source) {
		wl_data_device_send_selection(device, NULL);
		return;
	}
	offer = data_offer_create(device, selection->source, false);
	if (offer)
		wl_data_device_send_selection(device, offer->resource);
}

static void destroy_device(struct wl_resource *resource)
{
	wl_list_remove(wl_resource_get_link(resource));
	client_give(wl_resource_get_client(resource), CLIENT_SEAT_OBJECT);
}

static void handle_get_device(struct wl_client *client, struct wl_resource *resource, uint32_t id,
			      struct wl_resource *seat)
{
	struct compositor *compositor = wl_resource_get_user_data(resource);
	struct wl_resource *device;

	(void)seat;
	if (!client_take(client, CLIENT_SEAT_OBJECT))
		return;
	device = wl_resource_create(client, &wl_data_device_interface,
				    wl_resource_get_version(resource), id);
	if (!device) {
		client_give(client, CLIENT_SEAT_OBJECT);
		wl_client_post_no_memory(client);
		return;
	}
	wl_resource_set_implementation(device, &device_impl, compositor, destroy_device);
	selection_add_device(compositor->clipboard, device);
}

static const struct wl_data_device_manager_interface manager_impl = {
	.create_data_source = handle_create_source,
	.get_data_device = handle_get_device,
};

static void bind_manager(struct wl_client *client, void *data, uint32_t version, uint32_t id)
{
	compositor_bind(data, client, &wl_data_device_manager_interface, &manager_impl, version,
			id);
}

int data_device_init(struct compositor *compositor)
{
	compositor->clipboard = selection_create(compositor, announce);
	if (!compositor->clipboard)
		return -ENOMEM;
	compositor->clipboard->changed = clipboard_changed;
	return compositor_add_global(compositor, &wl_data_device_manager_interface,
				     DATA_DEVICE_VERSION, bind_manager);
}
