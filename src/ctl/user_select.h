/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Whom a command of `user` means: by name, or by what they have in common. */
#ifndef LAZARET_CTL_USER_SELECT_H
#define LAZARET_CTL_USER_SELECT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"
#include "ctl/user_store.h"

struct user_select {
	const char *const *names; /* of the arguments */
	size_t n_names;
	const char *group, *glob; /* or NULL */
	long inactive; /* days; negative: not asked for */
	bool expired, locked;
	/* What stands among them and is not about whom. */
	bool preview, yes;
};

/*
 * Sorts `arguments`, in place: names to the front. ANSWER_STATUS_USAGE with a sentence on standard error
 * for an option that there is not.
 */
NODISCARD int user_select_parse(struct user_select *select, size_t n, const char **arguments);
/* Whether any filter was said. */
bool user_select_filters(const struct user_select *select);

/*
 * Those who are meant, in the order of their names or as they were named; `*ret_entries` is the caller's,
 * what it points to the store's. A name that may not be changed, or that there is not, is said and makes
 * it ANSWER_STATUS_FAILED or _NOT_FOUND; then nothing must be done with anybody. A filter passes over those
 * who are no users.
 */
NODISCARD int user_select_find(const struct user_select *select, const struct user_store *store,
			       struct account_entry ***ret_entries, size_t *ret_n);

/* When they last had a session, in seconds since 1970: 0 for never. */
long user_last_login(const struct user_store *store, const struct account_entry *entry);
/* Days since then, or since the password was set for one who never had one; -1: cannot be told. */
long user_idle_days(const struct user_store *store, const struct account_entry *entry);
bool user_is_expired(const struct account_entry *entry);

#endif
