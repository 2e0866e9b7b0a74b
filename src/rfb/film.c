/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "rfb/film.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "rfb/area.h"
#include "rfb/compare.h"
#include "rfb/protocol.h"
#include "rfb/vector.h"

#define CELL UPDATE_MOTION_CELL
/* After the cells have been found to move, which takes four changes. */
#define WATCH_USEC (250 * USEC_PER_MSEC)
#define WATCH_UPDATES 6
#define WATCH_GAP (300 * USEC_PER_MSEC)
#define END_USEC (500 * USEC_PER_MSEC)
/* A film that goes on is looked at again, sooner if more than its box moves; what was refused is not
 * looked at before. */
#define CHECK_USEC (2 * USEC_PER_SEC)
#define RECHECK_USEC (100 * USEC_PER_MSEC)
#define REFUSED_USEC USEC_PER_SEC

/* Shares: one part in so many. */
#define FILL_PARTS 2 /* moving cells of the rectangle around them */
#define EDGE_PARTS 8 /* changes of the outermost column of those in the most changing one */
#define DENSE_PARTS 6 /* changed pixels in an update */
#define LIVELY_PARTS 16 /* changed pixels that keep a film going */
#define KEEP_PARTS 4 /* what a box that is found again may be smaller */

#define GAP_MAX 8 /* pixels inside a film that may stand still from top to bottom */
#define SAMPLES_MAX 16384
#define COLOURS_MIN 512
#define COLOUR_SLOTS 4096

static bool contains(const pixman_box32_t *outer, const pixman_box32_t *inner)
{
	return outer->x1 <= inner->x1 && outer->y1 <= inner->y1 && outer->x2 >= inner->x2 &&
	       outer->y2 >= inner->y2;
}

static bool intersects(const pixman_box32_t *a, const pixman_box32_t *b)
{
	return a->x1 < b->x2 && b->x1 < a->x2 && a->y1 < b->y2 && b->y1 < a->y2;
}

static void include(pixman_box32_t *box, const pixman_box32_t *more)
{
	box->x1 = MIN(box->x1, more->x1);
	box->y1 = MIN(box->y1, more->y1);
	box->x2 = MAX(box->x2, more->x2);
	box->y2 = MAX(box->y2, more->y2);
}

int film_resize(struct film *film, int width, int height)
{
	size_t cells = ((size_t)width / CELL + 1) * ((size_t)height / CELL + 1);
	struct film fresh = {
		.width = width,
		.height = height,
		.columns = calloc((size_t)width, sizeof(*fresh.columns)),
		.rows = calloc((size_t)height, sizeof(*fresh.rows)),
		.cells = calloc(cells, sizeof(*fresh.cells)),
		.marks = calloc(cells, sizeof(*fresh.marks)),
	};

	if (!fresh.columns || !fresh.rows || !fresh.cells || !fresh.marks) {
		film_finish(&fresh);
		return -ENOMEM;
	}
	film_finish(film);
	*film = fresh;
	return 0;
}

void film_finish(struct film *film)
{
	free(film->columns);
	free(film->rows);
	free(film->cells);
	free(film->marks);
	*film = (struct film){0};
}

/* --- where cells move together ---------------------------------------------------------------- */

struct component {
	int cells;
	pixman_box32_t box; /* in cells */
};

/* Marks what is connected with a cell. `stack` has room for all cells: each comes there once. */
static void flood(struct film *film, const struct update_motion *motion, uint64_t time, int column,
		  int row, uint16_t *stack, struct component *c)
{
	int n = 0;

	*c = (struct component){0, {column, row, column + 1, row + 1}};
	film->marks[row * motion->columns + column] = 1;
	stack[n++] = (uint16_t)(row * motion->columns + column);
	while (n > 0) {
		static const int steps[4][2] = {{1, 0}, {-1, 0}, {0, 1}, {0, -1}};
		int at = stack[--n];
		int x = at % motion->columns, y = at / motion->columns;

		c->cells++;
		include(&c->box, &(pixman_box32_t){x, y, x + 1, y + 1});
		for (int i = 0; i < 4; i++) {
			int u = x + steps[i][0], v = y + steps[i][1];
			int to = v * motion->columns + u;

			if (u < 0 || v < 0 || u >= motion->columns || v >= motion->rows ||
			    film->marks[to] || !update_motion_is_moving(motion, u, v, time))
				continue;
			film->marks[to] = 1;
			stack[n++] = (uint16_t)to;
		}
	}
}

/* The largest set of moving cells that hang together. */
static bool find_component(struct film *film, const struct film_update *update,
			   struct component *ret_largest)
{
	const struct update_motion *motion = update->motion;
	size_t count = (size_t)motion->columns * (size_t)motion->rows;
	uint16_t stack[(RFB_SIDE_MAX / CELL) * (RFB_SIDE_MAX / CELL)];
	struct component largest = {0}, c;

