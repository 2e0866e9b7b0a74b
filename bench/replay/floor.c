/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "floor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "rfb/encoder.h"
#include "rfb/update_cover.h"

#define CELL 32 /* pixels across */
#define BOX_PIXELS_MAX (INT64_C(1) << 20)

struct floor {
	struct update_client client;
	struct encoder *encoder;
	struct picture before;
	bool begun;
	uint32_t *hash_before, *hash_now; /* of the rows of one column of cells */
	struct buf out;
};

static void *need(void *memory)
{
	if (!memory) {
		fprintf(stderr, "bench-replay: out of memory\n");
		exit(1);
	}
	return memory;
}

struct floor *floor_create(int width, int height, const struct update_client *client)
{
	struct floor *floor = need(calloc(1, sizeof(*floor)));

	floor->client = *client;
	floor->before = (struct picture){.width = width, .height = height, .stride = width};
	floor->before.pixels = need(calloc((size_t)width * (size_t)height, sizeof(uint32_t)));
	floor->hash_before = need(calloc((size_t)height, sizeof(uint32_t)));
	floor->hash_now = need(calloc((size_t)height, sizeof(uint32_t)));
	buf_init(&floor->out, 64 << 20);
	if (encoder_find(client->encoding)->create(&floor->encoder) < 0)
		need(NULL);
	return floor;
}

void floor_destroy(struct floor *floor)
{
	floor->encoder->impl->destroy(floor->encoder);
	buf_finish(&floor->out);
	free(floor->before.pixels);
	free(floor->hash_before);
	free(floor->hash_now);
	free(floor);
}

static const uint32_t *row_at(const struct picture *picture, int y)
{
	return picture->pixels + (size_t)y * (size_t)picture->stride;
}

static void hash_column(const struct picture *picture, int x, int width, uint32_t *hashes)
{
	for (int y = 0; y < picture->height; y++) {
		const uint32_t *p = row_at(picture, y) + x;
		uint32_t hash = 0;

		for (int i = 0; i < width; i++)
			hash = (hash ^ p[i]) * UINT32_C(0x01000193);
		hashes[y] = hash;
	}
}

static int count_explained(const struct floor *floor, int shift)
{
	const uint32_t *before = floor->hash_before, *now = floor->hash_now;
	int n = 0;

	for (int y = MAX(0, shift); y < MIN(floor->before.height, floor->before.height + shift);
	     y++)
		n += now[y] != before[y] && now[y] == before[y - shift];
	return n;
}

static int best_shift(const struct floor *floor)
{
	int best = 0, most = 0;

	for (int shift = 1 - floor->before.height; shift < floor->before.height; shift++) {
		int n = shift ? count_explained(floor, shift) : 0;

		if (n > most) {
			most = n;
			best = shift;
		}
	}
	return best;
}

/* The runs of rows, cut to the pixels, that neither the place nor the shift explains. */
static void add_unexplained(const struct floor *floor, const struct picture *now, int x, int width,
			    int shift, pixman_region32_t *region)
{
	size_t size = (size_t)width * sizeof(uint32_t);

	for (int y = 0; y < now->height; y++) {
		const uint32_t *row = row_at(now, y) + x;
		int from = y - shift, first = 0, end = width;

		if (memcmp(row, row_at(&floor->before, y) + x, size) == 0)
			continue;
		if (from >= 0 && from < now->height &&
		    memcmp(row, row_at(&floor->before, from) + x, size) == 0)
			continue;
		while (first < end && row[first] == row_at(&floor->before, y)[x + first])
			first++;
		while (end > first && row[end - 1] == row_at(&floor->before, y)[x + end - 1])
			end--;
		pixman_region32_union_rect(region, region, x + first, y,
					   (unsigned int)(end - first), 1);
	}
}

static uint64_t code(struct floor *floor, const struct picture *now,
		     const pixman_region32_t *region)
{
	struct update_cover cover;
	pixman_region32_t lossy;
	struct encoder_result result = {.lossy = &lossy};
	int r = update_cover_init(&cover, region, floor->encoder->impl->spare, BOX_PIXELS_MAX);

	pixman_region32_init(&lossy);
	buf_clear(&floor->out);
	for (size_t i = 0; i < cover.count && r == 0; i++) {
		struct encoder_job job = {
			.picture = now,
			.box = cover.items[i].box,
			.format = &pixel_format_default,
			.compress = floor->client.compress,
			.quality = -1,
		};

		r = floor->encoder->impl->encode(floor->encoder, &job, &floor->out, &result);
	}
	if (r < 0)
		need(NULL);
	update_cover_finish(&cover);
	pixman_region32_fini(&lossy);
	return buf_len(&floor->out);
}

static void keep(struct floor *floor, const struct picture *now)
{
	for (int y = 0; y < now->height; y++)
		memcpy(floor->before.pixels + (size_t)y * (size_t)floor->before.stride,
		       row_at(now, y), (size_t)now->width * sizeof(uint32_t));
}

uint64_t floor_add(struct floor *floor, const struct picture *now)
{
	pixman_region32_t region;
	uint64_t bytes = 0;

	if (floor->begun) {
		pixman_region32_init(&region);
		for (int x = 0; x < now->width; x += CELL) {
			int width = MIN(CELL, now->width - x);

			hash_column(&floor->before, x, width, floor->hash_before);
			hash_column(now, x, width, floor->hash_now);
			add_unexplained(floor, now, x, width, best_shift(floor), &region);
		}
		bytes = code(floor, now, &region);
		pixman_region32_fini(&region);
	}
	keep(floor, now);
	floor->begun = true;
	return bytes;
}
