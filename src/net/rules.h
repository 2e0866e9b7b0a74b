/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the host's filter and the cells' have in common: parts of a table as text for nftables. */
#ifndef LAZARET_NET_RULES_H
#define LAZARET_NET_RULES_H

#include <stdio.h>

#include "net/contract.h"

/* Families in the order in which all rules stand. */
struct rules_family {
	int family;
	char digit; /* ends the names of sets */
	const char *ip, *type; /* "ip", "ipv4_addr" */
};
#define RULES_FAMILIES 2
extern const struct rules_family rules_families[RULES_FAMILIES];

/* "set NAME4 { … }" and "set NAME6 { … }", each only if the list has addresses of that family. */
void rules_put_sets(const char *name, const struct network_list *list, FILE *out);
/*
 * The sets of a path's peers. One that names hosts has those of both families even while they are
 * empty, so that a name whose address changes changes elements only.
 */
void rules_put_peers(const struct contract_path *path, FILE *out);
/* Of a path that names hosts: new elements for these sets, in a table that has them. */
void rules_put_peers_update(const struct contract_path *path, const char *table, FILE *out);

/* "tcp dport 22", "udp dport { 80, 443, 1024-65535 }"; false, and nothing, if there is no such port. */
bool rules_put_ports(const struct contract_path *path, enum path_proto proto, FILE *out);

/*
 * A rule for each family and protocol of a path, "\t\tBEFORE ip DIRECTION @SET4 tcp dport … AFTER",
 * where the list has addresses of that family. `direction` is "saddr" or "daddr".
 */
void rules_put_path(const struct contract_path *path, const char *before, const char *direction,
		    const char *set, const struct network_list *list, const char *after, FILE *out);
/* The same for any address. */
void rules_put_any(const struct contract_path *path, const char *before, const char *after,
		   FILE *out);

/*
 * The end of a packet: "counter drop-NAME" (before the chains) and "chain drop-NAME", which logs at
 * a limited rate with the prefix "lazaret PREFIX: ", counts in drop-NAME and drops.
 */
typedef void (*rules_end_put)(const char *name, const char *prefix, FILE *out);
void rules_put_end_counter(const char *name, const char *prefix, FILE *out);
void rules_put_end(const char *name, const char *prefix, FILE *out);

enum rules_side { RULES_IN, RULES_OUT, RULES_FORWARD };

/* Calls `put` with "in-PATH", "out-PATH" or "fwd-PATH" for every path that a side knows by name. */
void rules_put_named(const struct contract *contract, enum rules_side side, rules_end_put put,
		     FILE *out);
/* For what no rule accepted: "tcp dport 5900 goto drop-in-viewer" and so on. */
void rules_put_refusals(const struct contract *contract, enum rules_side side, FILE *out);

/* Whether cells may use the path, those of its groups if it has any. */
bool rules_cell_may(const struct contract_path *path);

/*
 * What cells may open, as rules of a chain that they end in; `refuse` is the verdict for addresses
 * that are not public ("goto …"). What is left after these rules is refused by the caller.
 * `paths`: the bits of the paths that are considered. With `by_group` rules of paths for some
 * groups only match the cells whose link is in the set "cells-PATH".
 */
void rules_put_cell_paths(const struct contract *contract, uint32_t paths, bool by_group,
			  const char *refuse, FILE *out);
/* The sets that these rules use. */
void rules_put_cell_sets(const struct contract *contract, uint32_t paths, FILE *out);

#endif
