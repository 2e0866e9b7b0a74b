/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "rfb/scroll.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "rfb/compare.h"
#include "rfb/protocol.h"
#include "rfb/scroll_order.h"
#include "rfb/vector.h"

#define STRIP 64 /* pixels across the direction of the scroll */
#define SLOTS (2 * RFB_SIDE_MAX) /* of the table of lines; a power of two */
#define CANDIDATES_MAX 8
#define VOTES_MIN 8 /* lines that must agree on a shift before it is tried */
#define USEFUL_MIN 4 /* changed lines that a run must explain */
#define SAMPLED_STRIPS 8 /* about so many strips vote */
#define AREA_MIN (STRIP * STRIP) /* pixels; less is cheaper to code than to search */

enum axis {
	VERTICAL, /* a line is a row of pixels, a strip a group of columns */
	HORIZONTAL, /* a line is a column of pixels, a strip a group of rows */
};

struct slot {
	uint32_t hash;
	uint32_t round; /* in use if it is that of the search */
	int line; /* -1: there are several such lines */
};

struct scroll {
	uint32_t weights[STRIP]; /* of the hash */
	uint32_t *hashes; /* strips x lines of the picture before, then the same of now */
	size_t hashes_room;
	struct slot slots[SLOTS];
	uint32_t round;
	int votes[2 * RFB_SIDE_MAX + 1]; /* by shift + RFB_SIDE_MAX */
	int last[2]; /* the shift that was good last time, by axis; 0: none */
	struct scroll_copy copies[SCROLL_COPIES_MAX];
	size_t n_copies;
};

/* One pass along one axis. Lines and strips are counted from the corner of the box. */
struct pass {
	struct scroll *scroll;
	enum axis axis;
	const struct picture *before, *now;
	const pixman_region32_t *avoid;
	pixman_box32_t box; /* the area that is searched */
	int lines, strips;
	uint32_t *hash_before, *hash_now;
	int candidates[CANDIDATES_MAX];
	int n_candidates;
};

/* Lines [first, end) of strips [strip, strip_end) that have moved by `shift`. The outer bounds
 * hold lines that match as well but need no copy. */
struct stretch {
	int strip, strip_end;
	int first, end;
	int outer_first, outer_end;
	int shift;
};

int scroll_create(struct scroll **ret_scroll)
{
	struct scroll *scroll = calloc(1, sizeof(*scroll));
	uint64_t state = UINT64_C(0x9e3779b97f4a7c15);

	if (!scroll)
		return -ENOMEM;
	for (int i = 0; i < STRIP; i++) {
		state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
		scroll->weights[i] = (uint32_t)(state >> 32) | 1;
	}
	*ret_scroll = scroll;
	return 0;
}

void scroll_destroy(struct scroll *scroll)
{
	if (!scroll)
		return;
	free(scroll->hashes);
	free(scroll);
}

VECTORISED static uint32_t hash_full_row(const uint32_t *p, const uint32_t *weights)
{
	uint32_t hash = 0;

	for (int i = 0; i < STRIP; i++)
		hash += (p[i] & COMPARE_MASK) * weights[i];
	return hash;
}

static uint32_t hash_row(const uint32_t *p, int count, const uint32_t *weights)
{
	uint32_t hash = 0;

	if (count == STRIP)
		return hash_full_row(p, weights);
	for (int i = 0; i < count; i++)
		hash += (p[i] & COMPARE_MASK) * weights[i];
	return hash;
}

VECTORISED static void add_row(uint32_t *hashes, const uint32_t *p, int count, uint32_t weight)
{
	for (int i = 0; i < count; i++)
		hashes[i] += (p[i] & COMPARE_MASK) * weight;
}

/* Across the strip: x1, x2 for VERTICAL, y1, y2 for HORIZONTAL. */
static void strip_bounds(const struct pass *pass, int strip, int *ret_from, int *ret_to)
{
	int start = pass->axis == VERTICAL ? pass->box.x1 : pass->box.y1;
	int end = pass->axis == VERTICAL ? pass->box.x2 : pass->box.y2;

	*ret_from = start + strip * STRIP;
	*ret_to = MIN(*ret_from + STRIP, end);
}

