/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "bench/client/connection.h"

#include <errno.h>
#include <gnutls/gnutls.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"

#define WIRE_MAX (128 * 1024) /* bytes of one recv() */
#define OUT_MAX (4 << 20)
#define RATE_SLICES 50 /* a second: reading at a rate goes in steps of that */

static int fail(struct connection *connection, int error, const char *reason)
{
	connection->reason = reason;
	return error;
}

/* --- the rate ----------------------------------------------------------------------------------- */

static void refill(struct connection *connection)
{
	uint64_t now = clock_now(), most = MAX(connection->rate / RATE_SLICES, 1);
	uint64_t gained = (now - connection->refilled) * connection->rate / USEC_PER_SEC;

	if (gained == 0)
		return;
	connection->allowance = MIN(connection->allowance + gained, 2 * most);
	connection->refilled = now;
}

uint64_t connection_read_at(const struct connection *connection)
{
	uint64_t slice = MAX(connection->rate / RATE_SLICES, 1);

	if (connection->rate == 0 || connection->allowance >= slice)
		return 0;
	return connection->refilled +
	       (slice - connection->allowance) * USEC_PER_SEC / connection->rate + 1;
}

/* --- the socket --------------------------------------------------------------------------------- */

/* recv(2) that counts and keeps to the rate. The count, 0 at the end, or a negative errno. */
static ssize_t receive(struct connection *connection, void *data, size_t len)
{
	ssize_t n;

	if (connection->rate > 0 && !connection->blocking) {
		refill(connection);
		if (connection_read_at(connection) > 0)
			return -EAGAIN;
		len = MIN(len, connection->allowance);
	}
	do
		n = recv(connection->fd, data, len, 0);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	connection->bytes_in += (uint64_t)n;
	connection->allowance -= MIN(connection->allowance, (uint64_t)n);
	return n;
}

static int send_from(struct connection *connection, struct buf *buf)
{
	while (buf_len(buf) > 0) {
		ssize_t n = buf_write_fd(buf, connection->fd);

		if (n == -EAGAIN)
			return 0;
		if (n < 0)
			return fail(connection, (int)n, strerror((int)-n));
		connection->bytes_out += (uint64_t)n;
	}
	return 0;
}

static int set_options(int fd, uint64_t rate)
{
	struct timeval limit = {.tv_sec = CONNECTION_SECONDS};
	int on = 1, room = (int)CLAMP(rate / 5, 4096, 1 << 20);

	if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)) < 0)
		return -errno;
	/* What waits in our kernel would hide from the server how slow we are. */
	if (rate > 0 && setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room)) < 0)
		return -errno;
	return 0;
}

static int try_address(const struct addrinfo *address, uint64_t rate)
{
	_cleanup_fd_ int fd = socket(address->ai_family, address->ai_socktype | SOCK_CLOEXEC,
				     address->ai_protocol);
	int r;

	if (fd < 0)
		return -errno;
	r = set_options(fd, rate);
	if (r == 0 && connect(fd, address->ai_addr, address->ai_addrlen) < 0)
		r = -errno;
	return r < 0 ? r : FD_STEAL(fd);
}

int connection_open(struct connection *connection, const char *host, const char *port,
		    uint64_t rate)
{
	const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
	struct addrinfo *addresses;
	int r;

	*connection = (struct connection){
		.fd = -1, .blocking = true, .rate = rate, .refilled = clock_now()};
	buf_init(&connection->wire, WIRE_MAX);
	buf_init_secret(&connection->out, OUT_MAX);
	buf_init(&connection->sealed, OUT_MAX);
	r = getaddrinfo(host, port, &hints, &addresses);
	if (r != 0)
		return fail(connection, -EHOSTUNREACH, gai_strerror(r));
	r = -EHOSTUNREACH;
	for (const struct addrinfo *a = addresses; a && r < 0; a = a->ai_next)
		r = try_address(a, rate);
	freeaddrinfo(addresses);
	if (r < 0)
		return fail(connection, r, strerror(-r));
	connection->fd = r;
	return 0;
}

void connection_close(struct connection *connection)
{
	if (connection->tls)
		gnutls_deinit(connection->tls);
	if (connection->credentials)
		gnutls_certificate_free_credentials(connection->credentials);
	buf_finish(&connection->wire);
	buf_finish(&connection->out);
	buf_finish(&connection->sealed);
	connection->tls = NULL;
	connection->credentials = NULL;
	connection->fd = fd_close(connection->fd);
}

/* --- TLS ---------------------------------------------------------------------------------------- */

static ssize_t push(gnutls_transport_ptr_t transport, const void *data, size_t len)
{
	struct connection *connection = transport;

	buf_put(&connection->sealed, data, len);
	if (buf_error(&connection->sealed) || send_from(connection, &connection->sealed) < 0) {
		gnutls_transport_set_errno(connection->tls, EIO);
		return -1;
	}
	return (ssize_t)len;
}

/* TLS reads a record in two small pieces: they come from here, in fewer calls of the kernel. */
static ssize_t pull(gnutls_transport_ptr_t transport, void *data, size_t len)
{
	struct connection *connection = transport;
	struct buf *wire = &connection->wire;

	if (buf_len(wire) == 0) {
		uint8_t *room = buf_reserve(wire, WIRE_MAX);
		ssize_t n = room ? receive(connection, room, WIRE_MAX) : -ENOMEM;

		if (n < 0) {
			gnutls_transport_set_errno(connection->tls, (int)-n);
			return -1;
		}
		buf_added(wire, (size_t)n);
	}
	len = MIN(len, buf_len(wire));
	if (len > 0)
		memcpy(data, buf_data(wire), len);
	buf_consume(wire, len);
	return (ssize_t)len;
}

