/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "monitor/control.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <wayland-server-core.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "ctl/answer.h"
#include "ipc/channel.h"
#include "monitor/commands.h"
#include "monitor/lent.h"
#include "monitor/limits.h"
#include "monitor/monitor.h"

/* Groups of a caller that are looked at; somebody in more of them may have to use root. */
#define GROUPS_MAX 1024

struct control {
	struct monitor *monitor;
	struct wl_event_source *source;
	int fd;
	struct wl_list clients; /* control_client.link */
	unsigned int count;
};

struct control_client {
	struct wl_list link;
	struct control *control;
	struct ipc_channel *channel;
	struct wl_event_source *timer;
	uid_t uid;
	struct lent_cell *lent; /* or NULL */
};

static void client_drop(struct control_client *client)
{
	command_forget(client->control->monitor, client);
	lent_destroy(client->lent);
	ipc_channel_destroy(client->channel);
	if (client->timer)
		wl_event_source_remove(client->timer);
	wl_list_remove(&client->link);
	client->control->count--;
	free(client);
}

static int handle_timeout(void *data)
{
	client_drop(data);
	return 0;
}

static void handle_closed(void *data, int reason)
{
	struct control_client *client = data;

	if (reason != -EPIPE)
		log_event(LOG_WARN, "control.malformed", LOG_INT("uid", client->uid),
			  LOG_ERR(reason));
	client_drop(client);
}

static void send_answer_fd(void *data, const struct buf *body, int fd)
{
	struct control_client *client = data;
	int r = ipc_channel_send(client->channel, IPC_CONTROL_ANSWER, body, &fd, fd >= 0);

	/* One that does not read what it asked for is dropped by its timer or at its end. */
	if (r < 0 && r != -EPIPE)
		log_event(LOG_WARN, "control.slow", LOG_INT("uid", client->uid), LOG_ERR(r));
}

static void send_answer(void *data, const struct buf *body)
{
	send_answer_fd(data, body, -1);
}

static void send_failure(struct control_client *client, enum answer_status status,
			 const char *sentence)
{
	struct buf body;

	buf_init(&body, IPC_BODY_MAX);
	answer_failed(&body, status, sentence);
	send_answer(client, &body);
	buf_finish(&body);
}

static void explain(struct control_client *client, int error)
{
	send_failure(client, ANSWER_STATUS_USAGE,
		     error == -ENOENT  ? "there is no such command; see `lazaretctl --help`"
		     : error == -E2BIG ? "too many arguments; see `lazaretctl --help`"
				       : "an argument is missing; see `lazaretctl --help`");
}

/*
 * Safe: the words are bounded strings, looked up in the command table; what they may do to whom was
 * settled by the kernel's word for the caller. Root-only commands are checked here again.
 */
static int handle_request(void *data, struct ipc_message *message)
{
	struct control_client *client = data;
	struct control_request request;
	enum command_id id;
	size_t used;
	int r = control_request_read(&message->body, &request);

	if (r == -EPROTONOSUPPORT) {
		cursor_skip(&message->body, cursor_left(&message->body));
		send_failure(client, ANSWER_STATUS_FAILED,
			     "this lazaretctl is of another version than the daemon");
		return 0;
	}
	if (r < 0)
		return r;
	r = command_find(request.n_words, (const char *const *)request.words, &id, &used);
	if (r < 0) {
		explain(client, r);
	} else if (command_row(id)->access == COMMAND_ROOT && client->uid != 0) {
		send_failure(client, ANSWER_STATUS_DENIED, "only root may do this");
	} else {
		command_run(id, &(struct command_call){
					.monitor = client->control->monitor,
					.caller = client->uid,
					.arguments = (const char *const *)request.words + used,
					.n_arguments = request.n_words - used,
					.answer = send_answer,
					.answer_fd = send_answer_fd,
					.lent = &client->lent,
					.data = client,
				});
	}
	if (client->lent)
		wl_event_source_timer_update(client->timer, LENT_TIMEOUT * 1000);
	control_request_finish(&request);
	return 0;
}

static const struct ipc_rule rules[] = {
	{IPC_CONTROL_REQUEST, IPC_ANY_STATE, 1, handle_request},
};

static const struct ipc_table table = {
	.self = IPC_ROLE_MONITOR,
	.peer = IPC_ROLE_CONTROL,
	.rules = rules,
	.n_rules = ARRAY_LEN(rules),
	.closed = handle_closed,
};

