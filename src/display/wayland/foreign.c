/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * zxdg_exporter_v2 and zxdg_importer_v2: a window of another connection as the parent of one's own.
 * GTK's file chooser becomes a dialog of the browser's window by it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

#include "base/str.h"
#include "display/wayland/client.h"
#include "display/wayland/xdg.h"
#include "xdg-foreign-unstable-v2-server-protocol.h"

#define FOREIGN_VERSION 1
#define HANDLE_BYTES 16

struct export
{
	struct wl_resource *resource;
	struct wl_list link; /* compositor.exports */
	struct surface *surface; /* NULL when gone */
	struct wl_listener destroy;
	char handle[HANDLE_BYTES * 2 + 1];
};

/* What a client imported: only its handle, looked up anew when used. */
struct import {
	struct compositor *compositor;
	char handle[HANDLE_BYTES * 2 + 1];
};

static struct toplevel *toplevel_of(struct surface *surface)
{
	struct xdg_surface *xdg = surface ? xdg_surface_from_surface(surface) : NULL;

	return xdg ? xdg->toplevel : NULL;
}

/* ---- export -------------------------------------------------------------------------------- */

static const struct zxdg_exported_v2_interface exported_impl = {
	.destroy = resource_destroy_request,
};

static void handle_surface_destroy(struct wl_listener *listener, void *data)
{
	struct export *export = wl_container_of(listener, export, destroy);

	(void)data;
	wl_list_remove(&export->destroy.link);
	wl_list_init(&export->destroy.link);
	export->surface = NULL;
}

static void destroy_exported(struct wl_resource *resource)
{
	struct export *export = wl_resource_get_user_data(resource);

	wl_list_remove(&export->link);
	wl_list_remove(&export->destroy.link);
	client_give(wl_resource_get_client(resource), CLIENT_TOKEN);
	free(export);
}

static void make_handle(char *out, size_t size)
{
	uint8_t bytes[HANDLE_BYTES] = {0};

	if (getrandom(bytes, sizeof(bytes), GRND_NONBLOCK) < 0)
		bytes[0] = 1;
	for (size_t i = 0; i < sizeof(bytes) && 2 * i + 2 < size; i++)
		snprintf(out + 2 * i, size - 2 * i, "%02x", bytes[i]);
}

static void handle_export(struct wl_client *client, struct wl_resource *resource, uint32_t id,
			  struct wl_resource *surface_resource)
{
	struct compositor *compositor = wl_resource_get_user_data(resource);
	struct surface *surface = surface_from_resource(surface_resource);
	struct export *export;

	if (!toplevel_of(surface)) {
		wl_resource_post_error(resource, ZXDG_EXPORTER_V2_ERROR_INVALID_SURFACE,
				       "the surface is no window");
		return;
	}
	if (!client_take(client, CLIENT_TOKEN))
		return;
	export = calloc(1, sizeof(*export));
	if (export)
		export->resource = wl_resource_create(client, &zxdg_exported_v2_interface,
						      wl_resource_get_version(resource), id);
	if (!export || !export->resource) {
		free(export);
		client_give(client, CLIENT_TOKEN);
		wl_client_post_no_memory(client);
		return;
	}
	export->surface = surface;
	export->destroy.notify = handle_surface_destroy;
	wl_signal_add(&surface->destroy, &export->destroy);
	wl_list_insert(&compositor->exports, &export->link);
	make_handle(export->handle, sizeof(export->handle));
	wl_resource_set_implementation(export->resource, &exported_impl, export, destroy_exported);
	zxdg_exported_v2_send_handle(export->resource, export->handle);
}

static const struct zxdg_exporter_v2_interface exporter_impl = {
	.destroy = resource_destroy_request,
	.export_toplevel = handle_export,
};

/* ---- import -------------------------------------------------------------------------------- */

static struct toplevel *find_export(const struct import *import)
{
	struct export *export;

	wl_list_for_each (export, &import->compositor->exports, link)
		if (str_eq(export->handle, import->handle))
			return toplevel_of(export->surface);
	return NULL;
}

static void handle_set_parent_of(struct wl_client *client, struct wl_resource *resource,
				 struct wl_resource *surface_resource)
{
	struct toplevel *child = toplevel_of(surface_from_resource(surface_resource));
	struct toplevel *parent = find_export(wl_resource_get_user_data(resource));

	(void)client;
	if (!child) {
		wl_resource_post_error(resource, ZXDG_IMPORTED_V2_ERROR_INVALID_SURFACE,
				       "the surface is no window");
		return;
	}
	if (parent)
		toplevel_set_parent(child, parent);
	else
		zxdg_imported_v2_send_destroyed(resource);
}

static const struct zxdg_imported_v2_interface imported_impl = {
	.destroy = resource_destroy_request,
	.set_parent_of = handle_set_parent_of,
};

static void destroy_imported(struct wl_resource *resource)
{
	client_give(wl_resource_get_client(resource), CLIENT_TOKEN);
	free(wl_resource_get_user_data(resource));
}

static void handle_import(struct wl_client *client, struct wl_resource *resource, uint32_t id,
			  const char *handle)
{
	struct wl_resource *imported;
	struct import *import;

	if (!client_take(client, CLIENT_TOKEN))
		return;
	import = calloc(1, sizeof(*import));
	imported = wl_resource_create(client, &zxdg_imported_v2_interface,
				      wl_resource_get_version(resource), id);
	if (!import || !imported) {
		free(import);
		client_give(client, CLIENT_TOKEN);
		wl_client_post_no_memory(client);
		return;
	}
	import->compositor = wl_resource_get_user_data(resource);
	str_copy(import->handle, sizeof(import->handle), handle);
	wl_resource_set_implementation(imported, &imported_impl, import, destroy_imported);
	if (!find_export(import))
		zxdg_imported_v2_send_destroyed(imported);
}

static const struct zxdg_importer_v2_interface importer_impl = {
	.destroy = resource_destroy_request,
	.import_toplevel = handle_import,
};

static void bind_exporter(struct wl_client *client, void *data, uint32_t version, uint32_t id)
{
	compositor_bind(data, client, &zxdg_exporter_v2_interface, &exporter_impl, version, id);
}

static void bind_importer(struct wl_client *client, void *data, uint32_t version, uint32_t id)
{
	compositor_bind(data, client, &zxdg_importer_v2_interface, &importer_impl, version, id);
}

int foreign_init(struct compositor *compositor)
{
	int r;

	wl_list_init(&compositor->exports);
	r = compositor_add_global(compositor, &zxdg_exporter_v2_interface, FOREIGN_VERSION,
				  bind_exporter);
	if (r < 0)
		return r;
	return compositor_add_global(compositor, &zxdg_importer_v2_interface, FOREIGN_VERSION,
				     bind_importer);
}
