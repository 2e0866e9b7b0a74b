/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "bench/client/compare.h"

#include <errno.h>
#include <stdlib.h>

#include "bench/ssim.h"

#define FIRST_ENTRIES 256

static int by_number(const void *a, const void *b)
{
	const struct compare_entry *x = a, *y = b;

	if (x->number != y->number)
		return x->number < y->number ? -1 : 1;
	return (x->position > y->position) - (x->position < y->position);
}

static int add_entry(struct compare *compare, size_t *size, uint32_t number, size_t position)
{
	if (compare->count == *size) {
		size_t wanted = MAX(*size * 2, (size_t)FIRST_ENTRIES);
		void *entries = realloc(compare->entries, wanted * sizeof(*compare->entries));

		if (!entries)
			return -ENOMEM;
		compare->entries = entries;
		*size = wanted;
	}
	compare->entries[compare->count++] = (struct compare_entry){number, position};
	return 0;
}

/* A frame may come in several updates, and is whole in the last. */
static void keep_last(struct compare *compare)
{
	size_t kept = 0;

	qsort(compare->entries, compare->count, sizeof(*compare->entries), by_number);
	for (size_t i = 0; i < compare->count; i++) {
		if (kept > 0 && compare->entries[kept - 1].number == compare->entries[i].number)
			kept--;
		compare->entries[kept++] = compare->entries[i];
	}
	compare->count = kept;
}

static int read_index(struct compare *compare)
{
	size_t size = 0, position = 0;
	struct frame frame;
	int r;

	while ((r = frames_read(compare->reader, &frame)) == 1) {
		position++;
		if (frame.number == FRAMES_NO_NUMBER)
			continue;
		r = add_entry(compare, &size, frame.number, position);
		if (r < 0)
			return r;
	}
	if (r == 0 && compare->count == 0)
		r = -EPROTO;
	if (r < 0)
		return r;
	keep_last(compare);
	return frames_rewind(compare->reader);
}

int compare_open(struct compare *compare, const char *path)
{
	struct compare fresh = {0};
	int r = frames_open(path, &fresh.reader);

	if (r == 0)
		r = read_index(&fresh);
	if (r < 0) {
		compare_close(&fresh);
		return r;
	}
	compare_close(compare);
	*compare = fresh;
	return 0;
}

void compare_close(struct compare *compare)
{
	frames_reader_close(compare->reader);
	free(compare->entries);
	*compare = (struct compare){0};
}

static int seek(struct compare *compare, size_t position)
{
	int r;

	if (compare->position > position) {
		r = frames_rewind(compare->reader);
		if (r < 0)
			return r;
		compare->position = 0;
	}
	while (compare->position < position) {
		r = frames_read(compare->reader, &compare->frame);
		if (r != 1)
			return r < 0 ? r : -EPROTO;
		compare->position++;
	}
	return 0;
}

static const struct compare_entry *find(const struct compare *compare, uint32_t number)
{
	size_t low = 0, high = compare->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (compare->entries[middle].number == number)
			return &compare->entries[middle];
		if (compare->entries[middle].number < number)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

int compare_frame(struct compare *compare, uint32_t number, const struct framebuffer *fb,
		  double *ret_ssim, double *ret_psnr)
{
	const struct compare_entry *entry = find(compare, number);
	const struct frames_region *region;
	const uint32_t *shown;
	double ssim;
	int r;

	if (!entry)
		return 0;
	region = frames_region(compare->reader);
	if (region->x + region->width > fb->width || region->y + region->height > fb->height)
		return -EINVAL;
	r = seek(compare, entry->position);
	if (r < 0)
		return r;
	shown = fb->pixels + (size_t)region->y * (size_t)fb->width + region->x;
	r = ssim_rgb(compare->frame.pixels, region->width, shown, fb->width, region->width,
		     region->height, &ssim);
	if (r < 0)
		return r;
	*ret_ssim = ssim;
	*ret_psnr = psnr_rgb(compare->frame.pixels, region->width, shown, fb->width, region->width,
			     region->height);
	return 1;
}
