/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ctl/admin.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <json-c/json.h>
#include <pwd.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/str.h"
#include "ctl/admin_impl.h"
#include "ctl/answer.h"
#include "ctl/files.h"
#include "ctl/input.h"
#include "ctl/program.h"

#define COMMENT "Lazaret administrator"
#define NAME_MAX_LEN 32
#define GROUPS_MAX 4096
#define OUTPUT_MAX 4096
/* How often the processes of an account are looked for: one may start another meanwhile. */
#define END_ROUNDS 16

int admin_refuse(const char *fmt, ...)
{
	va_list args;

	fputs("lazaretctl: ", stderr);
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fputc('\n', stderr);
	return ANSWER_STATUS_FAILED;
}

/* --- persons ---------------------------------------------------------------------------------- */

static void admin_shell(const struct conf *conf, char out[PATH_MAX])
{
	snprintf(out, PATH_MAX, "%s/lazaret-admin", conf_str(conf, CONF_LIBEXEC_DIR));
}

static gid_t group_id(const char *name)
{
	const struct group *group = name[0] ? getgrnam(name) : NULL;

	return group ? group->gr_gid : (gid_t)-1;
}

static void find_groups(const struct conf *conf, struct admin_person *person)
{
	gid_t users = group_id(conf_str(conf, CONF_USERS_GROUP)), role_gids[ROLE_COUNT];
	gid_t groups[GROUPS_MAX];
	int n = GROUPS_MAX;

	for (unsigned int k = 0; k < ROLE_COUNT; k++)
		role_gids[k] = group_id(role_group(conf, (enum role_index)k));
	if (getgrouplist(person->name, person->gid, groups, &n) < 0)
		n = GROUPS_MAX;
	for (int i = 0; i < n; i++) {
		person->is_user = person->is_user || groups[i] == users;
		for (unsigned int k = 0; k < ROLE_COUNT; k++)
			person->roles |= groups[i] == role_gids[k] ? 1u << k : 0;
	}
}

bool admin_find(const struct conf *conf, const char *name, struct admin_person *ret_person)
{
	const struct passwd *entry = getpwnam(name);
	struct admin_person person = {0};
	char shell[PATH_MAX];

	if (!entry || !str_copy(person.name, sizeof(person.name), entry->pw_name))
		return false;
	admin_shell(conf, shell);
	person.uid = entry->pw_uid;
	person.gid = entry->pw_gid;
	person.has_shell = str_eq(entry->pw_shell, shell);
	find_groups(conf, &person);
	*ret_person = person;
	return true;
}

int admin_open(const char *name, struct conf **ret_conf, struct admin_person *ret_person)
{
	_cleanup_conf_ struct conf *conf = NULL;

	if (geteuid() != 0) {
		(void)admin_refuse("only root may change accounts without the daemon");
		return ANSWER_STATUS_DENIED;
	}
	if (files_read(0, NULL, &conf) < 0)
		return ANSWER_STATUS_FAILED;
	if (name && !admin_find(conf, name, ret_person)) {
		(void)admin_refuse("there is no account \"%s\"; lazaretctl admin add makes one",
				   name);
		return ANSWER_STATUS_NOT_FOUND;
	}
	if (name && ret_person->uid == 0)
		return admin_refuse("\"%s\" is root, who needs neither role nor key here", name);
	*ret_conf = STEAL(conf);
	return ANSWER_STATUS_OK;
}

bool admin_is_caller(const struct admin_person *person)
{
	const char *caller = getenv("LAZARET_CALLER");
	const struct passwd *entry;
	int64_t uid;

	if (!caller)
		return false;
	if (strncmp(caller, "uid-", 4) == 0 && str_to_int(caller + 4, 0, UINT32_MAX, &uid) == 0)
		return (uid_t)uid == person->uid;
	entry = getpwnam(caller);
	/* Who cannot be told from him is taken for him. */
	return !entry || entry->pw_uid == person->uid;
}

int admin_run(const char *const *argv, const char *input)
{
	_cleanup_free_ char *said = NULL, *out = NULL;
	struct program program = {.argv = argv, .max = OUTPUT_MAX};
	int status = 0, r;

	program.input = input;
	program.input_len = input ? strlen(input) : 0;
	r = program_run(&program, &status, &out, &said);
	if (r == 0 && status == 0)
		return ANSWER_STATUS_OK;
	if (r == 0 && said)
		said[strcspn(said, "\n")] = '\0';
	return admin_refuse("%s: %s", argv[0],
			    r < 0             ? strerror(-r)
			    : said && said[0] ? said
					      : "failed");
}

