/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "update/command.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/mem.h"
#include "base/spawn.h"
#include "update/limits.h"

struct output {
	char *text;
	size_t len, size;
};

static int keep(struct output *output, const char *data, size_t n)
{
	if (output->len + n > OUTPUT_MAX)
		n = OUTPUT_MAX - output->len;
	if (output->len + n + 1 > output->size) {
		size_t size = MAX(output->size * 2, output->len + n + 1);
		char *grown = realloc(output->text, size);

		if (!grown)
			return -ENOMEM;
		output->text = grown;
		output->size = size;
	}
	for (size_t i = 0; i < n; i++)
		output->text[output->len++] = data[i] == '\0' ? ' ' : data[i];
	output->text[output->len] = '\0';
	return 0;
}

/* 1 while there may be more, 0 at the end. */
static int take(int fd, const struct command *command, struct output *output)
{
	char buffer[16384];
	ssize_t n = read(fd, buffer, sizeof(buffer));
	int r;

	if (n < 0)
		return errno == EINTR || errno == EAGAIN ? 1 : 0;
	if (n == 0)
		return 0;
	if (command->copy > 0)
		(void)!fd_write_all(command->copy, buffer, (size_t)n);
	r = keep(output, buffer, (size_t)n);
	return r < 0 ? r : 1;
}

static int left_ms(uint64_t until)
{
	uint64_t now = clock_now();

	return now >= until ? 0 : (int)((until - now) / USEC_PER_MSEC) + 1;
}

/* Until the program has ended; true if its time was up first. */
static bool follow(const struct command *command, const struct child *child, int fd,
		   struct output *output)
{
	uint64_t until = clock_now() + (uint64_t)command->seconds * USEC_PER_SEC;
	struct pollfd sources[] = {{.fd = child->pidfd, .events = POLLIN},
				   {.fd = fd, .events = POLLIN}};

	for (;;) {
		int left = left_ms(until);

		if (left == 0)
			return true;
		if (poll(sources, ARRAY_LEN(sources), left) < 0 && errno != EINTR)
			return true;
		if (sources[1].revents && take(fd, command, output) <= 0)
			sources[1].fd = -1;
		/* What was written before the end is there by now. */
		if (sources[0].revents && !(sources[1].revents & POLLIN))
			return false;
		if (sources[0].revents && sources[1].fd < 0)
			return false;
	}
}

int command_run(const struct command *command, char **ret_said, int *ret_status)
{
	_cleanup_fd_ int reader = -1, writer = -1, null = -1;
	struct child child = {.pidfd = -1};
	struct output output = {0};
	int fds[2], status = 0, r;

	if (pipe2(fds, O_CLOEXEC | O_NONBLOCK) < 0)
		return -errno;
	reader = fds[0];
	writer = fds[1];
	r = fd_set_nonblock(writer, false);
	if (r == 0)
		r = keep(&output, "", 0);
	if (r == 0 && command->apart) {
		null = open("/dev/null", O_WRONLY | O_CLOEXEC);
		if (null < 0)
			r = -errno;
	}
	if (r == 0)
		r = spawn(&(const struct spawn){.path = command->argv[0],
						.argv = command->argv,
						.env = command->env,
						.stdout_fd = writer,
						.stderr_fd = command->apart ? null : writer},
			  &child);
	writer = fd_close(writer);
	if (r < 0) {
		free(output.text);
		return r;
	}
	if (follow(command, &child, reader, &output)) {
		child_kill(&child);
		*ret_status = COMMAND_CUT;
	} else {
		(void)!child_reap(&child, &status);
		*ret_status = WIFEXITED(status) ? WEXITSTATUS(status)
						: COMMAND_SIGNAL + WTERMSIG(status);
	}
	if (ret_said)
		*ret_said = STEAL(output.text);
	free(output.text);
	return 0;
}
