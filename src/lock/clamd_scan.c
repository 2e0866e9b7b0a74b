/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "lock/clamd_impl.h"

/* How often a file is shown to a clamd that ends over it. */
#define ATTEMPTS 2
#define VERSION_TIMEOUT 120 /* seconds: it may be loading */

struct clamd_scan {
	struct wl_list link; /* clamd.scans */
	struct clamd *clamd;
	int fd; /* the file; -1: there is only a question */
	const char *question; /* then: "zVERSION", "zRELOAD" */
	int socket;
	struct wl_event_source *source, *timer, *idle;
	unsigned int attempts;
	char answer[CLAMD_ANSWER_MAX];
	size_t len;
	clamd_done done;
	void *data;
};

static void hang_up(struct clamd_scan *scan)
{
	if (scan->source)
		wl_event_source_remove(scan->source);
	scan->source = NULL;
	scan->socket = fd_close(scan->socket);
	scan->len = 0;
}

static void scan_free(struct clamd_scan *scan)
{
	hang_up(scan);
	if (scan->timer)
		wl_event_source_remove(scan->timer);
	if (scan->idle)
		wl_event_source_remove(scan->idle);
	fd_close(scan->fd);
	wl_list_remove(&scan->link);
	if (scan->clamd->question == scan)
		scan->clamd->question = NULL;
	free(scan);
}

void clamd_scan_cancel(struct clamd_scan *scan)
{
	if (scan)
		scan_free(scan);
}

static void finish(struct clamd_scan *scan, const struct check_scan *result)
{
	struct check_scan said = *result;
	clamd_done done = scan->done;
	void *data = scan->data;

	/* Clean by old signatures is not known to be clean. */
	if (said.state == CHECK_SCAN_CLEAN && clamd_is_old(scan->clamd)) {
		said.state = CHECK_SCAN_OLD;
		snprintf(said.text, sizeof(said.text), "%s", scan->clamd->version.text);
	}
	scan_free(scan);
	if (done)
		done(data, &said);
}

static void fail(struct clamd_scan *scan, enum check_scan_state state, const char *text)
{
	struct check_scan result = {.state = state};

	snprintf(result.text, sizeof(result.text), "%s", text);
	finish(scan, &result);
}

static void take_answer(struct clamd_scan *scan)
{
	struct clamd_version version;
	struct check_scan result;

	if (scan->fd < 0) {
		struct clamd *clamd = scan->clamd;
		bool good = clamd_reply_version(scan->answer, scan->len, &version) == 0;

		scan_free(scan);
		if (good)
			clamd_take_version(clamd, &version);
		return;
	}
	if (clamd_reply_scan(scan->answer, scan->len, &result) < 0)
		fail(scan, CHECK_SCAN_FAILED, "clamd: answer not understood");
	else
		finish(scan, &result);
}

static int converse(struct clamd_scan *scan);

/* It ended in the middle: again, when it is back. */
static void try_again(struct clamd_scan *scan)
{
	hang_up(scan);
	if (scan->attempts >= ATTEMPTS || converse(scan) < 0)
		fail(scan, CHECK_SCAN_FAILED, "clamd ended");
}

static int handle_answer(int fd, uint32_t mask, void *data)
{
	struct clamd_scan *scan = data;
	ssize_t n = read(fd, scan->answer + scan->len, sizeof(scan->answer) - scan->len);
	const char *end;

	(void)mask;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n <= 0) {
		if (scan->fd < 0)
			scan_free(scan);
		else
			try_again(scan);
		return 0;
	}
	scan->len += (size_t)n;
	end = memchr(scan->answer, '\0', scan->len);
	if (end) {
		scan->len = (size_t)(end - scan->answer);
		take_answer(scan);
	} else if (scan->len == sizeof(scan->answer)) {
		hang_up(scan);
		if (scan->fd < 0)
			scan_free(scan);
		else
			fail(scan, CHECK_SCAN_FAILED, "clamd: answer too long");
	}
	return 0;
}

static int send_fd(int socket, int fd)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = {0};
	char byte = 0;
	struct iovec iov = {&byte, 1};
	struct msghdr message = {.msg_iov = &iov,
				 .msg_iovlen = 1,
				 .msg_control = control.bytes,
				 .msg_controllen = sizeof(control.bytes)};
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);

	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(header), &fd, sizeof(int));
	return sendmsg(socket, &message, MSG_NOSIGNAL) == 1 ? 0 : -errno;
}

