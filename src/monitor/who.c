/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "monitor/who.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wayland-server-core.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/spawn.h"
#include "base/str.h"
#include "monitor/handover.h"
#include "monitor/limits.h"
#include "monitor/monitor.h"

struct known {
	uid_t uid;
	uint64_t until; /* monotonic us; 0: free */
	char name[ACCOUNT_NAME_MAX + 1];
};

struct question {
	struct wl_list link;
	struct who *who;
	uid_t uid;
	struct child child;
	int fd;
	struct wl_event_source *answer, *timer;
	size_t len;
	char name[ACCOUNT_NAME_MAX + 1];
	void (*found)(void *data, const char *name);
	void *data;
};

struct who {
	struct monitor *monitor;
	struct known known[WHO_KNOWN_MAX];
	size_t next; /* whose place the next one gets */
	struct wl_list questions;
};

static void question_destroy(struct question *question)
{
	if (question->answer)
		wl_event_source_remove(question->answer);
	if (question->timer)
		wl_event_source_remove(question->timer);
	fd_close(question->fd);
	child_kill(&question->child);
	wl_list_remove(&question->link);
	free(question);
}

static void remember(struct who *who, uid_t uid, const char *name)
{
	struct known *known = &who->known[who->next];

	who->next = (who->next + 1) % WHO_KNOWN_MAX;
	known->uid = uid;
	known->until = clock_now() + WHO_KEPT * USEC_PER_SEC;
	str_copy(known->name, sizeof(known->name), name);
}

static void finish(struct question *question)
{
	void (*found)(void *data, const char *name) = question->found;
	void *data = question->data;
	char name[ACCOUNT_NAME_MAX + 1];

	str_copy(name, sizeof(name), question->name);
	if (name[0])
		remember(question->who, question->uid, name);
	question_destroy(question);
	found(data, name);
}

static int handle_timeout(void *data)
{
	struct question *question = data;

	log_event(LOG_WARN, "who.unanswered", LOG_INT("uid", question->uid));
	question->name[0] = '\0';
	finish(question);
	return 0;
}

/* Safe: a name of bounded length from a program of ours, which only ever comes into the log. */
static int handle_answer(int fd, uint32_t mask, void *data)
{
	struct question *question = data;
	size_t space = sizeof(question->name) - 1 - question->len;
	ssize_t n = space ? read(fd, question->name + question->len, space) : 0;

	(void)mask;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n > 0) {
		question->len += (size_t)n;
		return 0;
	}
	question->name[question->len] = '\0';
	finish(question);
	return 0;
}

static int start(struct question *question)
{
	struct wl_event_loop *loop = question->who->monitor->loop;
	const char *path = monitor_program(question->who->monitor, "lazaret-who");
	_cleanup_fd_ int writer = -1;
	char uid[16];
	int fds[2];
	int r;

	if (pipe2(fds, O_CLOEXEC | O_NONBLOCK) < 0)
		return -errno;
	question->fd = fds[0];
	writer = fds[1];
	snprintf(uid, sizeof(uid), "%u", (unsigned int)question->uid);
	r = spawn(
		&(const struct spawn){.path = path,
				      .exec_fd = question->who->monitor->programs.fds[PROGRAM_WHO],
				      .argv = (const char *const[]){path, uid, NULL},
				      .fds = &writer,
				      .n_fds = 1,
				      .stderr_fd = -1,
				      .die_with_parent = true},
		&question->child);
	if (r < 0)
		return r;
	question->answer = wl_event_loop_add_fd(loop, question->fd, WL_EVENT_READABLE,
						handle_answer, question);
	question->timer = wl_event_loop_add_timer(loop, handle_timeout, question);
	if (!question->answer || !question->timer)
		return -ENOMEM;
	wl_event_source_timer_update(question->timer, WHO_TIMEOUT * 1000);
	return 0;
}

static const char *recall(const struct who *who, uid_t uid)
{
	uint64_t now = clock_now();

	if (uid == 0)
		return "root";
	for (size_t i = 0; i < WHO_KNOWN_MAX; i++) {
		if (who->known[i].uid == uid && who->known[i].until > now)
			return who->known[i].name;
	}
	return NULL;
}

void who_ask(struct who *who, uid_t uid, void (*found)(void *data, const char *name), void *data)
{
	const char *name = recall(who, uid);
	struct question *question = name ? NULL : calloc(1, sizeof(*question));
	int r;

	if (!question) {
		found(data, name ? name : "");
		return;
	}
	question->who = who;
	question->uid = uid;
	question->found = found;
	question->data = data;
	question->fd = -1;
	question->child.pidfd = -1;
	wl_list_insert(who->questions.prev, &question->link);
	r = start(question);
	if (r < 0) {
		log_event(LOG_ERROR, "who.unstartable", LOG_INT("uid", uid), LOG_ERR(r));
		finish(question);
	}
}

void who_forget(struct who *who, const void *data)
{
	struct question *question, *next;

	wl_list_for_each_safe (question, next, &who->questions, link) {
		if (question->data == data)
			question_destroy(question);
	}
}

int who_create(struct monitor *monitor, struct who **ret_who)
{
	struct who *who = calloc(1, sizeof(*who));

	if (!who)
		return -ENOMEM;
	who->monitor = monitor;
	wl_list_init(&who->questions);
	*ret_who = who;
	return 0;
}

void who_destroy(struct who *who)
{
	struct question *question, *next;

	if (!who)
		return;
	wl_list_for_each_safe (question, next, &who->questions, link)
		question_destroy(question);
	free(who);
}

int who_save(const struct who *who, struct handover *handover)
{
	const struct question *question;
	int r = 0;

	wl_list_for_each (question, &who->questions, link) {
		r = handover_add_leftover(handover, &question->child);
		if (r < 0)
			break;
	}
	return r;
}
