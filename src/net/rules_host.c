/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/rules_host.h"

#include <string.h>

#include "base/str.h"
#include "net/env.h"
#include "net/rules.h"

#define CELLS "\"" ENV_CELL_LINKS "*\""
#define NAME_MAX_LEN 64
#define UID_TEXT_MAX 24 /* ", 4294967295" and " } accept" */
#define UIDS_TEXT_MAX 1024 /* the configuration names 32 accounts at most */

struct zone {
	const char *name; /* of sets, counters and log lines */
	enum path_peer peer;
};

static const struct zone zones[] = {
	{"workstations", PEER_WORKSTATIONS},
	{"administration", PEER_ADMINISTRATION},
	{"internal-dns", PEER_INTERNAL_DNS},
	{"monitoring", PEER_MONITORING},
};

/* Ends that are not of a path, and what their log lines begin with. */
static const struct {
	const char *name, *prefix;
} ends[] = {
	{"spoofed", "spoofed"},
	{"invalid", "invalid"},
	{"in-workstations", "in workstations"},
	{"in-administration", "in administration"},
	{"in-internal-dns", "in internal-dns"},
	{"in-monitoring", "in monitoring"},
	{"in-cell", "in cell"},
	{"in-other", "in other"},
	{"out-cell", "out cell"},
	{"out-other", "out other"},
	{"fwd-cell", "fwd cell to cell"},
	{"fwd-private", "fwd cell to private"},
	{"fwd-connections", "fwd cell connections"},
	{"fwd-cell-other", "fwd cell other"},
	{"fwd-other", "fwd other"},
};

static unsigned int rate_of(const struct contract *contract, enum path_id id)
{
	return id == PATH_VIEWER  ? contract->viewer_rate
	       : id == PATH_ADMIN ? contract->admin_rate
				  : 0;
}

static const char *zone_name(enum path_peer peer)
{
	for (size_t i = 0; i < ARRAY_LEN(zones); i++) {
		if (zones[i].peer == peer)
			return zones[i].name;
	}
	return NULL;
}

static void put_every_end(const struct contract *contract, rules_end_put put, FILE *out)
{
	char name[NAME_MAX_LEN], prefix[NAME_MAX_LEN];

	for (size_t i = 0; i < ARRAY_LEN(ends); i++)
		put(ends[i].name, ends[i].prefix, out);
	for (int side = RULES_IN; side <= RULES_FORWARD; side++)
		rules_put_named(contract, (enum rules_side)side, put, out);
	for (size_t i = 0; i < PATH_COUNT; i++) {
		const char *path = contract->paths[i].row->name;

		if (rate_of(contract, (enum path_id)i) == 0)
			continue;
		snprintf(name, sizeof(name), "in-rate-%s", path);
		snprintf(prefix, sizeof(prefix), "in rate %s", path);
		put(name, prefix, out);
	}
}

static void put_rate_sets(const char *name, FILE *out)
{
	for (size_t f = 0; f < RULES_FAMILIES; f++)
		fprintf(out,
			"\tset rate-%s%c {\n\t\ttype %s\n\t\tsize 65535\n"
			"\t\tflags dynamic,timeout\n\t\ttimeout 2m\n\t}\n",
			name, rules_families[f].digit, rules_families[f].type);
}

static void put_sets(const struct contract *contract, FILE *out)
{
	for (size_t i = 0; i < ARRAY_LEN(zones); i++)
		rules_put_sets(zones[i].name, contract_zone(contract, zones[i].peer), out);
	rules_put_sets("denied", &contract->denied, out);
	for (size_t i = 0; i < PATH_COUNT; i++) {
		const struct contract_path *path = &contract->paths[i];

		if (path->on && !contract_zone(contract, path->row->peer))
			rules_put_peers(path, out);
		if (path->on && rate_of(contract, (enum path_id)i) > 0)
			put_rate_sets(path->row->name, out);
	}
	fputs("\tset connections {\n\t\ttype iface_index\n\t\tsize 65535\n\t\tflags dynamic\n\t}\n",
	      out);
}

static void put_prerouting(const struct contract *contract, FILE *out)
{
	fputs("\tchain prerouting {\n"
	      "\t\ttype filter hook prerouting priority -10; policy accept;\n"
	      "\t\tiifname \"lo\" accept\n"
	      "\t\ticmpv6 type { nd-neighbor-solicit, nd-neighbor-advert, nd-router-advert } "
	      "accept\n",
	      out);
	if (contract->automatic_address)
		fputs("\t\tudp sport 67 udp dport 68 accept\n", out);
	fputs("\t\tfib saddr . iif oif missing goto drop-spoofed\n\t}\n", out);
}

