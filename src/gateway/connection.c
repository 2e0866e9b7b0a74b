/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "gateway/gateway.h"

static const char *phase_name(enum gateway_phase phase)
{
	switch (phase) {
	case GATEWAY_NEGOTIATE:
		return "negotiation";
	case GATEWAY_HANDSHAKE:
		return "TLS handshake";
	case GATEWAY_CREDENTIALS:
		return "login";
	case GATEWAY_DECISION:
		return "decision";
	case GATEWAY_INIT:
		return "initialisation";
	case GATEWAY_RELAY:
		return "session";
	case GATEWAY_CLOSING:
	case GATEWAY_OVER:
		break;
	}
	return "end";
}

void gateway_set_phase(struct gateway *gateway, enum gateway_phase phase)
{
	gateway->phase = phase;
	if (gateway->monitor)
		ipc_channel_set_state(gateway->monitor, phase);
}

void gateway_set_deadline(struct gateway *gateway, int seconds)
{
	wl_event_source_timer_update(gateway->timer, seconds * 1000);
}

size_t gateway_backlog(const struct gateway *gateway)
{
	return buf_len(&gateway->plain) + (gateway->encrypted ? tls_waiting(gateway->tls) : 0);
}

static void log_end(struct gateway *gateway, enum log_level level, const char *event,
		    const char *why)
{
	log_event(level, event, LOG_STR("address", gateway->address),
		  LOG_STR("user", gateway->account ? gateway->account : ""),
		  LOG_STR("phase", phase_name(gateway->phase)), LOG_STR("reason", why),
		  LOG_INT("bytes_to_viewer", gateway->bytes_to_viewer),
		  LOG_INT("bytes_from_viewer", gateway->bytes_from_viewer));
}

void gateway_end(struct gateway *gateway, enum log_level level, const char *event, const char *why)
{
	if (gateway->phase == GATEWAY_OVER)
		return;
	if (gateway->phase != GATEWAY_CLOSING)
		log_end(gateway, level, event, why);
	relay_stop(gateway);
	gateway_set_phase(gateway, GATEWAY_OVER);
}

void gateway_close(struct gateway *gateway, const char *event, const char *why)
{
	if (gateway->phase == GATEWAY_CLOSING || gateway->phase == GATEWAY_OVER)
		return;
	log_end(gateway, LOG_INFO, event, why);
	relay_stop(gateway);
	gateway_set_phase(gateway, GATEWAY_CLOSING);
	gateway_set_deadline(gateway, GATEWAY_LINGER_SECONDS);
	gateway_flush(gateway);
}

/* One round of sending: bytes that went, -EAGAIN, or what is wrong with the connection. */
static ssize_t send_some(struct gateway *gateway)
{
	if (!gateway->encrypted)
		return buf_len(&gateway->plain) > 0 ? buf_write_fd(&gateway->plain, gateway->socket)
						    : -EAGAIN;
	if (tls_write(gateway->tls, &gateway->plain) < 0)
		return -EPROTO;
	return tls_flush(gateway->tls);
}

static int send_all(struct gateway *gateway)
{
	bool moved = false;
	ssize_t n;

	do {
		n = send_some(gateway);
		moved |= n > 0;
	} while (n > 0);
	if (gateway_backlog(gateway) == 0)
		gateway->viewer_waits = 0;
	else if (moved || gateway->viewer_waits == 0)
		gateway->viewer_waits = clock_now();
	return n == -EAGAIN ? 0 : (int)n;
}

/* Everything was said: the closing alert, then our half of the connection. */
static void finish_sending(struct gateway *gateway)
{
	if (gateway->encrypted && !gateway->said_bye) {
		gateway->said_bye = true;
		tls_bye(gateway->tls);
		if (send_all(gateway) < 0 || gateway_backlog(gateway) > 0)
			return;
	}
	/* Reading goes on until the viewer closes, or a reset could overtake our last words. */
	(void)shutdown(gateway->socket, SHUT_WR);
	gateway->shut = true;
}

static bool wants_to_read(const struct gateway *gateway)
{
	switch (gateway->phase) {
	case GATEWAY_DECISION:
	case GATEWAY_OVER:
		return false;
	case GATEWAY_RELAY:
		return buf_len(&gateway->to_display) < GATEWAY_DISPLAY_HIGH;
	case GATEWAY_NEGOTIATE:
	case GATEWAY_HANDSHAKE:
	case GATEWAY_CREDENTIALS:
	case GATEWAY_INIT:
	case GATEWAY_CLOSING:
		break;
	}
	return true;
}

