/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Messages from a viewer after the handshake (RFC 6143 7.5; rfbproto for the extensions): an
 * incremental parser and a writer of the one canonical form.
 *
 * The gateway parses what the viewer sends and passes on only what it wrote itself; the display
 * parses that with the same code. No length is believed before it was compared with a maximum.
 */
#ifndef LAZARET_RFB_CLIENT_MESSAGE_H
#define LAZARET_RFB_CLIENT_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "rfb/clipboard.h"
#include "rfb/pixel_format.h"
#include "rfb/protocol.h"
#include "wire/buf.h"

/* The longest message that is ever held whole: a buffer of this capacity never blocks a parse. */
#define CLIENT_MESSAGE_MAX (8 + CLIPBOARD_WIRE_MAX)

/* A screen of SetDesktopSize and ExtendedDesktopSize. */
struct rfb_screen {
	uint32_t id;
	uint16_t x, y, width, height; /* pixels */
	uint32_t flags;
};

struct client_encodings {
	int count;
	int32_t list[RFB_ENCODINGS_MAX]; /* as sent, best first */
};

struct client_update_request {
	bool incremental;
	uint16_t x, y, width, height; /* pixels; not checked against the framebuffer */
};

struct client_key {
	bool down;
	uint32_t keysym;
	uint32_t keycode; /* QEMU extended key: XT scancode; else 0 */
};

struct client_pointer {
	uint16_t buttons; /* bit n - 1 is button n; 8 and 9 only with ExtendedMouseButtons */
	uint16_t x, y;
};

struct client_cut_text {
	bool extended; /* an Extended Clipboard message; else classic text in a PROVIDE */
	bool too_long; /* it was skipped: `message` is empty */
	struct clipboard_message message;
};

struct client_fence {
	uint32_t flags; /* only those of RFB_FENCE_FLAGS */
	uint8_t len;
	uint8_t payload[RFB_FENCE_PAYLOAD_MAX];
};

struct client_continuous {
	bool enable;
	uint16_t x, y, width, height;
};

struct client_desktop_size {
	uint16_t width, height;
	uint8_t count;
	struct rfb_screen screens[RFB_SCREENS_MAX];
};

struct client_message {
	enum rfb_client_type type;
	union {
		struct pixel_format pixel_format; /* RFB_SET_PIXEL_FORMAT */
		struct client_encodings encodings; /* RFB_SET_ENCODINGS */
		struct client_update_request update_request;
		struct client_key key; /* RFB_KEY_EVENT, RFB_QEMU_CLIENT */
		struct client_pointer pointer;
		struct client_cut_text cut_text; /* RFB_CLIENT_CUT_TEXT */
		struct client_fence fence;
		struct client_continuous continuous;
		struct client_desktop_size desktop_size;
	};
};

struct client_parser {
	/*
	 * ExtendedMouseButtons is agreed (rfbproto "PointerEvent"): bit 7 of the mask marks the long
	 * form. Before, bit 7 is dropped, so that the short form never has it.
	 */
	bool extended_buttons;
	/* Extended Clipboard was announced; without it a negative length is malformed. */
	bool extended_clipboard;
	size_t skip; /* bytes of a text too long that are still to come */
	bool skip_extended;
	const char *reason; /* after -EPROTO: what was wrong, a constant sentence */
};

/*
 * Takes one message from the front of `in`. 1 if *ret_message was written (then
 * client_message_finish() it), 0 if more bytes are needed, -EPROTO if it is malformed, -ENOMEM.
 */
NODISCARD int client_parser_next(struct client_parser *parser, struct buf *in,
				 struct client_message *ret_message);

void client_message_finish(struct client_message *message);

/*
 * Appends the canonical form. Text that is too_long is not written at all. 0, -ENOMEM, or the error
 * of the buffer; after an error the buffer may end in a part of the message.
 */
NODISCARD int client_message_put(struct buf *out, const struct client_message *message);

#endif
