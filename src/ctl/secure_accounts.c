/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Accounts: those that administer, those that use, and those that must not be. */
#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <shadow.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "conf/role.h"
#include "ctl/answer.h"
#include "ctl/secure_impl.h"

/* User ids from a base on that are used for displays, or for parked cells. */
#define RESERVED 65536

void secure_accounts_root(struct secure *secure)
{
	const struct passwd *entry;

	setpwent();
	while ((entry = getpwent())) {
		if (entry->pw_uid != 0 || str_eq(entry->pw_name, "root"))
			continue;
		secure_what(secure, "the account \"%s\" has the user id 0: it is root",
			    entry->pw_name);
		secure_deviates(secure, "userdel --force %s", secure_quote(entry->pw_name));
	}
	endpwent();
}

static void say_empty(struct secure *secure, const char *name)
{
	secure_what(secure, "the account \"%s\" has an empty password", name);
	secure_deviates(secure, "passwd --lock %s, or give it one", secure_quote(name));
}

/* Every account of this host is looked at: sudo and the console do not ask for groups. */
void secure_accounts_password(struct secure *secure)
{
	const struct passwd *entry;
	const struct spwd *shadow;

	setpwent();
	while ((entry = getpwent())) {
		if (!entry->pw_passwd[0])
			say_empty(secure, entry->pw_name);
	}
	endpwent();
	setspent();
	while ((shadow = getspent())) {
		if (!shadow->sp_pwdp[0])
			say_empty(secure, shadow->sp_namp);
	}
	endspent();
}

static void check_shell(struct secure *secure, const char *name, enum role_index role)
{
	const struct passwd *entry = getpwnam(name);
	char shell[PATH_MAX];

	snprintf(shell, sizeof(shell), "%s/lazaret-admin",
		 conf_str(secure->conf, CONF_LIBEXEC_DIR));
	if (!entry || str_eq(entry->pw_shell, shell) || strstr(entry->pw_shell, "/nologin") ||
	    strstr(entry->pw_shell, "/false"))
		return;
	secure_what(secure, "%s holds the role %s and has the login shell %s", name,
		    role_name(role), entry->pw_shell);
	secure_deviates(secure, "usermod --shell %s %s", secure_quote(shell), secure_quote(name));
}

void secure_accounts_shell(struct secure *secure)
{
	for (unsigned int i = 0; i < ROLE_COUNT; i++) {
		const char *name = role_group(secure->conf, (enum role_index)i);
		const struct group *group = name[0] ? getgrnam(name) : NULL;

		for (char *const *member = group ? group->gr_mem : NULL; member && *member;
		     member++)
			check_shell(secure, *member, (enum role_index)i);
	}
}

void secure_accounts_reserved(struct secure *secure)
{
	static const enum conf_id bases[] = {CONF_DISPLAY_UID_BASE, CONF_CELL_UID_BASE};
	const struct passwd *entry;

	setpwent();
	while ((entry = getpwent())) {
		for (size_t i = 0; i < ARRAY_LEN(bases); i++) {
			int64_t base = conf_int(secure->conf, bases[i]);

			if (entry->pw_uid < base || entry->pw_uid >= base + RESERVED)
				continue;
			secure_what(secure,
				    "the account \"%s\" has the user id %u, which is one of %s",
				    entry->pw_name, (unsigned int)entry->pw_uid,
				    conf_row(bases[i])->name);
			secure_deviates(secure, "userdel %s, or give %s another value",
					secure_quote(entry->pw_name), conf_row(bases[i])->name);
		}
	}
	endpwent();
}

void secure_roles_apart(struct secure *secure)
{
	static const char *const words[] = {"roles", "check", NULL};
	_cleanup_free_ char *text = NULL;
	int status;
	char *rest, *line;

	if (secure_ask(secure, words, &status, &text) < 0) {
		secure_what(secure, "the holders of roles could not be listed");
		secure_unknown(secure, "lazaretctl roles check");
		return;
	}
	for (rest = text; (line = strsep(&rest, "\n"));) {
		if (strncmp(line, "problem: ", 9) != 0)
			continue;
		secure_what(secure, "%s", line + 9);
		secure_deviates(secure, "as said; lazaretctl roles check shows who holds what");
	}
	if (status != ANSWER_STATUS_OK && secure->said == 0) {
		secure_what(secure, "the holders of roles could not be listed");
		secure_unknown(secure, "lazaretctl roles check");
	}
}
