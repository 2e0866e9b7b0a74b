/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Private to update: finds the rectangle of the picture that moves like a film: large, in most of its
 * places in most updates, at a steady rate, with many colours. What a scroll explains is no film, nor
 * is text that is typed, a small spinner or flat colours that are animated.
 *
 * There is one film at a time, the largest. Its edges are exact to the pixel: they are counted over
 * several updates. It begins after some 0.4 s of motion and ends 0.5 s after the last. No clock here:
 * times come from the caller, in monotonic microseconds.
 */
#ifndef LAZARET_RFB_FILM_H
#define LAZARET_RFB_FILM_H

#include <pixman.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "rfb/pixel_format.h"
#include "rfb/scroll.h"
#include "rfb/update_motion.h"

/* Pixels a side; what is smaller is no film. */
#define FILM_SIDE_MIN 96

/* Changes that are counted pixel by pixel, to find edges. */
struct film_watch {
	bool on;
	bool narrowed; /* to what was found in a larger area */
	pixman_box32_t area; /* in whole cells, cut to the picture */
	uint64_t begun, last; /* the first and the last update that counted */
	unsigned int updates;
};

struct film {
	int width, height; /* of the picture */
	bool active;
	pixman_box32_t box; /* of the film if there is one; sides are even */
	uint64_t last; /* when much of the box changed last */
	uint64_t checked; /* when its box and its content were looked at last */
	uint64_t refused; /* when something that moves was found to be no film; 0: never */
	struct film_watch watch;
	uint32_t *columns, *rows; /* changes by x and y in the watched area */
	uint16_t *cells; /* updates in which a cell changed; a grid of motion's size */
	uint16_t *marks; /* for the search of connected cells */
};

/* One update, scrolls taken out. */
struct film_update {
	const struct picture *before, *now; /* of the film's size */
	const pixman_region32_t *changed; /* where they differ */
	const struct update_motion *motion; /* which knows of this update */
	uint64_t time;
};

/* All zero is a film without size, that film_finish() takes. For another size of picture: no film.
 * 0 or -ENOMEM; it keeps its former size then. */
NODISCARD int film_resize(struct film *film, int width, int height);
void film_finish(struct film *film);

/* To be called for each update without scrolls, before film->active is asked. */
void film_note(struct film *film, const struct film_update *update);

/* What copies of an update moved: by the shift of most pixels, and pixels in all. */
struct film_shift {
	int dx, dy;
	int64_t pixels;
};

struct film_shift film_find_shift(const struct scroll_copy *copies, size_t count);

/*
 * Instead of film_note() for an update that was a scroll; `changed` is what that did not explain. A
 * film in the part that scrolled moves with it, or ends if it left the picture. True if it moved.
 */
bool film_follow(struct film *film, const pixman_region32_t *changed,
		 const struct film_shift *shift, uint64_t time);

/* Ends a film that stands still. */
void film_expire(struct film *film, uint64_t time);

/* Whether all of a box is part of the film; not if there is none. */
bool film_has(const struct film *film, const pixman_box32_t *box);

/* What lies around a film: motion is known by cells, and those at its edges hold some of the page.
 * For the caller to finish. May reach beyond the picture. */
void film_init_surroundings(const struct film *film, pixman_region32_t *ret_region);

#endif
