/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The file system's requests about names and attributes. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "lock/lockd.h"
#include "lock/name.h"

/* The kernel asks anew each time: what a cell has just saved is seen at once. */
#define AT_ONCE 0.0
/* Of folders it may remember for a moment what they are; what is in them it asks for. */
#define A_MOMENT 1.0
/* What a lookup says is good for the request that it was made for: no question about the same again. */
#define A_BLINK 0.05
/* The two that are always there. */
#define FOR_EVER 86400.0
#define WRITE_MAX (1u << 20)

static struct lockd *lockd_of(fuse_req_t req)
{
	return fuse_req_userdata(req);
}

void view_init(void *data, struct fuse_conn_info *conn)
{
	(void)data;
	conn->max_write = WRITE_MAX;
	conn->want |= conn->capable & (FUSE_CAP_SPLICE_WRITE | FUSE_CAP_SPLICE_MOVE);
	conn->want &= ~(unsigned int)(FUSE_CAP_WRITEBACK_CACHE | FUSE_CAP_AUTO_INVAL_DATA |
				      FUSE_CAP_READDIRPLUS | FUSE_CAP_SPLICE_READ |
				      FUSE_CAP_POSIX_LOCKS | FUSE_CAP_FLOCK_LOCKS);
}

/* --- attributes ------------------------------------------------------------------------------------ */

void view_fill_status(const struct lockd *lockd, const struct stat *status, struct stat *ret_shown)
{
	*ret_shown = (struct stat){
		.st_ino = status->st_ino,
		.st_mode = S_ISDIR(status->st_mode) ? S_IFDIR | 0700 : S_IFREG | 0600,
		.st_nlink = S_ISDIR(status->st_mode) ? 2 : 1,
		.st_uid = lockd->launch.owner,
		.st_gid = lockd->launch.group,
		.st_size = S_ISDIR(status->st_mode) ? 4096 : status->st_size,
		.st_blocks = status->st_blocks,
		.st_blksize = 65536,
		.st_atim = status->st_atim,
		.st_mtim = status->st_mtim,
		.st_ctim = status->st_ctim,
	};
}

/* What is seen under a node's name, and how it is shown. */
static int see(struct lockd *lockd, const struct node *node, struct stat *ret_shown)
{
	struct stat status;
	int r = 0;

	if (node == lockd->tree.root) {
		*ret_shown = (struct stat){.st_ino = 1, .st_mode = S_IFDIR | 0755, .st_nlink = 3};
		return 0;
	}
	if (node->note)
		note_status(node->note, &status);
	else if (node->upload)
		r = fstat(node->upload->fd, &status) < 0 ? -errno : 0;
	else
		r = place_status(lockd, node, &status);
	if (r < 0)
		return r;
	/* The kernel keeps the kind for ever. */
	if (!S_ISDIR(status.st_mode) != !node->folder)
		return -ENOENT;
	view_fill_status(lockd, &status, ret_shown);
	return 0;
}

static double attr_time(const struct lockd *lockd, const struct node *node)
{
	if (node == lockd->tree.root)
		return FOR_EVER;
	return node->folder ? A_MOMENT : AT_ONCE;
}

void view_fill_entry(struct lockd *lockd, struct node *node, const struct stat *status,
		     struct fuse_entry_param *ret_entry)
{
	*ret_entry = (struct fuse_entry_param){
		.ino = tree_number(&lockd->tree, node),
		.attr_timeout = node->folder ? attr_time(lockd, node) : A_BLINK,
		.entry_timeout = node == lockd->tree.transfer ? FOR_EVER : attr_time(lockd, node),
	};
	view_fill_status(lockd, status, &ret_entry->attr);
	node->lookups++;
	tree_unpin(&lockd->tree, node);
}

static void reply_entry(struct lockd *lockd, fuse_req_t req, struct node *node,
			const struct stat *status)
{
	struct fuse_entry_param entry;

	view_fill_entry(lockd, node, status, &entry);
	if (fuse_reply_entry(req, &entry) == -ENOENT)
		tree_forget(&lockd->tree, node, 1);
}

/* What the name stands for, of ours or of the cell's; pinned. */
static int look_up(struct lockd *lockd, struct node *folder, const char *name,
		   struct node **ret_node, struct stat *ret_status)
{
	_cleanup_place_ struct place place = {-1, false};
	struct node *node = tree_find(&lockd->tree, folder, name);
	int r;

	if (node && node->note)
		note_status(node->note, ret_status);
	else if (node && node->upload && fstat(node->upload->fd, ret_status) < 0)
		return -errno;
	if (node && (node->note || node->upload)) {
		node->pins++;
		*ret_node = node;
		return 0;
	}
	r = place_open(lockd, folder, &place);
	if (r == 0)
		r = place_status_at(lockd, folder, place.fd, name, ret_status);
	return r < 0 ? r
		     : tree_get(&lockd->tree, folder, name, S_ISDIR(ret_status->st_mode), ret_node);
}

