/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "monitor/upgrade.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/spawn.h"
#include "base/str.h"
#include "ctl/answer.h"
#include "ipc/message.h"
#include "monitor/caller.h"
#include "monitor/commands.h"
#include "monitor/control.h"
#include "monitor/handover.h"
#include "monitor/limits.h"
#include "monitor/monitor.h"
#include "monitor/upgrade_impl.h"

/* The program, the option, its descriptor, the files, the ready file. */
#define ARGUMENTS_MAX 48

struct upgrade {
	struct monitor *monitor;
	int program; /* what we want to become */
	bool back; /* to the version before */
	struct child trial;
	struct wl_event_source *end, *said_source, *timer;
	int said_fd;
	char said[REASON_MAX];
	size_t said_len;
	unsigned int tries;
};

static void give_up(struct upgrade *upgrade, const char *reason)
{
	struct monitor *monitor = upgrade->monitor;

	log_event(LOG_ERROR, "monitor.upgrade-failed", LOG_STR("reason", reason));
	upgrade_destroy(upgrade);
	control_say_upgraded(monitor->control, false, reason);
}

/* --- the execution ---------------------------------------------------------------------------- */

static void keep_open(void *data, int fd)
{
	(void)data;
	(void)!fd_set_cloexec(fd, false);
}

static void shut_again(void *data, int fd)
{
	(void)data;
	(void)!fd_set_cloexec(fd, true);
}

int upgrade_execute(const struct monitor *monitor, int program, int state, bool returned)
{
	const char *argv[ARGUMENTS_MAX] = {monitor->self, "--upgraded"};
	char number[16];
	size_t n = 2;
	int r = fd_set_cloexec(state, false);

	if (r < 0)
		return r;
	snprintf(number, sizeof(number), "%d", state);
	argv[n++] = number;
	if (returned)
		argv[n++] = "--returned";
	for (size_t i = 0; i < monitor->n_files; i++) {
		argv[n++] = "--file";
		argv[n++] = monitor->files[i];
	}
	if (monitor->ready_file) {
		argv[n++] = "--ready-file";
		argv[n++] = monitor->ready_file;
	}
	argv[n] = NULL;
	execveat(program, "", (char *const *)argv, environ, AT_EMPTY_PATH);
	r = -errno;
	(void)!fd_set_cloexec(state, true);
	return r;
}

/* Returns only if it could not be done: -EBUSY for not now. */
static int become(struct upgrade *upgrade)
{
	struct monitor *monitor = upgrade->monitor;
	struct handover handover;
	int state = -1;
	int r = upgrade_describe(monitor, upgrade->back, &handover);

	if (r == 0)
		state = upgrade_seal(&handover);
	if (r == 0 && state < 0)
		r = state;
	if (r == 0) {
		log_event(LOG_INFO, "monitor.upgrading", LOG_STR("version", LAZARET_VERSION),
			  LOG_INT("sessions", handover.n_sessions),
			  LOG_INT("viewers", handover.n_clients));
		handover_each_fd(&handover, keep_open, NULL);
		r = upgrade_execute(monitor, upgrade->program, state, upgrade->back);
		handover_each_fd(&handover, shut_again, NULL);
	}
	fd_close(state);
	handover_finish(&handover);
	return r;
}

/* What is just being done is over in a moment; something that is never over must not hold it up. */
static int handle_again(void *data)
{
	struct upgrade *upgrade = data;
	int r = become(upgrade);

	if (r == -EBUSY && ++upgrade->tries < UPGRADE_TRIES)
		wl_event_source_timer_update(upgrade->timer, UPGRADE_PAUSE);
	else if (r == -EBUSY)
		give_up(upgrade, "something is being done that cannot be handed over (a reload, a "
				 "`paths probe`, a process that does not listen); try again");
	else
		give_up(upgrade, "the new version could not be executed");
	return 0;
}

/* --- the trial -------------------------------------------------------------------------------- */

static int handle_said(int fd, uint32_t mask, void *data)
{
	struct upgrade *upgrade = data;
	char rest[512];
	size_t space = sizeof(upgrade->said) - 1 - upgrade->said_len;
	char *to = space ? upgrade->said + upgrade->said_len : rest;
	ssize_t n = read(fd, to, space ? space : sizeof(rest));

	(void)mask;
	if (n > 0 && space)
		upgrade->said_len += (size_t)n;
	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
		wl_event_source_remove(upgrade->said_source);
		upgrade->said_source = NULL;
	}
	return 0;
}

/* The last line that it said is why. */
static const char *reason_of(struct upgrade *upgrade, int status)
{
	static char text[REASON_MAX + 64];
	char how[64], *line;

	while (upgrade->said_source && upgrade->said_len < sizeof(upgrade->said) - 1) {
		size_t before = upgrade->said_len;

		handle_said(upgrade->said_fd, 0, upgrade);
		if (upgrade->said_len == before)
			break;
	}
	while (upgrade->said_len > 0 && upgrade->said[upgrade->said_len - 1] == '\n')
		upgrade->said_len--;
	upgrade->said[upgrade->said_len] = '\0';
	line = strrchr(upgrade->said, '\n');
	line = line ? line + 1 : upgrade->said;
	child_describe(status, how, sizeof(how));
	snprintf(text, sizeof(text), "the new version cannot take over, and nothing changed: %s",
		 line[0] ? line : how);
	return text;
}

