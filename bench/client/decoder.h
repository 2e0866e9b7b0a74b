/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a server says after ServerInit (RFC 6143 7.6; rfbproto for the rest), decoded into a
 * framebuffer in the pixel format of framebuffer.h. No sockets: bytes in, calls out.
 *
 * Messages are taken in order and one rectangle at a time, so whatever a call says is true of all
 * bytes before it: a fence is reported when what came before it is in the picture.
 */
#ifndef LAZARET_BENCH_DECODER_H
#define LAZARET_BENCH_DECODER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "bench/client/framebuffer.h"
#include "bench/client/h264_decoders.h"
#include "bench/client/inflater.h"
#include "rfb/protocol.h"
#include "wire/buf.h"
#include "wire/cursor.h"

/* Most bytes of one rectangle or message: a whole picture of the largest size, raw, fits. */
#define DECODER_UNIT_MAX (RFB_SIDE_MAX * RFB_SIDE_MAX * 4 + 4096)
#define DECODER_TEXT_MAX (16 << 20) /* bytes of a clipboard that are skipped */

/* How pixels came. */
enum decoder_kind {
	DECODER_COPYRECT,
	DECODER_TIGHT_FILL,
	DECODER_TIGHT_PALETTE,
	DECODER_TIGHT_MONO,
	DECODER_TIGHT_FULL,
	DECODER_TIGHT_JPEG,
	DECODER_H264,
	DECODER_RAW,
	DECODER_ZRLE,
	DECODER_KINDS,
};
extern const char *const decoder_kind_names[DECODER_KINDS];

/* Since decoder_init(); only ever growing. */
struct decoder_stats {
	uint64_t updates; /* FramebufferUpdate messages with pixels or copies in them */
	uint64_t frames; /* of those, the ones that changed a pixel */
	uint64_t pixels[DECODER_KINDS];
	uint64_t bytes[DECODER_KINDS]; /* headers of rectangles included */
	uint64_t rects[DECODER_KINDS];
	uint64_t cursors;
	uint64_t h264_without_picture; /* rectangles of data that no picture came of */
};

struct decoder;

/* Any may be NULL. `data` is decoder->data. */
struct decoder_calls {
	/* A message that had pixels is decoded whole; framebuffer.changed and .box_changed tell
	 * of it. */
	void (*update)(void *data);
	/* The same, for any FramebufferUpdate: the next may be asked for. */
	void (*update_end)(void *data);
	/* The server named a size, and the framebuffer has it; `changed` if it is another. */
	void (*size)(void *data, bool changed, bool extended);
	/* SetDesktopSize was refused: a status of enum rfb_desktop_size_status. */
	void (*size_refused)(void *data, unsigned int status);
	void (*fence)(void *data, uint32_t flags, const uint8_t *payload, size_t len);
	void (*end_of_continuous)(void *data);
};

struct decoder {
	struct framebuffer fb;
	const struct decoder_calls *calls;
	void *data;
	const char *reason; /* after -EPROTO: a constant sentence */
	struct decoder_stats stats;

	/* The update that is being read */
	unsigned int rects_left;
	bool in_update, until_last_rect, has_pixels;
	enum decoder_kind kind; /* of the rectangle just read */

	struct inflater tight[RFB_TIGHT_STREAMS], zrle;
	void *jpeg; /* tjhandle */
	struct h264_decoders h264;
	struct buf scratch; /* inflated data */
};

/* A decoder without picture; 0 or -ENOMEM. */
NODISCARD int decoder_init(struct decoder *decoder, int width, int height,
			   const struct decoder_calls *calls, void *data);
void decoder_finish(struct decoder *decoder);

/* Takes whole messages and rectangles from `in` as long as there are any. 0, -EPROTO or -ENOMEM:
 * the connection is then to be closed. */
NODISCARD int decoder_feed(struct decoder *decoder, struct buf *in);

/* --- private to the decoder's files --------------------------------------------------------- */

/* A body behind a rectangle's header: 1 when it was read and drawn; 0 if it is not all there; or
 * a negative errno. It sets decoder->kind. */
int decoder_tight(struct decoder *decoder, struct cursor *c, const struct box *rect);
int decoder_zrle(struct decoder *decoder, struct cursor *c, const struct box *rect);
int decoder_h264(struct decoder *decoder, struct cursor *c, const struct box *rect);

/* Sets the reason and returns -EPROTO. */
int decoder_refuse(struct decoder *decoder, const char *reason);
/* `size` bytes that stay until the next call; NULL without memory. */
uint8_t *decoder_scratch(struct decoder *decoder, size_t size);

#endif
