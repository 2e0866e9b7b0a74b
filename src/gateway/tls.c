/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "gateway/tls.h"

#include <errno.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "gateway/limits.h"
#include "gateway/signer.h"

#define CHAIN_MAX 16
/*
 * Plain bytes of a record. What comes after a pause goes in records that fit a packet, for a viewer
 * reads nothing of a record before all of it is there; on a slow line a large one takes the time of
 * many packets. What goes on for long goes in the largest, which cost least.
 */
#define RECORD_MAX 16384
#define RECORD_PACKET 1400
#define RECORD_MIDDLE 4096
#define PACKETS_BYTES (8 << 10)
#define MIDDLE_BYTES (64 << 10)

/*
 * TLS 1.2 and 1.3, forward secrecy and AEAD only, no SHA-1. Groups without the finite fields, which
 * only cost time.
 */
static const char priorities[] =
	"NONE:+VERS-TLS1.3:+VERS-TLS1.2:+AES-256-GCM:+CHACHA20-POLY1305:+AES-128-GCM:+AEAD:"
	"+ECDHE-ECDSA:+ECDHE-RSA:+GROUP-X25519:+GROUP-SECP256R1:+GROUP-SECP384R1:+GROUP-SECP521R1:"
	"+SIGN-ECDSA-SECP256R1-SHA256:+SIGN-ECDSA-SECP384R1-SHA384:+SIGN-ECDSA-SECP521R1-SHA512:"
	"+SIGN-ECDSA-SHA256:+SIGN-ECDSA-SHA384:+SIGN-ECDSA-SHA512:+SIGN-EDDSA-ED25519:"
	"+SIGN-EDDSA-ED448:+SIGN-RSA-PSS-RSAE-SHA256:+SIGN-RSA-PSS-RSAE-SHA384:"
	"+SIGN-RSA-PSS-RSAE-SHA512:+SIGN-RSA-PSS-SHA256:+SIGN-RSA-PSS-SHA384:+SIGN-RSA-PSS-SHA512:"
	"+SIGN-RSA-SHA256:+SIGN-RSA-SHA384:+SIGN-RSA-SHA512:+CTYPE-X509:+COMP-NULL:"
	"%SERVER_PRECEDENCE";

struct tls {
	gnutls_session_t session;
	gnutls_certificate_credentials_t credentials;
	gnutls_priority_t priority;
	struct signer signer;
	int socket;
	struct buf records; /* for the socket */
	size_t burst; /* plain bytes since everything was sent last */
	unsigned int alerts;
	const char *reason;
};

static ssize_t push(gnutls_transport_ptr_t transport, const void *data, size_t len)
{
	struct tls *tls = transport;

	buf_put(&tls->records, data, len);
	if (buf_error(&tls->records)) {
		gnutls_transport_set_errno(tls->session, EIO);
		return -1;
	}
	return (ssize_t)len;
}

static ssize_t pull(gnutls_transport_ptr_t transport, void *data, size_t len)
{
	struct tls *tls = transport;
	ssize_t n = recv(tls->socket, data, len, MSG_DONTWAIT);

	if (n < 0)
		gnutls_transport_set_errno(tls->session, errno);
	return n;
}

/* The socket never blocks, so there is nothing to wait for. */
static int pull_timeout(gnutls_transport_ptr_t transport, unsigned int ms)
{
	(void)transport;
	(void)ms;
	return 1;
}

static int fail(struct tls *tls, int code)
{
	tls->reason = gnutls_strerror(code);
	return -EPROTO;
}

static int read_chain(struct tls *tls, const char *pem, gnutls_pcert_st *ret_chain,
		      unsigned int *ret_count)
{
	gnutls_datum_t data = {(unsigned char *)(uintptr_t)pem, (unsigned int)strlen(pem)};
	unsigned int count = CHAIN_MAX;
	int r = gnutls_pcert_list_import_x509_raw(ret_chain, &count, &data, GNUTLS_X509_FMT_PEM, 0);
	unsigned int bits = 0;

	if (r < 0 || count == 0)
		return -EINVAL;
	r = gnutls_pubkey_get_pk_algorithm(ret_chain[0].pubkey, &bits);
	tls->signer.algorithm = (gnutls_pk_algorithm_t)r;
	tls->signer.bits = bits;
	*ret_count = count;
	return 0;
}

static int make_credentials(struct tls *tls, const char *pem)
{
	gnutls_pcert_st chain[CHAIN_MAX];
	gnutls_privkey_t key;
	unsigned int count;
	int r = read_chain(tls, pem, chain, &count);

	if (r < 0)
		return r;
	if (gnutls_certificate_allocate_credentials(&tls->credentials) < 0)
		return -ENOMEM;
	/* The key is not here to be compared; keyd did that when it was loaded. */
	gnutls_certificate_set_flags(tls->credentials, GNUTLS_CERTIFICATE_SKIP_KEY_CERT_MATCH);
	if (signer_make_key(&tls->signer, &key) < 0)
		return -ENOMEM;
	/* Takes key and chain. */
	r = gnutls_certificate_set_key(tls->credentials, NULL, 0, chain, (int)count, key);
	if (r < 0) {
		gnutls_privkey_deinit(key);
		return -EINVAL;
	}
	return 0;
}