/* --- logins ----------------------------------------------------------------------------------- */

/* Held before it is looked at: the number cannot become another process's in between. */
static bool end_process(const char *number, uid_t uid)
{
	int64_t pid;
	struct stat status;
	char path[64];
	_cleanup_fd_ int pidfd = -1;

	if (str_to_int(number, 2, INT32_MAX, &pid) < 0)
		return false;
	pidfd = fd_pidfd_open((pid_t)pid);
	snprintf(path, sizeof(path), "/proc/%lld", (long long)pid);
	if (pidfd < 0 || stat(path, &status) < 0 || status.st_uid != uid)
		return false;
	return fd_pidfd_signal(pidfd, SIGKILL) == 0;
}

unsigned int admin_end_logins(uid_t uid)
{
	unsigned int total = 0, found = 1;

	for (int i = 0; i < END_ROUNDS && found > 0; i++) {
		DIR *dir = opendir("/proc");
		struct dirent *entry;

		found = 0;
		while (dir && (entry = readdir(dir)))
			found += end_process(entry->d_name, uid);
		total = MAX(total, found);
		if (dir)
			closedir(dir);
	}
	return total;
}

/* --- accounts --------------------------------------------------------------------------------- */

static bool is_name(const char *name)
{
	static const char first[] = "abcdefghijklmnopqrstuvwxyz_";
	static const char more[] = "abcdefghijklmnopqrstuvwxyz0123456789_-";

	return name[0] && strchr(first, name[0]) && strlen(name) <= NAME_MAX_LEN &&
	       !name[strspn(name, more)];
}

int admin_add(const char *name)
{
	_cleanup_conf_ struct conf *conf = NULL;
	char shell[PATH_MAX];
	int status;

	if (!is_name(name)) {
		(void)admin_refuse(
			"\"%s\" is no name of an account: small letters, digits, _ and -, at "
			"most %d, the first one a letter",
			name, NAME_MAX_LEN);
		return ANSWER_STATUS_USAGE;
	}
	status = admin_open(NULL, &conf, NULL);
	if (status != ANSWER_STATUS_OK)
		return status;
	if (getpwnam(name) || getgrnam(name))
		return admin_refuse(
			"there is an account or a group \"%s\" already: administrators have "
			"accounts of their own",
			name);
	admin_shell(conf, shell);
	status = admin_run((const char *const[]){"/usr/sbin/useradd", "--no-create-home",
						 "--home-dir", "/nonexistent", "--user-group",
						 "--comment", COMMENT, "--shell", shell, "--", name,
						 NULL},
			   NULL);
	if (status == ANSWER_STATUS_OK)
		printf("The account %s was made. It can do nothing yet: lazaretctl admin key add "
		       "%s -, "
		       "and roles grant %s ROLE.\n",
		       name, name, name);
	return status;
}

int admin_remove(const char *name)
{
	_cleanup_conf_ struct conf *conf = NULL;
	struct admin_person person;
	_cleanup_fd_ int folder = -1;
	int status = admin_open(name, &conf, &person);

	if (status != ANSWER_STATUS_OK)
		return status;
	if (!person.has_shell)
		return admin_refuse(
			"\"%s\" is no account of an administrator; one that a directory or "
			"another tool has made is removed there",
			name);
	if (admin_is_caller(&person))
		return admin_refuse("nobody removes his own account: somebody else of the role "
				    "security does");
	folder = admin_keys_open(conf);
	/* First what lets him in, then what he has open. */
	if (folder >= 0 && unlinkat(folder, person.name, 0) < 0 && errno != ENOENT)
		return admin_refuse("his keys cannot be removed: %s", strerror(errno));
	status = admin_run((const char *const[]){"/usr/sbin/usermod", "--lock", "--expiredate", "1",
						 "--", person.name, NULL},
			   NULL);
	if (status == ANSWER_STATUS_OK)
		(void)admin_end_logins(person.uid);
	if (status == ANSWER_STATUS_OK)
		status = admin_run(
			(const char *const[]){"/usr/sbin/userdel", "--", person.name, NULL}, NULL);
	if (status == ANSWER_STATUS_OK)
		printf("The account %s with its keys and roles is gone.\n", person.name);
	return status;
}

