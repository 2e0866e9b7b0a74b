/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a gateway that was taken over may say to the monitor. */
#include "receiver.h"

#include "monitor/client.c"

#include <fcntl.h>
#include <string.h>

#include "owners.h"

static struct client *current;
static uint8_t choice;

const char *login_sentence(const char *text)
{
	return text;
}

void login_forget_client(struct client *client)
{
	PROMISE(client == current);
	current = NULL;
}

void login_begin(struct client *client)
{
	_cleanup_fd_ int stream = open("/dev/null", O_RDWR | O_CLOEXEC);

	PROMISE(client == current && client->state == CLIENT_CHECKING);
	PROMISE(strlen(client->user) <= LOGIN_USER_MAX);
	PROMISE(strlen(client->password) <= LOGIN_PASSWORD_MAX);
	if (choice & 2)
		client_refuse(client, "no");
	else
		client_admit(client, "alice", "id", 0, stream);
}

void login_check(struct client *client)
{
	(void)client;
}

int keyd_open_channel(struct keyd *keyd)
{
	(void)keyd;
	return -EAGAIN;
}

const char *keyd_chain(const struct keyd *keyd)
{
	(void)keyd;
	return "";
}

static void gateway_open(struct wl_event_loop *loop, int fd, uint8_t variant)
{
	struct client *client = calloc(1, sizeof(*client));

	PROMISE(client);
	choice = variant;
	client->monitor = owner_monitor(loop);
	wl_list_insert(client->monitor->clients.prev, &client->link);
	client->deadline = wl_event_loop_add_timer(loop, handle_deadline, client);
	client->timer = wl_event_loop_add_timer(loop, handle_timer, client);
	client->process = (struct process){
		.loop = loop,
		.child.pidfd = -1,
		.ended = true,
		.gone = handle_gone,
		.data = client,
	};
	PROMISE(ipc_channel_create(loop, fd, &table, client, &client->process.channel) == 0);
	set_state(client, CLIENT_CONNECTED);
	if (variant & 1)
		client->session = owner_session(loop);
	current = client;
}

static bool gateway_alive(void)
{
	return current && current->process.channel;
}

static void gateway_close(void)
{
	if (gateway_alive())
		process_closed(&current->process, -EPIPE);
	PROMISE(!current);
	owner_session_finish();
}

const struct receiver from_gateway = {gateway_open, gateway_alive, gateway_close};
