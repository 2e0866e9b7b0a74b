/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "conf/role.h"

#include <string.h>

#include "base/mem.h"
#include "base/str.h"

static const struct {
	const char *name;
	enum conf_id option;
} roles[ROLE_COUNT] = {
#define R(id, text) [ROLE_INDEX_##id] = {text, CONF_ROLE_##id},
#include "conf/roles.def"
#undef R
};

const char *role_name(enum role_index role)
{
	return roles[role].name;
}

const char *role_group(const struct conf *conf, enum role_index role)
{
	return conf_str(conf, roles[role].option);
}

const char *role_option(enum role_index role)
{
	return conf_row(roles[role].option)->name;
}

const char *role_format(unsigned int set, char *out)
{
	size_t at = 0;

	str_copy(out, ROLE_TEXT_MAX, "none");
	for (unsigned int i = 0; i < ROLE_COUNT; i++) {
		if (set & 1u << i)
			at += (size_t)snprintf(out + at, ROLE_TEXT_MAX - at, "%s%s",
					       at > 0 ? ", " : "", roles[i].name);
	}
	return out;
}

enum role_index role_first(unsigned int set)
{
	return (enum role_index)__builtin_ctz(set);
}

/* The roles that a word stands for, 0 if it is none. */
static unsigned int set_of(const char *word, size_t len)
{
	if (len == 3 && strncmp(word, "any", len) == 0)
		return ROLE_ALL;
	for (unsigned int i = 0; i < ROLE_COUNT; i++) {
		if (strlen(roles[i].name) == len && strncmp(word, roles[i].name, len) == 0)
			return 1u << i;
	}
	return 0;
}

static bool read_pair(const char *item, unsigned int *ret_left, unsigned int *ret_right)
{
	const char *colon = strchr(item, ':');

	if (!colon)
		return false;
	*ret_left = set_of(item, (size_t)(colon - item));
	*ret_right = set_of(colon + 1, strlen(colon + 1));
	return *ret_left && *ret_right && (*ret_left != *ret_right || *ret_left == ROLE_ALL);
}

bool role_pair_valid(const char *item)
{
	unsigned int left, right;

	return read_pair(item, &left, &right);
}

bool role_conflict(const struct conf *conf, unsigned int set, enum role_index *ret_a,
		   enum role_index *ret_b)
{
	for (size_t i = 0; i < conf_list_len(conf, CONF_ROLES_APART); i++) {
		unsigned int left, right;

		if (!read_pair(conf_list_item(conf, CONF_ROLES_APART, i), &left, &right))
			continue;
		for (left &= set; left; left &= left - 1) {
			unsigned int others = right & set & ~(left & -left);

			if (!others)
				continue;
			*ret_a = role_first(left);
			*ret_b = role_first(others);
			return true;
		}
	}
	return false;
}
