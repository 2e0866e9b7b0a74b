/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "bench/client/handshake.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "rfb/protocol.h"
#include "wire/cursor.h"

#define SECURITY_NONE 1
#define REASON_MAX 256
#define NAME_MAX_BYTES 65536
#define SERVER_INIT_BYTES 24

static int refuse(struct connection *connection, const char *reason)
{
	connection->reason = reason;
	return -EPROTO;
}

static int send_all(struct connection *connection, const void *data, size_t len)
{
	buf_put(&connection->out, data, len);
	return connection_flush(connection);
}

static int read_u32(struct connection *connection, uint32_t *ret_value)
{
	uint8_t bytes[4];
	int r = connection_read_exactly(connection, bytes, sizeof(bytes));
	struct cursor c = cursor_over(bytes, sizeof(bytes));

	*ret_value = cursor_u32(&c);
	return r;
}

/* The server's own words, for a person. */
static int read_refusal(struct connection *connection)
{
	static char reason[REASON_MAX];
	uint32_t len;
	int r = read_u32(connection, &len);

	len = MIN(len, (uint32_t)sizeof(reason) - 1);
	if (r == 0)
		r = connection_read_exactly(connection, reason, len);
	if (r < 0 || len == 0)
		return refuse(connection, "the server refuses, without a reason");
	reason[len] = '\0';
	return refuse(connection, reason);
}

static int exchange_versions(struct connection *connection)
{
	char version[RFB_VERSION_LEN];
	int r = connection_read_exactly(connection, version, sizeof(version));

	if (r < 0)
		return r;
	if (memcmp(version, "RFB 003.", 8) != 0)
		return refuse(connection, "the server does not speak RFB 3");
	return send_all(connection, RFB_VERSION, RFB_VERSION_LEN);
}

static int choose_security(struct connection *connection, uint8_t wanted)
{
	uint8_t types[256], count;
	int r = connection_read_exactly(connection, &count, 1);

	if (r < 0)
		return r;
	if (count == 0)
		return read_refusal(connection);
	r = connection_read_exactly(connection, types, count);
	if (r < 0)
		return r;
	if (!memchr(types, wanted, count))
		return refuse(
			connection,
			wanted == SECURITY_NONE
				? "the server wants a login: give --ca, --user, --password-file"
				: "the server does not offer VeNCrypt");
	return send_all(connection, &wanted, 1);
}

/* Version 0.2, then the one subtype that we take. */
static int choose_subtype(struct connection *connection)
{
	uint8_t version[2], byte, subtypes[255 * 4];
	const uint8_t ours[2] = {0, 2};
	const uint8_t x509plain[4] = {0, 0, RFB_VENCRYPT_X509PLAIN >> 8,
				      RFB_VENCRYPT_X509PLAIN & 0xff};
	bool offered = false;
	int r = connection_read_exactly(connection, version, sizeof(version));

	if (r == 0)
		r = send_all(connection, ours, sizeof(ours));
	if (r == 0)
		r = connection_read_exactly(connection, &byte, 1);
	if (r < 0)
		return r;
	if (byte != 0)
		return refuse(connection, "the server does not speak VeNCrypt 0.2");
	r = connection_read_exactly(connection, &byte, 1);
	if (r == 0)
		r = connection_read_exactly(connection, subtypes, (size_t)byte * 4);
	if (r < 0)
		return r;
	for (int i = 0; i < byte; i++)
		offered |= memcmp(subtypes + (size_t)i * 4, x509plain, 4) == 0;
	if (!offered)
		return refuse(connection, "the server does not offer X509Plain");
	r = send_all(connection, x509plain, sizeof(x509plain));
	if (r == 0)
		r = connection_read_exactly(connection, &byte, 1);
	if (r < 0)
		return r;
	return byte == 1 ? 0 : refuse(connection, "the server refuses X509Plain");
}

static int log_in(const struct handshake *handshake, struct connection *connection)
{
	struct buf *out = &connection->out;
	int r = choose_subtype(connection);

	if (r == 0)
		r = connection_start_tls(connection, handshake->ca);
	if (r < 0)
		return r;
	buf_put_u32(out, (uint32_t)strlen(handshake->user));
	buf_put_u32(out, (uint32_t)strlen(handshake->password));
	buf_put(out, handshake->user, strlen(handshake->user));
	buf_put(out, handshake->password, strlen(handshake->password));
	return connection_flush(connection);
}

static int read_result(struct connection *connection)
{
	uint32_t result;
	int r = read_u32(connection, &result);

	if (r < 0)
		return r;
	return result == RFB_SECURITY_OK ? 0 : read_refusal(connection);
}

static int initialise(struct handshake *handshake, struct connection *connection)
{
	const uint8_t shared = 1;
	uint8_t init[SERVER_INIT_BYTES], name[NAME_MAX_BYTES];
	struct cursor c = cursor_over(init, sizeof(init));
	uint32_t len;
	int r = send_all(connection, &shared, 1);

	if (r == 0)
		r = connection_read_exactly(connection, init, sizeof(init));
	if (r < 0)
		return r;
	handshake->width = cursor_u16(&c);
	handshake->height = cursor_u16(&c);
	cursor_skip(&c, 16);
	len = cursor_u32(&c);
	if (len > sizeof(name))
		return refuse(connection, "the server's name is too long");
	return connection_read_exactly(connection, name, len);
}

int handshake_run(struct handshake *handshake, struct connection *connection)
{
	int r = exchange_versions(connection);

	if (r == 0)
		r = choose_security(connection,
				    handshake->ca ? RFB_SECURITY_VENCRYPT : SECURITY_NONE);
	if (r == 0 && handshake->ca)
		r = log_in(handshake, connection);
	if (r == 0)
		r = read_result(connection);
	if (r == 0)
		r = initialise(handshake, connection);
	return r;
}
