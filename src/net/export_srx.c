/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Junos SRX: global policies, which need no names of zones, in a configuration group that is deleted
 * and made anew, so that nothing of an earlier contract is left.
 */
#include <errno.h>

#include "net/export_impl.h"

/* Members of an address set on the smallest device; more are put into sets of sets. */
#define SET_MAX 256

static const char *const explanation[] = {
	"Load: configure exclusive; load set FILE (or load set terminal); commit check; commit.",
	"The first line complains where there is no earlier one: that does no harm.",
	"Global policies are looked at after those from zone to zone: one of these that matches is",
	"decided before them. Flows of the site belong there.",
	"Addresses may be in any zone. Against forged sources, for each zone: set security screen",
	"ids-option NAME ip spoofing, and set security zones security-zone ZONE screen NAME.",
	"IPv6 needs: set security forwarding-options family inet6 mode flow-based (and a restart).",
	"Large groups need a device whose policies take as many addresses.",
	NULL,
};

static void put_group(const struct border_group *group, FILE *out)
{
	static const char book[] = "set groups lazaret security address-book global";
	size_t n = group->networks.n;
	char text[NETWORK_TEXT_MAX];

	fputs("# ", out);
	export_put_group(group, out);
	fputc('\n', out);
	for (size_t i = 0; i < n; i++) {
		const struct network *network = &group->networks.items[i];

		fprintf(out, "%s address lazaret-%s-%zu %s/%u\n", book, group->name, i,
			network_format_address(network, text), network->bits);
		if (n > SET_MAX)
			fprintf(out, "%s address-set lazaret-%s-part-%zu address lazaret-%s-%zu\n",
				book, group->name, i / SET_MAX, group->name, i);
		else
			fprintf(out, "%s address-set lazaret-%s address lazaret-%s-%zu\n", book,
				group->name, group->name, i);
	}
	for (size_t i = 0; n > SET_MAX && i * SET_MAX < n; i++)
		fprintf(out, "%s address-set lazaret-%s address-set lazaret-%s-part-%zu\n", book,
			group->name, group->name, i);
}

static void put_applications(const struct border_flow *flow, FILE *out)
{
	size_t n = 0;

	EXPORT_FOR_EACH_PORT(port, flow)
	{
		fprintf(out,
			"set groups lazaret applications application lazaret-%s-%zu protocol %s\n",
			flow->name, n, path_proto_name(port->proto));
		fprintf(out,
			"set groups lazaret applications application lazaret-%s-%zu "
			"destination-port %u",
			flow->name, n, port->first);
		if (port->last != port->first)
			fprintf(out, "-%u", port->last);
		fprintf(out,
			"\nset groups lazaret applications application-set lazaret-%s application "
			"lazaret-%s-%zu\n",
			flow->name, flow->name, n);
		n++;
	}
}

static void put_match(const struct border_flow *flow, const char *what, const char *name, FILE *out)
{
	fprintf(out,
		"set groups lazaret security policies global policy lazaret-%s match %s %s%s\n",
		flow->name, what, name ? "lazaret-" : "", name ? name : "any");
}

static void put_policy(const struct border_flow *flow, FILE *out)
{
	static const char global[] = "set groups lazaret security policies global policy lazaret-";

	fprintf(out, "%s%s description \"", global, flow->name);
	export_put_remark(flow, out);
	fputs("\"\n", out);
	put_match(flow, "source-address", flow->from ? flow->from->name : NULL, out);
	put_match(flow, "destination-address", flow->to ? flow->to->name : NULL, out);
	put_match(flow, "application", flow->n_ports > 0 ? flow->name : NULL, out);
	fprintf(out, "%s%s then %s\n", global, flow->name, flow->pass ? "permit" : "deny");
	if (!flow->pass)
		fprintf(out, "%s%s then log session-init\n", global, flow->name);
}

static int write_srx(const struct border *border, FILE *out)
{
	export_put_head(border, &exporter_srx, "#", out);
	export_put_lines("#", explanation, out);
	fputs("delete groups lazaret\n", out);
	for (size_t i = 0; i < border->n_groups; i++)
		put_group(&border->groups[i], out);
	for (size_t i = 0; i < border->n_flows; i++)
		put_applications(&border->flows[i], out);
	for (size_t i = 0; i < border->n_flows; i++)
		put_policy(&border->flows[i], out);
	fputs("set apply-groups lazaret\n", out);
	return 0;
}

const struct exporter exporter_srx = {
	.name = "junos-srx",
	.dialect = "Junos OS 21 on SRX, set commands, IPv4 and IPv6",
	.help = "Load it with load set FILE.",
	.write = write_srx,
};
