/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "lock/mount.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/str.h"

static int path_of(const char *runtime, uid_t uid, char out[PATH_MAX])
{
	int n = snprintf(out, PATH_MAX, "%s/" MOUNT_FOLDER "/%u", runtime, (unsigned int)uid);

	return n < 0 || n >= PATH_MAX ? -ENAMETOOLONG : 0;
}

int mount_view(const char *runtime, uid_t uid)
{
	_cleanup_fd_ int fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	char path[PATH_MAX], options[128];
	int r = path_of(runtime, uid, path);

	if (fd < 0)
		return -errno;
	if (r < 0)
		return r;
	mount_drop_view(runtime, uid);
	if (mkdir(path, 0755) < 0)
		return -errno;
	/* The kernel decides by owner and mode; it is the user's processes in sshd that come, not ours. */
	snprintf(options, sizeof(options),
		 "fd=%d,rootmode=40000,user_id=0,group_id=0,allow_other,default_permissions", fd);
	if (mount("lazaret", path, "fuse.lazaret", MS_NOSUID | MS_NODEV | MS_NOEXEC, options) < 0) {
		r = -errno;
		(void)rmdir(path);
		return r;
	}
	return FD_STEAL(fd);
}

int mount_close_view(const char *runtime, uid_t uid)
{
	char path[PATH_MAX];
	int r = path_of(runtime, uid, path);

	if (r < 0)
		return r;
	if (umount2(path, UMOUNT_NOFOLLOW) < 0 && errno != EINVAL && errno != ENOENT)
		return -errno;
	(void)rmdir(path);
	return 0;
}

void mount_drop_view(const char *runtime, uid_t uid)
{
	char path[PATH_MAX];

	if (path_of(runtime, uid, path) < 0)
		return;
	while (umount2(path, UMOUNT_NOFOLLOW | MNT_DETACH) == 0)
		;
	(void)rmdir(path);
}

int mount_sweep(const char *runtime, void (*gone)(void *data, uid_t uid), void *data)
{
	char path[PATH_MAX];
	struct dirent *entry;
	DIR *dir;

	snprintf(path, sizeof(path), "%s/" MOUNT_FOLDER, runtime);
	if (mkdir(path, 0711) < 0 && errno != EEXIST)
		return -errno;
	dir = opendir(path);
	if (!dir)
		return -errno;
	while ((entry = readdir(dir))) {
		int64_t uid;

		if (str_to_int(entry->d_name, 0, UINT32_MAX - 1, &uid) < 0)
			continue;
		mount_drop_view(runtime, (uid_t)uid);
		gone(data, (uid_t)uid);
	}
	closedir(dir);
	return 0;
}
