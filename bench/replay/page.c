/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "page.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* After ours: GLib replaces MIN and MAX by its own. */
#include <pango/pangocairo.h>

#define WIDTH 1920
#define HEIGHT 1080
#define HEADER 80

static const char words[] =
	"the harbour of a server is where ships of bytes lie at anchor until a person looks at "
	"them "
	"and says what may come ashore; <b>nothing else</b> leaves the quay. <span "
	"foreground=\"#0645ad\" underline=\"single\">See the chapter on ropes</span> and "
	"<tt>man 7 harbour</tt> for what each of them holds. ";

static uint32_t *page; /* WIDTH x page_height */
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

static void draw(void)
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

static void load(const char *path)
{
	cairo_surface_t *surface = cairo_image_surface_create_from_png(path);
	int stride = cairo_image_surface_get_stride(surface);
	const unsigned char *data = cairo_image_surface_get_data(surface);

	page_height = cairo_image_surface_get_height(surface);
	sidebar = 0;
	if (cairo_surface_status(surface) != CAIRO_STATUS_SUCCESS || page_height < 4 * HEIGHT ||
	    cairo_image_surface_get_width(surface) != WIDTH) {
		fprintf(stderr, "bench-replay: \"%s\" is no PNG of %d x %d pixels or more\n", path,
			WIDTH, 4 * HEIGHT);
		exit(1);
	}
	page = calloc((size_t)WIDTH * (size_t)page_height, sizeof(*page));
	if (!page)
		abort();
	for (int y = 0; y < page_height; y++)
		memcpy(page + (size_t)y * WIDTH, data + (size_t)y * (size_t)stride, WIDTH * 4);
	cairo_surface_destroy(surface);
}

void page_show(const struct picture *picture, int top)
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

struct picture page_picture(void)
{
	struct picture p = {.width = WIDTH, .height = HEIGHT, .stride = WIDTH};

	p.pixels = calloc((size_t)WIDTH * HEIGHT, sizeof(*p.pixels));
	if (!p.pixels)
		abort();
	return p;
}

void page_make(const char *path)
{
	if (path)
		load(path);
	else
		draw();
}

int page_end(void)
{
	return page_height - HEIGHT;
}
