/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The packet filter of cells, as text for nftables, twice: in the host's namespace for all cells
 * together, and in each cell's namespace, so that one mistake is not enough. Neither touches what is
 * not a cell's.
 *
 * Every packet that is dropped passes one named counter. In the host's namespace: drop-spoofed,
 * drop-invalid, drop-fwd-… as in rules_host.h, drop-in-cell (a cell to the host), drop-out-cell (the
 * host to a cell), drop-to-cell (somebody to a cell). In a cell's: drop-private, drop-connections,
 * drop-other, drop-in.
 */
#ifndef LAZARET_NET_RULES_CELLS_H
#define LAZARET_NET_RULES_CELLS_H

#include <stdio.h>

#include "net/contract.h"

/* The table of ours, in the host's namespace and in each cell's. */
#define RULES_CELLS_TABLE "lazaret"

/* A cell that there is: the number of its link, and the paths for some groups that it is of. */
struct rules_cell {
	uint32_t slot;
	uint32_t paths; /* bits 1 << enum path_id; only those of paths with groups are looked at */
};

/*
 * The host's side, as one transaction that replaces what was there. `only_cells`: forward nothing
 * else, since the host did not forward before us.
 */
void rules_cells_host(const struct contract *contract, bool only_cells,
		      const struct rules_cell *cells, size_t n_cells, FILE *out);
/* Gives a cell that is new, or whose paths changed, its place in the host's side. */
void rules_cells_set(const struct contract *contract, const struct rules_cell *cell, FILE *out);
/* Inside one cell's namespace; replaces what was there. */
void rules_cells_inside(const struct contract *contract, uint32_t paths, FILE *out);

#endif
