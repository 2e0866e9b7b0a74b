/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * lazaret-netd: makes and removes the cells' networks. Knows the monitor only; parses nothing that
 * comes from a network. What it made lives on in the kernel when it dies; the next one finds it.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <linux/capability.h>
#include <nftables/libnftables.h>
#include <sched.h>
#include <net/if.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/confine.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/spawn.h"
#include "base/str.h"
#include "conf/conf.h"
#include "ipc/channel.h"
#include "net/cell_rules.h"
#include "net/link.h"

#define CONFIG_MAX (64 * 1024)
#define RULES_MAX (8 * 1024 * 1024)
#define RESOLV_MAX 4096
#define SLOTS_MAX 65536

struct netd {
	struct wl_event_loop *loop;
	struct ipc_channel *channel;
	struct conf *conf;
	struct cell_rules rules;
	char resolv[RESOLV_MAX]; /* of the cells */
	char why[512]; /* what the last failure was */
	int own_netns;
	uint32_t *alive; /* slots */
	uint32_t n_alive;
	bool running;
};

static int PRINTF(3, 4) fail(struct netd *netd, int error, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(netd->why, sizeof(netd->why), fmt, args);
	va_end(args);
	return error;
}

/* --- configuration --------------------------------------------------------------------------- */

static int add_networks(struct netd *netd, enum conf_id id, struct network_list *list)
{
	for (size_t i = 0; i < conf_list_len(netd->conf, id); i++) {
		int r = network_list_add_text(list, conf_list_item(netd->conf, id, i));

		if (r < 0)
			return fail(netd, r, "\"%s\" is no network (option %s)",
				    conf_list_item(netd->conf, id, i), conf_row(id)->name);
	}
	return 0;
}

static bool is_loopback(const struct network *address)
{
	static const uint8_t loopback6[16] = {[15] = 1};

	if (address->family == AF_INET)
		return address->addr[0] == 127;
	return memcmp(address->addr, loopback6, sizeof(loopback6)) == 0;
}

/* The host's name servers, as far as a cell can reach them: those not on the host itself. */
static int host_name_servers(struct network_list *list)
{
	_cleanup_free_ char *text = NULL;
	size_t len;
	char *line, *rest;

	if (fd_read_file(AT_FDCWD, "/etc/resolv.conf", RULES_MAX, &text, &len) < 0)
		return 0;
	rest = text;
	while ((line = strsep(&rest, "\n"))) {
		struct network server;

		if (strncmp(line, "nameserver ", 11) != 0)
			continue;
		line += 11;
		line[strcspn(line, " \t%#")] = '\0';
		if (network_parse(line, &server) == 0 && !is_loopback(&server)) {
			int r = network_list_add(list, &server);

			if (r < 0)
				return r;
		}
	}
	return 0;
}

static int write_resolv(struct netd *netd)
{
	FILE *out = fmemopen(netd->resolv, sizeof(netd->resolv), "w");
	char text[NETWORK_TEXT_MAX];

	if (!out)
		return -ENOMEM;
	for (size_t i = 0; i < netd->rules.dns.n; i++)
		fprintf(out, "nameserver %s\n",
			network_format_address(&netd->rules.dns.items[i], text));
	return fclose(out) == 0 ? 0 : -EIO;
}

static int read_proxy(struct netd *netd)
{
	char text[512];
	char *colon;
	int64_t port;

	if (!conf_str(netd->conf, CONF_PROXY)[0])
		return 0;
	str_copy(text, sizeof(text), conf_str(netd->conf, CONF_PROXY));
	colon = strrchr(text, ':');
	if (!colon || str_to_int(colon + 1, 1, 65535, &port) < 0)
		return fail(netd, -EINVAL, "\"proxy\" needs address:port");
	*colon = '\0';
	if (network_parse(text, &netd->rules.proxy) < 0)
		return fail(
			netd, -EINVAL,
			"\"proxy\" needs an address, not the name \"%s\": the packet filter opens "
			"one address only",
			text);
	netd->rules.proxy_port = (uint16_t)port;
	return 0;
}

