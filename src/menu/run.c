/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "menu/run.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/spawn.h"
#include "base/str.h"
#include "menu/clean.h"
#include "menu/limits.h"
#include "menu/screen.h"
#include "menu/text.h"

/* What takes longer gets a box that says so, and by which it can be stopped. */
#define PATIENCE_MS 400

static const char *folder = LAZARET_LIBEXECDIR;

struct stream {
	int fd;
	char *text;
	size_t len;
};

void run_set_folder(const char *path)
{
	folder = path;
}

bool run_add(struct run *run, const char *word)
{
	if (run->n == RUN_WORDS_MAX - 1)
		return false;
	run->words[run->n++] = word;
	return true;
}

bool run_add_words(struct run *run, const char *words, char *storage, size_t size)
{
	if (!str_copy(storage, size, words))
		return false;
	for (;;) {
		size_t len = strcspn(storage, " ");
		bool last = storage[len] == '\0';

		storage[len] = '\0';
		if (!run_add(run, storage))
			return false;
		if (last)
			return true;
		storage += len + 1;
	}
}

/* --- output ----------------------------------------------------------------------------------- */

/* What is too much is read, for the program not to hang, and not kept. */
static void take(struct stream *stream)
{
	char buffer[16384];
	ssize_t n = read(stream->fd, buffer, sizeof(buffer));

	if (n < 0 && errno == EINTR)
		return;
	if (n <= 0) {
		stream->fd = fd_close(stream->fd);
		return;
	}
	n = (ssize_t)MIN((size_t)n, MENU_OUTPUT_MAX - stream->len);
	memcpy(stream->text + stream->len, buffer, (size_t)n);
	stream->len += (size_t)n;
}

/* Whether something came within the time that nobody minds. */
static bool wait_quietly(const struct stream streams[2])
{
	struct pollfd fds[] = {{.fd = streams[0].fd, .events = POLLIN},
			       {.fd = streams[1].fd, .events = POLLIN}};

	return poll(fds, ARRAY_LEN(fds), PATIENCE_MS) != 0;
}

static void take_ready(struct stream streams[2])
{
	for (int i = 0; i < 2; i++) {
		struct pollfd fd = {.fd = streams[i].fd, .events = POLLIN};

		if (fd.fd >= 0 && poll(&fd, 1, 0) > 0)
			take(&streams[i]);
	}
}

/* Until both have ended: 0, or SCREEN_BACK, SCREEN_GONE. */
static int collect(struct stream streams[2])
{
	int code = 0;

	screen_wait_begin(_("This is being done..."));
	while (code >= 0 && (streams[0].fd >= 0 || streams[1].fd >= 0)) {
		if (!wait_quietly(streams)) {
			int fds[2];
			size_t n = 0;

			for (int i = 0; i < 2; i++) {
				if (streams[i].fd >= 0)
					fds[n++] = streams[i].fd;
			}
			code = screen_wait(fds, n);
		}
		if (code >= 0)
			take_ready(streams);
	}
	screen_wait_end();
	return MIN(code, 0);
}

/* --- the program ------------------------------------------------------------------------------ */

static int start(const struct run *run, int in, const int out[2], struct child *child)
{
	const char *argv[RUN_WORDS_MAX + 2] = {"lazaretctl"};
	char path[PATH_MAX];

	if ((size_t)snprintf(path, sizeof(path), "%s/lazaretctl", folder) >= sizeof(path))
		return -ENAMETOOLONG;
	for (size_t i = 0; i < run->n; i++)
		argv[i + 1] = run->words[i];
	return spawn(&(const struct spawn){.path = path,
					   .argv = argv,
					   .env = (const char *const *)environ,
					   .stdin_fd = in,
					   .stdout_fd = out[0],
					   .stderr_fd = out[1],
					   .die_with_parent = true},
		     child);
}

static int open_input(const struct run *run)
{
	if (run->input)
		return fd_memfd("input", run->input, strlen(run->input));
	return run->typed ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3)
			  : open("/dev/null", O_RDONLY | O_CLOEXEC);
}

/* On the bare terminal, whose line discipline makes the end of Ctrl-D. */
static void begin_typing(void)
{
	screen_suspend();
	printf("\n%s\n\n", _("Type or paste the text now. End it with Enter and Ctrl-D."));
	fflush(stdout);
}

static void wait_end(struct child *child, struct run_result *result)
{
	int status = 0;

	if (waitpid(child->pid, &status, 0) == child->pid && WIFEXITED(status))
		result->status = WEXITSTATUS(status);
	child->pidfd = fd_close(child->pidfd);
}

/* The pipes are there. */
static int execute(const struct run *run, const int ends[2], struct stream streams[2],
		   struct run_result *result)
{
	_cleanup_fd_ int in = open_input(run);
	struct child child = {.pidfd = -1};
	int r;

	if (in < 0)
		return -errno;
	if (run->typed)
		begin_typing();
	r = start(run, in, ends, &child);
	close(ends[0]);
	close(ends[1]);
	if (run->typed && r == 0) {
		/* It says nothing before it has read everything. */
		struct pollfd end = {.fd = child.pidfd, .events = POLLIN};

		while (poll(&end, 1, PATIENCE_MS) == 0)
			take_ready(streams);
	}
	if (run->typed)
		screen_resume();
	if (r < 0)
		return r;
	r = collect(streams);
	if (r < 0)
		child_signal(&child, SIGTERM);
	result->gone = r == SCREEN_GONE;
	wait_end(&child, result);
	if (r < 0)
		result->status = -1;
	return 0;
}

static int make_pipes(struct stream streams[2], int ends[2])
{
	for (int i = 0; i < 2; i++) {
		int fds[2];

		streams[i].text = malloc(MENU_OUTPUT_MAX);
		if (!streams[i].text || pipe2(fds, O_CLOEXEC) < 0) {
			if (i == 1)
				close(ends[0]);
			return -ENOMEM;
		}
		streams[i].fd = fds[0];
		ends[i] = fds[1];
	}
	return 0;
}

int run_do(const struct run *run, struct run_result *ret_result)
{
	struct stream streams[2] = {{.fd = -1}, {.fd = -1}};
	struct run_result result = {.status = -1};
	int ends[2];
	int r = make_pipes(streams, ends);

	if (r == 0)
		r = execute(run, ends, streams, &result);
	if (r == 0) {
		result.out = clean_lines(streams[0].text, streams[0].len);
		result.err = clean_lines(streams[1].text, streams[1].len);
		if (!result.out || !result.err)
			r = -ENOMEM;
	}
	for (int i = 0; i < 2; i++) {
		fd_close(streams[i].fd);
		free(streams[i].text);
	}
	if (r < 0)
		run_result_finish(&result);
	else
		*ret_result = result;
	return r;
}

void run_result_finish(struct run_result *result)
{
	free(result->out);
	free(result->err);
	*result = (struct run_result){0};
}
