/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/attr.h"
#include "base/str.h"
#include "display/wayland/clipboard.h"
#include "display/wayland/seat.h"

/* The viewer's text as a source. */
struct text_source {
	struct source source;
	char *text;
	size_t len;
};

static const char *const text_mimes[] = {
	"text/plain;charset=utf-8", "UTF8_STRING", "text/plain", "TEXT", "STRING",
};

/* ---- sources ------------------------------------------------------------------------------- */

void source_init(struct source *source, struct compositor *compositor,
		 const struct source_impl *impl, struct wl_resource *resource)
{
	source->compositor = compositor;
	source->impl = impl;
	source->resource = resource;
	wl_signal_init(&source->destroy);
}

void source_finish(struct source *source)
{
	wl_signal_emit_mutable(&source->destroy, source);
	for (int i = 0; i < source->mime_count; i++)
		free(source->mimes[i]);
	source->mime_count = 0;
}

bool source_has_mime(const struct source *source, const char *mime)
{
	for (int i = 0; i < source->mime_count; i++)
		if (str_eq(source->mimes[i], mime))
			return true;
	return false;
}

int source_add_mime(struct source *source, const char *mime)
{
	char *copy;

	if (source_has_mime(source, mime))
		return 0;
	if (source->mime_count == MIME_TYPES_MAX || strlen(mime) > MIME_LENGTH_MAX)
		return -E2BIG;
	copy = strdup(mime);
	if (!copy)
		return -ENOMEM;
	source->mimes[source->mime_count++] = copy;
	return 0;
}

static const char *find_text_mime(const struct source *source)
{
	for (size_t i = 0; source && i < ARRAY_LEN(text_mimes); i++)
		if (source_has_mime(source, text_mimes[i]))
			return text_mimes[i];
	return NULL;
}

/* ---- selections ---------------------------------------------------------------------------- */

static void announce_to(struct selection *selection, struct wl_client *client)
{
	struct wl_resource *device;

	wl_resource_for_each(device,
			     &selection->devices) if (wl_resource_get_client(device) == client)
		selection->announce(selection, device);
}

static void announce_to_focus(struct selection *selection)
{
	struct surface *focus = selection->compositor->seat->keyboard.focus.surface;

	if (focus)
		announce_to(selection, surface_client(focus));
}

static void forget_source(struct selection *selection)
{
	wl_list_remove(&selection->source_destroy.link);
	wl_list_init(&selection->source_destroy.link);
	selection->source = NULL;
}

static void handle_source_destroy(struct wl_listener *listener, void *data)
{
	struct selection *selection = wl_container_of(listener, selection, source_destroy);

	(void)data;
	forget_source(selection);
	announce_to_focus(selection);
	if (selection->changed)
		selection->changed(selection);
}

struct selection *selection_create(struct compositor *compositor,
				   void (*announce)(struct selection *, struct wl_resource *))
{
	struct selection *selection = calloc(1, sizeof(*selection));

	if (!selection)
		return NULL;
	selection->compositor = compositor;
	selection->announce = announce;
	selection->source_destroy.notify = handle_source_destroy;
	wl_list_init(&selection->source_destroy.link);
	wl_list_init(&selection->devices);
	return selection;
}

void selection_set(struct selection *selection, struct source *source)
{
	struct source *old = selection->source;

	if (old == source)
		return;
	forget_source(selection);
	if (old)
		old->impl->cancel(old);
	selection->source = source;
	if (source)
		wl_signal_add(&source->destroy, &selection->source_destroy);
	announce_to_focus(selection);
	if (selection->changed)
		selection->changed(selection);
}

void selection_add_device(struct selection *selection, struct wl_resource *device)
{
	struct surface *focus = selection->compositor->seat->keyboard.focus.surface;

	wl_list_insert(&selection->devices, wl_resource_get_link(device));
	if (surface_client(focus) == wl_resource_get_client(device))
		selection->announce(selection, device);
}

void clipboard_tell_focus(struct compositor *compositor, struct wl_client *client)
{
	announce_to(compositor->clipboard, client);
	announce_to(compositor->primary, client);
}

void clipboard_changed(struct selection *selection)
{
	struct compositor *compositor = selection->compositor;
	const struct source *source = selection->source;

	transfer_cancel_fetch(compositor, -ECANCELED);
	if ((source && !source->resource) || !compositor->impl->clipboard_changed)
		return;
	compositor->impl->clipboard_changed(compositor->data, find_text_mime(source) != NULL);
}

/* ---- the viewer's text --------------------------------------------------------------------- */

static void text_send(struct source *source, const char *mime, int fd)
{
	struct text_source *text = wl_container_of(source, text, source);

	(void)mime;
	transfer_write(source->compositor, text->text, text->len, fd);
}

static void text_cancel(struct source *source)
{
	struct text_source *text = wl_container_of(source, text, source);

	source_finish(source);
	free(text->text);
	free(text);
}

static const struct source_impl text_source_impl = {
	.send = text_send,
	.cancel = text_cancel,
};

static struct text_source *create_text(struct compositor *compositor, const char *utf8, size_t len)
{
	struct text_source *text = calloc(1, sizeof(*text));

	if (!text)
		return NULL;
	source_init(&text->source, compositor, &text_source_impl, NULL);
	text->text = malloc(len);
	if (text->text) {
		memcpy(text->text, utf8, len);
		text->len = len;
	}
	for (size_t i = 0; i < ARRAY_LEN(text_mimes); i++) {
		if (text->text && source_add_mime(&text->source, text_mimes[i]) == 0)
			continue;
		text_cancel(&text->source);
		return NULL;
	}
	return text;
}

int compositor_offer_text(struct compositor *compositor, const char *utf8, size_t len)
{
	struct selection *clipboard = compositor->clipboard;
	struct text_source *text;

	if (len > TRANSFER_MAX || (len > 0 && !str_utf8_valid(utf8, len)))
		return -EINVAL;
	if (len == 0) {
		if (clipboard->source && !clipboard->source->resource)
			selection_set(clipboard, NULL);
		return 0;
	}
	text = create_text(compositor, utf8, len);
	if (!text)
		return -ENOMEM;
	selection_set(clipboard, &text->source);
	return 0;
}

int compositor_fetch_text(struct compositor *compositor, compositor_text_func_t func, void *data)
{
	struct source *source = compositor->clipboard->source;
	const char *mime = find_text_mime(source);

	if (!mime || !source->resource)
		return -ENOENT;
	transfer_cancel_fetch(compositor, -ECANCELED);
	return transfer_fetch(compositor, source, mime, func, data);
}

static void end_selection(struct selection *selection)
{
	if (!selection)
		return;
	selection->changed = NULL;
	selection_set(selection, NULL);
}

void clipboard_finish(struct compositor *compositor)
{
	transfer_finish(compositor);
	end_selection(compositor->clipboard);
	end_selection(compositor->primary);
}
