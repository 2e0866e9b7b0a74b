/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ctl/accounts.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <shadow.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "base/str.h"
#include "conf/role.h"

#define PASSWD_FILE "/etc/passwd"
#define SHADOW_FILE "/etc/shadow"
#define GROUP_FILE "/etc/group"
#define NSS_GROUPS_MAX 1024

/* --- reading ---------------------------------------------------------------------------------- */

static int compare(const void *a, const void *b)
{
	return strcmp(((const struct account_entry *)a)->name,
		      ((const struct account_entry *)b)->name);
}

static int add_account(struct accounts *accounts, const struct passwd *entry, size_t *capacity)
{
	struct account_entry *item;

	if (accounts->n == *capacity) {
		size_t grown = *capacity ? 2 * *capacity : 64;

		item = reallocarray(accounts->entries, grown, sizeof(*item));
		if (!item)
			return -ENOMEM;
		accounts->entries = item;
		*capacity = grown;
	}
	item = &accounts->entries[accounts->n];
	*item = (struct account_entry){
		.name = strdup(entry->pw_name),
		.full_name = strdup(entry->pw_gecos),
		.uid = entry->pw_uid,
		.gid = entry->pw_gid,
		.password = PASSWORD_NONE,
		.expires = -1,
		.changed = -1,
		.max = -1,
	};
	accounts->n++;
	return item->name && item->full_name ? 0 : -ENOMEM;
}

static int read_passwd(struct accounts *accounts)
{
	FILE *file = fopen(PASSWD_FILE, "re");
	const struct passwd *entry;
	size_t capacity = 0;
	int r = 0;

	if (!file)
		return -errno;
	while (r == 0 && (entry = fgetpwent(file)))
		r = add_account(accounts, entry, &capacity);
	fclose(file);
	if (r == 0 && accounts->n > 0)
		qsort(accounts->entries, accounts->n, sizeof(*accounts->entries), compare);
	return r;
}

static enum password_state judge_password(const char *hash)
{
	if (!hash || hash[0] == '\0' || str_eq(hash, "*") || str_eq(hash, "!") ||
	    str_eq(hash, "!!") || str_eq(hash, "!*"))
		return PASSWORD_NONE;
	return hash[0] == '!' ? PASSWORD_LOCKED : PASSWORD_SET;
}

static int read_shadow(struct accounts *accounts)
{
	FILE *file = fopen(SHADOW_FILE, "re");
	const struct spwd *entry;

	if (!file)
		return -errno;
	while ((entry = fgetspent(file))) {
		struct account_entry *item = accounts_find(accounts, entry->sp_namp);

		if (!item)
			continue;
		item->password = judge_password(entry->sp_pwdp);
		item->expires = entry->sp_expire;
		item->changed = entry->sp_lstchg;
		item->max = entry->sp_max;
	}
	fclose(file);
	return 0;
}

static char **copy_members(char *const *members)
{
	char **copy;
	size_t n = 0;

	while (members[n])
		n++;
	copy = calloc(n + 1, sizeof(*copy));
	for (size_t i = 0; copy && i < n; i++) {
		copy[i] = strdup(members[i]);
		if (!copy[i])
			break;
	}
	return copy;
}

