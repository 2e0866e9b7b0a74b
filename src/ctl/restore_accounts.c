/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Accounts of a snapshot, made again by the system's own programs. */
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <shadow.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "conf/role.h"
#include "ctl/admin_impl.h"
#include "ctl/answer.h"
#include "ctl/backup_impl.h"

#define ACCOUNTS_MAX 100000
#define UID_FIRST 1000
#define UID_LAST 60000000
#define TOKEN_MAX 256

static const char *text_of(json_object *item, const char *key)
{
	json_object *value = json_object_object_get(item, key);

	return json_object_is_type(value, json_type_string) ? json_object_get_string(value) : "";
}

static int64_t number_of(json_object *item, const char *key)
{
	json_object *value = json_object_object_get(item, key);

	return json_object_is_type(value, json_type_int) ? json_object_get_int64(value) : -1;
}

static bool is_name(const char *name)
{
	static const char first[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_";
	static const char more[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.";

	return name[0] && strchr(first, name[0]) && strlen(name) <= 32 && !name[strspn(name, more)];
}

static bool is_field(const char *text)
{
	if (strlen(text) > TOKEN_MAX || !str_utf8_valid(text, strlen(text)))
		return false;
	for (; *text; text++) {
		if ((unsigned char)*text < 0x20 || *text == 0x7f || *text == ':')
			return false;
	}
	return true;
}

/* A hash as crypt(5) has it, perhaps locked; never an empty one, which everybody's would be. */
static bool is_hash(const char *text)
{
	static const char letters[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789./$,=!*_-";

	return text[0] && strlen(text) <= TOKEN_MAX && !text[strspn(text, letters)];
}

static void PRINTF(3, 4) say(struct restore_plan *plan, bool conflict, const char *fmt, ...)
{
	va_list args;

	plan->conflicts += conflict;
	plan->changes += !conflict;
	if (conflict)
		fputs("conflict: ", plan->out);
	va_start(args, fmt);
	vfprintf(plan->out, fmt, args);
	va_end(args);
	fputc('\n', plan->out);
}

/* --- groups ----------------------------------------------------------------------------------- */

/* Only what the configuration gives a meaning, and nothing that makes somebody root. */
static bool is_our_group(const struct conf *conf, const char *name)
{
	bool ours = str_eq(name, conf_str(conf, CONF_USERS_GROUP));

	for (size_t i = 0; i < conf_list_len(conf, CONF_ADMIN_GROUPS); i++) {
		if (str_eq(conf_list_item(conf, CONF_ADMIN_GROUPS, i), name))
			return false;
	}
	for (unsigned int i = 0; i < ROLE_COUNT; i++)
		ours = ours || str_eq(name, role_group(conf, (enum role_index)i));
	for (size_t i = 0; i < conf_group_count(conf); i++)
		ours = ours || str_eq(name, conf_group_name(conf, i));
	for (size_t i = 0; i < conf_path_count(conf); i++) {
		for (size_t k = 0; k < conf_path_list_len(conf, i, CONF_PATH_GROUPS); k++)
			ours = ours ||
			       str_eq(name, conf_path_list_item(conf, i, CONF_PATH_GROUPS, k));
	}
	return ours;
}

static int make_group(struct restore_plan *plan, const char *name, int64_t gid, bool own)
{
	char number[24];
	const struct group *taken;

	if (getgrnam(name))
		return ANSWER_STATUS_OK;
	taken = gid > 0 ? getgrgid((gid_t)gid) : NULL;
	/* A group of a role has whatever number there is; that of a person keeps his. */
	if (own && (gid < UID_FIRST || taken)) {
		say(plan, true, "the group %s (%lld) cannot be made: that number is %s's", name,
		    (long long)gid, taken ? taken->gr_name : "one of the system");
		return ANSWER_STATUS_FAILED;
	}
	say(plan, false, "group %s is made", name);
	if (!plan->execute)
		return ANSWER_STATUS_OK;
	snprintf(number, sizeof(number), "%lld", (long long)gid);
	if (gid > 0 && !taken)
		return admin_run((const char *const[]){"/usr/sbin/groupadd", "--gid", number, "--",
						       name, NULL},
				 NULL);
	return admin_run((const char *const[]){"/usr/sbin/groupadd", "--system", "--", name, NULL},
			 NULL);
}

static int restore_groups(struct restore_plan *plan)
{
	json_object *list = json_object_object_get(plan->accounts, "groups");
	int status = ANSWER_STATUS_OK;

	for (size_t i = 0; status == ANSWER_STATUS_OK && i < json_object_array_length(list); i++) {
		json_object *item = json_object_array_get_idx(list, i);
		const char *name = text_of(item, "name");

		if (!is_name(name) || !is_our_group(plan->conf, name))
			say(plan, true, "the group \"%s\" is not one of this configuration",
			    is_name(name) ? name : "(no name)");
		else
			status = make_group(plan, name, number_of(item, "gid"), false);
	}
	return status;
}

/* --- users ------------------------------------------------------------------------------------ */

static int set_hash(json_object *user)
{
	_cleanup_secret_ char *line = NULL;

	if (asprintf(&line, "%s:%s\n", text_of(user, "name"), text_of(user, "hash")) < 0)
		return ANSWER_STATUS_FAILED;
	/* By its standard input: arguments are everybody's to read. */
	return admin_run((const char *const[]){"/usr/sbin/chpasswd", "--encrypted", NULL}, line);
}

static int set_days(json_object *user)
{
	static const struct {
		const char *option, *key;
	} rows[] = {
		{"--lastday", "changed"}, {"--mindays", "min"},       {"--maxdays", "max"},
		{"--warndays", "warn"},   {"--inactive", "inactive"}, {"--expiredate", "expire"},
	};
	const char *argv[2 * ARRAY_LEN(rows) + 4] = {"/usr/bin/chage"};
	char numbers[ARRAY_LEN(rows)][24];
	size_t n = 1;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		snprintf(numbers[i], sizeof(numbers[i]), "%lld",
			 (long long)number_of(user, rows[i].key));
		argv[n++] = rows[i].option;
		argv[n++] = numbers[i];
	}
	argv[n++] = "--";
	argv[n++] = text_of(user, "name");
	return admin_run(argv, NULL);
}

/* Nobody gets a shell that starts programs of his own choice. */
static const char *shell_of(const struct restore_plan *plan, json_object *user, char out[PATH_MAX])
{
	if (!str_eq(text_of(user, "shell"), "lazaret-admin"))
		return "/usr/sbin/nologin";
	snprintf(out, PATH_MAX, "%s/lazaret-admin", conf_str(plan->conf, CONF_LIBEXEC_DIR));
	return out;
}

static int create_user(const struct restore_plan *plan, json_object *user)
{
	char uid[24], gid[24], shell[PATH_MAX];
	const struct group *group = getgrnam(text_of(user, "group"));

	if (!group)
		return admin_refuse("there is no group %s", text_of(user, "group"));
	snprintf(uid, sizeof(uid), "%lld", (long long)number_of(user, "uid"));
	snprintf(gid, sizeof(gid), "%u", (unsigned int)group->gr_gid);
	return admin_run((const char *const[]){"/usr/sbin/useradd", "--no-create-home",
					       "--no-user-group", "--uid", uid, "--gid", gid,
					       "--home-dir", text_of(user, "home"), "--comment",
					       text_of(user, "comment"), "--shell",
					       shell_of(plan, user, shell), "--",
					       text_of(user, "name"), NULL},
			 NULL);
}

static bool check_user(struct restore_plan *plan, json_object *user)
{
	const char *name = text_of(user, "name"), *group = text_of(user, "group");
	int64_t uid = number_of(user, "uid");
	const struct passwd *entry;

	if (!is_name(name) || !is_name(group) || uid < UID_FIRST || uid > UID_LAST ||
	    !is_field(text_of(user, "comment")) || !is_field(text_of(user, "home")) ||
	    text_of(user, "home")[0] != '/' || !is_hash(text_of(user, "hash")) ||
	    !(str_eq(group, name) || is_our_group(plan->conf, group))) {
		say(plan, true, "the account \"%s\" is not one that a backup of ours has",
		    is_name(name) ? name : "(no name)");
		return false;
	}
	entry = getpwnam(name);
	if (entry && (int64_t)entry->pw_uid != uid) {
		say(plan, true,
		    "there is an account %s with the user id %u; that of the backup has %lld", name,
		    (unsigned int)entry->pw_uid, (long long)uid);
		return false;
	}
	if (entry)
		return true;
	entry = getpwuid((uid_t)uid);
	if (entry)
		say(plan, true, "the user id %lld of %s is %s's here", (long long)uid, name,
		    entry->pw_name);
	return !entry;
}

static int restore_user(struct restore_plan *plan, json_object *user)
{
	const char *name = text_of(user, "name");
	int status = ANSWER_STATUS_OK;

	if (!check_user(plan, user))
		return ANSWER_STATUS_OK;
	if (getpwnam(name)) {
		const struct spwd *shadow = getspnam(name);

		if (shadow && str_eq(shadow->sp_pwdp, text_of(user, "hash")))
			return ANSWER_STATUS_OK;
		say(plan, false, "account %s gets the password of the backup", name);
	} else {
		if (str_eq(text_of(user, "group"), name) &&
		    make_group(plan, name, number_of(user, "gid"), true) != ANSWER_STATUS_OK)
			return plan->skip ? ANSWER_STATUS_OK : ANSWER_STATUS_FAILED;
		say(plan, false, "account %s (%lld) is made", name,
		    (long long)number_of(user, "uid"));
		if (plan->execute)
			status = create_user(plan, user);
	}
	if (plan->execute && status == ANSWER_STATUS_OK)
		status = set_hash(user);
	if (plan->execute && status == ANSWER_STATUS_OK)
		status = set_days(user);
	return status;
}

/* --- who is in which group ---------------------------------------------------------------------- */

/* Whether the account is one of the snapshot that was taken over, or is the same. */
static bool is_restored(struct restore_plan *plan, const char *name)
{
	json_object *list = json_object_object_get(plan->accounts, "users");

	for (size_t i = 0; i < json_object_array_length(list); i++) {
		json_object *user = json_object_array_get_idx(list, i);
		const struct passwd *entry;

		if (!str_eq(text_of(user, "name"), name))
			continue;
		entry = getpwnam(name);
		return entry ? (int64_t)entry->pw_uid == number_of(user, "uid") : !plan->execute;
	}
	return false;
}

static bool is_approver(const char *name)
{
	const struct passwd *entry = getpwnam(name);

	return entry && admin_is_caller(&(const struct admin_person){.uid = entry->pw_uid});
}

static int add_member(struct restore_plan *plan, const char *group, const char *name)
{
	const struct group *entry = getgrnam(group);

	if (!is_name(name) || !is_restored(plan, name))
		return ANSWER_STATUS_OK;
	for (char *const *member = entry ? entry->gr_mem : NULL; member && *member; member++) {
		if (str_eq(*member, name))
			return ANSWER_STATUS_OK;
	}
	if (is_approver(name)) {
		say(plan, true,
		    "%s is who does this, and gives himself nothing: not a member of %s", name,
		    group);
		return ANSWER_STATUS_OK;
	}
	say(plan, false, "%s becomes a member of %s", name, group);
	if (!plan->execute)
		return ANSWER_STATUS_OK;
	return admin_run((const char *const[]){"/usr/bin/gpasswd", "--add", name, group, NULL},
			 NULL);
}

static int restore_members(struct restore_plan *plan)
{
	json_object *list = json_object_object_get(plan->accounts, "groups");
	int status = ANSWER_STATUS_OK;

	for (size_t i = 0; i < json_object_array_length(list); i++) {
		json_object *item = json_object_array_get_idx(list, i);
		json_object *members = json_object_object_get(item, "members");
		const char *group = text_of(item, "name");

		if (!is_name(group) || !is_our_group(plan->conf, group) ||
		    !json_object_is_type(members, json_type_array))
			continue;
		for (size_t k = 0;
		     status == ANSWER_STATUS_OK && k < json_object_array_length(members); k++) {
			json_object *name = json_object_array_get_idx(members, k);

			if (json_object_is_type(name, json_type_string))
				status = add_member(plan, group, json_object_get_string(name));
		}
	}
	return status;
}

int restore_accounts(struct restore_plan *plan)
{
	json_object *users = json_object_object_get(plan->accounts, "users");
	json_object *groups = json_object_object_get(plan->accounts, "groups");
	int status;

	if (!json_object_is_type(users, json_type_array) ||
	    !json_object_is_type(groups, json_type_array) ||
	    json_object_array_length(users) > ACCOUNTS_MAX ||
	    json_object_array_length(groups) > ACCOUNTS_MAX)
		return backup_refuse("accounts.json of the backup is not one of ours");
	status = restore_groups(plan);
	for (size_t i = 0; status == ANSWER_STATUS_OK && i < json_object_array_length(users); i++)
		status = restore_user(plan, json_object_array_get_idx(users, i));
	return status == ANSWER_STATUS_OK ? restore_members(plan) : status;
}
