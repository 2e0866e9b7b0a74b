/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The table of paths, and addresses. */
#include "probe/probe.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const zone_names[N_ZONES] = {
	"workstations", "administration", "monitoring", "dns", "internet",
};

#define PORTS(...)          \
	{                   \
		__VA_ARGS__ \
	}
#define UDPS(low, high, what)            \
	{                                \
		PROTO_UDP, (low), (high) \
	}
#define UDP(port, what) UDPS(port, port, what)
#define TCP(port, what)                   \
	{                                 \
		PROTO_TCP, (port), (port) \
	}
#define PATH(id, n, dir, who, in, opt, how, p, text, need, users, part, say, harm) \
	{.name = (n),                                                              \
	 .direction = DIRECTION_##dir,                                             \
	 .peer = ZONE_##who,                                                       \
	 .optional = (opt),                                                        \
	 .ports = p},
const struct row rows[] = {
#include "net/paths.def"
};
#undef PATH

const size_t n_rows = LEN(rows);
_Static_assert(LEN(rows) <= PATHS_MAX, "too many paths");

bool is_incoming(const struct row *row)
{
	return row->direction == DIRECTION_LAN || row->direction == DIRECTION_DMZ;
}

void set_port(struct address *address, uint16_t port)
{
	if (address->any.ss_family == AF_INET)
		((struct sockaddr_in *)&address->any)->sin_port = htons(port);
	else
		((struct sockaddr_in6 *)&address->any)->sin6_port = htons(port);
}

/* The address without its port. */
void format_address(const struct sockaddr_storage *any, char out[ADDRESS_MAX])
{
	const void *raw = any->ss_family == AF_INET
				  ? (const void *)&((const struct sockaddr_in *)any)->sin_addr
				  : (const void *)&((const struct sockaddr_in6 *)any)->sin6_addr;

	if (!inet_ntop(any->ss_family, raw, out, ADDRESS_MAX))
		snprintf(out, ADDRESS_MAX, "?");
}

bool same_address(const struct sockaddr_storage *a, const struct sockaddr_storage *b)
{
	char left[ADDRESS_MAX], right[ADDRESS_MAX];

	if (a->ss_family != b->ss_family)
		return false;
	format_address(a, left);
	format_address(b, right);
	return strcmp(left, right) == 0;
}

/* A whole number within limits; false if it is none. */
bool parse_number(const char *text, unsigned long low, unsigned long high, unsigned long *ret_value)
{
	char *end;
	unsigned long value;

	if (text[0] < '0' || text[0] > '9')
		return false;
	errno = 0;
	value = strtoul(text, &end, 10);
	if (errno != 0 || *end != '\0' || value < low || value > high)
		return false;
	*ret_value = value;
	return true;
}

bool resolve(const char *host, struct address *ret, size_t max, size_t *ret_n)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *all;
	size_t n = 0;

	if (getaddrinfo(host, NULL, &hints, &all) != 0)
		return false;
	for (const struct addrinfo *one = all; one && n < max; one = one->ai_next) {
		if (one->ai_family != AF_INET && one->ai_family != AF_INET6)
			continue;
		memset(&ret[n], 0, sizeof(ret[n]));
		memcpy(&ret[n].any, one->ai_addr, one->ai_addrlen);
		ret[n++].len = one->ai_addrlen;
	}
	freeaddrinfo(all);
	*ret_n = n;
	return n > 0;
}
