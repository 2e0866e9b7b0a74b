/* SPDX-License-Identifier: GPL-3.0-or-later */
/* zwp_primary_selection_device_manager_v1: what is marked, for the middle button. */
#include <errno.h>
#include <unistd.h>

#include "display/wayland/clipboard.h"
#include "primary-selection-unstable-v1-server-protocol.h"

#define PRIMARY_VERSION 1

/* ---- offer --------------------------------------------------------------------------------- */

static const struct zwp_primary_selection_offer_v1_interface offer_impl = {
	.receive = offer_receive,
	.destroy = resource_destroy_request,
};

static void announce(struct selection *selection, struct wl_resource *device)
{
	struct source *source = selection->source;
	struct offer *offer;

	if (!source) {
		zwp_primary_selection_device_v1_send_selection(device, NULL);
		return;
	}
	offer = offer_create(device, source, &zwp_primary_selection_offer_v1_interface, &offer_impl,
			     offer_destroy);
	if (!offer)
		return;
	zwp_primary_selection_device_v1_send_data_offer(device, offer->resource);
	for (int i = 0; i < source->mime_count; i++)
		zwp_primary_selection_offer_v1_send_offer(offer->resource, source->mimes[i]);
	zwp_primary_selection_device_v1_send_selection(device, offer->resource);
}

/* ---- source -------------------------------------------------------------------------------- */

static void source_send(struct source *source, const char *mime, int fd)
{
	zwp_primary_selection_source_v1_send_send(source->resource, mime, fd);
	close(fd);
}

static void source_cancel(struct source *source)
{
	zwp_primary_selection_source_v1_send_cancelled(source->resource);
}

static const struct source_impl client_source_impl = {
	.send = source_send,
	.cancel = source_cancel,
};

static const struct zwp_primary_selection_source_v1_interface source_impl = {
	.offer = source_offer,
	.destroy = resource_destroy_request,
};

static void handle_create_source(struct wl_client *client, struct wl_resource *resource,
				 uint32_t id)
{
	source_create(client, resource, id, &zwp_primary_selection_source_v1_interface,
		      &source_impl, &client_source_impl);
}

/* ---- device -------------------------------------------------------------------------------- */

static void handle_set_selection(struct wl_client *client, struct wl_resource *resource,
				 struct wl_resource *source, uint32_t serial)
{
	struct compositor *compositor = wl_resource_get_user_data(resource);

	(void)client;
	(void)serial;
	selection_set(compositor->primary, source ? wl_resource_get_user_data(source) : NULL);
}

static const struct zwp_primary_selection_device_v1_interface device_impl = {
	.set_selection = handle_set_selection,
	.destroy = resource_destroy_request,
};

static void handle_get_device(struct wl_client *client, struct wl_resource *resource, uint32_t id,
			      struct wl_resource *seat)
{
	struct compositor *compositor = wl_resource_get_user_data(resource);

	(void)seat;
	device_create(compositor->primary, client, resource, id,
		      &zwp_primary_selection_device_v1_interface, &device_impl);
}

static const struct zwp_primary_selection_device_manager_v1_interface manager_impl = {
	.create_source = handle_create_source,
	.get_device = handle_get_device,
	.destroy = resource_destroy_request,
};

static void bind_manager(struct wl_client *client, void *data, uint32_t version, uint32_t id)
{
	compositor_bind(data, client, &zwp_primary_selection_device_manager_v1_interface,
			&manager_impl, version, id);
}

int primary_selection_init(struct compositor *compositor)
{
	compositor->primary = selection_create(compositor, announce);
	if (!compositor->primary)
		return -ENOMEM;
	return compositor_add_global(compositor, &zwp_primary_selection_device_manager_v1_interface,
				     PRIMARY_VERSION, bind_manager);
}
