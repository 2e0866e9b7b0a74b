/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ctl/user_store.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/mem.h"
#include "base/spawn.h"
#include "base/str.h"
#include "ctl/answer.h"
#include "ctl/files.h"
#include "ctl/user_batch.h"
#include "ctl/user_check.h"
#include "ctl/user_remove.h"

#define FOLDER "accounts"
#define RECORD_MAX 128
#define JOURNAL_MAX (4 * USER_BATCH_MAX * RECORD_MAX)
#define SAID_MAX 4096
/* How long somebody else may hold what we need; seconds, and between two tries; ms. */
#define PATIENCE 15
#define LOCK_PATIENCE 3
#define LOOK_AGAIN 50

static volatile sig_atomic_t wanted_to_end;
static uint64_t batch_end;

/* --- programs --------------------------------------------------------------------------------- */

static int wait_for(struct child *child)
{
	int status;

	while (waitpid(child->pid, &status, 0) < 0) {
		if (errno != EINTR)
			return -errno;
	}
	fd_close(child->pidfd);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -EIO;
}

/* The last line that is not empty, without the program's own name. */
static void read_said(int fd, char *said, size_t size)
{
	char text[SAID_MAX];
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);
	char *line;

	said[0] = '\0';
	if (n <= 0)
		return;
	while (n > 0 && text[n - 1] == '\n')
		n--;
	text[n] = '\0';
	line = strrchr(text, '\n');
	line = line ? line + 1 : text;
	(void)str_sanitize(said, size, line, strlen(line));
}

static int run_once(const struct user_store *store, const char *const *argv, const char *input,
		    char *said, size_t size)
{
	_cleanup_fd_ int in = input ? fd_memfd("input", input, strlen(input)) : -1;
	_cleanup_fd_ int err = memfd_create("errors", MFD_CLOEXEC);
	struct child child;
	int r;

	if (err < 0 || (input && in < 0))
		return -ENOMEM;
	r = spawn(&(const struct spawn){.path = argv[0],
					.argv = argv,
					.fds = &store->lock,
					.n_fds = 1,
					.stdin_fd = MAX(in, 0),
					.stderr_fd = err},
		  &child);
	if (r == 0)
		r = wait_for(&child);
	read_said(err, said, size);
	if (r < 0)
		snprintf(said, size, "%s: %s", argv[0], strerror(-r));
	else if (r > 0 && !said[0])
		snprintf(said, size, "%s: exit status %d", argv[0], r);
	return r;
}

/* Others change accounts, too, and hold the files for a moment. */
int user_store_run(const struct user_store *store, const char *const *argv, const char *input,
		   char *said, size_t size)
{
	uint64_t end = clock_now() + PATIENCE * USEC_PER_SEC;
	int r;

	while ((r = run_once(store, argv, input, said, size)) > 0 && strstr(said, "cannot lock") &&
	       clock_now() < end)
		(void)poll(NULL, 0, LOOK_AGAIN);
	return r;
}

/* --- the journal ------------------------------------------------------------------------------ */

int user_store_begin(struct user_store *store, const char *verb, const char *name, uid_t uid)
{
	char record[RECORD_MAX];
	int n = snprintf(record, sizeof(record), "%s %s %u\n", verb, name, (unsigned int)uid);

	if (n < 0 || (size_t)n >= sizeof(record))
		return -EINVAL;
	/* One write: a record is there, or not. */
	if (store->journal_len + (size_t)n >= JOURNAL_MAX)
		return -E2BIG;
	if (pwrite(store->journal, record, (size_t)n, (off_t)store->journal_len) != n)
		return -EIO;
	store->journal_len += (size_t)n;
	return fdatasync(store->journal) < 0 ? -errno : 0;
}

bool user_store_is_full(const struct user_store *store)
{
	return store->journal_len > JOURNAL_MAX / 2;
}

void user_store_end(struct user_store *store)
{
	store->journal_len = 0;
	/* When it stays all the same, what was done last is undone: said, and no harm. */
	if (ftruncate(store->journal, 0) < 0)
		fprintf(stderr, "lazaretctl: the journal of accounts cannot be written: %s\n",
			strerror(errno));
}

/* "verb name uid"; anything else we have not written. */
static bool read_record(char *record, char *verb, char *name, uid_t *ret_uid)
{
	char *first, *second;
	int64_t uid;

	first = strchr(record, ' ');
	second = first ? strchr(first + 1, ' ') : NULL;
	if (!second)
		return false;
	*first++ = '\0';
	*second++ = '\0';
	if (strlen(record) >= 8 || user_name_objection(first) ||
	    str_to_int(second, ACCOUNTS_UID_MIN, ACCOUNTS_UID_MAX, &uid) < 0)
		return false;
	(void)str_copy(verb, 8, record);
	(void)str_copy(name, USER_NAME_MAX + 1, first);
	*ret_uid = (uid_t)uid;
	return true;
}

static int undo_add(const struct user_store *store, const struct account_entry *entry)
{
	const char *const argv[] = {"/usr/sbin/userdel", "--", entry->name, NULL};
	char said[256];
	int r = user_store_run(store, argv, NULL, said, sizeof(said));

	if (r != 0)
		fprintf(stderr,
			"lazaretctl: the account %s was half made and cannot be removed: %s\n",
			entry->name, said);
	else
		fprintf(stderr,
			"note: making the account %s was cut short before; it has been removed "
			"again\n",
			entry->name);
	return r == 0 ? 0 : -EIO;
}

