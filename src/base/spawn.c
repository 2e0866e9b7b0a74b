/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"

/* What of our own environment a child is given that writes into our log: how its lines have to look
 * there. NULL when we are not under systemd. */
static const char *log_variable(const struct spawn *spec)
{
	static const char name[] = "JOURNAL_STREAM=";

	for (char **entry = environ; spec->stderr_fd < 0 && *entry; entry++) {
		if (strncmp(*entry, name, sizeof(name) - 1) == 0)
			return *entry;
	}
	return NULL;
}

/* --- between fork and exec: only async-signal-safe calls ----------------------------------- */

static void reset_signals(void)
{
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	for (int sig = 1; sig < NSIG; sig++)
		(void)signal(sig, SIG_DFL);
}

static int place_fds(const struct spawn *spec, int *report, int *program)
{
	int high[SPAWN_FDS_MAX];
	int in = -1, out = -1, err = -1;
	int null;

	/* First out of the way, so that no target overwrites a source. */
	*report = fcntl(*report, F_DUPFD_CLOEXEC, 64);
	if (*report < 0)
		return -errno;
	if (spec->exec_fd > 0) {
		*program = fcntl(spec->exec_fd, F_DUPFD_CLOEXEC, 64);
		if (*program < 0)
			return -errno;
	}
	for (size_t i = 0; i < spec->n_fds; i++) {
		high[i] = fcntl(spec->fds[i], F_DUPFD_CLOEXEC, 64);
		if (high[i] < 0)
			return -errno;
	}
	if (spec->stderr_fd >= 0) {
		err = fcntl(spec->stderr_fd, F_DUPFD_CLOEXEC, 64);
		if (err < 0)
			return -errno;
	}
	if (spec->stdout_fd > 0) {
		out = fcntl(spec->stdout_fd, F_DUPFD_CLOEXEC, 64);
		if (out < 0)
			return -errno;
	}
	if (spec->stdin_fd > 0) {
		in = fcntl(spec->stdin_fd, F_DUPFD_CLOEXEC, 64);
		if (in < 0)
			return -errno;
	}
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null < 0 || dup2(in >= 0 ? in : null, 0) < 0 || dup2(out >= 0 ? out : null, 1) < 0)
		return -errno;
	if (err >= 0 && dup2(err, 2) < 0)
		return -errno;
	for (size_t i = 0; i < spec->n_fds; i++) {
		if (dup2(high[i], SPAWN_FD_CHANNEL + (int)i) < 0)
			return -errno;
	}
	/* Descriptors that the caller holds without close-on-exec must not travel either. */
	if (syscall(SYS_close_range, SPAWN_FD_CHANNEL + (int)spec->n_fds, ~0u,
		    CLOSE_RANGE_CLOEXEC) < 0)
		return -errno;
	return 0;
}

static void __attribute__((noreturn)) run_child(const struct spawn *spec, int report, pid_t parent)
{
	const char *const plain[] = {spec->path, NULL};
	const char *const *argv = spec->argv ? spec->argv : plain;
	const char *const default_env[] = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8",
					   log_variable(spec), NULL};
	const char *const *env = spec->env ? spec->env : default_env;
	int program = -1;
	int r = 0;
	ssize_t n;

	reset_signals();
	/* Of its own: a Ctrl-C on the parent's terminal is the parent's to handle. */
	(void)setsid();
	if (spec->die_with_parent && prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
		r = -errno;
	if (r == 0 && spec->die_with_parent && getppid() != parent)
		_exit(127);
	if (r == 0)
		r = place_fds(spec, &report, &program);
	if (r == 0) {
		if (program >= 0)
			execveat(program, "", (char *const *)argv, (char *const *)env,
				 AT_EMPTY_PATH);
		else
			execve(spec->path, (char *const *)argv, (char *const *)env);
		r = -errno;
	}
	n = write(report, &r, sizeof(r));
	(void)n;
	_exit(127);
}

/* -------------------------------------------------------------------------------------------- */

int spawn(const struct spawn *spec, struct child *ret_child)
{
	_cleanup_fd_ int reader = -1;
	_cleanup_fd_ int writer = -1;
	struct child child = {.pidfd = -1};
	pid_t parent = getpid();
	int fds[2], r = 0;
	ssize_t n;

	if (spec->n_fds > SPAWN_FDS_MAX)
		return -EINVAL;
	if (pipe2(fds, O_CLOEXEC) < 0)
		return -errno;
	reader = fds[0];
	writer = fds[1];
	child.pid = fork();
	if (child.pid < 0)
		return -errno;
	if (child.pid == 0)
		run_child(spec, writer, parent);
	writer = fd_close(writer);
	/* Nobody has waited for the child yet, so its number is still its own. */
	child.pidfd = fd_pidfd_open(child.pid);
	do
		n = read(reader, &r, sizeof(r));
	while (n < 0 && errno == EINTR);
	if (n == sizeof(r) || child.pidfd < 0) {
		if (n != sizeof(r))
			r = child.pidfd;
		kill(child.pid, SIGKILL);
		while (waitpid(child.pid, NULL, 0) < 0 && errno == EINTR)
			;
		fd_close(child.pidfd);
		return r;
	}
	*ret_child = child;
	return 0;
}

void child_signal(const struct child *child, int sig)
{
	if (child->pid > 0 && child->pidfd >= 0)
		(void)fd_pidfd_signal(child->pidfd, sig);
}

int child_reap(struct child *child, int *ret_status)
{
	pid_t pid;
	int status;

	if (child->pid <= 0)
		return -ECHILD;
	do
		pid = waitpid(child->pid, &status, WNOHANG);
	while (pid < 0 && errno == EINTR);
	if (pid == 0)
		return -EAGAIN;
	if (pid < 0)
		status = 0;
	child->pidfd = fd_close(child->pidfd);
	child->pid = 0;
	*ret_status = status;
	return 0;
}

void child_kill(struct child *child)
{
	if (child->pid <= 0)
		return;
	child_signal(child, SIGKILL);
	while (waitpid(child->pid, NULL, 0) < 0 && errno == EINTR)
		;
	child->pidfd = fd_close(child->pidfd);
	child->pid = 0;
}

void child_describe(int status, char *out, size_t size)
{
	if (WIFSIGNALED(status))
		snprintf(out, size, "signal %d (%s)", WTERMSIG(status),
			 WCOREDUMP(status) ? "core dumped" : "no core");
	else
		snprintf(out, size, "exit %d", WEXITSTATUS(status));
}
