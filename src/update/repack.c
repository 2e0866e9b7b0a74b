/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "update/repack.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/str.h"
#include "update/command.h"
#include "update/dpkg.h"
#include "update/explain.h"
#include "update/limits.h"

#define SCRATCH "scratch"
#define TREE SCRATCH "/tree"
#define CONTROL TREE "/DEBIAN"
#define CONFFILES "conffiles"
#define CONFFILES_MAX (1u << 20)
#define PREFIX "dpkg-repack."

static int say(FILE *errors, const char *package, const char *sentence)
{
	fprintf(errors, "the installed %s cannot be put aside: %s\n", package, sentence);
	return -EINVAL;
}

static int run(const char *package, const char *const *argv, FILE *errors)
{
	_cleanup_free_ char *said = NULL;
	char sentence[1024];
	int status = 0;
	int r = command_run(
		&(const struct command){.argv = argv, .env = dpkg_env, .seconds = DPKG_TIMEOUT},
		&said, &status);

	if (r == 0 && status == 0)
		return 0;
	explain_dpkg(said ? said : "", sentence, sizeof(sentence));
	return say(errors, package, r < 0 ? strerror(-r) : sentence);
}

/* The one folder that was made there gets its name. */
static int name_tree(const struct store *store)
{
	DIR *dir = opendir(store_file(store, SCRATCH));
	char name[sizeof(SCRATCH) + 1 + NAME_MAX];
	const struct dirent *entry;
	int r = -ENOENT;

	if (!dir)
		return -errno;
	while (r == -ENOENT && (entry = readdir(dir))) {
		if (strncmp(entry->d_name, PREFIX, sizeof(PREFIX) - 1) != 0)
			continue;
		snprintf(name, sizeof(name), SCRATCH "/%s", entry->d_name);
		r = renameat(store->dir, name, store->dir, TREE) < 0 ? -errno : 0;
	}
	closedir(dir);
	return r;
}

static int unpack(const struct store *store, const char *package, FILE *errors)
{
	const char *const argv[] = {"/usr/bin/env",
				    "-C",
				    store_file(store, SCRATCH),
				    "/usr/bin/dpkg-repack",
				    "--generate",
				    package,
				    NULL};
	int r = store_remove(store, SCRATCH);

	if (r == 0)
		r = store_folder(store, SCRATCH, 0700, 0);
	if (r < 0)
		return say(errors, package, strerror(-r));
	r = run(package, argv, errors);
	if (r < 0)
		return r;
	r = name_tree(store);
	return r < 0 ? say(errors, package, strerror(-r)) : 0;
}

/* Takes the line that is the path, or the path and a flag, out of the list. */
static void drop_line(char *list, const char *path)
{
	size_t len = strlen(path);

	for (char *line = list; *line;) {
		size_t n = strcspn(line, "\n");
		char *next = line + n + (line[n] == '\n');

		if (n >= len && strncmp(line + n - len, path, len) == 0 &&
		    (n == len || line[n - len - 1] == ' '))
			memmove(line, next, strlen(next) + 1);
		else
			line = next;
	}
}

static int leave_out(const struct store *store, const char *path, char *list)
{
	char name[STORE_PATH_MAX];

	if (path[0] != '/' || strstr(path, "/../") ||
	    (size_t)snprintf(name, sizeof(name), TREE "%s", path) >= sizeof(name))
		return -EINVAL;
	drop_line(list, path);
	return unlinkat(store->dir, name, 0) < 0 && errno != ENOENT ? -errno : 0;
}

/* "??5?????? c /path" or "missing   c /path", a line for each file that is not the package's. */
static int leave_out_changed(const struct store *store, char *said, char *list)
{
	char *state = NULL;
	int r = 0;

	for (char *line = strtok_r(said, "\n", &state); r == 0 && line;
	     line = strtok_r(NULL, "\n", &state)) {
		char *path = strstr(line, " c /");

		if (path)
			r = leave_out(store, path + 3, list);
	}
	return r;
}

static int strip(const struct store *store, const char *package, FILE *errors)
{
	const char *const argv[] = {"/usr/bin/dpkg", "--verify", package, NULL};
	_cleanup_fd_ int control = openat(store->dir, CONTROL, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_cleanup_free_ char *list = NULL, *said = NULL;
	size_t len;
	int status = 0;
	int r = control < 0 ? -errno : fd_read_file(control, CONFFILES, CONFFILES_MAX, &list, &len);

	if (control >= 0 && r == -ENOENT)
		return 0;
	if (r == 0)
		r = command_run(&(const struct command){.argv = argv,
							.env = dpkg_env,
							.seconds = DPKG_TIMEOUT,
							.apart = true},
				&said, &status);
	/* 1: some file is not the package's. */
	if (r == 0 && status > 1)
		r = -EIO;
	if (r == 0)
		r = leave_out_changed(store, said, list);
	if (r == 0)
		r = fd_write_file_atomic(control, CONFFILES, 0644, list, strlen(list));
	return r < 0 ? say(errors, package, strerror(-r)) : 0;
}

/* It is here for a while, and goes nowhere: packing it tightly is not worth the time. */
static int pack(const struct store *store, const char *package, const char *target, FILE *errors)
{
	const char *const argv[] = {
		"/usr/bin/dpkg-deb",       "-Zgzip", "-z1", "--build", store_file(store, TREE),
		store_file(store, target), NULL};

	return run(package, argv, errors);
}

int repack(const struct store *store, const char *package, const char *target, FILE *errors)
{
	int r = unpack(store, package, errors);

	if (r == 0)
		r = strip(store, package, errors);
	if (r == 0)
		r = pack(store, package, target, errors);
	return r < 0 ? r : store_remove(store, SCRATCH);
}
