/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the encoding half costs for a page of text at 1920x1080: finding changes, finding scrolls,
 * and coding. Prints a table of milliseconds and bytes, medians of a few runs.
 *
 *	encode [steps [page.png]]
 *
 * The page is drawn, with a header and a side bar that stay while it scrolls; or it is a picture
 * 1920 pixels wide, for example a browser's screenshot of a long page, below the header alone.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/attr.h"
#include "base/clock.h"
#include "rfb/compare.h"
#include "rfb/scroll.h"
#include "rfb/update.h"

/* After ours: GLib replaces MIN and MAX by its own. */
#include <pango/pangocairo.h>

#define WIDTH 1920
#define HEIGHT 1080
#define HEADER 80
#define RUNS 21

static const char words[] =
	"the harbour of a server is where ships of bytes lie at anchor until a person looks at "
	"them "
	"and says what may come ashore; <b>nothing else</b> leaves the quay. <span "
	"foreground=\"#0645ad\" underline=\"single\">See the chapter on ropes</span> and "
	"<tt>man 7 harbour</tt> for what each of them holds. ";

static uint32_t *page; /* WIDTH x page_height */
static struct compare_row rows[HEIGHT];
static int page_height = 12000;
static int sidebar = 300; /* pixels wide */

static void draw_text(cairo_t *cr, int x, int y, int width, unsigned int seed)
{
	PangoLayout *layout = pango_cairo_create_layout(cr);
	PangoFontDescription *font = pango_font_description_from_string("Sans 12");
	GString *text = g_string_new(NULL);

	for (int i = 0; i < 3; i++) {
		unsigned int n = seed * 7919u + (unsigned int)i * 104729u;

		g_string_append_printf(text, "%u %.*s", n % 1000, (int)(n % 60) + 20, words);
		g_string_append(text, words);
	}
	pango_layout_set_font_description(layout, font);
	pango_layout_set_width(layout, width * PANGO_SCALE);
	pango_layout_set_markup(layout, text->str, -1);
	cairo_move_to(cr, x, y);
	pango_cairo_show_layout(cr, layout);
	g_string_free(text, TRUE);
	pango_font_description_free(font);
	g_object_unref(layout);
}

static void draw_page(void)
{
	cairo_surface_t *surface;
	cairo_font_options_t *options = cairo_font_options_create();
	cairo_t *cr;

	page = calloc((size_t)WIDTH * (size_t)page_height, sizeof(*page));
	if (!page)
		abort();
	surface = cairo_image_surface_create_for_data((unsigned char *)page, CAIRO_FORMAT_RGB24,
						      WIDTH, page_height, WIDTH * 4);
	cr = cairo_create(surface);
	/* As browsers do where they know nothing of the screen. */
	cairo_font_options_set_antialias(options, CAIRO_ANTIALIAS_GRAY);
	cairo_set_font_options(cr, options);
	cairo_set_source_rgb(cr, 1, 1, 1);
	cairo_paint(cr);
	cairo_set_source_rgb(cr, 0.13, 0.13, 0.13);
	for (int y = 10, i = 0; y < page_height - 150; y += 130, i++)
		draw_text(cr, sidebar + 40, y, WIDTH - sidebar - 120, (unsigned int)i);
	cairo_font_options_destroy(options);
	cairo_destroy(cr);
	cairo_surface_destroy(surface);
}

static void load_page(const char *path)
{
	cairo_surface_t *surface = cairo_image_surface_create_from_png(path);
	int stride = cairo_image_surface_get_stride(surface);
	const unsigned char *data = cairo_image_surface_get_data(surface);

	page_height = cairo_image_surface_get_height(surface);
	sidebar = 0;
	if (cairo_surface_status(surface) != CAIRO_STATUS_SUCCESS || page_height < 4 * HEIGHT ||
	    cairo_image_surface_get_width(surface) != WIDTH) {
		fprintf(stderr, "encode: \"%s\" is no PNG of %d x %d pixels or more\n", path, WIDTH,
			4 * HEIGHT);
		exit(1);
	}
	page = calloc((size_t)WIDTH * (size_t)page_height, sizeof(*page));
	if (!page)
		abort();
	for (int y = 0; y < page_height; y++)
		memcpy(page + (size_t)y * WIDTH, data + (size_t)y * (size_t)stride, WIDTH * 4);
	cairo_surface_destroy(surface);
}

