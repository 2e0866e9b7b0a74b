/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ctl/user_make.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "base/mem.h"
#include "base/str.h"
#include "conf/conf.h"

/* None that look alike on paper. */
static const char alphabet[] = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnpqrstuvwxyz23456789";
#define ALPHABET (sizeof(alphabet) - 1)
#define GENERATED_BLOCKS 4
#define GENERATED_BLOCK 4

#define SHELL "/usr/sbin/nologin"
#define HOME "/nonexistent"
#define SAID_MAX 256
/* useradd(8): the number is somebody's by now; and how often another one is tried. */
#define USERADD_UID_IN_USE 4
#define UID_TRIES 8

/* --- passwords -------------------------------------------------------------------------------- */

static bool has_one_of(const char *text, const char *first, const char *last)
{
	for (; *text; text++) {
		if (*text >= *first && *text <= *last)
			return true;
	}
	return false;
}

/* Of 16 letters and digits, 92 bits; with small and large letters and a digit, as sites want. */
int user_generate_password(char *out)
{
	unsigned char byte;
	size_t len;

	do {
		len = 0;
		for (int i = 0; i < GENERATED_BLOCKS * GENERATED_BLOCK;) {
			if (getrandom(&byte, 1, 0) != 1)
				return -EIO;
			/* Every character as likely as any other. */
			if (byte >= 256 / ALPHABET * ALPHABET)
				continue;
			if (i > 0 && i % GENERATED_BLOCK == 0)
				out[len++] = '-';
			out[len++] = alphabet[byte % ALPHABET];
			i++;
		}
		out[len] = '\0';
	} while (!has_one_of(out, "a", "z") || !has_one_of(out, "A", "Z") ||
		 !has_one_of(out, "0", "9"));
	return 0;
}

int user_set_password(const struct user_store *store, const char *name, const char *secret,
		      bool is_hash, char *why, size_t size)
{
	const char *const argv[] = {"/usr/sbin/chpasswd", is_hash ? "--encrypted" : NULL, NULL};
	char line[2048], said[SAID_MAX];
	int n = snprintf(line, sizeof(line), "%s:%s\n", name, secret), r = -EINVAL;

	if (n > 0 && (size_t)n < sizeof(line))
		r = user_store_run(store, argv, line, said, sizeof(said));
	mem_wipe(line, sizeof(line));
	if (r == 0)
		return 0;
	snprintf(why, size, "the password is not taken: %s", r == -EINVAL ? "too long" : said);
	return -EINVAL;
}

/* --- programs --------------------------------------------------------------------------------- */

static int run_useradd(const struct user_store *store, const struct user_wish *wish, uid_t uid,
		       char *said, size_t size)
{
	char user[16], group[16], day[USER_DATE_MAX];
	const char *argv[32] = {
		"/usr/sbin/useradd", "--no-create-home", "--home-dir", HOME, "--shell", SHELL,
		"--no-user-group", "--no-log-init",
		/* Ranges of uids for containers of his own: nobody here needs one. */
		"--key", "SUB_UID_COUNT=0", "--key", "SUB_GID_COUNT=0", "--uid", user, "--gid",
		group, "--comment", wish->name};
	size_t n = 18;

	snprintf(user, sizeof(user), "%u", (unsigned int)uid);
	snprintf(group, sizeof(group), "%u", (unsigned int)store->accounts.users);
	if (wish->groups[0]) {
		argv[n++] = "--groups";
		argv[n++] = wish->groups;
	}
	if (wish->expires >= 0) {
		user_date_format(wish->expires, day);
		argv[n++] = "--expiredate";
		argv[n++] = day;
	}
	argv[n++] = "--";
	argv[n++] = wish->user;
	return user_store_run(store, argv, NULL, said, size);
}

bool user_take_back(const struct user_store *store, const char *name, uid_t uid, char *why,
		    size_t size)
{
	const char *const argv[] = {"/usr/sbin/userdel", "--", name, NULL};
	const struct passwd *entry = getpwnam(name);
	char said[SAID_MAX];
	size_t len = strlen(why);

	if (!entry || entry->pw_uid != uid || entry->pw_gid != store->accounts.users ||
	    user_store_run(store, argv, NULL, said, sizeof(said)) == 0)
		return true;
	user_store_stop();
	snprintf(why + len, size - len, "; and %s cannot be removed again: %s", name, said);
	return false;
}

/* Its password, now or with those of others. */
static int complete(struct user_store *store, const struct user_wish *wish, uid_t uid,
		    const char *secret, struct user_batch *batch, char *why, size_t size)
{
	int r = 0;

	if (batch) {
		user_batch_add(batch, wish->line, wish->user, uid,
			       wish->password == USER_PASSWORD_HASH ? wish->secret : NULL);
		return 0;
	}
	if (wish->password != USER_PASSWORD_LOCKED)
		r = user_set_password(store, wish->user, secret,
				      wish->password == USER_PASSWORD_HASH, why, size);
	/* What cannot be taken back stays in the journal, and whoever comes next tries again. */
	if (r == 0 || user_take_back(store, wish->user, uid, why, size))
		user_store_end(store);
	return r;
}

