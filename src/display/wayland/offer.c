/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What clients hold of a selection or a drag, the same in both protocols: sources, offers, devices. */
#include <stdlib.h>
#include <unistd.h>

#include "display/wayland/client.h"
#include "display/wayland/clipboard.h"

/* ---- offers -------------------------------------------------------------------------------- */

static void handle_source_destroy(struct wl_listener *listener, void *data)
{
	struct offer *offer = wl_container_of(listener, offer, source_destroy);

	(void)data;
	wl_list_remove(&offer->source_destroy.link);
	wl_list_init(&offer->source_destroy.link);
	offer->source = NULL;
}

struct offer *offer_create(struct wl_resource *device, struct source *source,
			   const struct wl_interface *interface, const void *requests,
			   wl_resource_destroy_func_t destroy)
{
	struct wl_client *client = wl_resource_get_client(device);
	struct offer *offer;

	if (!client_take(client, CLIENT_OFFER))
		return NULL;
	offer = calloc(1, sizeof(*offer));
	if (offer)
		offer->resource = wl_resource_create(client, interface,
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
	wl_resource_set_implementation(offer->resource, requests, offer, destroy);
	return offer;
}

void offer_destroy(struct wl_resource *resource)
{
	struct offer *offer = wl_resource_get_user_data(resource);

	wl_list_remove(&offer->source_destroy.link);
	client_give(wl_resource_get_client(resource), CLIENT_OFFER);
	free(offer);
}

void offer_receive(struct wl_client *client, struct wl_resource *resource, const char *mime,
		   int32_t fd)
{
	struct offer *offer = wl_resource_get_user_data(resource);

	(void)client;
	if (offer->source && source_has_mime(offer->source, mime))
		offer->source->impl->send(offer->source, mime, fd);
	else
		close(fd);
}

/* ---- sources ------------------------------------------------------------------------------- */

void source_offer(struct wl_client *client, struct wl_resource *resource, const char *mime)
{
	(void)client;
	if (source_add_mime(wl_resource_get_user_data(resource), mime) < 0)
		wl_resource_post_no_memory(resource);
}

static void destroy_source(struct wl_resource *resource)
{
	struct source *source = wl_resource_get_user_data(resource);

	source_finish(source);
	client_give(wl_resource_get_client(resource), CLIENT_SOURCE);
	free(source);
}

void source_create(struct wl_client *client, struct wl_resource *manager, uint32_t id,
		   const struct wl_interface *interface, const void *requests,
		   const struct source_impl *impl)
{
	struct source *source;

	if (!client_take(client, CLIENT_SOURCE))
		return;
	source = calloc(1, sizeof(*source));
	if (source)
		source->resource = wl_resource_create(client, interface,
						      wl_resource_get_version(manager), id);
	if (!source || !source->resource) {
		free(source);
		client_give(client, CLIENT_SOURCE);
		wl_client_post_no_memory(client);
		return;
	}
	source_init(source, wl_resource_get_user_data(manager), impl, source->resource);
	wl_resource_set_implementation(source->resource, requests, source, destroy_source);
}

/* ---- devices ------------------------------------------------------------------------------- */

static void destroy_device(struct wl_resource *resource)
{
	wl_list_remove(wl_resource_get_link(resource));
	client_give(wl_resource_get_client(resource), CLIENT_SEAT_OBJECT);
}

void device_create(struct selection *selection, struct wl_client *client,
		   struct wl_resource *manager, uint32_t id, const struct wl_interface *interface,
		   const void *requests)
{
	struct wl_resource *device;

	if (!client_take(client, CLIENT_SEAT_OBJECT))
		return;
	device = wl_resource_create(client, interface, wl_resource_get_version(manager), id);
	if (!device) {
		client_give(client, CLIENT_SEAT_OBJECT);
		wl_client_post_no_memory(client);
		return;
	}
	wl_resource_set_implementation(device, requests, selection->compositor, destroy_device);
	selection_add_device(selection, device);
}
