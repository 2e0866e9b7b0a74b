/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Network links of cells by rtnetlink(7), through libmnl: veth pairs, addresses, routes. All calls act
 * in the network namespace that the calling thread is in.
 */
#ifndef LAZARET_NET_LINK_H
#define LAZARET_NET_LINK_H

#include <stdint.h>

#include "base/attr.h"
#include "net/network.h"

/* What every link of ours is called on the host's side: LINK_PREFIX and the slot's number. */
#define LINK_PREFIX "lzc"
/* The link's name inside a cell. */
#define LINK_CELL "eth0"

/* A veth pair: `name` here, LINK_CELL in the namespace `netns`. -EEXIST when there is one. */
NODISCARD int link_create(const char *name, int netns);
/* -ENODEV when there is none. */
NODISCARD int link_delete(const char *name);
NODISCARD int link_up(const char *name);
/* `bits` of `address` name the link's network; duplicate address detection is off. */
NODISCARD int link_add_address(const char *name, const struct network *address, unsigned int bits);
/* The default route of that family through `gateway`. */
NODISCARD int link_add_default_route(const char *name, const struct network *gateway);

/* Calls `each` with the slot of every link of ours; ends with what it returns if that is not 0. */
NODISCARD int link_list(int (*each)(uint32_t slot, void *data), void *data);

#endif
