/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/probe_link.h"

#include <errno.h>
#include <ifaddrs.h>
#include <linux/errqueue.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/str.h"

#define PRIORITY "NORMAL"
#define PRIORITY_ANONYMOUS "NORMAL:-VERS-TLS1.3:+ANON-ECDH:+ANON-DH"

#define OWN_FILTER "by our own packet filter: the contract does not open it"

/* NRPE is tried in three ways. */
#define PREPARED_MAX 3

static int prepared[PREPARED_MAX];
static size_t n_prepared;

union any_address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
	struct sockaddr_storage room;
};

static socklen_t to_sockaddr(const struct network *address, uint16_t port, union any_address *ret)
{
	*ret = (union any_address){0};
	ret->any.sa_family = address->family;
	if (address->family == AF_INET) {
		ret->v4.sin_port = htons(port);
		memcpy(&ret->v4.sin_addr, address->addr, 4);
		return sizeof(ret->v4);
	}
	ret->v6.sin6_port = htons(port);
	memcpy(&ret->v6.sin6_addr, address->addr, 16);
	return sizeof(ret->v6);
}

/* Waits for the socket; -ETIMEDOUT. */
static int wait_for(const struct probe_link *link, short events)
{
	struct pollfd fd = {.fd = link->fd, .events = events};

	for (;;) {
		uint64_t now = clock_now();
		int n;

		if (now >= link->deadline)
			return -ETIMEDOUT;
		n = poll(&fd, 1, (int)((link->deadline - now) / USEC_PER_MSEC) + 1);
		if (n > 0)
			return 0;
		if (n < 0 && errno != EINTR)
			return -errno;
	}
}

/* The sender of an ICMP message that waits in the socket's queue of errors; false if none does. */
static bool icmp_sender(const struct probe_link *link, struct network *ret_sender)
{
	union {
		struct cmsghdr align;
		char room[512];
	} control;
	char data[64];
	struct iovec iov = {data, sizeof(data)};
	struct msghdr message = {.msg_iov = &iov,
				 .msg_iovlen = 1,
				 .msg_control = &control,
				 .msg_controllen = sizeof(control)};

	if (recvmsg(link->fd, &message, MSG_ERRQUEUE | MSG_DONTWAIT) < 0)
		return false;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&message); c; c = CMSG_NXTHDR(&message, c)) {
		struct {
			struct sock_extended_err error;
			union any_address sender;
		} record = {0};

		memcpy(&record, CMSG_DATA(c), MIN(c->cmsg_len - CMSG_LEN(0), sizeof(record)));
		if ((record.error.ee_origin == SO_EE_ORIGIN_ICMP ||
		     record.error.ee_origin == SO_EE_ORIGIN_ICMP6) &&
		    network_from_sockaddr(&record.sender.any, ret_sender) == 0)
			return true;
	}
	return false;
}

/* An address of this host, or of the cell that we are in. */
static bool is_own(const struct network *address)
{
	struct ifaddrs *all;
	bool found = false;

	if (getifaddrs(&all) < 0)
		return false;
	for (const struct ifaddrs *entry = all; entry && !found; entry = entry->ifa_next) {
		struct network own;

		found = entry->ifa_addr && network_from_sockaddr(entry->ifa_addr, &own) == 0 &&
			network_compare(&own, address) == 0;
	}
	freeifaddrs(all);
	return found;
}

