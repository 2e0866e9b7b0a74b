/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Networks as address and length of the prefix, and sorted lists of them. */
#ifndef LAZARET_NET_NETWORK_H
#define LAZARET_NET_NETWORK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/attr.h"

/* Fits any network as text: an IPv6 address, "/128" and a NUL. */
#define NETWORK_TEXT_MAX 51

struct network {
	uint8_t family; /* AF_INET or AF_INET6 */
	uint8_t bits; /* 0 to 32 or 128 */
	uint8_t addr[16]; /* network byte order; bits behind the prefix are 0; IPv4 takes 4 bytes */
};

/* Bits of an address of that family. */
static inline unsigned int network_width(int family)
{
	return family == AF_INET ? 32 : 128;
}

/*
 * "192.0.2.0/24", "192.0.2.1" (one address), "2001:db8::/32". -EINVAL if it is neither, -EDOM if
 * there are bits behind the prefix ("192.0.2.1/24").
 */
NODISCARD int network_parse(const char *text, struct network *ret_network);
/* From a socket address; -EAFNOSUPPORT for other families. IPv4-mapped addresses become IPv4. */
NODISCARD int network_from_sockaddr(const struct sockaddr *address, struct network *ret_network);
/* One address without "/32" or "/128". Returns `out`. */
const char *network_format(const struct network *network, char out[NETWORK_TEXT_MAX]);
/* The address alone, and as a mask, both without the length: for dialects that want masks. */
const char *network_format_address(const struct network *network, char out[NETWORK_TEXT_MAX]);
const char *network_format_mask(const struct network *network, bool inverse,
				char out[NETWORK_TEXT_MAX]);
/* By family, address, longest prefix last. */
int network_compare(const struct network *a, const struct network *b);
bool network_contains(const struct network *outer, const struct network *inner);
bool network_overlaps(const struct network *a, const struct network *b);

struct network_list {
	struct network *items;
	size_t n;
};

void network_list_finish(struct network_list *list);
#define _cleanup_networks_ CLEANUP(network_list_finish)

/* -ENOMEM, or -E2BIG past NETWORKS_MAX. */
NODISCARD int network_list_add(struct network_list *list, const struct network *network);
NODISCARD int network_list_add_text(struct network_list *list, const char *text);
NODISCARD int network_list_add_all(struct network_list *list, const struct network_list *more);
/* Sorts; what is there twice goes. */
void network_list_sort(struct network_list *list);
/* Sorts; what lies inside another network goes, two halves become their whole. */
void network_list_tidy(struct network_list *list);
/* Whether an item contains all of `network`. */
bool network_list_contains(const struct network_list *list, const struct network *network);
/* The first item that has an address in common with it, or NULL. */
const struct network *network_list_overlap(const struct network_list *list,
					   const struct network *network);
bool network_list_has_family(const struct network_list *list, int family);

#endif
