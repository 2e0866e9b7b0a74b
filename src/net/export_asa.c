/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Cisco ASA: object groups and one extended access list for both families, bound globally, so that
 * no name of an interface is needed. Names carry the contract's fingerprint: the old list stays in
 * force until access-group replaces it in one step, and loading the same twice changes nothing.
 */
#include "net/export_impl.h"

static const char *const explanation[] = {
	"Load: paste it in configuration mode; the last line puts it in force, in place of an "
	"earlier",
	"global list. Groups and list of an earlier contract can be removed after that.",
	"It is bound to all interfaces at once. Lists of single interfaces are looked at first: "
	"what",
	"these permit, the list below cannot refuse.",
	"Against forged source addresses, for each interface: ip verify reverse-path interface "
	"NAME.",
	"Errors (fragmentation needed, unreachable) of permitted connections pass with: policy-map",
	"global_policy, class inspection_default, inspect icmp, inspect icmp error.",
	"Interfaces of the same security level need: same-security-traffic permit inter-interface.",
	NULL,
};

static void put_network(const struct network *network, FILE *out)
{
	char text[NETWORK_TEXT_MAX], mask[NETWORK_TEXT_MAX];

	fputs(" network-object ", out);
	if (network->bits == network_width(network->family))
		fprintf(out, "host %s\n", network_format_address(network, text));
	else if (network->family == AF_INET)
		fprintf(out, "%s %s\n", network_format_address(network, text),
			network_format_mask(network, false, mask));
	else
		fprintf(out, "%s/%u\n", network_format_address(network, text), network->bits);
}

static void put_group(const struct border *border, const struct border_group *group, FILE *out)
{
	fprintf(out, "object-group network lazaret-%s-%08x\n description ", group->name,
		border->fingerprint);
	export_put_group(group, out);
	fputc('\n', out);
	for (size_t i = 0; i < group->networks.n; i++)
		put_network(&group->networks.items[i], out);
}

static void put_services(const struct border *border, const struct border_flow *flow, FILE *out)
{
	fprintf(out, "object-group service lazaret-ports-%s-%08x\n", flow->name,
		border->fingerprint);
	EXPORT_FOR_EACH_PORT(port, flow)
	{
		fprintf(out, " service-object %s destination ", path_proto_name(port->proto));
		if (port->first == port->last)
			fprintf(out, "eq %u\n", port->first);
		else
			fprintf(out, "range %u %u\n", port->first, port->last);
	}
}

static void put_end(const struct border *border, const struct border_group *group, FILE *out)
{
	if (group)
		fprintf(out, " object-group lazaret-%s-%08x", group->name, border->fingerprint);
	else
		fputs(" any", out);
}

static void put_flow(const struct border *border, const struct border_flow *flow, FILE *out)
{
	fprintf(out, "access-list lazaret-%08x remark ", border->fingerprint);
	export_put_remark(flow, out);
	fprintf(out, "\naccess-list lazaret-%08x extended %s ", border->fingerprint,
		flow->pass ? "permit" : "deny");
	if (flow->n_ports > 0)
		fprintf(out, "object-group lazaret-ports-%s-%08x", flow->name, border->fingerprint);
	else
		fputs("ip", out);
	put_end(border, flow->from, out);
	put_end(border, flow->to, out);
	fputs(flow->pass ? "\n" : " log\n", out);
}

static int write_asa(const struct border *border, FILE *out)
{
	export_put_head(border, &exporter_asa, "!", out);
	export_put_lines("!", explanation, out);
	for (size_t i = 0; i < border->n_groups; i++)
		put_group(border, &border->groups[i], out);
	for (size_t i = 0; i < border->n_flows; i++) {
		if (border->flows[i].n_ports > 0)
			put_services(border, &border->flows[i], out);
	}
	for (size_t i = 0; i < border->n_flows; i++)
		put_flow(border, &border->flows[i], out);
	fprintf(out, "access-group lazaret-%08x global\n", border->fingerprint);
	return 0;
}

const struct exporter exporter_asa = {
	.name = "cisco-asa",
	.dialect = "Cisco ASA 9.x, IPv4 and IPv6",
	.help = "Paste it in configuration mode.",
	.write = write_asa,
};
