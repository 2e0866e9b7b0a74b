/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/str.h"
#include "lock/lockd.h"
#include "lock/name.h"

#define MAKE_TRIES 16

void place_finish(struct place *place)
{
	if (place->own)
		fd_close(place->fd);
	*place = (struct place){-1, false};
}

static int open_below(int dir, const char *path, int flags)
{
	const struct open_how how = {
		.flags = (uint64_t)(flags | O_CLOEXEC | O_NOFOLLOW),
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS |
			   RESOLVE_NO_XDEV,
	};
	int fd = (int)syscall(SYS_openat2, dir, path, &how, sizeof(how));

	return fd < 0 ? -errno : fd;
}

/* A link on the way is not offered: then what is behind it is not there. */
static int as_absent(int error)
{
	return error == -ELOOP || error == -EXDEV || error == -ENOTDIR ? -ENOENT : error;
}

int place_open(struct lockd *lockd, const struct node *folder, struct place *ret_place)
{
	char path[LOCK_PATH_MAX];
	int r;

	if (folder == lockd->tree.transfer) {
		*ret_place = (struct place){lockd->transfer_fd, false};
		return 0;
	}
	r = tree_path(&lockd->tree, folder, path);
	if (r == 0)
		r = open_below(lockd->transfer_fd, path, O_RDONLY | O_DIRECTORY);
	if (r < 0)
		return as_absent(r);
	*ret_place = (struct place){r, true};
	return 0;
}

static uint64_t hash_of(const struct node *folder, const char *name)
{
	uint64_t hash = UINT64_C(14695981039346656037) ^ (uint64_t)(uintptr_t)folder;

	for (const char *p = name; *p; p++)
		hash = (hash ^ (uint8_t)*p) * UINT64_C(1099511628211);
	return hash;
}

void place_hidden(struct lockd *lockd, const struct node *folder, const char *name, const char *why)
{
	uint64_t hash = hash_of(folder, name), minute = clock_now() / (60 * USEC_PER_SEC);
	char path[LOCK_PATH_MAX] = "";

	for (size_t i = 0; i < LOCK_HIDDEN_KNOWN; i++) {
		if (lockd->hidden.known[i] == hash)
			return;
	}
	if (lockd->hidden.minute != minute)
		lockd->hidden.said = 0;
	lockd->hidden.minute = minute;
	if (lockd->hidden.said++ >= LOCK_HIDDEN_RATE)
		return;
	lockd->hidden.known[lockd->hidden.next++ % LOCK_HIDDEN_KNOWN] = hash;
	(void)!tree_path(&lockd->tree, folder, path);
	log_event(LOG_WARN, "lock.hidden", LOG_INT("uid", lockd->launch.owner),
		  LOG_STR("folder", path), LOG_STR("name", name), LOG_STR("why", why));
}

static const char *kind_objection(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFREG:
	case S_IFDIR:
		return NULL;
	case S_IFLNK:
		return "link";
	case S_IFSOCK:
		return "socket";
	case S_IFIFO:
		return "pipe";
	default:
		return "device";
	}
}

int place_status_at(struct lockd *lockd, const struct node *folder, int dir, const char *name,
		    struct stat *ret_status)
{
	const char *why = name_objection(name, strlen(name));

	if (fstatat(dir, name, ret_status, AT_SYMLINK_NOFOLLOW) < 0)
		return as_absent(-errno);
	if (!why)
		why = kind_objection(ret_status->st_mode);
	if (!why)
		return 0;
	place_hidden(lockd, folder, name, why);
	return -ENOENT;
}

int place_status(struct lockd *lockd, const struct node *node, struct stat *ret_status)
{
	_cleanup_place_ struct place place = {-1, false};
	int r;

	if (node == lockd->tree.transfer)
		return fstat(lockd->transfer_fd, ret_status) < 0 ? -errno : 0;
	if (!node->parent)
		return -ENOENT;
	r = place_open(lockd, node->parent, &place);
	return r < 0 ? r : place_status_at(lockd, node->parent, place.fd, node->name, ret_status);
}

int place_open_file(struct lockd *lockd, const struct node *node, struct stat *ret_status)
{
	_cleanup_place_ struct place place = {-1, false};
	_cleanup_fd_ int fd = -1;
	int r;

	if (!node->parent)
		return -ENOENT;
	r = place_open(lockd, node->parent, &place);
	/* Not waiting for the other end of a pipe. */
	if (r == 0)
		r = open_below(place.fd, node->name, O_RDONLY | O_NONBLOCK | O_NOCTTY);
	if (r < 0)
		return as_absent(r);
	fd = r;
	if (fstat(fd, ret_status) < 0)
		return -errno;
	if (S_ISDIR(ret_status->st_mode))
		return -EISDIR;
	return S_ISREG(ret_status->st_mode) ? FD_STEAL(fd) : -ENOENT;
}

int place_make(struct lockd *lockd, int dir, char *ret_name)
{
	for (int i = 0; i < MAKE_TRIES; i++) {
		int fd;

		snprintf(ret_name, 24, "%llx", (unsigned long long)++lockd->number);
		fd = openat(dir, ret_name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
			    0600);
		if (fd >= 0)
			return fd;
		if (errno != EEXIST)
			return -errno;
	}
	return -EEXIST;
}
