/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ctl/user_remove.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"
#include "ctl/answer.h"
#include "ctl/request.h"
#include "ctl/user.h"
#include "ctl/user_files.h"
#include "ctl/user_select.h"
#include "ctl/user_store.h"

#define ARGUMENTS_MAX 32
#define SAID_MAX 256
/* How long its session has to end, and its volume to be let go of; seconds. */
#define END_PATIENCE 30
/* Between two looks; ms. */
#define LOOK_AGAIN 300
/* userdel(8): somebody's process still runs. */
#define USERDEL_IN_USE 8

/* --- steps ------------------------------------------------------------------------------------ */

/* So that nobody logs in while his session ends. */
static int lock(const struct user_store *store, const char *name)
{
	const char *const argv[] = {
		"/usr/sbin/usermod", "--lock", "--expiredate", "1970-01-02", "--", name, NULL};
	char said[SAID_MAX];

	if (user_store_run(store, argv, NULL, said, sizeof(said)) == 0)
		return 0;
	fprintf(stderr, "lazaretctl: %s cannot be locked: %s\n", name, said);
	return -EIO;
}

/* Until the daemon knows of none any more. Without a daemon there is none. */
static int end_session(const struct user_store *store, const char *name)
{
	const char *const words[] = {"end", name, "Your account is being removed."};
	uint64_t end = clock_now() + END_PATIENCE * USEC_PER_SEC;

	for (;;) {
		_cleanup_free_ char *sentence = NULL;
		int status = ANSWER_STATUS_OK;
		int r = request_ask(store->socket, ARRAY_LEN(words), words, &status, &sentence);

		if (r == -ENOENT || r == -ECONNREFUSED || status == ANSWER_STATUS_NOT_FOUND)
			return 0;
		if (clock_now() >= end || (r == 0 && status != ANSWER_STATUS_OK)) {
			fprintf(stderr, "lazaretctl: the session of %s does not end%s%s\n", name,
				sentence && sentence[0] ? ": " : "", sentence ? sentence : "");
			return -EBUSY;
		}
		(void)poll(NULL, 0, LOOK_AGAIN);
	}
}

static int remove_account(const struct user_store *store, const char *name)
{
	const char *const argv[] = {"/usr/sbin/userdel", "--", name, NULL};
	uint64_t end = clock_now() + END_PATIENCE * USEC_PER_SEC;
	char said[SAID_MAX];
	int r;

	while ((r = user_store_run(store, argv, NULL, said, sizeof(said))) == USERDEL_IN_USE &&
	       clock_now() < end)
		(void)poll(NULL, 0, LOOK_AGAIN);
	if (r == 0)
		return 0;
	fprintf(stderr, "lazaretctl: %s cannot be removed: %s\n", name, said);
	return -EIO;
}

/* What the session held may take a moment after its end. */
static int remove_files(const struct user_store *store, const char *name, uid_t uid)
{
	uint64_t end = clock_now() + END_PATIENCE * USEC_PER_SEC;
	int r;

	while ((r = user_files_remove(store->state, uid)) == -EBUSY && clock_now() < end)
		(void)poll(NULL, 0, LOOK_AGAIN);
	if (r < 0)
		fprintf(stderr, "lazaretctl: the files of %s (%s/users/%u) are not removed: %s\n",
			name, store->state, (unsigned int)uid, strerror(-r));
	return r;
}

int user_remove_rest(const struct user_store *store, const char *name, uid_t uid)
{
	const struct account_entry *entry = accounts_find(&store->accounts, name);
	bool is_there = entry && entry->uid == uid && entry->is_user;
	int r = 0;

	if (is_there)
		r = lock(store, name);
	if (r == 0 && is_there)
		r = end_session(store, name);
	if (r == 0)
		r = remove_files(store, name, uid);
	/* Last: as long as the account is there, its number is nobody else's. */
	if (r == 0 && is_there)
		r = remove_account(store, name);
	return r;
}

/* --- the command ------------------------------------------------------------------------------ */

static void describe(const struct user_store *store, const struct account_entry *entry,
		     const char *how)
{
	struct user_files files;

	user_files_look(store->state, entry->uid, &files);
	printf("%s (%s): the account %s", entry->name,
	       entry->full_name[0] ? entry->full_name : "no name", how);
	if (files.exist)
		printf(", with home and transfer folder: %" PRIu64 " MiB used, %" PRIu64
		       " MiB of disk",
		       files.used >> 20, files.disk >> 20);
	puts("; a session that runs ends.");
}

static int remove_one(struct user_store *store, const struct account_entry *entry)
{
	int r = user_store_begin(store, "remove", entry->name, entry->uid);

	if (r < 0) {
		fprintf(stderr, "lazaretctl: %s: %s\n", entry->name, strerror(-r));
		return r;
	}
	r = user_remove_rest(store, entry->name, entry->uid);
	user_store_end(store);
	if (r < 0) {
		fprintf(stderr, "lazaretctl: %s is locked and not removed; remove it again\n",
			entry->name);
		return r;
	}
	printf("%s is removed.\n", entry->name);
	return 0;
}

static int remove_all(struct user_store *store, const struct user_select *select)
{
	_cleanup_free_ struct account_entry **entries = NULL;
	size_t n = 0, done = 0;
	int status = user_select_find(select, store, &entries, &n);

	if (status != ANSWER_STATUS_OK)
		return status;
	for (size_t i = 0; i < n && !select->yes; i++)
		describe(store, entries[i], "would be removed");
	if (!select->yes) {
		printf("%zu would be removed. This cannot be undone.\n", n);
		return ANSWER_STATUS_OK;
	}
	for (size_t i = 0; i < n; i++) {
		if (remove_one(store, entries[i]) < 0)
			break;
		done++;
		if (i + 1 < n && user_store_explain_stop())
			break;
	}
	printf("%zu of %zu removed.\n", done, n);
	return done == n ? ANSWER_STATUS_OK : ANSWER_STATUS_FAILED;
}

int user_remove(const char *socket, size_t n, char *const *arguments)
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
	if (select.preview == select.yes) {
		fputs("lazaretctl: this deletes files. --preview says what, --yes does it\n",
		      stderr);
		return ANSWER_STATUS_USAGE;
	}
	status = user_store_open(&store, socket, select.yes);
	return status == ANSWER_STATUS_OK ? remove_all(&store, &select) : status;
}
