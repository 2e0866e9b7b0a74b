/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "rfb/scroll_vote.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "rfb/scroll_marks.h"
#include "rfb/vector.h"

#define WINDOW 64 /* pixels across the direction of the scroll that make one line */
#define WINDOWS_MAX 4 /* that vote; they cost more than their pixels, which lie far apart */
#define CELLS (RFB_SIDE_MAX / COMPARE_CELL_WIDTH)
#define BANDS (RFB_SIDE_MAX / WINDOW)
#define SLOTS (2 * RFB_SIDE_MAX) /* of the table of lines; a power of two */
#define VOTES_MIN 8 /* lines that must agree on a shift */

struct slot {
	uint32_t hash;
	uint32_t round; /* in use if it is that of the search */
	int line; /* -1: there are several such lines */
};

struct scroll_vote {
	uint32_t weights[WINDOW]; /* of the hash */
	uint32_t before[RFB_SIDE_MAX], now[RFB_SIDE_MAX]; /* hashes of lines */
	struct slot slots[SLOTS];
	uint32_t round;
	int votes[2 * RFB_SIDE_MAX + 1]; /* by shift + RFB_SIDE_MAX */
	struct scroll_marks marks;
};

int scroll_vote_create(struct scroll_vote **ret_vote)
{
	struct scroll_vote *vote = calloc(1, sizeof(*vote));
	uint64_t state = UINT64_C(0x9e3779b97f4a7c15);

	if (!vote)
		return -ENOMEM;
	for (int i = 0; i < WINDOW; i++) {
		state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
		vote->weights[i] = (uint32_t)(state >> 32) | 1;
	}
	*ret_vote = vote;
	return 0;
}

void scroll_vote_destroy(struct scroll_vote *vote)
{
	free(vote);
}

static const uint32_t *row_at(const struct picture *picture, int y)
{
	return picture->pixels + (size_t)y * picture->stride;
}

/* --- lines that are rows of pixels ------------------------------------------------------------ */

VECTORISED static uint32_t hash_window(const uint32_t *p, const uint32_t *weights)
{
	uint32_t hash = 0;

	for (int i = 0; i < WINDOW; i++)
		hash += (p[i] & COMPARE_MASK) * weights[i];
	return hash;
}

static struct slot *find_slot(struct scroll_vote *vote, uint32_t hash)
{
	uint32_t i = (hash * UINT32_C(0x9e3779b1)) >> 19;

	_Static_assert(SLOTS == 1 << 13, "the shift above makes an index of the table");
	while (vote->slots[i].round == vote->round && vote->slots[i].hash != hash)
		i = (i + 1) % SLOTS;
	return &vote->slots[i];
}

/* Lines that occur once; repeated ones (blank space, rules) say nothing about a shift. */
static void learn_lines(struct scroll_vote *vote, const uint32_t *hashes, int lines)
{
	struct slot *slot = NULL;

	if (++vote->round == 0) {
		memset(vote->slots, 0, sizeof(vote->slots));
		vote->round = 1;
	}
	for (int line = 0; line < lines; line++) {
		if (line > 0 && hashes[line] == hashes[line - 1]) {
			slot->line = -1;
			continue;
		}
		slot = find_slot(vote, hashes[line]);
		if (slot->round == vote->round) {
			slot->line = -1;
			continue;
		}
		*slot = (struct slot){.hash = hashes[line], .round = vote->round, .line = line};
	}
}

/* One vote for each line of now that has moved and that was there once before. */
static void vote_lines(struct scroll_vote *vote, int lines)
{
	const uint32_t *now = vote->now;

	learn_lines(vote, vote->before, lines);
	for (int line = 0; line < lines; line++) {
		const struct slot *slot;

		if (vote->before[line] == now[line] || (line > 0 && now[line] == now[line - 1]))
			continue;
		slot = find_slot(vote, now[line]);
		if (slot->round == vote->round && slot->line >= 0)
			vote->votes[line - slot->line + RFB_SIDE_MAX]++;
	}
}

/* Takes the shift with the most votes out of the count; 0: there is none. */
static int pick_shift(struct scroll_vote *vote, int lines)
{
	int best = 0;

	for (int shift = 1 - lines; shift < lines; shift++) {
		if (vote->votes[shift + RFB_SIDE_MAX] > vote->votes[best + RFB_SIDE_MAX])
			best = shift;
	}
	if (vote->votes[best + RFB_SIDE_MAX] < VOTES_MIN)
		return 0;
	vote->votes[best + RFB_SIDE_MAX] = 0;
	return best;
}

