/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Settings that lazaretctl changes in the text of a configuration file: one line each, at its end,
 * below a mark. What people wrote above stays as it is, and a line below wins over it.
 */
#ifndef LAZARET_CTL_SETTINGS_TEXT_H
#define LAZARET_CTL_SETTINGS_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"
#include "conf/conf.h"

#define SETTINGS_NAME_MAX 64

struct setting {
	char before[SETTINGS_NAME_MAX * 2 + 32]; /* "port = ", "path \"dns\" { hosts = " */
	const char *after; /* "" or " }" */
	bool is_list;
	bool is_roots; /* who sets it could make himself more than he is */
};

/*
 * "port", "path.NAME.OPTION" or "group.NAME.OPTION". -ENOENT: there is no such option.
 */
NODISCARD int setting_find(const char *name, struct setting *ret_setting);

/* The name of an option that is root's and not the same in both, or NULL. */
const char *settings_roots_change(const struct conf *a, const struct conf *b);

/*
 * The line for these values, without its end; the caller's. -EINVAL with *ret_why: a value has what
 * cannot stand in one, or there are not as many as the option takes. Whether it is good is for the
 * parser of the file to say.
 */
NODISCARD int setting_line(const struct setting *setting, size_t n, const char *const *values,
			   char **ret_line, const char **ret_why);

/*
 * The text with the line that begins with `before` replaced by `line`, which may be NULL for none.
 * NULL when out of memory.
 */
char *settings_replace(const char *text, const char *before, const char *line);

#endif
