/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "film_client.h"

#include <rfb/rfbclient.h>
#include <stdlib.h>
#include <string.h>

#include "film_decoder.h"

#define ENCODING 50
#define RESET_CONTEXT 1u
#define RESET_ALL 2u
#define CONTEXTS 64

/* The client's, by rectangle. */
static struct context {
	bool used;
	rfbRectangle place;
	struct film_decoder decoder;
} contexts[CONTEXTS];

static struct film_client_seen seen;
static int encodings[2];

static void drop(struct context *context)
{
	if (context->used)
		film_decoder_finish(&context->decoder);
	context->used = false;
}

static struct context *find(const rfbRectangle *place)
{
	for (int i = 0; i < CONTEXTS; i++) {
		if (contexts[i].used && memcmp(&contexts[i].place, place, sizeof(*place)) == 0)
			return &contexts[i];
	}
	return NULL;
}

static struct context *make(const rfbRectangle *place)
{
	for (int i = 0; i < CONTEXTS; i++) {
		if (contexts[i].used)
			continue;
		contexts[i].used = true;
		contexts[i].place = *place;
		film_decoder_init(&contexts[i].decoder);
		return &contexts[i];
	}
	return NULL;
}

static bool is_key(const uint8_t *data, size_t len)
{
	return len > 4 && (data[4] & 0x1f) == 7;
}

static void show(rfbClient *client, const rfbRectangle *r, const uint8_t *data, size_t len,
		 uint32_t flags)
{
	uint32_t *pixels = (uint32_t *)client->frameBuffer + (size_t)r->y * (size_t)client->width +
			   r->x;
	struct context *context;

	for (int i = 0; i < CONTEXTS && (flags & RESET_ALL); i++)
		drop(&contexts[i]);
	context = find(r);
	if (context && (flags & RESET_CONTEXT)) {
		drop(context);
		context = NULL;
	}
	/* A decoder that begins in the middle shows nothing. */
	if (!context && is_key(data, len))
		context = make(r);
	if (!context ||
	    !film_decoder_take(&context->decoder, data, len, r->w, r->h, pixels, client->width))
		seen.broken++;
}

static rfbBool handle(rfbClient *client, rfbFramebufferUpdateRectHeader *rect)
{
	uint8_t head[8];
	uint32_t len, flags;
	uint8_t *data;

	if (rect->encoding != ENCODING || encodings[0] == 0)
		return FALSE;
	if (!ReadFromRFBServer(client, (char *)head, sizeof(head)))
		return FALSE;
	len = (uint32_t)head[0] << 24 | (uint32_t)head[1] << 16 | (uint32_t)head[2] << 8 | head[3];
	flags = (uint32_t)head[4] << 24 | (uint32_t)head[5] << 16 | (uint32_t)head[6] << 8 |
		head[7];
	data = malloc(len);
	if (!data || !ReadFromRFBServer(client, (char *)data, len)) {
		free(data);
		return FALSE;
	}
	seen.frames++;
	seen.resets += flags != 0;
	seen.keys += is_key(data, len);
	seen.bytes += len;
	seen.x = rect->r.x;
	seen.y = rect->r.y;
	seen.width = rect->r.w;
	seen.height = rect->r.h;
	show(client, &rect->r, data, len, flags);
	free(data);
	return TRUE;
}

void film_client_install(bool on)
{
	static rfbClientProtocolExtension extension = {
		.encodings = encodings,
		.handleEncoding = handle,
	};
	static bool registered;

	encodings[0] = on ? ENCODING : 0;
	seen = (struct film_client_seen){0};
	for (int i = 0; i < CONTEXTS; i++)
		drop(&contexts[i]);
	if (!registered)
		rfbClientRegisterExtension(&extension);
	registered = true;
}

const struct film_client_seen *film_client_seen(void)
{
	return &seen;
}
