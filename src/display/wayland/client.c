/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/str.h"
#include "display/wayland/client.h"

static const unsigned int kind_max[CLIENT_KINDS] = {
	[CLIENT_SURFACE] = SURFACES_MAX,   [CLIENT_REGION] = REGIONS_MAX,
	[CLIENT_TOPLEVEL] = TOPLEVELS_MAX, [CLIENT_POPUP] = POPUPS_MAX,
	[CLIENT_CALLBACK] = CALLBACKS_MAX, [CLIENT_SEAT_OBJECT] = SEAT_OBJECTS_MAX,
	[CLIENT_SOURCE] = SOURCES_MAX,     [CLIENT_OFFER] = OFFERS_MAX,
	[CLIENT_TOKEN] = TOKENS_MAX,
};

struct census {
	int objects, pools;
};

static void handle_client_destroy(struct wl_listener *listener, void *data);

/*
 * NULL while the client is being destroyed: libwayland (1.21) tells the destruction first and
 * destroys the objects after.
 */
static struct client *client_find(struct wl_client *client)
{
	struct wl_listener *listener = wl_client_get_destroy_listener(client,
								      handle_client_destroy);
	struct client *found;

	return listener ? wl_container_of(listener, found, destroy) : NULL;
}

static void refuse(struct wl_client *client, const char *what)
{
	log_event(LOG_DEBUG, "wayland.limit", LOG_STR("what", what));
	wl_client_post_no_memory(client);
}

bool client_take(struct wl_client *wl_client, enum client_kind kind)
{
	struct client *client = client_find(wl_client);

	if (!client)
		return false;
	if (client->held[kind] >= kind_max[kind]) {
		refuse(wl_client, "objects of a kind");
		return false;
	}
	client->held[kind]++;
	return true;
}

void client_give(struct wl_client *wl_client, enum client_kind kind)
{
	struct client *client = client_find(wl_client);

	if (client && client->held[kind] > 0)
		client->held[kind]--;
}

bool client_take_pixels(struct compositor *compositor, struct wl_client *wl_client, size_t bytes)
{
	struct client *client = client_find(wl_client);

	if (!client)
		return false;
	if (bytes > CLIENT_PIXEL_BYTES_MAX ||
	    client->pixel_bytes > CLIENT_PIXEL_BYTES_MAX - bytes ||
	    compositor->pixel_bytes > TOTAL_PIXEL_BYTES_MAX - bytes) {
		refuse(wl_client, "pixels");
		return false;
	}
	client->pixel_bytes += bytes;
	compositor->pixel_bytes += bytes;
	return true;
}

void client_give_pixels(struct compositor *compositor, struct wl_client *wl_client, size_t bytes)
{
	struct client *client = client_find(wl_client);

	compositor->pixel_bytes -= bytes;
	if (client)
		client->pixel_bytes -= bytes;
}

static enum wl_iterator_result count_resource(struct wl_resource *resource, void *data)
{
	struct census *census = data;

	census->objects++;
	if (str_eq(wl_resource_get_class(resource), wl_shm_pool_interface.name))
		census->pools++;
	return WL_ITERATOR_CONTINUE;
}

/*
 * Destructions are not told without a listener an object, so living objects are counted now and
 * then: when as many were created as the limit leaves. At three quarters of the limit the client
 * ends, so that a count never comes for fewer than a quarter of the limit of new objects.
 */
static void take_census(struct client *client)
{
	struct census census = {0};

	wl_client_for_each_resource(client->client, count_resource, &census);
	if (census.objects > OBJECTS_MAX / 4 * 3)
		refuse(client->client, "objects");
	else if (census.pools > POOLS_MAX / 4 * 3)
		refuse(client->client, "pools");
	client->object_budget = MAX(OBJECTS_MAX - census.objects, OBJECTS_MAX / 4);
	client->pool_budget = MAX(POOLS_MAX - census.pools, POOLS_MAX / 4);
}

static void handle_resource_created(struct wl_listener *listener, void *data)
{
	struct client *client = wl_container_of(listener, client, resource_created);
	struct wl_resource *resource = data;

	client->object_budget--;
	if (str_eq(wl_resource_get_class(resource), wl_shm_pool_interface.name))
		client->pool_budget--;
	if (client->object_budget <= 0 || client->pool_budget <= 0)
		take_census(client);
}

static void handle_client_destroy(struct wl_listener *listener, void *data)
{
	struct client *client = wl_container_of(listener, client, destroy);

	(void)data;
	client->compositor->client_count--;
	wl_list_remove(&client->resource_created.link);
	wl_list_remove(&client->link);
	free(client);
}

static void handle_client_created(struct wl_listener *listener, void *data)
{
	struct compositor *compositor = wl_container_of(listener, compositor, client_created);
	struct wl_client *wl_client = data;
	struct client *client;

	if (compositor->client_count >= CLIENTS_MAX || !(client = calloc(1, sizeof(*client)))) {
		log_event(LOG_DEBUG, "wayland.limit", LOG_STR("what", "clients"));
		wl_client_destroy(wl_client);
		return;
	}
	client->client = wl_client;
	client->compositor = compositor;
	client->object_budget = OBJECTS_MAX;
	client->pool_budget = POOLS_MAX;
	client->destroy.notify = handle_client_destroy;
	client->resource_created.notify = handle_resource_created;
	wl_client_add_destroy_listener(wl_client, &client->destroy);
	wl_client_add_resource_created_listener(wl_client, &client->resource_created);
	wl_list_insert(&compositor->clients, &client->link);
	compositor->client_count++;
}

/*
 * wl_shm is libwayland's own, so the size of its pools is watched here: each request passes before
 * it is carried out, and the client ends right after.
 */
static void check_request(void *data, enum wl_protocol_logger_type direction,
			  const struct wl_protocol_logger_message *message)
{
	int32_t size;

	(void)data;
	if (direction != WL_PROTOCOL_LOGGER_REQUEST)
		return;
	if (message->arguments_count == 3 && str_eq(message->message->name, "create_pool"))
		size = message->arguments[2].i;
	else if (message->arguments_count == 1 && str_eq(message->message->name, "resize") &&
		 str_eq(wl_resource_get_class(message->resource), wl_shm_pool_interface.name))
		size = message->arguments[0].i;
	else
		return;
	if (size > POOL_BYTES_MAX)
		refuse(wl_resource_get_client(message->resource), "pool bytes");
}

int client_init(struct compositor *compositor)
{
	wl_list_init(&compositor->clients);
	compositor->logger = wl_display_add_protocol_logger(compositor->display, check_request,
							    compositor);
	if (!compositor->logger)
		return -ENOMEM;
	compositor->client_created.notify = handle_client_created;
	wl_display_add_client_created_listener(compositor->display, &compositor->client_created);
	return 0;
}

void client_finish(struct compositor *compositor)
{
	wl_list_remove(&compositor->client_created.link);
	wl_protocol_logger_destroy(compositor->logger);
}
