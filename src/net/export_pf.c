/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * pf: rules without a direction, because a packet that is forwarded meets them when it comes in and
 * when it goes out, and each time leaves a state by which its reply passes.
 */
#include "net/export_impl.h"

static const char *const explanation[] = {
	"Load it as an anchor: anchor \"lazaret\" in pf.conf, then pfctl -a lazaret -f FILE; or "
	"append",
	"it to pf.conf. Check it with pfctl -nf FILE.",
	"No macros with names of interfaces are needed: zones are told apart by their networks, "
	"and a",
	"packet whose source is not reached by the interface that it came in on is dropped.",
	"What this router sends and gets itself, and what is never forwarded, is in the table",
	"lazaret_local and left to other rules. Flows of the site belong before the last two "
	"rules.",
	NULL,
};

/* Names of tables have no hyphens here: they look like a minus to readers. */
static void put_name(const struct border_group *group, FILE *out)
{
	fputs("<lazaret_", out);
	for (const char *c = group->name; *c; c++)
		fputc(*c == '-' ? '_' : *c, out);
	fputc('>', out);
}

static void put_table(const struct border_group *group, FILE *out)
{
	char text[NETWORK_TEXT_MAX];

	fputs("# ", out);
	export_put_group(group, out);
	fputs("\ntable ", out);
	put_name(group, out);
	fputs(" const {", out);
	for (size_t i = 0; i < group->networks.n; i++)
		fprintf(out, "%s \\\n\t%s", i > 0 ? "," : "",
			network_format(&group->networks.items[i], text));
	fputs(" }\n", out);
}

static void put_rule(const struct border *border, const struct border_flow *flow,
		     enum path_proto proto, FILE *out)
{
	const char *separator = "";

	fputs(flow->pass ? "pass quick" : "block drop log quick", out);
	if (proto != PROTO_ANY)
		fprintf(out, " proto %s", path_proto_name(proto));
	fputs(" from ", out);
	if (flow->from)
		put_name(flow->from, out);
	else
		fputs("! <lazaret_local>", out);
	fputs(" to ", out);
	if (flow->to)
		put_name(flow->to, out);
	else if (!flow->pass)
		fputs("! <lazaret_local>", out);
	if (!flow->to && flow->pass) {
		fputs("! ", out);
		put_name(border->not_public, out);
	}
	if (proto != PROTO_ANY)
		fputs(" port {", out);
	EXPORT_FOR_EACH_PORT(port, flow)
	{
		if (port->proto != proto)
			continue;
		fprintf(out, "%s %u", separator, port->first);
		if (port->last != port->first)
			fprintf(out, ":%u", port->last);
		separator = ",";
	}
	fprintf(out, "%s%s label \"lazaret %s\"\n", proto != PROTO_ANY ? " }" : "",
		flow->pass ? " keep state" : "", flow->name);
}

static int write_pf(const struct border *border, FILE *out)
{
	static const enum path_proto protos[] = {PROTO_ANY, PROTO_TCP, PROTO_UDP};

	export_put_head(border, &exporter_pf, "#", out);
	export_put_lines("#", explanation, out);
	for (size_t i = 0; i < border->n_groups; i++)
		put_table(&border->groups[i], out);
	fputs("# never forwarded\ntable <lazaret_local> const { self, 224.0.0.0/4, "
	      "255.255.255.255, fe80::/10, ff00::/8 }\n"
	      "block drop in log quick from urpf-failed to any label \"lazaret spoofed\"\n",
	      out);
	for (size_t i = 0; i < border->n_flows; i++) {
		const struct border_flow *flow = &border->flows[i];

		/*
		 * Neighbours of the link are not public either: what passes says so itself, and the
		 * rest meets the last rule, which knows of them.
		 */
		if (!flow->pass && flow->to && flow->to == border->not_public)
			continue;
		fputs("# ", out);
		export_put_remark(flow, out);
		fputc('\n', out);
		for (size_t k = 0; k < ARRAY_LEN(protos); k++) {
			if ((flow->n_ports == 0) == (protos[k] == PROTO_ANY) &&
			    border_flow_has_proto(flow, protos[k]))
				put_rule(border, flow, protos[k], out);
		}
	}
	return 0;
}

const struct exporter exporter_pf = {
	.name = "pf",
	.dialect = "pf of OpenBSD 7 and FreeBSD 13 or later, IPv4 and IPv6",
	.help = "Load it with pfctl -a lazaret -f FILE.",
	.write = write_pf,
};
