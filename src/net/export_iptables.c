/* SPDX-License-Identifier: GPL-3.0-or-later */
/* iptables-save: one file for iptables-restore and ip6tables-restore, by -4 and -6 (iptables(8)). */
#include "net/export_impl.h"

#define MULTIPORT_MAX 15 /* ports of a multiport match; a range counts twice */

static const char *const explanation[] = {
	"Load, both times with --noflush, or other chains of the table filter are lost:",
	"  iptables-restore --noflush FILE",
	"  ip6tables-restore --noflush FILE",
	"Rules with -4 are for the one, rules with -6 for the other command. The chain LAZARET is",
	"replaced; FORWARD calls it first. Loaded again, the call stands there once more, which",
	"changes nothing; iptables -D FORWARD -j LAZARET takes one away.",
	"No names of interfaces are needed: zones are told apart by their networks. Against forged",
	"source addresses the router needs: sysctl net.ipv4.conf.all.rp_filter=1, and for IPv6",
	"ip6tables -t raw -A PREROUTING -m rpfilter --invert -j DROP.",
	NULL,
};

static void put_comment(const struct border_flow *flow, FILE *out)
{
	fputs(" -m comment --comment \"", out);
	export_put_remark(flow, out);
	fprintf(out, "\" -j %s\n", flow->pass ? "ACCEPT" : "LAZARET-SHUT");
}

static void put_start(const struct network *from, const struct network *to, int family, FILE *out)
{
	char text[NETWORK_TEXT_MAX];

	fprintf(out, "-%c -A LAZARET", family == AF_INET ? '4' : '6');
	if (from)
		fprintf(out, " -s %s", network_format(from, text));
	if (to)
		fprintf(out, " -d %s", network_format(to, text));
}

/* Writes ports from `port` on as far as one multiport takes; where the next rule begins. */
static const struct path_port *put_multiport(const struct border_flow *flow,
					     const struct path_port *port, FILE *out)
{
	const struct path_port *end = flow->ports + flow->n_ports;
	enum path_proto proto = port->proto;
	unsigned int room = MULTIPORT_MAX;

	fprintf(out, " -p %s -m multiport --dports ", path_proto_name(proto));
	for (; port < end && port->proto == proto; port++) {
		unsigned int takes = port->last == port->first ? 1 : 2;

		if (room < takes)
			break;
		fprintf(out, "%s%u", room < MULTIPORT_MAX ? "," : "", port->first);
		if (takes == 2)
			fprintf(out, ":%u", port->last);
		room -= takes;
	}
	return port;
}

static int put_pair(const struct border_flow *flow, int family, const struct network *from,
		    const struct network *to, void *data)
{
	const struct path_port *port = flow->ports;
	FILE *out = data;

	do {
		put_start(from, to, family, out);
		if (flow->n_ports > 0)
			port = put_multiport(flow, port, out);
		put_comment(flow, out);
	} while (flow->n_ports > 0 && port < flow->ports + flow->n_ports);
	return 0;
}

static int write_iptables(const struct border *border, FILE *out)
{
	export_put_head(border, &exporter_iptables, "#", out);
	export_put_lines("#", explanation, out);
	fputs("*filter\n:LAZARET - [0:0]\n:LAZARET-SHUT - [0:0]\n"
	      "-I FORWARD -j LAZARET\n"
	      "-A LAZARET-SHUT -m limit --limit 30/minute --limit-burst 30"
	      " -j LOG --log-prefix \"lazaret border: \"\n"
	      "-A LAZARET-SHUT -j DROP\n"
	      "-A LAZARET -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\n"
	      "-A LAZARET -m conntrack --ctstate INVALID -j DROP\n",
	      out);
	for (size_t i = 0; i < border->n_groups; i++) {
		fprintf(out, "# %s: ", border->groups[i].name);
		export_put_group(&border->groups[i], out);
		fputc('\n', out);
	}
	for (size_t i = 0; i < border->n_flows; i++) {
		int r = export_each_pair(&border->flows[i], AF_INET, put_pair, out);

		if (r == 0)
			r = export_each_pair(&border->flows[i], AF_INET6, put_pair, out);
		if (r < 0)
			return r;
	}
	fputs("COMMIT\n", out);
	return 0;
}

const struct exporter exporter_iptables = {
	.name = "iptables-save",
	.dialect = "iptables 1.8 (iptables-restore and ip6tables-restore), IPv4 and IPv6",
	.help = "Load it with iptables-restore --noflush and ip6tables-restore --noflush.",
	.write = write_iptables,
};
