/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "gateway/gateway.h"

/* --- viewer to display ------------------------------------------------------------------------ */

static bool display_full(const struct gateway *gateway)
{
	return buf_len(&gateway->to_display) >= GATEWAY_DISPLAY_HIGH;
}

static void viewer_malformed(struct gateway *gateway, const char *reason)
{
	gateway_end(gateway, LOG_WARN, "client.malformed", reason);
}

/* One message; 1 if there was one, 0 if not, negative when the connection has ended. */
static int take_message(struct gateway *gateway)
{
	/* Large for a stack, and only ever one at a time. */
	static struct client_message message;
	const char *reason = NULL;
	int r = client_parser_next(&gateway->parser, &gateway->in, &message);

	if (r == 0)
		return 0;
	if (r < 0) {
		viewer_malformed(gateway, r == -EPROTO ? gateway->parser.reason : "out of memory");
		return r;
	}
	r = rules_apply(gateway, &message, &reason);
	if (r > 0)
		r = client_message_put(&gateway->to_display, &message);
	client_message_finish(&message);
	if (r < 0) {
		viewer_malformed(gateway, reason ? reason : "out of memory");
		return r;
	}
	return 1;
}

static void update_display_mask(struct gateway *gateway)
{
	uint32_t mask = 0;

	if (!gateway->display_source)
		return;
	if (gateway_backlog(gateway) < GATEWAY_VIEWER_HIGH)
		mask |= WL_EVENT_READABLE;
	if (buf_len(&gateway->to_display) > 0)
		mask |= WL_EVENT_WRITABLE;
	if (mask != gateway->display_mask)
		wl_event_source_fd_update(gateway->display_source, mask);
	gateway->display_mask = mask;
}

static void flush_display(struct gateway *gateway)
{
	ssize_t n;

	do
		n = buf_write_fd(&gateway->to_display, gateway->display);
	while (n > 0 && buf_len(&gateway->to_display) > 0);
	/* A display that went away is noticed where it is read, after its last words. */
	if (n < 0 && n != -EAGAIN)
		buf_clear(&gateway->to_display);
}

/* Everything that came from the viewer, as far as the display takes it. */
static void pump_viewer(struct gateway *gateway)
{
	ssize_t n = 0;
	int r;

	for (;;) {
		do
			r = display_full(gateway) ? 0 : take_message(gateway);
		while (r > 0);
		if (r < 0)
			return;
		if (display_full(gateway)) {
			flush_display(gateway);
			if (display_full(gateway))
				return;
			continue;
		}
		n = tls_read(gateway->tls, &gateway->in, GATEWAY_CHUNK);
		if (n < 0)
			break;
		gateway->bytes_from_viewer += (uint64_t)n;
	}
	if (n == -EPIPE || n == -ECONNRESET)
		gateway_end(gateway, LOG_INFO, "gateway.left", "the viewer left");
	else if (n != -EAGAIN)
		gateway_end(gateway, LOG_WARN, "gateway.tls-failed", tls_reason(gateway->tls));
}

void relay_viewer_readable(struct gateway *gateway)
{
	pump_viewer(gateway);
	if (gateway->phase != GATEWAY_RELAY)
		return;
	flush_display(gateway);
	gateway_flush(gateway);
}

/* --- display to viewer ------------------------------------------------------------------------ */

/* The display is not to be trusted any more: the monitor ends the session. */
static void accuse(struct gateway *gateway, const char *what)
{
	_cleanup_buf_ struct buf body;

	buf_init(&body, IPC_BODY_MAX);
	buf_put_str(&body, what);
	if (gateway->monitor &&
	    ipc_channel_send(gateway->monitor, IPC_GATEWAY_ACCUSE, &body, NULL, 0) < 0)
		log_event(LOG_WARN, "gateway.accusation-lost");
	/* What went before is sound and may still be shown. */
	gateway_close(gateway, "display.malformed", what);
}

static void display_gone(struct gateway *gateway)
{
	if (server_walk_at_boundary(gateway->walk))
		gateway_close(gateway, "gateway.closed", "the session let go of the viewer");
	else
		gateway_close(gateway, "display.cut-off", "the display ended within a message");
}

static void walk_display(struct gateway *gateway, const uint8_t *data, size_t len)
{
	size_t before = buf_len(&gateway->plain);
	int r = server_walk_feed(gateway->walk, data, len, &gateway->plain);

	gateway->bytes_to_viewer += buf_len(&gateway->plain) - before;
	gateway->parser.extended_buttons = server_walk_extended_buttons(gateway->walk);
	if (r == -EPROTO)
		accuse(gateway, server_walk_reason(gateway->walk));
	else if (r < 0)
		gateway_end(gateway, LOG_ERROR, "gateway.failed", "out of memory");
}

