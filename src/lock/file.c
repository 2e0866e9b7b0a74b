/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The file system's requests about open files. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "lock/lockd.h"
#include "lock/name.h"

static struct lockd *lockd_of(fuse_req_t req)
{
	return fuse_req_userdata(req);
}

static struct handle *handle_of(const struct fuse_file_info *info)
{
	return (struct handle *)(uintptr_t)info->fh;
}

struct handle *file_handle(struct lockd *lockd, struct node *node, int kind)
{
	struct handle *handle = NULL;

	if (lockd->n_handles < LOCK_HANDLES_MAX)
		handle = calloc(1, sizeof(*handle));
	if (!handle)
		return NULL;
	lockd->n_handles++;
	handle->kind = kind;
	handle->node = node;
	return handle;
}

void file_handle_free(struct lockd *lockd, struct handle *handle)
{
	if (handle->kind == HANDLE_COPY)
		download_close(lockd, handle->copy);
	else if (handle->kind == HANDLE_NOTE)
		free(handle->text);
	else if (handle->kind == HANDLE_UPLOAD && handle->upload)
		upload_break(handle->upload);
	if (handle->node)
		tree_unpin(&lockd->tree, handle->node);
	lockd->n_handles--;
	free(handle);
}

/* --- opening --------------------------------------------------------------------------------------- */

static void open_note(struct lockd *lockd, fuse_req_t req, struct node *node,
		      struct fuse_file_info *info)
{
	struct handle *handle = file_handle(lockd, node, HANDLE_NOTE);

	if (!handle) {
		fuse_reply_err(req, EMFILE);
		return;
	}
	node->pins++;
	handle->text = strdup(node->note->text);
	info->fh = (uint64_t)(uintptr_t)handle;
	info->direct_io = 1;
	if (!handle->text) {
		file_handle_free(lockd, handle);
		fuse_reply_err(req, ENOMEM);
	} else if (fuse_reply_open(req, info) == -ENOENT) {
		file_handle_free(lockd, handle);
	}
}

/* An open(2) that begins an upload, while what is there is copied. */
struct beginning {
	struct lockd *lockd;
	fuse_req_t req;
	struct fuse_file_info info;
	struct node *node; /* pinned */
	bool create;
};

static int reply_created(struct beginning *b, struct upload *upload)
{
	struct fuse_entry_param entry;
	struct stat status;

	if (fstat(upload->fd, &status) < 0)
		return -errno;
	b->node->pins++;
	view_fill_entry(b->lockd, b->node, &status, &entry);
	/* What the kernel never heard of it will not forget either. */
	if (fuse_reply_create(b->req, &entry, &b->info) == -ENOENT)
		tree_forget(&b->lockd->tree, b->node, 1);
	return 0;
}

static int begun(struct beginning *b, struct upload *upload)
{
	struct handle *handle = file_handle(b->lockd, b->node, HANDLE_UPLOAD);

	if (!handle) {
		upload_break(upload);
		return -EMFILE;
	}
	b->node->pins++;
	handle->upload = upload;
	handle->append = b->info.flags & O_APPEND;
	b->info.fh = (uint64_t)(uintptr_t)handle;
	b->info.direct_io = 1;
	if (b->create) {
		int r = reply_created(b, upload);

		if (r < 0)
			file_handle_free(b->lockd, handle);
		return r;
	}
	if (fuse_reply_open(b->req, &b->info) == -ENOENT)
		file_handle_free(b->lockd, handle);
	return 0;
}

static void handle_begun(void *data, struct upload *upload, int error)
{
	struct beginning *b = data;

	if (error == 0)
		error = begun(b, upload);
	if (error < 0)
		fuse_reply_err(b->req, -error);
	tree_unpin(&b->lockd->tree, b->node);
	free(b);
}

/* Takes over the pin of the node. */
static void open_upload(struct lockd *lockd, fuse_req_t req, struct node *node, bool create,
			const struct fuse_file_info *info)
{
	struct beginning *b = calloc(1, sizeof(*b));

	if (!b) {
		tree_unpin(&lockd->tree, node);
		fuse_reply_err(req, ENOMEM);
		return;
	}
	*b = (struct beginning){
		.lockd = lockd, .req = req, .info = *info, .node = node, .create = create};
	upload_begin(lockd, node, !create && !(info->flags & O_TRUNC), handle_begun, b);
}

void file_open(fuse_req_t req, fuse_ino_t number, struct fuse_file_info *info)
{
	struct lockd *lockd = lockd_of(req);
	struct node *node = tree_node(&lockd->tree, number);
	bool reading = (info->flags & O_ACCMODE) == O_RDONLY;

	if (lockd->n_handles >= LOCK_HANDLES_MAX)
		fuse_reply_err(req, EMFILE);
	else if (node->note && reading)
		open_note(lockd, req, node, info);
	else if (node->note)
		fuse_reply_err(req, EACCES);
	else if (reading)
		download_open(lockd, req, node, info);
	else {
		node->pins++;
		open_upload(lockd, req, node, false, info);
	}
}

void file_create(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode,
		 struct fuse_file_info *info)
{
	struct lockd *lockd = lockd_of(req);
	struct node *folder = tree_node(&lockd->tree, parent), *node;
	struct stat status;
	int r;

	(void)mode;
	if (folder == lockd->tree.root)
		r = -EACCES;
	else if (name_objection(name, strlen(name)))
		r = -EINVAL;
	else if (lockd->n_handles >= LOCK_HANDLES_MAX)
		r = -EMFILE;
	else
		r = tree_get(&lockd->tree, folder, name, false, &node);
	if (r < 0) {
		fuse_reply_err(req, -r);
		return;
	}
	/* It may have come into being since the kernel asked. */
	r = node->note ? -EACCES : place_status(lockd, node, &status);
	if (r == 0 && S_ISDIR(status.st_mode))
		r = -EISDIR;
	else if (r == 0 && (info->flags & O_EXCL))
		r = -EEXIST;
	if (r < 0 && r != -ENOENT) {
		tree_unpin(&lockd->tree, node);
		fuse_reply_err(req, -r);
		return;
	}
	open_upload(lockd, req, node, true, info);
}

