/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The socket, with or without TLS, and what was counted on it. During the handshake everything
 * blocks (with a time limit); connection_go() ends that.
 */
#ifndef LAZARET_BENCH_CONNECTION_H
#define LAZARET_BENCH_CONNECTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/attr.h"
#include "wire/buf.h"

#define CONNECTION_SECONDS 60 /* of silence during the handshake */
#define CONNECTION_READ_MAX (256 * 1024) /* bytes that one connection_read() adds */

struct gnutls_session_int;

struct connection {
	int fd;
	struct gnutls_session_int *tls; /* NULL: none */
	void *credentials;
	struct buf wire; /* ciphertext that TLS has not taken */
	struct buf out; /* bytes for the server, as they go into TLS or the socket */
	struct buf sealed; /* ciphertext for the socket */
	uint64_t bytes_in, bytes_out; /* of the socket */
	uint64_t rfb_bytes; /* that came, without TLS */
	bool blocking;
	const char *reason; /* of the last failure, for a person */

	/* Slow on purpose: bytes a second, 0 for no limit, and what may be read now */
	uint64_t rate, allowance, refilled;
};

/* Connects by TCP. `rate` limits what is read, in bytes a second; 0: no limit. 0 or -errno. */
NODISCARD int connection_open(struct connection *connection, const char *host, const char *port,
			      uint64_t rate);
/* TLS as a client, with a certificate that `ca` (a file of PEM) vouches for. 0 or -EPROTO. */
NODISCARD int connection_start_tls(struct connection *connection, const char *ca);
void connection_close(struct connection *connection);

/* For the handshake: exactly `len` bytes. 0 or a negative errno. */
NODISCARD int connection_read_exactly(struct connection *connection, void *data, size_t len);
/* Nothing blocks any more. 0 or -errno */
NODISCARD int connection_go(struct connection *connection);

/* Appends what has come to `in`. 1: something came, and more may be there; 0: nothing more for
 * now; -EPIPE: the server has closed; or another negative errno. */
NODISCARD int connection_read(struct connection *connection, struct buf *in);

/* Sends what is in `out`. 0, also when some of it has to wait; or a negative errno. */
NODISCARD int connection_flush(struct connection *connection);
bool connection_waits_to_write(const struct connection *connection);

/* Monotonic time from which on reading makes sense; 0: now. */
uint64_t connection_read_at(const struct connection *connection);

#endif