static void wait_for_display(struct gateway *gateway)
{
	if (server_walk_at_boundary(gateway->walk))
		gateway->display_waits = 0;
	else if (gateway->display_waits == 0)
		gateway->display_waits = clock_now();
}

/*
 * As much as there is before anything is sent: an update that the display wrote in pieces becomes
 * few large records, and a small one goes out at once.
 */
static void pump_display(struct gateway *gateway)
{
	static uint8_t chunk[GATEWAY_CHUNK];

	while (gateway->phase == GATEWAY_RELAY && gateway_backlog(gateway) < GATEWAY_VIEWER_HIGH) {
		ssize_t n = read(gateway->display, chunk, sizeof(chunk));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN) {
			wait_for_display(gateway);
			return;
		}
		if (n <= 0) {
			display_gone(gateway);
			return;
		}
		gateway->display_waits = 0;
		walk_display(gateway, chunk, (size_t)n);
	}
}

static int handle_display(int fd, uint32_t mask, void *data)
{
	struct gateway *gateway = data;

	(void)fd;
	if (mask & WL_EVENT_WRITABLE) {
		bool was_full = display_full(gateway);

		flush_display(gateway);
		/* TLS may hold messages that the socket will not tell of again. */
		if (was_full && !display_full(gateway))
			pump_viewer(gateway);
	}
	if (gateway->phase == GATEWAY_RELAY && (mask & (WL_EVENT_READABLE | WL_EVENT_HANGUP)))
		pump_display(gateway);
	if (gateway->phase == GATEWAY_RELAY)
		gateway_flush(gateway);
	return 0;
}

/* --- both ------------------------------------------------------------------------------------- */

static int seconds_left(uint64_t since, int limit)
{
	return since ? MAX(0, limit - (int)((clock_now() - since) / USEC_PER_SEC)) : limit;
}

/* Armed only while somebody waits, so that an idle connection costs no wake-up. */
static void arm_stall_timer(struct gateway *gateway)
{
	if (gateway->stall_armed || (!gateway->viewer_waits && !gateway->display_waits))
		return;
	gateway->stall_armed = true;
	gateway_set_deadline(gateway, MIN(gateway->stall_timeout, GATEWAY_DISPLAY_STALL_SECONDS));
}

void relay_flushed(struct gateway *gateway)
{
	update_display_mask(gateway);
	arm_stall_timer(gateway);
}

int relay_check_stall(struct gateway *gateway)
{
	int viewer_left = seconds_left(gateway->viewer_waits, gateway->stall_timeout);
	int display_left = seconds_left(gateway->display_waits, GATEWAY_DISPLAY_STALL_SECONDS);

	gateway->stall_armed = gateway->viewer_waits || gateway->display_waits;
	if (viewer_left == 0) {
		gateway_end(gateway, LOG_WARN, "gateway.stalled",
			    "the viewer takes nothing of what it is sent");
		return -1;
	}
	if (display_left == 0) {
		accuse(gateway, "it stopped within a message");
		return -1;
	}
	return gateway->stall_armed ? MIN(viewer_left, display_left) : 0;
}

int relay_start(struct gateway *gateway)
{
	char name[GATEWAY_NAME_MAX + 16];
	struct server_walk_policy policy = {
		.name = name,
		.title = gateway->title,
		.clipboard_in = gateway->clipboard_in,
		.clipboard_out = gateway->clipboard_out,
	};
	int r;

	snprintf(name, sizeof(name), "Lazaret: %s", gateway->account);
	r = fd_set_nonblock(gateway->display, true);
	if (r == 0)
		r = server_walk_create(&policy, &gateway->walk);
	if (r < 0)
		return r;
	buf_init_secret(&gateway->to_display, GATEWAY_DISPLAY_MAX);
	gateway->display_mask = WL_EVENT_READABLE;
	gateway->display_source = wl_event_loop_add_fd(
		gateway->loop, gateway->display, gateway->display_mask, handle_display, gateway);
	return gateway->display_source ? 0 : -ENOMEM;
}

void relay_stop(struct gateway *gateway)
{
	if (gateway->walk && server_walk_blocked_texts(gateway->walk) > 0)
		log_event(LOG_INFO, "clipboard.blocked", LOG_STR("user", gateway->account),
			  LOG_STR("direction", "out"),
			  LOG_INT("count", server_walk_blocked_texts(gateway->walk)));
	if (gateway->display_source)
		wl_event_source_remove(gateway->display_source);
	gateway->display_source = NULL;
	gateway->display = fd_close(gateway->display);
	server_walk_destroy(gateway->walk);
	gateway->walk = NULL;
	buf_finish(&gateway->to_display);
}
