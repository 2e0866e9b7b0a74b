/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The accounts of this host as they stand in its files, and which of them are users: those that `user`
 * may change. Those of a directory (SSSD, LDAP) are not among them.
 */
#ifndef LAZARET_CTL_ACCOUNTS_H
#define LAZARET_CTL_ACCOUNTS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/attr.h"
#include "conf/conf.h"

/* Between them are the uids of persons; the same as Debian's login.defs. */
#define ACCOUNTS_UID_MIN 1000
#define ACCOUNTS_UID_MAX 59999
/* Of groups that give rights. */
#define ACCOUNTS_GID_MIN 1000
#define ACCOUNTS_GROUPS_MAX 64

enum password_state { PASSWORD_SET, PASSWORD_LOCKED, PASSWORD_NONE };

struct account_entry {
	char *name, *full_name;
	uid_t uid;
	gid_t gid;
	enum password_state password;
	long expires; /* days since 1970; negative: never */
	long changed,
		max; /* the password: day of its change, days that it may live; negative: not said */
	bool is_user; /* in the users-group, by its first group or listed there */
	const char *groups[ACCOUNTS_GROUPS_MAX]; /* that list it, but for the users-group */
	size_t n_groups; /* ACCOUNTS_GROUPS_MAX: perhaps more */
};

struct group_entry {
	char *name;
	gid_t gid;
	char **members;
};

struct accounts {
	struct account_entry *entries; /* by name */
	size_t n;
	struct group_entry *groups;
	size_t n_groups;
	const struct conf *conf;
	gid_t users; /* the users-group */
	uid_t next; /* where to look for a free uid */
};

/*
 * Reads them. -ENOENT: there is no users-group. `conf` lives as long.
 * Ended by accounts_finish(), also after it failed.
 */
NODISCARD int accounts_read(struct accounts *accounts, const struct conf *conf);
void accounts_finish(struct accounts *accounts);
#define _cleanup_accounts_ CLEANUP(accounts_finish)

/* NULL: there is none of that name in the files. */
struct account_entry *accounts_find(const struct accounts *accounts, const char *name);

/* NULL, or why `user` may not change it. */
const char *accounts_objection(const struct accounts *accounts, const struct account_entry *entry);
/* The same of a name that is not in the files: NULL if it is free. */
const char *accounts_foreign(const char *name);

/*
 * Whether a user may be put into the group: the configuration speaks of it, and it gives no rights on
 * this host. NULL, or why not.
 */
const char *accounts_group_objection(const struct accounts *accounts, const char *group);

/*
 * A uid that no account has and of which no folder is left below the state directory: who gets it finds
 * nothing of another one. 0: there is none. Each call gives another.
 */
uid_t accounts_free_uid(struct accounts *accounts);

#endif
