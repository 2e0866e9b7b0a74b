/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A page of text at 1920x1080, drawn, with a header and a side bar that stay while it scrolls. */
#ifndef LAZARET_BENCH_PAGE_H
#define LAZARET_BENCH_PAGE_H

#include "rfb/pixel_format.h"

/* An empty picture of the page's size; ends the program without memory. */
struct picture page_picture(void);

/* Draws the page, once. With a path it is a PNG 1920 pixels wide, below the header alone. */
void page_make(const char *path);

/* Shows the page from line `top` on. */
void page_show(const struct picture *picture, int top);

/* The last line that `top` may be. */
int page_end(void);

#endif
