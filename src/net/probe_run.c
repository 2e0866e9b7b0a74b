/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/probe_run.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/str.h"

/* Attempts at the same time, at most. */
#define PARALLEL_MAX 64
/* A process gets so much more than what its own limits allow before it is ended: connecting, talking,
 * and three ways of TLS. */
#define PATIENCE 6

static void untried(struct probe_task *task, const char *what, int error)
{
	task->result = (struct probe_result){.verdict = PROBE_UNTRIED};
	snprintf(task->result.detail, sizeof(task->result.detail), "%s%s%s", what,
		 error < 0 ? ": " : "", error < 0 ? strerror(-error) : "");
}

static int job_memfd(const struct probe_job *job)
{
	struct buf body;
	int r;

	buf_init(&body, PROBE_JOB_MAX);
	probe_job_put(job, &body);
	r = buf_error(&body);
	if (r == 0)
		r = fd_memfd("job", buf_data(&body), buf_len(&body));
	buf_finish(&body);
	return r;
}

static int start(struct probe_task *task, const char *program)
{
	/* The resolver of libc must not take longer than everybody else. */
	static const char *const env[] = {"PATH=/usr/bin:/bin", "LANG=C.UTF-8",
					  "RES_OPTIONS=timeout:1 attempts:2", "LDAPNOINIT=1", NULL};
	_cleanup_fd_ int job = job_memfd(&task->job);
	int pipe_fds[2], fds[3];
	struct spawn spec = {.path = program,
			     .env = env,
			     .fds = fds,
			     .n_fds = task->job.in_cell ? 3 : 2,
			     .stderr_fd = -1,
			     .die_with_parent = true};
	int r;

	if (job < 0)
		return job;
	if (pipe2(pipe_fds, O_CLOEXEC | O_NONBLOCK) < 0)
		return -errno;
	fds[0] = pipe_fds[1];
	fds[1] = job;
	fds[2] = task->netns;
	r = spawn(&spec, &task->child);
	fd_close(pipe_fds[1]);
	if (r < 0) {
		fd_close(pipe_fds[0]);
		return r;
	}
	task->fd = pipe_fds[0];
	task->started = clock_now();
	task->deadline = task->started + task->job.timeout_ms * USEC_PER_MSEC * PATIENCE;
	return 0;
}

/* It has said all it will: what it says is from outside, for a hostile peer may have taken it over. */
static void finish(struct probe_task *task)
{
	struct cursor c = cursor_over(task->data, task->n_data);

	task->fd = fd_close(task->fd);
	child_kill(&task->child);
	if (task->n_data == 0)
		untried(task,
			clock_now() >= task->deadline ? "took too long"
						      : "lazaret-pathprobe ended early",
			0);
	else if (probe_result_get(&c, &task->result) < 0)
		untried(task, "lazaret-pathprobe said what it must not", 0);
}

/* False when there is no more to come. */
static bool take(struct probe_task *task)
{
	ssize_t n = read(task->fd, task->data + task->n_data, sizeof(task->data) - task->n_data);

	if (n > 0)
		task->n_data += (size_t)n;
	return n > 0 ? task->n_data < sizeof(task->data)
		     : n < 0 && (errno == EAGAIN || errno == EINTR);
}

static void wait_for_any(struct probe_task **active, size_t n)
{
	struct pollfd fds[PARALLEL_MAX];
	uint64_t now = clock_now(), next = UINT64_MAX;
	int wait = 0;

	for (size_t i = 0; i < n; i++) {
		fds[i] = (struct pollfd){.fd = active[i]->fd, .events = POLLIN};
		next = MIN(next, active[i]->deadline);
	}
	if (next > now)
		wait = (int)((next - now) / USEC_PER_MSEC) + 1;
	if (poll(fds, n, wait) < 0)
		return;
	now = clock_now();
	for (size_t i = 0; i < n; i++) {
		if ((fds[i].revents && !take(active[i])) || now >= active[i]->deadline)
			finish(active[i]);
	}
}

void probe_run(const char *program, struct probe_task *tasks, size_t n, unsigned int parallel)
{
	struct probe_task *active[PARALLEL_MAX];
	size_t next = 0, n_active = 0;

	while (next < n || n_active > 0) {
		size_t kept = 0;

		while (n_active < MIN(parallel, (unsigned int)PARALLEL_MAX) && next < n) {
			struct probe_task *task = &tasks[next++];
			int r;

			task->fd = -1;
			task->n_data = 0;
			r = start(task, program);
			if (r < 0)
				untried(task, program, r);
			else
				active[n_active++] = task;
		}
		if (n_active > 0)
			wait_for_any(active, n_active);
		for (size_t i = 0; i < n_active; i++) {
			if (active[i]->fd >= 0)
				active[kept++] = active[i];
		}
		n_active = kept;
	}
}
