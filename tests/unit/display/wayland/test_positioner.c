/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "display/wayland/positioner.h"
#include "xdg-shell-server-protocol.h"

#define ADJUST(name) XDG_POSITIONER_CONSTRAINT_ADJUSTMENT_##name

/* A menu of 100x50 below a button of 40x20. */
static struct positioner menu(int x, int y, uint32_t adjustment)
{
	return (struct positioner){
		.width = 100,
		.height = 50,
		.anchor_rect = {x, y, 40, 20},
		.has_anchor_rect = true,
		.anchor = XDG_POSITIONER_ANCHOR_BOTTOM_LEFT,
		.gravity = XDG_POSITIONER_GRAVITY_BOTTOM_RIGHT,
		.adjustment = adjustment,
	};
}

static const struct box area = {0, 0, 800, 600};

static void assert_box(struct box box, int x, int y, int width, int height)
{
	assert_int_equal(box.x, x);
	assert_int_equal(box.y, y);
	assert_int_equal(box.width, width);
	assert_int_equal(box.height, height);
}

static void test_unconstrained(void **state)
{
	struct positioner p = menu(10, 10, 0x3f);

	(void)state;
	assert_box(positioner_constrain(&p, &area), 10, 30, 100, 50);
	p.offset_x = 5;
	p.offset_y = -3;
	assert_box(positioner_constrain(&p, &area), 15, 27, 100, 50);
}

static void test_anchors(void **state)
{
	struct positioner p = menu(100, 100, 0);

	(void)state;
	p.anchor = XDG_POSITIONER_ANCHOR_NONE;
	p.gravity = XDG_POSITIONER_GRAVITY_NONE;
	assert_box(positioner_place(&p), 70, 85, 100, 50);
	p.anchor = XDG_POSITIONER_ANCHOR_TOP_RIGHT;
	p.gravity = XDG_POSITIONER_GRAVITY_TOP_RIGHT;
	assert_box(positioner_place(&p), 140, 50, 100, 50);
	p.anchor = XDG_POSITIONER_ANCHOR_LEFT;
	p.gravity = XDG_POSITIONER_GRAVITY_LEFT;
	assert_box(positioner_place(&p), 0, 85, 100, 50);
	p.anchor = XDG_POSITIONER_ANCHOR_BOTTOM;
	p.gravity = XDG_POSITIONER_GRAVITY_BOTTOM;
	assert_box(positioner_place(&p), 70, 120, 100, 50);
}

static void test_flip(void **state)
{
	struct positioner p = menu(100, 570, ADJUST(FLIP_Y));

	(void)state;
	assert_box(positioner_constrain(&p, &area), 100, 520, 100, 50);
	/* The offset is not turned round. */
	p.offset_y = 4;
	assert_box(positioner_constrain(&p, &area), 100, 524, 100, 50);
	/* Where both sides are too small it stays as it was. */
	p = menu(100, 570, ADJUST(FLIP_Y));
	p.height = 580;
	assert_box(positioner_constrain(&p, &area), 100, 590, 100, 580);
}

static void test_slide(void **state)
{
	struct positioner p = menu(760, 10, ADJUST(SLIDE_X));

	(void)state;
	assert_box(positioner_constrain(&p, &area), 700, 30, 100, 50);
	p = menu(-30, 10, ADJUST(SLIDE_X));
	assert_box(positioner_constrain(&p, &area), 0, 30, 100, 50);
	/* Longer than the area: the edge that the eye begins at is seen. */
	p.width = 900;
	assert_box(positioner_constrain(&p, &area), 0, 30, 900, 50);
	p.gravity = XDG_POSITIONER_GRAVITY_BOTTOM_LEFT;
	assert_box(positioner_constrain(&p, &area), -100, 30, 900, 50);
}

static void test_resize(void **state)
{
	struct positioner p = menu(100, 560, ADJUST(RESIZE_Y));

	(void)state;
	assert_box(positioner_constrain(&p, &area), 100, 580, 100, 20);
	/* Wholly outside: nothing would be left, so it stays. */
	p = menu(100, 700, ADJUST(RESIZE_Y));
	assert_box(positioner_constrain(&p, &area), 100, 720, 100, 50);
}

static void test_order(void **state)
{
	/* Flip fits, so it neither slides nor shrinks. */
	struct positioner p = menu(100, 560, 0x3f);

	(void)state;
	assert_box(positioner_constrain(&p, &area), 100, 510, 100, 50);
	/* No flip fits: slide, then shrink what is still too long. */
	p.height = 700;
	assert_box(positioner_constrain(&p, &area), 100, 0, 100, 600);
	/* Each axis by itself. */
	p = menu(780, 100, ADJUST(SLIDE_X) | ADJUST(FLIP_Y));
	assert_box(positioner_constrain(&p, &area), 700, 120, 100, 50);
}

static void test_area_elsewhere(void **state)
{
	/* The parent stands at 200,100 of the area. */
	struct positioner p = menu(580, 10, ADJUST(SLIDE_X));
	struct box shifted = {-200, -100, 800, 600};

	(void)state;
	assert_box(positioner_constrain(&p, &shifted), 500, 30, 100, 50);
}

static void test_complete(void **state)
{
	struct positioner p = {0};

	(void)state;
	assert_false(positioner_is_complete(&p));
	p.width = p.height = 1;
	assert_false(positioner_is_complete(&p));
	p.has_anchor_rect = true;
	assert_true(positioner_is_complete(&p));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_unconstrained),  cmocka_unit_test(test_anchors),
		cmocka_unit_test(test_flip),           cmocka_unit_test(test_slide),
		cmocka_unit_test(test_resize),         cmocka_unit_test(test_order),
		cmocka_unit_test(test_area_elsewhere), cmocka_unit_test(test_complete),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
