/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * lazaret-lockd: one person's view of his transfer folder, as a file system in user space whose only
 * user is sshd's internal-sftp. What is read there is a copy that was checked; what is written there is
 * seen in the cell when it was checked.
 *
 *	lockd.c		start, confinement, the parent's messages
 *	view.c		the file system's requests: names and attributes
 *	list.c		the same: contents of folders
 *	file.c		the same: open files
 *	download.c	cell → workstation: copy, check, serve
 *	upload.c	workstation → cell: staging, check, publication
 *	note.c		NAME.refused.txt
 *	place.c		opening things below the transfer folder, without following what a cell has put there
 *	tree.c		the names that the kernel knows
 *	worker.c	threads for what waits for the disk
 *
 * The attacker is the cell, which owns everything below the transfer folder and changes it at any moment;
 * and the person at the workstation, who may hold as many files open as he likes. Trusted are the kernel,
 * the parent and lazaret-checkd.
 */
#ifndef LAZARET_LOCK_LOCKD_H
#define LAZARET_LOCK_LOCKD_H

#define FUSE_USE_VERSION 312

#include <fuse3/fuse_lowlevel.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <wayland-server-core.h>

#include "base/attr.h"
#include "ipc/channel.h"
#include "lock/checker.h"
#include "lock/lock_limits.h"
#include "lock/tree.h"
#include "lock/worker.h"

/* What the parent wrote on descriptor 4, see the head of ipc/messages.def. */
struct lockd_launch {
	uint32_t uid, gid; /* ours */
	uint32_t owner, group; /* the person's */
	uint8_t log_level;
	uint8_t sync; /* an upload is on the disk before it is acknowledged */
	uint64_t copies_max; /* bytes of copies of downloads */
};

struct lockd {
	struct wl_event_loop *loop;
	struct ipc_channel *parent;
	struct fuse_session *fuse;
	struct fuse_buf request;
	struct checker *checker;
	struct worker *worker;
	struct lockd_launch launch;
	bool over;
	int status;

	int transfer_fd, staging_fd, copies_fd;
	bool reflink; /* the file system may be able to share blocks: not tried in vain yet */
	uint64_t number; /* of the last file in staging or copies */
	char address[CHECKER_ADDRESS_MAX + 1]; /* of the last login */

	struct tree tree;
	unsigned int n_handles;
	struct wl_list uploads; /* upload.link, oldest first */
	struct wl_list copies; /* copy.link */
	uint64_t copies_bytes;
	uint64_t memory_bytes; /* of them in memory */
	struct wl_list notes; /* note.link, oldest first */
	unsigned int n_notes;
	struct wl_list questions; /* flush_question.link: to the parent */
	uint32_t last_question;

	struct { /* hidden objects that were said */
		uint64_t known[LOCK_HIDDEN_KNOWN];
		size_t next;
		uint64_t minute;
		unsigned int said;
	} hidden;
};

/* An open file, folder or explanation: what the kernel gets as its handle. */
struct handle {
	enum { HANDLE_UPLOAD, HANDLE_COPY, HANDLE_NOTE, HANDLE_FOLDER } kind;
	bool append;
	struct node *node; /* pinned; NULL for folders */
	union {
		struct upload *upload;
		struct copy *copy;
		char *text;
		struct listing *listing;
	};
};

/* --- view.c, file.c, list.c ------------------------------------------------------------------------ */
extern const struct fuse_lowlevel_ops view_ops;
void view_init(void *data, struct fuse_conn_info *conn);
void view_lookup(fuse_req_t req, fuse_ino_t parent, const char *name);
void view_forget(fuse_req_t req, fuse_ino_t number, uint64_t lookups);
void view_getattr(fuse_req_t req, fuse_ino_t number, struct fuse_file_info *info);
void view_setattr(fuse_req_t req, fuse_ino_t number, struct stat *attr, int which,
		  struct fuse_file_info *info);
/* Takes over the pin; what the kernel is told of a node that it is to remember. */
void view_fill_entry(struct lockd *lockd, struct node *node, const struct stat *status,
		     struct fuse_entry_param *ret_entry);
/* Only what the view shows of a file of the user's; `status` may be of a file in staging. */
void view_fill_status(const struct lockd *lockd, const struct stat *status, struct stat *ret_shown);

void file_open(fuse_req_t req, fuse_ino_t number, struct fuse_file_info *info);
void file_create(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode,
		 struct fuse_file_info *info);
void file_read(fuse_req_t req, fuse_ino_t number, size_t size, off_t at,
	       struct fuse_file_info *info);
void file_write(fuse_req_t req, fuse_ino_t number, const char *data, size_t size, off_t at,
		struct fuse_file_info *info);
