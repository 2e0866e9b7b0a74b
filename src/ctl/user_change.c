/* SPDX-License-Identifier: GPL-3.0-or-later */
/* user expire, lock, unlock, password: one program of the shadow suite for each account. */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "ctl/answer.h"
#include "ctl/input.h"
#include "ctl/request.h"
#include "ctl/user.h"
#include "ctl/user_check.h"
#include "ctl/user_make.h"
#include "ctl/user_select.h"

#define ARGUMENTS_MAX 32
#define SAID_MAX 256

struct change {
	const char *would, *done; /* behind the name */
	const char *option, *value; /* of usermod */
	bool needs_password; /* it would be no change without one */
};

/* --- many ------------------------------------------------------------------------------------- */

static int apply(const struct user_store *store, const struct change *change,
		 const struct account_entry *entry)
{
	const char *argv[8] = {"/usr/sbin/usermod", change->option};
	char said[SAID_MAX];
	size_t n = 2;

	/* usermod says so, and that all went well. */
	if (change->needs_password && entry->password == PASSWORD_NONE) {
		fprintf(stderr, "lazaretctl: %s has no password yet: user password\n", entry->name);
		return -ENODATA;
	}
	if (change->value)
		argv[n++] = change->value;
	argv[n++] = "--";
	argv[n++] = entry->name;
	if (user_store_run(store, argv, NULL, said, sizeof(said)) == 0) {
		printf("%s %s\n", entry->name, change->done);
		return 0;
	}
	fprintf(stderr, "lazaretctl: %s: %s\n", entry->name, said);
	return -EIO;
}

static int apply_to(const struct user_store *store, const struct user_select *select,
		    const struct change *change)
{
	_cleanup_free_ struct account_entry **entries = NULL;
	size_t n = 0, failed = 0;
	int status = user_select_find(select, store, &entries, &n);

	if (status != ANSWER_STATUS_OK)
		return status;
	for (size_t i = 0; i < n; i++) {
		if (select->preview)
			printf("%s %s\n", entries[i]->name, change->would);
		else
			failed += apply(store, change, entries[i]) < 0;
		if (i + 1 < n && user_store_explain_stop())
			return ANSWER_STATUS_FAILED;
	}
	printf("%zu of %zu %s.\n", n - failed, n, select->preview ? "would be changed" : "changed");
	return failed ? ANSWER_STATUS_FAILED : ANSWER_STATUS_OK;
}

static int change_users(const char *socket, size_t n, char *const *arguments,
			const struct change *change)
{
	_cleanup_user_store_ struct user_store store = {.lock = -1, .journal = -1};
	const char *words[ARGUMENTS_MAX];
	struct user_select select;
	int status;

	for (size_t i = 0; i < MIN(n, (size_t)ARGUMENTS_MAX); i++)
		words[i] = arguments[i];
	status = user_select_parse(&select, MIN(n, (size_t)ARGUMENTS_MAX), words);
	if (status != ANSWER_STATUS_OK)
		return status;
	if (select.n_names == 0 && !user_select_filters(&select)) {
		fputs("lazaretctl: whom? Name users, or say --group, --match, --expired, --locked "
		      "or --inactive\n",
		      stderr);
		return ANSWER_STATUS_USAGE;
	}
	status = user_store_open(&store, socket, true);
	return status == ANSWER_STATUS_OK ? apply_to(&store, &select, change) : status;
}

int user_expire(const char *socket, size_t n, char *const *arguments)
{
	char would[64], done[64], day[USER_DATE_MAX];
	long expires;

	if (arguments[0][0] == '\0' || user_date_parse(arguments[0], &expires) < 0) {
		fprintf(stderr, "lazaretctl: \"%s\" is no day as 2027-01-31, nor \"never\"\n",
			arguments[0]);
		return ANSWER_STATUS_USAGE;
	}
	user_date_format(expires, day);
	snprintf(would, sizeof(would), expires < 0 ? "would not expire" : "would expire on %s",
		 day);
	snprintf(done, sizeof(done), expires < 0 ? "does not expire" : "expires on %s", day);
	return change_users(socket, n - 1, arguments + 1,
			    &(struct change){.would = would,
					     .done = done,
					     .option = "--expiredate",
					     .value = expires < 0 ? "" : day});
}

int user_lock(const char *socket, size_t n, char *const *arguments)
{
	return change_users(socket, n, arguments,
			    &(struct change){.would = "would be locked",
					     .done = "is locked; a session that runs goes on",
					     .option = "--lock"});
}

int user_unlock(const char *socket, size_t n, char *const *arguments)
{
	return change_users(socket, n, arguments,
			    &(struct change){.would = "would be unlocked",
					     .done = "is unlocked",
					     .option = "--unlock",
					     .needs_password = true});
}

/* --- a password ------------------------------------------------------------------------------- */

static int set_password(const char *socket, const char *name, const char *secret)
{
	_cleanup_user_store_ struct user_store store = {.lock = -1, .journal = -1};
	_cleanup_free_ struct account_entry **entries = NULL;
	const char *names[] = {name};
	const struct user_select select = {.names = names, .n_names = 1, .inactive = -1};
	char why[512], generated[USER_PASSWORD_MAX] = "";
	int status = user_store_open(&store, socket, true);
	size_t n = 0;

	if (status == ANSWER_STATUS_OK)
		status = user_select_find(&select, &store, &entries, &n);
	if (status != ANSWER_STATUS_OK)
		return status;
	if (!secret && user_generate_password(generated) < 0)
		return ANSWER_STATUS_FAILED;
	if (user_set_password(&store, name, secret ? secret : generated, false, why, sizeof(why)) <
	    0) {
		fprintf(stderr, "lazaretctl: %s: %s\n", name, why);
		status = ANSWER_STATUS_FAILED;
	} else if (!secret) {
		printf("The password, which is not shown again: %s\n", generated);
	} else {
		printf("%s has a new password.\n", name);
	}
	mem_wipe(generated, sizeof(generated));
	return status;
}

int user_password(const char *socket, size_t n, char *const *arguments)
{
	_cleanup_secret_ char *secret = NULL;

	(void)n;
	if (str_eq(arguments[1], "--generate"))
		return set_password(socket, arguments[0], NULL);
	if (!str_eq(arguments[1], "-")) {
		fputs("lazaretctl: a password is never an argument; say - and give it as input, or "
		      "--generate\n",
		      stderr);
		return ANSWER_STATUS_USAGE;
	}
	if (input_read_secret("New password: ", &secret) < 0)
		return ANSWER_STATUS_FAILED;
	return set_password(socket, arguments[0], secret);
}
