/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What anybody may say on the control socket. */
#include "receiver.h"

#include "monitor/control.c"

#include "owners.h"

static struct control control;

void command_forget(struct monitor *monitor, const void *data)
{
	(void)monitor;
	(void)data;
}

pid_t tool_save(const struct tool *tool, int *ret_pidfd)
{
	(void)tool;
	*ret_pidfd = -1;
	return 0;
}

int tool_save_left(const struct monitor *monitor, struct handover *handover)
{
	(void)monitor;
	(void)handover;
	return 0;
}

int tool_restore(const struct command_call *call, pid_t pid, int pidfd)
{
	(void)call;
	(void)pid;
	(void)pidfd;
	return 0;
}

void tool_abandon(struct tool *tool)
{
	(void)tool;
}

void who_ask(struct who *who, uid_t uid, void (*found)(void *data, const char *name), void *data)
{
	(void)who;
	(void)uid;
	found(data, "somebody");
}

void who_forget(struct who *who, const void *data)
{
	(void)who;
	(void)data;
}

struct lent_cell;
void lent_destroy(struct lent_cell *lent);
void lent_destroy(struct lent_cell *lent)
{
	(void)lent;
}

void command_run(enum command_id id, const struct command_call *call)
{
	const struct command *row = command_row(id);
	struct buf body;

	PROMISE(call->caller->uid == 0 || (row->roles & call->caller->roles & ROLE_MAINT));
	PROMISE(call->n_arguments >= row->least && call->n_arguments <= row->most);
	for (size_t i = 0; i < call->n_arguments; i++)
		PROMISE(strlen(call->arguments[i]) <= CONTROL_WORD_MAX);
	buf_init(&body, IPC_BODY_MAX);
	answer_done(&body, "");
	call->answer(call->data, &body);
	buf_finish(&body);
}

static struct control_client *current(void)
{
	struct control_client *client;

	if (wl_list_empty(&control.clients))
		return NULL;
	return wl_container_of(control.clients.next, client, link);
}

/* Variant 1: a holder of a role instead of root. */
static void control_open(struct wl_event_loop *loop, int fd, uint8_t variant)
{
	control.monitor = owner_monitor(loop);
	control.fd = -1;
	wl_list_init(&control.clients);
	PROMISE(accept_client(&control, fd) == 0 && current());
	current()->caller.uid = variant & 1 ? 1000 : 0;
	current()->caller.roles = variant & 1 ? ROLE_MAINT : 0;
}

static bool control_alive(void)
{
	return current();
}

static void control_close(void)
{
	if (current())
		client_drop(current());
	PROMISE(control.count == 0);
}

const struct receiver from_control = {control_open, control_alive, control_close};
