/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Owners and modes of files and folders. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/str.h"
#include "ctl/files.h"
#include "ctl/secure_impl.h"

#define WRITABLE (S_IWGRP | S_IWOTH)
#define SECRET (S_IRWXG | S_IRWXO)
#define RIGHTS (S_ISUID | S_ISGID)
#define DEPTH_MAX 4
#define PAM_DIR "/etc/pam.d"

/* As chmod writes it: what of `excess` a mode must lose. */
static const char *removal(mode_t excess)
{
	if (excess & RIGHTS)
		return "ug-s,go-w";
	return excess & (S_IRWXG | S_IRWXO) & ~(mode_t)WRITABLE ? "go=" : "go-w";
}

/* Of root, and without the bits of `forbidden`. The file is what a link leads to. */
static void check_status(struct secure *secure, const char *path, const struct stat *status,
			 mode_t forbidden)
{
	mode_t excess = status->st_mode & forbidden;

	/* A link's own mode means nothing. */
	if (S_ISLNK(status->st_mode))
		excess = 0;
	if (status->st_uid != 0) {
		secure_what(secure, "%s belongs to the user id %u, not to root", path,
			    (unsigned int)status->st_uid);
		secure_deviates(secure, "chown -h root:root %s", secure_quote(path));
	}
	if (excess == 0)
		return;
	secure_what(secure, "%s has the mode %04o: %s", path,
		    (unsigned int)status->st_mode & 07777u,
		    excess & RIGHTS     ? "whoever runs it has its owner's rights"
		    : excess & WRITABLE ? "others than root can write it"
					: "others than root can read it");
	secure_deviates(secure, "chmod %s %s", removal(excess), secure_quote(path));
}

static bool check_path(struct secure *secure, const char *path, mode_t forbidden)
{
	struct stat status;

	if (stat(path, &status) < 0) {
		if (errno == ENOENT || errno == ENOTDIR)
			return false;
		secure_what(secure, "%s cannot be looked at: %s", path, strerror(errno));
		secure_unknown(secure, "stat %s", secure_quote(path));
		return false;
	}
	check_status(secure, path, &status, forbidden);
	return true;
}

/* Whoever can write a folder above can put another file in the place. */
static void check_above(struct secure *secure, const char *path)
{
	char above[PATH_MAX];
	struct stat status;
	char *slash;

	str_copy(above, sizeof(above), path);
	while ((slash = strrchr(above, '/')) && slash > above) {
		*slash = '\0';
		if (stat(above, &status) == 0)
			check_status(secure, above, &status,
				     status.st_mode & S_ISVTX ? 0 : WRITABLE);
	}
}

static void check_missing(struct secure *secure, const char *path, const char *how)
{
	secure_what(secure, "%s is missing", path);
	secure_deviates(secure, "%s", how);
}

/* The folder with what is below it. Links are looked at, not followed. */
static void check_tree(struct secure *secure, const char *path, mode_t forbidden, int depth)
{
	struct stat status;
	struct dirent *entry;
	DIR *dir;

	if (lstat(path, &status) < 0)
		return;
	check_status(secure, path, &status,
		     S_ISDIR(status.st_mode) ? forbidden & ~(mode_t)RIGHTS : forbidden);
	if (!S_ISDIR(status.st_mode) || depth == 0)
		return;
	dir = opendir(path);
	while (dir && (entry = readdir(dir))) {
		char below[PATH_MAX];

		if (str_eq(entry->d_name, ".") || str_eq(entry->d_name, ".."))
			continue;
		if ((size_t)snprintf(below, sizeof(below), "%s/%s", path, entry->d_name) <
		    sizeof(below))
			check_tree(secure, below, forbidden, depth - 1);
	}
	if (dir)
		closedir(dir);
}

/* --- checks ----------------------------------------------------------------------------------- */

void secure_configuration(struct secure *secure)
{
	size_t n;
	const char *const *files = files_default(&n);

	for (size_t i = 0; i < n; i++) {
		(void)check_path(secure, files[i], WRITABLE);
		check_above(secure, files[i]);
	}
}

void secure_private_key(struct secure *secure)
{
	const char *key = conf_str(secure->conf, CONF_PRIVATE_KEY);
	const char *certificate = conf_str(secure->conf, CONF_CERTIFICATE);

	if (!check_path(secure, key, SECRET))
		check_missing(secure, key, "lazaretctl cert request, then cert install");
	check_above(secure, key);
	(void)check_path(secure, certificate, WRITABLE);
	check_above(secure, certificate);
}

