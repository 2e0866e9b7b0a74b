/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is tried: what should be open from here, and what should not. */
#include "probe/probe.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const uint16_t admin_ports[] = {22, 222, 2222, 22222};

/* What is often found listening, beside the ports of the table. */
static const uint16_t common_tcp[] = {
	1,    7,    9,    21,   23,   79,   111,  113,  135,  139,  179,  427,  445,  512,  513,
	515,  548,  554,  631,  873,  990,  1080, 1433, 1521, 2049, 2375, 2376, 3128, 3306, 4369,
	5000, 5432, 5901, 5902, 5985, 6000, 6379, 8000, 8008, 8080, 8443, 9090, 9100, 9200, 11211,
};
static const uint16_t common_udp[] = {7, 67, 69, 111, 137, 162, 500, 520, 1900, 4500, 5353, 11211};

/* Which hosts of the Internet a workstation tries: name servers that answer anybody. */
static const char *const default_targets[] = {
	"1.1.1.1:443",          "1.1.1.1:80",       "9.9.9.9:53", "8.8.8.8:443",
	"9.9.9.9:53/udp",       "8.8.8.8:53/udp",   "9.9.9.9:22", "[2606:4700:4700::1111]:443",
	"[2620:fe::fe]:53/udp", "[2620:fe::fe]:53",
};

static bool plan_has(const struct plan *plan, const struct address *to, enum proto proto,
		     uint16_t port)
{
	for (size_t i = 0; i < plan->n; i++) {
		const struct attempt *attempt = &plan->attempts[i];

		if (attempt->proto == proto && attempt->port == port && !attempt->internet &&
		    same_address(&attempt->to.any, &to->any))
			return true;
	}
	return false;
}

static struct attempt *plan_add(struct plan *plan, const struct address *to, enum proto proto,
				uint16_t port)
{
	struct attempt *attempt = &plan->attempts[plan->n];

	if (plan->n == ATTEMPTS_MAX) {
		fputs("lazaret-probe: too many ports to try\n", stderr);
		exit(EXIT_USAGE);
	}
	plan->n++;
	*attempt = (struct attempt){.to = *to, .proto = proto, .port = port, .fd = -1};
	set_port(&attempt->to, port);
	return attempt;
}

static uint16_t actual_port(const struct options *options, const struct row *row, uint16_t port)
{
	if (strcmp(row->name, "viewer") == 0)
		return options->viewer_port;
	if (strcmp(row->name, "admin") == 0)
		return options->admin_port;
	return port;
}

/* What is open from where we stand. */
static void plan_open(struct plan *plan, const struct options *options, const struct address *to)
{
	for (size_t i = 0; i < n_rows; i++) {
		if (!is_incoming(&rows[i]) || rows[i].peer != options->zone || !options->on[i])
			continue;
		for (const struct port *port = rows[i].ports; port->proto != PROTO_NONE; port++) {
			struct attempt *attempt = plan_add(
				plan, to, port->proto, actual_port(options, &rows[i], port->first));

			attempt->path = rows[i].name;
			attempt->want_open = true;
			if (strcmp(rows[i].name, "viewer") == 0)
				attempt->greeting = "RFB 003.";
			else if (port->first == 22)
				attempt->greeting = "SSH-";
		}
	}
}

static void plan_shut_port(struct plan *plan, const struct address *to, enum proto proto,
			   unsigned long port)
{
	if (port >= 1 && port <= 65535 && !plan_has(plan, to, proto, (uint16_t)port))
		plan_add(plan, to, proto, (uint16_t)port);
}

