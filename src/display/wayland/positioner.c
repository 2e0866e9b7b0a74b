/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/attr.h"
#include "display/wayland/positioner.h"
#include "xdg-shell-server-protocol.h"

/* One axis of the whole matter: the rules are the same for x and y. */
struct span {
	int pos, len;
};

struct axis {
	struct span anchor_rect;
	int anchor, gravity; /* -1: left or top edge, 0: centre, 1: right or bottom edge */
	int offset, len;
};

bool positioner_is_complete(const struct positioner *positioner)
{
	return positioner->width > 0 && positioner->height > 0 && positioner->has_anchor_rect;
}

/* Anchors and gravities have the same numbers. */
static int edge_x(uint32_t edge)
{
	switch (edge) {
	case XDG_POSITIONER_ANCHOR_LEFT:
	case XDG_POSITIONER_ANCHOR_TOP_LEFT:
	case XDG_POSITIONER_ANCHOR_BOTTOM_LEFT:
		return -1;
	case XDG_POSITIONER_ANCHOR_RIGHT:
	case XDG_POSITIONER_ANCHOR_TOP_RIGHT:
	case XDG_POSITIONER_ANCHOR_BOTTOM_RIGHT:
		return 1;
	default:
		return 0;
	}
}

static int edge_y(uint32_t edge)
{
	switch (edge) {
	case XDG_POSITIONER_ANCHOR_TOP:
	case XDG_POSITIONER_ANCHOR_TOP_LEFT:
	case XDG_POSITIONER_ANCHOR_TOP_RIGHT:
		return -1;
	case XDG_POSITIONER_ANCHOR_BOTTOM:
	case XDG_POSITIONER_ANCHOR_BOTTOM_LEFT:
	case XDG_POSITIONER_ANCHOR_BOTTOM_RIGHT:
		return 1;
	default:
		return 0;
	}
}

static struct axis horizontal(const struct positioner *p)
{
	return (struct axis){
		.anchor_rect = {p->anchor_rect.x, p->anchor_rect.width},
		.anchor = edge_x(p->anchor),
		.gravity = edge_x(p->gravity),
		.offset = p->offset_x,
		.len = p->width,
	};
}

static struct axis vertical(const struct positioner *p)
{
	return (struct axis){
		.anchor_rect = {p->anchor_rect.y, p->anchor_rect.height},
		.anchor = edge_y(p->anchor),
		.gravity = edge_y(p->gravity),
		.offset = p->offset_y,
		.len = p->height,
	};
}

static int place_axis(const struct axis *axis)
{
	int pos = axis->anchor_rect.pos + axis->offset;

	if (axis->anchor == 0)
		pos += axis->anchor_rect.len / 2;
	else if (axis->anchor > 0)
		pos += axis->anchor_rect.len;
	if (axis->gravity == 0)
		pos -= axis->len / 2;
	else if (axis->gravity < 0)
		pos -= axis->len;
	return pos;
}

static bool fits(int pos, int len, struct span area)
{
	return pos >= area.pos && pos + len <= area.pos + area.len;
}

/* Toward the gravity first, until the far edge is free, then back until the near one is: so that
 * where it is longer than the area, the edge opposite to the gravity is the one that shows. */
static int slide(int pos, int len, int gravity, struct span area)
{
	int last = area.pos + area.len - len;

	if (len > area.len)
		return gravity < 0 ? last : area.pos;
	return CLAMP(pos, area.pos, last);
}

static struct span constrain_axis(const struct axis *axis, struct span area, bool may_flip,
				  bool may_slide, bool may_resize)
{
	struct span span = {place_axis(axis), axis->len};
	int from, to;

	if (fits(span.pos, span.len, area))
		return span;
	if (may_flip) {
		struct axis flipped = *axis;
		int pos;

		flipped.anchor = -axis->anchor;
		flipped.gravity = -axis->gravity;
		pos = place_axis(&flipped);
		if (fits(pos, span.len, area)) {
			span.pos = pos;
			return span;
		}
	}
	if (may_slide) {
		span.pos = slide(span.pos, span.len, axis->gravity, area);
		if (fits(span.pos, span.len, area))
			return span;
	}
	if (may_resize) {
		from = MAX(span.pos, area.pos);
		to = MIN(span.pos + span.len, area.pos + area.len);
		if (to > from)
			span = (struct span){from, to - from};
	}
	return span;
}

struct box positioner_place(const struct positioner *positioner)
{
	struct axis x = horizontal(positioner), y = vertical(positioner);

	return (struct box){place_axis(&x), place_axis(&y), positioner->width, positioner->height};
}

struct box positioner_constrain(const struct positioner *positioner, const struct box *area)
{
	struct axis x = horizontal(positioner), y = vertical(positioner);
	uint32_t may = positioner->adjustment;
	struct span h, v;

	h = constrain_axis(&x, (struct span){area->x, area->width},
			   may & XDG_POSITIONER_CONSTRAINT_ADJUSTMENT_FLIP_X,
			   may & XDG_POSITIONER_CONSTRAINT_ADJUSTMENT_SLIDE_X,
			   may & XDG_POSITIONER_CONSTRAINT_ADJUSTMENT_RESIZE_X);
	v = constrain_axis(&y, (struct span){area->y, area->height},
			   may & XDG_POSITIONER_CONSTRAINT_ADJUSTMENT_FLIP_Y,
			   may & XDG_POSITIONER_CONSTRAINT_ADJUSTMENT_SLIDE_Y,
			   may & XDG_POSITIONER_CONSTRAINT_ADJUSTMENT_RESIZE_Y);
	return (struct box){h.pos, v.pos, h.len, v.len};
}
