/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The server's end of one TLS connection over a non-blocking socket, with the key elsewhere: the
 * handshake's signature comes from keyd.
 *
 * Records wait in a bounded buffer until tls_flush() writes them, many at once.
 */
#ifndef LAZARET_GATEWAY_TLS_H
#define LAZARET_GATEWAY_TLS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"
#include "wire/buf.h"

struct tls;

/*
 * `chain_pem` is the certificate chain, `keyd` a channel that gives one signature; both sockets
 * stay the caller's. Reads no file. 0, -EINVAL if the chain is none, -ENOMEM.
 */
NODISCARD int tls_create(int socket, int keyd, const char *chain_pem, struct tls **ret_tls);
/* Without a word to the peer. NULL is allowed. */
void tls_destroy(struct tls *tls);

/* 1 when the handshake is over, 0 if it waits for the peer, -EPROTO with tls_reason(). */
NODISCARD int tls_handshake(struct tls *tls);
/* "TLS1.3", "AES-256-GCM": after the handshake. */
const char *tls_version(const struct tls *tls);
const char *tls_cipher(const struct tls *tls);

/*
 * Appends at most `max` decrypted bytes. Their count; -EAGAIN; -EPIPE when the peer closed in order;
 * -ECONNRESET when it just went; -EPROTO with tls_reason(); -ENOBUFS.
 */
NODISCARD ssize_t tls_read(struct tls *tls, struct buf *in, size_t max);

/* Makes records of what is in `plain`, as far as there is room. 0 or -EPROTO. */
NODISCARD int tls_write(struct tls *tls, struct buf *plain);

/* The closing alert; tls_flush() sends it. */
void tls_bye(struct tls *tls);

/* Sends what waits. Bytes that went, -EAGAIN (also when there were none), or another -errno. */
NODISCARD ssize_t tls_flush(struct tls *tls);
/* Bytes of records that wait. */
size_t tls_waiting(const struct tls *tls);

const char *tls_reason(const struct tls *tls);

#endif
