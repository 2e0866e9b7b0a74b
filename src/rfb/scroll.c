/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "rfb/scroll.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "rfb/protocol.h"
#include "rfb/scroll_order.h"
#include "rfb/scroll_vote.h"

#define CELL COMPARE_CELL_WIDTH
#define CANDIDATES_MAX 8
#define GUESSES_MAX 4 /* that are tried of one vote */
#define RECENT_MAX 2 /* shifts of last time that are tried first */
/* Of so many rows one tells whether a shift is worth a full look. Lines of text are not as far apart. */
#define SAMPLE 11
#define USEFUL_MIN 4 /* changed rows of a cell that a run must explain */
#define COPY_MIN 512 /* pixels; less is about as cheap to code */
#define GUESS_MIN 65536 /* pixels of damage; for less the comparison is cheap */
#define AREA_MIN 4096 /* pixels; less is cheaper to code than to search */
/* Parts of what changed that may be left unexplained without looking on. */
#define LEFT_FOR_AXIS 8
#define LEFT_FOR_ANY 4

struct scroll {
	struct scroll_vote *vote;
	/* Room for what is left and for the matches of the candidates: height x (1 + MAX). The guess
	 * is always the first candidate. */
	struct compare_row *rows;
	int rows_height;
	struct compare_shift guess;
	bool guessed;
	struct compare_shift recent[RECENT_MAX];
	size_t n_recent;
	struct scroll_copy copies[SCROLL_COPIES_MAX];
	size_t n_copies;
};

/* One call. */
struct search {
	struct scroll *scroll;
	const struct picture *before, *now;
	const struct compare_row *changed;
	const pixman_region32_t *avoid;
	struct scroll_field field;
	int64_t area; /* pixels of cells that changed */
	struct compare_shift candidates[CANDIDATES_MAX];
	int n_candidates;
};

/* Rows [first, end) of cells [cell, cell_end) that one candidate explains. The outer bounds hold
 * rows that match as well but need no copy. */
struct stretch {
	int cell, cell_end;
	int first, end;
	int outer_first, outer_end;
	const struct compare_shift *by;
};

int scroll_create(struct scroll **ret_scroll)
{
	struct scroll *scroll = calloc(1, sizeof(*scroll));
	int r;

	if (!scroll)
		return -ENOMEM;
	r = scroll_vote_create(&scroll->vote);
	if (r < 0) {
		free(scroll);
		return r;
	}
	*ret_scroll = scroll;
	return 0;
}

void scroll_destroy(struct scroll *scroll)
{
	if (!scroll)
		return;
	scroll_vote_destroy(scroll->vote);
	free(scroll->rows);
	free(scroll);
}

static bool has_cell(const struct compare_row *row, int cell)
{
	return row->cells[cell / 64] >> cell % 64 & 1;
}

static int count_bits(const struct compare_row *row)
{
	int n = 0;

	for (int i = 0; i < COMPARE_WORDS; i++)
		n += __builtin_popcountll(row->cells[i]);
	return n;
}

static int64_t box_area(const pixman_box32_t *box)
{
	return (int64_t)(box->x2 - box->x1) * (box->y2 - box->y1);
}

/* --- candidates ------------------------------------------------------------------------------- */

/* Pixels that a shift would explain, guessed from some rows. */
static int64_t sample(const struct search *s, const struct compare_shift *shift)
{
	const struct scroll_field *field = &s->field;
	int64_t cells = 0;

	for (int y = field->box.y1 + SAMPLE / 2; y < field->box.y2; y += SAMPLE) {
		struct compare_row match;

		if (count_bits(&field->left[y]) == 0)
			continue;
		match = compare_shifted(s->before, s->now, shift, y, field->first, field->end);
		for (int i = 0; i < COMPARE_WORDS; i++)
			match.cells[i] &= field->left[y].cells[i];
		cells += count_bits(&match);
	}
	return cells * SAMPLE * CELL;
}