static int ask(int socket, int fd, const char *question)
{
	const char *words = fd >= 0 ? "zFILDES" : question;
	size_t len = strlen(words) + 1;

	if (send(socket, words, len, MSG_NOSIGNAL) != (ssize_t)len)
		return -EIO;
	return fd >= 0 ? send_fd(socket, fd) : 0;
}

/* The socket is ours: it takes what is said, and the answer comes when somebody has accepted. */
static int converse(struct clamd_scan *scan)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int r;

	scan->attempts++;
	if (fd < 0)
		return -errno;
	scan->socket = fd;
	if ((size_t)snprintf(address.sun_path, sizeof(address.sun_path), "%s/" CLAMD_SOCKET,
			     scan->clamd->folder) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return -errno;
	r = ask(fd, scan->fd, scan->question);
	if (r < 0)
		return r;
	scan->source = wl_event_loop_add_fd(scan->clamd->loop, fd, WL_EVENT_READABLE, handle_answer,
					    scan);
	return scan->source ? 0 : -ENOMEM;
}

static int handle_timeout(void *data)
{
	struct clamd_scan *scan = data;

	if (scan->fd < 0)
		scan_free(scan);
	else if (!scan->clamd->ready)
		fail(scan, CHECK_SCAN_DOWN, "clamd does not answer");
	else
		fail(scan, CHECK_SCAN_FAILED, "lock-scan-time");
	return 0;
}

static void handle_idle(void *data)
{
	struct clamd_scan *scan = data;

	scan->idle = NULL;
	if (clamd_gave_up(scan->clamd))
		fail(scan, CHECK_SCAN_DOWN, "clamd cannot be started");
	else if (converse(scan) < 0)
		fail(scan, CHECK_SCAN_DOWN, "clamd cannot be asked");
}

static struct clamd_scan *begin(struct clamd *clamd, int64_t seconds)
{
	struct clamd_scan *scan = calloc(1, sizeof(*scan));

	if (!scan)
		return NULL;
	scan->clamd = clamd;
	scan->fd = -1;
	scan->socket = -1;
	wl_list_insert(&clamd->scans, &scan->link);
	scan->timer = wl_event_loop_add_timer(clamd->loop, handle_timeout, scan);
	if (!scan->timer) {
		scan_free(scan);
		return NULL;
	}
	wl_event_source_timer_update(scan->timer, (int)seconds * 1000);
	return scan;
}

int clamd_scan_start(struct clamd *clamd, int fd, clamd_done done, void *data,
		     struct clamd_scan **ret_scan)
{
	struct clamd_scan *scan;

	clamd_look_at_signatures(clamd);
	scan = begin(clamd, clamd->scan_time);
	if (!scan)
		return -ENOMEM;
	scan->fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	/* Whatever comes of it is said from the loop. */
	if (scan->fd >= 0)
		scan->idle = wl_event_loop_add_idle(clamd->loop, handle_idle, scan);
	if (!scan->idle) {
		scan_free(scan);
		return -ENOMEM;
	}
	scan->done = done;
	scan->data = data;
	*ret_scan = scan;
	return 0;
}

static struct clamd_scan *put_question(struct clamd *clamd, const char *question)
{
	struct clamd_scan *scan = begin(clamd, VERSION_TIMEOUT);

	if (!scan)
		return NULL;
	scan->question = question;
	if (converse(scan) == 0)
		return scan;
	scan_free(scan);
	return NULL;
}

void clamd_ask_version(struct clamd *clamd)
{
	if (clamd->question)
		return;
	clamd->question = put_question(clamd, "zVERSION");
}

void clamd_reload(struct clamd *clamd)
{
	/* What it answers is no version, and is passed over. */
	(void)put_question(clamd, "zRELOAD");
}

void clamd_scans_fail(struct clamd *clamd)
{
	struct clamd_scan *scan, *next;

	wl_list_for_each_safe (scan, next, &clamd->scans, link) {
		if (scan->fd < 0)
			scan_free(scan);
		else
			fail(scan, CHECK_SCAN_DOWN, "clamd cannot be started");
	}
}
