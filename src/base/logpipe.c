/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/logpipe.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"

struct logpipe {
	struct wl_event_source *source;
	int fd;
	const char *role;
	enum log_level raw;
	int pid;
	char line[LOG_LINE_MAX];
	size_t len;
	uint64_t refilled; /* monotonic, us */
	unsigned int tokens;
	unsigned int dropped;
};

static bool take_token(struct logpipe *pipe)
{
	uint64_t now = clock_now();
	uint64_t earned = (now - pipe->refilled) * LOGPIPE_RATE / USEC_PER_SEC;

	if (earned > 0) {
		pipe->tokens = (unsigned int)MIN(pipe->tokens + earned, (uint64_t)LOGPIPE_BURST);
		pipe->refilled = now;
	}
	if (pipe->tokens == 0)
		return false;
	pipe->tokens--;
	return true;
}

static void emit(struct logpipe *pipe)
{
	pipe->line[pipe->len] = '\0';
	pipe->len = 0;
	if (!take_token(pipe)) {
		pipe->dropped++;
		return;
	}
	if (pipe->dropped > 0) {
		log_event(LOG_WARN, "log.dropped", LOG_STR("role", pipe->role),
			  LOG_INT("pid", pipe->pid), LOG_INT("lines", pipe->dropped));
		pipe->dropped = 0;
	}
	log_relay(pipe->role, pipe->pid, pipe->raw, pipe->line);
}

static void feed(struct logpipe *pipe, const char *data, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (data[i] == '\n') {
			if (pipe->len > 0)
				emit(pipe);
		} else if (pipe->len < sizeof(pipe->line) - 1) {
			pipe->line[pipe->len++] = data[i];
		}
	}
}

/* Returns 1 while there may be more, 0 at the end of what is there, -1 when the pipe is closed. */
static int read_some(struct logpipe *pipe)
{
	char data[4096];
	ssize_t n = read(pipe->fd, data, sizeof(data));

	if (n < 0)
		return errno == EINTR ? 1 : errno == EAGAIN ? 0 : -1;
	if (n == 0)
		return -1;
	feed(pipe, data, (size_t)n);
	return 1;
}

static int handle_readable(int fd, uint32_t mask, void *data)
{
	struct logpipe *pipe = data;

	(void)fd;
	(void)mask;
	if (read_some(pipe) < 0) {
		wl_event_source_remove(pipe->source);
		pipe->source = NULL;
	}
	return 0;
}

int logpipe_adopt(struct wl_event_loop *loop, const char *role, enum log_level raw, int fd,
		  struct logpipe **ret_pipe)
{
	_cleanup_fd_ int reader = fd;
	struct logpipe *pipe;
	int r = fd_set_nonblock(reader, true);

	if (r < 0)
		return r;
	pipe = calloc(1, sizeof(*pipe));
	if (!pipe)
		return -ENOMEM;
	pipe->source = wl_event_loop_add_fd(loop, reader, WL_EVENT_READABLE, handle_readable, pipe);
	if (!pipe->source) {
		free(pipe);
		return -ENOMEM;
	}
	pipe->fd = FD_STEAL(reader);
	pipe->role = role;
	pipe->raw = raw;
	pipe->tokens = LOGPIPE_BURST;
	pipe->refilled = clock_now();
	*ret_pipe = pipe;
	return 0;
}

int logpipe_fd(const struct logpipe *pipe)
{
	return pipe->fd;
}

int logpipe_create(struct wl_event_loop *loop, const char *role, enum log_level raw,
		   struct logpipe **ret_pipe, int *ret_child_fd)
{
	_cleanup_fd_ int writer = -1;
	int fds[2];
	int r;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return -errno;
	writer = fds[1];
	r = logpipe_adopt(loop, role, raw, fds[0], ret_pipe);
	if (r == 0)
		*ret_child_fd = FD_STEAL(writer);
	return r;
}

void logpipe_set_pid(struct logpipe *pipe, pid_t pid)
{
	pipe->pid = (int)pid;
}

void logpipe_set_raw(struct logpipe *pipe, enum log_level raw)
{
	pipe->raw = raw;
}

void logpipe_destroy(struct logpipe *pipe)
{
	if (!pipe)
		return;
	/* Bounded: a writer that never stops must not hold the parent here. */
	for (int i = 0; i < 64 && read_some(pipe) > 0; i++)
		;
	if (pipe->len > 0)
		emit(pipe);
	if (pipe->source)
		wl_event_source_remove(pipe->source);
	fd_close(pipe->fd);
	free(pipe);
}
