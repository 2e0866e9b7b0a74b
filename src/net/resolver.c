/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/resolver.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/mem.h"
#include "base/spawn.h"
#include "net/limits.h"
#include "wire/buf.h"

/* More than the program gives itself. */
#define PATIENCE (40 * USEC_PER_SEC)

int resolver_file(struct names *names)
{
	_cleanup_free_ char *text = NULL;
	size_t size, n = 0;
	FILE *out = open_memstream(&text, &size);
	int r;

	if (!out)
		return -ENOMEM;
	r = names_write_wanted(names, out, &n);
	if (fclose(out) != 0)
		r = -ENOMEM;
	if (r == 0 && n == 0)
		r = -ENODATA;
	return r < 0 ? r : fd_memfd("names", text, size);
}

static int read_answer(int fd, struct buf *answer)
{
	uint64_t deadline = clock_now() + PATIENCE;
	char bytes[4096];

	for (;;) {
		struct pollfd input = {.fd = fd, .events = POLLIN};
		uint64_t now = clock_now();
		ssize_t n;

		if (now >= deadline)
			return -ETIMEDOUT;
		if (poll(&input, 1, (int)((deadline - now) / USEC_PER_MSEC + 1)) <= 0)
			continue;
		n = read(fd, bytes, sizeof(bytes));
		if (n < 0)
			return -errno;
		if (n == 0)
			return buf_error(answer);
		buf_put(answer, bytes, (size_t)n);
		if (buf_error(answer))
			return -EPROTO;
	}
}

int resolver_run(const char *program, struct names *names, bool *ret_changed)
{
	_cleanup_fd_ int file = resolver_file(names);
	_cleanup_fd_ int ours = -1;
	_cleanup_fd_ int theirs = -1;
	struct child child = {.pidfd = -1};
	struct buf answer;
	int pair[2], r;

	if (file < 0)
		return file;
	if (pipe2(pair, O_CLOEXEC) < 0)
		return -errno;
	ours = pair[0];
	theirs = pair[1];
	r = spawn(&(const struct spawn){.path = program,
					.fds = (const int[]){theirs, file},
					.n_fds = 2,
					.stderr_fd = -1,
					.die_with_parent = true},
		  &child);
	if (r < 0)
		return r;
	theirs = fd_close(theirs);
	buf_init(&answer, NAMES_FILE_MAX);
	r = read_answer(ours, &answer);
	child_kill(&child);
	if (r == 0)
		r = names_take_answer(names, buf_data(&answer), buf_len(&answer), ret_changed);
	buf_finish(&answer);
	return r;
}
