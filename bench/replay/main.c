/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the engine costs for true frames: each frame goes through comparison, scroll search and
 * coding, beside a memcpy of the same frame, in CPU time of one core.
 *
 *	bench-replay [--json] [--encoding tight|zrle|raw] [--no-copy] [--quality N] [--compress N]
 *		     [--frames N] [--floor] [FILE.lzfr | PAGE.png]
 *
 * Without a recording a page of text (or a PNG of one) is scrolled as a wheel does. With --floor the
 * bytes are set beside the least that a coder of this kind needs, see floor.h.
 */
#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench/frames.h"
#include "floor.h"
#include "page.h"
#include "rfb/update.h"

#define FRAMES 600
#define STILL_EACH 10 /* frames; that one is shown again */
#define STILL_ROUNDS 5

struct options {
	struct update_client client;
	bool json, floor;
	int frames;
	const char *file;
};

struct figures {
	int frames;
	uint64_t bytes, first_bytes, floor_bytes;
	double engine, copy; /* seconds of CPU, all frames but the first */
	double still, still_copy; /* seconds, of frames that did not change */
	int stills;
	struct update_stats stats;
};

static double cpu_seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void check(int r)
{
	if (r < 0) {
		fprintf(stderr, "bench-replay: %s\n", strerror(-r));
		exit(1);
	}
}

struct replay {
	struct update *update;
	struct floor *floor; /* NULL: not wanted */
	struct picture copy; /* where memcpy writes to */
	struct buf out;
	struct figures figures;
};

static double time_copy(struct replay *replay, const struct picture *now)
{
	double start = cpu_seconds();

	memcpy(replay->copy.pixels, now->pixels,
	       (size_t)now->stride * (size_t)now->height * sizeof(*now->pixels));
	return cpu_seconds() - start;
}

static double time_build(struct replay *replay, const struct picture *now, size_t *ret_bytes)
{
	pixman_region32_t damage;
	double start, took;

	pixman_region32_init_rect(&damage, 0, 0, (unsigned int)now->width,
				  (unsigned int)now->height);
	buf_clear(&replay->out);
	start = cpu_seconds();
	check(update_build(replay->update, now, &damage, NULL, &replay->out, ret_bytes));
	took = cpu_seconds() - start;
	pixman_region32_fini(&damage);
	return took;
}

static void replay_frame(struct replay *replay, const struct picture *now)
{
	struct figures *f = &replay->figures;
	double copy = time_copy(replay, now), engine;
	size_t bytes = 0;

	engine = time_build(replay, now, &bytes);
	if (f->frames++ == 0) {
		f->first_bytes = bytes;
	} else {
		f->copy += copy;
		f->engine += engine;
		f->bytes += bytes;
	}
	if (replay->floor)
		f->floor_bytes += floor_add(replay->floor, now);
}

/* The same frame again, all of it said to be damaged. */
static void replay_still(struct replay *replay, const struct picture *now)
{
	size_t bytes = 0;

	for (int i = 0; i < STILL_ROUNDS; i++) {
		replay->figures.still_copy += time_copy(replay, now);
		replay->figures.still += time_build(replay, now, &bytes);
		replay->figures.stills++;
	}
	if (bytes > 0) {
		fprintf(stderr, "bench-replay: an unchanged frame took %zu bytes\n", bytes);
		exit(1);
	}
}

static void begin(struct replay *replay, const struct options *options, int width, int height)
{
	size_t pixels = (size_t)width * (size_t)height;

	replay->copy = (struct picture){.width = width, .height = height, .stride = width};
	replay->copy.pixels = calloc(pixels, sizeof(*replay->copy.pixels));
	check(replay->copy.pixels ? 0 : -ENOMEM);
	check(update_set_size(replay->update, width, height));
	if (options->floor)
		replay->floor = floor_create(width, height, &options->client);
}

static void next(struct replay *replay, const struct picture *now)
{
	replay_frame(replay, now);
	if (replay->figures.frames % STILL_EACH == 0)
		replay_still(replay, now);
}

static void run_page(struct replay *replay, const struct options *options)
{
	struct picture now = page_picture();
	int top = 0;

	page_make(options->file);
	begin(replay, options, now.width, now.height);
	for (int i = 0; i < options->frames; i++) {
		page_show(&now, top);
		next(replay, &now);
		/* The steps of a wheel that eases. */
		top += 3 + i * 7 % 30;
		if (top > page_end())
			top = 0;
	}
	free(now.pixels);
}

