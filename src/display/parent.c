/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What lazaret-session says, and what it is told. */
#include <errno.h>
#include <stdlib.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "display/display.h"
#include "display/limits.h"
#include "display/notice.h"

/* Safe: one stream and the text of an address, which goes into a picture of text only. */
static int take_attach(void *data, struct ipc_message *message)
{
	struct display *display = data;
	_cleanup_fd_ int fd = ipc_message_take_fd(message, 0);
	_cleanup_free_ char *address = cursor_str(&message->body, ADDRESS_MAX);
	int r;

	if (!address || fd < 0)
		return -EPROTO;
	display->n_attaches++;
	r = display_attach(display, FD_STEAL(fd), address);
	if (r < 0) {
		log_event(LOG_WARN, "viewer.refused", LOG_STR("address", address), LOG_ERR(r));
		if (!display->current)
			parent_tell_detached(display, "could not be attached");
	}
	return 0;
}

/* Safe: a sentence for the person who looks. */
static int take_detach(void *data, struct ipc_message *message)
{
	struct display *display = data;
	_cleanup_free_ char *reason = cursor_str(&message->body, REASON_MAX);

	if (!reason)
		return -EPROTO;
	display_say_goodbye(display, reason);
	return 0;
}

static int take_notice(void *data, struct ipc_message *message)
{
	return notice_take(data, message);
}

static const struct ipc_rule rules[] = {
	{IPC_DISPLAY_ATTACH, IPC_ANY_STATE, 0, take_attach},
	{IPC_DISPLAY_DETACH, IPC_ANY_STATE, 0, take_detach},
	{IPC_DISPLAY_NOTICE, IPC_ANY_STATE, 0, take_notice},
};

static void handle_closed(void *data, int reason)
{
	struct display *display = data;

	/* The session is dead, and with it the cell: nothing is left to show. */
	if (reason != -EPIPE && reason != -ECONNRESET)
		log_event(LOG_ERROR, "display.parent", LOG_ERR(reason));
	display->running = false;
}

static const struct ipc_table table = {
	.self = IPC_ROLE_DISPLAY,
	.peer = IPC_ROLE_SESSION,
	.rules = rules,
	.n_rules = ARRAY_LEN(rules),
	.closed = handle_closed,
};

int parent_connect(struct display *display, int fd)
{
	return ipc_channel_create(display->loop, fd, &table, display, &display->parent);
}

void parent_tell(struct display *display, enum ipc_type type, const struct buf *body)
{
	int r;

	if (!display->running)
		return;
	r = ipc_channel_send(display->parent, type, body, NULL, 0);
	if (r == 0)
		return;
	if (r != -EPIPE && r != -ECONNRESET)
		log_event(LOG_ERROR, "display.parent", LOG_ERR(r));
	display->running = false;
}

void parent_tell_detached(struct display *display, const char *reason)
{
	_cleanup_buf_ struct buf body;

	buf_init(&body, REASON_MAX + 8);
	buf_put_u32(&body, display->n_attaches);
	buf_put_str(&body, reason);
	parent_tell(display, IPC_DISPLAY_DETACHED, &body);
}
