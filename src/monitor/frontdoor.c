/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "monitor/frontdoor.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>
#include <wayland-server-core.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/str.h"
#include "monitor/address.h"
#include "monitor/client.h"
#include "monitor/handover.h"
#include "monitor/keyd.h"
#include "monitor/limits.h"
#include "monitor/monitor.h"
#include "monitor/netd.h"

#define LISTENERS_MAX 16

struct listener {
	struct frontdoor *frontdoor;
	struct wl_event_source *source;
	int fd;
};

struct frontdoor {
	struct monitor *monitor;
	struct listener listeners[LISTENERS_MAX];
	size_t n_listeners;
	bool open, paused;
	struct wl_event_source *timer; /* ends a pause */
	uint64_t accepted, refused;
	/* Gateways that may be started: a bucket of tokens. */
	unsigned int tokens;
	uint64_t refilled; /* monotonic us */
	/* One line a second about refusals, however many there are. */
	uint64_t told; /* monotonic us */
	unsigned int untold;
};

static void set_masks(struct frontdoor *door)
{
	for (size_t i = 0; i < door->n_listeners; i++)
		if (door->listeners[i].source)
			wl_event_source_fd_update(door->listeners[i].source,
						  door->paused ? 0 : WL_EVENT_READABLE);
}

static void pause_for(struct frontdoor *door, int ms)
{
	door->paused = true;
	set_masks(door);
	wl_event_source_timer_update(door->timer, MAX(ms, 1));
}

void frontdoor_resume(struct frontdoor *door)
{
	if (!door || !door->open || !door->paused)
		return;
	door->paused = false;
	wl_event_source_timer_update(door->timer, 0);
	set_masks(door);
}

static int handle_timer(void *data)
{
	frontdoor_resume(data);
	return 0;
}

static void refuse(struct frontdoor *door, const char *address, const char *limit)
{
	uint64_t now = clock_now();

	door->refused++;
	door->untold++;
	/* No gateway was started for it. */
	door->tokens++;
	if (now - door->told < USEC_PER_SEC)
		return;
	log_event(LOG_WARN, "client.refused", LOG_STR("address", address), LOG_STR("limit", limit),
		  LOG_INT("count", door->untold));
	door->told = now;
	door->untold = 0;
}

/* Which limit an address has reached, or NULL. */
static const char *limit_reached(const struct monitor *monitor, const struct address_key *key)
{
	unsigned int all = 0, same = 0;
	struct client *client;

	wl_list_for_each (client, &monitor->clients, link) {
		if (!client_waiting(client))
			continue;
		all++;
		same += address_key_eq(&client->key, key);
	}
	if (all >= conf_int(monitor->conf, CONF_MAX_WAITING))
		return "max-waiting";
	if (same >= conf_int(monitor->conf, CONF_MAX_WAITING_PER_ADDRESS))
		return "max-waiting-per-address";
	return NULL;
}

/* ms until a gateway may be started; 0: now, and the token is taken. */
static int take_token(struct frontdoor *door)
{
	uint64_t now = clock_now();
	uint64_t earned = (now - door->refilled) * SPAWN_RATE / USEC_PER_SEC;

	if (earned > 0) {
		door->tokens = (unsigned int)MIN(door->tokens + earned, (uint64_t)SPAWN_BURST);
		door->refilled = now;
	}
	if (door->tokens == 0)
		return 1000 / SPAWN_RATE;
	door->tokens--;
	return 0;
}

static bool descriptors_short(int fd)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return false;
	/* The kernel gives the lowest free number, so a high one means that few are left. */
	return (uint64_t)fd + FD_RESERVE >= limit.rlim_cur;
}

/* Who left while he waited in the backlog costs no gateway. The server speaks first in RFB, so
 * nobody has a reason to have closed his side. */
static bool peer_left(int fd)
{
	char byte;
	ssize_t n = recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);

	return n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR);
}

static void prepare(int fd)
{
	int on = 1;

	/* Failures only cost latency or a dead peer's detection. */
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	(void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
}

/* False when accepting has to rest or there is nobody left. */
static bool accept_one(struct frontdoor *door, int listener)
{
	struct sockaddr_storage storage = {0};
	struct sockaddr *address = (struct sockaddr *)&storage;
	socklen_t len = sizeof(storage);
	_cleanup_fd_ int fd = accept4(listener, address, &len, SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct address_key key;
	char text[ADDRESS_TEXT_MAX];
	const char *limit;
	int r;

	if (fd < 0) {
		if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
			log_event(LOG_ERROR, "client.exhausted", LOG_ERR(-errno));
			pause_for(door, ACCEPT_REST);
		}
		/* Others belong to a connection that is already gone, see accept(2). */
		return errno == ECONNABORTED || errno == EINTR;
	}
	if (peer_left(fd)) {
		door->tokens++;
		return true;
	}
	key = address_key(address);
	address_text(address, text);
	limit = descriptors_short(fd) ? "descriptors" : limit_reached(door->monitor, &key);
	if (limit) {
		refuse(door, text, limit);
		return true;
	}
	prepare(fd);
	r = client_create(door->monitor, FD_STEAL(fd), address);
	if (r < 0) {
		log_event(LOG_ERROR, "client.failed", LOG_STR("address", text), LOG_ERR(r));
		pause_for(door, ACCEPT_REST);
		return false;
	}
	door->accepted++;
	return true;
}

static int handle_readable(int fd, uint32_t mask, void *data)
{
	struct listener *listener = data;
	struct frontdoor *door = listener->frontdoor;
	struct monitor *monitor = door->monitor;

	(void)mask;
	if (!keyd_ready(monitor->keyd) || !netd_ready(monitor->netd)) {
		pause_for(door, ACCEPT_REST);
		return 0;
	}
	for (int i = 0; i < ACCEPT_TURN; i++) {
		int wait = take_token(door);

		if (wait > 0) {
			pause_for(door, wait);
			break;
		}
		if (!accept_one(door, fd)) {
			door->tokens++;
			break;
		}
	}
	return 0;
}

static int bind_listener(struct frontdoor *door, const char *text, uint16_t port)
{
	struct listener *listener = &door->listeners[door->n_listeners];
	struct sockaddr_storage address;
	_cleanup_fd_ int fd = -1;
	socklen_t len;
	int on = 1;
	int r = address_parse(text, port, &address, &len);

	if (r < 0)
		return r;
	fd = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0)
		return -errno;
	if (address.ss_family == AF_INET6 &&
	    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)) < 0)
		return -errno;
	if (bind(fd, (struct sockaddr *)&address, len) < 0)
		return -errno;
	listener->frontdoor = door;
	listener->fd = FD_STEAL(fd);
	door->n_listeners++;
	return 0;
}