static void run_recording(struct replay *replay, const struct options *options)
{
	struct frames_reader *reader = NULL;
	struct frame frame;
	int r = frames_open(options->file, &reader);

	if (r == 0) {
		const struct frames_region *region = frames_region(reader);
		struct picture now = {
			.width = region->width, .height = region->height, .stride = region->width};

		begin(replay, options, region->width, region->height);
		while (replay->figures.frames < options->frames &&
		       (r = frames_read(reader, &frame)) > 0) {
			now.pixels = (uint32_t *)frame.pixels;
			next(replay, &now);
		}
	}
	frames_reader_close(reader);
	if (r < 0) {
		fprintf(stderr, "bench-replay: \"%s\": %s\n", options->file, strerror(-r));
		exit(1);
	}
}

static void print(const struct figures *f, bool json)
{
	int n = f->frames - 1;
	const struct update_stats *s = &f->stats;

	if (n < 1 || f->stills < 1) {
		fprintf(stderr, "bench-replay: too few frames\n");
		exit(1);
	}
	if (json) {
		if (f->floor_bytes)
			printf("{\"floor_bytes\": %llu, \"of_floor\": %.3f, ",
			       (unsigned long long)f->floor_bytes,
			       (double)f->bytes / (double)f->floor_bytes);
		else
			printf("{");
		printf("\"frames\": %d, \"bytes\": %llu, \"first_bytes\": %llu, \"engine_ms\": "
		       "%.4f, \"memcpy_ms\": %.4f, \"ratio\": %.3f, \"still_ratio\": %.3f}\n",
		       n, (unsigned long long)f->bytes, (unsigned long long)f->first_bytes,
		       f->engine * 1e3 / n, f->copy * 1e3 / n, f->engine / f->copy,
		       f->still / f->still_copy);
		return;
	}
	printf("first frame %llu bytes; then a frame: %.0f bytes, %.1f rectangles, %.1f copies\n",
	       (unsigned long long)f->first_bytes, (double)f->bytes / n,
	       (double)(s->rects - s->copies) / n, (double)s->copies / n);
	printf("a frame %.3f ms, %.2f times its memcpy (%.3f ms); compare %.2f, search and copy "
	       "%.2f ms\n",
	       f->engine * 1e3 / n, f->engine / f->copy, f->copy * 1e3 / n,
	       (double)s->usec_compare / 1e3 / n, (double)s->usec_scroll / 1e3 / n);
	if (f->floor_bytes)
		printf("floor %.0f bytes a frame: %.2f times that\n", (double)f->floor_bytes / n,
		       (double)f->bytes / (double)f->floor_bytes);
	printf("an unchanged frame %.3f ms, %.2f times its memcpy\n", f->still * 1e3 / f->stills,
	       f->still / f->still_copy);
}

static int encoding(const char *name)
{
	if (strcmp(name, "tight") == 0)
		return RFB_ENCODING_TIGHT;
	if (strcmp(name, "zrle") == 0)
		return RFB_ENCODING_ZRLE;
	if (strcmp(name, "raw") == 0)
		return RFB_ENCODING_RAW;
	fprintf(stderr, "bench-replay: no encoding \"%s\"\n", name);
	exit(2);
}

static struct options parse(int argc, char **argv)
{
	static const struct option longs[] = {
		{"json", no_argument, NULL, 'j'},
		{"encoding", required_argument, NULL, 'e'},
		{"no-copy", no_argument, NULL, 'n'},
		{"quality", required_argument, NULL, 'q'},
		{"compress", required_argument, NULL, 'c'},
		{"frames", required_argument, NULL, 'f'},
		{"floor", no_argument, NULL, 'l'},
		{0},
	};
	struct options o = {.client = {RFB_ENCODING_TIGHT, true, -1, 2}, .frames = FRAMES};
	int c;

	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		if (c == 'j')
			o.json = true;
		else if (c == 'e')
			o.client.encoding = encoding(optarg);
		else if (c == 'l')
			o.floor = true;
		else if (c == 'n')
			o.client.copy_rect = false;
		else if (c == 'q')
			o.client.quality = (int)strtol(optarg, NULL, 10);
		else if (c == 'c')
			o.client.compress = (int)strtol(optarg, NULL, 10);
		else if (c == 'f')
			o.frames = (int)strtol(optarg, NULL, 10);
		else
			exit(2);
	}
	if (optind < argc)
		o.file = argv[optind];
	return o;
}

int main(int argc, char **argv)
{
	struct options options = parse(argc, argv);
	struct replay replay = {0};
	bool recording = options.file && strstr(options.file, ".lzfr");

	buf_init(&replay.out, 64 << 20);
	check(update_create(&replay.update));
	update_set_client(replay.update, &options.client);
	(recording ? run_recording : run_page)(&replay, &options);
	update_get_stats(replay.update, &replay.figures.stats);
	print(&replay.figures, options.json);
	if (replay.floor)
		floor_destroy(replay.floor);
	update_destroy(replay.update);
	buf_finish(&replay.out);
	free(replay.copy.pixels);
	return 0;
}
