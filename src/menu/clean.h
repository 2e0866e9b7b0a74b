/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Text of others for the screen. */
#ifndef LAZARET_MENU_CLEAN_H
#define LAZARET_MENU_CLEAN_H

#include <stddef.h>

/*
 * Lines that have nothing but characters to show: what could command a terminal, or turn the direction
 * of the text, is a blank. Lines are kept. The caller's; NULL when out of memory.
 */
char *clean_lines(const char *text, size_t len);
/* The same, of a text that is given up. NULL is passed on. */
char *clean_steal(char *text);

#endif