static void put_rate_chain(const struct contract_path *path, unsigned int rate, FILE *out)
{
	const char *name = path->row->name;

	/* Of IPv6 a whole /64 counts as one sender: it is what one machine has at the least. */
	fprintf(out,
		"\tchain in-%s {\n"
		"\t\tupdate @rate-%s4 { ip saddr limit rate over %u/minute burst %u packets } goto "
		"drop-in-rate-%s\n"
		"\t\tupdate @rate-%s6 { ip6 saddr & ffff:ffff:ffff:ffff:: limit rate over "
		"%u/minute burst %u packets } goto drop-in-rate-%s\n"
		"\t\taccept\n"
		"\t}\n",
		name, name, rate, rate, name, name, rate, rate, name);
}

static void put_rate_chains(const struct contract *contract, FILE *out)
{
	for (size_t i = 0; i < PATH_COUNT; i++) {
		unsigned int rate = rate_of(contract, (enum path_id)i);

		if (contract->paths[i].on && rate > 0)
			put_rate_chain(&contract->paths[i], rate, out);
	}
}

static void put_accept_in(const struct contract *contract, FILE *out)
{
	char verdict[NAME_MAX_LEN];

	for (size_t i = 0; i < PATH_COUNT; i++) {
		const struct contract_path *path = &contract->paths[i];
		const char *zone = zone_name(path->row->peer);

		if (!path->on || !contract_path_is_incoming(path->row) || !zone)
			continue;
		snprintf(verdict, sizeof(verdict), "goto in-%s", path->row->name);
		rules_put_path(path, "", "saddr", zone, &path->peers,
			       rate_of(contract, (enum path_id)i) > 0 ? verdict : "accept", out);
	}
	/* Incoming from named hosts there is only rdp, and no service of ours for it yet. */
	if (contract->paths[PATH_RDP].on)
		rules_put_path(&contract->paths[PATH_RDP], "", "saddr", "rdp",
			       &contract->paths[PATH_RDP].peers, "goto drop-in-rdp", out);
}

static void put_refuse_in(const struct contract *contract, FILE *out)
{
	fputs("\tchain refuse-in {\n", out);
	rules_put_refusals(contract, RULES_IN, out);
	for (size_t i = 0; i < ARRAY_LEN(zones); i++) {
		const struct network_list *list = contract_zone(contract, zones[i].peer);

		for (size_t f = 0; f < RULES_FAMILIES; f++) {
			if (network_list_has_family(list, rules_families[f].family))
				fprintf(out, "\t\t%s saddr @%s%c goto drop-in-%s\n",
					rules_families[f].ip, zones[i].name,
					rules_families[f].digit, zones[i].name);
		}
	}
	fputs("\t\tgoto drop-in-other\n\t}\n", out);
}

/* A sign of life for those who are allowed to speak to us at all. */
static void put_echo(const struct contract *contract, FILE *out)
{
	for (size_t i = 0; i < ARRAY_LEN(zones); i++) {
		const struct network_list *list = contract_zone(contract, zones[i].peer);

		for (size_t f = 0; f < RULES_FAMILIES; f++) {
			if (network_list_has_family(list, rules_families[f].family))
				fprintf(out,
					"\t\t%s saddr @%s%c %s type echo-request limit rate "
					"20/second accept\n",
					rules_families[f].ip, zones[i].name,
					rules_families[f].digit,
					rules_families[f].family == AF_INET ? "icmp" : "icmpv6");
		}
	}
}

static void put_input(const struct contract *contract, FILE *out)
{
	fputs("\tchain input {\n"
	      "\t\ttype filter hook input priority filter; policy drop;\n"
	      "\t\tiifname \"lo\" accept\n"
	      "\t\ticmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } ip6 hoplimit 255 "
	      "accept\n"
	      "\t\ticmpv6 type mld-listener-query ip6 saddr fe80::/10 accept\n",
	      out);
	if (contract->automatic_address)
		fputs("\t\ticmpv6 type nd-router-advert ip6 hoplimit 255 ip6 saddr fe80::/10 "
		      "accept\n"
		      "\t\tudp sport 67 udp dport 68 accept\n"
		      "\t\tip6 saddr fe80::/10 udp sport 547 udp dport 546 accept\n",
		      out);
	fputs("\t\tiifname " CELLS " goto drop-in-cell\n"
	      "\t\tct state vmap { established : accept, related : accept, invalid : goto "
	      "drop-invalid }\n",
	      out);
	put_echo(contract, out);
	put_accept_in(contract, out);
	fputs("\t\tgoto refuse-in\n\t}\n", out);
}