static int handle_end(int fd, uint32_t mask, void *data)
{
	struct upgrade *upgrade = data;
	int status = 0;

	(void)fd;
	(void)mask;
	if (child_reap(&upgrade->trial, &status) < 0)
		return 0;
	wl_event_source_remove(upgrade->end);
	upgrade->end = NULL;
	if (status != 0)
		give_up(upgrade, reason_of(upgrade, status));
	else
		wl_event_source_timer_update(upgrade->timer, 1);
	return 0;
}

static int handle_timer(void *data)
{
	struct upgrade *upgrade = data;

	if (upgrade->trial.pid <= 0)
		return handle_again(upgrade);
	/* Its end is where it goes on. */
	child_signal(&upgrade->trial, SIGKILL);
	return 0;
}

static int run_trial(struct upgrade *upgrade, int state, int report)
{
	const struct monitor *monitor = upgrade->monitor;
	const char *argv[ARGUMENTS_MAX] = {monitor->self, "--check-upgrade"};
	size_t n = 2;

	for (size_t i = 0; i < monitor->n_files; i++) {
		argv[n++] = "--file";
		argv[n++] = monitor->files[i];
	}
	argv[n] = NULL;
	return spawn(&(const struct spawn){.path = monitor->self,
					   .exec_fd = upgrade->program,
					   .argv = argv,
					   .fds = &state,
					   .n_fds = 1,
					   .stderr_fd = report,
					   .die_with_parent = true},
		     &upgrade->trial);
}

static int watch_trial(struct upgrade *upgrade)
{
	struct wl_event_loop *loop = upgrade->monitor->loop;

	upgrade->end = wl_event_loop_add_fd(loop, upgrade->trial.pidfd, WL_EVENT_READABLE,
					    handle_end, upgrade);
	upgrade->said_source = wl_event_loop_add_fd(loop, upgrade->said_fd, WL_EVENT_READABLE,
						    handle_said, upgrade);
	if (!upgrade->end || !upgrade->said_source)
		return -ENOMEM;
	wl_event_source_timer_update(upgrade->timer, UPGRADE_TRIAL_TIMEOUT * 1000);
	return 0;
}

static int try_out(struct upgrade *upgrade)
{
	_cleanup_fd_ int report = -1, state = -1;
	struct handover handover;
	int fds[2];
	int r;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return -errno;
	upgrade->said_fd = fds[0];
	report = fds[1];
	r = fd_set_nonblock(upgrade->said_fd, true);
	if (r < 0)
		return r;
	r = upgrade_describe(upgrade->monitor, false, &handover);
	if (r == 0)
		state = upgrade_seal(&handover);
	handover_finish(&handover);
	if (r == 0 && state < 0)
		r = state;
	if (r == 0)
		r = run_trial(upgrade, state, report);
	return r == 0 ? watch_trial(upgrade) : r;
}

/* --- its beginning ---------------------------------------------------------------------------- */

static struct upgrade *upgrade_new(struct monitor *monitor)
{
	struct upgrade *upgrade = calloc(1, sizeof(*upgrade));

	if (!upgrade)
		return NULL;
	upgrade->monitor = monitor;
	upgrade->program = upgrade->said_fd = upgrade->trial.pidfd = -1;
	upgrade->timer = wl_event_loop_add_timer(monitor->loop, handle_timer, upgrade);
	if (!upgrade->timer) {
		free(upgrade);
		return NULL;
	}
	monitor->upgrade = upgrade;
	return upgrade;
}

static void refuse(const struct command_call *call, const char *sentence)
{
	struct buf body;

	buf_init(&body, IPC_BODY_MAX);
	answer_failed(&body, ANSWER_STATUS_FAILED, sentence);
	call->answer(call->data, &body);
	buf_finish(&body);
}

void upgrade_start(const struct command_call *call)
{
	struct monitor *monitor = call->monitor;
	struct upgrade *upgrade;
	char sentence[sizeof(monitor->self) + 128];
	int r;

	if (monitor->upgrade || monitor->phase != MONITOR_SERVING) {
		refuse(call, monitor->upgrade ? "another upgrade is just being done; try again"
					      : "the system is not serving");
		return;
	}
	upgrade = upgrade_new(monitor);
	if (!upgrade) {
		refuse(call, "out of memory");
		return;
	}
	log_event(LOG_INFO, "monitor.upgrade-wanted", LOG_STR("program", monitor->self),
		  LOG_INT("by_uid", call->caller->uid));
	upgrade->program = open(monitor->self, O_RDONLY | O_CLOEXEC);
	r = upgrade->program < 0 ? -errno : try_out(upgrade);
	if (r == 0)
		return;
	snprintf(sentence, sizeof(sentence),
		 "the new version cannot be tried out, and nothing changed: %s (%s)", strerror(-r),
		 monitor->self);
	give_up(upgrade, sentence);
}

void upgrade_go_back(struct monitor *monitor)
{
	struct upgrade *upgrade = monitor->upgrade ? NULL : upgrade_new(monitor);

	if (!upgrade)
		return;
	upgrade->back = true;
	upgrade->program = fcntl(monitor->before.daemon, F_DUPFD_CLOEXEC, 3);
	wl_event_source_timer_update(upgrade->timer, 1);
}

void upgrade_destroy(struct upgrade *upgrade)
{
	if (!upgrade)
		return;
	upgrade->monitor->upgrade = NULL;
	if (upgrade->end)
		wl_event_source_remove(upgrade->end);
	if (upgrade->said_source)
		wl_event_source_remove(upgrade->said_source);
	wl_event_source_remove(upgrade->timer);
	child_kill(&upgrade->trial);
	fd_close(upgrade->said_fd);
	fd_close(upgrade->program);
	free(upgrade);
}