static bool in_group(int fd, gid_t primary, gid_t wanted)
{
	gid_t groups[GROUPS_MAX];
	socklen_t len = sizeof(groups);

	if (wanted == (gid_t)-1)
		return false;
	if (primary == wanted)
		return true;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &len) < 0)
		return false;
	for (size_t i = 0; i < len / sizeof(*groups); i++) {
		if (groups[i] == wanted)
			return true;
	}
	return false;
}

/* Said with one send(2), without keeping anything of the client. */
static void turn_away(int fd, enum answer_status status, const char *sentence)
{
	struct buf body;

	buf_init(&body, IPC_BODY_MAX);
	answer_failed(&body, status, sentence);
	if (ipc_send(fd, IPC_CONTROL_ANSWER, &body, NULL, 0) < 0)
		log_event(LOG_DEBUG, "control.gone");
	buf_finish(&body);
}

static bool allowed(struct control *control, int fd, struct ucred *ret_peer)
{
	socklen_t len = sizeof(*ret_peer);
	struct control_client *client;
	unsigned int same = 0;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, ret_peer, &len) < 0)
		return false;
	if (ret_peer->uid != 0 && !in_group(fd, ret_peer->gid, control->monitor->control_gid)) {
		log_event(LOG_WARN, "control.denied", LOG_INT("uid", ret_peer->uid));
		turn_away(fd, ANSWER_STATUS_DENIED,
			  "only root and members of the control-group may use lazaretctl");
		return false;
	}
	wl_list_for_each (client, &control->clients, link)
		same += client->uid == ret_peer->uid;
	if (control->count >= CONTROL_MAX || same >= CONTROL_PER_UID) {
		log_event(LOG_WARN, "control.limited", LOG_INT("uid", ret_peer->uid));
		turn_away(fd, ANSWER_STATUS_FAILED, "too many connections; try again later");
		return false;
	}
	return true;
}

static int accept_client(struct control *control, int fd)
{
	_cleanup_fd_ int owned = fd;
	struct control_client *client;
	struct ucred peer;
	int r;

	if (!allowed(control, fd, &peer))
		return 0;
	client = calloc(1, sizeof(*client));
	if (!client)
		return -ENOMEM;
	client->control = control;
	client->uid = peer.uid;
	wl_list_insert(control->clients.prev, &client->link);
	control->count++;
	client->timer = wl_event_loop_add_timer(control->monitor->loop, handle_timeout, client);
	r = client->timer ? ipc_channel_create(control->monitor->loop, FD_STEAL(owned), &table,
					       client, &client->channel)
			  : -ENOMEM;
	if (r < 0) {
		client_drop(client);
		return r;
	}
	wl_event_source_timer_update(client->timer, CONTROL_TIMEOUT * 1000);
	return 0;
}

static int handle_readable(int fd, uint32_t mask, void *data)
{
	struct control *control = data;

	(void)mask;
	for (int i = 0; i < ACCEPT_TURN; i++) {
		int client = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
		int r;

		if (client < 0)
			break;
		r = accept_client(control, client);
		if (r < 0)
			log_event(LOG_WARN, "control.failed", LOG_ERR(r));
	}
	return 0;
}

static int open_socket(struct control *control)
{
	_cleanup_fd_ int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int runtime = control->monitor->runtime_fd;

	if (fd < 0)
		return -errno;
	snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/" CONTROL_SOCKET,
		 runtime);
	/* Ours since the lock of the runtime directory is ours. */
	if (unlinkat(runtime, CONTROL_SOCKET, 0) < 0 && errno != ENOENT)
		return -errno;
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return -errno;
	/* Anybody may connect: who may ask is decided with a sentence that says why. */
	if (fchmodat(runtime, CONTROL_SOCKET, 0666, 0) < 0 || listen(fd, LISTEN_BACKLOG) < 0)
		return -errno;
	control->fd = FD_STEAL(fd);
	return 0;
}

int control_create(struct monitor *monitor, struct control **ret_control)
{
	struct control *control = calloc(1, sizeof(*control));
	int r;

	if (!control)
		return -ENOMEM;
	control->monitor = monitor;
	control->fd = -1;
	wl_list_init(&control->clients);
	r = open_socket(control);
	if (r == 0) {
		control->source = wl_event_loop_add_fd(monitor->loop, control->fd,
						       WL_EVENT_READABLE, handle_readable, control);
		if (!control->source)
			r = -ENOMEM;
	}
	if (r < 0) {
		control_destroy(control);
		return r;
	}
	*ret_control = control;
	return 0;
}

void control_destroy(struct control *control)
{
	struct control_client *client, *next;

	if (!control)
		return;
	wl_list_for_each_safe (client, next, &control->clients, link)
		client_drop(client);
	if (control->source)
		wl_event_source_remove(control->source);
	fd_close(control->fd);
	free(control);
}
