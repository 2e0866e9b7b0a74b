/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Text through pipes, without ever waiting for the other end. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/str.h"
#include "display/wayland/clipboard.h"

#define PIECE 16384

/* The viewer's text on its way to a client. */
struct transfer {
	struct compositor *compositor;
	struct wl_list link; /* compositor.writes */
	int fd;
	struct wl_event_source *source, *timer;
	char *text;
	size_t len, done;
};

/* A client's text on its way to the owner of the compositor. */
struct fetch {
	struct compositor *compositor;
	int fd;
	struct wl_event_source *source, *timer;
	compositor_text_func_t func;
	void *data;
	char *text;
	size_t len, capacity;
};

static void remove_source(struct wl_event_source *source)
{
	if (source)
		wl_event_source_remove(source);
}

/* ---- out ----------------------------------------------------------------------------------- */

static void end_transfer(struct transfer *transfer)
{
	transfer->compositor->write_count--;
	wl_list_remove(&transfer->link);
	remove_source(transfer->source);
	remove_source(transfer->timer);
	fd_close(transfer->fd);
	free(transfer->text);
	free(transfer);
}

static int handle_writable(int fd, uint32_t mask, void *data)
{
	struct transfer *transfer = data;
	ssize_t n;

	if (mask & (WL_EVENT_HANGUP | WL_EVENT_ERROR)) {
		end_transfer(transfer);
		return 0;
	}
	n = write(fd, transfer->text + transfer->done,
		  MIN((size_t)PIECE, transfer->len - transfer->done));
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n > 0)
		transfer->done += (size_t)n;
	if (n <= 0 || transfer->done == transfer->len)
		end_transfer(transfer);
	return 0;
}

static int handle_write_timeout(void *data)
{
	end_transfer(data);
	return 0;
}

/* A pipe or socket, which can be made never to block; a file could not. */
static bool is_stream(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && (S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode));
}

void transfer_write(struct compositor *compositor, const char *text, size_t len, int fd)
{
	struct transfer *transfer;

	if (compositor->write_count >= TRANSFERS_MAX || !is_stream(fd) ||
	    fd_set_nonblock(fd, true) < 0 || !(transfer = calloc(1, sizeof(*transfer)))) {
		fd_close(fd);
		return;
	}
	transfer->compositor = compositor;
	transfer->fd = fd;
	wl_list_insert(&compositor->writes, &transfer->link);
	compositor->write_count++;
	transfer->text = malloc(len);
	transfer->source = wl_event_loop_add_fd(compositor->loop, fd, WL_EVENT_WRITABLE,
						handle_writable, transfer);
	transfer->timer = wl_event_loop_add_timer(compositor->loop, handle_write_timeout, transfer);
	if (!transfer->text || !transfer->source || !transfer->timer) {
		end_transfer(transfer);
		return;
	}
	memcpy(transfer->text, text, len);
	transfer->len = len;
	wl_event_source_timer_update(transfer->timer, TRANSFER_TIMEOUT_MS);
}

/* ---- in ------------------------------------------------------------------------------------ */

static void free_fetch(struct fetch *fetch)
{
	remove_source(fetch->source);
	remove_source(fetch->timer);
	fd_close(fetch->fd);
	free(fetch->text);
	free(fetch);
}

/* The callback may begin the next fetch. */
static void end_fetch(struct fetch *fetch, int error)
{
	if (error == 0 && !str_utf8_valid(fetch->text, fetch->len))
		error = -EILSEQ;
	fetch->compositor->fetch = NULL;
	if (error < 0)
		fetch->func(fetch->data, NULL, 0, error);
	else
		fetch->func(fetch->data, fetch->text, fetch->len, 0);
	free_fetch(fetch);
}

static int handle_readable(int fd, uint32_t mask, void *data)
{
	struct fetch *fetch = data;
	ssize_t n;

	(void)mask;
	n = read(fd, fetch->text + fetch->len, MIN((size_t)PIECE, fetch->capacity - fetch->len));
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n <= 0) {
		end_fetch(fetch, n < 0 ? -EIO : 0);
		return 0;
	}
	fetch->len += (size_t)n;
	if (fetch->len > TRANSFER_MAX)
		end_fetch(fetch, -EFBIG);
	return 0;
}

static int handle_read_timeout(void *data)
{
	end_fetch(data, -ETIMEDOUT);
	return 0;
}

int transfer_fetch(struct compositor *compositor, struct source *source, const char *mime,
		   compositor_text_func_t func, void *data)
{
	struct fetch *fetch = calloc(1, sizeof(*fetch));
	int ends[2];

	if (!fetch)
		return -ENOMEM;
	fetch->fd = -1;
	fetch->capacity = TRANSFER_MAX + 1;
	fetch->text = malloc(fetch->capacity);
	if (!fetch->text || pipe2(ends, O_CLOEXEC) < 0) {
		free_fetch(fetch);
		return -ENOMEM;
	}
	fetch->fd = ends[0];
	fetch->timer = wl_event_loop_add_timer(compositor->loop, handle_read_timeout, fetch);
	if (fd_set_nonblock(ends[0], true) == 0)
		fetch->source = wl_event_loop_add_fd(compositor->loop, ends[0], WL_EVENT_READABLE,
						     handle_readable, fetch);
	if (!fetch->timer || !fetch->source) {
		fd_close(ends[1]);
		free_fetch(fetch);
		return -ENOMEM;
	}
	fetch->compositor = compositor;
	fetch->func = func;
	fetch->data = data;
	compositor->fetch = fetch;
	wl_event_source_timer_update(fetch->timer, TRANSFER_TIMEOUT_MS);
	source->impl->send(source, mime, ends[1]);
	return 0;
}

void transfer_cancel_fetch(struct compositor *compositor, int error)
{
	if (compositor->fetch)
		end_fetch(compositor->fetch, error);
}

void transfer_finish(struct compositor *compositor)
{
	struct transfer *transfer, *next;

	transfer_cancel_fetch(compositor, -ECANCELED);
	wl_list_for_each_safe (transfer, next, &compositor->writes, link)
		end_transfer(transfer);
}
