/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a client says after ClientInit (RFC 6143 7.5; rfbproto). Errors are sticky in `out`. */
#ifndef LAZARET_BENCH_MESSAGE_H
#define LAZARET_BENCH_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wire/buf.h"

#define MESSAGE_BUTTON_LEFT 0x01
#define MESSAGE_WHEEL_UP 0x08
#define MESSAGE_WHEEL_DOWN 0x10

void message_pixel_format(struct buf *out);
void message_encodings(struct buf *out, const int32_t *encodings, size_t count);
void message_request(struct buf *out, bool incremental, int width, int height);
void message_key(struct buf *out, bool down, uint32_t keysym);
void message_pointer(struct buf *out, unsigned int mask, int x, int y);
void message_fence(struct buf *out, uint32_t flags, const uint8_t *payload, size_t len);
void message_continuous(struct buf *out, bool on, int width, int height);
/* One screen. */
void message_desktop_size(struct buf *out, int width, int height);

#endif
