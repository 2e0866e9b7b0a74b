/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cell → workstation */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "lock/check_limits.h"
#include "lock/follow.h"
#include "lock/lockd.h"
#include "lock/transfer.h"

/*
 * What stood under a name at one moment. Nobody but us has it open, and we only to read, as soon as it is
 * complete. Whoever opens the file again while nothing has changed gets the same one.
 */
struct copy {
	struct wl_list link; /* lockd.copies */
	struct lockd *lockd;
	struct node *node; /* pinned */
	enum { COPY_MADE, COPY_CHECKED, COPY_PASSED } state;
	struct stat of; /* the file as it was before */
	uint64_t begun; /* wall us */
	bool stale; /* it changed meanwhile, or may have */
	int from, fd;
	bool written_by_us; /* fd can write still */
	char name[24];
	int dir; /* where the name is; -1: nowhere any more */
	uint64_t size;
	int error;
	unsigned int users; /* handles */
	struct wl_list openings; /* opening.link */
	bool in_memory;
	struct job job, hash_job;
	unsigned int jobs; /* of them that run */
	struct follow follow;
	uint8_t digest[CHECK_DIGEST_LEN];
	int hash_error; /* of `digest`; -ENODATA: it was not asked for */
	struct check *check;
	struct wl_event_source *timer;
};

/* An open(2) that waits. */
struct opening {
	struct wl_list link;
	struct copy *copy;
	fuse_req_t req;
	struct fuse_file_info info;
};

static void copy_free(struct copy *copy)
{
	struct lockd *lockd = copy->lockd;

	if (copy->check)
		check_cancel(copy->check);
	if (copy->timer)
		wl_event_source_remove(copy->timer);
	if (copy->dir >= 0)
		(void)unlinkat(copy->dir, copy->name, 0);
	fd_close(copy->from);
	fd_close(copy->fd);
	lockd->copies_bytes -= (uint64_t)copy->of.st_size;
	if (copy->in_memory)
		lockd->memory_bytes -= (uint64_t)copy->of.st_size;
	follow_finish(&copy->follow);
	tree_unpin(&lockd->tree, copy->node);
	wl_list_remove(&copy->link);
	free(copy);
}

static bool is_idle(const struct copy *copy)
{
	return copy->users == 0 && wl_list_empty(&copy->openings) && copy->jobs == 0;
}

static int handle_kept(void *data)
{
	struct copy *copy = data;

	if (is_idle(copy))
		copy_free(copy);
	return 0;
}

/* The newest stand first. */
static void limit_kept(struct lockd *lockd)
{
	struct copy *copy, *next;
	unsigned int n = 0;

	wl_list_for_each_safe (copy, next, &lockd->copies, link) {
		if (copy->state == COPY_PASSED && is_idle(copy) && ++n > LOCK_KEPT_MAX)
			copy_free(copy);
	}
}

/* Nobody waits for it or reads it: it stays a while if it may serve again. */
static void unused(struct copy *copy)
{
	if (copy->jobs > 0) {
		atomic_store(&copy->job.cancelled, true);
		atomic_store(&copy->hash_job.cancelled, true);
		return;
	}
	if (copy->state != COPY_PASSED || copy->stale || !copy->timer ||
	    copy->of.st_size <= LOCK_SMALL) {
		copy_free(copy);
		return;
	}
	wl_event_source_timer_update(copy->timer, LOCK_COPY_SECONDS * 1000);
	limit_kept(copy->lockd);
}

void download_forget(struct lockd *lockd)
{
	struct copy *copy, *next;

	wl_list_for_each_safe (copy, next, &lockd->copies, link) {
		copy->stale = true;
		if (copy->state == COPY_PASSED && is_idle(copy))
			copy_free(copy);
	}
}

/* --- answers --------------------------------------------------------------------------------------- */

static int give(struct copy *copy, struct fuse_file_info *info)
{
	struct handle *handle = file_handle(copy->lockd, copy->node, HANDLE_COPY);

	if (!handle)
		return -EMFILE;
	copy->node->pins++;
	handle->copy = copy;
	copy->users++;
	info->fh = (uint64_t)(uintptr_t)handle;
	/* Two copies of one file must never be mixed in the kernel's cache. */
	info->direct_io = 1;
	info->noflush = 1;
	return 0;
}