static bool is_candidate(const struct search *s, const struct compare_shift *shift)
{
	for (int i = 0; i < s->n_candidates; i++) {
		if (s->candidates[i].dx == shift->dx && s->candidates[i].dy == shift->dy)
			return true;
	}
	return false;
}

static struct compare_row *matches_of(const struct scroll *scroll, int candidate)
{
	return scroll->rows + (size_t)(candidate + 1) * (size_t)scroll->rows_height;
}

/* What the candidate explains is no longer left. */
static void add_candidate(struct search *s, const struct compare_shift *candidate)
{
	for (int y = s->field.box.y1; y < s->field.box.y2; y++) {
		for (int i = 0; i < COMPARE_WORDS; i++)
			s->field.left[y].cells[i] &= ~candidate->matches[y].cells[i];
	}
	s->candidates[s->n_candidates++] = *candidate;
}

/* A shift that explains at least so many pixels becomes a candidate. */
static void try_shift(struct search *s, const struct compare_shift *shift, int64_t least)
{
	struct compare_shift candidate = *shift;

	if (s->n_candidates == CANDIDATES_MAX || is_candidate(s, shift) ||
	    sample(s, shift) < MAX(least, AREA_MIN))
		return;
	candidate.matches = matches_of(s->scroll, s->n_candidates);
	for (int y = s->field.box.y1; y < s->field.box.y2; y++)
		candidate.matches[y] = compare_shifted(s->before, s->now, shift, y, s->field.first,
						       s->field.end);
	add_candidate(s, &candidate);
}

/* Whether a row came into the box with the first shift: nothing will explain it. */
static bool came_in(const struct search *s, int y)
{
	int from = y - s->candidates[0].dy;

	return s->n_candidates > 0 && (from < s->field.box.y1 || from >= s->field.box.y2);
}

/* Pixels that a shift may still explain. */
static int64_t count_left(const struct search *s)
{
	int64_t cells = 0;

	for (int y = s->field.box.y1; y < s->field.box.y2; y++) {
		if (!came_in(s, y))
			cells += count_bits(&s->field.left[y]);
	}
	return cells * CELL;
}

/* Whether more than one part in `parts` of what changed is left. */
static bool much_is_left(const struct search *s, int parts)
{
	return s->n_candidates < CANDIDATES_MAX && count_left(s) >= MAX(s->area / parts, AREA_MIN);
}

static void try_guesses(struct search *s,
			size_t (*vote)(struct scroll_vote *vote, const struct scroll_field *field,
				       struct compare_shift *shifts, size_t max),
			int parts)
{
	struct compare_shift guesses[GUESSES_MAX];
	size_t n = vote(s->scroll->vote, &s->field, guesses, GUESSES_MAX);

	for (size_t i = 0; i < n && (i == 0 || much_is_left(s, parts)); i++)
		try_shift(s, &guesses[i], 0);
}

static void find_candidates(struct search *s)
{
	if (s->scroll->guessed)
		add_candidate(s, &s->scroll->guess);
	/* Blank space fits any shift: those of last time have to explain more than that. */
	for (size_t i = 0; i < s->scroll->n_recent; i++)
		try_shift(s, &s->scroll->recent[i], count_left(s) / 2);
	if (much_is_left(s, LEFT_FOR_AXIS))
		try_guesses(s, scroll_vote_vertical, LEFT_FOR_AXIS);
	if (much_is_left(s, LEFT_FOR_ANY))
		try_guesses(s, scroll_vote_horizontal, LEFT_FOR_ANY);
	if (much_is_left(s, LEFT_FOR_ANY))
		try_guesses(s, scroll_vote_any, LEFT_FOR_ANY);
}

static void remember_shifts(struct search *s)
{
	s->scroll->n_recent = 0;
	for (int i = 0; i < MIN(s->n_candidates, RECENT_MAX); i++)
		s->scroll->recent[s->scroll->n_recent++] = s->candidates[i];
}

/* --- copies ----------------------------------------------------------------------------------- */

