/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The server's side of the negotiation, from the version to VeNCrypt's subtype, and of what
 * follows inside TLS: Plain credentials and SecurityResult (RFC 6143 7.1; rfbproto "VeNCrypt").
 * No sockets: bytes in, bytes out.
 *
 * We offer one way only: RFB 3.8, VeNCrypt 0.2, X509Plain. The client speaks when it was asked;
 * bytes ahead of that end the connection, since anything before TLS may come from a stranger who
 * would have it taken as the client's own words afterwards.
 */
#ifndef LAZARET_RFB_VENCRYPT_H
#define LAZARET_RFB_VENCRYPT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"
#include "wire/buf.h"

/* Bytes; a longer name or password is refused before it is buffered. */
#define VENCRYPT_USER_MAX 256
#define VENCRYPT_PASSWORD_MAX 1024
/* A buffer of this capacity holds all that is ever awaited at once. */
#define VENCRYPT_BUFFER_MAX (8 + VENCRYPT_USER_MAX + VENCRYPT_PASSWORD_MAX)
/* Longest reason that is sent. */
#define VENCRYPT_REASON_MAX 255

enum vencrypt_result {
	VENCRYPT_MORE, /* waits for the client; send what is in `out` */
	VENCRYPT_TLS, /* the last byte in `out` is the acknowledgement; then TLS begins */
	VENCRYPT_REFUSED, /* send what is in `out` (perhaps nothing) and close */
};

enum vencrypt_state {
	VENCRYPT_VERSION,
	VENCRYPT_SECURITY_TYPE,
	VENCRYPT_INNER_VERSION,
	VENCRYPT_SUBTYPE,
	VENCRYPT_DONE,
};

struct vencrypt {
	enum vencrypt_state state;
	const char *reason; /* after VENCRYPT_REFUSED, for the log: a constant sentence */
};

/* Writes the version, the server's first words. */
void vencrypt_start(struct vencrypt *vencrypt, struct buf *out);

/* Takes what it understands from `in`; after _TLS nothing is left there. */
NODISCARD enum vencrypt_result vencrypt_feed(struct vencrypt *vencrypt, struct buf *in,
					     struct buf *out);

/* Inside TLS. Both strings have a NUL behind them and none inside; password is to be wiped. */
struct vencrypt_credentials {
	char *user;
	char *password;
};

/*
 * 1 when both are there and taken from `in`; 0 if more bytes are needed; -EPROTO with *ret_reason,
 * a sentence for the person, if the lengths are beyond the limits, a NUL is inside, the name is
 * empty or no UTF-8, or more follows; -ENOMEM. Free with vencrypt_credentials_finish().
 */
NODISCARD int vencrypt_read_plain(struct buf *in, struct vencrypt_credentials *ret_credentials,
				  const char **ret_reason);
/* Wipes and frees. */
void vencrypt_credentials_finish(struct vencrypt_credentials *credentials);

/* SecurityResult (RFC 6143 7.1.3): OK if `reason` is NULL, else failed for this reason (UTF-8). */
void vencrypt_put_result(struct buf *out, const char *reason);

#endif