static void hash_strip(const struct pass *pass, const struct picture *picture, int strip,
		       uint32_t *hashes)
{
	const uint32_t *weights = pass->scroll->weights;
	int from, to;

	strip_bounds(pass, strip, &from, &to);
	if (pass->axis == VERTICAL) {
		for (int line = 0; line < pass->lines; line++)
			hashes[line] = hash_row(
				picture->pixels + (size_t)(pass->box.y1 + line) * picture->stride +
					from,
				to - from, weights);
		return;
	}
	memset(hashes, 0, (size_t)pass->lines * sizeof(*hashes));
	for (int y = from; y < to; y++)
		add_row(hashes, picture->pixels + (size_t)y * picture->stride + pass->box.x1,
			pass->lines, weights[y - from]);
}

static struct slot *find_slot(struct scroll *scroll, uint32_t hash)
{
	uint32_t i = (hash * UINT32_C(0x9e3779b1)) >> 19;

	_Static_assert(SLOTS == 1 << 13, "the shift above makes an index of the table");
	while (scroll->slots[i].round == scroll->round && scroll->slots[i].hash != hash)
		i = (i + 1) % SLOTS;
	return &scroll->slots[i];
}

/* Lines that occur once; repeated ones (blank space, rules) say nothing about a shift. */
static void learn_lines(struct scroll *scroll, const uint32_t *hashes, int lines)
{
	struct slot *slot = NULL;

	if (++scroll->round == 0) {
		memset(scroll->slots, 0, sizeof(scroll->slots));
		scroll->round = 1;
	}
	for (int line = 0; line < lines; line++) {
		if (line > 0 && hashes[line] == hashes[line - 1]) {
			slot->line = -1;
			continue;
		}
		slot = find_slot(scroll, hashes[line]);
		if (slot->round == scroll->round) {
			slot->line = -1;
			continue;
		}
		*slot = (struct slot){.hash = hashes[line], .round = scroll->round, .line = line};
	}
}

static bool line_changed(const uint32_t *before, const uint32_t *now, int line)
{
	return before[line] != now[line];
}

static void vote_strip(struct pass *pass, int strip)
{
	const uint32_t *before = pass->hash_before + (size_t)strip * (size_t)pass->lines;
	const uint32_t *now = pass->hash_now + (size_t)strip * (size_t)pass->lines;

	learn_lines(pass->scroll, before, pass->lines);
	for (int line = 0; line < pass->lines; line++) {
		const struct slot *slot;

		if (!line_changed(before, now, line) || (line > 0 && now[line] == now[line - 1]))
			continue;
		slot = find_slot(pass->scroll, now[line]);
		if (slot->round == pass->scroll->round && slot->line >= 0)
			pass->scroll->votes[line - slot->line + RFB_SIDE_MAX]++;
	}
}

/* Whether the shift of last time explains three quarters of what changed in the sampled strips. */
static bool last_is_good(const struct pass *pass, int step)
{
	int shift = pass->scroll->last[pass->axis], changed = 0, explained = 0;

	if (shift == 0 || abs(shift) >= pass->lines)
		return false;
	for (int strip = 0; strip < pass->strips; strip += step) {
		const uint32_t *before = pass->hash_before + (size_t)strip * (size_t)pass->lines;
		const uint32_t *now = pass->hash_now + (size_t)strip * (size_t)pass->lines;

		for (int line = 0; line < pass->lines; line++) {
			int from = line - shift;

			if (!line_changed(before, now, line))
				continue;
			changed++;
			explained += from >= 0 && from < pass->lines && now[line] == before[from];
		}
	}
	return changed >= VOTES_MIN && explained * 4 >= changed * 3;
}

static void pick_candidates(struct pass *pass)
{
	int *votes = pass->scroll->votes;
	int reach = pass->lines - 1;

	while (pass->n_candidates < CANDIDATES_MAX) {
		int best = 0;

		for (int shift = -reach; shift <= reach; shift++) {
			if (votes[shift + RFB_SIDE_MAX] > votes[best + RFB_SIDE_MAX])
				best = shift;
		}
		if (votes[best + RFB_SIDE_MAX] < VOTES_MIN)
			return;
		votes[best + RFB_SIDE_MAX] = 0;
		pass->candidates[pass->n_candidates++] = best;
	}
}

