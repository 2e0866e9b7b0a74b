/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "lock/check_job.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <wayland-server-core.h>

#include "base/fd.h"
#include "lock/check_digest.h"
#include "lock/checkd.h"

struct check_job {
	struct checkd *checkd;
	int fd;
	uint64_t size;
	struct wl_event_source *idle;
	check_job_done done;
	void *data;
};

void check_job_destroy(struct check_job *job)
{
	if (!job)
		return;
	if (job->idle)
		wl_event_source_remove(job->idle);
	fd_close(job->fd);
	free(job);
}

static void handle_idle(void *data)
{
	struct check_job *job = data;
	struct check_verdict verdict = {
		.result = CHECK_PASS,
		.size = job->size,
		.type = "",
		.rule = "",
		.signature = "",
		.sentence = "",
		.sentence_en = "",
		.sentence_de = "",
		.text = "",
	};

	job->idle = NULL;
	if (check_digest_fd(job->fd, job->size, verdict.sha256) < 0)
		verdict.result = CHECK_REFUSE;
	job->done(job->data, &verdict);
}

static bool is_readable_file(int fd, struct stat *ret_status)
{
	int flags = fcntl(fd, F_GETFL);

	return flags >= 0 && (flags & O_ACCMODE) != O_WRONLY && !(flags & O_PATH) &&
	       fstat(fd, ret_status) == 0 && S_ISREG(ret_status->st_mode);
}

int check_job_create(struct checkd *checkd, const struct check_subject *subject,
		     const struct check_request *request, check_job_done done, void *data,
		     struct check_job **ret_job)
{
	struct check_job *job = calloc(1, sizeof(*job));
	struct stat status;

	(void)subject;
	if (!job || !is_readable_file(request->fd, &status)) {
		fd_close(request->fd);
		free(job);
		return job ? -EINVAL : -ENOMEM;
	}
	job->checkd = checkd;
	job->fd = request->fd;
	job->size = (uint64_t)status.st_size;
	job->done = done;
	job->data = data;
	job->idle = wl_event_loop_add_idle(checkd->loop, handle_idle, job);
	if (!job->idle) {
		check_job_destroy(job);
		return -ENOMEM;
	}
	*ret_job = job;
	return 0;
}
