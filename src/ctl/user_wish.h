/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What an account is to be: a row of a list, or the words of a command. */
#ifndef LAZARET_CTL_USER_WISH_H
#define LAZARET_CTL_USER_WISH_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"
#include "ctl/csv_rows.h"
#include "ctl/user_check.h"

/* Bytes of a generated password with its NUL. */
#define USER_PASSWORD_MAX 24

enum user_column {
	USER_COLUMN_USER,
	USER_COLUMN_NAME,
	USER_COLUMN_PASSWORD,
	USER_COLUMN_GROUPS,
	USER_COLUMN_EXPIRES,
	USER_COLUMN_COUNT,
};

enum user_password {
	USER_PASSWORD_LOCKED, /* none: nobody can log in */
	USER_PASSWORD_HASH,
	USER_PASSWORD_GENERATED,
	USER_PASSWORD_PLAIN, /* from standard input */
};

struct user_wish {
	size_t line; /* of the list; 0: no list */
	bool has[USER_COLUMN_COUNT]; /* it was said, perhaps that it is to be empty */
	const char *user, *name; /* "" for no name */
	enum user_password password;
	const char *secret; /* hash or password */
	char groups[USER_GROUPS_MAX * (USER_NAME_MAX + 1) + 1]; /* with commas; "" for none */
	long expires; /* days since 1970, or USER_NEVER */
};

/* Which field of a row is what: from the first row. */
struct user_header {
	size_t n;
	enum user_column columns[CSV_FIELDS_MAX];
};

/* -EINVAL with what is wrong in `why`. */
NODISCARD int user_header_read(const struct csv_row *row, struct user_header *ret_header, char *why,
			       size_t size);
/*
 * Checks a row by itself; whether there is such an account or group is not asked. The strings are the
 * row's. -EINVAL as above.
 */
NODISCARD int user_wish_read(const struct csv_row *row, const struct user_header *header,
			     struct user_wish *ret_wish, char *why, size_t size);

/* Each sets one column from text, for both; NULL, or what is wrong with it. */
const char *user_wish_set(struct user_wish *wish, enum user_column column, const char *text);
const char *user_column_name(enum user_column column);

/* The names in `groups`, one call each: the next one into `out` (USER_NAME_MAX + 1), false at the end. */
bool user_groups_next(const char **groups, char *out);

#endif
