/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Texts become pictures in a process of their own, one after the other: a display gets its answers
 * in the order in which it asked.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/spawn.h"
#include "display/text/text.h"
#include "session/session.h"

/* A strip's width: the display cuts or lengthens it. */
#define STRIP_WIDTH 2048
/* Longest time of a strip that goes by itself. */
#define NOTICE_SECONDS_MAX UINT32_C(86400)

struct text_job {
	struct wl_list link; /* session.texts */
	struct session *session;
	char *text;
	uint32_t width;
	uint8_t where;
	struct child child;
	struct wl_event_source *exit_source, *timer;
	int picture; /* memory file that lazaret-text fills */
};

static void start_next(struct session *session);

static void job_destroy(struct text_job *job)
{
	if (job->exit_source)
		wl_event_source_remove(job->exit_source);
	if (job->timer)
		wl_event_source_remove(job->timer);
	child_kill(&job->child);
	fd_close(job->picture);
	wl_list_remove(&job->link);
	free(job->text);
	free(job);
}

/* Without a picture the display is told so: it must not wait for ever. */
static void send_picture(struct session *session, const struct text_job *job, uint32_t height)
{
	struct buf body;

	buf_init(&body, IPC_BODY_MAX);
	buf_put_u32(&body, height ? job->width : 0);
	buf_put_u32(&body, height);
	buf_put_u8(&body, job->where);
	process_send(&session->display, IPC_DISPLAY_NOTICE, &body, &job->picture,
		     height > 0 ? 1 : 0);
	buf_finish(&body);
}

static uint32_t picture_height(const struct text_job *job)
{
	struct stat st;
	uint64_t row = (uint64_t)job->width * 4;

	if (fstat(job->picture, &st) < 0 || st.st_size <= 0 || (uint64_t)st.st_size % row != 0 ||
	    (uint64_t)st.st_size / row > TEXT_HEIGHT_MAX)
		return 0;
	return (uint32_t)((uint64_t)st.st_size / row);
}

static int handle_exit(int fd, uint32_t mask, void *data)
{
	struct text_job *job = data;
	struct session *session = job->session;
	uint32_t height = 0;
	int status;

	(void)fd;
	(void)mask;
	if (child_reap(&job->child, &status) < 0)
		return 0;
	if (status == 0)
		height = picture_height(job);
	if (height == 0) {
		char how[64];

		child_describe(status, how, sizeof(how));
		log_event(LOG_ERROR, "notice.undrawn", LOG_STR("session", session->record.id),
			  LOG_STR("how", how));
	}
	send_picture(session, job, height);
	job_destroy(job);
	start_next(session);
	return 0;
}

static int handle_timeout(void *data)
{
	struct text_job *job = data;

	child_signal(&job->child, SIGKILL);
	return 0;
}

static int run_job(struct text_job *job)
{
	struct session *session = job->session;
	_cleanup_fd_ int request = -1;
	_cleanup_fd_ int null = -1;
	char path[512];
	struct buf text;
	int fds[3];
	int r;

	buf_init(&text, TEXT_REQUEST_MAX);
	text_request_put(&text, session->display_uid, session->display_uid,
			 (enum display_notice)job->where, job->width, job->text);
	request = buf_error(&text) ? buf_error(&text)
				   : fd_memfd("text", buf_data(&text), buf_len(&text));
	buf_finish(&text);
	if (request < 0)
		return request;
	job->picture = memfd_create("picture", MFD_CLOEXEC);
	null = fd_memfd("none", "", 0);
	if (job->picture < 0 || null < 0)
		return -ENOMEM;
	fds[0] = null;
	fds[1] = request;
	fds[2] = job->picture;
	snprintf(path, sizeof(path), "%s/lazaret-text", conf_str(session->conf, CONF_LIBEXEC_DIR));
	r = spawn(&(struct spawn){.path = path,
				  .exec_fd = SESSION_FD_TEXT,
				  .fds = fds,
				  .n_fds = ARRAY_LEN(fds),
				  .stderr_fd = -1,
				  .die_with_parent = true},
		  &job->child);
	if (r < 0)
		return r;
	job->exit_source = wl_event_loop_add_fd(session->loop, job->child.pidfd, WL_EVENT_READABLE,
						handle_exit, job);
	job->timer = wl_event_loop_add_timer(session->loop, handle_timeout, job);
	if (!job->exit_source || !job->timer)
		return -ENOMEM;
	wl_event_source_timer_update(job->timer, TEXT_TIMEOUT);
	return 0;
}

/* Starts the first one that waits, if none runs. */
static void start_next(struct session *session)
{
	while (!wl_list_empty(&session->texts)) {
		struct text_job *job = wl_container_of(session->texts.next, job, link);
		int r;

		if (job->child.pid > 0)
			return;
		r = run_job(job);
		if (r == 0)
			return;
		log_event(LOG_ERROR, "notice.undrawn", LOG_STR("session", session->record.id),
			  LOG_ERR(r));
		send_picture(session, job, 0);
		job_destroy(job);
	}
}

void notice_show(struct session *session, const char *text, uint32_t width, uint8_t where)
{
	struct text_job *job = NULL;

	/* What stands there now is not what was to be removed. */
	if (where == DISPLAY_NOTICE_STRIP && session->notice_timer)
		wl_event_source_timer_update(session->notice_timer, 0);
	if (width == 0)
		width = STRIP_WIDTH;
	if (text[0] != '\0' && width >= TEXT_WIDTH_MIN && width <= TEXT_WIDTH_MAX &&
	    wl_list_length(&session->texts) < TEXTS_MAX)
		job = calloc(1, sizeof(*job));
	if (!job) {
		send_picture(session, &(struct text_job){.where = where}, 0);
		return;
	}
	job->session = session;
	job->width = width;
	job->where = where;
	job->picture = -1;
	job->child.pidfd = -1;
	job->text = strdup(text);
	wl_list_insert(session->texts.prev, &job->link);
	if (!job->text) {
		send_picture(session, job, 0);
		job_destroy(job);
		return;
	}
	start_next(session);
}

static int handle_over(void *data)
{
	notice_show(data, "", 0, DISPLAY_NOTICE_STRIP);
	return 0;
}

void notice_show_for(struct session *session, const char *text, uint32_t seconds)
{
	notice_show(session, text, 0, DISPLAY_NOTICE_STRIP);
	if (seconds == 0)
		return;
	if (!session->notice_timer)
		session->notice_timer = wl_event_loop_add_timer(session->loop, handle_over,
								session);
	if (session->notice_timer)
		wl_event_source_timer_update(session->notice_timer,
					     (int)MIN(seconds, NOTICE_SECONDS_MAX) * 1000);
}

void notice_finish(struct session *session)
{
	struct text_job *job, *next;

	wl_list_for_each_safe (job, next, &session->texts, link)
		job_destroy(job);
	if (session->notice_timer)
		wl_event_source_remove(session->notice_timer);
	session->notice_timer = NULL;
}