/* --- reading and writing --------------------------------------------------------------------------- */

/* What the person has just written himself. */
static void read_own(const struct upload *upload, fuse_req_t req, size_t size, off_t at)
{
	struct fuse_bufvec data = FUSE_BUFVEC_INIT(size);

	data.buf[0].flags = FUSE_BUF_IS_FD | FUSE_BUF_FD_SEEK;
	data.buf[0].fd = upload->fd;
	data.buf[0].pos = at;
	fuse_reply_data(req, &data, FUSE_BUF_NO_SPLICE);
}

void file_read(fuse_req_t req, fuse_ino_t number, size_t size, off_t at,
	       struct fuse_file_info *info)
{
	struct handle *handle = handle_of(info);
	size_t len;

	(void)number;
	if (handle->kind == HANDLE_COPY) {
		download_read(handle->copy, req, size, at);
	} else if (handle->kind == HANDLE_NOTE) {
		len = strlen(handle->text);
		if ((size_t)at >= len)
			fuse_reply_buf(req, NULL, 0);
		else
			fuse_reply_buf(req, handle->text + at, MIN(size, len - (size_t)at));
	} else if (handle->kind == HANDLE_UPLOAD && handle->upload && !handle->upload->seeded) {
		read_own(handle->upload, req, size, at);
	} else {
		/* What was there before may be the cell's, and was not checked. */
		fuse_reply_err(req, EACCES);
	}
}

static int write_all(int fd, const char *data, size_t size, off_t at)
{
	size_t done = 0;

	while (done < size) {
		ssize_t n = pwrite(fd, data + done, size - done, at + (off_t)done);

		if (n < 0)
			return -errno;
		done += (size_t)n;
	}
	return 0;
}

void file_write(fuse_req_t req, fuse_ino_t number, const char *data, size_t size, off_t at,
		struct fuse_file_info *info)
{
	struct handle *handle = handle_of(info);
	struct stat status;
	int r;

	(void)number;
	if (handle->kind != HANDLE_UPLOAD || !handle->upload) {
		fuse_reply_err(req, EBADF);
		return;
	}
	if (handle->append && fstat(handle->upload->fd, &status) == 0)
		at = status.st_size;
	r = write_all(handle->upload->fd, data, size, at);
	if (r < 0) {
		handle->upload->error = r;
		fuse_reply_err(req, -r);
		return;
	}
	fuse_reply_write(req, size);
}

void file_fsync(fuse_req_t req, fuse_ino_t number, int datasync, struct fuse_file_info *info)
{
	struct handle *handle = handle_of(info);
	int r = 0;

	(void)number;
	(void)datasync;
	if (handle->kind == HANDLE_UPLOAD && handle->upload && fdatasync(handle->upload->fd) < 0)
		r = errno;
	fuse_reply_err(req, r);
}

/* --- closing --------------------------------------------------------------------------------------- */

/* A close(2) that waits for the parent to say whose it is. */
struct flush_question {
	struct wl_list link; /* lockd.questions */
	uint32_t number;
	fuse_req_t req;
	struct upload *upload;
};

static void handle_sealed(void *data, int error)
{
	fuse_reply_err(data, -error);
}

static int ask(struct lockd *lockd, fuse_req_t req, struct upload *upload)
{
	struct flush_question *question = calloc(1, sizeof(*question));
	struct buf body;
	int r;

	if (!question)
		return -ENOMEM;
	question->number = ++lockd->last_question;
	question->req = req;
	question->upload = upload;
	buf_init(&body, 8);
	buf_put_u32(&body, question->number);
	buf_put_u32(&body, (uint32_t)fuse_req_ctx(req)->pid);
	r = ipc_channel_send(lockd->parent, IPC_LOCKD_ASK, &body, NULL, 0);
	buf_finish(&body);
	if (r < 0) {
		free(question);
		return r;
	}
	wl_list_insert(&lockd->questions, &question->link);
	return 0;
}

/*
 * The kernel says the same of a process that closes a file and of one that ends with it open. Only the
 * first is somebody who has said that the file is complete.
 */
void file_flush(fuse_req_t req, fuse_ino_t number, struct fuse_file_info *info)
{
	struct handle *handle = handle_of(info);
	struct upload *upload;
	int r;

	(void)number;
	if (handle->kind != HANDLE_UPLOAD || !handle->upload) {
		fuse_reply_err(req, 0);
		return;
	}
	/* What it writes from now on has no file any more. */
	upload = STEAL(handle->upload);
	r = ask(lockd_of(req), req, upload);
	if (r < 0) {
		upload_break(upload);
		fuse_reply_err(req, -r);
	}
}

void file_flush_answered(struct lockd *lockd, uint32_t number, bool exiting)
{
	struct flush_question *question, *next;

	wl_list_for_each_safe (question, next, &lockd->questions, link) {
		if (question->number != number)
			continue;
		wl_list_remove(&question->link);
		if (exiting) {
			upload_break(question->upload);
			fuse_reply_err(question->req, 0);
		} else {
			upload_seal(question->upload, handle_sealed, question->req);
		}
		free(question);
		return;
	}
}

void file_release(fuse_req_t req, fuse_ino_t number, struct fuse_file_info *info)
{
	(void)number;
	file_handle_free(lockd_of(req), handle_of(info));
	fuse_reply_err(req, 0);
}
