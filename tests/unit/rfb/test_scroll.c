/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Copies that the search returns are exact when applied one after the other. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

#include "rfb/compare.h"
#include "rfb/protocol.h"
#include "rfb/scroll.h"
#include "scene.h"

struct search {
	struct scene scene;
	struct picture before;
	struct compare_row *rows;
	struct scroll *scroll;
	pixman_region32_t changed;
	const struct scroll_copy *copies;
	size_t count;
};

static pixman_box32_t whole(const struct picture *p)
{
	return (pixman_box32_t){0, 0, p->width, p->height};
}

/* Remembers the picture as it is. */
static void keep(struct search *s)
{
	pixman_box32_t all = whole(&s->scene.picture);

	compare_copy(&s->before, &s->scene.picture, &all);
}

static void search_init(struct search *s, int width, int height, uint64_t seed)
{
	scene_init(&s->scene, width, height, seed);
	s->before = (struct picture){.width = width, .height = height, .stride = width};
	s->before.pixels = calloc((size_t)width * (size_t)height, sizeof(uint32_t));
	s->rows = calloc((size_t)height, sizeof(*s->rows));
	assert_non_null(s->before.pixels);
	assert_non_null(s->rows);
	assert_int_equal(scroll_create(&s->scroll), 0);
	pixman_region32_init(&s->changed);
	keep(s);
}

static void search_finish(struct search *s)
{
	pixman_region32_fini(&s->changed);
	scroll_destroy(s->scroll);
	free(s->before.pixels);
	free(s->rows);
	scene_finish(&s->scene);
}

static void find_changed(struct search *s)
{
	pixman_box32_t all = whole(&s->before);
	pixman_region32_t hint;

	pixman_region32_init_with_extents(&hint, &all);
	assert_int_equal(
		compare_region(&s->before, &s->scene.picture, &hint, s->rows,
			       scroll_guess(s->scroll, &s->before, &s->scene.picture, &hint),
			       &s->changed),
		0);
	pixman_region32_fini(&hint);
}

static void search_run(struct search *s, const pixman_region32_t *avoid)
{
	find_changed(s);
	assert_int_equal(scroll_search(s->scroll, &s->before, &s->scene.picture, s->rows,
				       &s->changed, avoid, &s->copies, &s->count),
			 0);
}

/* Applies the copies as a client does; each must leave the pixels of now where it wrote. */
static void apply_exactly(struct search *s)
{
	for (size_t i = 0; i < s->count; i++)
		scroll_apply(&s->before, &s->copies[i]);
	for (size_t i = 0; i < s->count; i++) {
		const pixman_box32_t *d = &s->copies[i].dst;

		for (int y = d->y1; y < d->y2; y++)
			assert_true(compare_equal(s->before.pixels + y * s->before.stride + d->x1,
						  s->scene.picture.pixels +
							  y * s->scene.picture.stride + d->x1,
						  d->x2 - d->x1));
	}
}

static int64_t changed_area(struct search *s)
{
	int64_t sum = 0;
	int n;
	const pixman_box32_t *b;

	find_changed(s);
	b = pixman_region32_rectangles(&s->changed, &n);
	for (int i = 0; i < n; i++)
		sum += (int64_t)(b[i].x2 - b[i].x1) * (b[i].y2 - b[i].y1);
	return sum;
}

static void test_random_is_exact(void **state)
{
	struct search s;
	size_t copies = 0;

	(void)state;
	search_init(&s, 470, 310, 77);
	for (int i = 0; i < 1500; i++) {
		pixman_region32_t damage;

		pixman_region32_init(&damage);
		for (int k = scene_random(&s.scene, 3); k >= 0; k--)
			scene_step(&s.scene, &damage);
		pixman_region32_fini(&damage);
		search_run(&s, NULL);
		copies += s.count;
		apply_exactly(&s);
		keep(&s);
	}
	assert_true(copies > 300);
	search_finish(&s);
}