	if (count > ARRAY_LEN(stack))
		return false;
	memset(film->marks, 0, count * sizeof(*film->marks));
	for (int row = 0; row < motion->rows; row++) {
		for (int column = 0; column < motion->columns; column++) {
			if (film->marks[row * motion->columns + column] ||
			    !update_motion_is_moving(motion, column, row, update->time))
				continue;
			flood(film, motion, update->time, column, row, stack, &c);
			if (c.cells > largest.cells)
				largest = c;
		}
	}
	*ret_largest = largest;
	return largest.cells * FILL_PARTS >= area_of_box(&largest.box) && largest.cells > 0;
}

/* In pixels. False if what moves is too small or too ragged. */
static bool find_moving(struct film *film, const struct film_update *update,
			pixman_box32_t *ret_box)
{
	struct component c;

	if (!find_component(film, update, &c))
		return false;
	*ret_box = (pixman_box32_t){
		c.box.x1 * CELL,
		c.box.y1 * CELL,
		MIN(c.box.x2 * CELL, film->width),
		MIN(c.box.y2 * CELL, film->height),
	};
	return ret_box->x2 - ret_box->x1 >= FILM_SIDE_MIN &&
	       ret_box->y2 - ret_box->y1 >= FILM_SIDE_MIN;
}

/* --- counting changes ------------------------------------------------------------------------- */

VECTORISED static uint32_t count_changes(const uint32_t *restrict a, const uint32_t *restrict b,
					 uint32_t *restrict columns, int count)
{
	uint32_t sum = 0;

	for (int i = 0; i < count; i++) {
		uint32_t differs = ((a[i] ^ b[i]) & COMPARE_MASK) != 0;

		columns[i] += differs;
		sum += differs;
	}
	return sum;
}

static uint32_t count_row(struct film *film, const struct film_update *update, int y, int x1,
			  int x2)
{
	const struct picture *before = update->before, *now = update->now;
	uint32_t sum = count_changes(before->pixels + (size_t)y * before->stride + x1,
				     now->pixels + (size_t)y * now->stride + x1, film->columns + x1,
				     x2 - x1);

	film->rows[y] += sum;
	return sum;
}

static void begin_watch(struct film *film, const pixman_box32_t *box, uint64_t time)
{
	size_t cells = ((size_t)film->width / CELL + 1) * ((size_t)film->height / CELL + 1);

	film->watch = (struct film_watch){.on = true, .area = *box, .begun = time, .last = time};
	memset(film->columns, 0, (size_t)film->width * sizeof(*film->columns));
	memset(film->rows, 0, (size_t)film->height * sizeof(*film->rows));
	memset(film->cells, 0, cells * sizeof(*film->cells));
}

static void count_update(struct film *film, const struct film_update *update)
{
	struct film_watch *watch = &film->watch;
	const pixman_box32_t *a = &watch->area;

	for (int y = a->y1; y < a->y2; y += CELL) {
		for (int x = a->x1; x < a->x2; x += CELL) {
			int right = MIN(x + CELL, a->x2), bottom = MIN(y + CELL, a->y2);
			uint32_t sum = 0;

			for (int row = y; row < bottom; row++)
				sum += count_row(film, update, row, x, right);
			if (sum > 0)
				film->cells[y / CELL * update->motion->columns + x / CELL]++;
		}
	}
	watch->updates++;
	watch->last = update->time;
}

/*
 * The longest run of counts that are not small beside the largest, from the first to one past the
 * last. Something else that moves beside the film stands apart from it by more than a gap.
 */
static bool find_edges(const uint32_t *counts, int from, int to, int *ret_first, int *ret_end)
{
	uint32_t largest = 0;
	int first = -1, end = 0;

	for (int i = from; i < to; i++)
		largest = MAX(largest, counts[i]);
	if (largest == 0)
		return false;
	*ret_first = *ret_end = from;
	for (int i = from; i < to; i++) {
		if (counts[i] < (largest + EDGE_PARTS - 1) / EDGE_PARTS)
			continue;
		if (first < 0 || i - end > GAP_MAX)
			first = i;
		end = i + 1;
		if (end - first > *ret_end - *ret_first) {
			*ret_first = first;
			*ret_end = end;
		}
	}
	return true;
}

