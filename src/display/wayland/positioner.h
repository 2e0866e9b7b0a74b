/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where a popup goes: the rules of xdg_positioner (xdg-shell.xml), as plain arithmetic. */
#ifndef LAZARET_DISPLAY_WAYLAND_POSITIONER_H
#define LAZARET_DISPLAY_WAYLAND_POSITIONER_H

#include <stdbool.h>
#include <stdint.h>

/* Logical units. */
struct box {
	int x, y, width, height;
};

/* Values of the protocol's enums, already checked. */
struct positioner {
	int width, height; /* 0 until set; both > 0 when usable */
	struct box anchor_rect; /* relative to the parent's window geometry */
	bool has_anchor_rect;
	uint32_t anchor; /* enum xdg_positioner_anchor */
	uint32_t gravity; /* enum xdg_positioner_gravity: the same numbers */
	uint32_t adjustment; /* enum xdg_positioner_constraint_adjustment */
	int offset_x, offset_y;
	bool reactive;
};

bool positioner_is_complete(const struct positioner *positioner);

/* The box without constraints, relative to the parent's window geometry. */
struct box positioner_place(const struct positioner *positioner);

/*
 * The box after flip, slide and resize, axis by axis, so that it fits into `area`, which is given
 * relative to the parent's window geometry. Where no permitted adjustment makes it fit, it is as
 * near as the last permitted one brings it; width and height stay > 0.
 */
struct box positioner_constrain(const struct positioner *positioner, const struct box *area);

#endif