void file_flush(fuse_req_t req, fuse_ino_t number, struct fuse_file_info *info);
void file_fsync(fuse_req_t req, fuse_ino_t number, int datasync, struct fuse_file_info *info);
void file_release(fuse_req_t req, fuse_ino_t number, struct fuse_file_info *info);
/* The parent's answer about who closes. */
void file_flush_answered(struct lockd *lockd, uint32_t question, bool exiting);
/* A new handle for `info`; the pin of `node` is the handle's. NULL: too many, or no memory. */
struct handle *file_handle(struct lockd *lockd, struct node *node, int kind);
void file_handle_free(struct lockd *lockd, struct handle *handle);

void list_open(fuse_req_t req, fuse_ino_t number, struct fuse_file_info *info);
void list_read(fuse_req_t req, fuse_ino_t number, size_t size, off_t at,
	       struct fuse_file_info *info);
void list_release(fuse_req_t req, fuse_ino_t number, struct fuse_file_info *info);

/* --- place.c --------------------------------------------------------------------------------------- */
/* A folder to work in: `fd` is only ours to close if `own`. */
struct place {
	int fd;
	bool own;
};
void place_finish(struct place *place);
#define _cleanup_place_ CLEANUP(place_finish)

/* The folder of the node, whatever lies there now. Follows no link, leaves no mount. */
NODISCARD int place_open(struct lockd *lockd, const struct node *folder, struct place *ret_place);
/*
 * What lies under the name of a node, or of a name in a folder: -ENOENT also for what is not offered
 * (links, devices, sockets, pipes, names that name_objection() has something against), which is logged.
 */
NODISCARD int place_status(struct lockd *lockd, const struct node *node, struct stat *ret_status);
NODISCARD int place_status_at(struct lockd *lockd, const struct node *folder, int dir,
			      const char *name, struct stat *ret_status);
/* Opens a regular file for reading; it may be changed by the cell meanwhile. */
NODISCARD int place_open_file(struct lockd *lockd, const struct node *node,
			      struct stat *ret_status);
/* Says once that something is not offered. */
void place_hidden(struct lockd *lockd, const struct node *folder, const char *name,
		  const char *why);
/* A new file of ours in staging or among the copies; its name goes to `ret_name` (24 bytes). */
NODISCARD int place_make(struct lockd *lockd, int dir, char *ret_name);

/* --- download.c ------------------------------------------------------------------------------------ */
struct copy;
/* Answers the request, now or later. The pin of the node is taken over. */
void download_open(struct lockd *lockd, fuse_req_t req, struct node *node,
		   const struct fuse_file_info *info);
void download_read(struct copy *copy, fuse_req_t req, size_t size, off_t at);
void download_close(struct lockd *lockd, struct copy *copy);
/* What passed did so by rules that are no more. */
void download_forget(struct lockd *lockd);
void download_finish(struct lockd *lockd);

/* --- upload.c -------------------------------------------------------------------------------------- */
struct upload {
	struct wl_list link; /* lockd.uploads */
	struct lockd *lockd;
	struct node *node; /* pinned: where it is to go */
	int fd; /* its file in staging: to write, and after it was closed to read only */
	char staged[24];
	bool open; /* a handle writes it */
	bool sealed; /* nobody writes it any more: it is checked, or published */
	bool seeded; /* some of it is what was published before, or of an upload that was */
	bool dropped; /* it is not wanted any more */
	int error; /* something could not be written: it is not whole, and closing says so */
	bool has_times;
	struct timespec times[2];
	struct check *check;
	void (*done)(void *data, int error); /* of upload_seal() */
	void *data;
};
/*
 * What is written to a name: an empty file, or with `keep` what is there already, of an upload that broke
 * off or of the published file. `done` gets an open upload and 0, or NULL and an error; perhaps before
 * this returns.
 */
void upload_begin(struct lockd *lockd, struct node *node, bool keep,
		  void (*done)(void *data, struct upload *upload, int error), void *data);
/*
 * Nobody writes it any more: it is checked and published; then `done` is called, once, perhaps at once.
 * -EACCES: it was refused, and a note says why. -ENOSPC, -EDQUOT, -ENOENT (its folder is gone) …
 */
void upload_seal(struct upload *upload, void (*done)(void *data, int error), void *data);
/* It broke off: kept, unpublished, for who goes on with it. */
void upload_break(struct upload *upload);
void upload_drop(struct upload *upload);
void upload_finish(struct lockd *lockd);

/* --- note.c ---------------------------------------------------------------------------------------- */
struct note {
	struct wl_list link; /* lockd.notes */
	struct lockd *lockd;
	struct node *node; /* pinned */
	char *text;
	uint64_t since; /* wall us */
};
/* Puts it beside the file; without effect when there is no memory for it. */
void note_put(struct lockd *lockd, struct node *file, const char *text);
/* A file that passed needs none. */
void note_drop_for(struct lockd *lockd, struct node *file);
void note_drop(struct note *note);
/* Those that are too old go. */
void note_expire(struct lockd *lockd);
void note_status(const struct note *note, struct stat *ret_status);
void note_finish(struct lockd *lockd);

#endif