static bool copy_allowed(const struct search *s, const struct scroll_copy *copy)
{
	pixman_box32_t source = {copy->dst.x1 - copy->dx, copy->dst.y1 - copy->dy,
				 copy->dst.x2 - copy->dx, copy->dst.y2 - copy->dy};

	return !s->avoid || pixman_region32_contains_rectangle((pixman_region32_t *)s->avoid,
							       &source) == PIXMAN_REGION_OUT;
}

/* What moved rarely ends where a cell does: take the pixel columns beside that moved as well. */
static void widen(const struct search *s, struct scroll_copy *copy)
{
	const pixman_box32_t *box = &s->field.box;
	int left = MIN(CELL - 1, copy->dst.x1 - MAX(box->x1, copy->dx));
	int right = MIN(CELL - 1, MIN(box->x2, s->before->width + MIN(copy->dx, 0)) - copy->dst.x2);

	left = MAX(left, 0);
	right = MAX(right, 0);
	for (int y = copy->dst.y1; y < copy->dst.y2 && left + right > 0; y++) {
		const uint32_t *now = s->now->pixels + (size_t)y * s->now->stride;
		const uint32_t *source = s->before->pixels +
					 (ptrdiff_t)(y - copy->dy) * s->before->stride - copy->dx;

		left = compare_suffix(now + copy->dst.x1 - left, source + copy->dst.x1 - left,
				      left);
		right = compare_prefix(now + copy->dst.x2, source + copy->dst.x2, right);
	}
	copy->dst.x1 -= left;
	copy->dst.x2 += right;
}

static void add_copy(const struct search *s, const struct stretch *stretch)
{
	struct scroll *scroll = s->scroll;
	struct scroll_copy copy = {
		.dst = {stretch->cell * CELL, stretch->first, stretch->cell_end * CELL,
			stretch->end},
		.dx = stretch->by->dx,
		.dy = stretch->by->dy,
	};

	if (scroll->n_copies == SCROLL_COPIES_MAX || box_area(&copy.dst) < COPY_MIN)
		return;
	widen(s, &copy);
	if (copy_allowed(s, &copy))
		scroll->copies[scroll->n_copies++] = copy;
}

/* The next run of rows of a cell, from *y on, that a candidate explains; false at the end. Rows
 * with a mark are explained by an earlier candidate. */
static bool next_stretch(const struct search *s, int cell, const struct compare_shift *by,
			 const bool *taken, int *y, struct stretch *ret_stretch)
{
	int end = s->field.box.y2;

	for (int i = *y; i < end; i++) {
		struct stretch found = {.cell = cell, .cell_end = cell + 1, .by = by, .first = -1};
		int useful = 0;

		found.outer_first = i;
		for (; i < end && !taken[i] && has_cell(&by->matches[i], cell); i++) {
			if (!has_cell(&s->changed[i], cell))
				continue;
			useful++;
			if (found.first < 0)
				found.first = i;
			found.end = i + 1;
		}
		found.outer_end = i;
		if (useful >= USEFUL_MIN) {
			*y = i;
			*ret_stretch = found;
			return true;
		}
	}
	return false;
}

#define OPEN_MAX 16 /* stretches of the cell to the left that may still grow to the right */

/* Stretches that wait for one in the next cell to join. */
struct open_stretches {
	struct stretch items[OPEN_MAX];
	int count;
};

/* Joins `here` to one of the cell before if a common rectangle explains both. */
static void join(struct open_stretches *left, struct stretch *here)
{
	for (int i = 0; i < left->count; i++) {
		struct stretch *l = &left->items[i];
		struct stretch both = {
			.cell = l->cell,
			.cell_end = here->cell_end,
			.first = MIN(l->first, here->first),
			.end = MAX(l->end, here->end),
			.outer_first = MAX(l->outer_first, here->outer_first),
			.outer_end = MIN(l->outer_end, here->outer_end),
			.by = here->by,
		};

		if (l->by != here->by || both.first < both.outer_first || both.end > both.outer_end)
			continue;
		*l = left->items[--left->count];
		*here = both;
		return;
	}
}

