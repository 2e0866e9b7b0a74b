/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cell/pin.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "cell/limits.h"

/* dpkg's, while it works: what it will rename in a moment, and what it may want back. */
static const char *const passing[] = {".dpkg-new", ".dpkg-tmp"};

struct walk {
	pin_entry_func entry;
	void *data;
	size_t n;
};

static int walk_folder(struct walk *walk, int dir, const char *path, int depth);

static bool is_passing(const char *name)
{
	size_t len = strlen(name);

	for (size_t i = 0; i < ARRAY_LEN(passing); i++) {
		size_t tail = strlen(passing[i]);

		if (len > tail && str_eq(name + len - tail, passing[i]))
			return true;
	}
	return false;
}

static int walk_below(struct walk *walk, int dir, const char *name, const char *path, int depth)
{
	int fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	walk->entry(walk->data, PIN_FOLDER, path, NULL);
	return walk_folder(walk, fd, path, depth + 1);
}

static int walk_entry(struct walk *walk, int dir, const char *name, const char *path, int depth)
{
	char target[PATH_MAX];
	struct stat st;
	ssize_t n;

	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	if (S_ISLNK(st.st_mode)) {
		n = readlinkat(dir, name, target, sizeof(target) - 1);
		if (n < 0)
			return -errno;
		target[n] = '\0';
		walk->entry(walk->data, PIN_LINK, path, target);
	} else if (S_ISREG(st.st_mode) && (st.st_mode & S_IROTH)) {
		walk->entry(walk->data, PIN_FILE, path, NULL);
	} else if (S_ISDIR(st.st_mode) && (st.st_mode & S_IROTH) && (st.st_mode & S_IXOTH)) {
		return walk_below(walk, dir, name, path, depth);
	}
	return 0;
}

/* Takes `fd`. */
static int walk_folder(struct walk *walk, int fd, const char *path, int depth)
{
	DIR *dir = fdopendir(fd);
	struct dirent *entry;
	char below[PATH_MAX];
	int r = depth > CELL_PIN_DEPTH ? -ELOOP : 0;

	if (!dir) {
		fd_close(fd);
		return -ENOMEM;
	}
	while (r == 0 && (entry = readdir(dir))) {
		const char *name = entry->d_name;
		int n;

		if (str_eq(name, ".") || str_eq(name, "..") || is_passing(name))
			continue;
		n = snprintf(below, sizeof(below), "%s/%s", path, name);
		if (++walk->n > CELL_PINS_MAX || n < 0 || (size_t)n >= sizeof(below))
			r = -E2BIG;
		else
			r = walk_entry(walk, dirfd(dir), name, below, depth);
		/* Renamed or removed meanwhile. */
		if (r == -ENOENT)
			r = 0;
	}
	closedir(dir);
	return r;
}

int pin_walk(const char *folder, pin_entry_func entry, void *data)
{
	struct walk walk = {entry, data, 0};
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	entry(data, PIN_ROOT, folder, NULL);
	return walk_folder(&walk, fd, folder, 1);
}
