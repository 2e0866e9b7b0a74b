/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Inside the configuration: how values are kept. */
#ifndef LAZARET_CONF_CONF_IMPL_H
#define LAZARET_CONF_CONF_IMPL_H

#include "conf/conf.h"
#include "conf/limits.h"

struct conf_value {
	int64_t num; /* INT, BOOL, ENUM */
	char *str; /* STR, PATH; never NULL */
	char **list; /* LIST */
	size_t list_len;
	char *origin; /* "FILE:LINE", NULL for a default */
};

struct conf_group {
	char *name;
	struct conf_value values[CONF_GROUP_OPTION_COUNT];
};

struct conf_path {
	char *name;
	char *origin; /* "FILE:LINE" of the section's end; "" where the file is not known */
	struct conf_value values[CONF_PATH_OPTION_COUNT];
};

struct conf {
	struct conf_value values[CONF_COUNT];
	struct conf_group *groups;
	size_t n_groups;
	struct conf_path *paths;
	size_t n_paths;
};

void conf_value_finish(struct conf_value *value);
/* Sets from the default of a row; 0 or -ENOMEM. */
NODISCARD int conf_value_default(struct conf_value *value, const struct conf_row *row);
/*
 * Sets a scalar from its text in the file. -EINVAL with a sentence in `ret_why` (`size` bytes) if
 * it does not fit the row.
 */
NODISCARD int conf_value_parse(struct conf_value *value, const struct conf_row *row,
			       const char *text, char *ret_why, size_t size);
/* Replaces a list; every item is checked like a STR. */
NODISCARD int conf_value_parse_list(struct conf_value *value, const struct conf_row *row,
				    const char *const *items, size_t n, char *ret_why, size_t size);
/* The group of that name, made if there is none yet; NULL when out of memory or too many. */
struct conf_group *conf_group_get(struct conf *conf, const char *name);
/* The same for a path section. */
struct conf_path *conf_path_get(struct conf *conf, const char *name);

/* Length of word `index` of "a,b,c" and its start; 0 past the last. */
size_t conf_word_at(const char *words, size_t index, const char **ret_start);

#endif