static void close_all(const struct search *s, struct open_stretches *open)
{
	for (int i = 0; i < open->count; i++)
		add_copy(s, &open->items[i]);
	open->count = 0;
}

/* Changed rows of a cell that a candidate explains. */
static int count_explained(const struct search *s, int cell, const struct compare_shift *by)
{
	int n = 0;

	for (int y = s->field.box.y1; y < s->field.box.y2; y++)
		n += has_cell(&s->changed[y], cell) && has_cell(&by->matches[y], cell);
	return n;
}

/* The candidates, best for this cell first: blank rows fit many shifts, and the shift of another
 * pane would tear them out of the run that they belong to. */
static void rank_candidates(const struct search *s, int cell,
			    const struct compare_shift *ranked[CANDIDATES_MAX])
{
	int explained[CANDIDATES_MAX];

	for (int c = 0; c < s->n_candidates; c++) {
		const struct compare_shift *candidate = &s->candidates[c];
		int n = s->n_candidates > 1 ? count_explained(s, cell, candidate) : 0;
		int place = c;

		for (; place > 0 && explained[place - 1] < n; place--) {
			explained[place] = explained[place - 1];
			ranked[place] = ranked[place - 1];
		}
		explained[place] = n;
		ranked[place] = candidate;
	}
}

static void assign_cell(const struct search *s, int cell, struct open_stretches *left)
{
	struct open_stretches here = {0};
	bool taken[RFB_SIDE_MAX];
	const struct compare_shift *ranked[CANDIDATES_MAX];

	memset(taken + s->field.box.y1, 0, (size_t)(s->field.box.y2 - s->field.box.y1));
	rank_candidates(s, cell, ranked);
	for (int c = 0; c < s->n_candidates; c++) {
		struct stretch found;
		int y = s->field.box.y1;

		while (next_stretch(s, cell, ranked[c], taken, &y, &found)) {
			memset(taken + found.first, true, (size_t)(found.end - found.first));
			join(left, &found);
			if (here.count < OPEN_MAX)
				here.items[here.count++] = found;
			else
				add_copy(s, &found);
		}
	}
	close_all(s, left);
	*left = here;
}

static void assign_all(const struct search *s)
{
	struct open_stretches open = {0};

	for (int cell = s->field.first; cell < s->field.end; cell++)
		assign_cell(s, cell, &open);
	close_all(s, &open);
}

/* --- the search ------------------------------------------------------------------------------- */

static int reserve_rows(struct scroll *scroll, int height)
{
	if (scroll->rows_height >= height)
		return 0;
	free(STEAL(scroll->rows));
	scroll->rows_height = 0;
	scroll->rows = reallocarray(NULL, (size_t)height,
				    (CANDIDATES_MAX + 1) * sizeof(*scroll->rows));
	if (!scroll->rows)
		return -ENOMEM;
	scroll->rows_height = height;
	return 0;
}

/* The area around a region, and its whole cells. */
static void init_field(struct search *s, const pixman_region32_t *region)
{
	struct scroll_field *field = &s->field;

	field->before = s->before;
	field->now = s->now;
	field->box = *pixman_region32_extents((pixman_region32_t *)region);
	field->first = field->box.x1 / CELL;
	field->end = MIN((field->box.x2 + CELL - 1) / CELL, s->now->width / CELL);
	field->left = s->scroll->rows;
}

/* All that changed is left to be explained, but cells that the edge of the picture cuts. */
static void leave_changed(struct search *s)
{
	int cut = s->now->width / CELL;

	for (int y = s->field.box.y1; y < s->field.box.y2; y++) {
		struct compare_row *left = &s->field.left[y];

		*left = s->changed[y];
		if (s->now->width % CELL)
			left->cells[cut / 64] &= ~(UINT64_C(1) << cut % 64);
		s->area += (int64_t)count_bits(left) * CELL;
	}
}

