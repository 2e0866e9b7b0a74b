/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "monitor/tool.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <wayland-server-core.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/spawn.h"
#include "base/str.h"
#include "ctl/answer.h"
#include "ipc/message.h"
#include "monitor/caller.h"
#include "monitor/control.h"
#include "monitor/handover.h"
#include "monitor/limits.h"
#include "monitor/monitor.h"

/* The program, the socket, no files, input, the files of the configuration, --json, a name's words. */
#define ARGUMENTS_MAX (CONTROL_WORDS_MAX + 48)

struct tool {
	struct wl_list link;
	struct monitor *monitor;
	struct command_call call; /* data NULL: the caller is gone */
	struct child child;
	struct wl_event_source *end, *timer;
};

static void tool_destroy(struct tool *tool)
{
	if (tool->end)
		wl_event_source_remove(tool->end);
	if (tool->timer)
		wl_event_source_remove(tool->timer);
	child_kill(&tool->child);
	wl_list_remove(&tool->link);
	free(tool);
}

static void answer(const struct command_call *call, enum answer_status status, const char *sentence)
{
	struct buf body;

	buf_init(&body, IPC_BODY_MAX);
	if (status == ANSWER_STATUS_OK)
		answer_done(&body, sentence);
	else
		answer_failed(&body, status, sentence);
	call->answer(call->data, &body);
	buf_finish(&body);
}

static int handle_end(int fd, uint32_t mask, void *data)
{
	struct tool *tool = data;
	char how[64], sentence[128];
	int status = 0;

	(void)fd;
	(void)mask;
	if (child_reap(&tool->child, &status) < 0)
		return 0;
	if (tool->call.data) {
		*tool->call.tool = NULL;
		child_describe(status, how, sizeof(how));
		snprintf(sentence, sizeof(sentence), "the command was cut short (%s)", how);
		answer(&tool->call,
		       WIFEXITED(status) ? (enum answer_status)WEXITSTATUS(status)
					 : ANSWER_STATUS_FAILED,
		       WIFEXITED(status) ? "" : sentence);
	}
	tool_destroy(tool);
	return 0;
}

static int handle_timeout(void *data)
{
	struct tool *tool = data;

	child_signal(&tool->child, SIGKILL);
	return 0;
}

/* --- its start -------------------------------------------------------------------------------- */

/* The words are separated by one space, and live in `storage`. */
static size_t put_words(const char **argv, size_t n, const char *words, char *storage, size_t size)
{
	str_copy(storage, size, words);
	for (;;) {
		size_t len = strcspn(storage, " ");

		argv[n++] = storage;
		if (storage[len] == '\0')
			return n;
		storage[len] = '\0';
		storage += len + 1;
	}
}

/* Its descriptors; `in` 0 for none. */
struct ends {
	int in, out, err;
};

static int run(struct tool *tool, enum command_id id, const struct ends *ends)
{
	struct monitor *monitor = tool->monitor;
	const struct command_call *call = &tool->call;
	const struct origin *origin = &call->caller->origin;
	const char *argv[ARGUMENTS_MAX] = {monitor_program(monitor, "lazaretctl"), "--no-files",
					   "--socket"};
	char socket[128], ssh[2 * ORIGIN_TEXT_MAX + 32], words[64], name[ACCOUNT_NAME_MAX + 32];
	const char *const env[] = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8", ssh, name,
				   NULL};
	size_t n = 3;

	snprintf(socket, sizeof(socket), "%s/" CONTROL_SOCKET,
		 conf_str(monitor->conf, CONF_RUNTIME_DIR));
	argv[n++] = socket;
	/* There is one always: who is without a name must not be taken for root. */
	if (call->caller->name[0])
		snprintf(name, sizeof(name), "LAZARET_CALLER=%s", call->caller->name);
	else
		snprintf(name, sizeof(name), "LAZARET_CALLER=uid-%u",
			 (unsigned int)call->caller->uid);
	/* Empty: there is none, and it looks no further. */
	snprintf(ssh, sizeof(ssh), "SSH_CONNECTION=");
	if (call->caller->found == 0)
		snprintf(ssh, sizeof(ssh), "SSH_CONNECTION=%s %u %s %u", origin->address,
			 origin->port, origin->local_address, origin->local_port);
	if (ends->in > 0)
		argv[n++] = "--input";
	for (size_t i = 0; i < monitor->n_files; i++) {
		argv[n++] = "--file";
		argv[n++] = monitor->files[i];
	}
	if (call->json)
		argv[n++] = "--json";
	n = put_words(argv, n, command_row(id)->words, words, sizeof(words));
	for (size_t i = 0; i < call->n_arguments; i++)
		argv[n++] = call->arguments[i];
	argv[n] = NULL;
	return spawn(&(const struct spawn){.path = argv[0],
					   .exec_fd = monitor->programs.fds[PROGRAM_CTL],
					   .argv = argv,
					   .env = env,
					   .stdin_fd = ends->in,
					   .stdout_fd = ends->out,
					   .stderr_fd = ends->err,
					   .die_with_parent = true},
		     &tool->child);
}

