/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/rules.h"

#include <stdlib.h>
#include <string.h>

#include "net/limits.h"

/* Elements in a line: long sets stay readable. */
#define LINE_ELEMENTS 8
#define NAME_SIZE 64

const struct rules_family rules_families[RULES_FAMILIES] = {
	{AF_INET, '4', "ip", "ipv4_addr"},
	{AF_INET6, '6', "ip6", "ipv6_addr"},
};

static void put_elements(const struct network_list *list, int family, FILE *out)
{
	char text[NETWORK_TEXT_MAX];
	size_t n = 0;

	fputs("{", out);
	for (size_t i = 0; i < list->n; i++) {
		if (list->items[i].family != family)
			continue;
		fprintf(out, "%s%s%s", n > 0 ? "," : "", n % LINE_ELEMENTS == 0 ? "\n\t\t\t" : " ",
			network_format(&list->items[i], text));
		n++;
	}
	fputs("\n\t\t}", out);
}

static void put_sets(const char *name, const struct network_list *list, bool empty_too, FILE *out)
{
	for (size_t f = 0; f < RULES_FAMILIES; f++) {
		const struct rules_family *family = &rules_families[f];
		bool filled = network_list_has_family(list, family->family);

		if (!filled && !empty_too)
			continue;
		fprintf(out, "\tset %s%c {\n\t\ttype %s\n\t\tflags interval\n", name, family->digit,
			family->type);
		if (filled) {
			fputs("\t\telements = ", out);
			put_elements(list, family->family, out);
			fputs("\n", out);
		}
		fputs("\t}\n", out);
	}
}

void rules_put_sets(const char *name, const struct network_list *list, FILE *out)
{
	put_sets(name, list, false, out);
}

static bool has_names(const struct contract_path *path)
{
	for (size_t i = 0; i < path->n_hosts; i++) {
		if (path->hosts[i].is_name)
			return true;
	}
	return path->proxied;
}

void rules_put_peers(const struct contract_path *path, FILE *out)
{
	put_sets(path->row->name, &path->peers, has_names(path), out);
}

void rules_put_peers_update(const struct contract_path *path, const char *table, FILE *out)
{
	for (size_t f = 0; has_names(path) && f < RULES_FAMILIES; f++) {
		const struct rules_family *family = &rules_families[f];

		fprintf(out, "flush set inet %s %s%c\n", table, path->row->name, family->digit);
		if (!network_list_has_family(&path->peers, family->family))
			continue;
		fprintf(out, "add element inet %s %s%c ", table, path->row->name, family->digit);
		put_elements(&path->peers, family->family, out);
		fputs("\n", out);
	}
}

static int compare_ports(const void *a, const void *b)
{
	const struct path_port *x = a, *y = b;

	return (int)x->first - (int)y->first;
}

/* The ports of a protocol, sorted, without overlaps: a set of intervals must not have any. */
static size_t merge_ports(const struct contract_path *path, enum path_proto proto,
			  struct path_port out[PORTS_MAX])
{
	size_t n = 0, kept = 0;

	for (size_t i = 0; i < MIN(path->n_ports, (size_t)PORTS_MAX); i++) {
		if (path->ports[i].proto == proto)
			out[n++] = path->ports[i];
	}
	qsort(out, n, sizeof(*out), compare_ports);
	for (size_t i = 0; i < n; i++) {
		if (kept > 0 && out[i].first <= out[kept - 1].last)
			out[kept - 1].last = MAX(out[kept - 1].last, out[i].last);
		else
			out[kept++] = out[i];
	}
	return kept;
}

bool rules_put_ports(const struct contract_path *path, enum path_proto proto, FILE *out)
{
	struct path_port ports[PORTS_MAX];
	size_t n = merge_ports(path, proto, ports);

	if (n == 0)
		return false;
	fprintf(out, "%s dport %s", path_proto_name(proto), n > 1 ? "{ " : "");
	for (size_t i = 0; i < n; i++) {
		fprintf(out, "%s%u", i > 0 ? ", " : "", ports[i].first);
		if (ports[i].last != ports[i].first)
			fprintf(out, "-%u", ports[i].last);
	}
	fputs(n > 1 ? " }" : "", out);
	return true;
}

static const enum path_proto protos[] = {PROTO_TCP, PROTO_UDP};

static bool has_proto(const struct contract_path *path, enum path_proto proto)
{
	for (size_t i = 0; i < path->n_ports; i++) {
		if (path->ports[i].proto == proto)
			return true;
	}
	return false;
}

void rules_put_path(const struct contract_path *path, const char *before, const char *direction,
		    const char *set, const struct network_list *list, const char *after, FILE *out)
{
	for (size_t f = 0; f < RULES_FAMILIES; f++) {
		const struct rules_family *family = &rules_families[f];

		if (!network_list_has_family(list, family->family) &&
		    !(list == &path->peers && has_names(path)))
			continue;
		for (size_t p = 0; p < ARRAY_LEN(protos); p++) {
			if (!has_proto(path, protos[p]))
				continue;
			fprintf(out, "\t\t%s%s%s %s @%s%c ", before, before[0] ? " " : "",
				family->ip, direction, set, family->digit);
			(void)rules_put_ports(path, protos[p], out);
			fprintf(out, " %s\n", after);
		}
	}
}