void view_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct lockd *lockd = lockd_of(req);
	struct node *folder = tree_node(&lockd->tree, parent), *node = lockd->tree.transfer;
	struct stat status;
	int r;

	if (folder != lockd->tree.root) {
		r = look_up(lockd, folder, name, &node, &status);
	} else {
		r = strcmp(name, TREE_TRANSFER) != 0 ? -ENOENT : place_status(lockd, node, &status);
		node->pins += r == 0;
	}
	if (r < 0)
		fuse_reply_err(req, -r);
	else
		reply_entry(lockd, req, node, &status);
}

void view_forget(fuse_req_t req, fuse_ino_t number, uint64_t lookups)
{
	struct lockd *lockd = lockd_of(req);
	struct node *node = tree_node(&lockd->tree, number);

	if (node != lockd->tree.root)
		tree_forget(&lockd->tree, node, lookups);
	fuse_reply_none(req);
}

static void forget_multi(fuse_req_t req, size_t count, struct fuse_forget_data *forgets)
{
	struct lockd *lockd = lockd_of(req);

	for (size_t i = 0; i < count; i++) {
		struct node *node = tree_node(&lockd->tree, forgets[i].ino);

		if (node != lockd->tree.root)
			tree_forget(&lockd->tree, node, forgets[i].nlookup);
	}
	fuse_reply_none(req);
}

void view_getattr(fuse_req_t req, fuse_ino_t number, struct fuse_file_info *info)
{
	struct lockd *lockd = lockd_of(req);
	struct node *node = tree_node(&lockd->tree, number);
	struct stat shown;
	int r = see(lockd, node, &shown);

	(void)info;
	if (r < 0)
		fuse_reply_err(req, -r);
	else
		fuse_reply_attr(req, &shown, attr_time(lockd, node));
}

/* --- changing attributes --------------------------------------------------------------------------- */

static void fill_times(const struct stat *attr, int which, struct timespec times[2])
{
	times[0] = (struct timespec){.tv_nsec = UTIME_OMIT};
	times[1] = (struct timespec){.tv_nsec = UTIME_OMIT};
	if (which & FUSE_SET_ATTR_ATIME_NOW)
		times[0].tv_nsec = UTIME_NOW;
	else if (which & FUSE_SET_ATTR_ATIME)
		times[0] = attr->st_atim;
	if (which & FUSE_SET_ATTR_MTIME_NOW)
		times[1].tv_nsec = UTIME_NOW;
	else if (which & FUSE_SET_ATTR_MTIME)
		times[1] = attr->st_mtim;
}

static int set_times(struct lockd *lockd, struct node *node, const struct timespec times[2])
{
	_cleanup_fd_ int fd = -1;
	struct stat status;

	if (node->note)
		return -EACCES;
	if (node->upload) {
		/* Writing changes them again: they are set once more at the end. */
		node->upload->has_times = true;
		memcpy(node->upload->times, times, sizeof(node->upload->times));
		return futimens(node->upload->fd, times) < 0 ? -errno : 0;
	}
	if (node->folder) {
		_cleanup_place_ struct place place = {-1, false};
		int r = place_open(lockd, node, &place);

		return r < 0 ? r : futimens(place.fd, times) < 0 ? -errno : 0;
	}
	fd = place_open_file(lockd, node, &status);
	return fd < 0 ? fd : futimens(fd, times) < 0 ? -errno : 0;
}

/* A truncate(2) of what is published: new content, which is checked like any other. */
struct cut {
	struct lockd *lockd;
	fuse_req_t req;
	struct node *node; /* pinned */
	off_t size;
};

static void handle_cut(void *data, int error)
{
	struct cut *cut = data;
	struct stat shown;

	if (error == 0)
		error = see(cut->lockd, cut->node, &shown);
	if (error < 0)
		fuse_reply_err(cut->req, -error);
	else
		fuse_reply_attr(cut->req, &shown, AT_ONCE);
	tree_unpin(&cut->lockd->tree, cut->node);
	free(cut);
}

static void handle_to_cut(void *data, struct upload *upload, int error)
{
	struct cut *cut = data;

	if (error == 0 && ftruncate(upload->fd, cut->size) < 0) {
		error = -errno;
		upload_drop(upload);
		upload_break(upload);
	}
	if (error < 0)
		handle_cut(cut, error);
	else
		upload_seal(upload, handle_cut, cut);
}

