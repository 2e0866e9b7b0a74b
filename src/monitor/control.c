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
#include "conf/role.h"
#include "ctl/answer.h"
#include "ipc/channel.h"
#include "monitor/caller.h"
#include "monitor/commands.h"
#include "monitor/handover.h"
#include "monitor/lent.h"
#include "monitor/limits.h"
#include "monitor/monitor.h"
#include "monitor/tool.h"
#include "monitor/who.h"

#define FOREIGN "this lazaretctl is of another version than the daemon; see `lazaretctl upgrade`"

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
	int fd; /* until the channel has it; then -1 */
	struct caller caller;
	struct audit audit;
	struct lent_cell *lent; /* or NULL */
	struct tool *tool; /* or NULL */
	bool upgrades; /* waits for an upgrade */
};

static void client_drop(struct control_client *client)
{
	audit_abandoned(&client->audit, &client->caller);
	command_forget(client->control->monitor, client);
	who_forget(client->control->monitor->who, client);
	tool_abandon(client->tool);
	lent_destroy(client->lent);
	fd_close(client->fd);
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
		log_event(LOG_WARN, "control.malformed", LOG_INT("uid", client->caller.uid),
			  LOG_ERR(reason));
	client_drop(client);
}

/* The message that ends an answer is what came of the command. */
static void note_result(struct control_client *client, const struct buf *body)
{
	struct cursor c = cursor_over(buf_data(body), buf_len(body));
	uint8_t kind = cursor_u8(&c);

	if (kind == ANSWER_DONE) {
		audit_done(&client->audit, &client->caller);
	} else if (kind == ANSWER_FAILED) {
		uint8_t status = cursor_u8(&c);
		_cleanup_free_ char *sentence = cursor_str(&c, ANSWER_STR_MAX);

		audit_failed(&client->audit, &client->caller, (enum answer_status)status,
			     sentence ? sentence : "");
	}
}

static void send_answer_fds(void *data, const struct buf *body, const int *fds, size_t n_fds)
{
	struct control_client *client = data;
	int r;

	/* First: what he is told is on record. */
	note_result(client, body);
	r = ipc_channel_send(client->channel, IPC_CONTROL_ANSWER, body, fds, n_fds);
	/* One that does not read what it asked for is dropped by its timer or at its end. */
	if (r < 0 && r != -EPIPE)
		log_event(LOG_WARN, "control.slow", LOG_INT("uid", client->caller.uid), LOG_ERR(r));
}

