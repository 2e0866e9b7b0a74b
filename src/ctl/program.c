/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ctl/program.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/mem.h"

#define BUFFER 16384

struct output {
	int fd; /* -1: it is our own, or at its end */
	FILE *file;
	char *text;
	size_t len, kept;
};

static void execute(const struct program *program, int in, const int out[2], pid_t parent)
{
	static const char *const env[] = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8",
					  NULL};
	char *const *environment = program->env ? (char *const *)program->env : (char *const *)env;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(127);
	if (dup2(in, STDIN_FILENO) < 0)
		_exit(127);
	for (int i = 0; i < 2; i++) {
		if (out[i] >= 0 && dup2(out[i], STDOUT_FILENO + i) < 0)
			_exit(127);
	}
	(void)execve(program->argv[0], (char *const *)program->argv, environment);
	_exit(127);
}

static int open_input(const struct program *program)
{
	if (program->input_fd > 0)
		return fcntl(program->input_fd, F_DUPFD_CLOEXEC, 3);
	if (program->input)
		return fd_memfd("input", program->input, program->input_len);
	return open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static void take(struct output *output, size_t max)
{
	char buffer[BUFFER];
	ssize_t n = read(output->fd, buffer, sizeof(buffer));

	if (n <= 0) {
		if (n == 0 || errno != EINTR)
			output->fd = fd_close(output->fd);
		return;
	}
	if (output->kept < max) {
		size_t keep = MIN((size_t)n, max - output->kept);

		output->kept += fwrite(buffer, 1, keep, output->file);
	}
	mem_wipe(buffer, sizeof(buffer));
}

/* Until both are at their end; -ETIMEDOUT. */
static int collect(struct output outputs[2], size_t max, int timeout_ms)
{
	uint64_t end = clock_now() + (uint64_t)timeout_ms * 1000;

	while (outputs[0].fd >= 0 || outputs[1].fd >= 0) {
		struct pollfd polls[2] = {{.fd = outputs[0].fd, .events = POLLIN},
					  {.fd = outputs[1].fd, .events = POLLIN}};
		uint64_t now = clock_now();
		int left = timeout_ms == 0 ? -1 : now >= end ? 0 : (int)((end - now) / 1000) + 1;
		int n = poll(polls, 2, left);

		if (n == 0)
			return -ETIMEDOUT;
		if (n < 0 && errno != EINTR)
			return -errno;
		for (int i = 0; n > 0 && i < 2; i++) {
			if (polls[i].fd >= 0 && polls[i].revents)
				take(&outputs[i], max);
		}
	}
	return 0;
}

static int wait_for(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			return 127;
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static int start(const struct program *program, struct output outputs[2], const bool wanted[2],
		 pid_t *ret_pid)
{
	_cleanup_fd_ int in = open_input(program), out = -1, err = -1;
	pid_t parent = getpid(), pid;

	if (in < 0)
		return program->input_fd > 0 ? -errno : -EIO;
	for (int i = 0; i < 2; i++) {
		int pair[2];

		if (!wanted[i])
			continue;
		if (pipe2(pair, O_CLOEXEC) < 0)
			return -errno;
		outputs[i].fd = pair[0];
		*(i == 0 ? &out : &err) = pair[1];
		outputs[i].file = open_memstream(&outputs[i].text, &outputs[i].len);
		if (!outputs[i].file)
			return -ENOMEM;
	}
	fflush(NULL);
	pid = fork();
	if (pid < 0)
		return -errno;
	if (pid == 0)
		execute(program, in, (const int[]){out, err}, parent);
	*ret_pid = pid;
	return 0;
}

int program_run(const struct program *program, int *ret_status, char **ret_out, char **ret_err)
{
	struct output outputs[2] = {{.fd = -1}, {.fd = -1}};
	char **texts[2] = {ret_out, ret_err};
	pid_t pid = 0;
	int r = start(program, outputs, (const bool[]){ret_out != NULL, ret_err != NULL}, &pid);

	if (r == 0) {
		r = collect(outputs, program->max, program->timeout_ms);
		if (r < 0)
			(void)kill(pid, SIGKILL);
		*ret_status = wait_for(pid);
	}
	for (int i = 0; i < 2; i++) {
		fd_close(outputs[i].fd);
		if (outputs[i].file && fclose(outputs[i].file) != 0 && r == 0)
			r = -ENOMEM;
	}
	for (int i = 0; i < 2; i++) {
		if (r == 0 && texts[i])
			*texts[i] = STEAL(outputs[i].text);
		free(outputs[i].text);
	}
	return r;
}