static void cut_published(struct lockd *lockd, fuse_req_t req, struct node *node, off_t size)
{
	struct cut *cut = calloc(1, sizeof(*cut));

	if (!cut) {
		fuse_reply_err(req, ENOMEM);
		return;
	}
	*cut = (struct cut){.lockd = lockd, .req = req, .node = node, .size = size};
	node->pins++;
	upload_begin(lockd, node, true, handle_to_cut, cut);
}

static struct upload *upload_of(const struct node *node, const struct fuse_file_info *info)
{
	const struct handle *handle = info ? (const struct handle *)(uintptr_t)info->fh : NULL;

	if (handle && handle->kind == HANDLE_UPLOAD)
		return handle->upload;
	return node->upload && !node->upload->sealed ? node->upload : NULL;
}

void view_setattr(fuse_req_t req, fuse_ino_t number, struct stat *attr, int which,
		  struct fuse_file_info *info)
{
	struct lockd *lockd = lockd_of(req);
	struct node *node = tree_node(&lockd->tree, number);
	struct upload *upload = upload_of(node, info);
	struct timespec times[2];
	struct stat shown;
	int r = 0;

	if (node == lockd->tree.root || ((which & FUSE_SET_ATTR_SIZE) && node->note))
		r = -EACCES;
	if ((which & FUSE_SET_ATTR_UID && attr->st_uid != lockd->launch.owner) ||
	    (which & FUSE_SET_ATTR_GID && attr->st_gid != lockd->launch.group))
		r = -EPERM;
	/* The mode is ours; what clients wish is heard and not done. */
	if (r == 0 && (which & FUSE_SET_ATTR_SIZE) && !upload) {
		cut_published(lockd, req, node, attr->st_size);
		return;
	}
	if (r == 0 && (which & FUSE_SET_ATTR_SIZE) && ftruncate(upload->fd, attr->st_size) < 0)
		r = -errno;
	fill_times(attr, which, times);
	if (r == 0 && (which & (FUSE_SET_ATTR_ATIME | FUSE_SET_ATTR_MTIME |
				FUSE_SET_ATTR_ATIME_NOW | FUSE_SET_ATTR_MTIME_NOW)))
		r = set_times(lockd, node, times);
	if (r == 0)
		r = see(lockd, node, &shown);
	if (r < 0)
		fuse_reply_err(req, -r);
	else
		fuse_reply_attr(req, &shown, AT_ONCE);
}

static void statfs_(fuse_req_t req, fuse_ino_t number)
{
	struct statvfs status;

	(void)number;
	if (fstatvfs(lockd_of(req)->transfer_fd, &status) < 0)
		fuse_reply_err(req, errno);
	else
		fuse_reply_statfs(req, &status);
}

/* --- names ----------------------------------------------------------------------------------------- */

static int may_name(const struct lockd *lockd, const struct node *folder, const char *name)
{
	if (folder == lockd->tree.root)
		return -EACCES;
	return name_objection(name, strlen(name)) ? -EINVAL : 0;
}

static void make_folder(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode)
{
	struct lockd *lockd = lockd_of(req);
	struct node *folder = tree_node(&lockd->tree, parent), *node;
	_cleanup_place_ struct place place = {-1, false};
	struct stat status;
	int r = may_name(lockd, folder, name);

	(void)mode;
	if (r == 0)
		r = place_open(lockd, folder, &place);
	if (r == 0 && mkdirat(place.fd, name, 0700) < 0)
		r = -errno;
	if (r == 0)
		r = look_up(lockd, folder, name, &node, &status);
	if (r < 0)
		fuse_reply_err(req, -r);
	else
		reply_entry(lockd, req, node, &status);
}

/* What of ours is shown under the name goes first; then it is as if it had not been there. */
static bool drop_ours(struct node *node)
{
	if (node && node->note) {
		note_drop(node->note);
		return true;
	}
	if (node && node->upload) {
		upload_drop(node->upload);
		return true;
	}
	return false;
}

static int unlink_theirs(struct lockd *lockd, const struct node *folder, const char *name)
{
	_cleanup_place_ struct place place = {-1, false};
	struct stat status;
	int r = place_open(lockd, folder, &place);

	if (r == 0)
		r = place_status_at(lockd, folder, place.fd, name, &status);
	if (r == 0 && S_ISDIR(status.st_mode))
		r = -EISDIR;
	if (r == 0 && unlinkat(place.fd, name, 0) < 0)
		r = -errno;
	return r;
}

static void unlink_(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct lockd *lockd = lockd_of(req);
	struct node *folder = tree_node(&lockd->tree, parent);
	bool ours = drop_ours(tree_find(&lockd->tree, folder, name));
	int r = folder == lockd->tree.root ? -EACCES : unlink_theirs(lockd, folder, name);

	fuse_reply_err(req, r == -ENOENT && ours ? 0 : -r);
}

