/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Trying: many sockets at once, each until it answers, fails or its time is up. */
#include "probe/probe.h"

#include <errno.h>
#include <linux/errqueue.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

static void finish(struct attempt *attempt, enum found found)
{
	attempt->found = found;
	attempt->ms = (unsigned int)(now_ms() - attempt->started);
	if (attempt->fd >= 0)
		close(attempt->fd);
	attempt->fd = -1;
}

/*
 * Who sent the ICMP message that made a call fail: true if somebody on the way, not the host that
 * we try. A packet filter that rejects looks like a closed port otherwise.
 */
static bool from_the_way(struct attempt *attempt)
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

	if (recvmsg(attempt->fd, &message, MSG_ERRQUEUE | MSG_DONTWAIT) < 0)
		return false;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&message); c; c = CMSG_NXTHDR(&message, c)) {
		struct {
			struct sock_extended_err error;
			struct sockaddr_storage room;
		} record = {0};
		size_t len = c->cmsg_len - CMSG_LEN(0);
		char name[ADDRESS_MAX];

		memcpy(&record, CMSG_DATA(c), len < sizeof(record) ? len : sizeof(record));
		if (record.error.ee_origin != SO_EE_ORIGIN_ICMP &&
		    record.error.ee_origin != SO_EE_ORIGIN_ICMP6)
			continue;
		if (record.room.ss_family != AF_INET && record.room.ss_family != AF_INET6)
			continue;
		format_address(&record.room, name);
		snprintf(attempt->note, sizeof(attempt->note), "says %s", name);
		return !same_address(&record.room, &attempt->to.any);
	}
	return false;
}

static void fail(struct attempt *attempt, int error)
{
	bool on_the_way = attempt->fd >= 0 && from_the_way(attempt);

	switch (error) {
	case ECONNREFUSED:
	case ECONNRESET:
		finish(attempt, on_the_way ? FOUND_REJECTED : FOUND_CLOSED);
		break;
	case ETIMEDOUT:
		finish(attempt, FOUND_FILTERED);
		break;
	case EHOSTUNREACH:
	case ENETUNREACH:
	case EACCES:
	case EPERM:
	case ENETDOWN:
	case EADDRNOTAVAIL:
		if (!attempt->note[0])
			snprintf(attempt->note, sizeof(attempt->note), "%s", strerror(error));
		finish(attempt, FOUND_REJECTED);
		break;
	default:
		snprintf(attempt->note, sizeof(attempt->note), "%s", strerror(error));
		finish(attempt, FOUND_BROKEN);
	}
}

/* A datagram that a service on that port answers. */
static size_t question(uint16_t port, unsigned char out[64])
{
	/* The name servers of the root; every resolver knows or refuses. */
	static const unsigned char dns[] = {0x4c, 0x5a, 1, 0, 0, 1, 0, 0, 0,
					    0,    0,    0, 0, 0, 2, 0, 1};
	/* SNMPv3 (RFC 3414 section 4): whoever speaks it reports its engine to anybody. */
	static const unsigned char snmp[] = {
		0x30, 0x3a, 0x02, 0x01, 0x03, 0x30, 0x0f, 0x02, 0x02, 0x4a, 0x69, 0x02,
		0x03, 0x00, 0xff, 0xe3, 0x04, 0x01, 0x04, 0x02, 0x01, 0x03, 0x04, 0x10,
		0x30, 0x0e, 0x04, 0x00, 0x02, 0x01, 0x00, 0x02, 0x01, 0x00, 0x04, 0x00,
		0x04, 0x00, 0x04, 0x00, 0x30, 0x12, 0x04, 0x00, 0x04, 0x00, 0xa0, 0x0c,
		0x02, 0x02, 0x37, 0xf0, 0x02, 0x01, 0x00, 0x02, 0x01, 0x00, 0x30, 0x00,
	};

	if (port == 53) {
		memcpy(out, dns, sizeof(dns));
		return sizeof(dns);
	}
	if (port == 161) {
		memcpy(out, snmp, sizeof(snmp));
		return sizeof(snmp);
	}
	memset(out, 0, 64);
	if (port == 123) {
		out[0] = 0x23; /* NTP version 4, a client (RFC 5905 section 7.3) */
		return 48;
	}
	return 1;
}

static void send_question(struct attempt *attempt, const struct options *options)
{
	unsigned char data[64];
	size_t len = question(attempt->port, data);

	attempt->sends++;
	attempt->next_send = now_ms() + options->timeout_ms / UDP_SENDS;
	if (send(attempt->fd, data, len, MSG_NOSIGNAL) < 0 && errno != EAGAIN)
		fail(attempt, errno);
}

