/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ipc/process.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/logpipe.h"
#include "base/mem.h"

static void drop_source(struct wl_event_source **source)
{
	if (*source)
		wl_event_source_remove(*source);
	*source = NULL;
}

static void tell_if_gone(struct process *p)
{
	if (p->ended && !p->channel)
		p->gone(p->data);
}

static int handle_exit(int fd, uint32_t mask, void *data)
{
	struct process *p = data;

	(void)fd;
	(void)mask;
	if (child_reap(&p->child, &p->status) < 0)
		return 0;
	drop_source(&p->exit_source);
	drop_source(&p->grace_timer);
	logpipe_destroy(p->log);
	p->log = NULL;
	p->ended = true;
	tell_if_gone(p);
	return 0;
}

static int handle_grace(void *data)
{
	struct process *p = data;

	child_signal(&p->child, SIGKILL);
	return 0;
}

static int watch(struct process *p)
{
	p->exit_source = wl_event_loop_add_fd(p->loop, p->child.pidfd, WL_EVENT_READABLE,
					      handle_exit, p);
	p->grace_timer = wl_event_loop_add_timer(p->loop, handle_grace, p);
	return p->exit_source && p->grace_timer ? 0 : -ENOMEM;
}

static int execute(struct process *p, const struct process_spec *spec, int channel)
{
	_cleanup_fd_ int config = -1;
	_cleanup_fd_ int log = -1;
	int fds[SPAWN_FDS_MAX];
	struct spawn child = {
		.path = spec->path,
		.exec_fd = spec->exec_fd,
		.fds = fds,
		.n_fds = 2 + spec->n_fds,
		.die_with_parent = !spec->outlives,
	};
	int r;

	if (child.n_fds > SPAWN_FDS_MAX)
		return -EINVAL;
	config = fd_memfd(spec->role, buf_data(spec->config), buf_len(spec->config));
	if (config < 0)
		return config;
	if (!spec->own_log) {
		r = logpipe_create(p->loop, spec->role, LOG_WARN, &p->log, &log);
		if (r < 0)
			return r;
	}
	fds[0] = channel;
	fds[1] = config;
	if (spec->n_fds > 0)
		memcpy(fds + 2, spec->fds, spec->n_fds * sizeof(*fds));
	child.stderr_fd = log;
	r = spawn(&child, &p->child);
	if (r == 0 && p->log)
		logpipe_set_pid(p->log, p->child.pid);
	return r;
}

int process_start(struct process *process, struct wl_event_loop *loop,
		  const struct process_spec *spec)
{
	struct process p = {
		.loop = loop, .child = {.pidfd = -1}, .gone = spec->gone, .data = spec->data};
	_cleanup_fd_ int theirs = -1;
	int pair[2];
	int r;

	if (buf_error(spec->config))
		return buf_error(spec->config);
	r = ipc_pair(pair);
	if (r < 0)
		return r;
	theirs = pair[1];
	r = ipc_channel_create(loop, pair[0], spec->table, spec->data, &p.channel);
	if (r < 0)
		return r;
	*process = p;
	r = execute(process, spec, theirs);
	if (r == 0)
		r = watch(process);
	if (r < 0)
		process_finish(process, true);
	return r;
}

int process_adopt(struct process *process, struct wl_event_loop *loop, pid_t pid, int pidfd,
		  int channel, const struct process_spec *spec)
{
	struct process p = {.loop = loop,
			    .child = {.pid = pid, .pidfd = pidfd},
			    .gone = spec->gone,
			    .data = spec->data};
	int r = ipc_channel_create(loop, channel, spec->table, spec->data, &p.channel);

	*process = p;
	if (r == 0)
		r = watch(process);
	if (r < 0)
		process_finish(process, false);
	return r;
}

int process_save(const struct process *p, struct process_memory *ret_memory)
{
	struct process_memory memory = {.pid = p->child.pid,
					.pidfd = p->child.pidfd,
					.channel = -1,
					.log = p->log ? logpipe_fd(p->log) : -1};
	int r = 0;

	/* Reaped: the end of its channel comes in a moment. */
	if (p->child.pid <= 0 || p->ended)
		return -EBUSY;
	if (p->channel) {
		memory.channel = ipc_channel_fd(p->channel);
		r = ipc_channel_save(p->channel, &memory.said);
	}
	if (r == 0)
		*ret_memory = memory;
	return r;
}

int process_restore(struct process *process, struct wl_event_loop *loop,
		    const struct process_memory *memory, const struct process_spec *spec)
{
	struct process p = {.loop = loop,
			    .child = {.pid = memory->pid, .pidfd = memory->pidfd},
			    .gone = spec->gone,
			    .data = spec->data};
	int r = 0;

	if (memory->log >= 0)
		r = logpipe_adopt(loop, spec->role, LOG_WARN, memory->log, &p.log);
	if (r == 0 && p.log)
		logpipe_set_pid(p.log, memory->pid);
	if (r == 0 && memory->channel >= 0)
		r = ipc_channel_create(loop, memory->channel, spec->table, spec->data, &p.channel);
	if (r == 0 && p.channel)
		ipc_channel_restore(p.channel, &memory->said);
	*process = p;
	if (r == 0)
		r = watch(process);
	if (r == 0 && !process->channel)
		wl_event_source_timer_update(process->grace_timer, PROCESS_EXIT_GRACE);
	if (r < 0)
		process_finish(process, false);
	return r;
}

void process_closed(struct process *p, int reason)
{
	ipc_channel_destroy(STEAL(p->channel));
	if (!p->ended && reason != -EPIPE)
		child_signal(&p->child, SIGKILL);
	else if (!p->ended)
		wl_event_source_timer_update(p->grace_timer, PROCESS_EXIT_GRACE);
	tell_if_gone(p);
}

void process_send(struct process *p, enum ipc_type type, const struct buf *body, const int *fds,
		  size_t n_fds)
{
	int r;

	if (!p->channel || p->condemned)
		return;
	r = ipc_channel_send(p->channel, type, body, fds, n_fds);
	if (r == 0 || r == -EPIPE)
		return;
	/* The channel's end comes with the death of the process. */
	log_event(LOG_ERROR, "ipc.unsent", LOG_STR("message", ipc_type_name(type)),
		  LOG_INT("pid", p->child.pid), LOG_ERR(r));
	p->condemned = true;
	child_signal(&p->child, SIGKILL);
}

bool process_running(const struct process *p)
{
	return p->child.pid > 0;
}

void process_signal(struct process *p, int sig)
{
	child_signal(&p->child, sig);
}

void process_finish(struct process *p, bool kill_it)
{
	drop_source(&p->exit_source);
	drop_source(&p->grace_timer);
	ipc_channel_destroy(STEAL(p->channel));
	if (kill_it)
		child_kill(&p->child);
	logpipe_destroy(STEAL(p->log));
	p->child.pidfd = fd_close(p->child.pidfd);
	p->child.pid = 0;
}
