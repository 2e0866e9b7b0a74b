/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Clipboard text, and the messages of the Extended Clipboard pseudo-encoding (rfbproto "Extended
 * Clipboard"), the same in both directions. Text only: other formats are read past and forgotten.
 *
 * Inside the system clipboard text is UTF-8 with LF line ends, at most RFB_CLIPBOARD_MAX bytes, and
 * without control characters but tab and LF: an escape sequence must not reach a terminal that
 * the text is pasted into.
 */
#ifndef LAZARET_RFB_CLIPBOARD_H
#define LAZARET_RFB_CLIPBOARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "rfb/protocol.h"
#include "wire/buf.h"

/* Largest body of a message that is kept; a longer one is skipped, not an error. */
#define CLIPBOARD_WIRE_MAX (RFB_CLIPBOARD_MAX + 64 * 1024)
/* Largest body that is skipped; beyond it the peer is taken for broken. */
#define CLIPBOARD_SKIP_MAX (64 * 1024 * 1024)

struct clipboard_message {
	uint32_t action; /* one of RFB_CLIPBOARD_CAPS, _REQUEST, _PEEK, _NOTIFY, _PROVIDE */
	bool has_text; /* the text format is among the formats it speaks of */
	uint32_t actions; /* CAPS: the actions that the sender understands */
	uint32_t text_max; /* CAPS: bytes of text that may come unasked */
	char *text; /* PROVIDE with has_text: owned, as described above, with a NUL behind it */
	size_t text_len;
};

/* Frees what a message holds and zeroes it. */
void clipboard_message_finish(struct clipboard_message *message);

/*
 * Parses the body of a cut text message with negative length: flags and what follows. 0, -EPROTO if
 * malformed, -EFBIG if the text is longer than RFB_CLIPBOARD_MAX, -ENOMEM. Never inflates more than
 * it keeps.
 */
NODISCARD int clipboard_message_parse(const uint8_t *body, size_t len,
				      struct clipboard_message *ret_message);

/*
 * Writes the body in canonical form: text is the only format, line ends are CRLF, a NUL behind.
 * 0, -ENOMEM, or the error of the buffer.
 */
NODISCARD int clipboard_message_put(struct buf *out, const struct clipboard_message *message);

/*
 * Makes clipboard text of foreign bytes: CRLF and CR become LF, invalid UTF-8 becomes U+FFFD, other
 * control characters (C0, C1, DEL) vanish, a NUL ends it. -EFBIG if the result is longer than
 * RFB_CLIPBOARD_MAX, -ENOMEM. The caller frees *ret_text, which has a NUL behind it.
 */
NODISCARD int clipboard_clean(const char *text, size_t len, char **ret_text, size_t *ret_len);

/* The same for the ISO 8859-1 of classic cut text (RFC 6143 7.5.6). */
NODISCARD int clipboard_clean_latin1(const uint8_t *text, size_t len, char **ret_text,
				     size_t *ret_len);

/* Appends ISO 8859-1; what has no place in it becomes '?'. `text` must be valid UTF-8. */
void clipboard_put_latin1(struct buf *out, const char *text, size_t len);

/* Bytes that clipboard_put_latin1() appends. */
size_t clipboard_latin1_len(const char *text, size_t len);

#endif
