/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/network.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "net/limits.h"

static bool prefix_equal(const uint8_t *a, const uint8_t *b, unsigned int bits)
{
	unsigned int whole = bits / 8, rest = bits % 8;

	if (memcmp(a, b, whole) != 0)
		return false;
	return rest == 0 || ((a[whole] ^ b[whole]) >> (8 - rest)) == 0;
}

static bool is_aligned(const struct network *network)
{
	static const uint8_t zero[16];
	struct network rest = *network;
	unsigned int whole = network->bits / 8;

	memset(rest.addr, 0, whole);
	if (network->bits % 8)
		rest.addr[whole] &= (uint8_t)(0xff >> (network->bits % 8));
	return memcmp(rest.addr, zero, sizeof(zero)) == 0;
}

int network_parse(const char *text, struct network *ret_network)
{
	struct network network = {0};
	char address[INET6_ADDRSTRLEN];
	const char *slash = strchr(text, '/');
	size_t len = slash ? (size_t)(slash - text) : strlen(text);
	int64_t bits;

	if (len >= sizeof(address))
		return -EINVAL;
	memcpy(address, text, len);
	address[len] = '\0';
	network.family = strchr(address, ':') ? AF_INET6 : AF_INET;
	if (inet_pton(network.family, address, network.addr) != 1)
		return -EINVAL;
	bits = network_width(network.family);
	if (slash && str_to_int(slash + 1, 0, bits, &bits) < 0)
		return -EINVAL;
	network.bits = (uint8_t)bits;
	if (!is_aligned(&network))
		return -EDOM;
	*ret_network = network;
	return 0;
}

int network_from_sockaddr(const struct sockaddr *address, struct network *ret_network)
{
	const struct sockaddr_in *in = (const struct sockaddr_in *)address;
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)address;

	*ret_network = (struct network){.family = AF_INET, .bits = 32};
	if (address->sa_family == AF_INET) {
		memcpy(ret_network->addr, &in->sin_addr, 4);
		return 0;
	}
	if (address->sa_family != AF_INET6)
		return -EAFNOSUPPORT;
	if (IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr)) {
		memcpy(ret_network->addr, in6->sin6_addr.s6_addr + 12, 4);
		return 0;
	}
	*ret_network = (struct network){.family = AF_INET6, .bits = 128};
	memcpy(ret_network->addr, &in6->sin6_addr, 16);
	return 0;
}

const char *network_format_address(const struct network *network, char out[NETWORK_TEXT_MAX])
{
	inet_ntop(network->family, network->addr, out, NETWORK_TEXT_MAX);
	return out;
}

const char *network_format(const struct network *network, char out[NETWORK_TEXT_MAX])
{
	size_t len;

	network_format_address(network, out);
	len = strlen(out);
	if (network->bits < network_width(network->family))
		snprintf(out + len, NETWORK_TEXT_MAX - len, "/%u", network->bits);
	return out;
}

const char *network_format_mask(const struct network *network, bool inverse,
				char out[NETWORK_TEXT_MAX])
{
	struct network mask = {.family = network->family};

	for (unsigned int i = 0; i < network_width(network->family); i++) {
		if ((i < network->bits) != inverse)
			mask.addr[i / 8] |= (uint8_t)(0x80 >> (i % 8));
	}
	return network_format_address(&mask, out);
}

int network_compare(const struct network *a, const struct network *b)
{
	int r;

	if (a->family != b->family)
		return a->family == AF_INET ? -1 : 1;
	r = memcmp(a->addr, b->addr, sizeof(a->addr));
	return r != 0 ? r : (int)a->bits - (int)b->bits;
}

bool network_contains(const struct network *outer, const struct network *inner)
{
	return outer->family == inner->family && outer->bits <= inner->bits &&
	       prefix_equal(outer->addr, inner->addr, outer->bits);
}

bool network_overlaps(const struct network *a, const struct network *b)
{
	return network_contains(a, b) || network_contains(b, a);
}

void network_list_finish(struct network_list *list)
{
	free(list->items);
	*list = (struct network_list){0};
}

int network_list_add(struct network_list *list, const struct network *network)
{
	/* Room grows by doubling, at powers of two. */
	if ((list->n & (list->n - 1)) == 0) {
		size_t room = list->n ? list->n * 2 : 1;
		struct network *items;

		if (list->n >= NETWORKS_MAX)
			return -E2BIG;
		items = reallocarray(list->items, room, sizeof(*items));
		if (!items)
			return -ENOMEM;
		list->items = items;
	}
	list->items[list->n++] = *network;
	return 0;
}

int network_list_add_text(struct network_list *list, const char *text)
{
	struct network network;
	int r = network_parse(text, &network);

	return r < 0 ? r : network_list_add(list, &network);
}

int network_list_add_all(struct network_list *list, const struct network_list *more)
{
	for (size_t i = 0; i < more->n; i++) {
		int r = network_list_add(list, &more->items[i]);

		if (r < 0)
			return r;
	}
	return 0;
}

static int compare_items(const void *a, const void *b)
{
	return network_compare(a, b);
}

/* Both halves of one network that is a bit shorter? */
static bool are_halves(const struct network *low, const struct network *high)
{
	struct network whole = *low;

	if (low->family != high->family || low->bits != high->bits || low->bits == 0)
		return false;
	whole.bits--;
	return is_aligned(&whole) && network_contains(&whole, high);
}

/*
 * Keeps the first so many. The capacity follows from the count, see network_list_add(): what is too
 * much is given back, so that the next power of two is again where room is made.
 */
static void shrink(struct network_list *list, size_t kept)
{
	struct network *items;
	size_t room = 1;

	while (room < kept)
		room *= 2;
	list->n = kept;
	items = reallocarray(list->items, room, sizeof(*items));
	if (items)
		list->items = items;
}

void network_list_sort(struct network_list *list)
{
	size_t kept = 0;

	if (list->n == 0)
		return;
	qsort(list->items, list->n, sizeof(*list->items), compare_items);
	for (size_t i = 0; i < list->n; i++) {
		if (kept == 0 || network_compare(&list->items[kept - 1], &list->items[i]) != 0)
			list->items[kept++] = list->items[i];
	}
	shrink(list, kept);
}

void network_list_tidy(struct network_list *list)
{
	size_t kept = 0;

	if (list->n == 0)
		return;
	qsort(list->items, list->n, sizeof(*list->items), compare_items);
	for (size_t i = 0; i < list->n; i++) {
		if (kept > 0 && network_contains(&list->items[kept - 1], &list->items[i]))
			continue;
		list->items[kept++] = list->items[i];
		while (kept > 1 && are_halves(&list->items[kept - 2], &list->items[kept - 1])) {
			kept--;
			list->items[kept - 1].bits--;
		}
	}
	shrink(list, kept);
}

bool network_list_contains(const struct network_list *list, const struct network *network)
{
	for (size_t i = 0; i < list->n; i++) {
		if (network_contains(&list->items[i], network))
			return true;
	}
	return false;
}

const struct network *network_list_overlap(const struct network_list *list,
					   const struct network *network)
{
	for (size_t i = 0; i < list->n; i++) {
		if (network_overlaps(&list->items[i], network))
			return &list->items[i];
	}
	return NULL;
}

bool network_list_has_family(const struct network_list *list, int family)
{
	for (size_t i = 0; i < list->n; i++) {
		if (list->items[i].family == family)
			return true;
	}
	return false;
}