static void hash_both(const struct pass *pass, int strip)
{
	size_t offset = (size_t)strip * (size_t)pass->lines;

	hash_strip(pass, pass->before, strip, pass->hash_before + offset);
	hash_strip(pass, pass->now, strip, pass->hash_now + offset);
}

static void find_candidates(struct pass *pass)
{
	int step = MAX(pass->strips / SAMPLED_STRIPS, 1);

	for (int strip = 0; strip < pass->strips; strip += step)
		hash_both(pass, strip);
	if (last_is_good(pass, step)) {
		pass->candidates[pass->n_candidates++] = pass->scroll->last[pass->axis];
	} else {
		memset(pass->scroll->votes, 0, sizeof(pass->scroll->votes));
		for (int strip = 0; strip < pass->strips; strip += step)
			vote_strip(pass, strip);
		pick_candidates(pass);
	}
	if (pass->n_candidates == 0)
		return;
	for (int strip = 0; strip < pass->strips; strip++) {
		if (strip % step != 0)
			hash_both(pass, strip);
	}
}

static bool copy_allowed(const struct pass *pass, const struct scroll_copy *copy)
{
	pixman_box32_t source = {copy->dst.x1 - copy->dx, copy->dst.y1 - copy->dy,
				 copy->dst.x2 - copy->dx, copy->dst.y2 - copy->dy};

	if (source.x1 < 0 || source.y1 < 0 || source.x2 > pass->before->width ||
	    source.y2 > pass->before->height)
		return false;
	return !pass->avoid || pixman_region32_contains_rectangle((pixman_region32_t *)pass->avoid,
								  &source) == PIXMAN_REGION_OUT;
}

static void add_copy(const struct pass *pass, const struct scroll_copy *copy)
{
	struct scroll *scroll = pass->scroll;

	if (scroll->n_copies < SCROLL_COPIES_MAX && copy_allowed(pass, copy))
		scroll->copies[scroll->n_copies++] = *copy;
}

static const uint32_t *now_row(const struct pass *pass, int y)
{
	return pass->now->pixels + (size_t)y * pass->now->stride;
}

static const uint32_t *source_row(const struct pass *pass, const struct scroll_copy *copy, int y)
{
	return pass->before->pixels + (ptrdiff_t)(y - copy->dy) * pass->before->stride - copy->dx;
}

static bool row_matches(const struct pass *pass, const struct scroll_copy *copy, int y)
{
	return compare_equal(now_row(pass, y) + copy->dst.x1,
			     source_row(pass, copy, y) + copy->dst.x1, copy->dst.x2 - copy->dst.x1);
}

/* A pane rarely ends where a strip does: take the pixel columns beside that moved as well. */
static void widen_columns(const struct pass *pass, struct scroll_copy *copy)
{
	int left = MIN(STRIP - 1, copy->dst.x1 - pass->box.x1);
	int right = MIN(STRIP - 1, pass->box.x2 - copy->dst.x2);

	for (int y = copy->dst.y1; y < copy->dst.y2 && left + right > 0; y++) {
		const uint32_t *now = now_row(pass, y), *source = source_row(pass, copy, y);

		left = compare_suffix(now + copy->dst.x1 - left, source + copy->dst.x1 - left,
				      left);
		right = compare_prefix(now + copy->dst.x2, source + copy->dst.x2, right);
	}
	copy->dst.x1 -= left;
	copy->dst.x2 += right;
}

static void widen_rows(const struct pass *pass, struct scroll_copy *copy)
{
	int top = MAX(pass->box.y1, copy->dst.y1 - (STRIP - 1));
	int bottom = MIN(pass->box.y2, copy->dst.y2 + (STRIP - 1));

	while (copy->dst.y1 > top && row_matches(pass, copy, copy->dst.y1 - 1))
		copy->dst.y1--;
	while (copy->dst.y2 < bottom && row_matches(pass, copy, copy->dst.y2))
		copy->dst.y2++;
}

/* Hashes only hinted: what is really equal becomes copies, cut where a row is not. */
static void confirm_vertical(const struct pass *pass, const struct scroll_copy *whole)
{
	int start = whole->dst.y1;

	for (int y = whole->dst.y1; y <= whole->dst.y2; y++) {
		struct scroll_copy part = *whole;

		if (y < whole->dst.y2 && row_matches(pass, whole, y))
			continue;
		part.dst.y1 = start;
		part.dst.y2 = y;
		start = y + 1;
		if (part.dst.y2 - part.dst.y1 < USEFUL_MIN)
			continue;
		widen_columns(pass, &part);
		add_copy(pass, &part);
	}
}