static int read_site(struct netd *netd)
{
	const char *block6 = conf_str(netd->conf, CONF_CELL_BLOCK6);
	int r;

	if (network_parse(conf_str(netd->conf, CONF_CELL_BLOCK), &netd->rules.block) < 0)
		return fail(netd, -EINVAL, "\"cell-block\" is no network");
	if (block6[0] && network_parse(block6, &netd->rules.block6) < 0)
		return fail(netd, -EINVAL, "\"cell-block6\" is no network");
	r = add_networks(netd, CONF_CELL_ALLOW, &netd->rules.allow);
	if (r == 0)
		r = add_networks(netd, CONF_DNS, &netd->rules.dns);
	if (r == 0 && netd->rules.dns.n == 0)
		r = host_name_servers(&netd->rules.dns);
	if (r == 0)
		r = write_resolv(netd);
	return r < 0 ? r : read_proxy(netd);
}

/* --- addresses ------------------------------------------------------------------------------- */

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

static int add_on_link(struct network_list *list, const struct ifaddrs *entry)
{
	struct network address, mask;

	if (!entry->ifa_addr || !entry->ifa_netmask ||
	    network_from_sockaddr(entry->ifa_addr, &address) < 0 ||
	    strncmp(entry->ifa_name, LINK_PREFIX, strlen(LINK_PREFIX)) == 0)
		return 0;
	if (entry->ifa_addr->sa_family == AF_INET) {
		const struct sockaddr_in *m = (const void *)entry->ifa_netmask;

		mask = (struct network){.family = AF_INET};
		memcpy(mask.addr, &m->sin_addr, 4);
	} else {
		const struct sockaddr_in6 *m = (const void *)entry->ifa_netmask;

		mask = (struct network){.family = AF_INET6};
		memcpy(mask.addr, &m->sin6_addr, 16);
	}
	address.bits = 0;
	for (size_t i = 0; i < 16; i++) {
		address.addr[i] &= mask.addr[i];
		address.bits = (uint8_t)(address.bits + __builtin_popcount(mask.addr[i]));
	}
	return network_list_add(list, &address);
}

static int find_on_link(struct netd *netd)
{
	struct ifaddrs *all;
	int r = 0;

	network_list_finish(&netd->rules.on_link);
	if (getifaddrs(&all) < 0)
		return -errno;
	for (struct ifaddrs *entry = all; r == 0 && entry; entry = entry->ifa_next)
		r = add_on_link(&netd->rules.on_link, entry);
	freeifaddrs(all);
	if (r == 0)
		network_list_tidy(&netd->rules.on_link);
	return r;
}

/* --- packet filter --------------------------------------------------------------------------- */

static int load_rules(struct netd *netd, void (*write)(const struct cell_rules *, FILE *))
{
	_cleanup_free_ char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	struct nft_ctx *nft;
	int r = 0;

	if (!out)
		return -ENOMEM;
	write(&netd->rules, out);
	if (fclose(out) != 0)
		return -ENOMEM;
	/* A context has its own netlink socket, which belongs to the namespace we are in now. */
	nft = nft_ctx_new(NFT_CTX_DEFAULT);
	if (!nft)
		return -ENOMEM;
	nft_ctx_buffer_error(nft);
	nft_ctx_buffer_output(nft);
	if (nft_run_cmd_from_buffer(nft, text) != 0)
		r = fail(netd, -EIO, "packet filter: %s", nft_ctx_get_error_buffer(nft));
	nft_ctx_free(nft);
	return r;
}

static bool table_says(const char *what)
{
	struct nft_ctx *nft = nft_ctx_new(NFT_CTX_DEFAULT);
	bool found = false;

	if (!nft)
		return false;
	nft_ctx_buffer_error(nft);
	nft_ctx_buffer_output(nft);
	if (nft_run_cmd_from_buffer(nft, "list table " CELL_RULES_TABLE) == 0)
		found = strstr(nft_ctx_get_output_buffer(nft), what) != NULL;
	nft_ctx_free(nft);
	return found;
}

static int set_sysctl(struct netd *netd, const char *path, const char *value)
{
	_cleanup_fd_ int fd = open(path, O_WRONLY | O_CLOEXEC);
	int r = fd < 0 ? -errno : fd_write_all(fd, value, strlen(value));

	return r < 0 ? fail(netd, r, "%s: %s", path, strerror(-r)) : 0;
}

