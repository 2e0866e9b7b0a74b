/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ctl/user_wish.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"

/* What may stand between the names of groups. */
#define BETWEEN " ,;"

static const char *const names[USER_COLUMN_COUNT] = {
	[USER_COLUMN_USER] = "user",         [USER_COLUMN_NAME] = "name",
	[USER_COLUMN_PASSWORD] = "password", [USER_COLUMN_GROUPS] = "groups",
	[USER_COLUMN_EXPIRES] = "expires",
};

const char *user_column_name(enum user_column column)
{
	return names[column];
}

bool user_groups_next(const char **groups, char *out)
{
	const char *from = *groups + strspn(*groups, BETWEEN);
	size_t len = strcspn(from, BETWEEN);

	if (len == 0 || len > USER_NAME_MAX)
		return false;
	snprintf(out, USER_NAME_MAX + 1, "%.*s", (int)len, from);
	*groups = from + len;
	return true;
}

static bool has_group(const char *groups, const char *name)
{
	char other[USER_NAME_MAX + 1];

	while (user_groups_next(&groups, other)) {
		if (str_eq(other, name))
			return true;
	}
	return false;
}

static const char *set_groups(struct user_wish *wish, const char *text)
{
	char name[USER_NAME_MAX + 1];
	size_t len = 0, n = 0;

	wish->groups[0] = '\0';
	while (user_groups_next(&text, name)) {
		if (user_name_objection(name))
			return "has a name that no group here has";
		if (has_group(wish->groups, name))
			continue;
		if (++n > USER_GROUPS_MAX)
			return "has more than 32 names";
		len += (size_t)snprintf(wish->groups + len, sizeof(wish->groups) - len, "%s%s",
					len ? "," : "", name);
	}
	return text[strspn(text, BETWEEN)] ? "has a name of more than 32 characters" : NULL;
}

static const char *set_password(struct user_wish *wish, const char *text)
{
	wish->password = USER_PASSWORD_LOCKED;
	if (text[0] == '\0')
		return NULL;
	if (str_eq(text, "-")) {
		wish->password = USER_PASSWORD_GENERATED;
		return NULL;
	}
	wish->password = USER_PASSWORD_HASH;
	wish->secret = text;
	return user_hash_objection(text);
}

const char *user_wish_set(struct user_wish *wish, enum user_column column, const char *text)
{
	wish->has[column] = true;
	switch (column) {
	case USER_COLUMN_USER:
		wish->user = text;
		return user_name_objection(text);
	case USER_COLUMN_NAME:
		wish->name = text;
		return user_full_name_objection(text);
	case USER_COLUMN_PASSWORD:
		return set_password(wish, text);
	case USER_COLUMN_GROUPS:
		return set_groups(wish, text);
	default:
		return user_date_parse(text, &wish->expires) < 0
			       ? "is no day as 2027-01-31, nor \"never\""
			       : NULL;
	}
}

/* --- rows ------------------------------------------------------------------------------------- */

static int find_column(const char *text, enum user_column *ret_column)
{
	for (int i = 0; i < USER_COLUMN_COUNT; i++) {
		if (str_eq(names[i], text)) {
			*ret_column = (enum user_column)i;
			return 0;
		}
	}
	return -ENOENT;
}

int user_header_read(const struct csv_row *row, struct user_header *ret_header, char *why,
		     size_t size)
{
	struct user_header header = {.n = row->n};
	unsigned int seen = 0;

	if (row->error) {
		snprintf(why, size, "the first line %s", row->error);
		return -EINVAL;
	}
	for (size_t i = 0; i < row->n; i++) {
		if (find_column(row->fields[i], &header.columns[i]) < 0) {
			char text[64];

			(void)str_sanitize(text, sizeof(text), row->fields[i],
					   strlen(row->fields[i]));
			snprintf(why, size,
				 "there is no column \"%s\"; the first line names them: user, "
				 "name, password, groups, expires",
				 text);
			return -EINVAL;
		}
		if (seen & 1u << header.columns[i]) {
			snprintf(why, size, "the column \"%s\" is there twice", row->fields[i]);
			return -EINVAL;
		}
		seen |= 1u << header.columns[i];
	}
	if (!(seen & 1u << USER_COLUMN_USER)) {
		snprintf(why, size,
			 "the first line must name the columns, and \"user\" is none of "
			 "them");
		return -EINVAL;
	}
	*ret_header = header;
	return 0;
}

int user_wish_read(const struct csv_row *row, const struct user_header *header,
		   struct user_wish *ret_wish, char *why, size_t size)
{
	struct user_wish wish = {.line = row->line, .user = "", .name = "", .expires = USER_NEVER};

	if (row->error) {
		snprintf(why, size, "%s", row->error);
		return -EINVAL;
	}
	if (row->n != header->n) {
		snprintf(why, size, "has %zu fields, and the first line has %zu", row->n,
			 header->n);
		return -EINVAL;
	}
	for (size_t i = 0; i < row->n; i++) {
		const char *problem = user_wish_set(&wish, header->columns[i], row->fields[i]);

		if (problem) {
			snprintf(why, size, "%s %s", names[header->columns[i]], problem);
			return -EINVAL;
		}
	}
	*ret_wish = wish;
	return 0;
}
