/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The monitor's end of the control socket, alone: its own file, with commands that only say who
 * asked for what. usage: control-server FOLDER GID HASTE. The socket is FOLDER/control; GID and the
 * numbers after it are the groups of the roles; time limits pass HASTE times as fast. Prints READY.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <wayland-server-core.h>

static int haste = 1;

static int update_timer(struct wl_event_source *source, int ms)
{
	return wl_event_source_timer_update(source, ms / haste);
}
#define wl_event_source_timer_update update_timer

#include "monitor/control.c"

/* More than any socket and queue hold. */
#define FLOOD 400

static void answer_flood(const struct command_call *call)
{
	struct buf body;
	char text[1000];

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	buf_init(&body, IPC_BODY_MAX);
	for (int i = 0; i < FLOOD; i++) {
		const struct answer_field fields[] = {{"text", ANSWER_STR, .str = text}, {NULL}};

		answer_begin(&body);
		for (int j = 0; j < 30; j++)
			answer_add(&body, fields);
		call->answer(call->data, &body);
	}
	buf_finish(&body);
}

/* STATUS: who asks. SESSIONS: more than can be taken at once. END: no answer at all. */
void command_run(enum command_id id, const struct command_call *call)
{
	char sentence[2 * CONTROL_WORD_MAX];
	struct buf body;

	if (id == COMMAND_END)
		return;
	if (id == COMMAND_SESSIONS)
		answer_flood(call);
	snprintf(sentence, sizeof(sentence), "%s by %u with %zu %s", command_row(id)->words,
		 (unsigned int)call->caller->uid, call->n_arguments,
		 call->n_arguments > 0 ? call->arguments[0] : "");
	buf_init(&body, IPC_BODY_MAX);
	answer_done(&body, sentence);
	call->answer(call->data, &body);
	buf_finish(&body);
}

void command_forget(struct monitor *monitor, const void *data);
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

/* The tests connect by a process that has ended when it is looked at. */
int origin_find(int socket, struct origin *ret_origin)
{
	(void)socket;
	*ret_origin = (struct origin){.address = "192.0.2.7", .port = 50000};
	return 0;
}

void origin_format(const struct origin *origin, int found, char out[ORIGIN_TEXT_MAX])
{
	(void)found;
	snprintf(out, ORIGIN_TEXT_MAX, "%s port %u", origin->address, origin->port);
}

void who_ask(struct who *who, uid_t uid, void (*found)(void *data, const char *name), void *data)
{
	char name[16];

	(void)who;
	snprintf(name, sizeof(name), "u%u", (unsigned int)uid);
	found(data, name);
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

int main(int argc, char **argv)
{
	struct monitor monitor = {0};
	struct control *control;

	if (argc != 4)
		return 2;
	log_init("control-server");
	/* What administrators do is logged all the same. */
	log_set_level(LOG_ERROR);
	for (unsigned int i = 0; i < ROLE_COUNT; i++)
		monitor.role_gids[i] = (gid_t)strtoul(argv[2], NULL, 10) + i;
	monitor.conf = conf_create();
	haste = (int)strtol(argv[3], NULL, 10);
	monitor.runtime_fd = open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	monitor.loop = wl_event_loop_create();
	if (haste < 1 || monitor.runtime_fd < 0 || !monitor.loop || !monitor.conf ||
	    control_create(&monitor, &control) < 0)
		return 1;
	puts("READY");
	fflush(stdout);
	for (;;)
		wl_event_loop_dispatch(monitor.loop, -1);
}
