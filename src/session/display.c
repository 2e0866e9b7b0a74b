/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "cell/cgroup.h"
#include "session/session.h"

/*
 * The display is where the browser attacks: of what it says, only times and counts are used, texts
 * only to be drawn for the same session's viewer. None of it decides who is let in where.
 */

/* Safe: says that it listens; a lie only harms its own session. */
static int handle_ready(void *data, struct ipc_message *message)
{
	struct session *session = data;

	(void)message;
	session->display_ready = true;
	session_milestone(session, "display");
	session_check_parts(session);
	return 0;
}

/* Safe: starts the idle limit; the reason goes to the log. */
static int handle_detached(void *data, struct ipc_message *message)
{
	struct session *session = data;
	uint32_t taken = cursor_u32(&message->body);
	_cleanup_free_ char *reason = cursor_str(&message->body, REASON_MAX);

	if (!cursor_done(&message->body))
		return -EPROTO;
	/* It left while the next viewer was on its way. */
	if (taken == session->n_attaches)
		session_detached(session, reason);
	return 0;
}

/* Safe: only logged. */
static int handle_windows(void *data, struct ipc_message *message)
{
	uint32_t windows = cursor_u32(&message->body);

	(void)data;
	log_event(LOG_DEBUG, "display.windows", LOG_INT("count", windows));
	return 0;
}

/* Safe: the number of texts that wait is bounded; the program that draws them is confined. */
static int handle_wants_text(void *data, struct ipc_message *message)
{
	struct session *session = data;
	_cleanup_free_ char *text = cursor_str(&message->body, REASON_MAX);
	uint32_t width = cursor_u32(&message->body);
	uint8_t where = cursor_u8(&message->body);

	if (!cursor_done(&message->body) || where > DISPLAY_NOTICE_FAREWELL)
		return -EPROTO;
	notice_show(session, text, width, where);
	return 0;
}

/* Safe: only a time. */
static int handle_first_picture(void *data, struct ipc_message *message)
{
	(void)message;
	session_milestone(data, "picture");
	return 0;
}

static void handle_closed(void *data, int reason)
{
	struct session *session = data;

	if (reason != -EPIPE)
		log_event(LOG_ERROR, "display.misbehaved", LOG_STR("session", session->record.id),
			  LOG_ERR(reason));
	process_closed(&session->display, reason);
}

static const struct ipc_rule rules[] = {
	{IPC_DISPLAY_READY, IPC_ANY_STATE, 1, handle_ready},
	{IPC_DISPLAY_DETACHED, IPC_ANY_STATE, 0, handle_detached},
	{IPC_DISPLAY_WINDOWS, IPC_ANY_STATE, 0, handle_windows},
	{IPC_DISPLAY_WANTS_TEXT, IPC_ANY_STATE, 0, handle_wants_text},
	{IPC_DISPLAY_FIRST_PICTURE, IPC_ANY_STATE, 0, handle_first_picture},
};

static const struct ipc_table table = {
	.self = IPC_ROLE_SESSION,
	.peer = IPC_ROLE_DISPLAY,
	.rules = rules,
	.n_rules = ARRAY_LEN(rules),
	.closed = handle_closed,
};

static void handle_gone(void *data)
{
	struct session *session = data;
	char how[64];

	child_describe(session->display.status, how, sizeof(how));
	process_finish(&session->display, false);
	session->display_ready = false;
	if (session->phase == PHASE_ENDING) {
		session_check_end(session);
		return;
	}
	log_event(LOG_ERROR, "display.died", LOG_STR("session", session->record.id),
		  LOG_STR("how", how));
	session_end(session, "The display of this session failed.");
}

int display_start(struct session *session, int wayland)
{
	char path[512];
	struct buf config;
	struct process_spec spec = {
		.path = path,
		.exec_fd = SESSION_FD_DISPLAY,
		.role = "lazaret-display",
		.config = &config,
		.fds = &wayland,
		.n_fds = 1,
		.table = &table,
		.gone = handle_gone,
		.data = session,
	};
	int r;

	snprintf(path, sizeof(path), "%s/lazaret-display",
		 conf_str(session->conf, CONF_LIBEXEC_DIR));
	buf_init(&config, SESSION_CONFIG_MAX);
	conf_put(session->conf, CONF_FOR_SESSION, &config);
	buf_put_u32(&config, session->display_uid);
	buf_put_u32(&config, session->display_uid);
	buf_put_str(&config, session->record.id);
	r = process_start(&session->display, session->loop, &spec);
	buf_finish(&config);
	if (r < 0)
		return r;
	r = cgroup_add(session->display_group, session->display.child.pid);
	if (r < 0)
		process_finish(&session->display, true);
	return r;
}

void display_attach(struct session *session, const char *address, int stream)
{
	struct buf body;

	buf_init(&body, IPC_BODY_MAX);
	buf_put_str(&body, address);
	session->n_attaches++;
	process_send(&session->display, IPC_DISPLAY_ATTACH, &body, &stream, 1);
	buf_finish(&body);
}

void display_detach(struct session *session, const char *reason)
{
	struct buf body;

	buf_init(&body, IPC_BODY_MAX);
	buf_put_str(&body, reason);
	process_send(&session->display, IPC_DISPLAY_DETACH, &body, NULL, 0);
	buf_finish(&body);
}

void display_stop(struct session *session)
{
	process_signal(&session->display, SIGTERM);
}