static int read_accounts(struct user_store *store)
{
	accounts_finish(&store->accounts);
	return accounts_read(&store->accounts, store->conf);
}

static int mend_one(const struct user_store *store, char *record)
{
	char verb[8], name[USER_NAME_MAX + 1];
	const struct account_entry *entry;
	uid_t uid;

	if (!read_record(record, verb, name, &uid))
		return 0;
	entry = accounts_find(&store->accounts, name);
	if (str_eq(verb, "remove")) {
		fprintf(stderr, "note: removing %s was cut short before; going on with it\n", name);
		if (user_remove_rest(store, name, uid) < 0)
			fprintf(stderr, "note: %s is locked and not removed; remove it again\n",
				name);
		return 0;
	}
	/* Somebody else's of the same name it is not: that would have another number. */
	if (str_eq(verb, "add") && entry && entry->uid == uid && entry->is_user)
		return undo_add(store, entry);
	return 0;
}

static int mend(struct user_store *store)
{
	char journal[JOURNAL_MAX];
	ssize_t n = pread(store->journal, journal, sizeof(journal) - 1, 0);
	char *record = journal, *end;
	int r = 0;

	if (n <= 0)
		return n < 0 ? -errno : 0;
	journal[n] = '\0';
	/* What has no end was never written wholly, so it was never begun. */
	while (r == 0 && (end = strchr(record, '\n'))) {
		*end = '\0';
		r = mend_one(store, record);
		record = end + 1;
	}
	if (r < 0)
		return r;
	user_store_end(store);
	return read_accounts(store);
}

/* ---------------------------------------------------------------------------------------------- */

static void handle_end(int signal)
{
	(void)signal;
	wanted_to_end = 1;
}

static void watch_signals(void)
{
	struct sigaction action = {.sa_handler = handle_end};

	(void)sigaction(SIGTERM, &action, NULL);
	(void)sigaction(SIGINT, &action, NULL);
	(void)sigaction(SIGHUP, &action, NULL);
	(void)signal(SIGPIPE, SIG_IGN);
	batch_end = clock_now() + USER_BATCH_TIMEOUT * USEC_PER_SEC;
}

bool user_store_stopped(void)
{
	return wanted_to_end || (getenv("LAZARET_CALLER") && clock_now() >= batch_end);
}

void user_store_stop(void)
{
	wanted_to_end = 1;
}

bool user_store_explain_stop(void)
{
	if (!user_store_stopped())
		return false;
	fputs(wanted_to_end
		      ? "lazaretctl: stopped; what was done so far is whole. Do it again for the "
			"rest\n"
		      : "lazaretctl: stopped, for it took too long; what was done so far is whole. "
			"Do it again for the rest\n",
	      stderr);
	return true;
}

static int take_lock(int fd)
{
	uint64_t end = clock_now() + LOCK_PATIENCE * USEC_PER_SEC;

	while (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		if (errno != EWOULDBLOCK || clock_now() >= end)
			return -errno;
		(void)poll(NULL, 0, LOOK_AGAIN);
	}
	return 0;
}

static int open_folder(struct user_store *store)
{
	int r;

	_cleanup_fd_ int dir = -1;
	char path[PATH_MAX + sizeof(FOLDER) + 1];

	snprintf(path, sizeof(path), "%s/" FOLDER, store->state);
	/* Without a state directory this is no host of ours. */
	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		return errno == ENOENT ? -ENOTDIR : -errno;
	dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (dir < 0)
		return -errno;
	store->lock = openat(dir, "lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (store->lock < 0)
		return -errno;
	r = take_lock(store->lock);
	if (r < 0)
		return r;
	store->journal = openat(dir, "journal", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	return store->journal < 0 ? -errno : 0;
}

static int explain(const struct user_store *store, int error)
{
	if (error == -ENOENT)
		fprintf(stderr,
			"lazaretctl: the users-group \"%s\" does not exist: groupadd --system %s\n",
			conf_str(store->conf, CONF_USERS_GROUP),
			conf_str(store->conf, CONF_USERS_GROUP));
	else if (error == -EWOULDBLOCK)
		fputs("lazaretctl: somebody else is changing users just now; try again later\n",
		      stderr);
	else
		fprintf(stderr, "lazaretctl: the accounts cannot be read or changed: %s\n",
			strerror(-error));
	return ANSWER_STATUS_FAILED;
}

int user_store_open(struct user_store *store, const char *socket, bool change)
{
	int r;

	*store = (struct user_store){.lock = -1, .journal = -1, .socket = socket};
	if (geteuid() != 0) {
		fputs("lazaretctl: accounts are root's to read and change; without --here the "
		      "daemon does it\n",
		      stderr);
		return ANSWER_STATUS_DENIED;
	}
	if (files_read(0, NULL, &store->conf) < 0)
		return ANSWER_STATUS_FAILED;
	(void)str_copy(store->state, sizeof(store->state), conf_str(store->conf, CONF_STATE_DIR));
	r = change ? open_folder(store) : 0;
	/* Behind the lock: what the one before us has made is seen. */
	if (r == 0)
		r = read_accounts(store);
	if (r == 0 && change) {
		watch_signals();
		r = mend(store);
	}
	return r < 0 ? explain(store, r) : ANSWER_STATUS_OK;
}

void user_store_close(struct user_store *store)
{
	accounts_finish(&store->accounts);
	conf_destroy(store->conf);
	fd_close(store->journal);
	fd_close(store->lock);
}
