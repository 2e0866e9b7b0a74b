/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The accounts that are ours: users of the viewer and administrators of this host, with the hashes of
 * their passwords, and the groups that the configuration names. Not those of the system, nor those of a
 * directory.
 */
#include <grp.h>
#include <pwd.h>
#include <shadow.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "conf/role.h"
#include "ctl/backup_impl.h"

#define NAMES_MAX 256

/* Groups that the configuration says something about. */
struct groups {
	const char *names[NAMES_MAX];
	size_t n;
};

static void add_name(struct groups *groups, const char *name)
{
	for (size_t i = 0; i < groups->n; i++) {
		if (str_eq(groups->names[i], name))
			return;
	}
	if (name[0] && groups->n < NAMES_MAX)
		groups->names[groups->n++] = name;
}

static void find_groups(const struct conf *conf, struct groups *groups)
{
	add_name(groups, conf_str(conf, CONF_USERS_GROUP));
	for (unsigned int i = 0; i < ROLE_COUNT; i++)
		add_name(groups, role_group(conf, (enum role_index)i));
	for (size_t i = 0; i < conf_group_count(conf); i++)
		add_name(groups, conf_group_name(conf, i));
	for (size_t i = 0; i < conf_path_count(conf); i++) {
		for (size_t k = 0; k < conf_path_list_len(conf, i, CONF_PATH_GROUPS); k++)
			add_name(groups, conf_path_list_item(conf, i, CONF_PATH_GROUPS, k));
	}
}

static bool has_name(const struct groups *groups, const char *name)
{
	for (size_t i = 0; i < groups->n; i++) {
		if (str_eq(groups->names[i], name))
			return true;
	}
	return false;
}

static void put_str(json_object *to, const char *key, const char *value)
{
	json_object_object_add(to, key, json_object_new_string(value ? value : ""));
}

static void put_int(json_object *to, const char *key, int64_t value)
{
	json_object_object_add(to, key, json_object_new_int64(value));
}

static json_object *list_groups(const struct groups *groups)
{
	FILE *file = fopen("/etc/group", "re");
	json_object *list = json_object_new_array();
	const struct group *entry;

	while (file && (entry = fgetgrent(file))) {
		json_object *item, *members;

		if (!has_name(groups, entry->gr_name))
			continue;
		item = json_object_new_object();
		members = json_object_new_array();
		put_str(item, "name", entry->gr_name);
		put_int(item, "gid", entry->gr_gid);
		for (char *const *name = entry->gr_mem; *name; name++)
			json_object_array_add(members, json_object_new_string(*name));
		json_object_object_add(item, "members", members);
		json_object_array_add(list, item);
	}
	if (file)
		(void)fclose(file);
	return list;
}

static bool is_member(json_object *groups, const struct passwd *entry)
{
	for (size_t i = 0; i < json_object_array_length(groups); i++) {
		json_object *group = json_object_array_get_idx(groups, i);
		json_object *members = json_object_object_get(group, "members");

		if (json_object_get_int64(json_object_object_get(group, "gid")) ==
		    (int64_t)entry->pw_gid)
			return true;
		for (size_t k = 0; k < json_object_array_length(members); k++) {
			if (str_eq(json_object_get_string(json_object_array_get_idx(members, k)),
				   entry->pw_name))
				return true;
		}
	}
	return false;
}

static void put_shadow(json_object *item, const char *name)
{
	const struct spwd *shadow = getspnam(name);

	put_str(item, "hash", shadow && shadow->sp_pwdp[0] ? shadow->sp_pwdp : "!");
	put_int(item, "changed", shadow ? shadow->sp_lstchg : -1);
	put_int(item, "min", shadow ? shadow->sp_min : -1);
	put_int(item, "max", shadow ? shadow->sp_max : -1);
	put_int(item, "warn", shadow ? shadow->sp_warn : -1);
	put_int(item, "inactive", shadow ? shadow->sp_inact : -1);
	put_int(item, "expire", shadow ? shadow->sp_expire : -1);
}

static json_object *list_users(json_object *groups, const char *admin_shell)
{
	FILE *file = fopen("/etc/passwd", "re");
	json_object *list = json_object_new_array();
	const struct passwd *entry;

	while (file && (entry = fgetpwent(file))) {
		const struct group *first;
		json_object *item;

		if (entry->pw_uid < 1000 || entry->pw_uid >= 65534 ||
		    (!is_member(groups, entry) && !str_eq(entry->pw_shell, admin_shell)))
			continue;
		item = json_object_new_object();
		first = getgrgid(entry->pw_gid);
		put_str(item, "name", entry->pw_name);
		put_int(item, "uid", entry->pw_uid);
		put_int(item, "gid", entry->pw_gid);
		put_str(item, "group", first ? first->gr_name : "");
		put_str(item, "comment", entry->pw_gecos);
		put_str(item, "home", entry->pw_dir);
		put_str(item, "shell",
			str_eq(entry->pw_shell, admin_shell) ? "lazaret-admin" : entry->pw_shell);
		put_shadow(item, entry->pw_name);
		json_object_array_add(list, item);
	}
	if (file)
		(void)fclose(file);
	return list;
}

json_object *backup_accounts(const struct conf *conf)
{
	json_object *all = json_object_new_object(), *groups;
	struct groups names = {.n = 0};
	char shell[PATH_MAX];

	find_groups(conf, &names);
	snprintf(shell, sizeof(shell), "%s/lazaret-admin", conf_str(conf, CONF_LIBEXEC_DIR));
	groups = list_groups(&names);
	json_object_object_add(all, "users", list_users(groups, shell));
	json_object_object_add(all, "groups", groups);
	return all;
}