static bool sysctl_is_on(const char *path)
{
	_cleanup_fd_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	char value;

	return fd >= 0 && read(fd, &value, 1) == 1 && value == '1';
}

static int set_up_host(struct netd *netd)
{
	int r = find_on_link(netd);

	if (r < 0)
		return fail(netd, r, "the host's addresses cannot be read");
	/* A host that was no router before us must not become one for anybody else. */
	netd->rules.only_cells = !sysctl_is_on("/proc/sys/net/ipv4/ip_forward") ||
				 table_says("nothing but cells");
	r = load_rules(netd, cell_rules_host);
	if (r == 0)
		r = set_sysctl(netd, "/proc/sys/net/ipv4/ip_forward", "1");
	if (r == 0 && netd->rules.block6.family)
		r = set_sysctl(netd, "/proc/sys/net/ipv6/conf/all/forwarding", "1");
	return r;
}

static void tear_down_host(struct netd *netd)
{
	struct nft_ctx *nft = nft_ctx_new(NFT_CTX_DEFAULT);

	if (nft) {
		nft_ctx_buffer_error(nft);
		(void)nft_run_cmd_from_buffer(nft, "delete table " CELL_RULES_TABLE);
		nft_ctx_free(nft);
	}
	if (netd->rules.only_cells) {
		(void)set_sysctl(netd, "/proc/sys/net/ipv4/ip_forward", "0");
		if (netd->rules.block6.family)
			(void)set_sysctl(netd, "/proc/sys/net/ipv6/conf/all/forwarding", "0");
	}
}

/* --- cells ----------------------------------------------------------------------------------- */

static void link_name(uint32_t slot, char out[IF_NAMESIZE])
{
	snprintf(out, IF_NAMESIZE, LINK_PREFIX "%u", slot);
}

static int remove_cell(uint32_t slot)
{
	char name[IF_NAMESIZE];
	int r;

	link_name(slot, name);
	r = link_delete(name);
	return r == -ENODEV ? 0 : r;
}

/* One family of a link: addresses on both sides and the cell's default route. */
static int address_family(struct netd *netd, const char *name, const struct network *block,
			  uint32_t slot, int netns)
{
	unsigned int bits = network_width(block->family) - 2;
	struct network host = nth(block, (uint64_t)slot * 4 + 1);
	struct network cell = nth(block, (uint64_t)slot * 4 + 2);
	int r;

	if (!slot_fits(block, slot))
		return fail(netd, -ERANGE, "the cells' address block is full");
	r = link_add_address(name, &host, bits);
	if (r < 0)
		return fail(netd, r, "%s: address: %s", name, strerror(-r));
	if (setns(netns, CLONE_NEWNET) < 0)
		return fail(netd, -errno, "the cell's namespace cannot be entered");
	r = link_add_address(LINK_CELL, &cell, bits);
	if (r == 0)
		r = link_add_default_route(LINK_CELL, &host);
	if (setns(netd->own_netns, CLONE_NEWNET) < 0)
		abort(); /* going on in a cell's namespace would be worse than anything */
	return r < 0 ? fail(netd, r, "the cell's address or route: %s", strerror(-r)) : 0;
}

/* In the new namespace: loopback and rules, before anything can go in or out. */
static int prepare_namespace(struct netd *netd)
{
	int r = link_up("lo");

	if (r == 0)
		r = load_rules(netd, cell_rules_cell);
	if (r == 0 && !netd->rules.block6.family)
		r = set_sysctl(netd, "/proc/sys/net/ipv6/conf/all/disable_ipv6", "1");
	if (r == 0)
		r = set_sysctl(netd, "/proc/sys/net/ipv6/conf/default/accept_ra", "0");
	return r;
}

static int make_namespace(struct netd *netd, int *ret_netns)
{
	_cleanup_fd_ int netns = -1;
	int r;

	if (unshare(CLONE_NEWNET) < 0)
		return fail(netd, -errno, "network namespace: %s", strerror(errno));
	netns = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	r = netns < 0 ? -errno : prepare_namespace(netd);
	if (setns(netd->own_netns, CLONE_NEWNET) < 0)
		abort();
	if (r < 0)
		return r;
	*ret_netns = FD_STEAL(netns);
	return 0;
}

