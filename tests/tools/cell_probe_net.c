/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What can be reached from a cell, by TCP, UDP and Unix sockets. */
#include "cell_probe.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/str.h"

#ifndef IPV6_FREEBIND
#define IPV6_FREEBIND 78
#endif
#define WAIT_MS 1500
#define SCAN_MAX 1100

struct address {
	struct sockaddr_storage sa;
	socklen_t len;
	int family;
};

/* Numbers only: names would ask a name server first. "fe80::1%eth0" names a link. */
static int parse(const char *host, long port, struct address *ret)
{
	char service[16];
	const struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV,
				       .ai_socktype = SOCK_STREAM};
	struct addrinfo *found;

	snprintf(service, sizeof(service), "%ld", port);
	if (getaddrinfo(host, service, &hints, &found) != 0)
		return -EINVAL;
	memcpy(&ret->sa, found->ai_addr, found->ai_addrlen);
	ret->len = found->ai_addrlen;
	ret->family = found->ai_family;
	freeaddrinfo(found);
	return 0;
}

static int start_connect(const struct address *to, int *ret_fd)
{
	int fd = socket(to->family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	if (connect(fd, (const struct sockaddr *)&to->sa, to->len) < 0 && errno != EINPROGRESS) {
		int r = -errno;

		close(fd);
		return r;
	}
	*ret_fd = fd;
	return 0;
}

static int outcome(int fd)
{
	int error = 0;
	socklen_t len = sizeof(error);

	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0)
		return -errno;
	return -error;
}

static int wait_for(int fd, short events, int ms)
{
	struct pollfd p = {fd, events, 0};
	int n = poll(&p, 1, ms);

	return n < 0 ? -errno : n == 0 ? -ETIMEDOUT : 0;
}

/* connect PORT MS HOST… */
int probe_connect(const struct order *order)
{
	long port = order_number(order, 0, 80);
	int ms = (int)order_number(order, 1, WAIT_MS);

	for (int i = 2; i < order->argc; i++) {
		struct address to;
		int fd = -1, r = parse(order->argv[i], port, &to);

		if (r == 0)
			r = start_connect(&to, &fd);
		if (r == 0)
			r = wait_for(fd, POLLOUT, ms);
		if (r == 0)
			r = outcome(fd);
		if (fd >= 0)
			close(fd);
		report(r, "tcp %s %ld", order->argv[i], port);
	}
	return 0;
}

/*
 * scan HOST LOW HIGH MS: all at once. What was answered, with a connection or a reset, is open: the
 * packet reached somebody.
 */
int probe_scan(const struct order *order)
{
	static struct pollfd fds[SCAN_MAX];
	long low = order_number(order, 1, 1), high = order_number(order, 2, 1024);
	uint64_t end = clock_now() + (uint64_t)order_number(order, 3, WAIT_MS) * 1000;
	int n = (int)MIN(high - low + 1, SCAN_MAX), left = 0, silent = 0, refused = 0;

	for (int i = 0; i < n; i++) {
		struct address to;
		int r = parse(order->argv[0], low + i, &to);

		fds[i] = (struct pollfd){.fd = -1, .events = POLLOUT};
		if (r == 0)
			r = start_connect(&to, &fds[i].fd);
		left += r == 0;
		if (r == -ECONNREFUSED)
			report(0, "scan %s %ld", order->argv[0], low + i);
		else if (r < 0)
			refused++;
	}
	while (left > 0 && clock_now() < end && poll(fds, (nfds_t)n, 50) >= 0) {
		for (int i = 0; i < n; i++) {
			int r;

			if (fds[i].fd < 0 || !fds[i].revents)
				continue;
			r = outcome(fds[i].fd);
			close(fds[i].fd);
			fds[i].fd = -1;
			left--;
			if (r == 0 || r == -ECONNREFUSED)
				report(0, "scan %s %ld", order->argv[0], low + i);
			else
				refused++;
		}
	}
	silent = left;
	tell("scanned", "%d %d %d", n, refused, silent);
	return 0;
}

/* A forged sender: both families let a socket have an address that nobody here has. */
static int bind_forged(int fd, const struct address *from)
{
	int on = 1;
	int r = from->family == AF_INET6
			? setsockopt(fd, IPPROTO_IPV6, IPV6_FREEBIND, &on, sizeof(on))
			: setsockopt(fd, IPPROTO_IP, IP_FREEBIND, &on, sizeof(on));

	if (r < 0)
		return -errno;
	return bind(fd, (const struct sockaddr *)&from->sa, from->len) < 0 ? -errno : 0;
}

/* A question for the A records of test., which the sham name server answers. */
static const char question[] = "\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x04test\x00\x00"
			       "\x01\x00\x01";

