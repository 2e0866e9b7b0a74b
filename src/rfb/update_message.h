/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Private to update: the engine's state, the regions that tell what a client has, and a message that
 * is being written, rectangle by rectangle.
 */
#ifndef LAZARET_RFB_UPDATE_MESSAGE_H
#define LAZARET_RFB_UPDATE_MESSAGE_H

#include <pixman.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "rfb/compare.h"
#include "rfb/encoder.h"
#include "rfb/scroll.h"
#include "rfb/update.h"
#include "rfb/update_film.h"
#include "rfb/update_motion.h"
#include "rfb/update_rate.h"

#define N_ENCODERS 3
/* Of one rectangle, before an encoder splits it. */
#define BOX_PIXELS_MAX (INT64_C(1) << 20)

struct update {
	struct update_client client;
	struct pixel_format format;
	struct compare_row *rows; /* which cells of each row the last comparison found changed */
	struct picture sent; /* what the client has; exact where it is neither unknown nor lossy */
	pixman_region32_t unknown; /* what the client has here is not known: to be sent */
	pixman_region32_t lossy; /* the client has this picture, but coded with loss */
	struct encoder *encoders[N_ENCODERS]; /* made when first used, kept for their streams */
	struct scroll *scroll;
	struct update_motion motion;
	struct update_film film;
	struct update_rate rate;
	bool film_waits; /* it had no room in the last message */
	int turn; /* row at which the next limited message goes on */
	struct update_stats stats;
};

/* A message that is being written. */
struct message {
	struct update *update;
	const struct picture *now;
	const struct update_limits *limits;
	struct buf *out;
	size_t start; /* where it begins in `out` */
	unsigned int rects;
	uint64_t time;
	struct film_shift shift; /* of what scrolled in it */
};

/* --- regions of the client's picture ------------------------------------------------------------ */

/* All of the picture. Never fails: a region of one rectangle needs no memory. */
void update_set_whole(const struct update *update, pixman_region32_t *region);
/* A region that may only grow, and without memory is all; the second pair takes away. */
void update_grow(const struct update *update, pixman_region32_t *region,
		 const pixman_region32_t *more);
void update_shrink(const struct update *update, pixman_region32_t *region,
		   const pixman_region32_t *less);
void update_shrink_by_box(const struct update *update, pixman_region32_t *region,
			  const pixman_box32_t *box);

/* --- the message -------------------------------------------------------------------------------- */

void message_begin(struct message *m);
/* Without rectangles nothing has been sent. Returns the length of the message. */
size_t message_end(struct message *m);
/* No further rectangle may begin. */
bool message_full(const struct message *m);

/*
 * One box of the picture of now, lossy if `quality` is not negative. On failure the client may have
 * some of it, so that all of it is unknown. 0, -ENOMEM, -ENOBUFS or -EINVAL.
 */
NODISCARD int message_send_box(struct message *m, const pixman_box32_t *box, int quality);
/* Sends the region until the message is full or it fails; what was not begun is added to `rest`. */
NODISCARD int message_send_region(struct message *m, const pixman_region32_t *region, int quality,
				  pixman_region32_t *rest);

#endif
