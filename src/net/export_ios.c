/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Cisco IOS: plain extended access lists. They keep no state of connections; replies come in by
 * reflexive lists. Two lists a family: what goes to the system, and what comes from it. Each reflects
 * what it permits into a list that the other one evaluates.
 */
#include <errno.h>

#include "net/export_impl.h"

#define LINES_MAX 200000U /* no router takes that many */
#define TIMEOUT_TCP 3600U /* seconds that a reply may be late */
#define TIMEOUT_UDP 300U

static const char *const limits[] = {
	"The names end with the contract above: the old lists stay in force until these lines "
	"replace them.",
	"What plain lists cannot express, and a stateful filter should be put in place for:",
	"- Replies are permitted by addresses and ports for a time, not by the state of a "
	"connection.",
	"- Connections that were open before the lists were bound are cut.",
	"- Errors of ICMP pass to and from the system whether or not they belong to a connection.",
	"- Fragments behind the first one are matched by address only.",
	"- Lists that are bound in also filter what is sent to this router itself: lines for SSH "
	"to it,",
	"  routing protocols, DHCP and flows of the site belong before the last ones of the list.",
	"- There are no groups that reflexive lists work with: each network is a line of its own.",
	"Against forged source addresses, on each interface: ip verify unicast source "
	"reachable-via rx.",
	NULL,
};

struct list {
	FILE *out;
	bool incoming; /* what goes to the system */
	unsigned int lines;
	uint32_t fingerprint;
};

static void put_end(const struct network *network, int family, FILE *out)
{
	char text[NETWORK_TEXT_MAX], mask[NETWORK_TEXT_MAX];

	if (!network)
		fputs(" any", out);
	else if (network->bits == network_width(family))
		fprintf(out, " host %s", network_format_address(network, text));
	else if (family == AF_INET)
		fprintf(out, " %s %s", network_format_address(network, text),
			network_format_mask(network, true, mask));
	else
		fprintf(out, " %s/%u", network_format_address(network, text), network->bits);
}

static void put_line(const struct border_flow *flow, int family, const struct network *from,
		     const struct network *to, const struct path_port *port, struct list *list)
{
	FILE *out = list->out;

	fprintf(out, " %s %s", flow->pass ? "permit" : "deny",
		port                ? path_proto_name(port->proto)
		: family == AF_INET ? "ip"
				    : "ipv6");
	put_end(from, family, out);
	put_end(to, family, out);
	if (port && port->first == port->last)
		fprintf(out, " eq %u", port->first);
	else if (port)
		fprintf(out, " range %u %u", port->first, port->last);
	if (flow->pass)
		fprintf(out, " reflect lazaret%s-%s-%08x timeout %u\n",
			family == AF_INET ? "" : "6", list->incoming ? "in" : "out",
			list->fingerprint, port->proto == PROTO_TCP ? TIMEOUT_TCP : TIMEOUT_UDP);
	else
		fputs(" log\n", out);
}

static int put_pair(const struct border_flow *flow, int family, const struct network *from,
		    const struct network *to, void *data)
{
	struct list *list = data;

	list->lines += flow->n_ports > 0 ? (unsigned int)flow->n_ports : 1;
	if (list->lines > LINES_MAX)
		return -E2BIG;
	if (flow->n_ports == 0)
		put_line(flow, family, from, to, NULL, list);
	EXPORT_FOR_EACH_PORT(port, flow)
	{
		put_line(flow, family, from, to, port, list);
	}
	return 0;
}

