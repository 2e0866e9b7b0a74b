/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Private to update: the film of a picture, as the viewer's H.264 decoder gets it. */
#ifndef LAZARET_RFB_UPDATE_FILM_H
#define LAZARET_RFB_UPDATE_FILM_H

#include <pixman.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "rfb/film.h"
#include "rfb/h264.h"
#include "wire/buf.h"

struct update_film {
	struct film film;
	struct h264 *coder; /* NULL: there is no film, or it was not sent yet */
	int width, height; /* the coder's */
	pixman_box32_t context; /* the rectangle that the viewer has a decoder for */
	bool has_context;
	bool stale; /* that decoder has to begin anew */
	uint64_t failed; /* when a frame could not be coded; 0: never */
};

/* All zero is a film without size. For a picture of another size: no film. 0 or -ENOMEM. */
NODISCARD int update_film_resize(struct update_film *film, int width, int height);
void update_film_finish(struct update_film *film);

/* The viewer has lost the region; NULL: all it had. */
void update_film_forget(struct update_film *film, const pixman_region32_t *region);

/* Ends what stands still, and gives back its memory. */
void update_film_tidy(struct update_film *film, uint64_t time);

/* There is a film, some of `todo` is in it, and it can be coded. */
bool update_film_wanted(const struct update_film *film, const pixman_region32_t *todo,
			uint64_t time);

/* Appends one rectangle (RFC 6143 7.6.1): all of film->film.box, from a picture that has it. Errors
 * are those of h264_encode() and h264_create(); `out` is then as before. */
NODISCARD int update_film_put(struct update_film *film, const struct picture *picture, int quality,
			      uint64_t bits_per_second, uint64_t time, struct buf *out);

#endif