void probe_link_judge(const struct probe_link *link, int error, struct probe_result *result)
{
	struct network sender;
	bool icmp = link->fd >= 0 && icmp_sender(link, &sender);
	bool on_the_way = icmp && network_compare(&sender, &link->peer) != 0;
	char text[NETWORK_TEXT_MAX];

	result->detail[0] = '\0';
	switch (-error) {
	case ECONNREFUSED:
		result->verdict = on_the_way ? PROBE_FILTERED : PROBE_REFUSED;
		break;
	case ETIMEDOUT:
		result->verdict = PROBE_FILTERED;
		snprintf(result->detail, sizeof(result->detail), "no answer");
		break;
	case EPERM:
		result->verdict = PROBE_FILTERED;
		snprintf(result->detail, sizeof(result->detail), OWN_FILTER);
		break;
	case EACCES:
	case EHOSTUNREACH:
	case ENETUNREACH:
	case ENETDOWN:
	case EADDRNOTAVAIL:
	case EAFNOSUPPORT:
		result->verdict = icmp ? PROBE_FILTERED : PROBE_UNREACHABLE;
		snprintf(result->detail, sizeof(result->detail), "%s", strerror(-error));
		break;
	default:
		result->verdict = PROBE_UNTRIED;
		snprintf(result->detail, sizeof(result->detail), "%s", strerror(-error));
	}
	if (icmp && result->verdict == PROBE_FILTERED && is_own(&sender))
		snprintf(result->detail, sizeof(result->detail), OWN_FILTER);
	else if (icmp && result->verdict == PROBE_FILTERED)
		snprintf(result->detail, sizeof(result->detail), "rejected by %s",
			 network_format(&sender, text));
}