static int harden_link(struct netd *netd, const char *name)
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
		r = set_sysctl(netd, path, keys[i].value);
		if (r < 0)
			return r;
	}
	return 0;
}

static int join(struct netd *netd, uint32_t slot, int netns)
{
	char name[IF_NAMESIZE];
	int r;

	link_name(slot, name);
	r = link_create(name, netns);
	if (r < 0)
		return fail(netd, r, "%s: %s", name, strerror(-r));
	r = harden_link(netd, name);
	if (r == 0)
		r = link_up(name);
	if (r < 0)
		return r;
	if (setns(netns, CLONE_NEWNET) < 0)
		return -errno;
	r = link_up(LINK_CELL);
	if (setns(netd->own_netns, CLONE_NEWNET) < 0)
		abort();
	if (r == 0)
		r = address_family(netd, name, &netd->rules.block, slot, netns);
	if (r == 0 && netd->rules.block6.family)
		r = address_family(netd, name, &netd->rules.block6, slot, netns);
	return r;
}

static int create_cell(struct netd *netd, uint32_t slot, int *ret_netns)
{
	_cleanup_fd_ int netns = -1;
	int r = remove_cell(slot);

	if (r == 0)
		r = make_namespace(netd, &netns);
	if (r == 0)
		r = join(netd, slot, netns);
	if (r < 0) {
		(void)!remove_cell(slot);
		return r;
	}
	*ret_netns = FD_STEAL(netns);
	return 0;
}

/* --- what the monitor says ------------------------------------------------------------------- */

static bool is_alive(const struct netd *netd, uint32_t slot)
{
	for (uint32_t i = 0; i < netd->n_alive; i++) {
		if (netd->alive[i] == slot)
			return true;
	}
	return false;
}

static int remove_stale(uint32_t slot, void *data)
{
	const struct netd *netd = data;

	if (is_alive(netd, slot))
		return 0;
	log_event(LOG_INFO, "network.stale", LOG_INT("slot", slot));
	return remove_cell(slot);
}

/* Safe: the monitor is who decides which cells there are. */
static int handle_start(void *data, struct ipc_message *message)
{
	struct netd *netd = data;
	uint32_t count = cursor_u32(&message->body);
	struct buf body;
	int r;

	if (count > SLOTS_MAX)
		return -EPROTO;
	free(netd->alive);
	netd->alive = calloc((size_t)count + 1, sizeof(*netd->alive));
	if (!netd->alive)
		return -ENOMEM;
	for (netd->n_alive = 0; netd->n_alive < count; netd->n_alive++)
		netd->alive[netd->n_alive] = cursor_u32(&message->body);
	if (!cursor_done(&message->body))
		return -EPROTO;
	netd->why[0] = '\0';
	r = read_site(netd);
	if (r == 0)
		r = set_up_host(netd);
	if (r == 0)
		r = link_list(remove_stale, netd);
	if (r < 0 && !netd->why[0])
		(void)fail(netd, r, "%s", strerror(-r));
	buf_init(&body, IPC_BODY_MAX);
	buf_put_u8(&body, r == 0);
	buf_put_str(&body, r == 0 ? "" : netd->why);
	r = ipc_channel_send(netd->channel, IPC_NETD_STARTED, &body, NULL, 0);
	buf_finish(&body);
	return r;
}

/* Safe: a slot is a number; names and addresses are computed from it within the block. */
static int handle_create(void *data, struct ipc_message *message)
{
	struct netd *netd = data;
	uint32_t slot = cursor_u32(&message->body);
	_cleanup_fd_ int netns = -1;
	uint64_t started = clock_now();
	struct buf body;
	int r;

	if (!cursor_done(&message->body) || slot >= SLOTS_MAX)
		return -EPROTO;
	netd->why[0] = '\0';
	r = create_cell(netd, slot, &netns);
	if (r < 0 && !netd->why[0])
		(void)fail(netd, r, "%s", strerror(-r));
	log_event(r < 0 ? LOG_ERROR : LOG_DEBUG, "network.cell", LOG_INT("slot", slot),
		  LOG_INT("us", clock_now() - started), LOG_STR("reason", netd->why));
	buf_init(&body, IPC_BODY_MAX);
	buf_put_u32(&body, slot);
	buf_put_u8(&body, r == 0);
	buf_put_str(&body, netd->why);
	buf_put_str(&body, netd->resolv);
	r = ipc_channel_send(netd->channel, IPC_NETD_CELL_CREATED, &body, &netns,
			     netns >= 0 ? 1 : 0);
	buf_finish(&body);
	return r;
}