static void begin(struct attempt *attempt, const struct options *options)
{
	const int on = 1;
	bool v6 = attempt->to.any.ss_family == AF_INET6;

	attempt->started = now_ms();
	attempt->deadline = attempt->started + options->timeout_ms;
	attempt->next_send = attempt->deadline;
	attempt->fd = socket(attempt->to.any.ss_family,
			     (attempt->proto == PROTO_TCP ? SOCK_STREAM : SOCK_DGRAM) |
				     SOCK_NONBLOCK | SOCK_CLOEXEC,
			     0);
	if (attempt->fd < 0) {
		fail(attempt, errno == EAFNOSUPPORT ? ENETUNREACH : errno);
		return;
	}
	/* Without it a filter's rejection could not be told from a closed port; not vital. */
	(void)setsockopt(attempt->fd, v6 ? IPPROTO_IPV6 : IPPROTO_IP,
			 v6 ? IPV6_RECVERR : IP_RECVERR, &on, sizeof(on));
	if (connect(attempt->fd, (const struct sockaddr *)&attempt->to.any, attempt->to.len) < 0 &&
	    errno != EINPROGRESS) {
		fail(attempt, errno);
		return;
	}
	if (attempt->proto == PROTO_UDP)
		send_question(attempt, options);
}

static void judge_greeting(struct attempt *attempt)
{
	size_t len = strlen(attempt->greeting);

	if (attempt->n_got >= len && memcmp(attempt->got, attempt->greeting, len) == 0) {
		finish(attempt, FOUND_OPEN);
		return;
	}
	for (size_t i = 0; i < attempt->n_got; i++) {
		if (attempt->got[i] < ' ' || attempt->got[i] > '~')
			attempt->got[i] = '.';
	}
	snprintf(attempt->note, sizeof(attempt->note), "no %s: \"%.*s\"",
		 attempt->greeting[0] == 'R' ? "RFB" : "SSH", (int)attempt->n_got, attempt->got);
	finish(attempt, FOUND_WRONG);
}

static void read_greeting(struct attempt *attempt)
{
	ssize_t n = recv(attempt->fd, attempt->got + attempt->n_got,
			 sizeof(attempt->got) - attempt->n_got, MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n > 0)
		attempt->n_got += (size_t)n;
	if (n <= 0 || attempt->n_got >= strlen(attempt->greeting))
		judge_greeting(attempt);
}

static void handle_tcp(struct attempt *attempt, short events)
{
	int error = 0;
	socklen_t len = sizeof(error);

	if (!attempt->connected) {
		if (getsockopt(attempt->fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0)
			error = errno;
		if (error == 0 && !(events & POLLOUT))
			return;
		if (error != 0) {
			fail(attempt, error);
			return;
		}
		attempt->connected = true;
		if (!attempt->greeting) {
			finish(attempt, FOUND_OPEN);
			return;
		}
	}
	if (events & (POLLIN | POLLHUP | POLLERR))
		read_greeting(attempt);
}

static void handle_udp(struct attempt *attempt)
{
	char data[64];
	ssize_t n = recv(attempt->fd, data, sizeof(data), MSG_DONTWAIT);

	if (n >= 0)
		finish(attempt, FOUND_OPEN);
	else if (errno != EAGAIN && errno != EINTR)
		fail(attempt, errno);
}

static void handle_time(struct attempt *attempt, const struct options *options)
{
	uint64_t now = now_ms();

	if (now >= attempt->deadline) {
		if (attempt->connected)
			judge_greeting(attempt);
		else
			finish(attempt, FOUND_FILTERED);
	} else if (attempt->proto == PROTO_UDP && now >= attempt->next_send &&
		   attempt->sends < UDP_SENDS) {
		send_question(attempt, options);
	}
}

static bool wait_for(struct attempt **active, size_t n, const struct options *options)
{
	static struct pollfd fds[PARALLEL_MAX];
	uint64_t now = now_ms(), next = now + options->timeout_ms;

	for (size_t i = 0; i < n; i++) {
		const struct attempt *attempt = active[i];
		short events = POLLIN;

		if (attempt->proto == PROTO_TCP && !attempt->connected)
			events = POLLOUT;
		fds[i] = (struct pollfd){.fd = attempt->fd, .events = events};
		if (attempt->deadline < next)
			next = attempt->deadline;
		if (attempt->sends < UDP_SENDS && attempt->next_send < next)
			next = attempt->next_send;
	}
	if (poll(fds, n, next > now ? (int)(next - now) : 0) < 0 && errno != EINTR)
		return false;
	for (size_t i = 0; i < n; i++) {
		if (fds[i].revents && active[i]->proto == PROTO_TCP)
			handle_tcp(active[i], fds[i].revents);
		else if (fds[i].revents)
			handle_udp(active[i]);
		if (active[i]->fd >= 0)
			handle_time(active[i], options);
	}
	return true;
}

bool try_all(struct plan *plan, const struct options *options)
{
	static struct attempt *active[PARALLEL_MAX];
	size_t next = 0, n = 0;

	while (next < plan->n || n > 0) {
		size_t kept = 0;

		while (n < options->parallel && next < plan->n) {
			active[n] = &plan->attempts[next++];
			begin(active[n], options);
			n += active[n]->fd >= 0;
		}
		if (n > 0 && !wait_for(active, n, options))
			return false;
		for (size_t i = 0; i < n; i++) {
			if (active[i]->fd >= 0)
				active[kept++] = active[i];
		}
		n = kept;
	}
	return true;
}