/* "meta skuid { 0, 101 } accept" */
static void format_uids(const struct contract_path *path, char *out, size_t size)
{
	size_t len = (size_t)snprintf(out, size, "meta skuid {");

	for (size_t i = 0; i < path->n_uids && len < size - UID_TEXT_MAX; i++) {
		bool seen = false;

		for (size_t k = 0; k < i; k++)
			seen = seen || path->uids[k] == path->uids[i];
		if (!seen)
			len += (size_t)snprintf(out + len, size - len, "%s %u", i > 0 ? "," : "",
						path->uids[i]);
	}
	snprintf(out + len, size - len, " } accept");
}

static void put_accept_out(const struct contract *contract, FILE *out)
{
	for (size_t i = 0; i < PATH_COUNT; i++) {
		const struct contract_path *path = &contract->paths[i];
		char verdict[UIDS_TEXT_MAX];

		if (!path->on || !path->for_host || !contract_path_is_outgoing(path->row) ||
		    path->n_uids == 0)
			continue;
		format_uids(path, verdict, sizeof(verdict));
		rules_put_path(path, "", "daddr", path->row->name, &path->peers, verdict, out);
	}
}

static void put_output(const struct contract *contract, FILE *out)
{
	fputs("\tchain output {\n"
	      "\t\ttype filter hook output priority filter; policy drop;\n"
	      "\t\toifname \"lo\" accept\n"
	      "\t\ticmpv6 type { nd-neighbor-solicit, nd-neighbor-advert, mld-listener-report, "
	      "mld-listener-done, mld2-listener-report } accept\n"
	      "\t\tct state vmap { established : accept, related : accept, invalid : goto "
	      "drop-invalid }\n"
	      "\t\toifname " CELLS " goto drop-out-cell\n",
	      out);
	if (contract->automatic_address)
		fputs("\t\ticmpv6 type nd-router-solicit accept\n"
		      "\t\tudp sport 68 udp dport 67 accept\n"
		      "\t\tip6 saddr fe80::/10 udp sport 546 udp dport 547 accept\n",
		      out);
	put_accept_out(contract, out);
	rules_put_refusals(contract, RULES_OUT, out);
	fputs("\t\tgoto drop-out-other\n\t}\n", out);
}

static void put_forward(const struct contract *contract, FILE *out)
{
	fputs("\tchain forward {\n"
	      "\t\ttype filter hook forward priority filter; policy drop;\n"
	      "\t\tiifname " CELLS " goto from-cell\n"
	      "\t\toifname " CELLS " ct state { established, related } accept\n"
	      "\t\tgoto drop-fwd-other\n"
	      "\t}\n"
	      "\tchain from-cell {\n"
	      "\t\toifname " CELLS " goto drop-fwd-cell\n"
	      "\t\tct state vmap { established : accept, related : accept, invalid : goto "
	      "drop-invalid }\n",
	      out);
	fprintf(out, "\t\tadd @connections { iif ct count over %u } goto drop-fwd-connections\n",
		contract->cell_connections);
	rules_put_cell_paths(contract, UINT32_MAX, false, "goto drop-fwd-private", out);
	rules_put_refusals(contract, RULES_FORWARD, out);
	fputs("\t\tgoto drop-fwd-cell-other\n\t}\n", out);
}

void rules_host(const struct contract *contract, FILE *out)
{
	fputs("table inet " RULES_HOST_TABLE " { }\n"
	      "delete table inet " RULES_HOST_TABLE "\n"
	      "table inet " RULES_HOST_TABLE " {\n",
	      out);
	put_every_end(contract, rules_put_end_counter, out);
	put_sets(contract, out);
	/* A chain must be known before another one goes to it. */
	put_every_end(contract, rules_put_end, out);
	put_rate_chains(contract, out);
	put_refuse_in(contract, out);
	put_prerouting(contract, out);
	put_input(contract, out);
	put_output(contract, out);
	put_forward(contract, out);
	fputs("}\n", out);
}