/* Counts by place how much is unexplained, and thins the places out to those that shall vote. */
static size_t choose_places(const int *counts, int n, int least, int *places)
{
	int good = 0, seen = 0;
	size_t chosen = 0;

	for (int i = 0; i < n; i++)
		good += counts[i] >= least;
	for (int i = 0; i < n; i++) {
		if (counts[i] < least)
			continue;
		/* Evenly spread: place number k of `good` is taken where k * MAX / good steps on. */
		if (good <= WINDOWS_MAX || seen * WINDOWS_MAX / good >= (int)chosen)
			places[chosen++] = i;
		seen++;
		if (chosen == WINDOWS_MAX)
			break;
	}
	return chosen;
}

/* Rows with unexplained cells, by cell. */
static void count_cells(const struct scroll_field *field, int counts[CELLS])
{
	for (int y = field->box.y1; y < field->box.y2; y++) {
		for (int word = 0; word < COMPARE_WORDS; word++) {
			uint64_t bits = field->left[y].cells[word];

			for (; bits; bits &= bits - 1)
				counts[64 * word + __builtin_ctzll(bits)]++;
		}
	}
}

size_t scroll_vote_vertical(struct scroll_vote *vote, const struct scroll_field *field,
			    struct compare_shift *shifts, size_t max)
{
	int counts[CELLS] = {0}, places[WINDOWS_MAX];
	int lines = field->box.y2 - field->box.y1;
	size_t n = 0, n_places;

	count_cells(field, counts);
	n_places = choose_places(counts, field->end, 1, places);
	memset(vote->votes, 0, sizeof(vote->votes));
	for (size_t i = 0; i < n_places; i++) {
		int x = MIN(places[i] * COMPARE_CELL_WIDTH, field->now->width - WINDOW);

		if (x < 0)
			return 0;
		for (int line = 0; line < lines; line++) {
			int y = field->box.y1 + line;

			vote->before[line] = hash_window(row_at(field->before, y) + x,
							 vote->weights);
			vote->now[line] = hash_window(row_at(field->now, y) + x, vote->weights);
		}
		vote_lines(vote, lines);
	}
	for (int dy; n < max && (dy = pick_shift(vote, lines)) != 0;)
		shifts[n++] = (struct compare_shift){.dy = dy};
	return n;
}

/* --- lines that are columns of pixels --------------------------------------------------------- */

VECTORISED static void add_row(uint32_t *hashes, const uint32_t *p, int count, uint32_t weight)
{
	for (int i = 0; i < count; i++)
		hashes[i] += (p[i] & COMPARE_MASK) * weight;
}

static void hash_columns(const struct scroll_vote *vote, const struct picture *picture,
			 const pixman_box32_t *box, uint32_t *hashes)
{
	int width = box->x2 - box->x1;

	memset(hashes, 0, (size_t)width * sizeof(*hashes));
	for (int y = box->y1; y < box->y2; y++)
		add_row(hashes, row_at(picture, y) + box->x1, width, vote->weights[y - box->y1]);
}

/* Unexplained cells, by band of rows. */
static int count_bands(const struct scroll_field *field, int counts[BANDS])
{
	for (int y = field->box.y1; y < field->box.y2; y++) {
		for (int word = 0; word < COMPARE_WORDS; word++)
			counts[(y - field->box.y1) / WINDOW] += __builtin_popcountll(
				field->left[y].cells[word]);
	}
	return (field->box.y2 - field->box.y1 + WINDOW - 1) / WINDOW;
}

size_t scroll_vote_horizontal(struct scroll_vote *vote, const struct scroll_field *field,
			      struct compare_shift *shifts, size_t max)
{
	int counts[BANDS] = {0}, places[WINDOWS_MAX];
	int lines = field->box.x2 - field->box.x1;
	int n_bands = count_bands(field, counts);
	size_t n = 0, n_places = choose_places(counts, n_bands, 1, places);

	memset(vote->votes, 0, sizeof(vote->votes));
	for (size_t i = 0; i < n_places; i++) {
		pixman_box32_t band = field->box;

		band.y1 += places[i] * WINDOW;
		band.y2 = MIN(band.y1 + WINDOW, field->box.y2);
		hash_columns(vote, field->before, &band, vote->before);
		hash_columns(vote, field->now, &band, vote->now);
		vote_lines(vote, lines);
	}
	for (int dx; n < max && (dx = pick_shift(vote, lines)) != 0;)
		shifts[n++] = (struct compare_shift){.dx = dx};
	return n;
}

size_t scroll_vote_any(struct scroll_vote *vote, const struct scroll_field *field,
		       struct compare_shift *shifts, size_t max)
{
	return scroll_marks_find(&vote->marks, field, shifts, max);
}
