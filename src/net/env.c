/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/env.h"

#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <string.h>

#include "base/confine.h"
#include "base/fd.h"
#include "base/mem.h"

#define RESOLV_FILE_MAX (64 * 1024)

static bool is_in(const struct network *network, const char *outer)
{
	struct network other;

	return network_parse(outer, &other) == 0 && network_contains(&other, network);
}

static bool is_loopback(const struct network *network)
{
	return is_in(network, "127.0.0.0/8") || is_in(network, "::1/128");
}

static bool is_link_local(const struct network *network)
{
	return is_in(network, "fe80::/10") || is_in(network, "169.254.0.0/16");
}

int env_read_name_servers(const char *text, struct network_list *list)
{
	static const char key[] = "nameserver";

	for (const char *line = text; *line; line += strcspn(line, "\n"), line += *line == '\n') {
		char address[NETWORK_TEXT_MAX];
		struct network server;
		const char *start;
		size_t len;
		int r;

		if (strncmp(line, key, strlen(key)) != 0)
			continue;
		start = line + strlen(key);
		start += strspn(start, " \t");
		/* A zone ("fe80::1%eth0") names a link, which a cell does not have. */
		len = strcspn(start, " \t\r\n%#;");
		if (start == line + strlen(key) || len == 0 || len >= sizeof(address))
			continue;
		memcpy(address, start, len);
		address[len] = '\0';
		if (network_parse(address, &server) < 0 || is_loopback(&server))
			continue;
		r = network_list_add(list, &server);
		if (r < 0)
			return r;
	}
	return 0;
}

static int find_name_servers(struct network_list *list)
{
	/* The second one is what systemd-resolved, which the first one points at, asks itself. */
	static const char *const files[] = {"/etc/resolv.conf", "/run/systemd/resolve/resolv.conf"};

	for (size_t i = 0; i < ARRAY_LEN(files) && list->n == 0; i++) {
		_cleanup_free_ char *text = NULL;
		size_t len;
		int r;

		if (fd_read_file(AT_FDCWD, files[i], RESOLV_FILE_MAX, &text, &len) < 0)
			continue;
		r = env_read_name_servers(text, list);
		if (r < 0)
			return r;
	}
	return 0;
}

/* The network of an address and its mask. */
static struct network network_of(const struct network *address, const struct sockaddr *mask)
{
	size_t len = network_width(address->family) / 8;
	struct network network = {.family = address->family};
	const uint8_t *bits;

	if (address->family == AF_INET)
		bits = (const uint8_t *)&((const struct sockaddr_in *)(const void *)mask)->sin_addr;
	else
		bits = ((const struct sockaddr_in6 *)(const void *)mask)->sin6_addr.s6_addr;
	for (size_t i = 0; i < len; i++) {
		network.addr[i] = address->addr[i] & bits[i];
		network.bits = (uint8_t)(network.bits + __builtin_popcount(bits[i]));
	}
	return network;
}

static int add_address(struct env_host *host, const struct ifaddrs *entry)
{
	struct network address, network;
	int r = 0;

	if (!entry->ifa_addr || network_from_sockaddr(entry->ifa_addr, &address) < 0 ||
	    strncmp(entry->ifa_name, ENV_CELL_LINKS, strlen(ENV_CELL_LINKS)) == 0 ||
	    is_loopback(&address))
		return 0;
	if (!is_link_local(&address))
		r = network_list_add(&host->addresses, &address);
	if (r < 0 || !entry->ifa_netmask)
		return r;
	network = network_of(&address, entry->ifa_netmask);
	return network_list_add(&host->on_link, &network);
}

static int find_addresses(struct env_host *host)
{
	struct ifaddrs *all;
	int r = 0;

	if (getifaddrs(&all) < 0)
		return -errno;
	for (struct ifaddrs *entry = all; r == 0 && entry; entry = entry->ifa_next)
		r = add_address(host, entry);
	freeifaddrs(all);
	network_list_tidy(&host->addresses);
	network_list_tidy(&host->on_link);
	return r;
}

static int lookup_nothing(void *data, const char *name, struct network_list *list, bool *ret_stale)
{
	(void)data;
	(void)name;
	(void)list;
	*ret_stale = false;
	return -EAGAIN;
}

static int find_account(void *data, const char *name, uid_t *ret_uid)
{
	gid_t gid;

	(void)data;
	return confine_lookup(name, ret_uid, &gid);
}

int contract_env_host(struct env_host *ret_host)
{
	int r;

	*ret_host = (struct env_host){0};
	r = find_addresses(ret_host);
	if (r == 0)
		r = find_name_servers(&ret_host->name_servers);
	if (r < 0) {
		env_host_finish(ret_host);
		return r;
	}
	ret_host->env = (struct contract_env){
		.addresses = &ret_host->addresses,
		.on_link = &ret_host->on_link,
		.name_servers = &ret_host->name_servers,
		.lookup = lookup_nothing,
		.account = find_account,
	};
	return 0;
}

void env_host_finish(struct env_host *host)
{
	network_list_finish(&host->addresses);
	network_list_finish(&host->on_link);
	network_list_finish(&host->name_servers);
}