/* The time limit is the socket's. */
static int pull_timeout(gnutls_transport_ptr_t transport, unsigned int ms)
{
	(void)transport;
	(void)ms;
	return 1;
}

static int prepare_tls(struct connection *connection, const char *ca)
{
	gnutls_certificate_credentials_t credentials;
	int r = gnutls_certificate_allocate_credentials(&credentials);

	if (r < 0)
		return r;
	connection->credentials = credentials;
	r = gnutls_certificate_set_x509_trust_file(credentials, ca, GNUTLS_X509_FMT_PEM);
	if (r <= 0)
		return r < 0 ? r : GNUTLS_E_NO_CERTIFICATE_FOUND;
	r = gnutls_init(&connection->tls, GNUTLS_CLIENT | GNUTLS_NO_SIGNAL);
	if (r < 0)
		return r;
	r = gnutls_set_default_priority(connection->tls);
	if (r >= 0)
		r = gnutls_credentials_set(connection->tls, GNUTLS_CRD_CERTIFICATE, credentials);
	if (r < 0)
		return r;
	/* Who vouches is checked; the name is that of a bench. */
	gnutls_session_set_verify_cert(connection->tls, NULL, 0);
	gnutls_handshake_set_timeout(connection->tls, GNUTLS_INDEFINITE_TIMEOUT);
	gnutls_transport_set_ptr(connection->tls, connection);
	gnutls_transport_set_push_function(connection->tls, push);
	gnutls_transport_set_pull_function(connection->tls, pull);
	gnutls_transport_set_pull_timeout_function(connection->tls, pull_timeout);
	return 0;
}

int connection_start_tls(struct connection *connection, const char *ca)
{
	int r = prepare_tls(connection, ca);

	while (r >= 0) {
		r = gnutls_handshake(connection->tls);
		if (r == GNUTLS_E_SUCCESS)
			return 0;
		if (!gnutls_error_is_fatal(r) && r != GNUTLS_E_AGAIN)
			r = 0;
	}
	return fail(connection, -EPROTO, gnutls_strerror(r));
}

/* Like receive(). Messages of TLS itself may come in between. */
static ssize_t receive_tls(struct connection *connection, void *data, size_t len)
{
	ssize_t n;

	do
		n = gnutls_record_recv(connection->tls, data, len);
	while (n == GNUTLS_E_INTERRUPTED ||
	       (n < 0 && n != GNUTLS_E_AGAIN && !gnutls_error_is_fatal((int)n)));
	if (n == GNUTLS_E_AGAIN)
		return -EAGAIN;
	/* Our gateway and others end without a farewell of TLS. */
	if (n == GNUTLS_E_PREMATURE_TERMINATION)
		return 0;
	return n < 0 ? fail(connection, -EPROTO, gnutls_strerror((int)n)) : n;
}

static int seal(struct connection *connection)
{
	while (buf_len(&connection->out) > 0) {
		ssize_t n = gnutls_record_send(connection->tls, buf_data(&connection->out),
					       buf_len(&connection->out));

		if (n < 0)
			return fail(connection, -EPROTO, gnutls_strerror((int)n));
		buf_consume(&connection->out, (size_t)n);
	}
	return send_from(connection, &connection->sealed);
}

/* --- both --------------------------------------------------------------------------------------- */

static ssize_t receive_plain(struct connection *connection, void *data, size_t len)
{
	ssize_t n = connection->tls ? receive_tls(connection, data, len)
				    : receive(connection, data, len);

	if (n > 0)
		connection->rfb_bytes += (uint64_t)n;
	return n;
}

int connection_read_exactly(struct connection *connection, void *data, size_t len)
{
	uint8_t *to = data;

	while (len > 0) {
		ssize_t n = receive_plain(connection, to, len);

		if (n == 0)
			return fail(connection, -EPIPE, "the server has closed the connection");
		if (n == -EAGAIN)
			return fail(connection, -ETIMEDOUT, "the server says nothing");
		if (n < 0)
			return connection->reason ? (int)n
						  : fail(connection, (int)n, strerror((int)-n));
		to += n;
		len -= (size_t)n;
	}
	return 0;
}

int connection_go(struct connection *connection)
{
	connection->blocking = false;
	return fd_set_nonblock(connection->fd, true);
}

int connection_read(struct connection *connection, struct buf *in)
{
	size_t had = buf_len(in);

	while (buf_len(in) - had < CONNECTION_READ_MAX) {
		size_t room = CONNECTION_READ_MAX - (buf_len(in) - had);
		uint8_t *to = buf_reserve(in, room);
		ssize_t n;

		if (!to)
			return fail(connection, buf_error(in), "a message larger than any picture");
		n = receive_plain(connection, to, room);
		if (n == -EAGAIN)
			return buf_len(in) > had ? 1 : 0;
		/* What came before the end is to be decoded first; the end is met again. */
		if (n == 0)
			return buf_len(in) > had ? 1
						 : fail(connection, -EPIPE,
							"the server has closed the connection");
		if (n < 0)
			return connection->reason ? (int)n
						  : fail(connection, (int)n, strerror((int)-n));
		buf_added(in, (size_t)n);
	}
	return 1;
}

int connection_flush(struct connection *connection)
{
	if (buf_error(&connection->out) || buf_error(&connection->sealed))
		return fail(connection, -ENOBUFS, "the server does not read");
	return connection->tls ? seal(connection) : send_from(connection, &connection->out);
}

bool connection_waits_to_write(const struct connection *connection)
{
	return buf_len(&connection->out) > 0 || buf_len(&connection->sealed) > 0;
}