static int watch(struct tool *tool)
{
	struct wl_event_loop *loop = tool->monitor->loop;

	tool->end = wl_event_loop_add_fd(loop, tool->child.pidfd, WL_EVENT_READABLE, handle_end,
					 tool);
	tool->timer = wl_event_loop_add_timer(loop, handle_timeout, tool);
	if (!tool->end || !tool->timer)
		return -ENOMEM;
	wl_event_source_timer_update(tool->timer, TOOL_TIMEOUT * 1000);
	return 0;
}

/* One pipe for each of its descriptors: its end, and the caller's. */
struct pipes {
	struct ends tool, caller;
	bool with_input;
};

static int pipe_make(int *ret_read, int *ret_write)
{
	int fds[2];

	if (pipe2(fds, O_CLOEXEC) < 0)
		return -errno;
	*ret_read = fds[0];
	*ret_write = fds[1];
	return 0;
}

static void ends_close(struct ends *ends)
{
	fd_close(ends->in > 0 ? ends->in : -1);
	fd_close(ends->out);
	fd_close(ends->err);
	*ends = (struct ends){.out = -1, .err = -1};
}

static void pipes_close(struct pipes *pipes)
{
	ends_close(&pipes->tool);
	ends_close(&pipes->caller);
}

static int pipes_make(struct pipes *pipes)
{
	int r = pipe_make(&pipes->caller.out, &pipes->tool.out);

	if (r == 0)
		r = pipe_make(&pipes->caller.err, &pipes->tool.err);
	if (r == 0 && pipes->with_input)
		r = pipe_make(&pipes->tool.in, &pipes->caller.in);
	return r;
}

static void hand_over(const struct command_call *call, const struct pipes *pipes)
{
	const int fds[] = {pipes->caller.out, pipes->caller.err, pipes->caller.in};
	struct buf body;

	buf_init(&body, IPC_BODY_MAX);
	answer_output(&body);
	call->answer_fds(call->data, &body, fds, pipes->with_input ? 3 : 2);
	buf_finish(&body);
}

static int begin(struct tool *tool, enum command_id id)
{
	const struct command_call *call = &tool->call;
	CLEANUP(pipes_close)
	struct pipes pipes = {
		.tool = {.out = -1, .err = -1},
		.caller = {.out = -1, .err = -1},
		.with_input = command_takes_input(command_row(id), call->n_arguments,
						  call->arguments),
	};
	int r = pipes_make(&pipes);

	if (r == 0)
		r = run(tool, id, &pipes.tool);
	/* Only the tool has them from now on, so that its end is seen. */
	ends_close(&pipes.tool);
	if (r == 0)
		r = watch(tool);
	if (r == 0)
		hand_over(call, &pipes);
	return r;
}

void tool_start(const struct command_call *call, enum command_id id)
{
	struct wl_list *tools = &call->monitor->tools;
	struct tool *tool = wl_list_length(tools) < TOOLS_MAX ? calloc(1, sizeof(*tool)) : NULL;
	int r;

	if (!tool) {
		answer(call, ANSWER_STATUS_FAILED,
		       "too many commands are being done; try again later");
		return;
	}
	wl_list_insert(tools, &tool->link);
	tool->monitor = call->monitor;
	tool->call = *call;
	tool->child.pidfd = -1;
	r = begin(tool, id);
	if (r < 0) {
		log_event(LOG_ERROR, "tool.unstartable", LOG_STR("command", command_row(id)->words),
			  LOG_ERR(r));
		answer(call, ANSWER_STATUS_FAILED, "the command could not be started");
		tool_destroy(tool);
		return;
	}
	/* Theirs end with this call. */
	tool->call.arguments = NULL;
	*call->tool = tool;
}

pid_t tool_save(const struct tool *tool, int *ret_pidfd)
{
	*ret_pidfd = tool->child.pidfd;
	return tool->child.pid;
}

int tool_save_left(const struct monitor *monitor, struct handover *handover)
{
	const struct tool *tool;
	int r = 0;

	wl_list_for_each (tool, &monitor->tools, link) {
		if (!tool->call.data)
			r = handover_add_leftover(handover, &tool->child);
		if (r < 0)
			break;
	}
	return r;
}

int tool_restore(const struct command_call *call, pid_t pid, int pidfd)
{
	struct tool *tool = calloc(1, sizeof(*tool));
	int r;

	if (!tool) {
		fd_close(pidfd);
		return -ENOMEM;
	}
	wl_list_insert(&call->monitor->tools, &tool->link);
	tool->monitor = call->monitor;
	tool->call = *call;
	tool->child = (struct child){.pid = pid, .pidfd = pidfd};
	r = watch(tool);
	if (r < 0)
		tool_destroy(tool);
	else
		*call->tool = tool;
	return r;
}

void tool_abandon(struct tool *tool)
{
	if (!tool)
		return;
	tool->call.data = NULL;
	child_signal(&tool->child, SIGTERM);
}

void tool_end_all(struct monitor *monitor)
{
	struct tool *tool, *next;

	wl_list_for_each_safe (tool, next, &monitor->tools, link)
		tool_destroy(tool);
}
