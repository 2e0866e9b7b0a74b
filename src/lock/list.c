/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Contents of folders: what lies there and is offered, and over it what only the uploader sees. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "lock/lockd.h"
#include "lock/name.h"

/* Positions of ours begin here; file systems have theirs below. */
#define OURS (INT64_MAX - (INT64_C(1) << 32))
#define REPLY_MAX (64 << 10)

struct listing {
	DIR *dir; /* NULL: the root */
	struct node *node; /* pinned */
	off_t at; /* the position that `dir` is at */
	bool ended; /* nothing more in it */
};

struct reply {
	fuse_req_t req;
	char data[REPLY_MAX];
	size_t used, size;
};

static bool add(struct reply *reply, const char *name, mode_t mode, ino_t ino, off_t next)
{
	const struct stat status = {.st_mode = mode, .st_ino = ino};
	size_t n = fuse_add_direntry(reply->req, reply->data + reply->used,
				     reply->size - reply->used, name, &status, next);

	if (n > reply->size - reply->used)
		return false;
	reply->used += n;
	return true;
}

void list_open(fuse_req_t req, fuse_ino_t number, struct fuse_file_info *info)
{
	struct lockd *lockd = fuse_req_userdata(req);
	struct node *node = tree_node(&lockd->tree, number);
	struct handle *handle = file_handle(lockd, NULL, HANDLE_FOLDER);
	struct listing *listing = calloc(1, sizeof(*listing));
	struct place place = {-1, false};
	int fd = -1, r = handle && listing ? 0 : -EMFILE;

	if (r == 0 && node != lockd->tree.root) {
		r = place_open(lockd, node, &place);
		/* Its position is its own. */
		if (r == 0)
			fd = openat(place.fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		place_finish(&place);
		if (r == 0 && fd < 0)
			r = -errno;
		if (r == 0)
			listing->dir = fdopendir(fd);
		if (r == 0 && !listing->dir) {
			fd_close(fd);
			r = -ENOMEM;
		}
	}
	if (r < 0) {
		free(listing);
		if (handle)
			file_handle_free(lockd, handle);
		fuse_reply_err(req, -r);
		return;
	}
	node->pins++;
	listing->node = node;
	handle->listing = listing;
	info->fh = (uint64_t)(uintptr_t)handle;
	fuse_reply_open(req, info);
}

/* Names under which we show something of our own. */
static bool is_ours(struct lockd *lockd, struct node *folder, const char *name)
{
	const struct node *node = tree_find(&lockd->tree, folder, name);

	return node && (node->upload || node->note);
}

static mode_t offered_mode(struct lockd *lockd, const struct listing *listing,
			   const struct dirent *entry)
{
	const char *why = name_objection(entry->d_name, strlen(entry->d_name));
	struct stat status;

	if (!why && (entry->d_type == DT_REG || entry->d_type == DT_DIR))
		return DTTOIF(entry->d_type);
	/* Says why not, if it is not. */
	if (place_status_at(lockd, listing->node, dirfd(listing->dir), entry->d_name, &status) < 0)
		return 0;
	return status.st_mode & S_IFMT;
}

/* False when the reply is full. */
static bool add_theirs(struct lockd *lockd, struct listing *listing, struct reply *reply)
{
	const struct dirent *entry;

	while ((entry = readdir(listing->dir))) {
		off_t before = listing->at;
		mode_t mode;

		listing->at = entry->d_off;
		if (entry->d_name[0] == '.' &&
		    (!entry->d_name[1] || (entry->d_name[1] == '.' && !entry->d_name[2])))
			continue;
		mode = offered_mode(lockd, listing, entry);
		if (!mode || is_ours(lockd, listing->node, entry->d_name))
			continue;
		if (!add(reply, entry->d_name, mode, entry->d_ino, entry->d_off)) {
			seekdir(listing->dir, before);
			listing->at = before;
			return false;
		}
	}
	listing->ended = true;
	return true;
}

static void add_ours(struct listing *listing, struct reply *reply, int64_t from)
{
	const struct node *node;
	int64_t number = 0;

	wl_list_for_each (node, &listing->node->children, sibling) {
		bool shown = node->upload || node->note;

		if (!shown || number++ < from)
			continue;
		if (!add(reply, node->name, S_IFREG, (ino_t)(uintptr_t)node, OURS + number))
			return;
	}
}

static void add_root(struct reply *reply, off_t at)
{
	if (at == 0)
		add(reply, TREE_TRANSFER, S_IFDIR, 2, 1);
}

void list_read(fuse_req_t req, fuse_ino_t number, size_t size, off_t at,
	       struct fuse_file_info *info)
{
	struct lockd *lockd = fuse_req_userdata(req);
	struct handle *handle = (struct handle *)(uintptr_t)info->fh;
	struct listing *listing = handle->listing;
	static struct reply reply;
	bool whole = true;

	(void)number;
	reply.req = req;
	reply.used = 0;
	reply.size = MIN(size, sizeof(reply.data));
	note_expire(lockd);
	if (!listing->dir) {
		add_root(&reply, at);
	} else {
		if (at < OURS && at != listing->at) {
			at == 0 ? rewinddir(listing->dir) : seekdir(listing->dir, at);
			listing->at = at;
			listing->ended = false;
		}
		if (at < OURS && !listing->ended)
			whole = add_theirs(lockd, listing, &reply);
		if (whole)
			add_ours(listing, &reply, at < OURS ? 0 : at - OURS);
	}
	fuse_reply_buf(req, reply.data, reply.used);
}

void list_release(fuse_req_t req, fuse_ino_t number, struct fuse_file_info *info)
{
	struct lockd *lockd = fuse_req_userdata(req);
	struct handle *handle = (struct handle *)(uintptr_t)info->fh;
	struct listing *listing = handle->listing;

	(void)number;
	if (listing->dir)
		closedir(listing->dir);
	tree_unpin(&lockd->tree, listing->node);
	free(listing);
	file_handle_free(lockd, handle);
	fuse_reply_err(req, 0);
}