static void update_mask(struct gateway *gateway)
{
	uint32_t mask = 0;

	if (wants_to_read(gateway))
		mask |= WL_EVENT_READABLE;
	if (gateway_backlog(gateway) > 0)
		mask |= WL_EVENT_WRITABLE;
	if (mask != gateway->socket_mask)
		wl_event_source_fd_update(gateway->socket_source, mask);
	gateway->socket_mask = mask;
}

void gateway_flush(struct gateway *gateway)
{
	if (gateway->phase == GATEWAY_OVER)
		return;
	if (send_all(gateway) < 0) {
		gateway_end(gateway, LOG_INFO, "gateway.lost", "the viewer's connection broke");
		return;
	}
	if (gateway->phase == GATEWAY_CLOSING && gateway_backlog(gateway) == 0 && !gateway->shut)
		finish_sending(gateway);
	update_mask(gateway);
	if (gateway->phase == GATEWAY_RELAY)
		relay_flushed(gateway);
}

/* What still comes while we close is thrown away, up to the viewer's own end. */
static void drain(struct gateway *gateway)
{
	static uint8_t nothing[4096];
	ssize_t n;

	do
		n = recv(gateway->socket, nothing, sizeof(nothing), MSG_DONTWAIT);
	while (n > 0);
	if (n == 0 || errno != EAGAIN)
		gateway_set_phase(gateway, GATEWAY_OVER);
}

static void readable(struct gateway *gateway)
{
	switch (gateway->phase) {
	case GATEWAY_CLOSING:
		drain(gateway);
		break;
	case GATEWAY_RELAY:
		relay_viewer_readable(gateway);
		break;
	case GATEWAY_DECISION:
	case GATEWAY_OVER:
		break;
	case GATEWAY_NEGOTIATE:
	case GATEWAY_HANDSHAKE:
	case GATEWAY_CREDENTIALS:
	case GATEWAY_INIT:
		login_readable(gateway);
		break;
	}
}

static int handle_socket(int fd, uint32_t mask, void *data)
{
	struct gateway *gateway = data;

	(void)fd;
	if (mask & WL_EVENT_WRITABLE)
		gateway_flush(gateway);
	if (mask & WL_EVENT_READABLE)
		readable(gateway);
	if ((mask & (WL_EVENT_HANGUP | WL_EVENT_ERROR)) && !(mask & WL_EVENT_READABLE))
		gateway_end(gateway, LOG_INFO, "gateway.lost", "the viewer's connection broke");
	return 0;
}

static void time_is_up(struct gateway *gateway)
{
	switch (gateway->phase) {
	case GATEWAY_CREDENTIALS:
		login_refuse(gateway, "Nobody logged in for too long. Please connect again.");
		break;
	case GATEWAY_DECISION:
		login_refuse(gateway, "The login takes too long. Please try again later.");
		break;
	default:
		gateway_end(gateway, LOG_WARN, "gateway.timeout", "the time for this phase is up");
		break;
	}
}

static int handle_timer(void *data)
{
	struct gateway *gateway = data;
	int seconds;

	if (gateway->phase != GATEWAY_RELAY) {
		time_is_up(gateway);
		return 0;
	}
	seconds = relay_check_stall(gateway);
	if (seconds > 0)
		gateway_set_deadline(gateway, seconds);
	return 0;
}

int gateway_start(struct gateway *gateway)
{
	buf_init_secret(&gateway->in, CLIENT_MESSAGE_MAX);
	buf_init(&gateway->plain, GATEWAY_VIEWER_MAX);
	gateway->timer = wl_event_loop_add_timer(gateway->loop, handle_timer, gateway);
	gateway->socket_mask = WL_EVENT_READABLE;
	gateway->socket_source = wl_event_loop_add_fd(gateway->loop, gateway->socket,
						      gateway->socket_mask, handle_socket, gateway);
	if (!gateway->timer || !gateway->socket_source)
		return -ENOMEM;
	gateway_set_phase(gateway, GATEWAY_NEGOTIATE);
	gateway_set_deadline(gateway, gateway->handshake_timeout);
	return 0;
}

void gateway_finish(struct gateway *gateway)
{
	relay_stop(gateway);
	ipc_channel_destroy(gateway->monitor);
	tls_destroy(gateway->tls);
	if (gateway->timer)
		wl_event_source_remove(gateway->timer);
	if (gateway->socket_source)
		wl_event_source_remove(gateway->socket_source);
	gateway->socket = fd_close(gateway->socket);
	buf_finish(&gateway->in);
	buf_finish(&gateway->plain);
	free(gateway->account);
}
