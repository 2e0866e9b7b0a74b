/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ctl/user_select.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/mem.h"
#include "base/str.h"
#include "ctl/answer.h"
#include "ctl/user_check.h"

#define DAYS_MAX 36500
#define DAY 86400

/* --- what is asked for ------------------------------------------------------------------------ */

static int take_flag(struct user_select *select, const char *word)
{
	if (str_eq(word, "--expired"))
		select->expired = true;
	else if (str_eq(word, "--locked"))
		select->locked = true;
	else if (str_eq(word, "--preview"))
		select->preview = true;
	else if (str_eq(word, "--yes"))
		select->yes = true;
	else
		return -EINVAL;
	return 0;
}

static int take_value(struct user_select *select, const char *word, const char *value)
{
	int64_t days;

	if (str_eq(word, "--group")) {
		select->group = value;
	} else if (str_eq(word, "--match")) {
		select->glob = value;
	} else if (str_eq(word, "--inactive")) {
		if (!value || str_to_int(value, 0, DAYS_MAX, &days) < 0)
			return -ERANGE;
		select->inactive = (long)days;
	} else {
		return -EINVAL;
	}
	return value ? 0 : -ENODATA;
}

static int complain(const char *word, int error)
{
	fprintf(stderr, "lazaretctl: %s %s; see lazaretctl --help\n", word,
		error == -ENODATA  ? "needs a value"
		: error == -ERANGE ? "needs a number of days"
				   : "is no option of this command");
	return ANSWER_STATUS_USAGE;
}

int user_select_parse(struct user_select *select, size_t n, const char **arguments)
{
	*select = (struct user_select){.names = arguments, .inactive = -1};
	for (size_t i = 0; i < n; i++) {
		const char *word = arguments[i];
		int r;

		if (word[0] != '-') {
			arguments[select->n_names++] = word;
			continue;
		}
		r = take_flag(select, word);
		if (r == 0)
			continue;
		r = take_value(select, word, i + 1 < n ? arguments[i + 1] : NULL);
		if (r < 0)
			return complain(word, r);
		i++;
	}
	return ANSWER_STATUS_OK;
}

bool user_select_filters(const struct user_select *select)
{
	return select->group || select->glob || select->inactive >= 0 || select->expired ||
	       select->locked;
}

/* --- who that is ------------------------------------------------------------------------------ */

long user_last_login(const struct user_store *store, const struct account_entry *entry)
{
	char path[PATH_MAX + 32];
	struct stat st;

	snprintf(path, sizeof(path), "%s/users/%u/login", store->state, (unsigned int)entry->uid);
	return lstat(path, &st) < 0 ? 0 : st.st_mtime;
}

long user_idle_days(const struct user_store *store, const struct account_entry *entry)
{
	long last = user_last_login(store, entry);

	if (last > 0)
		return MAX((time(NULL) - last) / DAY, 0L);
	return entry->changed > 0 ? MAX(user_today() - entry->changed, 0L) : -1;
}

bool user_is_expired(const struct account_entry *entry)
{
	return entry->expires >= 0 && entry->expires <= user_today();
}

static bool is_in(const struct account_entry *entry, const char *group)
{
	for (size_t i = 0; i < entry->n_groups; i++) {
		if (str_eq(entry->groups[i], group))
			return true;
	}
	return false;
}

static bool matches(const struct user_select *select, const struct user_store *store,
		    const struct account_entry *entry)
{
	if (select->group && !is_in(entry, select->group))
		return false;
	if (select->glob && fnmatch(select->glob, entry->name, 0) != 0)
		return false;
	if (select->expired && !user_is_expired(entry))
		return false;
	if (select->locked && entry->password == PASSWORD_SET)
		return false;
	return select->inactive < 0 || user_idle_days(store, entry) >= select->inactive;
}

/* 0, or how to exit. */
static int check_named(const struct user_store *store, const char *name,
		       struct account_entry **ret_entry)
{
	struct account_entry *entry = accounts_find(&store->accounts, name);
	const char *why = entry ? accounts_objection(&store->accounts, entry)
				: accounts_foreign(name);

	if (why) {
		fprintf(stderr, "lazaretctl: %s %s\n", name, why);
		return ANSWER_STATUS_FAILED;
	}
	if (!entry) {
		fprintf(stderr, "lazaretctl: there is no user \"%s\"; see lazaretctl user list\n",
			name);
		return ANSWER_STATUS_NOT_FOUND;
	}
	*ret_entry = entry;
	return 0;
}

static int find_named(const struct user_select *select, const struct user_store *store,
		      struct account_entry **entries, size_t *ret_n)
{
	int status = ANSWER_STATUS_OK;

	for (size_t i = 0; i < select->n_names; i++) {
		struct account_entry *entry = NULL;
		int r = check_named(store, select->names[i], &entry);

		if (r != 0)
			status = r;
		else if (matches(select, store, entry))
			entries[(*ret_n)++] = entry;
	}
	return status;
}

int user_select_find(const struct user_select *select, const struct user_store *store,
		     struct account_entry ***ret_entries, size_t *ret_n)
{
	const struct accounts *accounts = &store->accounts;
	_cleanup_free_ struct account_entry **entries = calloc(accounts->n + select->n_names + 1,
							       sizeof(*entries));
	int status = ANSWER_STATUS_OK;
	size_t n = 0;

	if (!entries)
		return ANSWER_STATUS_FAILED;
	if (select->n_names > 0)
		status = find_named(select, store, entries, &n);
	for (size_t i = 0; select->n_names == 0 && i < accounts->n; i++) {
		struct account_entry *entry = &accounts->entries[i];

		if (entry->is_user && matches(select, store, entry) &&
		    !accounts_objection(accounts, entry))
			entries[n++] = entry;
	}
	if (status != ANSWER_STATUS_OK)
		return status;
	*ret_entries = STEAL(entries);
	*ret_n = n;
	return ANSWER_STATUS_OK;
}
