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
#include "cell/idmap.h"

#define CHILDREN_MAX 4096

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
	pid = idmap_fork(0);
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
	_cleanup_fd_ int tree = -1;
	pid_t init = first_child(cell->pid), launcher = init > 0 ? first_child(init) : -1;
	int r;

	if (launcher <= 0)
		return -ESRCH;
	tree = idmap_tree(transfer, owner, owner_group, cell_uid, cell_gid);
	if (tree < 0)
		return tree;
	r = attach_inside(launcher, tree);
	return r < 0 || !url ? r : cell_open_url(cell, url);
}
