/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a viewer, or the gateway in front of it, can make a display hold. */
#ifndef LAZARET_DISPLAY_LIMITS_H
#define LAZARET_DISPLAY_LIMITS_H

/* The picture before a viewer asks for another size */
#define SIZE_DEFAULT_WIDTH 1280
#define SIZE_DEFAULT_HEIGHT 800

/* Bytes that wait for a viewer; one more ends it. An update begins no new rectangle past
 * UPDATE_BYTES_MAX, so the rest is room for what is not pixels. */
#define OUT_BYTES_MAX (24 << 20)
#define UPDATE_BYTES_MAX (6 << 20)
/* Memory of the buffer that an idle viewer keeps. */
#define OUT_BYTES_IDLE (256 << 10)
/* Memory blocks from this size on go back to the system when they are freed. */
#define LARGE_BLOCK (256 << 10)
/* Bytes in the socket to the gateway: the kernel doubles the number, and calls it writable again
 * when a quarter of that is left. */
#define SOCKET_BYTES (128 << 10)
/* Reads of the stream in one turn of the loop, so that a flood cannot starve the browser. */
#define READS_MAX 8
#define READ_BYTES (64 << 10)
/* Messages of the viewer handled in one turn of the loop. */
#define MESSAGES_MAX 4096

/* Viewers that are being told goodbye; the oldest goes when there is one more. */
#define FAREWELLS_MAX 4
#define FAREWELL_USEC (10 * USEC_PER_SEC)

/* A picture of text: no larger than the framebuffer */
#define NOTICE_SIDE_MAX RFB_SIDE_MAX
/* bytes of a text that a person is told */
#define REASON_MAX 1024
/* bytes of an address in DISPLAY_ATTACH */
#define ADDRESS_MAX 128
#define SESSION_ID_MAX 128

/* Descriptors of the process */
#define FILES_MAX 4096
#define CONFIG_BYTES_MAX (1 << 20)

#endif
