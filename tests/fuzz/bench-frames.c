/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A file of recorded frames: nothing crashes, and a second reading is as the first. */
#include <stdlib.h>

#include "bench/frames.h"

#define FRAMES_MAX 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint64_t read_all(struct frames_reader *reader, int *ret_result)
{
	const struct frames_region *region = frames_region(reader);
	uint64_t sum = 0;
	struct frame frame;
	int r = 1;

	for (int i = 0; i < FRAMES_MAX && (r = frames_read(reader, &frame)) == 1; i++) {
		sum = sum * 31 + frame.time + frame.number + frame.n_tiles;
		for (size_t k = 0; k < frame.n_tiles; k++)
			sum = sum * 31 + frame.tiles[k];
		sum += frame.pixels[0];
		sum += frame.pixels[(size_t)region->width * (size_t)region->height - 1];
	}
	*ret_result = r;
	return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct frames_reader *reader;
	FILE *file = size > 0 ? fmemopen((void *)(uintptr_t)data, size, "re") : NULL;
	int first = 0, second = 0;
	uint64_t sum;

	if (!file || frames_open_stream(file, &reader) < 0)
		return 0;
	sum = read_all(reader, &first);
	if (frames_rewind(reader) < 0 || read_all(reader, &second) != sum || first != second)
		abort();
	frames_reader_close(reader);
	return 0;
}
