/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/cell_net.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "net/link.h"
#include "net/nft.h"

int cell_net_fail(struct cell_net *net, int error, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(net->why, sizeof(net->why), fmt, args);
	va_end(args);
	return error;
}

int cell_net_sysctl(struct cell_net *net, const char *path, const char *value)
{
	_cleanup_fd_ int fd = open(path, O_WRONLY | O_CLOEXEC);
	int r = fd < 0 ? -errno : fd_write_all(fd, value, strlen(value));

	return r < 0 ? cell_net_fail(net, r, "%s: %s", path, strerror(-r)) : 0;
}

static void come_back(const struct cell_net *net)
{
	if (setns(net->own_netns, CLONE_NEWNET) < 0)
		abort(); /* going on in a cell's namespace would be worse than anything */
}

static int load_here(struct cell_net *net, const char *rules)
{
	_cleanup_free_ char *error = NULL;
	int r = nft_load(rules, &error);

	if (error)
		error[strcspn(error, "\n")] = '\0';
	return r < 0 ? cell_net_fail(net, r, "packet filter: %s", error ? error : strerror(-r)) : 0;
}

int cell_net_load(struct cell_net *net, int netns, const char *rules)
{
	int r;

	if (netns < 0)
		return load_here(net, rules);
	if (setns(netns, CLONE_NEWNET) < 0)
		return cell_net_fail(net, -errno, "the cell's namespace cannot be entered");
	r = load_here(net, rules);
	come_back(net);
	return r;
}

static void link_name(uint32_t slot, char out[IF_NAMESIZE])
{
	snprintf(out, IF_NAMESIZE, LINK_PREFIX "%u", slot);
}

int cell_net_remove(uint32_t slot)
{
	char name[IF_NAMESIZE];
	int r;

	link_name(slot, name);
	r = link_delete(name);
	return r == -ENODEV ? 0 : r;
}

/* Address `index` of a block. */
static struct network nth(const struct network *block, uint64_t index)
{
	struct network address = *block;
	unsigned int width = network_width(block->family);

	address.bits = (uint8_t)width;
	for (unsigned int byte = width / 8; index > 0 && byte-- > 0; index >>= 8)
		address.addr[byte] |= (uint8_t)index;
	return address;
}

/* A cell's link has four addresses: network, host's side, cell's side, the rest unused. */
static bool slot_fits(const struct network *block, uint32_t slot)
{
	unsigned int host_bits = network_width(block->family) - block->bits;

	return host_bits >= 34 || ((uint64_t)slot + 1) * 4 <= UINT64_C(1) << host_bits;
}

/* One family of a link: addresses on both sides and the cell's default route. */
static int address_family(struct cell_net *net, const char *name, const struct network *block,
			  uint32_t slot, int netns)
{
	unsigned int bits = network_width(block->family) - 2;
	struct network host = nth(block, (uint64_t)slot * 4 + 1);
	struct network cell = nth(block, (uint64_t)slot * 4 + 2);
	int r;

	if (!slot_fits(block, slot))
		return cell_net_fail(net, -ERANGE, "the cells' address block is full");
	r = link_add_address(name, &host, bits);
	if (r < 0)
		return cell_net_fail(net, r, "%s: address: %s", name, strerror(-r));
	if (setns(netns, CLONE_NEWNET) < 0)
		return cell_net_fail(net, -errno, "the cell's namespace cannot be entered");
	r = link_add_address(LINK_CELL, &cell, bits);
	if (r == 0)
		r = link_add_default_route(LINK_CELL, &host);
	come_back(net);
	return r < 0 ? cell_net_fail(net, r, "the cell's address or route: %s", strerror(-r)) : 0;
}

/* In the new namespace: loopback and rules, before anything can go in or out. */
static int prepare_namespace(struct cell_net *net, const char *rules)
{
	int r = link_up("lo");

	if (r == 0)
		r = load_here(net, rules);
	if (r == 0 && !net->block6.family)
		r = cell_net_sysctl(net, "/proc/sys/net/ipv6/conf/all/disable_ipv6", "1");
	if (r == 0)
		r = cell_net_sysctl(net, "/proc/sys/net/ipv6/conf/default/accept_ra", "0");
	return r;
}

static int make_namespace(struct cell_net *net, const char *rules, int *ret_netns)
{
	_cleanup_fd_ int netns = -1;
	int r;

	if (unshare(CLONE_NEWNET) < 0)
		return cell_net_fail(net, -errno, "network namespace: %s", strerror(errno));
	netns = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	r = netns < 0 ? -errno : prepare_namespace(net, rules);
	come_back(net);
	if (r < 0)
		return r;
	*ret_netns = FD_STEAL(netns);
	return 0;
}

static int harden_link(struct cell_net *net, const char *name)
{
	static const struct {
		const char *family, *key, *value;
	} keys[] = {
		{"ipv6", "accept_ra", "0"},        {"ipv4", "rp_filter", "1"},
		{"ipv4", "accept_redirects", "0"}, {"ipv6", "accept_redirects", "0"},
		{"ipv4", "send_redirects", "0"},   {"ipv4", "accept_source_route", "0"},
	};
	char path[128];

	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		int r;

		snprintf(path, sizeof(path), "/proc/sys/net/%s/conf/%s/%s", keys[i].family, name,
			 keys[i].key);
		r = cell_net_sysctl(net, path, keys[i].value);
		if (r < 0)
			return r;
	}
	return 0;
}

static int join(struct cell_net *net, uint32_t slot, int netns)
{
	char name[IF_NAMESIZE];
	int r;

	link_name(slot, name);
	r = link_create(name, netns);
	if (r < 0)
		return cell_net_fail(net, r, "%s: %s", name, strerror(-r));
	r = harden_link(net, name);
	if (r == 0)
		r = link_up(name);
	if (r < 0)
		return r;
	if (setns(netns, CLONE_NEWNET) < 0)
		return -errno;
	r = link_up(LINK_CELL);
	come_back(net);
	if (r == 0)
		r = address_family(net, name, &net->block, slot, netns);
	if (r == 0 && net->block6.family)
		r = address_family(net, name, &net->block6, slot, netns);
	return r;
}

int cell_net_create(struct cell_net *net, uint32_t slot, const char *rules, int *ret_netns)
{
	_cleanup_fd_ int netns = -1;
	int r = cell_net_remove(slot);

	if (r == 0)
		r = make_namespace(net, rules, &netns);
	if (r == 0)
		r = join(net, slot, netns);
	if (r < 0) {
		(void)!cell_net_remove(slot);
		return r;
	}
	*ret_netns = FD_STEAL(netns);
	return 0;
}
