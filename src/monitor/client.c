/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "monitor/client.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "conf/conf.h"
#include "monitor/handover.h"
#include "monitor/keyd.h"
#include "monitor/limits.h"
#include "monitor/login.h"
#include "monitor/monitor.h"
#include "monitor/session.h"

static void set_state(struct client *client, enum client_state state)
{
	client->state = state;
	if (client->process.channel)
		ipc_channel_set_state(client->process.channel, state);
}

bool client_waiting(const struct client *client)
{
	return client->state & (CLIENT_CONNECTED | CLIENT_SECURED | CLIENT_CHECKING);
}

static void set_deadline(struct client *client, int64_t seconds)
{
	wl_event_source_timer_update(client->deadline, (int)(seconds * 1000));
}

static int handle_deadline(void *data)
{
	struct client *client = data;

	log_event(LOG_WARN, "client.overdue", LOG_STR("address", client->address),
		  LOG_INT("pid", client->process.child.pid));
	process_signal(&client->process, SIGKILL);
	return 0;
}

/* --- what a gateway may say ------------------------------------------------------------------- */

/* Safe: only moves the connection from one deadline to the next one. */
static int handle_secured(void *data, struct ipc_message *message)
{
	struct client *client = data;

	(void)message;
	set_state(client, CLIENT_SECURED);
	set_deadline(client, conf_int(client->monitor->conf, CONF_LOGIN_TIMEOUT) + LOGIN_SLACK);
	return 0;
}

/*
 * Safe: once a connection; bounded strings that are passed on to a process of their own and are
 * never interpreted here. How often it can be tried is the throttle's affair.
 */
static int handle_login(void *data, struct ipc_message *message)
{
	struct client *client = data;

	client->user = cursor_str(&message->body, LOGIN_USER_MAX);
	client->password = cursor_str(&message->body, LOGIN_PASSWORD_MAX);
	if (!cursor_done(&message->body))
		return -EPROTO;
	set_state(client, CLIENT_CHECKING);
	/* The check has its own end; the wait before it is bounded by the viewer's patience. */
	set_deadline(client, 0);
	login_begin(client);
	return 0;
}

/*
 * Safe: an accusation ends the session that the accuser is attached to and no other. A gateway that
 * was taken over could end its own user's session this way, which it can by other means too.
 */
static int handle_accuse(void *data, struct ipc_message *message)
{
	struct client *client = data;
	_cleanup_free_ char *what = cursor_str(&message->body, REASON_MAX);
	struct session *session = client->session;

	if (!cursor_done(&message->body))
		return -EPROTO;
	log_event(LOG_ERROR, "display.malformed", LOG_STR("address", client->address),
		  LOG_STR("session", session ? session->entry.id : ""),
		  LOG_STR("user", session ? session->account : ""), LOG_STR("what", what));
	if (session)
		session_end(session, "The picture of this session was malformed.");
	return 0;
}

static void handle_closed(void *data, int reason)
{
	struct client *client = data;

	if (reason != -EPIPE)
		log_event(LOG_ERROR, "gateway.misbehaved", LOG_STR("address", client->address),
			  LOG_INT("pid", client->process.child.pid), LOG_ERR(reason));
	process_closed(&client->process, reason);
}

static const struct ipc_rule rules[] = {
	{IPC_GATEWAY_SECURED, CLIENT_CONNECTED, 1, handle_secured},
	{IPC_GATEWAY_LOGIN, CLIENT_SECURED, 1, handle_login},
	{IPC_GATEWAY_ACCUSE, CLIENT_ADMITTED | CLIENT_CLOSING, 1, handle_accuse},
};

static const struct ipc_table table = {
	.self = IPC_ROLE_MONITOR,
	.peer = IPC_ROLE_GATEWAY,
	.rules = rules,
	.n_rules = ARRAY_LEN(rules),
	.closed = handle_closed,
};

/* ---------------------------------------------------------------------------------------------- */

static void handle_gone(void *data)
{
	struct client *client = data;
	int status = client->process.status;
	char how[64];

	child_describe(status, how, sizeof(how));
	log_event(status == 0 ? LOG_DEBUG : LOG_WARN, "client.gone",
		  LOG_STR("address", client->address), LOG_STR("how", how));
	client_destroy(client, false);
}

static void fill_spec(struct client *client, struct process_spec *spec)
{
	struct monitor *monitor = client->monitor;

	*spec = (struct process_spec){
		.path = monitor_program(monitor, "lazaret-gateway"),
		.exec_fd = monitor->programs.fds[PROGRAM_GATEWAY],
		.role = "lazaret-gateway",
		.outlives = true,
		.table = &table,
		.gone = handle_gone,
		.data = client,
	};
}

static int start(struct client *client, int fd)
{
	struct monitor *monitor = client->monitor;
	_cleanup_fd_ int keyd = keyd_open_channel(monitor->keyd);
	int fds[2] = {fd, keyd};
	struct buf config;
	struct process_spec spec;
	int r;

	if (keyd < 0)
		return keyd;
	buf_init(&config, 2 * IPC_BODY_MAX);
	conf_put(monitor->conf, CONF_FOR_GATEWAY, &config);
	buf_put_u32(&config, monitor->gateway_account.uid);
	buf_put_u32(&config, monitor->gateway_account.gid);
	buf_put_str(&config, keyd_chain(monitor->keyd));
	fill_spec(client, &spec);
	spec.config = &config;
	spec.fds = fds;
	spec.n_fds = ARRAY_LEN(fds);
	r = process_start(&client->process, monitor->loop, &spec);
	buf_finish(&config);
	return r;
}

