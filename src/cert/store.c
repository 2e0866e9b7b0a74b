/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cert/store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/str.h"

#define ISSUES "issues"
#define ISSUE "issue"
#define NEXT "next"
#define BEGUN "begun"

#define KEY "key"
#define CERTIFICATE "certificate"
#define ROOT "ca"
#define REQUEST "request"
#define REPLACED "replaced"

static const char *const parts[] = {KEY, CERTIFICATE, ROOT, REQUEST, REPLACED};

static mode_t mode_of(const char *part)
{
	return str_eq(part, KEY) ? 0600 : 0644;
}

/* --- the folder ------------------------------------------------------------------------------- */

/* Where the name of a file begins in its path, behind the last slash. */
static const char *name_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

int store_open(const char *certificate, const char *key, struct store *ret_store, char *reason)
{
	struct store store = {.dir = -1};
	size_t len = (size_t)(name_of(certificate) - certificate);
	char folder[PATH_MAX];

	if (len == 0 || len >= sizeof(folder) || (size_t)(name_of(key) - key) != len ||
	    strncmp(certificate, key, len) != 0 || str_eq(name_of(certificate), name_of(key)) ||
	    !str_copy(store.certificate, sizeof(store.certificate), name_of(certificate)) ||
	    !str_copy(store.key, sizeof(store.key), name_of(key))) {
		snprintf(reason, CERT_REASON_MAX,
			 "the options certificate and private-key must name two files in one "
			 "folder, so that both can change at once");
		return -EINVAL;
	}
	snprintf(folder, sizeof(folder), "%.*s", (int)len, certificate);
	store.dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (store.dir < 0) {
		int r = -errno;

		snprintf(reason, CERT_REASON_MAX, "%.300s: %s", folder, strerror(-r));
		return r;
	}
	*ret_store = store;
	return 0;
}

void store_close(struct store *store)
{
	store->dir = fd_close(store->dir);
}

static int read_text(int dir, const char *name, char **ret_text)
{
	size_t len;
	int r = fd_read_file(dir, name, CERT_PEM_MAX, ret_text, &len);

	if (r == -ENOENT || r == -ENOTDIR)
		*ret_text = NULL;
	return r == -ENOENT || r == -ENOTDIR ? 0 : r;
}

int store_certificate(const struct store *store, char **ret_text)
{
	return read_text(store->dir, store->certificate, ret_text);
}

int store_key(const struct store *store, char **ret_text)
{
	return read_text(store->dir, store->key, ret_text);
}

int store_root(const struct store *store, char **ret_text)
{
	return read_text(store->dir, STORE_ROOT_NAME, ret_text);
}

int store_next_key(const struct store *store, char **ret_text)
{
	return read_text(store->dir, ISSUES "/" NEXT "/" KEY, ret_text);
}

int store_next_request(const struct store *store, char **ret_text)
{
	return read_text(store->dir, ISSUES "/" NEXT "/" REQUEST, ret_text);
}