void rules_put_any(const struct contract_path *path, const char *before, const char *after,
		   FILE *out)
{
	for (size_t p = 0; p < ARRAY_LEN(protos); p++) {
		if (!has_proto(path, protos[p]))
			continue;
		fprintf(out, "\t\t%s%s", before, before[0] ? " " : "");
		(void)rules_put_ports(path, protos[p], out);
		fprintf(out, " %s\n", after);
	}
}

void rules_put_end_counter(const char *name, const char *prefix, FILE *out)
{
	(void)prefix;
	fprintf(out, "\tcounter drop-%s { }\n", name);
}

void rules_put_end(const char *name, const char *prefix, FILE *out)
{
	fprintf(out,
		"\tchain drop-%s {\n"
		"\t\tlimit rate 10/minute burst 10 packets log prefix \"lazaret %s: \"\n"
		"\t\tcounter name \"drop-%s\" drop\n"
		"\t}\n",
		name, prefix, name);
}

static const char *const side_names[] = {"in", "out", "fwd"};

/* Whether a path's port has a name of its own among what is dropped on a side. */
static bool is_named(const struct path_row *row, enum rules_side side)
{
	switch (side) {
	case RULES_IN:
		return contract_path_is_incoming(row);
	case RULES_OUT:
		return contract_path_is_outgoing(row) && row->inside != INSIDE_CELL;
	case RULES_FORWARD:
		break;
	}
	return contract_path_is_outgoing(row) && row->inside != INSIDE_HOST;
}

void rules_put_named(const struct contract *contract, enum rules_side side, rules_end_put put,
		     FILE *out)
{
	char name[NAME_SIZE], prefix[NAME_SIZE];

	for (size_t i = 0; i < PATH_COUNT; i++) {
		const struct path_row *row = contract->paths[i].row;

		if (!is_named(row, side))
			continue;
		snprintf(name, sizeof(name), "%s-%s", side_names[side], row->name);
		/* Remote desktops to us are in the contract, but nothing of ours serves them. */
		snprintf(prefix, sizeof(prefix), "%s %s%s", side_names[side], row->name,
			 i == PATH_RDP && side == RULES_IN ? " no service" : "");
		put(name, prefix, out);
	}
}

void rules_put_refusals(const struct contract *contract, enum rules_side side, FILE *out)
{
	char verdict[NAME_SIZE];

	/* WebRTC takes nearly every port: its name is for what no other path has. */
	for (size_t k = 0; k <= PATH_COUNT; k++) {
		size_t i = k < PATH_COUNT ? k : PATH_WEBRTC;
		const struct contract_path *path = &contract->paths[i];

		if (!is_named(path->row, side) || k == PATH_WEBRTC ||
		    (i == PATH_RDP && side == RULES_IN))
			continue;
		snprintf(verdict, sizeof(verdict), "goto drop-%s-%s", side_names[side],
			 path->row->name);
		rules_put_any(path, "", verdict, out);
	}
}

bool rules_cell_may(const struct contract_path *path)
{
	return path->on && path->for_cells && contract_path_is_outgoing(path->row);
}

static bool is_considered(const struct contract *contract, size_t id, uint32_t paths)
{
	return rules_cell_may(&contract->paths[id]) && (paths & UINT32_C(1) << id);
}

static const char *cells_of(const struct contract_path *path, bool by_group, char *out, size_t size)
{
	out[0] = '\0';
	if (by_group && path->n_groups > 0)
		snprintf(out, size, "iifname @cells-%s", path->row->name);
	return out;
}

void rules_put_cell_paths(const struct contract *contract, uint32_t paths, bool by_group,
			  const char *refuse, FILE *out)
{
	char before[64];

	/* What the site names comes before what is not public: the site may name private hosts. */
	for (size_t i = 0; i < PATH_COUNT; i++) {
		const struct contract_path *path = &contract->paths[i];

		if (is_considered(contract, i, paths))
			rules_put_path(path, cells_of(path, by_group, before, sizeof(before)),
				       "daddr", path->row->name, &path->peers, "accept", out);
	}
	for (size_t f = 0; f < RULES_FAMILIES; f++) {
		if (network_list_has_family(&contract->denied, rules_families[f].family))
			fprintf(out, "\t\t%s daddr @denied%c %s\n", rules_families[f].ip,
				rules_families[f].digit, refuse);
	}
	for (size_t i = 0; i < PATH_COUNT; i++) {
		const struct contract_path *path = &contract->paths[i];

		if (is_considered(contract, i, paths) && path->internet)
			rules_put_any(path, cells_of(path, by_group, before, sizeof(before)),
				      "accept", out);
	}
}

void rules_put_cell_sets(const struct contract *contract, uint32_t paths, FILE *out)
{
	rules_put_sets("denied", &contract->denied, out);
	for (size_t i = 0; i < PATH_COUNT; i++) {
		if (is_considered(contract, i, paths))
			rules_put_peers(&contract->paths[i], out);
	}
}
