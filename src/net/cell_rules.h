/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The packet filter of cells, as text for libnftables: what of the web's path, and of DNS, a cell may
 * use; everything else is dropped. The host's own filter is not touched.
 */
#ifndef LAZARET_NET_CELL_RULES_H
#define LAZARET_NET_CELL_RULES_H

#include <stdbool.h>
#include <stdio.h>

#include "net/network.h"

/* The table of ours, in the host's namespace and in each cell's. */
#define CELL_RULES_TABLE "inet lazaret"

struct cell_rules {
	struct network block; /* IPv4 of all cells */
	struct network block6; /* family 0: no IPv6 */
	struct network_list dns; /* name servers */
	struct network_list allow; /* networks for the web's ports although not public */
	struct network_list on_link; /* networks and addresses of the host */
	bool only_cells; /* forward nothing else: the host did not forward before us */
	struct network proxy; /* family 0: none; otherwise the web is reached through it only */
	uint16_t proxy_port;
};

/* The host's side, as one transaction that replaces what was there. */
void cell_rules_host(const struct cell_rules *rules, FILE *out);
/* Inside one cell's namespace: the same permissions again, so that one mistake is not enough. */
void cell_rules_cell(const struct cell_rules *rules, FILE *out);

#endif