static void answer(struct copy *copy, fuse_req_t req, struct fuse_file_info *info, int error)
{
	if (error == 0)
		error = give(copy, info);
	if (error < 0)
		fuse_reply_err(req, -error);
	else if (fuse_reply_open(req, info) == -ENOENT)
		/* Whoever asked is gone. */
		file_handle_free(copy->lockd, (struct handle *)(uintptr_t)info->fh);
}

static void answer_all(struct copy *copy, int error)
{
	struct opening *opening, *next;

	copy->users++;
	wl_list_for_each_safe (opening, next, &copy->openings, link) {
		wl_list_remove(&opening->link);
		fuse_req_interrupt_func(opening->req, NULL, NULL);
		answer(copy, opening->req, &opening->info, error);
		free(opening);
	}
	copy->users--;
	if (error < 0)
		copy_free(copy);
	else if (copy->users == 0)
		unused(copy);
}

static void handle_interrupt(fuse_req_t req, void *data)
{
	struct opening *opening = data;
	struct copy *copy = opening->copy;

	wl_list_remove(&opening->link);
	free(opening);
	fuse_reply_err(req, EINTR);
	if (wl_list_empty(&copy->openings) && copy->users == 0)
		unused(copy);
}

static void wait_for(struct copy *copy, fuse_req_t req, const struct fuse_file_info *info)
{
	struct opening *opening = calloc(1, sizeof(*opening));

	if (!opening) {
		fuse_reply_err(req, ENOMEM);
		if (is_idle(copy))
			unused(copy);
		return;
	}
	*opening = (struct opening){.copy = copy, .req = req, .info = *info};
	wl_list_insert(copy->openings.prev, &opening->link);
	/* Calls at once if the interruption is here already. */
	fuse_req_interrupt_func(req, handle_interrupt, opening);
}

/* --- copy, check ----------------------------------------------------------------------------------- */

static void handle_verdict(void *data, const struct check_verdict *verdict)
{
	struct copy *copy = data;
	bool pass = verdict->result == CHECK_PASS;

	copy->check = NULL;
	if (pass) {
		copy->state = COPY_PASSED;
		note_drop_for(copy->lockd, copy->node);
	} else {
		note_put(copy->lockd, copy->node, verdict->text);
	}
	answer_all(copy, pass ? 0 : -EACCES);
}

static bool changed(const struct stat *a, const struct stat *b)
{
	return a->st_dev != b->st_dev || a->st_ino != b->st_ino || a->st_size != b->st_size ||
	       a->st_ctim.tv_sec != b->st_ctim.tv_sec || a->st_ctim.tv_nsec != b->st_ctim.tv_nsec ||
	       a->st_mtim.tv_sec != b->st_mtim.tv_sec || a->st_mtim.tv_nsec != b->st_mtim.tv_nsec;
}

/* Within the grain of the clock a change cannot be seen by the times. */
static bool is_young(const struct stat *status, uint64_t now)
{
	return (uint64_t)status->st_ctim.tv_sec * USEC_PER_SEC + 2 * USEC_PER_SEC > now;
}