static int make_session(struct tls *tls)
{
	/* No tickets: each connection costs one signature, and nothing outlives it. */
	unsigned int flags = GNUTLS_SERVER | GNUTLS_NONBLOCK | GNUTLS_NO_SIGNAL | GNUTLS_NO_TICKETS;

	if (gnutls_priority_init(&tls->priority, priorities, NULL) < 0)
		return -EINVAL;
	if (gnutls_init(&tls->session, flags) < 0 ||
	    gnutls_priority_set(tls->session, tls->priority) < 0 ||
	    gnutls_credentials_set(tls->session, GNUTLS_CRD_CERTIFICATE, tls->credentials) < 0)
		return -ENOMEM;
	gnutls_certificate_server_set_request(tls->session, GNUTLS_CERT_IGNORE);
	gnutls_handshake_set_max_packet_length(tls->session, GATEWAY_HANDSHAKE_MAX);
	/* The deadline of the handshake is the caller's. */
	gnutls_handshake_set_timeout(tls->session, GNUTLS_INDEFINITE_TIMEOUT);
	gnutls_transport_set_ptr(tls->session, tls);
	gnutls_transport_set_push_function(tls->session, push);
	gnutls_transport_set_pull_function(tls->session, pull);
	gnutls_transport_set_pull_timeout_function(tls->session, pull_timeout);
	return 0;
}

int tls_create(int socket, int keyd, const char *chain_pem, struct tls **ret_tls)
{
	struct tls *tls = calloc(1, sizeof(*tls));
	int r;

	if (!tls)
		return -ENOMEM;
	tls->socket = socket;
	tls->signer.keyd = keyd;
	buf_init(&tls->records, GATEWAY_RECORDS_MAX);
	r = make_credentials(tls, chain_pem);
	if (r == 0)
		r = make_session(tls);
	if (r < 0) {
		tls_destroy(tls);
		return r;
	}
	*ret_tls = tls;
	return 0;
}

void tls_destroy(struct tls *tls)
{
	if (!tls)
		return;
	if (tls->session)
		gnutls_deinit(tls->session);
	if (tls->credentials)
		gnutls_certificate_free_credentials(tls->credentials);
	if (tls->priority)
		gnutls_priority_deinit(tls->priority);
	buf_finish(&tls->records);
	free(tls);
}

/* Whether a warning may be passed over; there is a limit to that too. */
static bool passable(struct tls *tls, int code)
{
	return code == GNUTLS_E_WARNING_ALERT_RECEIVED && ++tls->alerts <= GATEWAY_ALERTS_MAX;
}

int tls_handshake(struct tls *tls)
{
	int r;

	do
		r = gnutls_handshake(tls->session);
	while (r == GNUTLS_E_INTERRUPTED || passable(tls, r));
	if (r == GNUTLS_E_AGAIN)
		return 0;
	if (r < 0) {
		/* Says why, as far as TLS has words for it. */
		gnutls_alert_send_appropriate(tls->session, r);
		return fail(tls, r);
	}
	return 1;
}

const char *tls_version(const struct tls *tls)
{
	return gnutls_protocol_get_name(gnutls_protocol_get_version(tls->session));
}

const char *tls_cipher(const struct tls *tls)
{
	return gnutls_cipher_get_name(gnutls_cipher_get(tls->session));
}

ssize_t tls_read(struct tls *tls, struct buf *in, size_t max)
{
	size_t room = MIN(max, in->cap - buf_len(in));
	uint8_t *p = room > 0 ? buf_reserve(in, room) : NULL;
	ssize_t n;

	if (!p)
		return -ENOBUFS;
	do
		n = gnutls_record_recv(tls->session, p, room);
	while (n == GNUTLS_E_INTERRUPTED || passable(tls, (int)n));
	if (n > 0) {
		buf_added(in, (size_t)n);
		return n;
	}
	if (n == 0)
		return -EPIPE;
	if (n == GNUTLS_E_AGAIN)
		return -EAGAIN;
	if (n == GNUTLS_E_PREMATURE_TERMINATION || n == GNUTLS_E_PULL_ERROR)
		return -ECONNRESET;
	/* A wish to negotiate anew comes here too: keyd would not sign again. */
	return fail(tls, (int)n);
}

static size_t record_size(const struct tls *tls)
{
	if (tls->burst < PACKETS_BYTES)
		return RECORD_PACKET;
	return tls->burst < MIDDLE_BYTES ? RECORD_MIDDLE : RECORD_MAX;
}

int tls_write(struct tls *tls, struct buf *plain)
{
	if (buf_len(&tls->records) == 0)
		tls->burst = 0;
	while (buf_len(plain) > 0 && buf_len(&tls->records) < GATEWAY_RECORDS_HIGH) {
		size_t len = MIN(buf_len(plain), record_size(tls));
		ssize_t n = gnutls_record_send(tls->session, buf_data(plain), len);

		if (n == GNUTLS_E_INTERRUPTED || n == GNUTLS_E_AGAIN)
			continue;
		if (n < 0)
			return fail(tls, (int)n);
		buf_consume(plain, (size_t)n);
		tls->burst += (size_t)n;
	}
	return 0;
}

void tls_bye(struct tls *tls)
{
	(void)gnutls_bye(tls->session, GNUTLS_SHUT_WR);
}

ssize_t tls_flush(struct tls *tls)
{
	size_t sent = 0;

	while (buf_len(&tls->records) > 0) {
		ssize_t n = buf_write_fd(&tls->records, tls->socket);

		if (n == -EAGAIN)
			break;
		if (n < 0)
			return n;
		sent += (size_t)n;
	}
	return sent > 0 ? (ssize_t)sent : -EAGAIN;
}

size_t tls_waiting(const struct tls *tls)
{
	return buf_len(&tls->records);
}

const char *tls_reason(const struct tls *tls)
{
	return tls->reason ? tls->reason : "";
}