/* 0, or what useradd has come to, which may be that somebody else got the number first. */
static int make_account(struct user_store *store, const struct user_wish *wish, uid_t *ret_uid,
			char *why, size_t size)
{
	uid_t uid = accounts_free_uid(&store->accounts);
	char said[SAID_MAX];
	int r;

	if (uid == 0) {
		snprintf(why, size, "no number is free for it (1000 to 59999)");
		return -ENOSPC;
	}
	r = user_store_begin(store, "add", wish->user, uid);
	if (r < 0) {
		snprintf(why, size, "it cannot be begun: %s", strerror(-r));
		return r;
	}
	*ret_uid = uid;
	r = run_useradd(store, wish, uid, said, sizeof(said));
	if (r != 0)
		snprintf(why, size, "%s", said);
	return r;
}

static int add(struct user_store *store, const struct user_wish *wish, struct user_batch *batch,
	       struct user_made *made, char *why, size_t size)
{
	const char *secret = wish->secret;
	uid_t uid = 0;
	int r = 0;

	if (wish->password == USER_PASSWORD_GENERATED) {
		if (user_generate_password(made->password) < 0) {
			snprintf(why, size, "no password can be made up");
			return -EINVAL;
		}
		secret = made->password;
	}
	for (int i = 0; i < UID_TRIES; i++) {
		r = make_account(store, wish, &uid, why, size);
		if (r != USERADD_UID_IN_USE)
			break;
	}
	if (r == 0)
		return complete(store, wish, uid, secret, batch, why, size);
	/* The journal of a batch goes on: others are in it. */
	if ((uid == 0 || user_take_back(store, wish->user, uid, why, size)) &&
	    !(batch && batch->n > 0))
		user_store_end(store);
	return -EINVAL;
}

/* --- changes ---------------------------------------------------------------------------------- */

/* Those of its groups that are not ours to give, and those that are wanted. */
static int merge_groups(const struct user_store *store, const struct account_entry *entry,
			const struct user_wish *wish, char *out, size_t size)
{
	size_t len = (size_t)snprintf(out, size, "%s", wish->groups);

	if (entry->n_groups == ACCOUNTS_GROUPS_MAX)
		return -E2BIG;
	for (size_t i = 0; i < entry->n_groups && len < size; i++) {
		if (accounts_group_objection(&store->accounts, entry->groups[i]))
			len += (size_t)snprintf(out + len, size - len, "%s%s", len ? "," : "",
						entry->groups[i]);
	}
	return len < size ? 0 : -E2BIG;
}

/* By one program, so it is whole or not at all. */
static int change(const struct user_store *store, const struct account_entry *entry,
		  const struct user_wish *wish, char *why, size_t size)
{
	char day[USER_DATE_MAX] = "", groups[4096], said[SAID_MAX];
	const char *argv[16] = {"/usr/sbin/usermod"};
	size_t n = 1;

	if (wish->has[USER_COLUMN_NAME]) {
		argv[n++] = "--comment";
		argv[n++] = wish->name;
	}
	if (wish->has[USER_COLUMN_GROUPS]) {
		if (merge_groups(store, entry, wish, groups, sizeof(groups)) < 0) {
			snprintf(why, size, "it is in too many groups");
			return -EINVAL;
		}
		argv[n++] = "--groups";
		argv[n++] = groups;
	}
	if (wish->has[USER_COLUMN_EXPIRES]) {
		if (wish->expires >= 0)
			user_date_format(wish->expires, day);
		argv[n++] = "--expiredate";
		argv[n++] = day;
	}
	if (n == 1)
		return 0;
	argv[n++] = "--";
	argv[n++] = wish->user;
	if (user_store_run(store, argv, NULL, said, sizeof(said)) == 0)
		return 0;
	snprintf(why, size, "%s", said);
	return -EINVAL;
}

/* ---------------------------------------------------------------------------------------------- */

static int check_groups(const struct user_store *store, const struct user_wish *wish, char *why,
			size_t size)
{
	const char *groups = wish->groups;
	char name[USER_NAME_MAX + 1];

	while (user_groups_next(&groups, name)) {
		const char *problem = accounts_group_objection(&store->accounts, name);

		if (!problem)
			continue;
		snprintf(why, size, "the group \"%s\" %s", name, problem);
		return -EINVAL;
	}
	return 0;
}

static int check(const struct user_store *store, const struct user_wish *wish,
		 const struct account_entry *entry, bool update, char *why, size_t size)
{
	const char *problem = entry ? accounts_objection(&store->accounts, entry)
				    : accounts_foreign(wish->user);

	if (problem) {
		snprintf(why, size, "%s %s", wish->user, problem);
		return -EINVAL;
	}
	if (entry && update && wish->password != USER_PASSWORD_LOCKED) {
		snprintf(why, size,
			 "%s exists, and the password of an account that exists is not changed "
			 "here; leave it empty, or use user password",
			 wish->user);
		return -EINVAL;
	}
	return check_groups(store, wish, why, size);
}

int user_make(struct user_store *store, const struct user_wish *wish, bool update, bool preview,
	      struct user_batch *batch, struct user_made *ret_made, char *why, size_t size)
{
	const struct account_entry *entry = accounts_find(&store->accounts, wish->user);
	struct user_made made = {.exists = entry != NULL, .updated = entry && update};
	int r = check(store, wish, entry, update, why, size);

	if (r == 0 && !preview && !entry)
		r = add(store, wish, batch, &made, why, size);
	if (r == 0 && !preview && made.updated)
		r = change(store, entry, wish, why, size);
	if (r == 0)
		*ret_made = made;
	mem_wipe(made.password, sizeof(made.password));
	return r;
}
