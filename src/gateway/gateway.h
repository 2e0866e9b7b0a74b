/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One connection of one viewer, from its first byte to its last.
 *
 *	main.c		start, confinement
 *	connection.c	the socket, its phases, deadlines, the end
 *	login.c		negotiation, TLS, credentials, the monitor's answer
 *	relay.c		viewer <-> display, both ways checked
 *	rules.c		what of a viewer's messages may reach the display
 *	tls.c signer.c	TLS with the key elsewhere
 */
#ifndef LAZARET_GATEWAY_GATEWAY_H
#define LAZARET_GATEWAY_GATEWAY_H

#include <stdbool.h>
#include <stdint.h>
#include <wayland-server-core.h>

#include "base/attr.h"
#include "base/log.h"
#include "gateway/limits.h"
#include "gateway/tls.h"
#include "ipc/channel.h"
#include "rfb/client_message.h"
#include "rfb/server_walk.h"
#include "rfb/vencrypt.h"

/* Bits, as ipc channel states are. */
enum gateway_phase {
	GATEWAY_NEGOTIATE = 1 << 0, /* version to VeNCrypt subtype, in the clear */
	GATEWAY_HANDSHAKE = 1 << 1, /* TLS */
	GATEWAY_CREDENTIALS = 1 << 2, /* a person types */
	GATEWAY_DECISION = 1 << 3, /* the monitor was asked */
	GATEWAY_INIT = 1 << 4, /* admitted; ClientInit is awaited */
	GATEWAY_RELAY = 1 << 5,
	GATEWAY_CLOSING = 1 << 6, /* the last words are on their way */
	GATEWAY_OVER = 1 << 7,
};

struct gateway {
	struct wl_event_loop *loop;
	struct wl_event_source *timer;
	enum gateway_phase phase;

	/* From the configuration; seconds */
	int handshake_timeout, login_timeout, stall_timeout;

	int socket; /* the viewer's */
	struct wl_event_source *socket_source;
	uint32_t socket_mask;
	char address[64]; /* of the viewer, for the log */
	struct tls *tls;
	bool encrypted; /* TLS has begun: `plain` leaves through it */
	bool said_bye, shut; /* closing: TLS is closed; our half of the connection is */
	struct buf in; /* from the viewer, decrypted; secret */
	struct buf plain; /* to the viewer, before encryption */
	uint64_t viewer_waits; /* since when it has taken nothing of the backlog; us; 0: none */
	struct vencrypt vencrypt;

	struct ipc_channel *monitor; /* NULL when it is gone */

	/* From GATEWAY_INIT on */
	char *account;
	bool clipboard_in, clipboard_out, title;
	int display;
	struct wl_event_source *display_source;
	uint32_t display_mask;
	struct buf to_display;
	uint64_t display_waits; /* since when a message lacks its end; us; 0: none does */
	bool stall_armed; /* the timer watches for stalls */
	struct client_parser parser;
	struct server_walk *walk;
	uint32_t listed; /* extensions that the viewer listed; rules.c */
	unsigned int texts_blocked, texts_too_long;
	uint64_t bytes_to_viewer, bytes_from_viewer; /* plain */
};

/* --- connection.c ----------------------------------------------------------------------------- */

/* Begins to speak. 0 or -ENOMEM. */
NODISCARD int gateway_start(struct gateway *gateway);
void gateway_finish(struct gateway *gateway);

void gateway_set_phase(struct gateway *gateway, enum gateway_phase phase);
/* The one timer: the phase must have changed within so many seconds; 0: no deadline. */
void gateway_set_deadline(struct gateway *gateway, int seconds);
/* Sends what can be sent, and asks the loop for what is to be waited for. */
void gateway_flush(struct gateway *gateway);
/* Data on its way to the viewer, bytes. */
size_t gateway_backlog(const struct gateway *gateway);

/* Ends it at once; `why` is a constant sentence for the log. */
void gateway_end(struct gateway *gateway, enum log_level level, const char *event, const char *why);
/* Sends what was said so far, closes TLS in order, then ends. */
void gateway_close(struct gateway *gateway, const char *event, const char *why);

/* --- login.c ---------------------------------------------------------------------------------- */

extern const struct ipc_table gateway_monitor_table;

/* Bytes may have come in one of the phases before GATEWAY_RELAY. */
void login_readable(struct gateway *gateway);
/* Refuses with SecurityResult, a sentence for the person, and closes. */
void login_refuse(struct gateway *gateway, const char *sentence);

/* --- relay.c ---------------------------------------------------------------------------------- */

/* ClientInit came: joins viewer and display. 0 or -ENOMEM. */
NODISCARD int relay_start(struct gateway *gateway);
void relay_stop(struct gateway *gateway);
void relay_viewer_readable(struct gateway *gateway);
/* After sending, at the end of gateway_flush(): whether the display is read follows what is left. */
void relay_flushed(struct gateway *gateway);
/* The timer ran out: -1 if somebody stalled too long (it has ended), else seconds to the next look,
 * 0 for none. */
int relay_check_stall(struct gateway *gateway);

/* --- rules.c ---------------------------------------------------------------------------------- */

/*
 * May change the message. 1: it may pass; 0: it is dropped; -EPROTO with *ret_reason: the viewer
 * broke the protocol. Tells the walker what was asked.
 */
NODISCARD int rules_apply(struct gateway *gateway, struct client_message *message,
			  const char **ret_reason);

/* --- confine.c -------------------------------------------------------------------------------- */

/* Gives up everything that the loop does not need. uid 0: only the filter (tests). */
NODISCARD int gateway_confine(uint32_t uid, uint32_t gid, const char **ret_step);
/* The filter alone, for the prober. */
NODISCARD int gateway_filter(void);

#endif
