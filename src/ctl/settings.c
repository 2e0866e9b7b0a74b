/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The folder "settings" below the state directory:
 *
 *	draft		the file as it is to become
 *	base		the file as it was when the draft was begun
 *	author		whose draft it is
 *	NUMBER		each version that was applied, and 0: what was there before the first one
 *	lock
 */
#include "ctl/settings.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/mem.h"
#include "base/str.h"
#include "ctl/answer.h"
#include "ctl/contract_read.h"
#include "ctl/files.h"
#include "ctl/program.h"
#include "ctl/request.h"
#include "ctl/settings_text.h"

#define FOLDER "settings"
#define TEXT_MAX (1 << 20)
#define AUTHOR_MAX 64
#define STAMP "# Version "

struct store {
	int dir, lock;
	char path[PATH_MAX]; /* of the folder */
	const char *file; /* the configuration that is changed: the last one that is read */
	char *now; /* its text */
	char *draft, *base; /* NULL: there is none */
	char author[AUTHOR_MAX]; /* of the draft */
	char caller[AUTHOR_MAX];
};

static int fail(const char *what, int error)
{
	fprintf(stderr, "lazaretctl: %s: %s\n", what, strerror(-error));
	return ANSWER_STATUS_FAILED;
}

static int refuse(const char *sentence)
{
	fprintf(stderr, "lazaretctl: %s\n", sentence);
	return ANSWER_STATUS_FAILED;
}

/* --- the folder ------------------------------------------------------------------------------- */

static void store_close(struct store *store)
{
	fd_close(store->dir);
	fd_close(store->lock);
	free(store->now);
	free(store->draft);
	free(store->base);
}

static int read_text(int dir, const char *name, char **ret_text)
{
	size_t len;
	int r = fd_read_file(dir, name, TEXT_MAX, ret_text, &len);

	return r == -ENOENT ? 0 : r;
}

