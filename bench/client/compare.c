/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "bench/client/compare.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

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
	for (size_t i = 0; i < compare->n_kept; i++)
		free(compare->kept[i].pixels);
	free(compare->kept);
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

static int compare_pixels(struct compare *compare, const struct compare_entry *entry,
			  const uint32_t *shown, int stride, double *ret_ssim, double *ret_psnr)
{
	const struct frames_region *region = frames_region(compare->reader);
	double ssim;
	int r = seek(compare, entry->position);

	if (r < 0)
		return r;
	r = ssim_rgb(compare->frame.pixels, region->width, shown, stride, region->width,
		     region->height, &ssim);
	if (r < 0)
		return r;
	*ret_ssim = ssim;
	*ret_psnr = psnr_rgb(compare->frame.pixels, region->width, shown, stride, region->width,
			     region->height);
	return 1;
}

/* Where the region begins in the picture; NULL if it is not inside. */
static const uint32_t *find_shown(const struct compare *compare, const struct framebuffer *fb)
{
	const struct frames_region *region = frames_region(compare->reader);

	if (region->x + region->width > fb->width || region->y + region->height > fb->height)
		return NULL;
	return fb->pixels + (size_t)region->y * (size_t)fb->width + region->x;
}

int compare_frame(struct compare *compare, uint32_t number, const struct framebuffer *fb,
		  double *ret_ssim, double *ret_psnr)
{
	const struct compare_entry *entry = find(compare, number);
	const uint32_t *shown;

	if (!entry)
		return 0;
	shown = find_shown(compare, fb);
	return shown ? compare_pixels(compare, entry, shown, fb->width, ret_ssim, ret_psnr)
		     : -EINVAL;
}

int compare_keep(struct compare *compare, uint32_t number, const struct framebuffer *fb)
{
	const struct frames_region *region = frames_region(compare->reader);
	const uint32_t *shown;
	uint32_t *pixels;

	if (!find(compare, number))
		return 0;
	shown = find_shown(compare, fb);
	if (!shown)
		return -EINVAL;
	if (compare->n_kept == COMPARE_KEPT_MAX)
		return -ENOBUFS;
	if (!compare->kept)
		compare->kept = calloc(COMPARE_KEPT_MAX, sizeof(*compare->kept));
	pixels = malloc((size_t)region->width * (size_t)region->height * sizeof(*pixels));
	if (!compare->kept || !pixels) {
		free(pixels);
		return -ENOMEM;
	}
	for (int y = 0; y < region->height; y++)
		memcpy(pixels + (size_t)y * (size_t)region->width,
		       shown + (size_t)y * (size_t)fb->width,
		       (size_t)region->width * sizeof(*pixels));
	compare->kept[compare->n_kept++] = (struct compare_kept){number, pixels};
	return 1;
}

int compare_next(struct compare *compare, uint32_t *ret_number, double *ret_ssim, double *ret_psnr)
{
	struct compare_kept first;
	int r;

	if (compare->n_kept == 0)
		return 0;
	first = compare->kept[0];
	memmove(compare->kept, compare->kept + 1, --compare->n_kept * sizeof(first));
	r = compare_pixels(compare, find(compare, first.number), first.pixels,
			   frames_region(compare->reader)->width, ret_ssim, ret_psnr);
	free(first.pixels);
	*ret_number = first.number;
	return r;
}