/* Safe: removes a link of ours, nothing else has such a name. */
static int handle_remove(void *data, struct ipc_message *message)
{
	uint32_t slot = cursor_u32(&message->body);

	(void)data;
	if (!cursor_done(&message->body))
		return -EPROTO;
	(void)!remove_cell(slot);
	return 0;
}

static int remove_any(uint32_t slot, void *data)
{
	(void)data;
	return remove_cell(slot);
}

/* Safe: the monitor ends everything. */
static int handle_stop(void *data, struct ipc_message *message)
{
	struct netd *netd = data;

	(void)message;
	(void)!link_list(remove_any, NULL);
	tear_down_host(netd);
	netd->running = false;
	return 0;
}

static void handle_closed(void *data, int reason)
{
	struct netd *netd = data;

	(void)reason;
	netd->running = false;
}

static const struct ipc_rule ipc_rules[] = {
	{IPC_NETD_START, IPC_ANY_STATE, 1, handle_start},
	{IPC_NETD_CELL_CREATE, IPC_ANY_STATE, 0, handle_create},
	{IPC_NETD_CELL_REMOVE, IPC_ANY_STATE, 0, handle_remove},
	{IPC_NETD_STOP, IPC_ANY_STATE, 1, handle_stop},
};

static const struct ipc_table table = {
	.self = IPC_ROLE_NETD,
	.peer = IPC_ROLE_MONITOR,
	.rules = ipc_rules,
	.n_rules = ARRAY_LEN(ipc_rules),
	.closed = handle_closed,
};

static int read_config(struct netd *netd)
{
	_cleanup_free_ char *data = NULL;
	struct cursor c;
	size_t len;
	int r = fd_read_all(SPAWN_FD_CONFIG, CONFIG_MAX, &data, &len);

	if (r < 0)
		return r;
	c = cursor_over(data, len);
	r = conf_get(&c, &netd->conf);
	return r == 0 && !cursor_done(&c) ? -EPROTO : r;
}

int main(void)
{
	static const struct confine spec = {
		.keep_caps = UINT64_C(1) << CAP_NET_ADMIN | UINT64_C(1) << CAP_SYS_ADMIN,
		.own_ipc = true,
		.max_files = 256,
	};
	struct netd netd = {.own_netns = -1, .running = true};
	const char *step = "configuration";
	int r;

	log_init("lazaret-netd");
	(void)signal(SIGPIPE, SIG_IGN);
	/* Ctrl-C at a terminal is for the monitor, which tells us what to do. */
	(void)signal(SIGINT, SIG_IGN);
	r = read_config(&netd);
	if (r == 0) {
		log_set_level((enum log_level)conf_int(netd.conf, CONF_LOG_LEVEL));
		netd.own_netns = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
		r = netd.own_netns < 0 ? -errno : confine(&spec, &step);
	}
	if (r == 0) {
		step = "channel";
		netd.loop = wl_event_loop_create();
		r = netd.loop ? ipc_channel_create(netd.loop, SPAWN_FD_CHANNEL, &table, &netd,
						   &netd.channel)
			      : -ENOMEM;
	}
	if (r < 0) {
		log_event(LOG_ERROR, "netd.start-failed", LOG_STR("step", step), LOG_ERR(r));
		return 1;
	}
	while (netd.running)
		wl_event_loop_dispatch(netd.loop, -1);
	ipc_channel_destroy(netd.channel);
	wl_event_loop_destroy(netd.loop);
	conf_destroy(netd.conf);
	free(netd.alive);
	network_list_finish(&netd.rules.allow);
	network_list_finish(&netd.rules.dns);
	network_list_finish(&netd.rules.on_link);
	return 0;
}
