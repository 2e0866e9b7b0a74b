/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From the version to ServerInit (RFC 6143 7.1 to 7.3; rfbproto "VeNCrypt"), as a client. */
#ifndef LAZARET_BENCH_HANDSHAKE_H
#define LAZARET_BENCH_HANDSHAKE_H

#include "base/attr.h"
#include "bench/client/connection.h"

struct handshake {
	/* For VeNCrypt X509Plain; all NULL: security type None */
	const char *ca, *user, *password;
	int width, height; /* of the server's picture, after success */
};

/* 0, or a negative errno with connection->reason. */
NODISCARD int handshake_run(struct handshake *handshake, struct connection *connection);

#endif
