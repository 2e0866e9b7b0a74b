/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cell/cell.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/spawn.h"
#include "cell/control.h"
#include "cell/spec.h"

int cell_start(const struct cell_spec *spec, struct cell *ret_cell)
{
	_cleanup_buf_ struct buf buf;
	_cleanup_fd_ int spec_fd = -1, nothing = -1, ours = -1, theirs = -1;
	char program[PATH_MAX];
	struct child child;
	int r, n;

	buf_init(&buf, CELL_SPEC_MAX);
	r = spec_check(spec);
	if (r < 0)
		return r;
	spec_write(spec, &buf);
	if (buf_error(&buf))
		return -EINVAL;
	spec_fd = fd_memfd("cell-spec", buf_data(&buf), buf_len(&buf));
	if (spec_fd < 0)
		return spec_fd;
	nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (nothing < 0)
		return -errno;
	if (!spec->command) {
		int pair[2];

		if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) < 0)
			return -errno;
		ours = pair[0];
		theirs = pair[1];
	}
	n = snprintf(program, sizeof(program), "%s/lazaret-cell",
		     spec->libexec ? spec->libexec : LAZARET_LIBEXECDIR);
	if (n < 0 || (size_t)n >= sizeof(program))
		return -EINVAL;
	r = spawn(
		&(const struct spawn){
			.path = program,
			.exec_fd = spec->program_fd,
			.env = (const char *const[]){NULL},
			.fds = (const int[]){spec_fd, spec->netns < 0 ? nothing : spec->netns,
					     theirs < 0 ? nothing : theirs,
					     spec->launcher_fd > 0 ? spec->launcher_fd : nothing},
			.n_fds = 4,
			.stderr_fd = spec->stderr_fd,
			.die_with_parent = true,
		},
		&child);
	if (r < 0)
		return r;
	*ret_cell = (struct cell){child.pid, child.pidfd, FD_STEAL(ours)};
	return 0;
}

void cell_close(struct cell *cell)
{
	cell->pidfd = fd_close(cell->pidfd);
	cell->control = fd_close(cell->control);
}

static int say(const struct cell *cell, char what, const char *text)
{
	char message[CELL_URL_MAX + 2] = {what};
	size_t len = strlen(text);

	if (cell->control < 0)
		return -ENOTCONN;
	memcpy(message + 1, text, len);
	return send(cell->control, message, len + 1, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

int cell_stop(struct cell *cell)
{
	return say(cell, CONTROL_STOP, "");
}

int cell_open_url(struct cell *cell, const char *url)
{
	return spec_url_valid(url) ? say(cell, CONTROL_OPEN, url) : -EINVAL;
}

int cell_read_event(struct cell *cell, enum cell_event *ret_event)
{
	char c;
	ssize_t n;

	if (cell->control < 0)
		return -ENOTCONN;
	n = recv(cell->control, &c, 1, MSG_DONTWAIT);
	if (n < 0)
		return errno == ECONNRESET ? -EPIPE : -errno;
	if (n == 0)
		return -EPIPE;
	*ret_event = c == CONTROL_STARTED  ? CELL_EVENT_STARTED
		     : c == CONTROL_OPENED ? CELL_EVENT_OPENED
					   : CELL_EVENT_NONE;
	return 0;
}