/* What is left to code after a scroll is little more than what came in. */
static void test_panes(void **state)
{
	static const pixman_box32_t left = {0, 50, 301, 600}, right = {317, 50, 785, 600};
	struct search s;

	(void)state;
	for (int i = 0; i < 20; i++) {
		search_init(&s, 800, 600, (uint64_t)i);
		keep(&s);
		scene_scroll(&s.scene, &left, 0, -17 - i);
		scene_scroll(&s.scene, &right, 0, 31 + i);
		search_run(&s, NULL);
		assert_true(s.count >= 2);
		apply_exactly(&s);
		assert_true(changed_area(&s) < 801 * (48 + 2 * i + 32));
		search_finish(&s);
	}
}

static void test_sideways(void **state)
{
	static const pixman_box32_t pane = {0, 77, 800, 600};
	struct search s;

	(void)state;
	search_init(&s, 800, 600, 4);
	scene_scroll(&s.scene, &pane, -45, 0);
	search_run(&s, NULL);
	assert_true(s.count > 0);
	assert_int_equal(s.copies[0].dx, -45);
	apply_exactly(&s);
	assert_true(changed_area(&s) < 600 * 110);
	search_finish(&s);
}

/* Draws a panel of text over what is there. */
static void draw_panel(struct search *s, int x, int y)
{
	pixman_box32_t panel = {x, y, x + 340, y + 210};
	uint64_t random = s->scene.random;

	s->scene.random = 99; /* the same text each time */
	scene_text(&s->scene, &panel, true);
	s->scene.random = random;
}

/* A panel that is dragged over a page, in any direction, is a copy; what it uncovers is not. */
static void test_dragged_panel(void **state)
{
	static const struct {
		int dx, dy;
	} ways[] = {{13, 7}, {-21, 30}, {5, -64}, {-90, -3}, {0, 17}, {40, 0}};
	static const pixman_box32_t page = {0, 0, 900, 700};

	(void)state;
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		struct search s;
		int64_t left;

		search_init(&s, 900, 700, 11);
		scene_fill(&s.scene, &page, 0xd0d8e0);
		draw_panel(&s, 300, 200);
		keep(&s);
		scene_fill(&s.scene, &page, 0xd0d8e0);
		draw_panel(&s, 300 + ways[i].dx, 200 + ways[i].dy);
		search_run(&s, NULL);
		assert_true(s.count > 0);
		assert_int_equal(s.copies[0].dx, ways[i].dx);
		assert_int_equal(s.copies[0].dy, ways[i].dy);
		apply_exactly(&s);
		left = changed_area(&s);
		assert_true(left < 340 * 210 - (340 - abs(ways[i].dx)) * (210 - abs(ways[i].dy)) +
					   340 * 210 / 4);
		search_finish(&s);
	}
}

/* Rows tell exactly the cells that differ. */
static void test_rows(void **state)
{
	struct search s;

	(void)state;
	search_init(&s, 470, 310, 5);
	for (int i = 0; i < 200; i++) {
		pixman_region32_t damage;

		pixman_region32_init(&damage);
		scene_step(&s.scene, &damage);
		pixman_region32_fini(&damage);
		find_changed(&s);
		for (int y = 0; y < 310; y++) {
			for (int x = 0; x < 470; x += COMPARE_CELL_WIDTH) {
				int n = x + COMPARE_CELL_WIDTH > 470 ? 470 - x : COMPARE_CELL_WIDTH;
				int cell = x / COMPARE_CELL_WIDTH;
				bool same = compare_equal(
					s.before.pixels + y * s.before.stride + x,
					s.scene.picture.pixels + y * s.scene.picture.stride + x, n);

				assert_int_equal(s.rows[y].cells[cell / 64] >> cell % 64 & 1,
						 !same);
			}
		}
		keep(&s);
	}
	search_finish(&s);
}

static void test_avoid(void **state)
{
	static const pixman_box32_t pane = {0, 0, 800, 600};
	pixman_region32_t avoid;
	struct search s;

	(void)state;
	search_init(&s, 800, 600, 4);
	scene_scroll(&s.scene, &pane, 0, -45);
	pixman_region32_init_with_extents(&avoid, (pixman_box32_t *)&pane);
	search_run(&s, &avoid);
	assert_int_equal(s.count, 0);
	pixman_region32_fini(&avoid);
	search_finish(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random_is_exact),
		cmocka_unit_test(test_panes),
		cmocka_unit_test(test_sideways),
		cmocka_unit_test(test_dragged_panel),
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_avoid),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
