/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Settings as the menu knows them: from what `config dump` and `config diff` print. */
#ifndef LAZARET_MENU_SETTINGS_H
#define LAZARET_MENU_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"
#include "conf/conf.h"

/*
 * The value of an option in a text of lines "name = value", as one types it: without quotes, a list with
 * blanks between its items, each in ' if it has one. `before` is all that stands before the value
 * ("port = "). The caller's; NULL: it is not there, or out of memory.
 */
char *settings_find(const char *text, const char *before);

/* "a number, 1 to 65535", "one of off, in, out, both": what may be a value. The caller's. */
char *settings_describe(const struct conf_row *row);

#endif
