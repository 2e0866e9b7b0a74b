/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a display that was taken over may say to its session. */
#include "receiver.h"

/* The monitor has a function of this name too. */
#define session_end owner_session_end

#include "session/display.c"

#include <string.h>

static struct session *current;

void session_milestone(const struct session *session, const char *step)
{
	PROMISE(session == current && step);
}

void session_check_parts(struct session *session)
{
	PROMISE(session == current && session->display_ready);
}

void session_detached(struct session *session, const char *reason)
{
	PROMISE(session == current && strlen(reason) <= REASON_MAX);
}

void notice_show(struct session *session, const char *text, uint32_t width, uint8_t where)
{
	PROMISE(session == current && strlen(text) <= REASON_MAX);
	PROMISE(where <= DISPLAY_NOTICE_FAREWELL);
	(void)width;
}

void session_end(struct session *session, const char *reason)
{
	PROMISE(session == current && reason);
	session->stop = true;
}

void session_check_end(struct session *session)
{
	PROMISE(session == current);
	session->stop = true;
}

static void display_open(struct wl_event_loop *loop, int fd, uint8_t variant)
{
	struct session *session = calloc(1, sizeof(*session));

	PROMISE(session);
	session->loop = loop;
	session->phase = variant & 1 ? PHASE_ENDING : PHASE_RUNNING;
	session->display = (struct process){
		.loop = loop,
		.child.pidfd = -1,
		.ended = true,
		.gone = handle_gone,
		.data = session,
	};
	PROMISE(ipc_channel_create(loop, fd, &table, session, &session->display.channel) == 0);
	current = session;
}

static bool display_alive(void)
{
	return current->display.channel;
}

static void display_close(void)
{
	if (display_alive())
		process_closed(&current->display, -EPIPE);
	PROMISE(current->stop && !current->display.channel);
	free(current);
	current = NULL;
}

const struct receiver from_display = {display_open, display_alive, display_close};