static int open_socket(const struct probe_job *job)
{
	int type = job->proto == PROTO_TCP ? SOCK_STREAM : SOCK_DGRAM;
	int fd = socket(job->address.family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	return fd < 0 ? -errno : fd;
}

void probe_link_prepare(const struct probe_job *job)
{
	while (n_prepared < PREPARED_MAX) {
		int fd = open_socket(job);

		if (fd < 0)
			break;
		prepared[n_prepared++] = fd;
	}
}

static int take_socket(const struct probe_job *job)
{
	return n_prepared > 0 ? prepared[--n_prepared] : open_socket(job);
}

static int connect_socket(struct probe_link *link, const struct probe_job *job)
{
	bool v6 = job->address.family == AF_INET6;
	const int on = 1;
	int error = 0;
	socklen_t len = sizeof(error);
	union any_address to;
	socklen_t to_len = to_sockaddr(&job->address, job->port, &to);
	int r;

	link->fd = take_socket(job);
	if (link->fd < 0) {
		r = link->fd;
		link->fd = -1;
		return r;
	}
	/* Tells who rejects; without it a filter's rejection looks like a closed port. */
	(void)setsockopt(link->fd, v6 ? IPPROTO_IPV6 : IPPROTO_IP, v6 ? IPV6_RECVERR : IP_RECVERR,
			 &on, sizeof(on));
	if (connect(link->fd, &to.any, to_len) == 0)
		return 0;
	if (errno != EINPROGRESS)
		return -errno;
	r = wait_for(link, POLLOUT);
	if (r < 0)
		return r;
	if (getsockopt(link->fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0)
		return -errno;
	return -error;
}

int probe_link_open(struct probe_link *link, const struct probe_job *job,
		    struct probe_result *result)
{
	int r;

	*link = (struct probe_link)PROBE_LINK_NONE;
	link->peer = job->address;
	link->deadline = clock_now() + job->timeout_ms * USEC_PER_MSEC;
	r = connect_socket(link, job);
	if (r < 0) {
		probe_link_judge(link, r, result);
		probe_link_close(link);
		return r;
	}
	/* From here on it is the peer's turn, with its own time. */
	link->deadline = clock_now() + job->timeout_ms * USEC_PER_MSEC;
	return 0;
}

void probe_link_close(struct probe_link *link)
{
	if (link->tls)
		gnutls_deinit(link->tls);
	if (link->certificates)
		gnutls_certificate_free_credentials(link->certificates);
	if (link->anonymous)
		gnutls_anon_free_client_credentials(link->anonymous);
	fd_close(link->fd);
	*link = (struct probe_link)PROBE_LINK_NONE;
}

static int prepare_tls(struct probe_link *link, const char *host, bool anonymous)
{
	int r = gnutls_init(&link->tls, GNUTLS_CLIENT | GNUTLS_NONBLOCK | GNUTLS_NO_SIGNAL);

	if (r == 0)
		r = gnutls_certificate_allocate_credentials(&link->certificates);
	if (r == 0)
		r = gnutls_anon_allocate_client_credentials(&link->anonymous);
	if (r == 0)
		r = gnutls_priority_set_direct(link->tls, anonymous ? PRIORITY_ANONYMOUS : PRIORITY,
					       NULL);
	if (r == 0)
		r = gnutls_credentials_set(link->tls, GNUTLS_CRD_CERTIFICATE, link->certificates);
	if (r == 0)
		r = gnutls_credentials_set(link->tls, GNUTLS_CRD_ANON, link->anonymous);
	if (r == 0 && host[0])
		r = gnutls_server_name_set(link->tls, GNUTLS_NAME_DNS, host, strlen(host));
	if (r < 0)
		return -ENOMEM;
	gnutls_transport_set_int(link->tls, link->fd);
	return 0;
}

/* What a failed call of TLS means, or 0 if it only has to be made again. */
static int tls_error(struct probe_link *link, int r)
{
	if (r == GNUTLS_E_AGAIN)
		return wait_for(link, gnutls_record_get_direction(link->tls) ? POLLOUT : POLLIN);
	/* Warnings without end are no reason to listen without end. */
	if (gnutls_error_is_fatal(r) == 0)
		return clock_now() < link->deadline ? 0 : -ETIMEDOUT;
	if (gnutls_certificate_client_get_request_status(link->tls))
		return -ENOKEY;
	return r == GNUTLS_E_PREMATURE_TERMINATION ? -EPIPE : -EPROTO;
}

int probe_link_start_tls(struct probe_link *link, const char *host, bool anonymous)
{
	int r = prepare_tls(link, host, anonymous);

	while (r == 0) {
		int done = gnutls_handshake(link->tls);

		if (done == GNUTLS_E_SUCCESS)
			return 0;
		r = tls_error(link, done);
	}
	return r;
}

const char *probe_link_tls_name(const struct probe_link *link)
{
	const char *name = gnutls_protocol_get_name(gnutls_protocol_get_version(link->tls));

	return name ? name : "TLS";
}

static ssize_t send_some(struct probe_link *link, const void *data, size_t len)
{
	ssize_t n;
	int r;

	if (link->tls) {
		n = gnutls_record_send(link->tls, data, len);
		r = n < 0 ? tls_error(link, (int)n) : 0;
	} else {
		n = send(link->fd, data, len, MSG_NOSIGNAL);
		r = n < 0 ? -errno : 0;
		if (r == -EAGAIN || r == -EINTR)
			r = wait_for(link, POLLOUT);
	}
	return r < 0 ? r : MAX(n, 0);
}

int probe_link_send(struct probe_link *link, const void *data, size_t len)
{
	const char *rest = data;

	while (len > 0) {
		ssize_t n = send_some(link, rest, len);

		if (n < 0)
			return (int)n;
		rest += n;
		len -= (size_t)n;
	}
	return 0;
}

ssize_t probe_link_recv(struct probe_link *link, void *data, size_t size)
{
	int r = 0;

	while (r == 0) {
		ssize_t n;

		if (link->tls) {
			n = gnutls_record_recv(link->tls, data, size);
			/* In version 1.3 who misses a certificate may just say goodbye. */
			if (n == 0 && gnutls_certificate_client_get_request_status(link->tls))
				return -ENOKEY;
			if (n >= 0)
				return n;
			r = tls_error(link, (int)n);
			continue;
		}
		n = recv(link->fd, data, size, MSG_DONTWAIT);
		if (n >= 0)
			return n;
		r = errno == EAGAIN || errno == EINTR ? wait_for(link, POLLIN) : -errno;
	}
	return r;
}