/* Everything else: the ports of the table and their neighbours, and what is found elsewhere. */
static void plan_shut(struct plan *plan, const struct options *options, const struct address *to)
{
	for (size_t i = 0; i < n_rows; i++) {
		for (const struct port *port = rows[i].ports; port->proto != PROTO_NONE; port++) {
			unsigned long first = actual_port(options, &rows[i], port->first);
			unsigned long last = port->last == port->first ? first : port->last;

			plan_shut_port(plan, to, port->proto, first);
			plan_shut_port(plan, to, port->proto, last);
			plan_shut_port(plan, to, port->proto, first - 1);
			plan_shut_port(plan, to, port->proto, last + 1);
		}
	}
	for (size_t i = 0; i < LEN(admin_ports); i++)
		plan_shut_port(plan, to, PROTO_TCP, admin_ports[i]);
	for (size_t i = 0; i < LEN(common_tcp); i++)
		plan_shut_port(plan, to, PROTO_TCP, common_tcp[i]);
	for (size_t i = 0; i < LEN(common_udp); i++)
		plan_shut_port(plan, to, PROTO_UDP, common_udp[i]);
}

/* The same for every port of TCP. What is open stands at the front and is not doubled. */
static void plan_all(struct plan *plan, const struct address *to)
{
	static bool there[65536];
	char address[ADDRESS_MAX], other[ADDRESS_MAX];

	memset(there, 0, sizeof(there));
	format_address(&to->any, address);
	for (size_t i = 0; i < plan->n; i++) {
		format_address(&plan->attempts[i].to.any, other);
		if (plan->attempts[i].proto == PROTO_TCP && strcmp(address, other) == 0)
			there[plan->attempts[i].port] = true;
	}
	for (unsigned int port = 1; port <= 65535; port++) {
		if (!there[port])
			plan_add(plan, to, PROTO_TCP, (uint16_t)port);
	}
}

/* "ADDRESS[:PORT][/udp]"; the port is 443 unless it is named. */
static bool plan_target(struct plan *plan, const char *text)
{
	char host[256];
	const char *slash = strrchr(text, '/');
	size_t len = slash ? (size_t)(slash - text) : strlen(text), n;
	enum proto proto = slash && strcmp(slash, "/udp") == 0 ? PROTO_UDP : PROTO_TCP;
	unsigned long port = 443;
	char *name = host, *colon;
	struct address address;

	if (len >= sizeof(host) || (slash && proto == PROTO_TCP && strcmp(slash, "/tcp") != 0))
		return false;
	memcpy(host, text, len);
	host[len] = '\0';
	colon = strrchr(host, ':');
	if (host[0] == '[') {
		char *end = strchr(host, ']');

		if (!end || (end[1] != ':' && end[1] != '\0'))
			return false;
		colon = end[1] == ':' ? end + 1 : NULL;
		*end = '\0';
		name = host + 1;
	} else if (colon && strchr(host, ':') != colon) {
		colon = NULL; /* an IPv6 address without a port */
	}
	if (colon) {
		*colon = '\0';
		if (!parse_number(colon + 1, 1, 65535, &port))
			return false;
	}
	if (!resolve(name, &address, 1, &n))
		return false;
	plan_add(plan, &address, proto, (uint16_t)port)->internet = true;
	return true;
}

bool plan_make(struct plan *plan, const struct options *options)
{
	size_t n_targets = options->n_targets > 0 ? options->n_targets : LEN(default_targets);
	const char *const *targets = options->n_targets > 0 ? options->targets : default_targets;

	plan->attempts = calloc(ATTEMPTS_MAX, sizeof(*plan->attempts));
	if (!plan->attempts)
		return false;
	for (size_t i = 0; i < options->n_systems; i++)
		plan_open(plan, options, &options->systems[i]);
	for (size_t i = 0; i < options->n_systems; i++) {
		plan_shut(plan, options, &options->systems[i]);
		if (options->all_ports)
			plan_all(plan, &options->systems[i]);
	}
	for (size_t i = 0; options->internet && i < n_targets; i++) {
		if (!plan_target(plan, targets[i])) {
			fprintf(stderr,
				"lazaret-probe: \"%s\" is no target; write ADDRESS, ADDRESS:PORT "
				"or ADDRESS:PORT/udp, IPv6 in brackets\n",
				targets[i]);
			return false;
		}
	}
	return true;
}