int admin_password(const char *name)
{
	_cleanup_conf_ struct conf *conf = NULL;
	_cleanup_secret_ char *secret = NULL, *line = NULL;
	struct admin_person person;
	int status = admin_open(name, &conf, &person);

	if (status != ANSWER_STATUS_OK)
		return status;
	if (!person.has_shell)
		return admin_refuse("\"%s\" is no account of an administrator", name);
	if (input_read_secret("New password: ", &secret) < 0)
		return ANSWER_STATUS_FAILED;
	if (strlen(secret) < 12)
		return admin_refuse("the password of an administrator needs 12 characters");
	if (asprintf(&line, "%s:%s\n", person.name, secret) < 0)
		return ANSWER_STATUS_FAILED;
	return admin_run((const char *const[]){"/usr/sbin/chpasswd", NULL}, line);
}

/* --- the list --------------------------------------------------------------------------------- */

static void list_one(const struct conf *conf, int folder, const char *name, json_object *list)
{
	struct admin_person person;
	json_object *item, *roles;

	if (!admin_find(conf, name, &person) || person.uid == 0 ||
	    (!person.roles && !person.has_shell))
		return;
	for (size_t i = 0; i < json_object_array_length(list); i++) {
		item = json_object_array_get_idx(list, i);
		if (str_eq(json_object_get_string(json_object_object_get(item, "user")),
			   person.name))
			return;
	}
	item = json_object_new_object();
	roles = json_object_new_array();
	for (unsigned int k = 0; k < ROLE_COUNT; k++) {
		if (person.roles & 1u << k)
			json_object_array_add(
				roles, json_object_new_string(role_name((enum role_index)k)));
	}
	json_object_object_add(item, "user", json_object_new_string(person.name));
	json_object_object_add(item, "uid", json_object_new_int64(person.uid));
	json_object_object_add(item, "roles", roles);
	json_object_object_add(
		item, "keys",
		json_object_new_int64((int64_t)admin_keys_count(folder, person.name)));
	json_object_object_add(item, "shell", json_object_new_boolean(person.has_shell));
	json_object_array_add(list, item);
}

static void list_members(const struct conf *conf, int folder, json_object *list)
{
	for (unsigned int k = 0; k < ROLE_COUNT; k++) {
		const char *name = role_group(conf, (enum role_index)k);
		const struct group *group = name[0] ? getgrnam(name) : NULL;
		char members[256][NAME_MAX_LEN * 8];
		size_t n = 0;

		/* Copied: looking them up overwrites the group. */
		for (char *const *member = group ? group->gr_mem : NULL; member && *member;
		     member++) {
			if (n < ARRAY_LEN(members))
				str_copy(members[n++], sizeof(members[0]), *member);
		}
		for (size_t i = 0; i < n; i++)
			list_one(conf, folder, members[i], list);
	}
}

static void print_list(json_object *list)
{
	char text[ROLE_TEXT_MAX];

	for (size_t i = 0; i < json_object_array_length(list); i++) {
		json_object *item = json_object_array_get_idx(list, i);
		json_object *roles = json_object_object_get(item, "roles");
		size_t at = 0;

		str_copy(text, sizeof(text), "none");
		for (size_t k = 0; k < json_object_array_length(roles); k++)
			at += (size_t)snprintf(
				text + at, sizeof(text) - at, "%s%s", k ? ", " : "",
				json_object_get_string(json_object_array_get_idx(roles, k)));
		printf("%-24s %-6lld keys %-3lld %s%s\n",
		       json_object_get_string(json_object_object_get(item, "user")),
		       (long long)json_object_get_int64(json_object_object_get(item, "uid")),
		       (long long)json_object_get_int64(json_object_object_get(item, "keys")), text,
		       json_object_get_boolean(json_object_object_get(item, "shell"))
			       ? ""
			       : " (its login shell is another one: SSH refuses it)");
	}
}

int admin_list(bool json)
{
	_cleanup_conf_ struct conf *conf = NULL;
	_cleanup_fd_ int folder = -1;
	int status = admin_open(NULL, &conf, NULL);
	json_object *list;
	const struct passwd *entry;

	if (status != ANSWER_STATUS_OK)
		return status;
	folder = admin_keys_open(conf);
	list = json_object_new_array();
	list_members(conf, folder, list);
	setpwent();
	while ((entry = getpwent())) {
		char shell[PATH_MAX], name[256];

		admin_shell(conf, shell);
		str_copy(name, sizeof(name), entry->pw_name);
		if (str_eq(entry->pw_shell, shell))
			list_one(conf, folder, name, list);
	}
	endpwent();
	if (json)
		puts(json_object_to_json_string_ext(list, JSON_C_TO_STRING_PLAIN));
	else
		print_list(list);
	json_object_put(list);
	return ANSWER_STATUS_OK;
}