/* Opens the folder of an issue below that of all; it is made if it is missing. */
static int open_issue(const struct store *store, const char *name)
{
	_cleanup_fd_ int issues = -1;
	int dir;

	if (mkdirat(store->dir, ISSUES, 0755) < 0 && errno != EEXIST)
		return -errno;
	issues = openat(store->dir, ISSUES, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (issues < 0)
		return -errno;
	if (mkdirat(issues, name, 0755) < 0 && errno != EEXIST)
		return -errno;
	dir = openat(issues, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	return dir < 0 ? -errno : dir;
}

static int write_part(int dir, const char *part, const char *text)
{
	return text ? fd_write_file_atomic(dir, part, mode_of(part), text, strlen(text)) : 0;
}

int store_ask(const struct store *store, const char *key, const char *request)
{
	_cleanup_fd_ int dir = open_issue(store, NEXT);
	int r;

	if (dir < 0)
		return dir;
	/* A request without its key is of no use; the other way round it is asked for again. */
	(void)unlinkat(dir, REQUEST, 0);
	r = write_part(dir, KEY, key);
	return r < 0 ? r : write_part(dir, REQUEST, request);
}

/* --- which is in force ------------------------------------------------------------------------ */

/* The number of the issue in force, or -1: plain files are, or nothing. */
static int64_t current(const struct store *store)
{
	char target[64];
	ssize_t len = readlinkat(store->dir, ISSUE, target, sizeof(target) - 1);
	int64_t number;

	if (len <= 0)
		return -1;
	target[len] = '\0';
	if (strncmp(target, ISSUES "/", strlen(ISSUES "/")) != 0 ||
	    str_to_int(target + strlen(ISSUES "/"), 0, INT32_MAX, &number) < 0)
		return -1;
	return number;
}

static int64_t last_number(const struct store *store)
{
	int dir = openat(store->dir, ISSUES, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	DIR *list = dir < 0 ? NULL : fdopendir(dir);
	const struct dirent *entry;
	int64_t last = 0, number;

	if (!list) {
		fd_close(dir);
		return last;
	}
	while ((entry = readdir(list))) {
		if (str_to_int(entry->d_name, 0, INT32_MAX, &number) == 0)
			last = MAX(last, number);
	}
	closedir(list);
	return last;
}

/* A symbolic link takes the place of what has that name, in one step. */
static int put_link(const struct store *store, const char *name, const char *target)
{
	char temporary[NAME_MAX + 16];

	snprintf(temporary, sizeof(temporary), "%s.link", name);
	(void)unlinkat(store->dir, temporary, 0);
	if (symlinkat(target, store->dir, temporary) < 0 ||
	    renameat(store->dir, temporary, store->dir, name) < 0)
		return -errno;
	return fsync(store->dir) < 0 ? -errno : 0;
}

static int switch_to(const struct store *store, int64_t number)
{
	char target[64];

	snprintf(target, sizeof(target), ISSUES "/%lld", (long long)number);
	return put_link(store, ISSUE, target);
}

/* --- changes ---------------------------------------------------------------------------------- */

static bool is_link(const struct store *store, const char *name, const char *expected)
{
	char target[64];
	ssize_t len = readlinkat(store->dir, name, target, sizeof(target));

	return len == (ssize_t)strlen(expected) && strncmp(target, expected, (size_t)len) == 0;
}

/* The names of the files lead to the issue in force. */
static int put_names(const struct store *store)
{
	const char *const links[][2] = {
		{store->key, ISSUE "/" KEY},
		{store->certificate, ISSUE "/" CERTIFICATE},
		{STORE_ROOT_NAME, ISSUE "/" ROOT},
	};
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_LEN(links); i++) {
		if (!is_link(store, links[i][0], links[i][1]))
			r = put_link(store, links[i][0], links[i][1]);
	}
	return r;
}

static int write_issue(const struct store *store, const char *name, const char *key,
		       const char *chain, const char *root)
{
	_cleanup_fd_ int dir = open_issue(store, name);
	int r;

	if (dir < 0)
		return dir;
	r = write_part(dir, KEY, key);
	if (r == 0)
		r = write_part(dir, CERTIFICATE, chain);
	return r < 0 ? r : write_part(dir, ROOT, root);
}

/* What lies there as plain files becomes an issue. Nothing changes for who reads them. */
static int adopt(const struct store *store)
{
	_cleanup_free_ char *chain = NULL, *root = NULL;
	_cleanup_secret_ char *key = NULL;
	int64_t number = last_number(store) + 1;
	char name[32];
	int r;

	if (is_link(store, store->key, ISSUE "/" KEY) &&
	    is_link(store, store->certificate, ISSUE "/" CERTIFICATE))
		return 0;
	r = store_key(store, &key);
	if (r == 0)
		r = store_certificate(store, &chain);
	if (r == 0)
		r = store_root(store, &root);
	if (r < 0 || !key || !chain)
		return r;
	snprintf(name, sizeof(name), "%lld", (long long)number);
	r = write_issue(store, name, key, chain, root);
	if (r == 0)
		r = switch_to(store, number);
	return r < 0 ? r : put_names(store);
}

static void remove_issue(const struct store *store, int64_t number)
{
	char name[32];
	int dir;

	snprintf(name, sizeof(name), ISSUES "/%lld", (long long)number);
	dir = openat(store->dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (dir < 0)
		return;
	for (size_t i = 0; i < ARRAY_LEN(parts); i++)
		(void)unlinkat(dir, parts[i], 0);
	close(dir);
	(void)unlinkat(store->dir, name, AT_REMOVEDIR);
}

/* Private keys that nobody needs are not kept. */
static void remove_older(const struct store *store, int64_t kept, int64_t before)
{
	for (int64_t i = last_number(store); i >= 0; i--) {
		if (i != kept && i != before)
			remove_issue(store, i);
	}
}

/* A folder with all parts becomes the issue of a number, and that one is in force. */
static int put_in_force(const struct store *store, const char *folder)
{
	int64_t before = current(store), number = last_number(store) + 1;
	char from[64], to[64], text[32];
	_cleanup_fd_ int dir = open_issue(store, folder);
	int r;

	if (dir < 0)
		return dir;
	snprintf(text, sizeof(text), "%lld\n", (long long)before);
	r = write_part(dir, REPLACED, before >= 0 ? text : NULL);
	snprintf(from, sizeof(from), ISSUES "/%s", folder);
	snprintf(to, sizeof(to), ISSUES "/%lld", (long long)number);
	if (r == 0 && renameat(store->dir, from, store->dir, to) < 0)
		r = -errno;
	if (r == 0)
		r = switch_to(store, number);
	if (r == 0)
		r = put_names(store);
	if (r == 0)
		remove_older(store, number, before);
	return r;
}

int store_begin(const struct store *store, const char *key, const char *chain, const char *root)
{
	int r = adopt(store);

	if (r == 0)
		r = write_issue(store, BEGUN, key, chain, root);
	return r < 0 ? r : put_in_force(store, BEGUN);
}

int store_install(const struct store *store, bool same_key, const char *chain, const char *root)
{
	_cleanup_secret_ char *key = NULL;
	int r;

	if (same_key) {
		r = store_key(store, &key);
		return r < 0 ? r : store_begin(store, key, chain, root);
	}
	r = adopt(store);
	if (r == 0)
		r = write_issue(store, NEXT, NULL, chain, root);
	return r < 0 ? r : put_in_force(store, NEXT);
}

int store_revert(const struct store *store)
{
	_cleanup_free_ char *text = NULL;
	int64_t number;
	char path[64];
	int r = read_text(store->dir, ISSUE "/" REPLACED, &text);

	if (r < 0)
		return r;
	if (!text)
		return -ENOENT;
	text[strcspn(text, "\n")] = '\0';
	if (str_to_int(text, 0, INT32_MAX, &number) < 0)
		return -ENOENT;
	snprintf(path, sizeof(path), ISSUES "/%lld/" CERTIFICATE, (long long)number);
	if (faccessat(store->dir, path, F_OK, 0) < 0)
		return -errno;
	return switch_to(store, number);
}
