/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ctl/user_files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/str.h"

/* Folders in folders; what is ours has two. */
#define DEPTH_MAX 64
/* The ext4 superblock: where it is, and of it the numbers of blocks (low words) and their size. */
#define SUPER_OFFSET 1024
#define SUPER_LEN 28
#define BLOCK_MIN 1024

static void path_of(const char *state, uid_t uid, const char *what, char out[PATH_MAX])
{
	snprintf(out, PATH_MAX, "%s/users/%u%s", state, (unsigned int)uid, what);
}

/* --- sizes ------------------------------------------------------------------------------------ */

static uint64_t number_at(const uint8_t *super, size_t offset)
{
	return super[offset] | (uint64_t)super[offset + 1] << 8 |
	       (uint64_t)super[offset + 2] << 16 | (uint64_t)super[offset + 3] << 24;
}

/* Of a volume that is not mounted, as the kernel wrote it down when it unmounted it. */
static void read_super(const char *path, struct user_files *files)
{
	_cleanup_fd_ int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	uint8_t super[SUPER_LEN];
	uint64_t blocks, free_blocks, block;

	if (fd < 0 || pread(fd, super, sizeof(super), SUPER_OFFSET) != sizeof(super))
		return;
	blocks = number_at(super, 4);
	free_blocks = number_at(super, 12);
	block = number_at(super, 24) <= 6 ? BLOCK_MIN << number_at(super, 24) : 0;
	if (free_blocks > blocks)
		return;
	files->size = blocks * block;
	files->used = (blocks - free_blocks) * block;
}

static void read_mounted(const char *path, struct user_files *files)
{
	struct statvfs fs;

	if (statvfs(path, &fs) < 0)
		return;
	files->size = (uint64_t)fs.f_blocks * fs.f_frsize;
	files->used = (uint64_t)(fs.f_blocks - fs.f_bfree) * fs.f_frsize;
}

void user_files_look(const char *state, uid_t uid, struct user_files *ret_files)
{
	struct user_files files = {0};
	char path[PATH_MAX], data[PATH_MAX];
	struct stat folder, st;

	path_of(state, uid, "", path);
	files.exist = lstat(path, &folder) == 0;
	path_of(state, uid, "/volume", path);
	if (files.exist && lstat(path, &st) == 0)
		files.disk = (uint64_t)st.st_blocks * 512;
	path_of(state, uid, "/data", data);
	if (files.exist && lstat(data, &st) == 0 && st.st_dev != folder.st_dev)
		read_mounted(data, &files);
	else if (files.exist)
		read_super(path, &files);
	*ret_files = files;
}

/* --- the end of them -------------------------------------------------------------------------- */

static int remove_all(int dir, dev_t device, unsigned int depth);

static int remove_folder(int parent, const char *name, dev_t device, unsigned int depth)
{
	int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	int r;

	if (fd < 0)
		return -errno;
	r = remove_all(fd, device, depth);
	if (r == 0 && unlinkat(parent, name, AT_REMOVEDIR) < 0)
		r = -errno;
	return r;
}

/* Takes `dir`. */
static int remove_all(int dir, dev_t device, unsigned int depth)
{
	_cleanup_fd_ int owned = dir;
	const struct dirent *entry;
	struct stat st;
	DIR *stream;
	int r = 0;

	if (fstat(dir, &st) < 0)
		return -errno;
	if (st.st_dev != device)
		return -EBUSY;
	if (depth == DEPTH_MAX)
		return -ELOOP;
	stream = fdopendir(FD_STEAL(owned));
	if (!stream)
		return -errno;
	while (r == 0 && (entry = readdir(stream))) {
		if (str_eq(entry->d_name, ".") || str_eq(entry->d_name, ".."))
			continue;
		if (unlinkat(dirfd(stream), entry->d_name, 0) == 0)
			continue;
		r = errno == EISDIR || errno == EPERM
			    ? remove_folder(dirfd(stream), entry->d_name, device, depth + 1)
			    : -errno;
	}
	closedir(stream);
	return r;
}

int user_files_remove(const char *state, uid_t uid)
{
	_cleanup_fd_ int users = -1;
	char path[PATH_MAX], name[16];
	struct stat folder, data;

	path_of(state, uid, "", path);
	if (lstat(path, &folder) < 0)
		return errno == ENOENT ? 0 : -errno;
	path_of(state, uid, "/data", path);
	if (lstat(path, &data) == 0 && data.st_dev != folder.st_dev &&
	    umount2(path, UMOUNT_NOFOLLOW) < 0)
		return -errno;
	snprintf(path, sizeof(path), "%s/users", state);
	users = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (users < 0)
		return -errno;
	snprintf(name, sizeof(name), "%u", (unsigned int)uid);
	return remove_folder(users, name, folder.st_dev, 0);
}
