/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The network of one cell: a namespace, a link between it and the host, addresses, rules. All of it
 * is named and numbered after the cell's slot, so that what was left behind can be found.
 */
#ifndef LAZARET_NET_CELL_NET_H
#define LAZARET_NET_CELL_NET_H

#include <stdint.h>

#include "base/attr.h"
#include "net/network.h"

struct cell_net {
	int own_netns; /* the namespace that we are in whenever a call returns */
	struct network block, block6; /* of all cells; block6.family 0: no IPv6 */
	char why[1024]; /* what the last failure was, one sentence */
};

/* Notes what has failed; returns `error`. */
int cell_net_fail(struct cell_net *net, int error, const char *fmt, ...) PRINTF(3, 4);

/*
 * Makes a cell's network; what was left of that slot goes first. `rules` are loaded into it before
 * anything can pass. The caller closes *ret_netns; the namespace lives as long as somebody uses it.
 */
NODISCARD int cell_net_create(struct cell_net *net, uint32_t slot, const char *rules,
			      int *ret_netns);
/* Loads rules into a cell's namespace, or with netns -1 into ours. -EINVAL: the old ones stay. */
NODISCARD int cell_net_load(struct cell_net *net, int netns, const char *rules);
/* Removes the host's side, and with it the cell's. */
NODISCARD int cell_net_remove(uint32_t slot);

/* Writes a value into a file below /proc/sys; says what failed in net->why. */
NODISCARD int cell_net_sysctl(struct cell_net *net, const char *path, const char *value);

#endif