/* The window: header and side bar stay, the page shows from line `top` on. */
static void show(const struct picture *picture, int top)
{
	for (int y = 0; y < HEIGHT; y++) {
		uint32_t *row = picture->pixels + (size_t)y * picture->stride;
		int line = y < HEADER ? y : top + y - HEADER;

		memcpy(row, page + (size_t)line * WIDTH, WIDTH * sizeof(*row));
		if (y < HEADER) {
			for (int x = 0; x < WIDTH; x++)
				row[x] = 0xffdee1e6;
			continue;
		}
		for (int x = 0; x < sidebar; x++)
			row[x] = page[(size_t)(y + 500) * WIDTH + (size_t)x + sidebar + 40];
	}
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *values, size_t n)
{
	qsort(values, n, sizeof(*values), by_value);
	return values[n / 2];
}

static struct picture new_picture(void)
{
	struct picture p = {.width = WIDTH, .height = HEIGHT, .stride = WIDTH};

	p.pixels = calloc((size_t)WIDTH * HEIGHT, sizeof(*p.pixels));
	if (!p.pixels)
		abort();
	return p;
}

static void check(int r)
{
	if (r < 0) {
		fprintf(stderr, "encode: %s\n", strerror(-r));
		exit(1);
	}
}

static void time_compare(const char *name, const struct picture *a, const struct picture *b)
{
	double ms[RUNS];
	int boxes = 0;
	pixman_region32_t all, changed;

	pixman_region32_init_rect(&all, 0, 0, WIDTH, HEIGHT);
	pixman_region32_init(&changed);
	for (int i = 0; i < RUNS; i++) {
		uint64_t start = clock_now();

		check(compare_region(a, b, &all, rows, &changed));
		ms[i] = (double)(clock_now() - start) / 1000;
	}
	boxes = pixman_region32_n_rects(&changed);
	printf("compare  %-34s %8.2f ms  %d boxes\n", name, median(ms, RUNS), boxes);
	pixman_region32_fini(&changed);
	pixman_region32_fini(&all);
}

static void time_scroll(const char *name, const struct picture *before, const struct picture *now)
{
	double ms[RUNS];
	pixman_region32_t all, changed;
	const struct scroll_copy *copies;
	struct scroll *scroll;
	size_t count = 0;
	int64_t area = 0;

	pixman_region32_init_rect(&all, 0, 0, WIDTH, HEIGHT);
	pixman_region32_init(&changed);
	check(compare_region(before, now, &all, rows, &changed));
	check(scroll_create(&scroll));
	for (int i = 0; i < RUNS; i++) {
		uint64_t start = clock_now();

		check(scroll_search(scroll, before, now, rows, &changed, NULL, &copies, &count));
		ms[i] = (double)(clock_now() - start) / 1000;
		area = 0;
		for (size_t k = 0; k < count; k++)
			area += (int64_t)(copies[k].dst.x2 - copies[k].dst.x1) *
				(copies[k].dst.y2 - copies[k].dst.y1);
	}
	scroll_destroy(scroll);
	printf("scroll   %-34s %8.2f ms  %zu copies, %.1f %% of the picture\n", name,
	       median(ms, RUNS), count, (double)area * 100 / (WIDTH * HEIGHT));
	pixman_region32_fini(&changed);
	pixman_region32_fini(&all);
}