static int open_folder(struct store *store, const char *state)
{
	snprintf(store->path, sizeof(store->path), "%s/" FOLDER, state);
	if (mkdir(store->path, 0700) < 0 && errno != EEXIST)
		return -errno;
	store->dir = open(store->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (store->dir < 0)
		return -errno;
	store->lock = openat(store->dir, "lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (store->lock < 0 || flock(store->lock, LOCK_EX) < 0)
		return -errno;
	return 0;
}

static int read_all(struct store *store)
{
	_cleanup_free_ char *author = NULL;
	int r = read_text(AT_FDCWD, store->file, &store->now);

	if (r == 0 && !store->now)
		r = -ENOENT;
	if (r == 0)
		r = read_text(store->dir, "draft", &store->draft);
	if (r == 0)
		r = read_text(store->dir, "base", &store->base);
	if (r == 0)
		r = read_text(store->dir, "author", &author);
	str_copy(store->author, sizeof(store->author), author ? author : "");
	return r;
}

/* The daemon says for whom it runs us; otherwise we are root's. */
static void find_caller(struct store *store)
{
	const char *name = getenv("LAZARET_CALLER");

	str_copy(store->caller, sizeof(store->caller), name && name[0] ? name : "root");
	for (char *c = store->caller; *c; c++) {
		if ((unsigned char)*c <= ' ' || *c == 0x7f)
			*c = '_';
	}
}

/* ANSWER_STATUS_OK, or how to exit. What is wrong was said. */
static int store_open(struct store *store)
{
	_cleanup_conf_ struct conf *conf = NULL;
	size_t n;
	const char *const *files = files_default(&n);
	int r;

	*store = (struct store){.dir = -1, .lock = -1, .file = files[n - 1]};
	if (geteuid() != 0)
		return refuse("only root may change settings without the daemon");
	find_caller(store);
	if (files_read(0, NULL, &conf) < 0)
		return ANSWER_STATUS_FAILED;
	r = open_folder(store, conf_str(conf, CONF_STATE_DIR));
	if (r == 0)
		r = read_all(store);
	if (r < 0) {
		store_close(store);
		return fail("the settings cannot be read", r);
	}
	return ANSWER_STATUS_OK;
}

static int write_text(const struct store *store, const char *name, const char *text)
{
	return fd_write_file_atomic(store->dir, name, 0600, text, strlen(text));
}

static void drop_draft(const struct store *store)
{
	(void)unlinkat(store->dir, "draft", 0);
	(void)unlinkat(store->dir, "base", 0);
	(void)unlinkat(store->dir, "author", 0);
}

/*
 * Root's options are the same as now, if it is not root who asks: a version of earlier days must not
 * bring back a role that was taken away.
 */
static bool is_allowed(const struct conf *conf)
{
	_cleanup_conf_ struct conf *now = NULL;
	const char *option;

	if (!getenv("LAZARET_CALLER"))
		return true;
	if (files_read(0, NULL, &now) < 0)
		return false;
	option = settings_roots_change(now, conf);
	if (option)
		fprintf(stderr,
			"lazaretctl: this would change \"%s\", which decides whom and what the "
			"system "
			"trusts: only root may, at the console\n",
			option);
	return !option;
}

/* Whether a text would do as the configuration; what is wrong was said. */
static bool would_do(const struct store *store, const char *text)
{
	_cleanup_contract_ struct contract *contract = NULL;
	_cleanup_conf_ struct conf *conf = NULL;
	char path[PATH_MAX + 16];
	int r = write_text(store, "tried", text);

	if (r < 0) {
		(void)fail("the draft cannot be written", r);
		return false;
	}
	snprintf(path, sizeof(path), "%s/tried", store->path);
	files_set_last(path);
	r = contract_read(0, NULL, CONTRACT_CELLS, CONTRACT_NAMES_UNASKED, &conf, &contract);
	files_set_last(store->file);
	(void)unlinkat(store->dir, "tried", 0);
	return r == 0 && is_allowed(conf);
}

/* --- the draft -------------------------------------------------------------------------------- */

/* The text of the draft is replaced, or it is begun. */
static int put_draft(const struct store *store, const char *text)
{
	int r = 0;

	if (!would_do(store, text)) {
		fputs("lazaretctl: the draft was not changed\n", stderr);
		return ANSWER_STATUS_FAILED;
	}
	if (!store->draft) {
		r = write_text(store, "author", store->caller);
		if (r == 0)
			r = write_text(store, "base", store->now);
	}
	if (r == 0)
		r = write_text(store, "draft", text);
	return r < 0 ? fail("the draft cannot be written", r) : ANSWER_STATUS_OK;
}

/* Somebody else's draft, or one of a file that has changed under it. */
static int check_draft(const struct store *store)
{
	if (store->draft && !str_eq(store->author, store->caller)) {
		fprintf(stderr,
			"lazaretctl: %s has a draft: it has to be applied or given up (lazaretctl "
			"config revert) first\n",
			store->author);
		return ANSWER_STATUS_FAILED;
	}
	if (store->draft && (!store->base || !str_eq(store->base, store->now)))
		return refuse(
			"the configuration was changed since this draft was begun: give it up "
			"(lazaretctl config revert) and begin again");
	return ANSWER_STATUS_OK;
}

static int set(const struct store *store, const struct setting *setting, size_t n,
	       char *const *values)
{
	_cleanup_free_ char *line = NULL, *text = NULL;
	const char *why;
	int r = n == 0 ? 0 : setting_line(setting, n, (const char *const *)values, &line, &why);

	if (r == -EINVAL) {
		refuse(why);
		return ANSWER_STATUS_USAGE;
	}
	if (r == 0)
		text = settings_replace(store->draft ? store->draft : store->now, setting->before,
					line);
	if (!text)
		return fail("the draft cannot be made", -ENOMEM);
	return put_draft(store, text);
}

int settings_set(size_t n, char *const *arguments)
{
	struct setting setting;
	struct store store;
	int status;

	if (setting_find(arguments[0], &setting) < 0) {
		fprintf(stderr,
			"lazaretctl: there is no option \"%s\"; lazaretctl config dump lists all, "
			"one "
			"of a section is path.NAME.OPTION or group.NAME.OPTION\n",
			arguments[0]);
		return ANSWER_STATUS_USAGE;
	}
	if (setting.is_roots && getenv("LAZARET_CALLER")) {
		fprintf(stderr,
			"lazaretctl: \"%s\" decides whom and what the system trusts: only root may "
			"change it, at the console\n",
			arguments[0]);
		return ANSWER_STATUS_DENIED;
	}
	status = store_open(&store);
	if (status != ANSWER_STATUS_OK)
		return status;
	status = check_draft(&store);
	if (status == ANSWER_STATUS_OK)
		status = set(&store, &setting, n - 1, arguments + 1);
	store_close(&store);
	return status;
}

static bool has_line(const char *text, const char *line, size_t len)
{
	while (*text) {
		size_t n = strcspn(text, "\n");

		if (n == len && strncmp(text, line, len) == 0)
			return true;
		text += n + (text[n] == '\n');
	}
	return false;
}

/* The lines of a text that another one does not have. */
static void print_missing(const char *text, const char *other, char sign)
{
	while (*text) {
		size_t n = strcspn(text, "\n");

		if (n > 0 && !has_line(other, text, n))
			printf("%c %.*s\n", sign, (int)n, text);
		text += n + (text[n] == '\n');
	}
}

int settings_diff(void)
{
	struct store store;
	int status = store_open(&store);

	if (status != ANSWER_STATUS_OK)
		return status;
	if (!store.draft) {
		puts("There is no draft.");
	} else {
		printf("Draft of %s:\n", store.author);
		print_missing(store.now, store.draft, '-');
		print_missing(store.draft, store.now, '+');
		if (!store.base || !str_eq(store.base, store.now))
			puts("The configuration was changed since this draft was begun: it cannot "
			     "be "
			     "applied.");
	}
	store_close(&store);
	return ANSWER_STATUS_OK;
}

int settings_revert(void)
{
	struct store store;
	int status = store_open(&store);

	if (status != ANSWER_STATUS_OK)
		return status;
	if (store.draft)
		printf("The draft of %s is given up.\n", store.author);
	else
		puts("There is no draft.");
	drop_draft(&store);
	store_close(&store);
	return ANSWER_STATUS_OK;
}

/* --- versions --------------------------------------------------------------------------------- */

/* The highest number there is, -1 for none. */
static int64_t last_version(const struct store *store)
{
	int copy = openat(store->dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *list = copy < 0 ? NULL : fdopendir(copy);
	const struct dirent *entry;
	int64_t last = -1, number;

	if (!list) {
		fd_close(copy);
		return -1;
	}
	while ((entry = readdir(list))) {
		if (str_to_int(entry->d_name, 0, INT32_MAX, &number) == 0 && number > last)
			last = number;
	}
	closedir(list);
	return last;
}

static int write_version(const struct store *store, int64_t number, const char *text)
{
	char name[24];

	snprintf(name, sizeof(name), "%lld", (long long)number);
	return write_text(store, name, text);
}

static int write_config(const struct store *store, const char *text)
{
	const char *slash = strrchr(store->file, '/');
	char folder[PATH_MAX];
	_cleanup_fd_ int dir = -1;

	snprintf(folder, sizeof(folder), "%.*s", slash ? (int)(slash - store->file) : 1,
		 slash ? store->file : ".");
	dir = open(folder[0] ? folder : "/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return -errno;
	return fd_write_file_atomic(dir, slash ? slash + 1 : store->file, 0644, text, strlen(text));
}

/* The text with a line that says which version it is. */
static char *stamp(const struct store *store, int64_t number, const char *text)
{
	char when[32], line[sizeof(STAMP) + AUTHOR_MAX + 64];

	clock_format(clock_wall(), when, sizeof(when));
	snprintf(line, sizeof(line), STAMP "%lld, %s, %s", (long long)number, when, store->caller);
	return settings_replace(text, STAMP, line);
}

/* Whether the daemon has taken it; *ret_absent: there is none; *ret_fixed: a restart is needed. */
static bool reload(const char *socket, bool *ret_absent, bool *ret_fixed)
{
	static const char *const words[] = {"reload"};
	_cleanup_free_ char *sentence = NULL;
	int status;
	int r = request_ask(socket, ARRAY_LEN(words), words, &status, &sentence);

	*ret_absent = r == -ENOENT || r == -ECONNREFUSED;
	*ret_fixed = r == 0 && status != ANSWER_STATUS_OK &&
		     strstr(sentence, "cannot change while the system runs");
	if (r == 0 && status == ANSWER_STATUS_OK)
		return true;
	fprintf(stderr, "lazaretctl: %s\n",
		r < 0 ? *ret_absent ? "lazaretd does not run: the settings hold when it starts"
				    : strerror(-r)
		      : sentence);
	return *ret_absent;
}

/* How the draft is put in force. */
struct way {
	const char *socket;
	bool full, yes;
};

/* Persons' sessions that a restart would end: one that is parked or proves the sandbox is nobody's, one
 * that ends does so anyway. -1: the daemon does not say. */
static int count_sessions(const char *socket)
{
	const char *const argv[] = {"/proc/self/exe", "--socket", socket,
				    "--json",         "sessions", NULL};
	_cleanup_free_ char *text = NULL;
	json_object *list;
	int status = 0, n = 0;

	if (program_run(&(const struct program){.argv = argv, .max = TEXT_MAX, .timeout_ms = 30000},
			&status, &text, NULL) < 0 ||
	    status != 0)
		return -1;
	list = json_tokener_parse(text);
	for (size_t i = 0;
	     json_object_is_type(list, json_type_array) && i < json_object_array_length(list);
	     i++) {
		json_object *item = json_object_array_get_idx(list, i);
		const char *state = json_object_get_string(json_object_object_get(item, "state"));
		const char *user = json_object_get_string(json_object_object_get(item, "user"));

		n += !state ||
		     (!str_eq(state, "parked") && !str_eq(state, "ending") && user && user[0]);
	}
	json_object_put(list);
	return n;
}

/* What the running daemon does not take, the next one will: the file is written already. */
static int restart(const struct store *store, const struct way *way, int64_t number,
		   const char *text, int n_sessions)
{
	static const char *const words[] = {"shutdown", "--restart"};
	_cleanup_free_ char *sentence = NULL;
	int status, r = write_version(store, number, text);

	if (r < 0)
		return fail("this version cannot be kept", r);
	drop_draft(store);
	printf("Applied as version %lld; the system restarts, and %d sessions end.\n",
	       (long long)number, n_sessions);
	/* We may end with it. */
	fflush(stdout);
	r = request_ask(way->socket, ARRAY_LEN(words), words, &status, &sentence);
	return r < 0 ? fail("the system did not restart", r) : status;
}

static int put_in_force(const struct store *store, const struct way *way, int64_t number,
			const char *text)
{
	const char *socket = way->socket;
	bool absent, fixed = false;
	int n_sessions;
	int r = write_config(store, text);

	if (r < 0)
		return fail(store->file, r);
	if (reload(socket, &absent, &fixed)) {
		r = write_version(store, number, text);
		if (r < 0)
			return fail("the settings hold, but this version cannot be kept", r);
		drop_draft(store);
		printf("Applied as version %lld.\n", (long long)number);
		return ANSWER_STATUS_OK;
	}
	n_sessions = way->full && fixed ? count_sessions(socket) : -1;
	if (n_sessions == 0 || (n_sessions > 0 && way->yes))
		return restart(store, way, number, text, n_sessions);
	if (n_sessions > 0)
		fprintf(stderr,
			"lazaretctl: a restart would end %d sessions: config apply --full --yes "
			"does "
			"it; lazaretctl maintenance on gives users time\n",
			n_sessions);
	else if (fixed && !way->full)
		fputs("lazaretctl: config apply --full restarts the system for it\n", stderr);
	r = write_config(store, store->now);
	if (r < 0)
		return fail("the settings are refused, and the file cannot be set back", r);
	(void)reload(socket, &absent, &fixed);
	return refuse("nothing was changed; the draft is still there");
}

static int apply(const struct store *store, const struct way *way)
{
	_cleanup_free_ char *text = NULL;
	int64_t last = last_version(store);
	int status = check_draft(store), r = 0;

	if (status != ANSWER_STATUS_OK)
		return status;
	if (!store->draft) {
		puts("There is no draft: nothing to apply.");
		return ANSWER_STATUS_OK;
	}
	/* The host may have changed since it was written. */
	if (!would_do(store, store->draft))
		return refuse("nothing was changed; the draft is still there");
	if (last < 0) {
		r = write_version(store, 0, store->now);
		last = 0;
	}
	text = stamp(store, last + 1, store->draft);
	if (r < 0 || !text)
		return fail("the version before cannot be kept", r < 0 ? r : -ENOMEM);
	return put_in_force(store, way, last + 1, text);
}

int settings_apply(const char *socket, size_t n, char *const *arguments)
{
	struct way way = {.socket = socket};
	struct store store;
	int status;

	for (size_t i = 0; i < n; i++) {
		way.full = way.full || str_eq(arguments[i], "--full");
		way.yes = way.yes || str_eq(arguments[i], "--yes");
		if (str_eq(arguments[i], "--full") || str_eq(arguments[i], "--yes"))
			continue;
		refuse("usage: lazaretctl config apply [--full [--yes]]");
		return ANSWER_STATUS_USAGE;
	}
	status = store_open(&store);
	if (status != ANSWER_STATUS_OK)
		return status;
	status = apply(&store, &way);
	store_close(&store);
	return status;
}

/* "WHEN, WHO" of a version, "" for the one before the first. */
static void describe(const struct store *store, int64_t number, char *out, size_t size)
{
	_cleanup_free_ char *text = NULL;
	char name[24], start[sizeof(STAMP) + 32];
	const char *line;

	out[0] = '\0';
	snprintf(name, sizeof(name), "%lld", (long long)number);
	if (read_text(store->dir, name, &text) < 0 || !text)
		return;
	snprintf(start, sizeof(start), STAMP "%lld, ", (long long)number);
	line = strstr(text, start);
	if (line)
		snprintf(out, size, "%.*s", (int)strcspn(line + strlen(start), "\n"),
			 line + strlen(start));
}

int settings_history(bool json)
{
	json_object *list = json_object_new_array();
	struct store store;
	int status = store_open(&store);
	char text[AUTHOR_MAX + 64];

	for (int64_t i = status == ANSWER_STATUS_OK ? last_version(&store) : -1; i >= 0; i--) {
		char *who;
		json_object *item = json_object_new_object();

		describe(&store, i, text, sizeof(text));
		who = strstr(text, ", ");
		if (who)
			*who = '\0';
		who = who ? who + 2 : text + strlen(text);
		if (!json)
			printf("%-6lld %-26s %s\n", (long long)i, text, who);
		json_object_object_add(item, "version", json_object_new_int64(i));
		json_object_object_add(item, "time", json_object_new_string(text));
		json_object_object_add(item, "user", json_object_new_string(who));
		json_object_array_add(list, item);
	}
	if (status == ANSWER_STATUS_OK && json)
		puts(json_object_to_json_string_ext(list, JSON_C_TO_STRING_PLAIN));
	json_object_put(list);
	if (status == ANSWER_STATUS_OK)
		store_close(&store);
	return status;
}

static int restore(const struct store *store, const char *number)
{
	_cleanup_free_ char *text = NULL;
	int64_t value;
	int r = -ENOENT;

	if (store->draft)
		return refuse("there is a draft: apply it or give it up (lazaretctl config revert) "
			      "first");
	if (str_to_int(number, 0, INT32_MAX, &value) == 0)
		r = read_text(store->dir, number, &text);
	if (r == 0 && text)
		return put_draft(store, text);
	fprintf(stderr, "lazaretctl: there is no version \"%s\"; see lazaretctl config history\n",
		number);
	return ANSWER_STATUS_NOT_FOUND;
}

int settings_restore(const char *number)
{
	struct store store;
	int status = store_open(&store);

	if (status != ANSWER_STATUS_OK)
		return status;
	status = restore(&store, number);
	store_close(&store);
	return status;
}
