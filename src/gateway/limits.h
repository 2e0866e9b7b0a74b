/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a client or a display can make a gateway hold; documented in lazaret-gateway(8). */
#ifndef LAZARET_GATEWAY_LIMITS_H
#define LAZARET_GATEWAY_LIMITS_H

#include "rfb/client_message.h"
#include "rfb/server_walk.h"

/* Bytes of what the monitor tells us at the start. */
#define GATEWAY_LAUNCH_MAX (128 * 1024)

/* Bytes of a TLS handshake message; a ClientHello of today has at most 3,000. */
#define GATEWAY_HANDSHAKE_MAX (32 * 1024)
/* Milliseconds that keyd may take for a signature. */
#define GATEWAY_SIGN_TIMEOUT_MS 10000
/* TLS warning alerts in the life of a connection. */
#define GATEWAY_ALERTS_MAX 16

/* Seconds: from the login's request to its answer, and from SecurityResult to ClientInit. */
#define GATEWAY_DECISION_SECONDS 180
#define GATEWAY_INIT_SECONDS 30
/* Seconds in which a connection that is being closed may still take what it was told. */
#define GATEWAY_LINGER_SECONDS 5
/* A display that stops in the middle of a message for so long is broken; seconds. */
#define GATEWAY_DISPLAY_STALL_SECONDS 30

/* Bytes read from the display, or from the viewer, at once. */
#define GATEWAY_CHUNK (64 * 1024)
/* Data on the way to the viewer (plain and encrypted) beyond which the display has to wait. */
#define GATEWAY_VIEWER_HIGH (128 * 1024)
#define GATEWAY_VIEWER_MAX (GATEWAY_VIEWER_HIGH + GATEWAY_CHUNK + SERVER_WALK_SLACK)
/* Encrypted data held ready for the socket. */
#define GATEWAY_RECORDS_HIGH (64 * 1024)
#define GATEWAY_RECORDS_MAX (GATEWAY_RECORDS_HIGH + GATEWAY_HANDSHAKE_MAX + 2 * 16384)
/* Data on the way to the display beyond which the viewer has to wait. */
#define GATEWAY_DISPLAY_HIGH (64 * 1024)
#define GATEWAY_DISPLAY_MAX (GATEWAY_DISPLAY_HIGH + 4 * CLIENT_MESSAGE_MAX)

/* Bytes of a sentence for the person that comes from the monitor, and of an account's name. */
#define GATEWAY_REASON_MAX 512
#define GATEWAY_NAME_MAX 256

/* Keepalive: a workstation that was unplugged is noticed after about two minutes. */
#define GATEWAY_KEEPALIVE_IDLE 60
#define GATEWAY_KEEPALIVE_INTERVAL 15
#define GATEWAY_KEEPALIVE_COUNT 4
/* Seconds that the kernel waits longer than `stall-timeout` for a viewer that takes nothing. */
#define GATEWAY_STALL_GRACE_SECONDS 5
/*
 * Bytes that the kernel holds unsent before it asks for no more: less than a packet. What waits there
 * could not be overtaken, and TCP (BBR) would take what we send slowly on purpose for all that the
 * line can.
 */
#define GATEWAY_NOTSENT_LOWAT 1024

#define GATEWAY_FILES_MAX 24
#define GATEWAY_MEMORY_MAX (UINT64_C(512) << 20)

#endif