/* Not even we can write it any more. */
static int close_for_writing(struct copy *copy)
{
	int fd;

	if (copy->in_memory)
		return fcntl(copy->fd, F_ADD_SEALS,
			     F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) < 0
			       ? -errno
			       : 0;
	fd = openat(copy->dir, copy->name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return -errno;
	fd_close(copy->fd);
	copy->fd = fd;
	(void)unlinkat(copy->dir, copy->name, 0);
	copy->dir = -1;
	return 0;
}

static int begin_check(struct copy *copy)
{
	struct lockd *lockd = copy->lockd;
	char path[LOCK_PATH_MAX];
	struct stat after;
	int r;

	copy->stale = copy->stale || fstat(copy->from, &after) < 0 || changed(&copy->of, &after) ||
		      is_young(&copy->of, copy->begun);
	copy->from = fd_close(copy->from);
	r = close_for_writing(copy);
	if (r < 0)
		return r;
	copy->state = COPY_CHECKED;
	r = tree_path(&lockd->tree, copy->node, path);
	if (r < 0)
		return r;
	return checker_start(
		lockd->checker,
		&(const struct check_request){.fd = copy->fd,
					      .name = path,
					      .direction = CHECK_DOWN,
					      .sha256 = copy->hash_error < 0 ? NULL : copy->digest,
					      .address = lockd->address},
		handle_verdict, copy, &copy->check);
}

static void run_copy(struct job *job)
{
	struct copy *copy = wl_container_of(job, copy, job);

	copy->error = transfer_copy(copy->from, copy->fd, (uint64_t)copy->of.st_size,
				    &job->cancelled, &copy->follow, &copy->size);
	follow_end(&copy->follow);
}

static void run_hash(struct job *job)
{
	struct copy *copy = wl_container_of(job, copy, hash_job);

	copy->hash_error = follow_digest(&copy->follow, copy->fd, &job->cancelled, copy->digest);
}

static void end_job(struct copy *copy)
{
	int r = copy->error;

	if (--copy->jobs > 0)
		return;
	if (wl_list_empty(&copy->openings)) {
		copy_free(copy);
		return;
	}
	if (r == 0)
		r = begin_check(copy);
	if (r == -ENOSPC || r == -EDQUOT)
		log_event(LOG_WARN, "lock.staging-full", LOG_INT("uid", copy->lockd->launch.owner),
			  LOG_INT("bytes", copy->of.st_size), LOG_ERR(r));
	if (r < 0)
		answer_all(copy, r);
}

static void end_copy(struct job *job)
{
	struct copy *copy = wl_container_of(job, copy, job);

	end_job(copy);
}

static void end_hash(struct job *job)
{
	struct copy *copy = wl_container_of(job, copy, hash_job);

	end_job(copy);
}

/* --- beginning ------------------------------------------------------------------------------------- */

static struct copy *find(struct lockd *lockd, const struct node *node, const struct stat *status)
{
	struct copy *copy;

	wl_list_for_each (copy, &lockd->copies, link) {
		if (copy->node == node && copy->state == COPY_PASSED && !copy->stale &&
		    !changed(&copy->of, status))
			return copy;
	}
	return NULL;
}

/* Room for so much more, if need be by letting go of what is only kept. */
static bool make_room(struct lockd *lockd, uint64_t size)
{
	struct copy *copy, *next;

	wl_list_for_each_reverse_safe(copy, next, &lockd->copies, link)
	{
		if (lockd->copies_bytes + size <= lockd->launch.copies_max)
			return true;
		if (is_idle(copy))
			copy_free(copy);
	}
	return lockd->copies_bytes + size <= lockd->launch.copies_max;
}

/* False: it has to lie on a disk. */
static bool make_in_memory(struct copy *copy)
{
	uint64_t size = (uint64_t)copy->of.st_size;

	if (size > LOCK_SMALL || copy->lockd->memory_bytes + size > LOCK_MEMORY_MAX)
		return false;
	copy->fd = memfd_create("copy", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (copy->fd < 0)
		return false;
	copy->in_memory = true;
	copy->lockd->memory_bytes += size;
	return true;
}

/* Where blocks can be shared, a copy costs nothing; otherwise it lies on the system's own disk, so that
 * a user's full volume can still be emptied. */
static int make_file(struct copy *copy)
{
	struct lockd *lockd = copy->lockd;

	if (make_in_memory(copy))
		return 0;
	if (lockd->reflink) {
		copy->dir = lockd->staging_fd;
		copy->fd = place_make(lockd, copy->dir, copy->name);
		if (copy->fd >= 0 && ioctl(copy->fd, FICLONE, copy->from) == 0) {
			struct stat status;

			if (fstat(copy->fd, &status) == 0)
				copy->size = (uint64_t)status.st_size;
			return 1;
		}
		lockd->reflink = false;
		if (copy->fd >= 0)
			(void)unlinkat(copy->dir, copy->name, 0);
		fd_close(copy->fd);
	}
	copy->dir = lockd->copies_fd;
	copy->fd = place_make(lockd, copy->dir, copy->name);
	if (copy->fd < 0) {
		copy->dir = -1;
		return copy->fd;
	}
	return 0;
}

static int copy_new(struct lockd *lockd, struct node *node, int from, const struct stat *status,
		    struct copy **ret_copy)
{
	struct copy *copy;

	if (!make_room(lockd, (uint64_t)status->st_size)) {
		log_event(LOG_WARN, "lock.staging-full", LOG_INT("uid", lockd->launch.owner),
			  LOG_INT("bytes", status->st_size), LOG_ERR(-EDQUOT));
		fd_close(from);
		return -EDQUOT;
	}
	copy = calloc(1, sizeof(*copy));
	if (!copy) {
		fd_close(from);
		return -ENOMEM;
	}
	*copy = (struct copy){.lockd = lockd,
			      .node = node,
			      .of = *status,
			      .begun = clock_wall(),
			      .from = from,
			      .fd = -1,
			      .dir = -1,
			      .hash_error = -ENODATA,
			      .job = {.run = run_copy, .done = end_copy},
			      .hash_job = {.run = run_hash, .done = end_hash}};
	follow_init(&copy->follow);
	node->pins++;
	lockd->copies_bytes += (uint64_t)status->st_size;
	wl_list_init(&copy->openings);
	wl_list_insert(&lockd->copies, &copy->link);
	copy->timer = wl_event_loop_add_timer(lockd->loop, handle_kept, copy);
	*ret_copy = copy;
	return 0;
}

static void start(struct copy *copy, fuse_req_t req, const struct fuse_file_info *info)
{
	int r = make_file(copy);

	if (r < 0) {
		fuse_reply_err(req, -r);
		copy_free(copy);
		return;
	}
	/* Answered, or cancelled, at the earliest when this has returned. */
	copy->users++;
	wait_for(copy, req, info);
	copy->users--;
	if (wl_list_empty(&copy->openings)) {
		copy_free(copy);
		return;
	}
	copy->jobs = 1;
	if (r > 0 || copy->of.st_size <= LOCK_SMALL) {
		if (r == 0)
			run_copy(&copy->job);
		end_copy(&copy->job);
	} else {
		worker_add(copy->lockd->worker, &copy->job);
		/* Behind it: what it waits for has then begun. checkd hashes small ones itself. */
		if (copy->of.st_size > CHECK_HASH_HERE_MAX) {
			copy->jobs++;
			worker_add(copy->lockd->worker, &copy->hash_job);
		}
	}
}

void download_open(struct lockd *lockd, fuse_req_t req, struct node *node,
		   const struct fuse_file_info *info)
{
	struct fuse_file_info answered = *info;
	struct stat status;
	struct copy *copy;
	int from = place_open_file(lockd, node, &status), r;

	if (from < 0) {
		fuse_reply_err(req, -from);
		return;
	}
	copy = find(lockd, node, &status);
	if (copy) {
		fd_close(from);
		if (copy->timer)
			wl_event_source_timer_update(copy->timer, 0);
		answer(copy, req, &answered, 0);
		return;
	}
	r = copy_new(lockd, node, from, &status, &copy);
	if (r < 0)
		fuse_reply_err(req, -r);
	else
		start(copy, req, info);
}

/* Two system calls, where pipes need six. */
static void read_in_memory(const struct copy *copy, fuse_req_t req, size_t size, off_t at)
{
	static char block[LOCK_SMALL];
	ssize_t n = 0;

	if ((uint64_t)at < copy->size)
		n = pread(copy->fd, block, MIN(size, sizeof(block)), at);
	if (n < 0)
		fuse_reply_err(req, errno);
	else
		fuse_reply_buf(req, block, (size_t)n);
}

void download_read(struct copy *copy, fuse_req_t req, size_t size, off_t at)
{
	struct fuse_bufvec data = FUSE_BUFVEC_INIT(size);

	if (copy->in_memory) {
		read_in_memory(copy, req, size, at);
		return;
	}
	data.buf[0].flags = FUSE_BUF_IS_FD | FUSE_BUF_FD_SEEK;
	data.buf[0].fd = copy->fd;
	data.buf[0].pos = at;
	fuse_reply_data(req, &data, FUSE_BUF_SPLICE_MOVE);
}

void download_close(struct lockd *lockd, struct copy *copy)
{
	(void)lockd;
	if (--copy->users == 0 && wl_list_empty(&copy->openings))
		unused(copy);
}

void download_finish(struct lockd *lockd)
{
	struct copy *copy, *next;

	wl_list_for_each_safe (copy, next, &lockd->copies, link)
		copy_free(copy);
}
