/* SPDX-License-Identifier: GPL-3.0-or-later */
/* zwp_primary_selection_device_manager_v1: what is marked, for the middle button. */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "display/wayland/client.h"
#include "display/wayland/clipboard.h"
#include "primary-selection-unstable-v1-server-protocol.h"

#define PRIMARY_VERSION 1

struct primary_offer {
	struct wl_resource *resource;
	struct source *source; /* NULL when gone */
	struct wl_listener source_destroy;
};

/* ---- offer --------------------------------------------------------------------------------- */

static void handle_receive(struct wl_client *client, struct wl_resource *resource, const char *mime,
			   int32_t fd)
{
	struct primary_offer *offer = wl_resource_get_user_data(resource);

	(void)client;
	if (offer->source && source_has_mime(offer->source, mime))
		offer->source->impl->send(offer->source, mime, fd);
	else
		close(fd);
}

static const struct zwp_primary_selection_offer_v1_interface offer_impl = {
	.receive = handle_receive,
	.destroy = resource_destroy_request,
};

static void handle_source_destroy(struct wl_listener *listener, void *data)
{
	struct primary_offer *offer = wl_container_of(listener, offer, source_destroy);

	(void)data;
	wl_list_remove(&offer->source_destroy.link);
	wl_list_init(&offer->source_destroy.link);
	offer->source = NULL;
}

static void destroy_offer(struct wl_resource *resource)
{
	struct primary_offer *offer = wl_resource_get_user_data(resource);

	wl_list_remove(&offer->source_destroy.link);
	client_give(wl_resource_get_client(resource), CLIENT_OFFER);
	free(offer);
}

static struct primary_offer *create_offer(struct wl_resource *device, struct source *source)
{
	struct wl_client *client = wl_resource_get_client(device);
	struct primary_offer *offer;

	if (!client_take(client, CLIENT_OFFER))
		return NULL;
	offer = calloc(1, sizeof(*offer));
	if (offer)
		offer->resource = wl_resource_create(client,
						     &zwp_primary_selection_offer_v1_interface,
						     wl_resource_get_version(device), 0);
	if (!offer || !offer->resource) {
		free(offer);
		client_give(client, CLIENT_OFFER);
		wl_client_post_no_memory(client);
		return NULL;
	}
	offer->source = source;
	offer->source_destroy.notify = handle_source_destroy;
	wl_signal_add(&source->destroy, &offer->source_destroy);
	wl_resource_set_implementation(offer->resource, &offer_impl, offer, destroy_offer);
	return offer;
}

static void announce(struct selection *selection, struct wl_resource *device)
{
	struct source *source = selection->source;
	struct primary_offer *offer;

	if (!source) {
		zwp_primary_selection_device_v1_send_selection(device, NULL);
		return;
	}
	offer = create_offer(device, source);
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

static void handle_source_offer(struct wl_client *client, struct wl_resource *resource,
				const char *mime)
{
	(void)client;
	if (source_add_mime(wl_resource_get_user_data(resource), mime) < 0)
		wl_resource_post_no_memory(resource);
}

static const struct zwp_primary_selection_source_v1_interface source_impl = {
	.offer = handle_source_offer,
	.destroy = resource_destroy_request,
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
		source->resource = wl_resource_create(client,
						      &zwp_primary_selection_source_v1_interface,
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
	device = wl_resource_create(client, &zwp_primary_selection_device_v1_interface,
				    wl_resource_get_version(resource), id);
	if (!device) {
		client_give(client, CLIENT_SEAT_OBJECT);
		wl_client_post_no_memory(client);
		return;
	}
	wl_resource_set_implementation(device, &device_impl, compositor, destroy_device);
	selection_add_device(compositor->primary, device);
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
