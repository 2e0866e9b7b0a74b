/* SPDX-License-Identifier: GPL-3.0-or-later */
/* wl_data_device_manager (wayland.xml, version 3): the objects of clipboard and drag. */
#include <errno.h>
#include <unistd.h>

#include "display/wayland/clipboard.h"
#include "display/wayland/drag.h"
#include "display/wayland/seat.h"

#define DATA_DEVICE_VERSION 3
#define ACTIONS_ALL                                                                        \
	(WL_DATA_DEVICE_MANAGER_DND_ACTION_COPY | WL_DATA_DEVICE_MANAGER_DND_ACTION_MOVE | \
	 WL_DATA_DEVICE_MANAGER_DND_ACTION_ASK)

/* ---- wl_data_offer ------------------------------------------------------------------------- */

/* The target's wish if the source can do it, else the first that both can. */
static uint32_t settle_action(const struct offer *offer)
{
	uint32_t both = offer->source->actions & offer->actions;

	if (both & offer->preferred)
		return offer->preferred;
	return both & -both;
}

static void tell_action(struct offer *offer)
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
	struct offer *offer = wl_resource_get_user_data(resource);

	(void)client;
	(void)serial;
	if (!offer->source || !offer->is_drag)
		return;
	offer->accepted = mime != NULL;
	wl_data_source_send_target(offer->source->resource, mime);
}

static void handle_finish(struct wl_client *client, struct wl_resource *resource)
{
	struct offer *offer = wl_resource_get_user_data(resource);

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
	struct offer *offer = wl_resource_get_user_data(resource);

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
	.receive = offer_receive,
	.destroy = resource_destroy_request,
	.finish = handle_finish,
	.set_actions = handle_set_actions,
};

static void destroy_offer(struct wl_resource *resource)
{
	struct offer *offer = wl_resource_get_user_data(resource);
	struct source *source = offer->source;

	if (source && offer->is_drag && source->compositor->drag &&
	    source->compositor->drag->offer == offer)
		source->compositor->drag->offer = NULL;
	/* A target that goes without having finished has failed (wl_data_source.cancelled). */
	if (source && offer->dropped && !offer->finished && wl_resource_get_version(resource) >= 3)
		source->impl->cancel(source);
	offer_destroy(resource);
}

static void tell_offer(struct wl_resource *device, struct offer *offer, struct source *source)
{
	wl_data_device_send_data_offer(device, offer->resource);
	for (int i = 0; i < source->mime_count; i++)
		wl_data_offer_send_offer(offer->resource, source->mimes[i]);
	if (offer->is_drag &&
	    wl_resource_get_version(offer->resource) >= WL_DATA_OFFER_SOURCE_ACTIONS_SINCE_VERSION)
		wl_data_offer_send_source_actions(offer->resource, source->actions);
}

struct offer *data_offer_create(struct wl_resource *device, struct source *source, bool is_drag)
{
	struct offer *offer = offer_create(device, source, &wl_data_offer_interface, &offer_impl,
					   destroy_offer);

	if (!offer)
		return NULL;
	offer->is_drag = is_drag;
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
	.offer = source_offer,
	.destroy = resource_destroy_request,
	.set_actions = handle_source_actions,
};

static void handle_create_source(struct wl_client *client, struct wl_resource *resource,
				 uint32_t id)
{
	source_create(client, resource, id, &wl_data_source_interface, &source_impl,
		      &client_source_impl);
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
	struct offer *offer;

	if (!selection->source) {
		wl_data_device_send_selection(device, NULL);
		return;
	}
	offer = data_offer_create(device, selection->source, false);
	if (offer)
		wl_data_device_send_selection(device, offer->resource);
}

static void handle_get_device(struct wl_client *client, struct wl_resource *resource, uint32_t id,
			      struct wl_resource *seat)
{
	struct compositor *compositor = wl_resource_get_user_data(resource);

	(void)seat;
	device_create(compositor->clipboard, client, resource, id, &wl_data_device_interface,
		      &device_impl);
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
