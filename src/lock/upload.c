/* SPDX-License-Identifier: GPL-3.0-or-later */
/* workstation → cell */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "lock/lockd.h"
#include "lock/transfer.h"

/* --- beginning ------------------------------------------------------------------------------------- */

static void upload_free(struct upload *upload)
{
	struct lockd *lockd = upload->lockd;

	if (upload->check)
		check_cancel(upload->check);
	if (upload->node->upload == upload)
		upload->node->upload = NULL;
	tree_unpin(&lockd->tree, upload->node);
	fd_close(upload->fd);
	if (upload->staged[0])
		(void)unlinkat(lockd->staging_fd, upload->staged, 0);
	wl_list_remove(&upload->link);
	free(upload);
}

static void drop_oldest_broken(struct lockd *lockd)
{
	struct upload *upload, *oldest = NULL;
	unsigned int n = 0;

	wl_list_for_each_reverse (upload, &lockd->uploads, link) {
		if (upload->open || upload->sealed)
			continue;
		oldest = upload;
		n++;
	}
	if (n > LOCK_BROKEN_MAX)
		upload_free(oldest);
}

static int upload_new(struct lockd *lockd, struct node *node, struct upload **ret_upload)
{
	struct upload *upload = calloc(1, sizeof(*upload));

	if (!upload)
		return -ENOMEM;
	upload->fd = place_make(lockd, lockd->staging_fd, upload->staged);
	if (upload->fd < 0) {
		int r = upload->fd;

		free(upload);
		return r;
	}
	upload->lockd = lockd;
	upload->node = node;
	upload->open = true;
	node->pins++;
	wl_list_insert(lockd->uploads.prev, &upload->link);
	*ret_upload = upload;
	return 0;
}

/* From here on it is what the uploader sees under the name. One that broke off before is given up. */
static void show(struct upload *upload)
{
	struct upload *former = upload->node->upload;

	if (former == upload)
		return;
	upload->node->upload = upload;
	if (former && !former->open && !former->sealed)
		upload_free(former);
}

struct seed {
	struct job job;
	struct upload *upload;
	int from;
	uint64_t size;
	int error;
	void (*done)(void *data, struct upload *upload, int error);
	void *data;
};

static void run_seed(struct job *job)
{
	struct seed *seed = wl_container_of(job, seed, job);
	uint64_t copied;

	seed->error = transfer_copy(seed->from, seed->upload->fd, seed->size, &job->cancelled, NULL,
				    &copied);
}

static void end_seed(struct job *job)
{
	struct seed *seed = wl_container_of(job, seed, job);
	struct upload *upload = seed->upload;
	int error = seed->error;

	if (error == 0)
		show(upload);
	else
		upload_free(upload);
	seed->done(seed->data, error == 0 ? upload : NULL, error);
	fd_close(seed->from);
	free(seed);
}

/* It goes on with what is published, of which it gets a copy of its own. */
static int seed_from(struct upload *upload, int from, uint64_t size,
		     void (*done)(void *data, struct upload *upload, int error), void *data)
{
	struct seed *seed = calloc(1, sizeof(*seed));

	if (!seed) {
		fd_close(from);
		return -ENOMEM;
	}
	upload->seeded = true;
	*seed = (struct seed){.job = {.run = run_seed, .done = end_seed},
			      .upload = upload,
			      .from = from,
			      .size = size,
			      .done = done,
			      .data = data};
	if (size > LOCK_SMALL) {
		worker_add(upload->lockd->worker, &seed->job);
		return 0;
	}
	run_seed(&seed->job);
	end_seed(&seed->job);
	return 0;
}

void upload_begin(struct lockd *lockd, struct node *node, bool keep,
		  void (*done)(void *data, struct upload *upload, int error), void *data)
{
	struct upload *upload = node->upload;
	struct stat status = {0};
	int from = -1, r;

	if (keep && upload && !upload->open && !upload->sealed) {
		upload->open = true;
		done(data, upload, 0);
		return;
	}
	if (keep) {
		from = place_open_file(lockd, node, &status);
		if (from < 0 && from != -ENOENT) {
			done(data, NULL, from);
			return;
		}
	}
	r = upload_new(lockd, node, &upload);
	if (r == 0 && from >= 0) {
		r = seed_from(upload, from, (uint64_t)status.st_size, done, data);
		if (r == 0)
			return;
		upload_free(upload);
		upload = NULL;
	} else if (r < 0) {
		fd_close(from);
		upload = NULL;
	} else {
		show(upload);
	}
	done(data, upload, r);
}

/* --- publication ----------------------------------------------------------------------------------- */