static void confirm_horizontal(const struct pass *pass, struct scroll_copy *copy)
{
	for (int y = copy->dst.y1; y < copy->dst.y2; y++) {
		if (!row_matches(pass, copy, y))
			return;
	}
	widen_rows(pass, copy);
	add_copy(pass, copy);
}

static void confirm(const struct pass *pass, const struct stretch *s)
{
	struct scroll_copy copy = {0};
	int from, to, unused;

	strip_bounds(pass, s->strip, &from, &unused);
	strip_bounds(pass, s->strip_end - 1, &unused, &to);
	if (pass->axis == VERTICAL) {
		copy.dst = (pixman_box32_t){from, pass->box.y1 + s->first, to,
					    pass->box.y1 + s->end};
		copy.dy = s->shift;
		confirm_vertical(pass, &copy);
	} else {
		copy.dst = (pixman_box32_t){pass->box.x1 + s->first, from, pass->box.x1 + s->end,
					    to};
		copy.dx = s->shift;
		confirm_horizontal(pass, &copy);
	}
}

/* The next run of lines, from *line on, that fit a shift; false at the end of the strip. Lines
 * with a mark are explained by an earlier candidate. */
static bool next_stretch(const struct pass *pass, int strip, int shift, const bool *taken,
			 int *line, struct stretch *ret_stretch)
{
	const uint32_t *before = pass->hash_before + (size_t)strip * (size_t)pass->lines;
	const uint32_t *now = pass->hash_now + (size_t)strip * (size_t)pass->lines;
	int low = MAX(0, shift), high = MIN(pass->lines, pass->lines + shift);

	for (int i = MAX(*line, low); i < high;) {
		struct stretch s = {.strip = strip, .strip_end = strip + 1, .shift = shift};
		int useful = 0;

		s.outer_first = i;
		s.first = -1;
		for (; i < high && !taken[i] && now[i] == before[i - shift]; i++) {
			if (!line_changed(before, now, i))
				continue;
			useful++;
			if (s.first < 0)
				s.first = i;
			s.end = i + 1;
		}
		s.outer_end = i;
		if (useful >= USEFUL_MIN) {
			*line = i;
			*ret_stretch = s;
			return true;
		}
		i++;
	}
	return false;
}

#define OPEN_MAX 16 /* stretches of the strip to the left that may still grow to the right */

/* Stretches that wait for one in the next strip to join. */
struct open_stretches {
	struct stretch items[OPEN_MAX];
	int count;
};

/* Joins `s` to one of the strip before if a common rectangle explains both. */
static bool join(struct open_stretches *left, const struct stretch *s, struct stretch *ret_joined)
{
	for (int i = 0; i < left->count; i++) {
		struct stretch *l = &left->items[i];
		struct stretch j = {
			.strip = l->strip,
			.strip_end = s->strip_end,
			.first = MIN(l->first, s->first),
			.end = MAX(l->end, s->end),
			.outer_first = MAX(l->outer_first, s->outer_first),
			.outer_end = MIN(l->outer_end, s->outer_end),
			.shift = s->shift,
		};

		if (l->shift != s->shift || j.first < j.outer_first || j.end > j.outer_end)
			continue;
		*l = left->items[--left->count];
		*ret_joined = j;
		return true;
	}
	return false;
}

static void close_all(const struct pass *pass, struct open_stretches *open)
{
	for (int i = 0; i < open->count; i++)
		confirm(pass, &open->items[i]);
	open->count = 0;
}

/* Changed lines of a strip that a shift explains. */
static int count_explained(const struct pass *pass, int strip, int shift)
{
	const uint32_t *before = pass->hash_before + (size_t)strip * (size_t)pass->lines;
	const uint32_t *now = pass->hash_now + (size_t)strip * (size_t)pass->lines;
	int n = 0;

	for (int i = MAX(0, shift); i < MIN(pass->lines, pass->lines + shift); i++)
		n += line_changed(before, now, i) && now[i] == before[i - shift];
	return n;
}

/* The candidates, best for this strip first: blank lines fit many shifts, and the shift of another
 * pane would tear them out of the run that they belong to. */