static void send_answer(void *data, const struct buf *body)
{
	send_answer_fds(data, body, NULL, 0);
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

/* "only the roles config, security may do this" */
static void refuse(struct control_client *client, const struct command *command)
{
	char needed[ROLE_TEXT_MAX], held[ROLE_TEXT_MAX], sentence[4 * ROLE_TEXT_MAX];

	if (command->roles == ROLE_ROOT)
		snprintf(sentence, sizeof(sentence),
			 "only root may do this, at the console: \"%s\"", command->words);
	else
		snprintf(sentence, sizeof(sentence),
			 "\"%s\" needs one of the roles: %s; you have: %s", command->words,
			 role_format(command->roles, needed),
			 role_format(client->caller.roles, held));
	audit_refused(&client->audit, &client->caller);
	send_failure(client, ANSWER_STATUS_DENIED, sentence);
}

static struct command_call call_of(struct control_client *client)
{
	return (struct command_call){
		.monitor = client->control->monitor,
		.caller = &client->caller,
		.answer = send_answer,
		.answer_fds = send_answer_fds,
		.lent = &client->lent,
		.tool = &client->tool,
		.data = client,
	};
}

static void run(struct control_client *client, enum command_id id, size_t n,
		const char *const *arguments, bool json)
{
	const struct command *command = command_row(id);
	struct command_call call;

	audit_begin(&client->audit, &client->caller, command, n, arguments);
	if (!caller_may(&client->caller, command)) {
		refuse(client, command);
		return;
	}
	call = call_of(client);
	call.json = json;
	call.arguments = arguments;
	call.n_arguments = n;
	client->upgrades = id == COMMAND_UPGRADE;
	command_run(id, &call);
	if (client->audit.command)
		audit_begun(&client->audit, &client->caller);
	if (client->lent)
		wl_event_source_timer_update(client->timer, LENT_TIMEOUT * 1000);
	if (client->tool)
		wl_event_source_timer_update(client->timer,
					     (TOOL_TIMEOUT + CONTROL_TIMEOUT) * 1000);
}

/*
 * Safe: the words are bounded strings, looked up in the command table; who may use which of them is
 * settled by the kernel's word for the caller's groups.
 */
static int handle_request(void *data, struct ipc_message *message)
{
	struct control_client *client = data;
	struct control_request request;
	enum command_id id;
	bool json;
	size_t used;
	int r = control_request_read(&message->body, &request);

	if (r == -EPROTONOSUPPORT) {
		/* Also when nothing of it can be taken for a text any more. */
		message->body = cursor_over(NULL, 0);
		send_failure(client, ANSWER_STATUS_FAILED, FOREIGN);
		return 0;
	}
	if (r < 0)
		return r;
	/* The one command that means the same for all: with it they become one version again. */
	if (request.foreign && !str_eq(request.words[0], command_row(COMMAND_UPGRADE)->words)) {
		control_request_finish(&request);
		send_failure(client, ANSWER_STATUS_FAILED, FOREIGN);
		return 0;
	}
	json = request.n_words > 1 && str_eq(request.words[request.n_words - 1], "--json");
	r = command_find(request.n_words - json, (const char *const *)request.words, &id, &used);
	if (r < 0)
		explain(client, r);
	else
		run(client, id, request.n_words - json - used,
		    (const char *const *)request.words + used, json);
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

static bool turn_down(int fd, const struct caller *caller, const char *reason, const char *sentence)
{
	char from[ORIGIN_TEXT_MAX];

	origin_format(&caller->origin, caller->found, from);
	log_event(LOG_AUDIT, "control.denied", LOG_INT("uid", caller->uid), LOG_STR("from", from),
		  LOG_STR("reason", reason));
	turn_away(fd, ANSWER_STATUS_DENIED, sentence);
	return false;
}

/* Roles that one person must not hold together make all of them unusable. */
static bool has_usable_roles(const struct control *control, int fd, const struct caller *caller)
{
	const struct conf *conf = control->monitor->conf;
	char reason[ROLE_TEXT_MAX], sentence[512];
	enum role_index a, b;

	if (caller->roles == 0)
		return turn_down(
			fd, caller, "no role",
			"only root and holders of a role may use lazaretctl: whoever grants "
			"roles has to add this account to the group of one (lazaretctl config "
			"dump names them), then log in again");
	if (!role_conflict(conf, caller->roles, &a, &b))
		return true;
	snprintf(reason, sizeof(reason), "%s with %s", role_name(a), role_name(b));
	snprintf(sentence, sizeof(sentence),
		 "this account holds the roles %s and %s, which one person must not hold together "
		 "(option roles-apart): have it taken out of one of the groups \"%s\" and \"%s\", "
		 "then log in again",
		 role_name(a), role_name(b), role_group(conf, a), role_group(conf, b));
	return turn_down(fd, caller, reason, sentence);
}

static bool has_place(const struct control *control, int fd, uid_t uid)
{
	struct control_client *client;
	unsigned int same = 0;

	wl_list_for_each (client, &control->clients, link)
		same += client->caller.uid == uid;
	if (control->count < CONTROL_MAX && same < CONTROL_PER_UID)
		return true;
	log_event(LOG_WARN, "control.limited", LOG_INT("uid", uid));
	turn_away(fd, ANSWER_STATUS_FAILED, "too many connections; try again later");
	return false;
}

static bool allowed(struct control *control, int fd, struct caller *ret_caller)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);
	struct caller caller = {0};

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0)
		return false;
	caller.uid = peer.uid;
	caller.found = origin_find(fd, &caller.origin);
	if (peer.uid != 0) {
		caller.roles = caller_roles(fd, peer.gid, control->monitor->role_gids);
		if (!has_usable_roles(control, fd, &caller))
			return false;
		/* Nobody acts whose origin cannot be written down. */
		if (caller.found == -ESRCH)
			return turn_down(fd, &caller, "gone",
					 "the program that asked has ended already");
	}
	if (!has_place(control, fd, peer.uid))
		return false;
	*ret_caller = caller;
	return true;
}

