/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The person's language. */
#ifndef LAZARET_MENU_TEXT_H
#define LAZARET_MENU_TEXT_H

#include <stdbool.h>

#include "base/attr.h"

enum text_language { TEXT_ENGLISH, TEXT_GERMAN };

/* gettext(3); the words of the command table and the help of options are translated too. */
const char *_(const char *text) __attribute__((format_arg(1)));
/* Marks a text that is translated later. */
#define N_(text) (text)

/* `locale` is the folder of the catalogues. */
void text_init(const char *locale, enum text_language language);
void text_choose(enum text_language language);
enum text_language text_language(void);
/* "de", "de_AT.UTF-8": German. Of whatever else a person's environment says, nothing is used. */
enum text_language text_of(const char *name);

#endif
