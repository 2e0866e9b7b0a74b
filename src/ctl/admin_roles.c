/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Granting roles and taking them away: membership in the Unix groups of the roles. */
#include <errno.h>
#include <grp.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "ctl/admin.h"
#include "ctl/admin_impl.h"
#include "ctl/answer.h"

static int find_role(const struct conf *conf, const char *word, enum role_index *ret_role)
{
	char all[ROLE_TEXT_MAX];

	for (unsigned int i = 0; i < ROLE_COUNT; i++) {
		if (!str_eq(role_name((enum role_index)i), word))
			continue;
		*ret_role = (enum role_index)i;
		if (!role_group(conf, *ret_role)[0])
			return admin_refuse(
				"nobody can have the role %s here: the option %s is empty", word,
				role_option(*ret_role));
		return ANSWER_STATUS_OK;
	}
	(void)admin_refuse("there is no role \"%s\"; there are %s", word,
			   role_format(ROLE_ALL, all));
	return ANSWER_STATUS_USAGE;
}

/* One of this host's own: members of others are made where they come from. */
static int check_group(const char *name)
{
	FILE *file = fopen("/etc/group", "re");
	const struct group *entry;
	bool found = false;

	while (file && !found && (entry = fgetgrent(file)))
		found = str_eq(entry->gr_name, name);
	if (file)
		(void)fclose(file);
	if (found)
		return ANSWER_STATUS_OK;
	return admin_refuse(
		"the group \"%s\" is not in /etc/group: if it comes from a directory, its "
		"members are changed there; if it is missing, groupadd --system %s makes it",
		name, name);
}

static int check_grant(const struct conf *conf, const struct admin_person *person,
		       enum role_index role)
{
	enum role_index a, b;

	if (admin_is_caller(person))
		return admin_refuse(
			"nobody grants himself a role: somebody else of the role security "
			"does");
	if (person->is_user)
		return admin_refuse(
			"%s is a user of the viewer, and must not hold a role with the same "
			"account (lazaretctl admin add makes another)",
			person->name);
	if (role_conflict(conf, person->roles | 1u << role, &a, &b))
		return admin_refuse(
			"%s would hold %s and %s, which one person must not (roles-apart)",
			person->name, role_name(a), role_name(b));
	if (!person->has_shell)
		return admin_refuse(
			"%s has a login shell that reads files of his own; give him that of "
			"administrators first: usermod --shell %s/lazaret-admin %s",
			person->name, conf_str(conf, CONF_LIBEXEC_DIR), person->name);
	return ANSWER_STATUS_OK;
}

int roles_grant(const char *name, const char *word)
{
	_cleanup_conf_ struct conf *conf = NULL;
	struct admin_person person;
	enum role_index role;
	int status = admin_open(name, &conf, &person);

	if (status == ANSWER_STATUS_OK)
		status = find_role(conf, word, &role);
	if (status != ANSWER_STATUS_OK)
		return status;
	if (person.roles & 1u << role) {
		printf("%s holds the role %s already.\n", person.name, word);
		return ANSWER_STATUS_OK;
	}
	status = check_grant(conf, &person, role);
	if (status == ANSWER_STATUS_OK)
		status = check_group(role_group(conf, role));
	if (status == ANSWER_STATUS_OK)
		status = admin_run((const char *const[]){"/usr/bin/gpasswd", "--add", person.name,
							 role_group(conf, role), NULL},
				   NULL);
	if (status == ANSWER_STATUS_OK)
		printf("%s holds the role %s from the next login on.\n", person.name, word);
	return status;
}

int roles_take(const char *name, const char *word)
{
	_cleanup_conf_ struct conf *conf = NULL;
	struct admin_person person;
	enum role_index role;
	int status = admin_open(name, &conf, &person);

	if (status == ANSWER_STATUS_OK)
		status = find_role(conf, word, &role);
	if (status != ANSWER_STATUS_OK)
		return status;
	if (!(person.roles & 1u << role)) {
		printf("%s does not hold the role %s.\n", person.name, word);
		return ANSWER_STATUS_OK;
	}
	if (admin_is_caller(&person))
		return admin_refuse(
			"nobody changes his own roles: somebody else of the role security "
			"does");
	if (person.gid == (getgrnam(role_group(conf, role))
				   ? getgrnam(role_group(conf, role))->gr_gid
				   : (gid_t)-1))
		return admin_refuse(
			"the group of the role is the first one of the account: usermod "
			"--gid GROUP %s",
			person.name);
	status = check_group(role_group(conf, role));
	if (status == ANSWER_STATUS_OK)
		status = admin_run((const char *const[]){"/usr/bin/gpasswd", "--delete",
							 person.name, role_group(conf, role), NULL},
				   NULL);
	if (status != ANSWER_STATUS_OK)
		return status;
	/* What he has open was let in with the role. */
	(void)admin_end_logins(person.uid);
	printf("%s holds the role %s no longer; his logins were ended.\n", person.name, word);
	return ANSWER_STATUS_OK;
}