/* Now it is complete who asks: what he says is read. */
static void handle_name(void *data, const char *name)
{
	struct control_client *client = data;
	int r;

	str_copy(client->caller.name, sizeof(client->caller.name), name);
	r = ipc_channel_create(client->control->monitor->loop, FD_STEAL(client->fd), &table, client,
			       &client->channel);
	if (r == 0)
		return;
	log_event(LOG_WARN, "control.failed", LOG_ERR(r));
	client_drop(client);
}

static int accept_client(struct control *control, int fd)
{
	_cleanup_fd_ int owned = fd;
	struct control_client *client;
	struct caller caller;

	if (!allowed(control, fd, &caller))
		return 0;
	client = calloc(1, sizeof(*client));
	if (!client)
		return -ENOMEM;
	client->control = control;
	client->caller = caller;
	client->fd = FD_STEAL(owned);
	wl_list_insert(control->clients.prev, &client->link);
	control->count++;
	client->timer = wl_event_loop_add_timer(control->monitor->loop, handle_timeout, client);
	if (!client->timer) {
		client_drop(client);
		return -ENOMEM;
	}
	wl_event_source_timer_update(client->timer, CONTROL_TIMEOUT * 1000);
	who_ask(control->monitor->who, caller.uid, handle_name, client);
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

static struct control *control_new(struct monitor *monitor)
{
	struct control *control = calloc(1, sizeof(*control));

	if (!control)
		return NULL;
	control->monitor = monitor;
	control->fd = -1;
	wl_list_init(&control->clients);
	return control;
}

static int watch(struct control *control)
{
	control->source = wl_event_loop_add_fd(control->monitor->loop, control->fd,
					       WL_EVENT_READABLE, handle_readable, control);
	return control->source ? 0 : -ENOMEM;
}

int control_create(struct monitor *monitor, struct control **ret_control)
{
	struct control *control = control_new(monitor);
	int r;

	if (!control)
		return -ENOMEM;
	r = open_socket(control);
	if (r == 0)
		r = watch(control);
	if (r < 0) {
		control_destroy(control);
		return r;
	}
	*ret_control = control;
	return 0;
}

/* --- across an execution of ourselves ---------------------------------------------------------- */

static int save_texts(const struct control_client *client, struct handover_caller *part)
{
	const struct command *command = client->audit.command;
	int r = handover_text(&part->name, client->caller.name);

	if (r == 0)
		r = handover_text(&part->address, client->caller.origin.address);
	if (r == 0)
		r = handover_text(&part->local_address, client->caller.origin.local_address);
	if (r == 0)
		r = handover_text(&part->command, command ? command->words : "");
	if (r == 0)
		r = handover_text(&part->arguments, command ? client->audit.arguments : "");
	return r;
}

static int save_client(const struct control_client *client, struct handover_caller *part)
{
	struct ipc_channel_memory said;
	int r = client->channel ? ipc_channel_save(client->channel, &said) : 0;

	if (r < 0)
		return r;
	part->fd = client->channel ? ipc_channel_fd(client->channel) : client->fd;
	part->upgrades = client->upgrades;
	part->fresh = !client->audit.command;
	/* A reload, or a cell that is lent. */
	if (!part->fresh && !part->upgrades && !client->tool)
		return -EBUSY;
	part->uid = client->caller.uid;
	part->roles = client->caller.roles;
	part->found = client->caller.found;
	part->port = client->caller.origin.port;
	part->local_port = client->caller.origin.local_port;
	part->number = client->audit.number;
	part->tool_pidfd = -1;
	if (client->tool)
		part->tool = (uint32_t)tool_save(client->tool, &part->tool_pidfd);
	return save_texts(client, part);
}

int control_save(const struct control *control, struct handover *handover)
{
	const struct control_client *client;
	int r = 0;

	handover->control = control->fd;
	handover->audit_number = audit_number();
	wl_list_for_each (client, &control->clients, link) {
		struct handover_caller *part = handover_add(&handover->callers,
							    &handover->n_callers, sizeof(*part));

		r = part ? save_client(client, part) : -ENOMEM;
		if (r < 0)
			break;
	}
	return r < 0 ? r : tool_save_left(control->monitor, handover);
}

/* A command that is not known any more leaves no record of its end. */
static const struct command *find_command(const char *words)
{
	for (int i = 0; i < COMMAND_COUNT; i++) {
		if (str_eq(command_row((enum command_id)i)->words, words))
			return command_row((enum command_id)i);
	}
	return NULL;
}

static void take_caller(struct control_client *client, const struct handover_caller *part)
{
	struct caller *caller = &client->caller;

	caller->uid = part->uid;
	caller->roles = part->roles;
	caller->found = part->found;
	caller->origin.port = (uint16_t)part->port;
	caller->origin.local_port = (uint16_t)part->local_port;
	str_copy(caller->name, sizeof(caller->name), part->name);
	str_copy(caller->origin.address, sizeof(caller->origin.address), part->address);
	str_copy(caller->origin.local_address, sizeof(caller->origin.local_address),
		 part->local_address);
	client->upgrades = part->upgrades;
	client->audit.command = find_command(part->command);
	client->audit.number = part->number;
	str_copy(client->audit.arguments, sizeof(client->audit.arguments), part->arguments);
}

static int restore_client(struct control *control, const struct handover_caller *part)
{
	struct control_client *client;
	struct command_call call;
	int r;

	if (part->fresh)
		return accept_client(control, part->fd);
	client = calloc(1, sizeof(*client));
	if (!client)
		return -ENOMEM;
	client->control = control;
	client->fd = -1;
	wl_list_insert(control->clients.prev, &client->link);
	control->count++;
	take_caller(client, part);
	client->timer = wl_event_loop_add_timer(control->monitor->loop, handle_timeout, client);
	r = client->timer ? ipc_channel_create(control->monitor->loop, part->fd, &table, client,
					       &client->channel)
			  : -ENOMEM;
	if (r < 0)
		return r;
	/* It has said what it may. */
	ipc_channel_set_state(client->channel, 0);
	wl_event_source_timer_update(client->timer, (TOOL_TIMEOUT + CONTROL_TIMEOUT) * 1000);
	call = call_of(client);
	return part->tool ? tool_restore(&call, (pid_t)part->tool, part->tool_pidfd) : 0;
}

int control_restore(struct monitor *monitor, const struct handover *handover,
		    struct control **ret_control)
{
	struct control *control = control_new(monitor);
	int r = 0;

	if (!control)
		return -ENOMEM;
	*ret_control = control;
	control->fd = handover->control;
	audit_set_number(handover->audit_number);
	for (uint32_t i = 0; i < handover->n_callers && r == 0; i++)
		r = restore_client(control, &handover->callers[i]);
	return r < 0 ? r : watch(control);
}

void control_say_upgraded(struct control *control, bool ok, const char *sentence)
{
	struct control_client *client;
	struct buf body;

	wl_list_for_each (client, &control->clients, link) {
		if (!client->upgrades)
			continue;
		client->upgrades = false;
		if (!ok) {
			send_failure(client, ANSWER_STATUS_FAILED, sentence);
			continue;
		}
		buf_init(&body, IPC_BODY_MAX);
		answer_done(&body, sentence);
		send_answer(client, &body);
		buf_finish(&body);
	}
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
