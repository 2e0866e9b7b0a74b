/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/netd_names.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "net/limits.h"
#include "net/names_file.h"
#include "net/resolver.h"

void netd_names_init(struct netd_names *names, struct wl_event_loop *loop,
		     void (*changed)(void *data), void *data)
{
	*names = (struct netd_names){.loop = loop, .pipe = -1, .changed = changed, .data = data};
}

static void end_round(struct netd_names *names)
{
	if (names->source)
		wl_event_source_remove(names->source);
	names->source = NULL;
	names->pipe = fd_close(names->pipe);
	buf_finish(&names->answer);
}

void netd_names_finish(struct netd_names *names)
{
	if (names->source)
		end_round(names);
	names_finish(&names->names);
}

void netd_names_load(struct netd_names *names, const char *state_dir)
{
	int r = names_file_read(state_dir, &names->names);

	if (r < 0 && r != -ENOENT)
		log_event(LOG_WARN, "network.names-unread", LOG_ERR(r));
}

void netd_names_save(const struct netd_names *names, const char *state_dir)
{
	int r = names_file_write(state_dir, &names->names);

	if (r < 0)
		log_event(LOG_WARN, "network.names-unwritten", LOG_ERR(r));
}

static void take(struct netd_names *names)
{
	bool changed = false;
	int r = buf_error(&names->answer);

	if (r == 0)
		r = names_take_answer(&names->names, buf_data(&names->answer),
				      buf_len(&names->answer), &changed);
	end_round(names);
	if (r < 0)
		log_event(LOG_ERROR, "network.names-refused", LOG_ERR(r));
	else if (changed)
		names->changed(names->data);
}

static int handle_answer(int fd, uint32_t mask, void *data)
{
	struct netd_names *names = data;
	uint8_t bytes[16384];
	ssize_t n = read(fd, bytes, sizeof(bytes));

	(void)mask;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n > 0)
		buf_put(&names->answer, bytes, (size_t)n);
	if (n <= 0 || buf_error(&names->answer))
		take(names);
	return 0;
}

int netd_names_ask(struct netd_names *names, struct ipc_channel *channel)
{
	_cleanup_fd_ int file = -1;
	_cleanup_fd_ int ours = -1;
	_cleanup_fd_ int theirs = -1;
	int pair[2], r;

	if (names->source)
		return 0;
	file = resolver_file(&names->names);
	if (file < 0)
		return file == -ENODATA ? 0 : file;
	if (pipe2(pair, O_CLOEXEC) < 0)
		return -errno;
	ours = pair[0];
	theirs = pair[1];
	r = fd_set_nonblock(ours, true);
	if (r == 0)
		r = ipc_channel_send(channel, IPC_NETD_RESOLVE, NULL, (const int[]){theirs, file},
				     2);
	if (r < 0)
		return r;
	names->source = wl_event_loop_add_fd(names->loop, ours, WL_EVENT_READABLE, handle_answer,
					     names);
	if (!names->source)
		return -ENOMEM;
	names->pipe = FD_STEAL(ours);
	buf_init(&names->answer, NAMES_FILE_MAX);
	return 0;
}
