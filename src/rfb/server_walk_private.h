/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Shared by server_walk.c (messages) and server_walk_rect.c (rectangles). */
#ifndef LAZARET_RFB_SERVER_WALK_PRIVATE_H
#define LAZARET_RFB_SERVER_WALK_PRIVATE_H

#include "rfb/h264_walk.h"
#include "rfb/jpeg_walk.h"
#include "rfb/server_walk.h"
#include "wire/cursor.h"

/* Looks at exactly the bytes that were needed; may append to `out`; says what comes next. */
typedef int (*server_walk_step)(struct server_walk *walk, struct cursor *c, struct buf *out);

struct walk_rect {
	uint16_t x, y, width, height;
	int32_t encoding;
};

struct server_walk {
	struct server_walk_policy policy;
	char *name;
	const char *reason;

	/* The machine: `need` bytes are gathered in `head` for `step`; before that `pass` bytes of
	 * data go through. */
	struct buf head;
	size_t need;
	server_walk_step step;
	size_t pass;
	bool pass_is_jpeg, pass_is_h264;
	struct jpeg_walk jpeg;
	struct h264_walk h264;

	/* What the viewer asked for */
	uint64_t listed; /* bits by known_encodings[] */
	struct pixel_format formats[SERVER_WALK_FORMATS_MAX]; /* oldest first */
	unsigned int n_formats;
	bool format_due; /* no further update may begin in the old format */
	bool request_open; /* an update may be under way that answers an earlier request */
	bool continuous; /* the viewer's last word */
	bool continuous_open; /* updates may be under way that no request asked for */

	/* What is in force */
	struct pixel_format format;
	uint16_t width, height; /* pixels of the framebuffer */
	bool extended_buttons;
	unsigned int blocked_texts;

	/* The update that is being walked */
	uint32_t rects_left;
	bool until_last_rect;
	bool update_has_pixels, update_has_size;
	struct walk_rect rect;
	uint8_t screens;
	bool tight_jpeg;
	unsigned int length_bytes; /* of a compact length, read so far */
	uint8_t length_raw[3];
	uint64_t length_max;
	bool text_extended;
	size_t text_len; /* of what is gathered or will pass: text, fence, Tight data */
};

/* Sets the reason and returns -EPROTO. */
int server_walk_refuse(struct server_walk *walk, const char *reason);
void server_walk_next(struct server_walk *walk, server_walk_step step, size_t need);
bool server_walk_listed(const struct server_walk *walk, int32_t encoding);
bool server_walk_jpeg_listed(const struct server_walk *walk);

/* Steps that one file hands to the other: a message's first byte; a rectangle's header. */
int server_walk_step_type(struct server_walk *walk, struct cursor *c, struct buf *out);
int server_walk_step_rect(struct server_walk *walk, struct cursor *c, struct buf *out);

#endif
