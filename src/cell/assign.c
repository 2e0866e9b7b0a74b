/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A parked cell becomes a user's: his transfer folder is mounted into it while it runs. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/str.h"
#include "cell/cell.h"

#define MAP_MAX 64
#define CHILDREN_MAX 4096

/* fork() with flags and without a second copy of libc's state being needed: what runs in the
 * child below is system calls only. */
static pid_t fork_raw(unsigned long flags)
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
 * A user namespace whose only purpose is its map: what `owner` has on disk appears as the cell's
 * uid, and what the cell writes is `owner`'s. Nobody else appears at all.
 */
static int map_namespace(uid_t owner, gid_t owner_group, uid_t cell_uid, gid_t cell_gid)
{
	char path[64];
	int r, fd = -1;
	pid_t pid = fork_raw(CLONE_NEWUSER);

	if (pid < 0)
		return -errno;
	if (pid == 0) {
		for (;;)
			pause();
	}
	r = write_map(pid, "uid_map", owner, cell_uid);
	if (r == 0)
		r = write_map(pid, "gid_map", owner_group, cell_gid);
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

static pid_t first_child(pid_t pid)
{
	_cleanup_free_ char *text = NULL;
	char path[64];
	size_t len;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)pid, (int)pid);
	if (fd_read_file(AT_FDCWD, path, CHILDREN_MAX, &text, &len) < 0)
		return -1;
	return (pid_t)strtol(text, NULL, 10);
}

/*
 * In a child, since a process that enters another mount namespace cannot go back. The child walks
 * no path of the cell's making with our rights: the launcher's working folder is the home, and
 * "transfer" below it may not be a link.
 */
static int attach_inside(pid_t inner, int tree)
{
	char path[64];
	_cleanup_fd_ int ns = -1, home = -1;
	int status;
	pid_t pid;

	snprintf(path, sizeof(path), "/proc/%d/ns/mnt", (int)inner);
	ns = open(path, O_RDONLY | O_CLOEXEC);
	snprintf(path, sizeof(path), "/proc/%d/cwd", (int)inner);
	home = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (ns < 0 || home < 0)
		return -errno;
	pid = fork_raw(0);
	if (pid < 0)
		return -errno;
	if (pid == 0) {
		int point;

		if (setns(ns, CLONE_NEWNS) < 0)
			_exit(errno);
		point = openat(home, "transfer", O_PATH | O_DIRECTORY | O_NOFOLLOW);
		if (point < 0)
			_exit(errno);
		if (syscall(SYS_move_mount, tree, "", point, "",
			    MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0)
			_exit(errno);
		_exit(0);
	}
	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			return -errno;
	}
	return WIFEXITED(status) ? -WEXITSTATUS(status) : -EIO;
}

int cell_assign(struct cell *cell, const char *transfer, uid_t owner, gid_t owner_group,
		uid_t cell_uid, gid_t cell_gid, const char *url)
{
	_cleanup_fd_ int userns = -1, tree = -1;
	pid_t init = first_child(cell->pid), launcher = init > 0 ? first_child(init) : -1;
	int r;

	if (launcher <= 0)
		return -ESRCH;
	userns = map_namespace(owner, owner_group, cell_uid, cell_gid);
	if (userns < 0)
		return userns;
	tree = mapped_tree(transfer, userns);
	if (tree < 0)
		return tree;
	r = attach_inside(launcher, tree);
	return r < 0 || !url ? r : cell_open_url(cell, url);
}
