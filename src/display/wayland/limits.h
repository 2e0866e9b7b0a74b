/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a Wayland client can make the compositor hold. Past a limit that client gets a no-memory or
 * implementation error, which ends its connection, and nobody else notices. Chromium with ten
 * windows stays below a tenth of each.
 */
#ifndef LAZARET_DISPLAY_WAYLAND_LIMITS_H
#define LAZARET_DISPLAY_WAYLAND_LIMITS_H

#include "rfb/protocol.h"

/* The output */
#define OUTPUT_SIDE_MAX RFB_SIDE_MAX
#define OUTPUT_REST_MIN 32 /* rows that a strip must leave */
#define CURSOR_SIDE_MAX 256 /* pixels; larger cursor pictures are cut */

/* Connections, and objects of one connection */
#define CLIENTS_MAX 32
#define OBJECTS_MAX 16384 /* protocol objects of all kinds that are alive */
#define SURFACES_MAX 1024
#define TOPLEVELS_MAX 64
#define POPUPS_MAX 64 /* also the greatest depth of nested popups */
#define POOLS_MAX 256
#define REGIONS_MAX 256
#define CALLBACKS_MAX 1024 /* frame callbacks and feedbacks not answered yet */
#define SEAT_OBJECTS_MAX 64 /* seats, pointers, keyboards, data devices, text inputs: each kind */
#define SOURCES_MAX 64 /* data sources of both kinds */
#define OFFERS_MAX 256
#define TOKENS_MAX 64

/* Sizes */
#define BUFFER_SIDE_MAX (2 * RFB_SIDE_MAX) /* pixels; window shadows lie outside the window */
#define POOL_BYTES_MAX (512 << 20) /* address space of one wl_shm_pool */
#define CLIENT_PIXEL_BYTES_MAX (384u << 20) /* copies of committed buffers, one client */
/* The same, all clients. What clients share with us counts against display-memory as well. */
#define TOTAL_PIXEL_BYTES_MAX (384u << 20)
#define REGION_RECTS_MAX 1024 /* rectangles of one region after merging */
#define DAMAGE_RECTS_MAX 64 /* more are merged into their bounding rectangle */
#define SUBSURFACE_DEPTH_MAX 8
#define COORD_MAX (1 << 20) /* logical units; beyond it positions are cut */
#define TITLE_MAX 1024 /* bytes; longer ones are cut */

/* Clipboard and drag */
#define MIME_TYPES_MAX 128 /* of one source */
#define MIME_LENGTH_MAX 256 /* bytes */
#define TRANSFER_MAX (256 << 10) /* bytes of text to or from the viewer */
#define TRANSFER_TIMEOUT_MS 5000
#define TRANSFERS_MAX 16 /* of the viewer's text to clients, at a time */

/* Keyboard */
#define KEYS_HELD_MAX 64

#endif
