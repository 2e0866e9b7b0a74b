/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The engine behind one attached viewer: it knows which pixels that viewer has, and writes
 * FramebufferUpdate messages (RFC 6143 7.6.1) that bring it to the picture of now.
 *
 *	compare with what was sent -> search for scrolls -> CopyRect -> compare -> code the rest
 *
 * One engine a client connection: the zlib streams of Tight and ZRLE live as long as that.
 * Coordinates are framebuffer pixels. Damage is a hint and may be far too large; it must not be
 * too small.
 */
#ifndef LAZARET_RFB_UPDATE_H
#define LAZARET_RFB_UPDATE_H

#include <pixman.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "rfb/pixel_format.h"
#include "rfb/protocol.h"
#include "wire/buf.h"

/* What the client told in SetEncodings. */
struct update_client {
	int encoding; /* the first it named of RFB_ENCODING_TIGHT, _ZRLE, _RAW; others count as Raw */
	bool copy_rect;
	int quality; /* 0 (worst) to 9, -1: it gave no quality level, so everything is lossless */
	int compress; /* 0 to 9, -1: not told. Levels above 2 are served as 2. */
	bool h264; /* films may go to it as Open H.264 */
};

/* For one call; zero-initialised it limits nothing. */
struct update_limits {
	/* No further rectangle is begun once the message has this many bytes; 0: no limit. The
	 * message may be longer by one rectangle, and rectangles are the smaller, the less this is.
	 * Small ones come first; of the others each has its turn, however often those above it
	 * change. */
	size_t bytes;
	/* Only small rectangles are sent now. */
	bool small_only;
	/* Where lossy coding is welcome because the picture moves. NULL: the engine decides by
	 * how often a place changed lately. Without a quality level nothing is ever lossy. */
	const pixman_region32_t *moving;
	/* What the line takes; 0: not known, or more than was ever needed. What moves is coded so
	 * that it fits. */
	uint64_t bits_per_second;
};

struct update_stats {
	uint64_t messages;
	uint64_t bytes; /* of all messages written */
	uint64_t rects;
	uint64_t copies; /* CopyRect rectangles */
	uint64_t pixels_copied;
	uint64_t pixels_lossless; /* coded pixels without loss, CopyRect apart */
	uint64_t pixels_lossy;
	uint64_t pixels_repaired;
	uint64_t films, pixels_film; /* frames of films as H.264; they are lossy too */
	uint64_t pixels_hinted; /* area of the damage that came in */
	uint64_t pixels_changed; /* of that, the area of cells that differed */
	uint64_t usec_compare, usec_scroll, usec_encode;
};

struct update;

/* An engine without size: update_set_size() comes first. 0 or -ENOMEM. */
NODISCARD int update_create(struct update **ret_update);
void update_destroy(struct update *update);

/*
 * The framebuffer of the client has this size from now on; all of it is unknown and will be sent.
 * To be called at attach and whenever the size was told to the client. 0, -EINVAL (outside 1 to
 * RFB_SIDE_MAX) or -ENOMEM: the engine then keeps its former size.
 */
NODISCARD int update_set_size(struct update *update, int width, int height);

/* New encodings: hold from the next message on. */
void update_set_client(struct update *update, const struct update_client *client);

/* New pixel format: holds from the next message on; all of the framebuffer is sent again. */
void update_set_format(struct update *update, const struct pixel_format *format);

/*
 * The client asked without `incremental`: whatever it has inside the region counts for nothing
 * and will be sent, unasked damage or not. Never fails: without memory it forgets everything.
 */
void update_forget(struct update *update, const pixman_region32_t *region);

/* Whether pixels would have to be sent even without damage. */
bool update_has_unknown(const struct update *update);
/* Whether the client has pixels that are not exact yet. */
bool update_has_lossy(const struct update *update);
/* How many pixels changed several times a second up to now. */
int64_t update_moving_pixels(const struct update *update);

/*
 * Appends one whole FramebufferUpdate to `out`, or nothing if the client has the picture already.
 *
 * `now` has the size of update_set_size(); its pixels may have any top byte and must hold still
 * during the call. `damage` is where `now` may differ from what earlier calls saw. On success it
 * is what still has to be sent: empty, or the part that `limits` or the cap of `out` left over.
 * `limits` may be NULL. `*ret_bytes` is the length of the message, 0 for none.
 *
 * Fails with -EINVAL (wrong size), -ENOMEM, or -ENOBUFS (not even one rectangle had room in
 * `out`). `out` is then as long as before, without a sticky error, and the engine takes as unknown
 * what it is no longer sure of, so that the next call mends it; nothing else is to be done.
 */
NODISCARD int update_build(struct update *update, const struct picture *now,
			   pixman_region32_t *damage, const struct update_limits *limits,
			   struct buf *out, size_t *ret_bytes);

/*
 * Sends up to about `max_pixels` of what went out lossy and has not changed for `rest_usec`
 * microseconds, now exact, as a FramebufferUpdate. For idle moments: call it when update_build()
 * has nothing to send. Places where `now` has changed meanwhile belong to `damage` of the caller
 * and to update_build(). Results and errors are those of update_build().
 */
NODISCARD int update_repair(struct update *update, const struct picture *now, int64_t max_pixels,
			    uint64_t rest_usec, struct buf *out, size_t *ret_bytes);

void update_get_stats(const struct update *update, struct update_stats *ret_stats);

/* A screen of ExtendedDesktopSize (rfbproto "ExtendedDesktopSize Pseudo-encoding"). */
struct update_screen {
	uint32_t id;
	uint16_t x, y, width, height;
	uint32_t flags;
};

/*
 * Appends a FramebufferUpdate that holds an ExtendedDesktopSize rectangle and, as the
 * specification wants, no pixels. For RFB_SIZE_OK the client's framebuffer has the new size once
 * it reads this, so update_set_size() goes with it. At most RFB_SCREENS_MAX screens. Errors are
 * sticky in `out`.
 */
void update_put_desktop_size(struct buf *out, enum rfb_desktop_size_reason reason,
			     enum rfb_desktop_size_status status, int width, int height,
			     const struct update_screen *screens, size_t n_screens);

/* The same by DesktopSize (RFC 6143 7.8.2), for clients that know only that. */
void update_put_desktop_size_plain(struct buf *out, int width, int height);

/* Appends a FramebufferUpdate with a DesktopName rectangle; `name` is UTF-8 of at most
 * RFB_NAME_MAX bytes, longer is cut at a character. */
void update_put_desktop_name(struct buf *out, const char *name);

#endif