/* H.264 cannot cut a picture at odd sizes: a column or a row is left to the page. */
static bool find_box(const struct film *film, pixman_box32_t *ret_box)
{
	const pixman_box32_t *a = &film->watch.area;
	pixman_box32_t box;

	if (!find_edges(film->columns, a->x1, a->x2, &box.x1, &box.x2) ||
	    !find_edges(film->rows, a->y1, a->y2, &box.y1, &box.y2))
		return false;
	box.x2 -= (box.x2 - box.x1) % 2;
	box.y2 -= (box.y2 - box.y1) % 2;
	*ret_box = box;
	return box.x2 - box.x1 >= FILM_SIDE_MIN && box.y2 - box.y1 >= FILM_SIDE_MIN;
}

/* Most cells changed in half of the updates, and many pixels in each. */
static bool is_lively(const struct film *film, const struct film_update *update,
		      const pixman_box32_t *box)
{
	int64_t changes = 0;
	int cells = 0, lively = 0;

	for (int x = box->x1; x < box->x2; x++)
		changes += film->columns[x];
	for (int y = box->y1 / CELL; y <= (box->y2 - 1) / CELL; y++) {
		for (int x = box->x1 / CELL; x <= (box->x2 - 1) / CELL; x++) {
			cells++;
			lively += film->cells[y * update->motion->columns + x] * 2u >=
				  film->watch.updates;
		}
	}
	return lively * 5 >= cells * 3 &&
	       changes * DENSE_PARTS >= area_of_box(box) * (int64_t)film->watch.updates;
}

/* --- content ---------------------------------------------------------------------------------- */

struct sample {
	uint32_t slots[COLOUR_SLOTS]; /* colour + 1 */
	int colours, pixels, runs; /* runs: pixels like their neighbour */
};

static void sample_pixel(struct sample *sample, uint32_t pixel, uint32_t neighbour)
{
	uint32_t colour = pixel & COMPARE_MASK;
	uint32_t slot = colour * UINT32_C(2654435761) >> 20;

	sample->pixels++;
	sample->runs += colour == (neighbour & COMPARE_MASK);
	if (sample->slots[slot] != 0)
		return; /* the same colour, or one that is not counted: there are many then */
	sample->slots[slot] = colour + 1;
	sample->colours++;
}

/* Pages have few colours in long runs; films have neither. */
static bool looks_like_film(const struct picture *picture, const pixman_box32_t *box)
{
	struct sample sample = {0};
	int64_t step = 1;

	while (area_of_box(box) / (step * step) > SAMPLES_MAX)
		step++;
	for (int y = box->y1; y < box->y2; y += (int)step) {
		const uint32_t *row = picture->pixels + (size_t)y * picture->stride;

		for (int x = box->x1; x + 1 < box->x2; x += (int)step)
			sample_pixel(&sample, row[x], row[x + 1]);
	}
	return sample.colours >= COLOURS_MIN && sample.runs < sample.pixels / 4 * 3;
}

/* --- decisions -------------------------------------------------------------------------------- */

static void begin(struct film *film, const pixman_box32_t *box, uint64_t time)
{
	film->active = true;
	film->box = *box;
	film->last = time;
	film->checked = time;
}

/* A film that goes on keeps its box unless it has become another one: each box costs a key frame. */
static void adjust(struct film *film, const pixman_box32_t *found, uint64_t time)
{
	pixman_box32_t box = *found, both = film->box;

	film->checked = time;
	include(&both, found);
	if (contains(&film->box, found)) {
		if (area_of_box(found) * KEEP_PARTS >= area_of_box(&film->box) * (KEEP_PARTS - 1))
			return;
	} else if (intersects(&film->box, found) &&
		   area_of_box(found) * KEEP_PARTS >= area_of_box(&both) * (KEEP_PARTS - 1)) {
		box = both;
		box.x2 -= (box.x2 - box.x1) % 2;
		box.y2 -= (box.y2 - box.y1) % 2;
	}
	begin(film, &box, time);
}

static void refuse(struct film *film, uint64_t time)
{
	film->refused = time;
	film->active = false;
}

static pixman_box32_t whole_cells(const struct film *film, const pixman_box32_t *box)
{
	return (pixman_box32_t){
		box->x1 / CELL * CELL,
		box->y1 / CELL * CELL,
		MIN((box->x2 + CELL - 1) / CELL * CELL, film->width),
		MIN((box->y2 + CELL - 1) / CELL * CELL, film->height),
	};
}

/*
 * Rows and columns are counted apart, so something wide below the film makes the film seem as wide:
 * then the counting begins anew in what was found. True if it does.
 */
static bool narrow(struct film *film, const pixman_box32_t *box, uint64_t time)
{
	pixman_box32_t cells = whole_cells(film, box);

	if (film->watch.narrowed || contains(&cells, &film->watch.area))
		return false;
	begin_watch(film, &cells, time);
	film->watch.narrowed = true;
	return true;
}