static void finish(struct upload *upload, int error)
{
	void (*done)(void *data, int error) = upload->done;
	void *data = upload->data;

	upload_free(upload);
	done(data, error);
}

struct publication {
	struct job job;
	struct upload *upload;
	struct place place;
	char *name;
	int error;
};

/* In one transaction of the journal: the data is on its way to the disk before the name is changed, and
 * the name with it when fsync(2) returns. */
static void run_publication(struct job *job)
{
	struct publication *p = wl_container_of(job, p, job);
	const struct upload *upload = p->upload;

	if (upload->has_times && futimens(upload->fd, upload->times) < 0)
		p->error = -errno;
	if (p->error == 0 && sync_file_range(upload->fd, 0, 0, SYNC_FILE_RANGE_WRITE) < 0)
		p->error = -errno;
	if (p->error == 0 &&
	    renameat(upload->lockd->staging_fd, upload->staged, p->place.fd, p->name) < 0)
		p->error = -errno;
	if (p->error == 0 && upload->lockd->launch.sync && fsync(upload->fd) < 0)
		p->error = -errno;
}

static void end_publication(struct job *job)
{
	struct publication *p = wl_container_of(job, p, job);
	struct upload *upload = p->upload;
	int error = p->error;

	if (error == 0) {
		upload->staged[0] = '\0';
		note_drop_for(upload->lockd, upload->node);
	}
	place_finish(&p->place);
	free(p->name);
	free(p);
	finish(upload, error);
}

static int publish(struct upload *upload)
{
	struct lockd *lockd = upload->lockd;
	struct publication *p = calloc(1, sizeof(*p));
	int r;

	if (!p)
		return -ENOMEM;
	p->job = (struct job){.run = run_publication, .done = end_publication};
	p->upload = upload;
	p->name = strdup(upload->node->name);
	r = !p->name                ? -ENOMEM
	    : !upload->node->parent ? -ENOENT
				    : place_open(lockd, upload->node->parent, &p->place);
	if (r < 0) {
		free(p->name);
		free(p);
		return r;
	}
	if (lockd->launch.sync) {
		worker_add(lockd->worker, &p->job);
	} else {
		run_publication(&p->job);
		end_publication(&p->job);
	}
	return 0;
}

static void handle_verdict(void *data, const struct check_verdict *verdict)
{
	struct upload *upload = data;
	int r = -EACCES;

	upload->check = NULL;
	if (upload->dropped) {
		finish(upload, 0);
		return;
	}
	if (verdict->result == CHECK_PASS)
		r = publish(upload);
	else
		note_put(upload->lockd, upload->node, verdict->text);
	if (r < 0)
		finish(upload, r);
}

/* Not even we can write it any more: what is checked is what will be published. */
static int close_for_writing(struct upload *upload)
{
	int fd = openat(upload->lockd->staging_fd, upload->staged,
			O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0)
		return -errno;
	fd_close(upload->fd);
	upload->fd = fd;
	return 0;
}

void upload_seal(struct upload *upload, void (*done)(void *data, int error), void *data)
{
	struct lockd *lockd = upload->lockd;
	char path[LOCK_PATH_MAX];
	int r;

	upload->open = false;
	upload->sealed = true;
	upload->done = done;
	upload->data = data;
	if (upload->dropped || upload->error < 0) {
		finish(upload, upload->dropped ? 0 : upload->error);
		return;
	}
	r = tree_path(&lockd->tree, upload->node, path);
	if (r == 0)
		r = close_for_writing(upload);
	if (r == 0)
		r = checker_start(lockd->checker,
				  &(const struct check_request){.fd = upload->fd,
								.name = path,
								.direction = CHECK_UP,
								.address = lockd->address},
				  handle_verdict, upload, &upload->check);
	if (r < 0)
		finish(upload, r);
}

void upload_break(struct upload *upload)
{
	upload->open = false;
	if (upload->dropped || upload->node->upload != upload) {
		upload_free(upload);
		return;
	}
	log_event(LOG_INFO, "lock.broke-off", LOG_INT("uid", upload->lockd->launch.owner),
		  LOG_STR("name", upload->node->name));
	/* It is the youngest now. */
	wl_list_remove(&upload->link);
	wl_list_insert(upload->lockd->uploads.prev, &upload->link);
	drop_oldest_broken(upload->lockd);
}

void upload_drop(struct upload *upload)
{
	upload->dropped = true;
	if (upload->node->upload == upload)
		upload->node->upload = NULL;
	if (!upload->open && !upload->sealed)
		upload_free(upload);
}

void upload_finish(struct lockd *lockd)
{
	struct upload *upload, *next;

	wl_list_for_each_safe (upload, next, &lockd->uploads, link)
		upload_free(upload);
}
