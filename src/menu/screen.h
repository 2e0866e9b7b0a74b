/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Pages on the whole terminal, with newt. Each is built anew when the terminal changes its size, for
 * whatever size it has then. Texts are shown as they are: those of others are cleaned before
 * (menu/clean.h).
 */
#ifndef LAZARET_MENU_SCREEN_H
#define LAZARET_MENU_SCREEN_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"

/* What else than an item can come of a page. */
#define SCREEN_BACK (-1) /* Escape, F12, Ctrl-C */
#define SCREEN_GONE (-2) /* the terminal is gone: leave */
#define SCREEN_AGAIN (-3) /* F5 */

/* `head` stands in the first line of every page. -ENOTTY: there is no terminal of enough size. */
NODISCARD int screen_start(const char *head);
void screen_stop(void);
/* For what needs the bare terminal. */
void screen_suspend(void);
void screen_resume(void);

struct screen_list {
	const char *title;
	const char *text; /* above the items, or NULL */
	const char *const *items;
	size_t n;
	bool refresh; /* F5 counts */
};

/* Index of the item that is chosen, or SCREEN_*. `at` is where it begins. */
int screen_choose(const struct screen_list *list, size_t at);

/* Text in a box that can be scrolled. SCREEN_BACK or SCREEN_GONE. */
int screen_show(const char *title, const char *text);
/* A question: true for yes. */
bool screen_ask(const char *title, const char *text, const char *yes);

struct screen_field {
	const char *label;
	char *value; /* malloc'd, replaced by what was typed; NULL: empty */
	bool hidden; /* a secret */
	bool is_flag; /* value is "x" or NULL */
};

struct screen_form {
	const char *title, *text;
	struct screen_field *fields;
	size_t n_fields;
	const char *const *buttons; /* the last one is for going back */
	size_t n_buttons;
};

/* Index of the button, or SCREEN_*. Enter in a field is the first button. */
int screen_fill(const struct screen_form *form);

/*
 * A box that says that something is being done, for as long as it takes: waits until one of the
 * descriptors is readable (index), or a person does not want to wait (SCREEN_BACK).
 */
void screen_wait_begin(const char *text);
int screen_wait(const int *fds, size_t n);
void screen_wait_end(void);

#endif