static void decide(struct film *film, const struct film_update *update)
{
	pixman_box32_t box;

	film->watch.on = false;
	film->checked = update->time;
	if (find_box(film, &box) && narrow(film, &box, update->time))
		return;
	if (!find_box(film, &box) || !is_lively(film, update, &box)) {
		if (!film->active)
			film->refused = update->time;
		return;
	}
	if (!looks_like_film(update->now, &box))
		refuse(film, update->time);
	else if (film->active)
		adjust(film, &box, update->time);
	else
		begin(film, &box, update->time);
}

static bool wants_watch(const struct film *film, const pixman_box32_t *moving, uint64_t time)
{
	pixman_box32_t known = whole_cells(film, &film->box);
	uint64_t pause = contains(&known, moving) ? CHECK_USEC : RECHECK_USEC;

	if (film->refused && time - film->refused < REFUSED_USEC)
		return false;
	if (!film->active)
		return true;
	return time - film->checked >= pause;
}

static void watch(struct film *film, const struct film_update *update)
{
	struct film_watch *w = &film->watch;
	pixman_box32_t moving = {0};
	bool found = find_moving(film, update, &moving);

	if (w->on && update->time - w->last > WATCH_GAP)
		w->on = false;
	if (!w->on && found && wants_watch(film, &moving, update->time))
		begin_watch(film, &moving, update->time);
	else if (w->on && !w->narrowed && found && !contains(&w->area, &moving))
		begin_watch(film, &moving, update->time);
	if (!w->on || (int64_t)area_inside(update->changed, &w->area) == 0)
		return;
	count_update(film, update);
	if (w->updates >= WATCH_UPDATES && update->time - w->begun >= WATCH_USEC)
		decide(film, update);
}

void film_expire(struct film *film, uint64_t time)
{
	if (film->active && time - film->last > END_USEC)
		film->active = false;
}

static void keep_going(struct film *film, const pixman_region32_t *changed, uint64_t time)
{
	if (film->active &&
	    (int64_t)area_inside(changed, &film->box) * LIVELY_PARTS >= area_of_box(&film->box))
		film->last = time;
}

void film_note(struct film *film, const struct film_update *update)
{
	film_expire(film, update->time);
	if (!pixman_region32_not_empty((pixman_region32_t *)update->changed))
		return;
	watch(film, update);
	keep_going(film, update->changed, update->time);
}

struct film_shift film_find_shift(const struct scroll_copy *copies, size_t count)
{
	struct film_shift shift = {0};
	int64_t most = 0;

	for (size_t i = 0; i < count; i++) {
		int64_t sum = 0;

		shift.pixels += area_of_box(&copies[i].dst);
		for (size_t k = 0; k < count; k++) {
			if (copies[k].dx == copies[i].dx && copies[k].dy == copies[i].dy)
				sum += area_of_box(&copies[k].dst);
		}
		if (sum <= most)
			continue;
		most = sum;
		shift.dx = copies[i].dx;
		shift.dy = copies[i].dy;
	}
	return shift;
}

bool film_follow(struct film *film, const pixman_region32_t *changed,
		 const struct film_shift *shift, uint64_t time)
{
	pixman_box32_t moved = {
		film->box.x1 + shift->dx,
		film->box.y1 + shift->dy,
		film->box.x2 + shift->dx,
		film->box.y2 + shift->dy,
	};
	const pixman_box32_t whole = {0, 0, film->width, film->height};

	film->watch.on = false;
	film_expire(film, time);
	keep_going(film, changed, time);
	/* What did not scroll, a film that is fixed in the window for example, changed where it was. */
	if (!film->active || (shift->dx == 0 && shift->dy == 0) ||
	    (int64_t)area_inside(changed, &moved) <= (int64_t)area_inside(changed, &film->box))
		return false;
	if (!contains(&whole, &moved)) {
		film->active = false;
		return false;
	}
	film->box = moved;
	film->last = time;
	return true;
}

bool film_has(const struct film *film, const pixman_box32_t *box)
{
	return film->active && contains(&film->box, box);
}

void film_init_surroundings(const struct film *film, pixman_region32_t *region)
{
	pixman_region32_t box;

	pixman_region32_init_rect(region, film->box.x1 - CELL, film->box.y1 - CELL,
				  (unsigned int)(film->box.x2 - film->box.x1 + 2 * CELL),
				  (unsigned int)(film->box.y2 - film->box.y1 + 2 * CELL));
	pixman_region32_init_with_extents(&box, (pixman_box32_t *)&film->box);
	/* Without memory it is a little larger: more becomes exact. */
	(void)pixman_region32_subtract(region, region, &box);
	pixman_region32_fini(&box);
}
