/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Finding scrolls: which parts of the new picture are an exact shift of the old one.
 *
 * The picture is cut into strips of 64 pixels across the direction of the scroll; each line of a
 * strip is hashed, lines that changed vote for the shift that explains them, and each strip then
 * takes the shifts that fit, run by run, confirmed pixel by pixel. So fixed headers, side bars and
 * panes that scroll apart are found for what they are.
 */
#ifndef LAZARET_RFB_SCROLL_H
#define LAZARET_RFB_SCROLL_H

#include <pixman.h>

#include "base/attr.h"
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
 * Looks for shifts that explain `changed` (a region where `before` and `now`, of one size,
 * differ). No copy reads inside `avoid` (may be NULL).
 *
 * The copies are exact when applied to `before` one after the other, each like memmove, as a
 * client does with CopyRect (RFC 6143 7.7.2): no copy reads what an earlier one wrote. They may
 * write pixels outside `changed`, with the values that these have already. Good for one call;
 * the array belongs to `scroll`. 0 or -ENOMEM.
 */
NODISCARD int scroll_search(struct scroll *scroll, const struct picture *before,
			    const struct picture *now, const pixman_region32_t *changed,
			    const pixman_region32_t *avoid, const struct scroll_copy **ret_copies,
			    size_t *ret_count);

/* Moves the pixels of one copy inside a picture, as the client will. */
void scroll_apply(const struct picture *picture, const struct scroll_copy *copy);

#endif