/* A whole picture, then a scroll in steps of a wheel that eases. */
static void time_session(const char *name, const struct update_client *client, int steps)
{
	struct picture now = new_picture();
	struct update *update;
	struct update_stats stats;
	pixman_region32_t damage;
	struct buf out;
	size_t bytes = 0, first, total = 0;
	uint64_t start, first_us, us;
	int top = 0;

	buf_init(&out, 64 << 20);
	check(update_create(&update));
	update_set_client(update, client);
	check(update_set_size(update, WIDTH, HEIGHT));
	pixman_region32_init_rect(&damage, 0, 0, WIDTH, HEIGHT);
	show(&now, top);
	start = clock_now();
	check(update_build(update, &now, &damage, NULL, &out, &first));
	first_us = clock_now() - start;
	us = 0;
	for (int i = 0; i < steps; i++) {
		top += 3 + i * 7 % 30;
		if (top > page_height - HEIGHT)
			top = 0;
		show(&now, top);
		pixman_region32_fini(&damage);
		pixman_region32_init_rect(&damage, 0, 0, WIDTH, HEIGHT);
		buf_clear(&out);
		start = clock_now();
		check(update_build(update, &now, &damage, NULL, &out, &bytes));
		us += clock_now() - start;
		total += bytes;
	}
	update_get_stats(update, &stats);
	printf("%-24s first %7.2f ms %8zu bytes | scroll, a frame: %6.2f ms %8zu bytes %5.1f rects "
	       "%4.1f copies\n",
	       name, (double)first_us / 1000, first, (double)us / 1000 / steps,
	       total / (size_t)steps, (double)(stats.rects - stats.copies) / steps,
	       (double)stats.copies / steps);
	printf("%-24s of that: compare %.2f, scroll search %.2f, encode %.2f ms\n", "",
	       (double)stats.usec_compare / 1000 / steps, (double)stats.usec_scroll / 1000 / steps,
	       ((double)stats.usec_encode - (double)first_us) / 1000 / steps);
	pixman_region32_fini(&damage);
	buf_finish(&out);
	update_destroy(update);
	free(now.pixels);
}

static void noise(const struct picture *picture)
{
	uint32_t state = 1;

	for (size_t i = 0; i < (size_t)WIDTH * HEIGHT; i++) {
		state = state * 1664525u + 1013904223u;
		picture->pixels[i] = state >> 8;
	}
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		struct update_client client;
	} sessions[] = {
		{"tight, copies", {RFB_ENCODING_TIGHT, true, -1, 2}},
		{"tight", {RFB_ENCODING_TIGHT, false, -1, 2}},
		{"tight level 1, copies", {RFB_ENCODING_TIGHT, true, -1, 1}},
		{"tight level 1", {RFB_ENCODING_TIGHT, false, -1, 1}},
		{"tight quality 8", {RFB_ENCODING_TIGHT, false, 8, 2}},
		{"zrle, copies", {RFB_ENCODING_ZRLE, true, -1, -1}},
		{"zrle", {RFB_ENCODING_ZRLE, false, -1, -1}},
		{"raw, copies", {RFB_ENCODING_RAW, true, -1, -1}},
		{"raw", {RFB_ENCODING_RAW, false, -1, -1}},
	};
	struct picture a = new_picture(), b = new_picture(), other = new_picture();
	int steps = argc > 1 ? (int)strtol(argv[1], NULL, 10) : 60;

	if (argc > 2)
		load_page(argv[2]);
	else
		draw_page();
	show(&a, 1000);
	show(&b, 1000);
	time_compare("equal", &a, &b);
	show(&b, 1040);
	time_compare("scrolled by 40", &a, &b);
	noise(&other);
	time_compare("all different", &a, &other);
	time_scroll("scrolled by 40", &a, &b);
	show(&b, 3000);
	time_scroll("another page", &a, &b);
	time_scroll("noise", &a, &other);
	for (size_t i = 0; i < ARRAY_LEN(sessions); i++)
		time_session(sessions[i].name, &sessions[i].client, steps);
	free(a.pixels);
	free(b.pixels);
	free(other.pixels);
	free(page);
	return 0;
}