static int handle_timer(void *data)
{
	struct client *client = data;

	client->due = 0;
	if (client->sentence)
		client_refuse(client, client->sentence);
	else
		login_check(client);
	return 0;
}

/* One that nothing runs for yet. */
static struct client *client_new(struct monitor *monitor)
{
	struct client *client = calloc(1, sizeof(*client));

	if (!client)
		return NULL;
	client->monitor = monitor;
	wl_list_insert(monitor->clients.prev, &client->link);
	client->process.child.pidfd = -1;
	client->deadline = wl_event_loop_add_timer(monitor->loop, handle_deadline, client);
	client->timer = wl_event_loop_add_timer(monitor->loop, handle_timer, client);
	if (client->deadline && client->timer)
		return client;
	client_destroy(client, false);
	return NULL;
}

int client_create(struct monitor *monitor, int fd, const struct sockaddr *address)
{
	_cleanup_fd_ int owned = fd;
	struct client *client = client_new(monitor);
	int r;

	if (!client)
		return -ENOMEM;
	client->key = address_key(address);
	address_text(address, client->address);
	r = start(client, owned);
	if (r < 0) {
		client_destroy(client, true);
		return r;
	}
	set_state(client, CLIENT_CONNECTED);
	set_deadline(client, conf_int(monitor->conf, CONF_HANDSHAKE_TIMEOUT) + LOGIN_SLACK);
	log_event(LOG_DEBUG, "client.connected", LOG_STR("address", client->address),
		  LOG_INT("pid", client->process.child.pid));
	return 0;
}

void client_destroy(struct client *client, bool kill_it)
{
	login_forget_client(client);
	if (client->deadline)
		wl_event_source_remove(client->deadline);
	if (client->timer)
		wl_event_source_remove(client->timer);
	process_finish(&client->process, kill_it);
	mem_wipe_strp(&client->user);
	mem_wipe_strp(&client->password);
	wl_list_remove(&client->link);
	free(client);
}

void client_wait(struct client *client, uint64_t due)
{
	client->due = due;
	/* Rounded up: never too early. */
	wl_event_source_timer_update(client->timer, clock_ms_until(due));
}

int client_save(const struct client *client, struct handover_client *part)
{
	int r = process_save(&client->process, &part->process);

	if (r < 0)
		return r;
	part->state = client->state;
	part->key = client->key;
	part->has_ticket = client->has_ticket;
	part->ticket = client->ticket;
	part->due = client->due;
	r = handover_text(&part->address, client->address);
	if (r == 0)
		r = handover_text(&part->user, client->user);
	if (r == 0)
		r = handover_text(&part->password, client->password);
	if (r == 0)
		r = handover_text(&part->sentence, client->sentence);
	return r;
}

/* What is waited for begins anew: the gateway itself keeps the time that the person is given. */
static void restart_deadline(struct client *client)
{
	const struct conf *conf = client->monitor->conf;

	if (client->state == CLIENT_CONNECTED)
		set_deadline(client, conf_int(conf, CONF_HANDSHAKE_TIMEOUT) + LOGIN_SLACK);
	else if (client->state == CLIENT_SECURED)
		set_deadline(client, conf_int(conf, CONF_LOGIN_TIMEOUT) + LOGIN_SLACK);
	else if (client->state == CLIENT_CLOSING)
		set_deadline(client, LOGIN_SLACK);
}

int client_restore(struct monitor *monitor, const struct handover_client *part,
		   struct client **ret_client)
{
	struct client *client = client_new(monitor);
	struct process_spec spec;
	int r;

	if (!client)
		return -ENOMEM;
	*ret_client = client;
	client->key = part->key;
	str_copy(client->address, sizeof(client->address), part->address);
	client->ticket = part->ticket;
	client->has_ticket = part->has_ticket;
	client->sentence = login_sentence(part->sentence);
	r = handover_text(&client->user, part->user);
	if (r == 0)
		r = handover_text(&client->password, part->password);
	if (r < 0)
		return r;
	fill_spec(client, &spec);
	r = process_restore(&client->process, monitor->loop, &part->process, &spec);
	set_state(client, (enum client_state)part->state);
	restart_deadline(client);
	if (part->due > 0)
		client_wait(client, part->due);
	return r;
}

void client_admit(struct client *client, const char *account, const char *session_id, int clipboard,
		  int stream)
{
	const struct conf *conf = client->monitor->conf;
	struct buf body;

	buf_init(&body, IPC_BODY_MAX);
	buf_put_str(&body, account);
	buf_put_str(&body, session_id);
	buf_put_u8(&body, (uint8_t)clipboard);
	buf_put_u8(&body, conf_int(conf, CONF_PAGE_TITLE) != 0);
	set_state(client, CLIENT_ADMITTED);
	set_deadline(client, 0);
	process_send(&client->process, IPC_GATEWAY_ADMIT, &body, &stream, 1);
	buf_finish(&body);
}

static void say_goodbye(struct client *client, enum ipc_type type, const char *text)
{
	struct buf body;

	buf_init(&body, IPC_BODY_MAX);
	buf_put_str(&body, text);
	set_state(client, CLIENT_CLOSING);
	set_deadline(client, LOGIN_SLACK);
	process_send(&client->process, type, &body, NULL, 0);
	buf_finish(&body);
}

void client_refuse(struct client *client, const char *sentence)
{
	if (client_waiting(client))
		say_goodbye(client, IPC_GATEWAY_REFUSE, sentence);
}

void client_close(struct client *client, const char *reason)
{
	if (client->state == CLIENT_ADMITTED)
		say_goodbye(client, IPC_GATEWAY_CLOSE, reason);
	else
		client_refuse(client, reason);
}