static void remove_folder(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct lockd *lockd = lockd_of(req);
	struct node *folder = tree_node(&lockd->tree, parent);
	_cleanup_place_ struct place place = {-1, false};
	struct stat status;
	int r = folder == lockd->tree.root ? -EACCES : place_open(lockd, folder, &place);

	if (r == 0)
		r = place_status_at(lockd, folder, place.fd, name, &status);
	if (r == 0 && unlinkat(place.fd, name, AT_REMOVEDIR) < 0)
		r = -errno;
	fuse_reply_err(req, -r);
}

static int rename_theirs(struct lockd *lockd, struct node *from, const char *name, struct node *to,
			 const char *new_name, unsigned int flags)
{
	_cleanup_place_ struct place a = {-1, false}, b = {-1, false};
	struct stat status;
	int r = place_open(lockd, from, &a);

	if (r == 0)
		r = place_open(lockd, to, &b);
	if (r == 0)
		r = place_status_at(lockd, from, a.fd, name, &status);
	if (r == 0 && renameat2(a.fd, name, b.fd, new_name, flags) < 0)
		r = -errno;
	return r;
}

/* An upload that nobody checks or publishes right now takes its new name along. */
static int rename_ours(struct lockd *lockd, const struct node *node, struct node *to,
		       const char *new_name, unsigned int flags)
{
	struct node *target = tree_find(&lockd->tree, to, new_name);
	_cleanup_place_ struct place place = {-1, false};
	struct stat status;
	int r;

	if (node->note || (target && target->note))
		return -EACCES;
	if (node->upload->sealed || (target && target->upload && target->upload->sealed))
		return -EBUSY;
	r = place_open(lockd, to, &place);
	if (r == 0 && fstatat(place.fd, new_name, &status, AT_SYMLINK_NOFOLLOW) == 0)
		r = S_ISDIR(status.st_mode) ? -EISDIR : (flags & RENAME_NOREPLACE) ? -EEXIST : 0;
	return r;
}

static void rename_(fuse_req_t req, fuse_ino_t parent, const char *name, fuse_ino_t new_parent,
		    const char *new_name, unsigned int flags)
{
	struct lockd *lockd = lockd_of(req);
	struct node *from = tree_node(&lockd->tree, parent);
	struct node *to = tree_node(&lockd->tree, new_parent);
	struct node *node = tree_find(&lockd->tree, from, name);
	struct node *target = tree_find(&lockd->tree, to, new_name);
	int r = may_name(lockd, to, new_name);

	if (from == lockd->tree.root)
		r = -EACCES;
	if (flags & ~(unsigned int)RENAME_NOREPLACE)
		r = -EINVAL;
	if (r == 0)
		r = node && (node->note || node->upload)
			    ? rename_ours(lockd, node, to, new_name, flags)
			    : rename_theirs(lockd, from, name, to, new_name, flags);
	if (r == 0 && target && target != node)
		(void)drop_ours(target);
	if (r == 0 && node)
		r = tree_move(&lockd->tree, node, to, new_name);
	fuse_reply_err(req, -r);
}

/* --- what there is not ----------------------------------------------------------------------------- */

static void no_link(fuse_req_t req, fuse_ino_t number, fuse_ino_t parent, const char *name)
{
	(void)number;
	(void)parent;
	(void)name;
	/* sftp-server then renames by rename(2). */
	fuse_reply_err(req, EOPNOTSUPP);
}

static void no_symlink(fuse_req_t req, const char *target, fuse_ino_t parent, const char *name)
{
	(void)target;
	(void)parent;
	(void)name;
	fuse_reply_err(req, EPERM);
}

static void no_node(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, dev_t device)
{
	(void)parent;
	(void)name;
	(void)mode;
	(void)device;
	fuse_reply_err(req, EPERM);
}

const struct fuse_lowlevel_ops view_ops = {
	.init = view_init,
	.lookup = view_lookup,
	.forget = view_forget,
	.forget_multi = forget_multi,
	.getattr = view_getattr,
	.setattr = view_setattr,
	.statfs = statfs_,
	.mkdir = make_folder,
	.unlink = unlink_,
	.rmdir = remove_folder,
	.rename = rename_,
	.link = no_link,
	.symlink = no_symlink,
	.mknod = no_node,
	.open = file_open,
	.create = file_create,
	.read = file_read,
	.write = file_write,
	.flush = file_flush,
	.fsync = file_fsync,
	.release = file_release,
	.opendir = list_open,
	.readdir = list_read,
	.releasedir = list_release,
};
