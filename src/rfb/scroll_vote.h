/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Private to scroll: guesses of how parts of a picture have moved. A guess may be wrong; who asked
 * tries it against the pixels.
 */
#ifndef LAZARET_RFB_SCROLL_VOTE_H
#define LAZARET_RFB_SCROLL_VOTE_H

#include <pixman.h>
#include <stddef.h>

#include "base/attr.h"
#include "rfb/compare.h"

/* What is searched: rows and columns of pixels, and cells of the grid of compare.h. */
struct scroll_field {
	const struct picture *before, *now;
	pixman_box32_t box; /* around everything that changed */
	int first, end; /* cells inside the picture that the box crosses */
	/* By row of the picture: cells that changed, and that nothing explains yet. */
	struct compare_row *left;
};

struct scroll_vote;

/* 0 or -ENOMEM */
NODISCARD int scroll_vote_create(struct scroll_vote **ret_vote);
void scroll_vote_destroy(struct scroll_vote *vote);

/*
 * Each fills `shifts`, but their matches, with at most `max` guesses, the best first, and returns how many. The first two
 * find what moved along one axis, the third anything that kept its look, like a panel that is
 * dragged; it gives none where the box is large.
 */
NODISCARD size_t scroll_vote_vertical(struct scroll_vote *vote, const struct scroll_field *field,
				      struct compare_shift *shifts, size_t max);
NODISCARD size_t scroll_vote_horizontal(struct scroll_vote *vote, const struct scroll_field *field,
					struct compare_shift *shifts, size_t max);
NODISCARD size_t scroll_vote_any(struct scroll_vote *vote, const struct scroll_field *field,
				 struct compare_shift *shifts, size_t max);

#endif
