/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "lock/check_name.h"

#include <string.h>
#include <strings.h>

#include "base/attr.h"
#include "base/str.h"
#include "lock/check_facts.h"
#include "lock/policy.h"

static const struct {
	const char *ends; /* with spaces between */
	const char *types;
} rows[] = {
#define X(ends, types) {ends, types},
#include "lock/check_names.def"
#undef X
};

/* Whether one of the words matches; a word is compared without regard to case, or as a list's item. */
static bool has_word(const char *words, const char *wanted, bool as_type)
{
	char word[CHECK_TYPE_MAX + 1];

	while (*words) {
		size_t len = strcspn(words, " ");

		if (len < sizeof(word)) {
			memcpy(word, words, len);
			word[len] = '\0';
			if (as_type ? policy_type_matches(word, wanted) : !strcasecmp(word, wanted))
				return true;
		}
		words += len;
		words += strspn(words, " ");
	}
	return false;
}

bool check_name_lies(const char *name, const char *type)
{
	const char *slash = strrchr(name, '/');
	const char *dot = strrchr(slash ? slash : name, '.');
	bool known = false;

	if (!dot || !strchr(type, '/') || str_eq(type, CHECK_TYPE_EMPTY))
		return false;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (!has_word(rows[i].ends, dot + 1, false))
			continue;
		if (has_word(rows[i].types, type, true))
			return false;
		known = true;
	}
	return known;
}
