/* SPDX-License-Identifier: GPL-3.0-or-later */
/* nftables: one table of the family inet, replaced as one transaction. */
#include "net/export_impl.h"

struct family {
	int family;
	char digit;
	const char *ip;
};

static const struct family families[] = {{AF_INET, '4', "ip"}, {AF_INET6, '6', "ip6"}};

static const char *const explanation[] = {
	"Load: nft -f FILE. It replaces what an earlier one loaded, whole or not at all, and no "
	"other",
	"table is touched. Only forwarded packets are filtered, not those of this router itself.",
	"No names of interfaces are needed: zones are told apart by their networks, and a packet",
	"whose source is not reached by the interface that it came in on is dropped.",
	"A packet must pass all tables of a router: add flows of the site where the text says so.",
	NULL,
};

static void put_sets(const struct border_group *group, FILE *out)
{
	char text[NETWORK_TEXT_MAX];

	fputs("\t# ", out);
	export_put_group(group, out);
	fputc('\n', out);
	for (size_t i = 0; i < ARRAY_LEN(families); i++) {
		const char *separator = "";

		if (!network_list_has_family(&group->networks, families[i].family))
			continue;
		fprintf(out,
			"\tset %s%c {\n\t\ttype ipv%c_addr\n\t\tflags interval\n"
			"\t\telements = {",
			group->name, families[i].digit, families[i].digit);
		for (size_t k = 0; k < group->networks.n; k++) {
			if (group->networks.items[k].family != families[i].family)
				continue;
			fprintf(out, "%s\n\t\t\t%s", separator,
				network_format(&group->networks.items[k], text));
			separator = ",";
		}
		fputs("\n\t\t}\n\t}\n", out);
	}
}

/* "tcp dport { 80, 443 } " */
static void put_ports(const struct border_flow *flow, enum path_proto proto, FILE *out)
{
	const char *separator = " ";

	fprintf(out, "%s dport {", path_proto_name(proto));
	EXPORT_FOR_EACH_PORT(port, flow)
	{
		if (port->proto != proto)
			continue;
		fprintf(out, "%s%u", separator, port->first);
		if (port->last != port->first)
			fprintf(out, "-%u", port->last);
		separator = ", ";
	}
	fputs(" } ", out);
}

static void put_rule(const struct border_flow *flow, const struct family *family,
		     enum path_proto proto, FILE *out)
{
	fputs("\t\t", out);
	if (flow->from)
		fprintf(out, "%s saddr @%s%c ", family->ip, flow->from->name, family->digit);
	if (flow->to)
		fprintf(out, "%s daddr @%s%c ", family->ip, flow->to->name, family->digit);
	if (proto != PROTO_ANY)
		put_ports(flow, proto, out);
	fprintf(out, "%s comment \"%s\"\n", flow->pass ? "counter accept" : "goto shut",
		flow->name);
}

static void put_flow(const struct border_flow *flow, FILE *out)
{
	static const enum path_proto protos[] = {PROTO_ANY, PROTO_TCP, PROTO_UDP};

	fputs("\t\t# ", out);
	export_put_remark(flow, out);
	fputc('\n', out);
	if (!flow->from && !flow->to) {
		fprintf(out, "\t\tgoto shut comment \"%s\"\n", flow->name);
		return;
	}
	for (size_t i = 0; i < ARRAY_LEN(families); i++) {
		if (!border_flow_has_family(flow, families[i].family))
			continue;
		for (size_t k = 0; k < ARRAY_LEN(protos); k++) {
			if ((flow->n_ports == 0) == (protos[k] == PROTO_ANY) &&
			    border_flow_has_proto(flow, protos[k]))
				put_rule(flow, &families[i], protos[k], out);
		}
	}
}

static int write_nftables(const struct border *border, FILE *out)
{
	fputs("#!/usr/sbin/nft -f\n", out);
	export_put_head(border, &exporter_nftables, "#", out);
	export_put_lines("#", explanation, out);
	fputs("\ntable inet lazaret-border\ndelete table inet lazaret-border\n"
	      "table inet lazaret-border {\n",
	      out);
	for (size_t i = 0; i < border->n_groups; i++)
		put_sets(&border->groups[i], out);
	fputs("\tchain shut {\n"
	      "\t\tlimit rate 30/minute burst 30 packets log prefix \"lazaret border: \" flags "
	      "all\n"
	      "\t\tcounter drop\n\t}\n"
	      "\tchain forward {\n"
	      "\t\ttype filter hook forward priority filter; policy drop;\n"
	      "\t\tfib saddr . iif oif missing counter drop comment \"spoofed\"\n"
	      "\t\tct state established,related accept\n"
	      "\t\tct state invalid counter drop comment \"invalid\"\n",
	      out);
	for (size_t i = 0; i < border->n_flows; i++)
		put_flow(&border->flows[i], out);
	fputs("\t}\n}\n", out);
	return 0;
}

const struct exporter exporter_nftables = {
	.name = "nftables",
	.dialect = "nftables 1.0, Linux 5.4 or later, IPv4 and IPv6",
	.help = "Load it with nft -f FILE.",
	.write = write_nftables,
};
