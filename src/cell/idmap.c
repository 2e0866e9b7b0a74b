/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cell/idmap.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"

#define MAP_MAX 64

pid_t idmap_fork(unsigned long flags)
{
	return (pid_t)syscall(SYS_clone, flags | SIGCHLD, NULL, NULL, NULL, NULL);
}

static int write_map(pid_t pid, const char *which, uid_t inside, uid_t outside)
{
	char path[64], text[MAP_MAX];
	_cleanup_fd_ int fd = -1;
	int n;

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, which);
	n = snprintf(text, sizeof(text), "%u %u 1\n", (unsigned int)inside, (unsigned int)outside);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	return write(fd, text, (size_t)n) < 0 ? -errno : 0;
}

/*
 * A user namespace whose only purpose is its map: what `owner` has on disk appears as `uid`'s,
 * and what `uid` writes is `owner`'s. Nobody else appears at all.
 */
static int map_namespace(uid_t owner, gid_t owner_group, uid_t uid, gid_t gid)
{
	char path[64];
	int r, fd = -1;
	pid_t pid = idmap_fork(CLONE_NEWUSER);

	if (pid < 0)
		return -errno;
	if (pid == 0) {
		for (;;)
			pause();
	}
	r = write_map(pid, "uid_map", owner, uid);
	if (r == 0)
		r = write_map(pid, "gid_map", owner_group, gid);
	if (r == 0) {
		snprintf(path, sizeof(path), "/proc/%d/ns/user", (int)pid);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		r = fd < 0 ? -errno : 0;
	}
	kill(pid, SIGKILL);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	return r < 0 ? r : fd;
}

/* A detached copy of the mount, mapped; no path of it exists anywhere. */
static int mapped_tree(const char *folder, int userns)
{
	_cleanup_fd_ int tree = (int)syscall(SYS_open_tree, AT_FDCWD, folder,
					     OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC |
						     AT_SYMLINK_NOFOLLOW);
	struct mount_attr attr = {
		.attr_set = MOUNT_ATTR_IDMAP | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV,
		.userns_fd = (uint64_t)userns,
	};

	if (tree < 0)
		return -errno;
	if (syscall(SYS_mount_setattr, tree, "", AT_EMPTY_PATH, &attr, sizeof(attr)) < 0)
		return errno == EINVAL || errno == EOPNOTSUPP ? -ENOTSUP : -errno;
	return FD_STEAL(tree);
}

int idmap_tree(const char *folder, uid_t owner, gid_t owner_group, uid_t uid, gid_t gid)
{
	_cleanup_fd_ int userns = map_namespace(owner, owner_group, uid, gid);

	return userns < 0 ? userns : mapped_tree(folder, userns);
}