static int add_group(struct accounts *accounts, const struct group *entry)
{
	struct group_entry *grown = reallocarray(accounts->groups, accounts->n_groups + 1,
						 sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	accounts->groups = grown;
	grown += accounts->n_groups++;
	*grown = (struct group_entry){.name = strdup(entry->gr_name),
				      .gid = entry->gr_gid,
				      .members = copy_members(entry->gr_mem)};
	return grown->name && grown->members ? 0 : -ENOMEM;
}

static int read_groups(struct accounts *accounts)
{
	FILE *file = fopen(GROUP_FILE, "re");
	const struct group *entry;
	int r = 0;

	if (!file)
		return -errno;
	while (r == 0 && (entry = fgetgrent(file)))
		r = add_group(accounts, entry);
	fclose(file);
	return r;
}

static void join(struct accounts *accounts)
{
	for (size_t i = 0; i < accounts->n; i++)
		accounts->entries[i].is_user = accounts->entries[i].gid == accounts->users;
	for (size_t i = 0; i < accounts->n_groups; i++) {
		const struct group_entry *group = &accounts->groups[i];

		for (char **name = group->members; *name; name++) {
			struct account_entry *item = accounts_find(accounts, *name);

			if (!item)
				continue;
			if (group->gid == accounts->users)
				item->is_user = true;
			else if (item->n_groups < ACCOUNTS_GROUPS_MAX)
				item->groups[item->n_groups++] = group->name;
		}
	}
}

int accounts_read(struct accounts *accounts, const struct conf *conf)
{
	const struct group *users = getgrnam(conf_str(conf, CONF_USERS_GROUP));
	int r;

	*accounts = (struct accounts){.conf = conf, .next = ACCOUNTS_UID_MIN};
	if (!users)
		return -ENOENT;
	accounts->users = users->gr_gid;
	r = read_passwd(accounts);
	if (r == 0)
		r = read_shadow(accounts);
	if (r == 0)
		r = read_groups(accounts);
	if (r < 0)
		return r == -ENOENT ? -EIO : r;
	join(accounts);
	for (size_t i = 0; i < accounts->n; i++) {
		uid_t uid = accounts->entries[i].uid;

		if (uid >= accounts->next && uid < ACCOUNTS_UID_MAX)
			accounts->next = uid + 1;
	}
	return 0;
}

void accounts_finish(struct accounts *accounts)
{
	for (size_t i = 0; i < accounts->n; i++) {
		free(accounts->entries[i].name);
		free(accounts->entries[i].full_name);
	}
	for (size_t i = 0; i < accounts->n_groups; i++) {
		for (char **name = accounts->groups[i].members; name && *name; name++)
			free(*name);
		free(accounts->groups[i].members);
		free(accounts->groups[i].name);
	}
	free(accounts->entries);
	free(accounts->groups);
	*accounts = (struct accounts){0};
}

struct account_entry *accounts_find(const struct accounts *accounts, const char *name)
{
	size_t from = 0, to = accounts->n;

	while (from < to) {
		size_t middle = from + (to - from) / 2;
		int order = strcmp(name, accounts->entries[middle].name);

		if (order == 0)
			return &accounts->entries[middle];
		if (order < 0)
			to = middle;
		else
			from = middle + 1;
	}
	return NULL;
}

/* --- who and what may be changed -------------------------------------------------------------- */

static bool is_role_group(const struct conf *conf, const char *name)
{
	for (unsigned int i = 0; i < ROLE_COUNT; i++) {
		if (str_eq(role_group(conf, (enum role_index)i), name))
			return true;
	}
	return false;
}

static bool is_admin_group(const struct conf *conf, const char *name)
{
	for (size_t i = 0; i < conf_list_len(conf, CONF_ADMIN_GROUPS); i++) {
		if (str_eq(conf_list_item(conf, CONF_ADMIN_GROUPS, i), name))
			return true;
	}
	return false;
}

/* By the name services: a group of a directory may have a local member. */
const char *accounts_objection(const struct accounts *accounts, const struct account_entry *entry)
{
	gid_t groups[NSS_GROUPS_MAX];
	int n = NSS_GROUPS_MAX;

	if (entry->uid == 0)
		return "is the administrator of this host";
	if (entry->uid < ACCOUNTS_UID_MIN || entry->uid > ACCOUNTS_UID_MAX)
		return "is a system account";
	if (!entry->is_user)
		return "is no user: it is not in the users-group";
	if (getgrouplist(entry->name, entry->gid, groups, &n) < 0)
		return "is in more groups than are looked at";
	for (int i = 0; i < n; i++) {
		const struct group *group = getgrgid(groups[i]);

		if (group && is_role_group(accounts->conf, group->gr_name))
			return "holds an administrative role; its account is changed at the "
			       "console";
		if (group && is_admin_group(accounts->conf, group->gr_name))
			return "is in one of the admin-groups";
	}
	return NULL;
}

const char *accounts_foreign(const char *name)
{
	return getpwnam(name)
		       ? "is an account of a directory (SSSD, LDAP), not of this host; change "
			 "it there"
		       : NULL;
}

static bool is_spoken_of(const struct conf *conf, const char *group)
{
	for (size_t i = 0; i < conf_group_count(conf); i++) {
		if (str_eq(conf_group_name(conf, i), group))
			return true;
	}
	for (size_t i = 0; i < conf_path_count(conf); i++) {
		for (size_t k = 0; k < conf_path_list_len(conf, i, CONF_PATH_GROUPS); k++) {
			if (str_eq(conf_path_list_item(conf, i, CONF_PATH_GROUPS, k), group))
				return true;
		}
	}
	return false;
}

const char *accounts_group_objection(const struct accounts *accounts, const char *group)
{
	const struct conf *conf = accounts->conf;

	if (is_role_group(conf, group) || is_admin_group(conf, group))
		return "is a group of administrators";
	if (!is_spoken_of(conf, group))
		return "is no group that the configuration gives rights to (sections group and "
		       "path)";
	for (size_t i = 0; i < accounts->n_groups; i++) {
		if (!str_eq(accounts->groups[i].name, group))
			continue;
		if (accounts->groups[i].gid < ACCOUNTS_GID_MIN)
			return "is a group of the system (its number is below 1000)";
		return NULL;
	}
	return "does not exist on this host; make it: groupadd";
}

/* --- uids ------------------------------------------------------------------------------------- */

static bool uid_is_used(const struct accounts *accounts, uid_t uid)
{
	char path[4096 + 32];
	struct stat st;

	for (size_t i = 0; i < accounts->n; i++) {
		if (accounts->entries[i].uid == uid)
			return true;
	}
	snprintf(path, sizeof(path), "%s/users/%u", conf_str(accounts->conf, CONF_STATE_DIR),
		 (unsigned int)uid);
	/* What cannot be looked at is taken for used. */
	return lstat(path, &st) == 0 || errno != ENOENT || getpwuid(uid);
}

uid_t accounts_free_uid(struct accounts *accounts)
{
	for (uid_t tried = 0; tried <= ACCOUNTS_UID_MAX - ACCOUNTS_UID_MIN; tried++) {
		uid_t uid = accounts->next;

		accounts->next = uid < ACCOUNTS_UID_MAX ? uid + 1 : ACCOUNTS_UID_MIN;
		if (!uid_is_used(accounts, uid))
			return uid;
	}
	return 0;
}
