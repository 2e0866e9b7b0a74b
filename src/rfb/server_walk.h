/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Walks the structure of what a display sends (RFC 6143 7.3.2, 7.6, 7.7; rfbproto for the
 * extensions) and lets through only what a viewer can be trusted with: messages of known types,
 * encodings that the viewer listed, rectangles inside the framebuffer, lengths that fit them.
 *
 * Nothing is held back but structure: the data of a rectangle passes as it comes. Text is held
 * whole, filtered and written anew. Padding and fields without meaning are written as zero. Data
 * inside zlib streams and JPEG scans stays opaque.
 *
 * The walker must hear in order what the viewer asks (the calls server_walk_asked_*), before the
 * display can have acted on it.
 */
#ifndef LAZARET_RFB_SERVER_WALK_H
#define LAZARET_RFB_SERVER_WALK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "rfb/pixel_format.h"
#include "rfb/protocol.h"
#include "wire/buf.h"

/* Pixel formats that were asked for and not confirmed yet. */
#define SERVER_WALK_FORMATS_MAX 16
/* Pointer shapes: pixels a side. */
#define SERVER_WALK_CURSOR_MAX 256
/*
 * What server_walk_feed() appends is at most what it was fed plus this: structure that it held
 * back, and text that became longer by being written anew.
 */
#define SERVER_WALK_SLACK (2 * RFB_CLIPBOARD_MAX + 64 * 1024)

struct server_walk_policy {
	const char *name; /* of the desktop, UTF-8; copied */
	bool title; /* page titles may pass, behind the name */
	bool clipboard_in; /* the viewer may be asked for its text */
	bool clipboard_out; /* text may go to the viewer */
};

struct server_walk;

/* At the start of ServerInit. 0 or -ENOMEM. */
NODISCARD int server_walk_create(const struct server_walk_policy *policy,
				 struct server_walk **ret_walk);
/* NULL is allowed. */
void server_walk_destroy(struct server_walk *walk);

/* SetEncodings: what was listed once may be used from then on. */
void server_walk_asked_encodings(struct server_walk *walk, const int32_t *list, int count);
/* SetPixelFormat. -ENOBUFS: too many of them are waiting. */
NODISCARD int server_walk_asked_format(struct server_walk *walk, const struct pixel_format *format);
/* FramebufferUpdateRequest */
void server_walk_asked_update(struct server_walk *walk);
/* EnableContinuousUpdates */
void server_walk_asked_continuous(struct server_walk *walk, bool enable);

/*
 * The next bytes from the display; all of them are taken. What may pass is appended to `out`,
 * which must have room for len + SERVER_WALK_SLACK. 0; -EPROTO if the display broke a rule (what
 * was appended so far is sound, and the connection must end); -ENOMEM; an error of `out`.
 */
NODISCARD int server_walk_feed(struct server_walk *walk, const uint8_t *data, size_t len,
			       struct buf *out);

/* After -EPROTO: which rule, a constant sentence. */
const char *server_walk_reason(const struct server_walk *walk);

/* Nothing is half way: the viewer has whole messages only. */
bool server_walk_at_boundary(const struct server_walk *walk);

/* The display confirmed ExtendedMouseButtons (for client_parser). */
bool server_walk_extended_buttons(const struct server_walk *walk);

/* Texts that policy did not let pass. */
unsigned int server_walk_blocked_texts(const struct server_walk *walk);

#endif
