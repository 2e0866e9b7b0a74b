/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One connection of an attempt: every call ends by its deadline. */
#ifndef LAZARET_NET_PROBE_LINK_H
#define LAZARET_NET_PROBE_LINK_H

#include <gnutls/gnutls.h>

#include "net/probe.h"

struct probe_link {
	int fd; /* non-blocking; -1: closed */
	uint64_t deadline; /* monotonic us; of what is done next */
	struct network peer;
	gnutls_session_t tls; /* NULL: plain */
	gnutls_certificate_credentials_t certificates;
	gnutls_anon_client_credentials_t anonymous;
};

#define PROBE_LINK_NONE  \
	{                \
		.fd = -1 \
	}

/*
 * Opens the sockets of a job's connections while we still are who it is tried as: whose a socket is, is
 * settled when it is made (meta skuid of nftables), so that root need not talk to a peer.
 */
void probe_link_prepare(const struct probe_job *job);

/*
 * Connects a socket that was prepared, or one of this process. 0, or the negative errno that probe_link_judge()
 * was told; *result then says what it means.
 */
NODISCARD int probe_link_open(struct probe_link *link, const struct probe_job *job,
			      struct probe_result *result);
void probe_link_close(struct probe_link *link);
#define _cleanup_link_ CLEANUP(probe_link_close)

/*
 * TLS from here on, whoever the peer is: its certificate is not looked at. `anonymous`: without
 * certificates and below version 1.3, as some daemons have it. -EPROTO if that is no TLS server,
 * -ENOKEY if it is one and wants a certificate of ours; -ETIMEDOUT, -EPIPE.
 */
NODISCARD int probe_link_start_tls(struct probe_link *link, const char *host, bool anonymous);
/* "TLS 1.3" */
const char *probe_link_tls_name(const struct probe_link *link);

NODISCARD int probe_link_send(struct probe_link *link, const void *data, size_t len);
/* How much came, 0 at the end; -ETIMEDOUT, -ENOKEY, or what the kernel says. */
NODISCARD ssize_t probe_link_recv(struct probe_link *link, void *data, size_t size);

/* What a failed call on the socket means: refused, filtered (by whom), no way. */
void probe_link_judge(const struct probe_link *link, int error, struct probe_result *result);

#endif
