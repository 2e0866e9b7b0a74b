/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One lazaret-lockcheck, and what it says. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/logpipe.h"
#include "base/mem.h"
#include "base/spawn.h"
#include "lock/check_job.h"
#include "lock/check_second.h"
#include "lock/checkd.h"
#include "lock/lockcheck.h"

#define REPORT_MAX (CHECK_DIGEST_LEN + CHECK_FACTS_MAX)

struct check_child {
	struct check_job *job;
	struct child child;
	struct wl_event_source *end, *report_source, *timer;
	int report_fd;
	struct buf report;
	struct logpipe *log;
	bool hashed;
};

void check_child_stop(struct check_job *job)
{
	struct check_child *child = STEAL(job->child);

	if (!child)
		return;
	if (child->end)
		wl_event_source_remove(child->end);
	if (child->report_source)
		wl_event_source_remove(child->report_source);
	if (child->timer)
		wl_event_source_remove(child->timer);
	child_kill(&child->child);
	logpipe_destroy(child->log);
	fd_close(child->report_fd);
	buf_finish(&child->report);
	free(child);
	job->checkd->n_children--;
	check_job_next(job->checkd);
}

static int handle_timeout(void *data)
{
	struct check_child *child = data;

	check_job_failed(child->job, "lock-check-time");
	return 0;
}

/* Reads what is there. False: the child is gone, with all that was known of it. */
static bool take_report(struct check_child *child)
{
	struct check_job *job = child->job;
	ssize_t n;

	do
		n = buf_read_fd(&child->report, child->report_fd, REPORT_MAX);
	while (n > 0);
	if (n == -ENOBUFS) {
		check_job_failed(job, "it says too much");
		return false;
	}
	if (!child->hashed && buf_len(&child->report) >= CHECK_DIGEST_LEN) {
		child->hashed = true;
		if (!check_job_hashed(job, buf_data(&child->report)))
			return false;
	}
	if (n == 0 && child->report_source) {
		wl_event_source_remove(child->report_source);
		child->report_source = NULL;
	}
	return true;
}

static int handle_report(int fd, uint32_t mask, void *data)
{
	(void)fd;
	(void)mask;
	(void)take_report(data);
	return 0;
}

static void judge_report(struct check_child *child)
{
	static struct check_facts facts;
	struct check_job *job = child->job;
	struct cursor c = cursor_over(buf_data(&child->report), buf_len(&child->report));

	cursor_skip(&c, CHECK_DIGEST_LEN);
	if (check_facts_get(&c, &facts) < 0)
		check_job_failed(job, "not understood");
	else
		check_job_found(job, &facts);
}

static int handle_end(int fd, uint32_t mask, void *data)
{
	struct check_child *child = data;
	char how[64];
	int status = 0;

	(void)fd;
	(void)mask;
	if (child_reap(&child->child, &status) < 0 || !take_report(child))
		return 0;
	if (status == 0) {
		judge_report(child);
		return 0;
	}
	child_describe(status, how, sizeof(how));
	check_job_failed(child->job, how);
	return 0;
}

static int put_config(const struct check_job *job)
{
	const struct conf *conf = job->checkd->conf;
	uint64_t memory = (uint64_t)conf_int(conf, CONF_LOCK_CHECK_MEMORY) << 20;
	struct lockcheck_config config = {
		.uid = job->checkd->child_uid,
		.gid = job->checkd->child_gid,
		.size = job->size,
		.memory = memory,
		.seconds = (uint32_t)conf_int(conf, CONF_LOCK_CHECK_TIME),
		.limits =
			{
				.depth = (uint32_t)conf_int(conf, CONF_LOCK_ARCHIVE_DEPTH),
				.members = (uint64_t)conf_int(conf, CONF_LOCK_ARCHIVE_MEMBERS),
				.unpacked = (uint64_t)conf_int(conf, CONF_LOCK_ARCHIVE_SIZE) << 20,
				.ratio = (uint64_t)conf_int(conf, CONF_LOCK_ARCHIVE_RATIO),
				.memory = memory / 2,
			},
	};
	struct buf out;
	int fd;

	buf_init(&out, LOCKCHECK_CONFIG_MAX);
	lockcheck_put(&config, &out);
	fd = buf_error(&out) ? buf_error(&out)
			     : fd_memfd("lockcheck", buf_data(&out), buf_len(&out));
	buf_finish(&out);
	return fd;
}

static int launch(struct check_child *child)
{
	const struct check_job *job = child->job;
	const struct checkd *checkd = job->checkd;
	_cleanup_fd_ int report = -1, config = -1, file = -1, log = -1;
	char path[PATH_MAX];
	int pair[2], r;

	if (pipe2(pair, O_CLOEXEC) < 0)
		return -errno;
	child->report_fd = pair[0];
	report = pair[1];
	r = fd_set_nonblock(child->report_fd, true);
	if (r == 0)
		r = config = put_config(job);
	if (r >= 0)
		r = file = check_second_reopen(job->fd);
	if (r >= 0)
		r = logpipe_create(checkd->loop, "lazaret-lockcheck", LOG_DEBUG, &child->log, &log);
	if (r < 0)
		return r;
	snprintf(path, sizeof(path), "%s/lazaret-lockcheck",
		 conf_str(checkd->conf, CONF_LIBEXEC_DIR));
	r = spawn(&(const struct spawn){.path = path,
					.fds = (const int[]){report, config, file},
					.n_fds = 3,
					.stderr_fd = log,
					.die_with_parent = true},
		  &child->child);
	if (r == 0)
		logpipe_set_pid(child->log, child->child.pid);
	return r;
}

static int watch(struct check_child *child)
{
	struct wl_event_loop *loop = child->job->checkd->loop;

	child->end = wl_event_loop_add_fd(loop, child->child.pidfd, WL_EVENT_READABLE, handle_end,
					  child);
	child->report_source = wl_event_loop_add_fd(loop, child->report_fd, WL_EVENT_READABLE,
						    handle_report, child);
	child->timer = wl_event_loop_add_timer(loop, handle_timeout, child);
	if (!child->end || !child->report_source || !child->timer)
		return -ENOMEM;
	/* Its processor time has the same limit; this one is for a process that sleeps. */
	wl_event_source_timer_update(
		child->timer, (int)conf_int(child->job->checkd->conf, CONF_LOCK_CHECK_TIME) * 1000);
	return 0;
}

int check_child_start(struct check_job *job)
{
	struct check_child *child = calloc(1, sizeof(*child));
	int r;

	if (!child)
		return -ENOMEM;
	child->job = job;
	child->report_fd = -1;
	child->child.pidfd = -1;
	buf_init(&child->report, REPORT_MAX + 1);
	job->child = child;
	job->checkd->n_children++;
	r = launch(child);
	if (r == 0)
		r = watch(child);
	if (r < 0)
		check_child_stop(job);
	return r;
}