static int bind_all(struct frontdoor *door)
{
	const struct conf *conf = door->monitor->conf;
	uint16_t port = (uint16_t)conf_int(conf, CONF_PORT);
	size_t n = conf_list_len(conf, CONF_LISTEN);

	for (size_t i = 0; i < n && i < LISTENERS_MAX; i++) {
		const char *text = conf_list_item(conf, CONF_LISTEN, i);
		int r = bind_listener(door, text, port);

		/* A host without IPv6 can do without its wildcard. */
		if ((r == -EAFNOSUPPORT || r == -EADDRNOTAVAIL) && n > 1 && str_eq(text, "::")) {
			log_event(LOG_WARN, "listen.skipped", LOG_STR("address", text), LOG_ERR(r));
			continue;
		}
		if (r < 0) {
			log_event(LOG_ERROR, "listen.failed", LOG_STR("address", text),
				  LOG_INT("port", port), LOG_ERR(r));
			return r;
		}
	}
	return door->n_listeners > 0 ? 0 : -EADDRNOTAVAIL;
}

static struct frontdoor *door_new(struct monitor *monitor)
{
	struct frontdoor *door = calloc(1, sizeof(*door));

	if (!door)
		return NULL;
	door->monitor = monitor;
	door->tokens = SPAWN_BURST;
	door->refilled = clock_now();
	door->timer = wl_event_loop_add_timer(monitor->loop, handle_timer, door);
	if (door->timer)
		return door;
	free(door);
	return NULL;
}

int frontdoor_create(struct monitor *monitor, struct frontdoor **ret_frontdoor)
{
	struct frontdoor *door = door_new(monitor);
	int r;

	if (!door)
		return -ENOMEM;
	r = bind_all(door);
	if (r < 0) {
		frontdoor_destroy(door);
		return r;
	}
	*ret_frontdoor = door;
	return 0;
}

int frontdoor_open(struct frontdoor *door)
{
	for (size_t i = 0; i < door->n_listeners; i++) {
		struct listener *l = &door->listeners[i];

		if (listen(l->fd, LISTEN_BACKLOG) < 0)
			return -errno;
		l->source = wl_event_loop_add_fd(door->monitor->loop, l->fd, WL_EVENT_READABLE,
						 handle_readable, l);
		if (!l->source)
			return -ENOMEM;
	}
	door->open = true;
	return 0;
}

int frontdoor_save(const struct frontdoor *door, struct handover *handover)
{
	for (size_t i = 0; i < door->n_listeners; i++) {
		struct handover_listener *part = handover_add(
			&handover->listeners, &handover->n_listeners, sizeof(*part));

		if (!part)
			return -ENOMEM;
		part->fd = door->listeners[i].fd;
	}
	handover->accepted = door->accepted;
	handover->refused = door->refused;
	return 0;
}

int frontdoor_restore(struct monitor *monitor, const struct handover *handover,
		      struct frontdoor **ret_frontdoor)
{
	struct frontdoor *door = door_new(monitor);

	if (!door)
		return -ENOMEM;
	*ret_frontdoor = door;
	if (handover->n_listeners > LISTENERS_MAX)
		return -E2BIG;
	for (uint32_t i = 0; i < handover->n_listeners; i++)
		door->listeners[i] = (struct listener){.frontdoor = door,
						       .fd = handover->listeners[i].fd};
	door->n_listeners = handover->n_listeners;
	door->accepted = handover->accepted;
	door->refused = handover->refused;
	return frontdoor_open(door);
}

void frontdoor_close(struct frontdoor *door)
{
	if (!door)
		return;
	for (size_t i = 0; i < door->n_listeners; i++) {
		if (door->listeners[i].source)
			wl_event_source_remove(door->listeners[i].source);
		fd_close(door->listeners[i].fd);
	}
	door->n_listeners = 0;
	door->open = false;
}

void frontdoor_destroy(struct frontdoor *door)
{
	if (!door)
		return;
	frontdoor_close(door);
	if (door->timer)
		wl_event_source_remove(door->timer);
	free(door);
}

uint64_t frontdoor_accepted(const struct frontdoor *door)
{
	return door->accepted;
}

uint64_t frontdoor_refused(const struct frontdoor *door)
{
	return door->refused;
}
