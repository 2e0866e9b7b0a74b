/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Who offers what: sources (of a client, or the viewer's text), and the two selections, clipboard
 * and primary, which differ only in the objects that clients see them by.
 */
#ifndef LAZARET_DISPLAY_WAYLAND_CLIPBOARD_H
#define LAZARET_DISPLAY_WAYLAND_CLIPBOARD_H

#include "display/wayland/internal.h"

struct source;

struct source_impl {
	/* Writes the data to fd, which the callee closes, now or later. */
	void (*send)(struct source *source, const char *mime, int fd);
	/* The source is not wanted any more; one without a client frees itself. */
	void (*cancel)(struct source *source);
};

struct source {
	const struct source_impl *impl;
	struct compositor *compositor;
	struct wl_resource *resource; /* NULL: the viewer's */
	char *mimes[MIME_TYPES_MAX];
	int mime_count;
	uint32_t actions; /* wl_data_device_manager.dnd_action, of a drag */
	bool has_actions;
	struct wl_signal destroy; /* data: the source */
};

void source_init(struct source *source, struct compositor *compositor,
		 const struct source_impl *impl, struct wl_resource *resource);
/* Tells those who hold it, frees the MIME types; not the source itself. */
void source_finish(struct source *source);
/* -E2BIG past the limits, -ENOMEM. */
int source_add_mime(struct source *source, const char *mime);
bool source_has_mime(const struct source *source, const char *mime);

struct selection {
	struct compositor *compositor;
	struct source *source; /* NULL: nothing selected */
	struct wl_listener source_destroy;
	struct wl_list devices; /* wl_data_device or primary selection device resources */
	/* Creates an offer and tells it to a device; source NULL: tells that there is none. */
	void (*announce)(struct selection *selection, struct wl_resource *device);
	/* The owner of the compositor; may be NULL. */
	void (*changed)(struct selection *selection);
};

struct selection *selection_create(struct compositor *compositor,
				   void (*announce)(struct selection *, struct wl_resource *));
void selection_set(struct selection *selection, struct source *source);
/* A device of the client that has the keyboard is new. */
void selection_add_device(struct selection *selection, struct wl_resource *device);

/*
 * offer.c: the objects that clients hold; `interface` and `requests` are of one of the protocols.
 * Memory that lacks and limits that are reached are told to the client.
 */
struct offer {
	struct wl_resource *resource;
	struct source *source; /* NULL when gone */
	struct wl_listener source_destroy;
	/* Of a drag: */
	bool is_drag, dropped, finished;
	bool accepted; /* the target takes some type */
	uint32_t actions, preferred; /* what the target can do; v3 */
	uint32_t action; /* settled: at most one bit */
};

/* `destroy` calls offer_destroy(). NULL: the client was told. */
struct offer *offer_create(struct wl_resource *device, struct source *source,
			   const struct wl_interface *interface, const void *requests,
			   wl_resource_destroy_func_t destroy);
void offer_destroy(struct wl_resource *resource);
/* The request of that name, for offers whose user data is a struct offer. */
void offer_receive(struct wl_client *client, struct wl_resource *resource, const char *mime,
		   int32_t fd);

/* A source of a client, with a resource whose user data it is. */
void source_create(struct wl_client *client, struct wl_resource *manager, uint32_t id,
		   const struct wl_interface *interface, const void *requests,
		   const struct source_impl *impl);
/* The request of that name. */
void source_offer(struct wl_client *client, struct wl_resource *resource, const char *mime);

/* A device of a selection; its user data is the compositor. */
void device_create(struct selection *selection, struct wl_client *client,
		   struct wl_resource *manager, uint32_t id, const struct wl_interface *interface,
		   const void *requests);

/* The keyboard went to another client, which now sees both selections. */
void clipboard_tell_focus(struct compositor *compositor, struct wl_client *client);
/* From data_device.c: the clipboard's owner changed. */
void clipboard_changed(struct selection *selection);
void clipboard_finish(struct compositor *compositor);

/* transfer.c: writes `text` to a client's fd in its own time; takes the fd in any case. */
void transfer_write(struct compositor *compositor, const char *text, size_t len, int fd);
void transfer_finish(struct compositor *compositor);
/* Reads from the source; see compositor_fetch_text(). */
int transfer_fetch(struct compositor *compositor, struct source *source, const char *mime,
		   compositor_text_func_t func, void *data);
/* Ends a fetch under way with an error. */
void transfer_cancel_fetch(struct compositor *compositor, int error);

#endif
