/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * OPNsense: the table that its page of rules exports and imports. A table has no comments: dialect
 * and date stand in the description of a first rule that is disabled. Addresses stand alone in their
 * rules, because not every version takes lists of them, and groups (aliases) cannot be in this file.
 */
#include <errno.h>

#include "net/export_impl.h"

#define SEQUENCE_FIRST 1000U
#define SEQUENCE_MAX 999999U /* of the model */

struct table {
	FILE *out;
	uint32_t fingerprint;
	unsigned int sequence;
};

struct row {
	bool enabled, pass;
	const char *ipprotocol, *protocol;
	const struct network *from, *to;
	const struct path_port *port;
};

static void put_network(const struct network *network, bool pass, FILE *out)
{
	char text[NETWORK_TEXT_MAX];

	if (network)
		fprintf(out, "%s,0,", network_format(network, text));
	else if (pass)
		fputs("any,0,", out);
	else
		fputs("(self),1,", out); /* the firewall's own services stay with other rules */
}

/* All but the description. The same contract has the same ids: importing twice changes nothing. */
static int put_row(struct table *table, const struct row *row)
{
	FILE *out = table->out;

	if (table->sequence > SEQUENCE_MAX)
		return -E2BIG;
	fprintf(out, "%08x-1a2a-4e70-8000-%012x,%d,keep,%u,%s,1,0,,in,%s,%s,", table->fingerprint,
		table->sequence, row->enabled, table->sequence, row->pass ? "pass" : "block",
		row->ipprotocol, row->protocol);
	table->sequence++;
	put_network(row->from, true, out);
	fputc(',', out);
	put_network(row->to, row->pass, out);
	if (row->port)
		fprintf(out, "%u", row->port->first);
	if (row->port && row->port->last != row->port->first)
		fprintf(out, "-%u", row->port->last);
	fprintf(out, ",%d,", !row->pass);
	return 0;
}

static int put_rule(const struct border_flow *flow, const char *ipprotocol,
		    const struct network *from, const struct network *to,
		    const struct path_port *port, struct table *table)
{
	struct row row = {.enabled = true,
			  .pass = flow->pass,
			  .ipprotocol = ipprotocol,
			  .protocol = !port                      ? "any"
				      : port->proto == PROTO_TCP ? "TCP"
								 : "UDP",
			  .from = from,
			  .to = to,
			  .port = port};
	int r = put_row(table, &row);

	if (r < 0)
		return r;
	fprintf(table->out, "\"Lazaret %08x ", table->fingerprint);
	export_put_remark(flow, table->out);
	fputs("\"\n", table->out);
	return 0;
}

static int put_pair(const struct border_flow *flow, int family, const struct network *from,
		    const struct network *to, void *data)
{
	const char *ipprotocol = family == AF_INET ? "inet" : "inet6";
	int r = 0;

	if (flow->n_ports == 0)
		return put_rule(flow, ipprotocol, from, to, NULL, data);
	EXPORT_FOR_EACH_PORT(port, flow)
	{
		if (r == 0)
			r = put_rule(flow, ipprotocol, from, to, port, data);
	}
	return r;
}

static int put_about(const struct border *border, struct table *table)
{
	const struct row row = {.ipprotocol = "inet46", .protocol = "any"};
	int r = put_row(table, &row);

	if (r < 0)
		return r;
	fprintf(table->out,
		"\"Lazaret %08x: " EXPORT_TITLE ". %s. %s Last change of the configuration "
		"(time of the file): %s. Rules whose description has another number are "
		"of an earlier contract: delete them. Configuration: ",
		table->fingerprint, exporter_opnsense.dialect, exporter_opnsense.help,
		border->date);
	border_put_text(table->out, border->files, EXPORT_REMARK_MAX);
	fputs("\"\n", table->out);
	return 0;
}

static int write_opnsense(const struct border *border, FILE *out)
{
	struct table table = {
		.out = out, .fingerprint = border->fingerprint, .sequence = SEQUENCE_FIRST};
	int r;

	fputs("@uuid,enabled,statetype,sequence,action,quick,interfacenot,interface,direction,"
	      "ipprotocol,protocol,source_net,source_not,source_port,destination_net,"
	      "destination_not,destination_port,log,description\n",
	      out);
	r = put_about(border, &table);
	for (size_t i = 0; i < border->n_flows && r == 0; i++) {
		const struct border_flow *flow = &border->flows[i];

		if (!flow->from && !flow->to) {
			r = put_rule(flow, "inet46", NULL, NULL, NULL, &table);
			continue;
		}
		r = export_each_pair(flow, AF_INET, put_pair, &table);
		if (r == 0)
			r = export_each_pair(flow, AF_INET6, put_pair, &table);
	}
	return r;
}

const struct exporter exporter_opnsense = {
	.name = "opnsense-csv",
	.dialect = "OPNsense 25.1 or later, table of firewall rules, IPv4 and IPv6",
	.help = "Import it at Firewall, Rules (new) or Automation, as floating rules.",
	.write = write_opnsense,
};
