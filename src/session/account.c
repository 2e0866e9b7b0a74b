/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "session/account.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <shadow.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "cell/cell.h"
#include "conf/role.h"
#include "net/path.h"
#include "session/limits.h"

#define ENTRY_MAX 65536

static int read_groups(struct account *account)
{
	int n = ACCOUNT_GROUPS_MAX;

	account->groups = calloc(ACCOUNT_GROUPS_MAX, sizeof(*account->groups));
	if (!account->groups)
		return -ENOMEM;
	if (getgrouplist(account->name, account->gid, account->groups, &n) < 0)
		return -E2BIG;
	account->n_groups = (size_t)n;
	return 0;
}

static bool shadow_empty(const char *name, char *buffer)
{
	struct spwd entry, *found = NULL;
	bool empty;

	/* Accounts of a directory have no entry; their password is PAM's affair. */
	if (getspnam_r(name, &entry, buffer, ENTRY_MAX, &found) != 0 || !found)
		return false;
	empty = !found->sp_pwdp || found->sp_pwdp[0] == '\0';
	mem_wipe(buffer, ENTRY_MAX);
	return empty;
}

int account_lookup(const char *name, struct account *ret_account)
{
	_cleanup_free_ char *buffer = malloc(ENTRY_MAX);
	struct account account = {0};
	struct passwd entry, *found = NULL;
	int r;

	if (!buffer)
		return -ENOMEM;
	r = getpwnam_r(name, &entry, buffer, ENTRY_MAX, &found);
	if (r != 0 || !found)
		return r ? -r : -ENOENT;
	account.uid = found->pw_uid;
	account.gid = found->pw_gid;
	account.password_empty = !found->pw_passwd || found->pw_passwd[0] == '\0';
	account.name = strdup(found->pw_name);
	if (!account.name)
		return -ENOMEM;
	r = read_groups(&account);
	if (r < 0) {
		account_finish(&account);
		return r;
	}
	account.password_empty = account.password_empty || shadow_empty(account.name, buffer);
	*ret_account = account;
	return 0;
}

void account_finish(struct account *account)
{
	free(account->name);
	free(account->groups);
	memset(account, 0, sizeof(*account));
}

static bool holds_gid(const struct account *account, gid_t gid)
{
	for (size_t i = 0; i < account->n_groups; i++) {
		if (account->groups[i] == gid)
			return true;
	}
	return account->gid == gid;
}

/* -ENOENT: no such group. */
static int member_of(const struct account *account, const char *group, bool *ret_member)
{
	_cleanup_free_ char *buffer = malloc(ENTRY_MAX * 4);
	struct group entry, *found = NULL;
	int r;

	if (!buffer)
		return -ENOMEM;
	r = getgrnam_r(group, &entry, buffer, ENTRY_MAX * 4, &found);
	if (r != 0 || !found)
		return r ? -r : -ENOENT;
	*ret_member = holds_gid(account, found->gr_gid);
	return 0;
}

static const char *role_objection(const struct account *account, const struct conf *conf,
				  bool *ret_broken)
{
	for (unsigned int i = 0; i < ROLE_COUNT; i++) {
		const char *group = role_group(conf, (enum role_index)i);
		bool member = false;
		int r = group[0] ? member_of(account, group, &member) : -ENOENT;

		if (r < 0 && r != -ENOENT) {
			*ret_broken = true;
			return "the groups of the roles cannot be looked up";
		}
		if (r == 0 && member)
			return "holds an administrative role";
	}
	return NULL;
}

const char *account_objection(const struct account *account, const struct conf *conf,
			      bool *ret_broken)
{
	size_t n = conf_list_len(conf, CONF_ADMIN_GROUPS);
	bool member = false;
	int r;

	*ret_broken = false;
	if (account->uid == 0)
		return "root";
	if (account->uid < ACCOUNT_UID_MIN)
		return "system account";
	if (account->password_empty)
		return "empty password";
	r = member_of(account, conf_str(conf, CONF_USERS_GROUP), &member);
	if (r < 0) {
		*ret_broken = true;
		return "the users-group does not exist";
	}
	if (!member)
		return "not in the users-group";
	for (size_t i = 0; i < n; i++) {
		r = member_of(account, conf_list_item(conf, CONF_ADMIN_GROUPS, i), &member);
		/* A group that is not there has no members; one that cannot be asked for may. */
		if (r < 0 && r != -ENOENT) {
			*ret_broken = true;
			return "the admin-groups cannot be looked up";
		}
		if (r == 0 && member)
			return "in one of the admin-groups";
	}
	return role_objection(account, conf, ret_broken);
}

enum conf_clipboard account_clipboard(const struct account *account, const struct conf *conf)
{
	unsigned int policy = CONF_CLIPBOARD_OFF;
	bool said = false;

	for (size_t i = 0; i < conf_group_count(conf); i++) {
		bool member = false;

		if (!conf_group_has(conf, i, CONF_GROUP_CLIPBOARD) ||
		    member_of(account, conf_group_name(conf, i), &member) < 0 || !member)
			continue;
		policy |= (unsigned int)conf_group_int(conf, i, CONF_GROUP_CLIPBOARD);
		said = true;
	}
	return said ? (enum conf_clipboard)policy
		    : (enum conf_clipboard)conf_int(conf, CONF_CLIPBOARD);
}

uint32_t account_paths(const struct account *account, const struct conf *conf)
{
	uint32_t paths = 0;

	for (size_t i = 0; i < conf_path_count(conf); i++) {
		enum path_id id;

		if (path_find(conf_path_name(conf, i), &id) < 0)
			continue;
		for (size_t k = 0; k < conf_path_list_len(conf, i, CONF_PATH_GROUPS); k++) {
			const char *group = conf_path_list_item(conf, i, CONF_PATH_GROUPS, k);
			bool member = false;

			/* A group that cannot be looked up opens nothing. */
			if (member_of(account, group, &member) == 0 && member)
				paths |= UINT32_C(1) << id;
		}
	}
	return paths;
}

void account_cell_name(const struct account *account, char *out, size_t size)
{
	size_t len = strlen(account->name);

	if (len > 0 && len <= CELL_USER_MAX && account->name[0] != '-' &&
	    strspn(account->name, "abcdefghijklmnopqrstuvwxyz0123456789_.-") == len)
		str_copy(out, size, account->name);
	else
		snprintf(out, size, "u%u", (unsigned int)account->uid);
}