/* udp PORT MS SENDER|- HOST…: sends a DNS question; open when an answer comes. */
int probe_udp(const struct order *order)
{
	long port = order_number(order, 0, 53);
	int ms = (int)order_number(order, 1, WAIT_MS);
	const char *sender = order->argc > 2 ? order->argv[2] : "-";

	for (int i = 3; i < order->argc; i++) {
		struct address to, from;
		char answer[512];
		int fd = -1, r = parse(order->argv[i], port, &to);

		if (r == 0) {
			fd = socket(to.family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
			r = fd < 0 ? -errno : 0;
		}
		if (r == 0 && !str_eq(sender, "-")) {
			r = parse(sender, 0, &from);
			if (r == 0)
				r = bind_forged(fd, &from);
		}
		if (r == 0 && (connect(fd, (const struct sockaddr *)&to.sa, to.len) < 0 ||
			       send(fd, question, sizeof(question) - 1, 0) < 0))
			r = -errno;
		if (r == 0)
			r = wait_for(fd, POLLIN, ms);
		if (r == 0 && recv(fd, answer, sizeof(answer), 0) < 0)
			r = -errno;
		if (fd >= 0)
			close(fd);
		report(r, "udp %s %ld", order->argv[i], port);
	}
	return 0;
}

/* listen ADDRESS PORT: says when it listens, and who comes; until the order's connection is closed. */
int probe_listen(const struct order *order)
{
	struct address at;
	int on = 1, fd = -1, r;

	r = parse(order->argc > 0 ? order->argv[0] : "::", order_number(order, 1, 80), &at);
	if (r == 0)
		fd = socket(at.family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (r == 0 && (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
		       bind(fd, (const struct sockaddr *)&at.sa, at.len) < 0 || listen(fd, 16) < 0))
		r = -errno;
	report(r, "listen");
	while (r == 0) {
		struct pollfd fds[] = {{fd, POLLIN, 0}, {1, 0, 0}};

		if (poll(fds, 2, -1) < 0 || fds[1].revents)
			return 0;
		if (accept(fd, NULL, NULL) >= 0)
			tell("came", "somebody");
	}
	return 0;
}

/* unix PATH…: "@name" is an abstract one. */
int probe_unix(const struct order *order)
{
	for (int i = 0; i < order->argc; i++) {
		struct sockaddr_un to = {.sun_family = AF_UNIX};
		int types[] = {SOCK_STREAM, SOCK_SEQPACKET, SOCK_DGRAM}, r = -EPROTOTYPE;
		size_t len = strlen(order->argv[i]);

		if (len >= sizeof(to.sun_path))
			continue;
		memcpy(to.sun_path, order->argv[i], len);
		if (to.sun_path[0] == '@')
			to.sun_path[0] = '\0';
		for (size_t t = 0; t < ARRAY_LEN(types) && r == -EPROTOTYPE; t++) {
			int fd = socket(AF_UNIX, types[t] | SOCK_CLOEXEC, 0);

			r = fd < 0 || connect(fd, (struct sockaddr *)&to,
					      (socklen_t)(offsetof(struct sockaddr_un, sun_path) +
							  len)) < 0
				    ? -errno
				    : 0;
			close(fd);
		}
		report(r, "unix %s", order->argv[i]);
	}
	return 0;
}

/* --- one's own network -------------------------------------------------------------------------- */

static int do_link_request(const void *data)
{
	const unsigned long *request = data;
	struct ifreq ifr = {.ifr_name = "eth0"};
	struct if_nameindex *links = if_nameindex();
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	for (struct if_nameindex *l = links; l && l->if_name; l++) {
		if (!str_eq(l->if_name, "lo"))
			snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", l->if_name);
	}
	if (*request == SIOCSIFADDR)
		((struct sockaddr_in *)&ifr.ifr_addr)->sin_family = AF_INET;
	return fd < 0 || ioctl(fd, *request, &ifr) < 0 ? -errno : 0;
}

/* Without a link named: what netlink would do to the link, the routes and the rules about them. */
static int do_netlink(const void *data)
{
	struct {
		struct nlmsghdr header;
		char body[64];
	} request = {.header = {.nlmsg_len = NLMSG_LENGTH(32),
				.nlmsg_type = *(const unsigned short *)data,
				.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE}};
	struct {
		struct nlmsghdr header;
		struct nlmsgerr error;
		char rest[512];
	} answer;
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);

	request.body[0] = AF_INET;
	if (fd < 0 || send(fd, &request, request.header.nlmsg_len, 0) < 0 ||
	    recv(fd, &answer, sizeof(answer), 0) < (ssize_t)NLMSG_LENGTH(sizeof(struct nlmsgerr)))
		return -errno;
	return answer.header.nlmsg_type == NLMSG_ERROR ? answer.error.error : 0;
}

/* network: nothing of the cell's own network can be changed from inside. */
int probe_network(const struct order *order)
{
	static const struct {
		const char *name;
		unsigned long request;
	} links[] = {
		{"address", SIOCSIFADDR}, {"flags", SIOCSIFFLAGS},     {"mtu", SIOCSIFMTU},
		{"name", SIOCSIFNAME},    {"hardware", SIOCSIFHWADDR},
	};
	static const struct {
		const char *name;
		unsigned short type;
	} messages[] = {
		{"new link", RTM_NEWLINK},       {"delete link", RTM_DELLINK},
		{"new address", RTM_NEWADDR},    {"new route", RTM_NEWROUTE},
		{"delete route", RTM_DELROUTE},  {"new rule", RTM_NEWRULE},
		{"new neighbour", RTM_NEWNEIGH}, {"new discipline", RTM_NEWQDISC},
		{"new filter", RTM_NEWTFILTER},
	};

	(void)order;
	for (size_t i = 0; i < ARRAY_LEN(links); i++)
		report(attempt(do_link_request, &links[i].request), "change %s", links[i].name);
	for (size_t i = 0; i < ARRAY_LEN(messages); i++)
		report(attempt(do_netlink, &messages[i].type), "%s", messages[i].name);
	return 0;
}