static bool is_host_key(const char *name)
{
	size_t len = strlen(name);

	return strncmp(name, "host_", 5) == 0 && !(len > 4 && str_eq(name + len - 4, ".pub"));
}

void secure_ssh(struct secure *secure)
{
	const char *path = conf_str(secure->conf, CONF_SSH_DIR);
	DIR *dir = opendir(path);
	struct dirent *entry;

	check_tree(secure, path, WRITABLE, DEPTH_MAX);
	check_above(secure, path);
	while (dir && (entry = readdir(dir))) {
		char key[PATH_MAX];

		snprintf(key, sizeof(key), "%s/%s", path, entry->d_name);
		if (is_host_key(entry->d_name))
			(void)check_path(secure, key, SECRET & ~(mode_t)WRITABLE);
	}
	if (dir)
		closedir(dir);
}

static void check_users(struct secure *secure, const char *state)
{
	static const char *const files[] = {"owner", "volume"};
	char path[PATH_MAX];
	struct dirent *entry;
	DIR *dir;

	snprintf(path, sizeof(path), "%s/users", state);
	(void)check_path(secure, path, WRITABLE);
	dir = opendir(path);
	while (dir && (entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/users/%s", state, entry->d_name);
		(void)check_path(secure, path, WRITABLE);
		for (size_t i = 0; i < ARRAY_LEN(files); i++) {
			snprintf(path, sizeof(path), "%s/users/%s/%s", state, entry->d_name,
				 files[i]);
			(void)check_path(secure, path, SECRET);
		}
	}
	if (dir)
		closedir(dir);
}

void secure_state(struct secure *secure)
{
	static const char *const secrets[] = {"settings", "firewall", "backup"};
	const char *state = conf_str(secure->conf, CONF_STATE_DIR);
	char path[PATH_MAX];

	(void)check_path(secure, state, WRITABLE);
	check_above(secure, state);
	for (size_t i = 0; i < ARRAY_LEN(secrets); i++) {
		snprintf(path, sizeof(path), "%s/%s", state, secrets[i]);
		if (check_path(secure, path, SECRET))
			check_tree(secure, path, WRITABLE, DEPTH_MAX);
	}
	check_users(secure, state);
}

void secure_runtime(struct secure *secure)
{
	const char *path = conf_str(secure->conf, CONF_RUNTIME_DIR);

	(void)check_path(secure, path, WRITABLE);
	check_above(secure, path);
}

void secure_programs(struct secure *secure)
{
	const char *libexec = conf_str(secure->conf, CONF_LIBEXEC_DIR);
	const char *data = conf_str(secure->conf, CONF_DATA_DIR);
	char self[PATH_MAX];
	ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);

	check_tree(secure, libexec, WRITABLE | RIGHTS, DEPTH_MAX);
	check_above(secure, libexec);
	check_tree(secure, data, WRITABLE | RIGHTS, DEPTH_MAX);
	check_above(secure, data);
	if (len <= 0)
		return;
	self[len] = '\0';
	(void)check_path(secure, self, WRITABLE | RIGHTS);
}

static void check_service(struct secure *secure, const char *name)
{
	char path[PATH_MAX], how[PATH_MAX];

	snprintf(path, sizeof(path), PAM_DIR "/%s", name);
	if (check_path(secure, path, WRITABLE))
		return;
	snprintf(how, sizeof(how),
		 "install the service again: apt-get install --reinstall "
		 "lazaret (without it PAM asks the service \"other\")");
	check_missing(secure, path, how);
}

void secure_pam(struct secure *secure)
{
	static const char *const parts[] = {"common-auth", "common-account",
					    "common-session-noninteractive", "other"};
	char path[64];

	(void)check_path(secure, PAM_DIR, WRITABLE);
	check_service(secure, conf_str(secure->conf, CONF_PAM_SERVICE));
	check_service(secure, conf_str(secure->conf, CONF_ADMIN_PAM_SERVICE));
	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		snprintf(path, sizeof(path), PAM_DIR "/%s", parts[i]);
		(void)check_path(secure, path, WRITABLE);
	}
}

void secure_account_files(struct secure *secure)
{
	static const struct {
		const char *path;
		mode_t forbidden;
	} files[] = {
		{"/etc/passwd", WRITABLE},
		{"/etc/group", WRITABLE},
		{"/etc/shadow", S_IWGRP | S_IRWXO},
		{"/etc/gshadow", S_IWGRP | S_IRWXO},
	};

	for (size_t i = 0; i < ARRAY_LEN(files); i++)
		(void)check_path(secure, files[i].path, files[i].forbidden);
}