static void rank_candidates(const struct pass *pass, int strip, int ranked[CANDIDATES_MAX])
{
	int explained[CANDIDATES_MAX];

	for (int c = 0; c < pass->n_candidates; c++) {
		int shift = pass->candidates[c], place = c;
		int n = pass->n_candidates > 1 ? count_explained(pass, strip, shift) : 0;

		for (; place > 0 && explained[place - 1] < n; place--) {
			explained[place] = explained[place - 1];
			ranked[place] = ranked[place - 1];
		}
		explained[place] = n;
		ranked[place] = shift;
	}
}

static void assign_strip(const struct pass *pass, int strip, struct open_stretches *left)
{
	struct open_stretches here = {0};
	bool taken[RFB_SIDE_MAX] = {0};
	int ranked[CANDIDATES_MAX];

	rank_candidates(pass, strip, ranked);
	for (int c = 0; c < pass->n_candidates; c++) {
		struct stretch s;
		int line = 0;

		while (next_stretch(pass, strip, ranked[c], taken, &line, &s)) {
			for (int i = s.first; i < s.end; i++)
				taken[i] = true;
			(void)join(left, &s, &s);
			if (here.count < OPEN_MAX)
				here.items[here.count++] = s;
			else
				confirm(pass, &s);
		}
	}
	close_all(pass, left);
	*left = here;
}

static int64_t copied_area(const struct scroll *scroll)
{
	int64_t sum = 0;

	for (size_t i = 0; i < scroll->n_copies; i++) {
		const pixman_box32_t *b = &scroll->copies[i].dst;

		sum += (int64_t)(b->x2 - b->x1) * (b->y2 - b->y1);
	}
	return sum;
}

static int hashes_get(struct scroll *scroll, struct pass *pass)
{
	size_t n = (size_t)pass->lines * (size_t)pass->strips;

	if (scroll->hashes_room < 2 * n) {
		free(STEAL(scroll->hashes));
		scroll->hashes_room = 0;
		scroll->hashes = reallocarray(NULL, 2 * n, sizeof(*scroll->hashes));
		if (!scroll->hashes)
			return -ENOMEM;
		scroll->hashes_room = 2 * n;
	}
	pass->hash_before = scroll->hashes;
	pass->hash_now = scroll->hashes + n;
	return 0;
}

static int search_axis(struct scroll *scroll, struct pass *pass, enum axis axis)
{
	struct open_stretches open = {0};
	int width = pass->box.x2 - pass->box.x1, height = pass->box.y2 - pass->box.y1;
	int r;

	pass->axis = axis;
	pass->n_candidates = 0;
	pass->lines = axis == VERTICAL ? height : width;
	pass->strips = ((axis == VERTICAL ? width : height) + STRIP - 1) / STRIP;
	r = hashes_get(scroll, pass);
	if (r < 0)
		return r;
	find_candidates(pass);
	if (pass->n_candidates == 0)
		return 0;
	for (int strip = 0; strip < pass->strips; strip++)
		assign_strip(pass, strip, &open);
	close_all(pass, &open);
	if (scroll->n_copies > 0)
		scroll->last[axis] = pass->candidates[0];
	return 0;
}

int scroll_search(struct scroll *scroll, const struct picture *before, const struct picture *now,
		  const pixman_region32_t *changed, const pixman_region32_t *avoid,
		  const struct scroll_copy **ret_copies, size_t *ret_count)
{
	struct pass pass = {.scroll = scroll, .before = before, .now = now, .avoid = avoid};
	int64_t area = 0;
	int n, r;
	const pixman_box32_t *boxes = pixman_region32_rectangles((pixman_region32_t *)changed, &n);

	scroll->n_copies = 0;
	for (int i = 0; i < n; i++)
		area += (int64_t)(boxes[i].x2 - boxes[i].x1) * (boxes[i].y2 - boxes[i].y1);
	if (area >= AREA_MIN) {
		pass.box = *pixman_region32_extents((pixman_region32_t *)changed);
		r = search_axis(scroll, &pass, VERTICAL);
		if (r == 0 && copied_area(scroll) < area / 2)
			r = search_axis(scroll, &pass, HORIZONTAL);
		if (r < 0)
			return r;
		scroll->n_copies = scroll_order(scroll->copies, scroll->n_copies);
	}
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
