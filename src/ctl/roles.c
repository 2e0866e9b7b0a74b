/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ctl/roles.h"

#include <errno.h>
#include <grp.h>
#include <json-c/json.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "conf/role.h"
#include "ctl/answer.h"
#include "ctl/files.h"

/* More persons than this administer no system. */
#define HOLDERS_MAX 4096
#define GROUPS_MAX 4096

struct holder {
	char *name;
	uid_t uid;
	unsigned int roles; /* 0: not in any of their groups */
	bool user; /* of the viewer */
	bool exists;
};

struct check {
	const struct conf *conf;
	gid_t gids[ROLE_COUNT]; /* (gid_t)-1: none */
	gid_t users;
	struct holder *holders;
	size_t n;
	json_object *problems; /* strings */
};

static void PRINTF(2, 3) complain(struct check *check, const char *fmt, ...)
{
	_cleanup_free_ char *text = NULL;
	va_list args;

	va_start(args, fmt);
	if (vasprintf(&text, fmt, args) < 0)
		text = NULL;
	va_end(args);
	json_object_array_add(check->problems, json_object_new_string(text ? text : fmt));
}

static gid_t find_group(const char *name)
{
	const struct group *group = name[0] ? getgrnam(name) : NULL;

	return group ? group->gr_gid : (gid_t)-1;
}

static void find_groups(struct check *check)
{
	check->users = find_group(conf_str(check->conf, CONF_USERS_GROUP));
	for (unsigned int i = 0; i < ROLE_COUNT; i++) {
		const char *name = role_group(check->conf, (enum role_index)i);

		check->gids[i] = find_group(name);
		if (name[0] && check->gids[i] == (gid_t)-1)
			complain(check,
				 "the group \"%s\" of the role %s does not exist: make it "
				 "(groupadd), or "
				 "set %s = \"\"",
				 name, role_name((enum role_index)i),
				 role_option((enum role_index)i));
	}
}

/* --- who holds one ---------------------------------------------------------------------------- */

static void look_up(struct check *check, struct holder *holder)
{
	gid_t groups[GROUPS_MAX];
	int n = GROUPS_MAX;
	const struct passwd *entry = getpwnam(holder->name);

	if (!entry)
		return;
	holder->exists = true;
	holder->uid = entry->pw_uid;
	if (getgrouplist(holder->name, entry->pw_gid, groups, &n) < 0)
		n = GROUPS_MAX;
	for (int i = 0; i < n; i++) {
		holder->user = holder->user || groups[i] == check->users;
		for (unsigned int k = 0; k < ROLE_COUNT; k++) {
			if (groups[i] == check->gids[k])
				holder->roles |= 1u << k;
		}
	}
}

static int add(struct check *check, const char *name)
{
	struct holder *grown;

	for (size_t i = 0; i < check->n; i++) {
		if (str_eq(check->holders[i].name, name))
			return 0;
	}
	if (check->n == HOLDERS_MAX)
		return -E2BIG;
	grown = reallocarray(check->holders, check->n + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	check->holders = grown;
	check->holders[check->n] = (struct holder){.name = strdup(name)};
	return check->holders[check->n].name ? (check->n++, 0) : -ENOMEM;
}

/* Members by the group's list. */
static int add_listed(struct check *check)
{
	for (unsigned int i = 0; i < ROLE_COUNT; i++) {
		const struct group *group = check->gids[i] == (gid_t)-1 ? NULL
									: getgrgid(check->gids[i]);

		for (char *const *name = group ? group->gr_mem : NULL; name && *name; name++) {
			int r = add(check, *name);

			if (r < 0)
				return r;
		}
	}
	return 0;
}

/* Members by their first group, as far as the name services list accounts. */
static int add_by_first_group(struct check *check)
{
	const struct passwd *entry;
	int r = 0;

	setpwent();
	while (r == 0 && (entry = getpwent())) {
		for (unsigned int i = 0; r == 0 && i < ROLE_COUNT; i++) {
			if (entry->pw_gid == check->gids[i] && check->gids[i] != (gid_t)-1)
				r = add(check, entry->pw_name);
		}
	}
	endpwent();
	return r;
}

static void judge(struct check *check, const struct holder *holder)
{
	enum role_index a, b;

	if (!holder->exists) {
		complain(check, "\"%s\" is in the group of a role, but there is no such account",
			 holder->name);
		return;
	}
	if (holder->uid == 0)
		complain(check, "%s has the user id 0 and needs no role", holder->name);
	if (role_conflict(check->conf, holder->roles, &a, &b))
		complain(check,
			 "%s holds %s and %s, which one person must not: take it out of \"%s\" or "
			 "\"%s\" (gpasswd -d)",
			 holder->name, role_name(a), role_name(b), role_group(check->conf, a),
			 role_group(check->conf, b));
	if (holder->user)
		complain(check,
			 "%s holds a role and is in the users-group \"%s\": the viewer refuses it; "
			 "make "
			 "the person a second account",
			 holder->name, conf_str(check->conf, CONF_USERS_GROUP));
}

/* --- what is said ----------------------------------------------------------------------------- */

static void print(const struct check *check)
{
	char roles[ROLE_TEXT_MAX];

	for (size_t i = 0; i < check->n; i++)
		printf("%-24s %s\n", check->holders[i].name,
		       role_format(check->holders[i].roles, roles));
	for (size_t i = 0; i < json_object_array_length(check->problems); i++)
		printf("problem: %s\n",
		       json_object_get_string(json_object_array_get_idx(check->problems, i)));
	if (json_object_array_length(check->problems) == 0)
		puts("The roles are in order.");
}

static void print_json(const struct check *check)
{
	json_object *all = json_object_new_object(), *holders = json_object_new_array();

	for (size_t i = 0; i < check->n; i++) {
		json_object *item = json_object_new_object(), *roles = json_object_new_array();

		for (unsigned int k = 0; k < ROLE_COUNT; k++) {
			if (check->holders[i].roles & 1u << k)
				json_object_array_add(roles, json_object_new_string(role_name(
								     (enum role_index)k)));
		}
		json_object_object_add(item, "user",
				       json_object_new_string(check->holders[i].name));
		json_object_object_add(item, "roles", roles);
		json_object_array_add(holders, item);
	}
	json_object_object_add(all, "holders", holders);
	json_object_object_add(all, "problems", json_object_get(check->problems));
	puts(json_object_to_json_string_ext(all, JSON_C_TO_STRING_PLAIN));
	json_object_put(all);
}

int roles_check(bool json)
{
	_cleanup_conf_ struct conf *conf = NULL;
	struct check check = {0};
	int r = files_read(0, NULL, &conf);
	bool good;

	if (r < 0)
		return ANSWER_STATUS_FAILED;
	check.conf = conf;
	check.problems = json_object_new_array();
	find_groups(&check);
	r = add_listed(&check);
	if (r == 0)
		r = add_by_first_group(&check);
	for (size_t i = 0; r == 0 && i < check.n; i++) {
		look_up(&check, &check.holders[i]);
		judge(&check, &check.holders[i]);
	}
	good = r == 0 && json_object_array_length(check.problems) == 0;
	if (r < 0)
		fprintf(stderr, "lazaretctl: the holders of roles cannot be listed: %s\n",
			strerror(-r));
	else if (json)
		print_json(&check);
	else
		print(&check);
	for (size_t i = 0; i < check.n; i++)
		free(check.holders[i].name);
	free(check.holders);
	json_object_put(check.problems);
	return good ? ANSWER_STATUS_OK : ANSWER_STATUS_FAILED;
}
