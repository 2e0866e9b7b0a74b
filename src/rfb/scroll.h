/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Finding scrolls: which parts of the new picture are an exact shift of the old one.
 *
 * Some lines vote for the shift that explains them (scroll_vote.h); each guess is then tried pixel
 * by pixel on a grid of cells, and each column of cells takes the shifts that fit, run by run. So
 * fixed headers, side bars, panes that scroll apart and panels that are dragged are found for what
 * they are.
 */
#ifndef LAZARET_RFB_SCROLL_H
#define LAZARET_RFB_SCROLL_H

#include <pixman.h>

#include "base/attr.h"
#include "rfb/compare.h"
#include "rfb/pixel_format.h"

#define SCROLL_COPIES_MAX 256

/* now(x, y) == before(x - dx, y - dy) for each pixel of dst; the source lies in the picture. */
struct scroll_copy {
	pixman_box32_t dst;
	int dx, dy;
};

struct scroll;

NODISCARD int scroll_create(struct scroll **ret_scroll);
void scroll_destroy(struct scroll *scroll);

/*
 * Guesses from a part of the rows how most of what changed inside `hint` has moved, so that the
 * comparison of the pictures can look for that as well. NULL: no guess, for any reason. What comes
 * back belongs to `scroll`, is for compare_region(), and holds until the scroll_search() that
 * follows, which has to be for the same pictures; or until the next guess.
 */
const struct compare_shift *scroll_guess(struct scroll *scroll, const struct picture *before,
					 const struct picture *now, const pixman_region32_t *hint);

/*
 * Looks for shifts that explain what changed between `before` and `now`, which have one size.
 * `rows` and `changed` are what compare_region() tells of them. No copy reads inside `avoid` (may
 * be NULL).
 *
 * The copies are exact when applied to `before` one after the other, each like memmove, as a
 * client does with CopyRect (RFC 6143 7.7.2): no copy reads what an earlier one wrote. They may
 * write pixels outside `changed`, with the values that these have already. Good for one call;
 * the array belongs to `scroll`. 0 or -ENOMEM.
 */
NODISCARD int scroll_search(struct scroll *scroll, const struct picture *before,
			    const struct picture *now, const struct compare_row *rows,
			    const pixman_region32_t *changed, const pixman_region32_t *avoid,
			    const struct scroll_copy **ret_copies, size_t *ret_count);

/* Moves the pixels of one copy inside a picture, as the client will. */
void scroll_apply(const struct picture *picture, const struct scroll_copy *copy);

#endif