/* Only the rows that sample() looks at. */
static void leave_sampled(struct search *s)
{
	struct scroll_field *field = &s->field;

	memset(field->left + field->box.y1, 0,
	       (size_t)(field->box.y2 - field->box.y1) * sizeof(*field->left));
	for (int y = field->box.y1 + SAMPLE / 2; y < field->box.y2; y += SAMPLE) {
		compare_row(s->before, s->now, y, field->first, field->end, &field->left[y]);
		s->area += (int64_t)count_bits(&field->left[y]) * CELL * SAMPLE;
	}
}

/* The first of some shifts that explains half of what changed. */
static const struct compare_shift *first_good(const struct search *s,
					      const struct compare_shift *shifts, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (sample(s, &shifts[i]) >= s->area / 2)
			return &shifts[i];
	}
	return NULL;
}

const struct compare_shift *scroll_guess(struct scroll *scroll, const struct picture *before,
					 const struct picture *now, const pixman_region32_t *hint)
{
	struct search s = {.scroll = scroll, .before = before, .now = now};
	struct compare_shift guesses[GUESSES_MAX];
	const struct compare_shift *guess;

	scroll->guessed = false;
	if (!pixman_region32_not_empty((pixman_region32_t *)hint) ||
	    reserve_rows(scroll, now->height) < 0)
		return NULL;
	init_field(&s, hint);
	if (box_area(&s.field.box) < GUESS_MIN)
		return NULL;
	leave_sampled(&s);
	if (s.area < GUESS_MIN / 2)
		return NULL;
	guess = first_good(&s, scroll->recent, scroll->n_recent);
	if (!guess)
		guess = first_good(
			&s, guesses,
			scroll_vote_vertical(scroll->vote, &s.field, guesses, GUESSES_MAX));
	if (!guess)
		return NULL;
	scroll->guess = *guess;
	scroll->guess.matches = matches_of(scroll, 0);
	scroll->guessed = true;
	return &scroll->guess;
}

static int search(struct search *s, const pixman_region32_t *changed)
{
	struct scroll *scroll = s->scroll;
	int r;

	if (!pixman_region32_not_empty((pixman_region32_t *)changed))
		return 0;
	r = reserve_rows(scroll, s->now->height);
	if (r < 0)
		return r;
	init_field(s, changed);
	leave_changed(s);
	if (s->area < AREA_MIN)
		return 0;
	find_candidates(s);
	if (s->n_candidates == 0)
		return 0;
	assign_all(s);
	if (scroll->n_copies > 0)
		remember_shifts(s);
	scroll->n_copies = scroll_order(scroll->copies, scroll->n_copies);
	return 0;
}

int scroll_search(struct scroll *scroll, const struct picture *before, const struct picture *now,
		  const struct compare_row *rows, const pixman_region32_t *changed,
		  const pixman_region32_t *avoid, const struct scroll_copy **ret_copies,
		  size_t *ret_count)
{
	struct search s = {
		.scroll = scroll, .before = before, .now = now, .changed = rows, .avoid = avoid};
	int r;

	scroll->n_copies = 0;
	r = search(&s, changed);
	scroll->guessed = false;
	if (r < 0)
		return r;
	*ret_copies = scroll->copies;
	*ret_count = scroll->n_copies;
	return 0;
}

void scroll_apply(const struct picture *picture, const struct scroll_copy *copy)
{
	const pixman_box32_t *d = &copy->dst;
	size_t size = (size_t)(d->x2 - d->x1) * sizeof(uint32_t);
	int rows = d->y2 - d->y1;

	for (int i = 0; i < rows; i++) {
		int y = copy->dy > 0 ? d->y2 - 1 - i : d->y1 + i;
		uint32_t *to = picture->pixels + (ptrdiff_t)y * picture->stride + d->x1;

		memmove(to, to - (ptrdiff_t)copy->dy * picture->stride - copy->dx, size);
	}
}