/* ICMP that belongs to permitted connections, and what IPv6 needs on a link. */
static void put_icmp(const struct border *border, int family, bool incoming, FILE *out)
{
	static const char *const errors[] = {"unreachable", "packet-too-big", "time-exceeded",
					     "parameter-problem"};
	static const char *const neighbours[] = {"nd-na", "nd-ns", "router-solicitation",
						 "router-advertisement"};
	const struct network_list *system = &border->system->networks;

	for (size_t i = 0; i < ARRAY_LEN(neighbours) && family == AF_INET6; i++)
		fprintf(out, " permit icmp any any %s\n", neighbours[i]);
	for (size_t i = 0; i < system->n; i++) {
		if (system->items[i].family != family)
			continue;
		for (size_t k = 0; k < ARRAY_LEN(errors); k++) {
			fputs(" permit icmp", out);
			put_end(incoming ? NULL : &system->items[i], family, out);
			put_end(incoming ? &system->items[i] : NULL, family, out);
			fprintf(out, " %s\n", errors[k]);
		}
	}
}

/* Whether a flow has its place in a list: what belongs to no direction stands in both. */
static bool belongs(const struct border *border, const struct border_flow *flow, bool incoming)
{
	if (!flow->from)
		return true;
	return (flow->from == border->system) != incoming;
}

static int put_list(const struct border *border, int family, bool incoming, FILE *out)
{
	struct list list = {.out = out, .incoming = incoming, .fingerprint = border->fingerprint};
	const char *six = family == AF_INET ? "" : "6";

	fprintf(out, "%s lazaret%s-%s-%08x\n",
		family == AF_INET ? "ip access-list extended" : "ipv6 access-list", six,
		incoming ? "to" : "from", border->fingerprint);
	fputs(" remark Replies to what the other list permitted\n", out);
	fprintf(out, " evaluate lazaret%s-%s-%08x\n", six, incoming ? "out" : "in",
		border->fingerprint);
	/* First: neighbours are found at addresses that are refused below. */
	fputs(" remark Errors, and what a link needs\n", out);
	put_icmp(border, family, incoming, out);
	for (size_t i = 0; i < border->n_flows; i++) {
		const struct border_flow *flow = &border->flows[i];
		int r;

		if (!border_flow_has_family(flow, family) || !belongs(border, flow, incoming))
			continue;
		fputs(" remark ", out);
		export_put_remark(flow, out);
		fputc('\n', out);
		r = export_each_pair(flow, family, put_pair, &list);
		if (r < 0)
			return r;
	}
	return 0;
}

static void put_binding(const struct border *border, bool dmz, FILE *out)
{
	static const char *const families[] = {"ip access-group lazaret",
					       "ipv6 traffic-filter lazaret6"};

	for (size_t i = 0; i < ARRAY_LEN(families); i++) {
		fprintf(out, "!   %s-%s-%08x in\n", families[i], dmz ? "from" : "to",
			border->fingerprint);
		fprintf(out, "!   %s-%s-%08x out\n", families[i], dmz ? "to" : "from",
			border->fingerprint);
	}
}

static int write_ios(const struct border *border, FILE *out)
{
	static const int families[] = {AF_INET, AF_INET6};

	export_put_head(border, &exporter_ios, "!", out);
	fputs("! Bind the lists, which cannot be done without the names of the interfaces.\n"
	      "! On the interface of the DMZ:\n",
	      out);
	put_binding(border, true, out);
	fputs("! On every other interface (workstations, administration, DNS, monitoring, "
	      "Internet):\n",
	      out);
	put_binding(border, false, out);
	export_put_lines("!", limits, out);
	for (size_t i = 0; i < border->n_groups; i++) {
		fprintf(out, "! %s: ", border->groups[i].name);
		export_put_group(&border->groups[i], out);
		fputc('\n', out);
	}
	for (size_t i = 0; i < ARRAY_LEN(families); i++) {
		int r = put_list(border, families[i], true, out);

		if (r == 0)
			r = put_list(border, families[i], false, out);
		if (r < 0)
			return r;
	}
	return 0;
}

const struct exporter exporter_ios = {
	.name = "cisco-ios",
	.dialect =
		"Cisco IOS 15 and IOS XE, extended access lists with reflexive ones, IPv4 and IPv6",
	.help = "Paste it in configuration mode, and bind the lists.",
	.write = write_ios,
};
