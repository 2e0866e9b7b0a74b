/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ssh/folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "ssh/sshd_config.h"

static int complain(char *reason, const char *path, const char *name, const char *what, int error)
{
	snprintf(reason, SSH_REASON_MAX, "%s%s%s %s", path, name[0] ? "/" : "", name, what);
	return error;
}

static bool is_roots(const struct stat *status)
{
	return status->st_uid == 0 && (status->st_mode & 022) == 0;
}

static int check_entry(int dir, const char *path, const char *name, char *reason)
{
	struct stat status;

	if (fstatat(dir, name, &status, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : complain(reason, path, name, "cannot be read", -errno);
	if (!S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode))
		return complain(reason, path, name, "must be a file; remove it", -EPERM);
	if (!is_roots(&status))
		return complain(
			reason, path, name,
			"must be root's and writable by nobody else: chown root, chmod go-w",
			-EPERM);
	return 0;
}

static int check_entries(int dir, const char *path, char *reason)
{
	int copy = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *list = copy < 0 ? NULL : fdopendir(copy);
	const struct dirent *entry;
	int r = 0;

	if (!list) {
		fd_close(copy);
		return complain(reason, path, "", "cannot be listed", -EIO);
	}
	while (r == 0 && (entry = readdir(list))) {
		if (entry->d_name[0] != '.')
			r = check_entry(dir, path, entry->d_name, reason);
	}
	closedir(list);
	return r;
}

static int check_folder(const char *path, char *reason)
{
	_cleanup_fd_ int dir = -1;
	struct stat status;

	if (mkdir(path, 0755) < 0 && errno != EEXIST)
		return complain(reason, path, "", "cannot be made", -errno);
	dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (dir < 0 || fstat(dir, &status) < 0)
		return complain(reason, path, "", "is no folder that can be read", -errno);
	if (!is_roots(&status))
		return complain(
			reason, path, "",
			"must be root's and writable by nobody else: chown root, chmod go-w",
			-EPERM);
	return check_entries(dir, path, reason);
}

int ssh_folder_check(const char *path, char *reason)
{
	char keys[4096 + sizeof(SSHD_KEYS)];
	int r = check_folder(path, reason);

	if (r < 0)
		return r;
	snprintf(keys, sizeof(keys), "%s/" SSHD_KEYS, path);
	return check_folder(keys, reason);
}
