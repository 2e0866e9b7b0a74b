/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One connection of a viewer: the gateway process that speaks with it, from accept to its end. */
#ifndef LAZARET_MONITOR_CLIENT_H
#define LAZARET_MONITOR_CLIENT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/attr.h"
#include "ipc/process.h"
#include "monitor/address.h"
#include "monitor/throttle.h"

struct handover_client;
struct monitor;
struct session;

/* What the gateway may say in each state stands in client.c. */
enum client_state {
	CLIENT_CONNECTED = 1 << 0,
	CLIENT_SECURED = 1 << 1, /* TLS is up */
	CLIENT_CHECKING = 1 << 2, /* name and password are here */
	CLIENT_ADMITTED = 1 << 3, /* it has a display */
	CLIENT_CLOSING = 1 << 4, /* refused or closed: only its exit is awaited */
};

struct client {
	struct wl_list link; /* monitor.clients */
	struct monitor *monitor;
	struct process process;
	enum client_state state;
	struct address_key key;
	char address[ADDRESS_TEXT_MAX];
	struct wl_event_source
		*deadline; /* the gateway keeps the time; this is for one that does not */
	struct wl_event_source *timer; /* throttle, or the padding of a refusal */
	uint64_t due; /* monotonic us, of the timer; 0: it does not run */
	char *user, *password; /* as typed, until they are checked */
	struct throttle_ticket ticket;
	bool has_ticket; /* throttle_begin() without its end */
	uint64_t check_started; /* monotonic us */
	const char *sentence; /* of a refusal that is held back; static */
	struct session *login; /* the process that checks the password */
	struct session *session; /* to which it is, or will be, attached */
};

/* Takes `fd`, also on failure. */
NODISCARD int client_create(struct monitor *monitor, int fd, const struct sockaddr *address);
void client_destroy(struct client *client, bool kill_it);

/* The timer: what was waited for happens at that time (monotonic us). */
void client_wait(struct client *client, uint64_t due);

/* Across an execution of ourselves (upgrade.h), with all but `login` and `session`. -EBUSY: not now. */
NODISCARD int client_save(const struct client *client, struct handover_client *part);
NODISCARD int client_restore(struct monitor *monitor, const struct handover_client *part,
			     struct client **ret_client);

/* Not logged in yet: counts against max-waiting. */
bool client_waiting(const struct client *client);

/* The stream to the display; the descriptor stays the caller's. */
void client_admit(struct client *client, const char *account, const char *session_id, int clipboard,
		  int stream);
/* One sentence for the person, then the connection ends. */
void client_refuse(struct client *client, const char *sentence);
/* Ends a connection that was admitted, in order. */
void client_close(struct client *client, const char *reason);

#endif
