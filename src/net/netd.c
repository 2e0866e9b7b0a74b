/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * lazaret-netd: makes and removes the cells' networks, and holds the contract of the site, from which
 * their rules follow. Knows the monitor only; parses nothing that comes from a network. What it made
 * lives on in the kernel when it dies; the next one finds it.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
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
#include "net/cell_net.h"
#include "net/env.h"
#include "net/limits.h"
#include "net/link.h"
#include "net/netd_filter.h"
#include "net/netd_names.h"
#include "net/nft.h"
#include "net/rules.h"
#include "net/rules_cells.h"
#include "net/rules_host.h"
#include "net/site.h"

#define FILES_MAX 8192 /* sessions, at most 4000, and what else we open */

struct netd_cell {
	struct rules_cell cell;
	int netns; /* -1: not known, or not any more */
};

struct netd {
	struct wl_event_loop *loop;
	struct ipc_channel *channel;
	struct conf *conf;
	struct site *site; /* what the rules in force follow from */
	char *loaded; /* the host's side as it was loaded last; NULL: not known */
	struct netd_names names;
	struct wl_event_source *timer; /* of the next look at names and at the host */
	struct cell_net net;
	struct netd_cell *cells;
	size_t n_cells;
	bool only_cells; /* the host forwarded nothing before us */
	bool running;
};

/* --- packet filter --------------------------------------------------------------------------- */

/* A text that a writer filled; NULL when out of memory. */
struct text {
	char *bytes;
	size_t size;
	FILE *out;
};

static int text_open(struct text *text)
{
	*text = (struct text){0};
	text->out = open_memstream(&text->bytes, &text->size);
	return text->out ? 0 : -ENOMEM;
}

static int text_close(struct text *text)
{
	int r = fclose(text->out) == 0 ? 0 : -ENOMEM;

	text->out = NULL;
	return r;
}

static void text_finish(struct text *text)
{
	if (text->out)
		fclose(text->out);
	free(text->bytes);
}
#define _cleanup_text_ CLEANUP(text_finish)

/* 1 if that changed something, 0 if it is so already. */
static int load_host(struct netd *netd, const struct site *site)
{
	_cleanup_text_ struct text text;
	_cleanup_free_ struct rules_cell *cells = calloc(netd->n_cells + 1, sizeof(*cells));
	int r = text_open(&text);

	if (r < 0 || !cells)
		return -ENOMEM;
	for (size_t i = 0; i < netd->n_cells; i++)
		cells[i] = netd->cells[i].cell;
	rules_cells_host(site->contract, netd->only_cells, cells, netd->n_cells, text.out);
	r = text_close(&text);
	if (r < 0 || (netd->loaded && str_eq(netd->loaded, text.bytes)))
		return r;
	r = cell_net_load(&netd->net, -1, text.bytes);
	if (r < 0)
		return r;
	free(netd->loaded);
	netd->loaded = STEAL(text.bytes);
	return 1;
}

static int write_inside(const struct site *site, uint32_t paths, struct text *text)
{
	int r = text_open(text);

	if (r < 0)
		return r;
	rules_cells_inside(site->contract, paths, text->out);
	return text_close(text);
}

static int load_inside(struct netd *netd, const struct site *site, const struct netd_cell *cell)
{
	_cleanup_text_ struct text text;
	int r = write_inside(site, cell->cell.paths, &text);

	return r < 0 ? r : cell_net_load(&netd->net, cell->netns, text.bytes);
}

/* In every cell whose namespace we hold; what cannot be loaded is said, and the host's side stands. */
static void load_all_inside(struct netd *netd, const struct site *site)
{
	for (size_t i = 0; i < netd->n_cells; i++) {
		if (netd->cells[i].netns >= 0 && load_inside(netd, site, &netd->cells[i]) < 0)
			log_event(LOG_ERROR, "network.cell-kept",
				  LOG_INT("slot", netd->cells[i].cell.slot),
				  LOG_STR("reason", netd->net.why));
	}
}

static int load_place(struct netd *netd, const struct rules_cell *cell)
{
	_cleanup_text_ struct text text;
	int r = text_open(&text);

	if (r < 0)
		return r;
	rules_cells_set(netd->site->contract, cell, text.out);
	r = text_close(&text);
	/* A contract without paths for some groups has nothing to say of one cell. */
	return r < 0 || text.size == 0 ? r : cell_net_load(&netd->net, -1, text.bytes);
}

static bool sysctl_is_on(const char *path)
{
	_cleanup_fd_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	char value;

	return fd >= 0 && read(fd, &value, 1) == 1 && value == '1';
}

static bool shut_for_others(void)
{
	_cleanup_free_ char *chain = NULL;

	return nft_list("list chain inet " RULES_CELLS_TABLE " forward", &chain) == 0 &&
	       strstr(chain, "drop-fwd-other");
}

static int set_up_host(struct netd *netd)
{
	int r;

	/* A host that was no router before us must not become one for anybody else. */
	netd->only_cells = !sysctl_is_on("/proc/sys/net/ipv4/ip_forward") || shut_for_others();
	r = load_host(netd, netd->site);
	if (r >= 0)
		r = cell_net_sysctl(&netd->net, "/proc/sys/net/ipv4/ip_forward", "1");
	if (r == 0 && netd->net.block6.family)
		r = cell_net_sysctl(&netd->net, "/proc/sys/net/ipv6/conf/all/forwarding", "1");
	return r;
}

static void tear_down_host(struct netd *netd)
{
	(void)!nft_load("delete table inet " RULES_CELLS_TABLE, NULL);
	if (!netd->only_cells)
		return;
	(void)!cell_net_sysctl(&netd->net, "/proc/sys/net/ipv4/ip_forward", "0");
	if (netd->net.block6.family)
		(void)!cell_net_sysctl(&netd->net, "/proc/sys/net/ipv6/conf/all/forwarding", "0");
}

/* --- cells ----------------------------------------------------------------------------------- */

static struct netd_cell *find_cell(struct netd *netd, uint32_t slot)
{
	for (size_t i = 0; i < netd->n_cells; i++) {
		if (netd->cells[i].cell.slot == slot)
			return &netd->cells[i];
	}
	return NULL;
}

/* The cell of that slot, entered if it is new; NULL when out of memory. */
static struct netd_cell *enter_cell(struct netd *netd, uint32_t slot, uint32_t paths)
{
	struct netd_cell *cell = find_cell(netd, slot);
	struct netd_cell *cells;

	if (!cell) {
		cells = reallocarray(netd->cells, netd->n_cells + 1, sizeof(*cells));
		if (!cells)
			return NULL;
		netd->cells = cells;
		cell = &cells[netd->n_cells++];
		*cell = (struct netd_cell){.netns = -1};
	}
	cell->cell = (struct rules_cell){.slot = slot, .paths = paths};
	return cell;
}

static void forget_cell(struct netd *netd, uint32_t slot)
{
	struct netd_cell *cell = find_cell(netd, slot);

	if (!cell)
		return;
	fd_close(cell->netns);
	*cell = netd->cells[--netd->n_cells];
}

static void forget_cells(struct netd *netd)
{
	while (netd->n_cells > 0)
		forget_cell(netd, netd->cells[0].cell.slot);
	free(netd->cells);
	netd->cells = NULL;
}

static int create_cell(struct netd *netd, uint32_t slot, uint32_t paths, int *ret_netns)
{
	_cleanup_text_ struct text text = {0};
	struct netd_cell *cell = enter_cell(netd, slot, paths);
	int r = cell && netd->site ? write_inside(netd->site, paths, &text) : -ENOMEM;

	if (r == 0)
		r = load_place(netd, &cell->cell);
	if (r == 0) {
		cell->netns = fd_close(cell->netns);
		r = cell_net_create(&netd->net, slot, text.bytes, &cell->netns);
	}
	if (r < 0) {
		forget_cell(netd, slot);
		return r;
	}
	*ret_netns = cell->netns;
	return 0;
}

static int remove_stale(uint32_t slot, void *data)
{
	struct netd *netd = data;

	if (find_cell(netd, slot))
		return 0;
	log_event(LOG_INFO, "network.stale", LOG_INT("slot", slot));
	return cell_net_remove(slot);
}

static int remove_any(uint32_t slot, void *data)
{
	(void)data;
	return cell_net_remove(slot);
}

/* The namespaces of cells that an earlier one of us made, one after the other. */
static int ask_for_next(struct netd *netd)
{
	struct buf body;
	int r;

	for (size_t i = 0; i < netd->n_cells; i++) {
		if (netd->cells[i].netns >= 0)
			continue;
		buf_init(&body, 4);
		buf_put_u32(&body, netd->cells[i].cell.slot);
		r = ipc_channel_send(netd->channel, IPC_NETD_CELL_WANTED, &body, NULL, 0);
		buf_finish(&body);
		return r;
	}
	return 0;
}

/* --- the contract, again and again ------------------------------------------------------------- */

/* Takes a configuration and has all rules follow from it, or leaves everything as it was. */
static int configure(struct netd *netd, const struct conf *conf)
{
	_cleanup_site_ struct site *site = NULL;
	uint64_t started = clock_now();
	int r = site_create(conf, &netd->names.names, netd->net.why, sizeof(netd->net.why), &site);
	int changed = r < 0 ? r : load_host(netd, site);

	if (changed < 0)
		return changed;
	if (changed > 0)
		load_all_inside(netd, site);
	site_say_notes(site, netd->site);
	site_destroy(netd->site);
	netd->site = STEAL(site);
	log_event(changed > 0 ? LOG_INFO : LOG_DEBUG, "network.rules",
		  LOG_INT("cells", netd->n_cells), LOG_INT("us", clock_now() - started));
	return 0;
}

/*
 * In the host's own filter, where that was applied, names follow too; nothing else of it is touched.
 * A path that this table does not know yet waits for the next `firewall apply`.
 */
static void update_host_filter(struct netd *netd)
{
	for (size_t i = 0; i < PATH_COUNT; i++) {
		const struct contract_path *path = &netd->site->contract->paths[i];
		_cleanup_text_ struct text text = {0};

		if (!path->on || text_open(&text) < 0)
			continue;
		rules_put_peers_update(path, RULES_HOST_TABLE, text.out);
		if (text_close(&text) == 0 && text.size > 0 && nft_load(text.bytes, NULL) < 0)
			log_event(LOG_DEBUG, "network.host-unchanged",
				  LOG_STR("path", path->row->name));
	}
}

static void handle_names(void *data)
{
	struct netd *netd = data;

	netd->net.why[0] = '\0';
	if (configure(netd, netd->conf) < 0) {
		log_event(LOG_ERROR, "network.kept", LOG_STR("reason", netd->net.why));
		return;
	}
	update_host_filter(netd);
	netd_names_save(&netd->names, conf_str(netd->conf, CONF_STATE_DIR));
}

/* Has names resolved now, and all of it looked at again in a while. */
static void look_again(struct netd *netd)
{
	int r = netd_names_ask(&netd->names, netd->channel);

	if (r < 0)
		log_event(LOG_ERROR, "network.names-unasked", LOG_ERR(r));
	wl_event_source_timer_update(netd->timer,
				     (int)conf_int(netd->conf, CONF_NAME_REFRESH) * 1000);
}

/* The host may have got other addresses, networks or name servers. */
static int handle_timer(void *data)
{
	struct netd *netd = data;

	netd->net.why[0] = '\0';
	if (configure(netd, netd->conf) < 0)
		log_event(LOG_ERROR, "network.kept", LOG_STR("reason", netd->net.why));
	look_again(netd);
	return 0;
}

/* --- what the monitor says ------------------------------------------------------------------- */

static int answer(struct netd *netd, enum ipc_type type, int error)
{
	struct buf body;
	int r;

	if (error < 0 && !netd->net.why[0])
		(void)cell_net_fail(&netd->net, error, "%s", strerror(-error));
	buf_init(&body, IPC_BODY_MAX);
	buf_put_u8(&body, error == 0);
	buf_put_str(&body, error == 0 ? "" : netd->net.why);
	r = ipc_channel_send(netd->channel, type, &body, NULL, 0);
	buf_finish(&body);
	return r;
}

static int read_cells(struct netd *netd, struct cursor *c)
{
	uint32_t count = cursor_u32(c);

	if (count > CELLS_MAX)
		return -EPROTO;
	for (uint32_t i = 0; i < count && !cursor_failed(c); i++) {
		uint32_t slot = cursor_u32(c);
		uint32_t paths = cursor_u32(c);

		if (!enter_cell(netd, slot, paths))
			return -ENOMEM;
	}
	return cursor_done(c) ? 0 : -EPROTO;
}

static int begin(struct netd *netd)
{
	const struct conf *conf = netd->conf;
	const char *block6 = conf_str(conf, CONF_CELL_BLOCK6);
	int r;

	netd_names_load(&netd->names, conf_str(conf, CONF_STATE_DIR));
	r = site_create(conf, &netd->names.names, netd->net.why, sizeof(netd->net.why),
			&netd->site);
	if (r < 0)
		return r;
	site_say_notes(netd->site, NULL);
	if (network_parse(conf_str(conf, CONF_CELL_BLOCK), &netd->net.block) < 0 ||
	    (block6[0] && network_parse(block6, &netd->net.block6) < 0))
		return cell_net_fail(&netd->net, -EINVAL, "the cells' block is no network");
	r = set_up_host(netd);
	return r < 0 ? r : link_list(remove_stale, netd);
}

/* Safe: the monitor is who decides which cells there are. */
static int handle_start(void *data, struct ipc_message *message)
{
	struct netd *netd = data;
	int r = read_cells(netd, &message->body);
	int begun;

	if (r < 0)
		return r;
	netd->net.why[0] = '\0';
	begun = begin(netd);
	r = answer(netd, IPC_NETD_STARTED, begun);
	if (r < 0 || begun < 0)
		return r;
	look_again(netd);
	return ask_for_next(netd);
}

/* Safe: a slot is a number; names and addresses are computed from it within the block. */
static int handle_create(void *data, struct ipc_message *message)
{
	struct netd *netd = data;
	uint32_t slot = cursor_u32(&message->body);
	uint32_t paths = cursor_u32(&message->body);
	uint64_t started = clock_now();
	struct buf body;
	int netns = -1;
	int r;

	if (!cursor_done(&message->body) || slot >= CELLS_MAX)
		return -EPROTO;
	netd->net.why[0] = '\0';
	r = create_cell(netd, slot, paths, &netns);
	if (r < 0 && !netd->net.why[0])
		(void)cell_net_fail(&netd->net, r, "%s", strerror(-r));
	log_event(r < 0 ? LOG_ERROR : LOG_DEBUG, "network.cell", LOG_INT("slot", slot),
		  LOG_INT("us", clock_now() - started), LOG_STR("reason", netd->net.why));
	buf_init(&body, IPC_BODY_MAX);
	buf_put_u32(&body, slot);
	buf_put_u8(&body, r == 0);
	buf_put_str(&body, netd->net.why);
	buf_put_str(&body, netd->site ? netd->site->resolv : "");
	r = ipc_channel_send(netd->channel, IPC_NETD_CELL_CREATED, &body, &netns,
			     netns >= 0 ? 1 : 0);
	buf_finish(&body);
	return r;
}

/* Safe: the monitor got the descriptor from one of us, or from the session that it was made for. */
static int handle_cell(void *data, struct ipc_message *message)
{
	struct netd *netd = data;
	uint32_t slot = cursor_u32(&message->body);
	_cleanup_fd_ int netns = ipc_message_take_fd(message, 0);
	struct netd_cell *cell = find_cell(netd, slot);

	if (!cursor_done(&message->body))
		return -EPROTO;
	if (!cell || cell->netns >= 0)
		return ask_for_next(netd);
	cell->netns = FD_STEAL(netns);
	if (cell->netns < 0 || load_inside(netd, netd->site, cell) < 0) {
		/* The host's side rules it all the same; what it has inside is what it began with. */
		log_event(LOG_WARN, "network.cell-kept", LOG_INT("slot", slot),
			  LOG_STR("reason",
				  cell->netns < 0 ? "its namespace is not known" : netd->net.why));
		if (cell->netns < 0)
			return 0;
	}
	return ask_for_next(netd);
}

/* Safe: the monitor decides what a user's groups may. */
static int handle_paths(void *data, struct ipc_message *message)
{
	struct netd *netd = data;
	uint32_t slot = cursor_u32(&message->body);
	uint32_t paths = cursor_u32(&message->body);
	struct netd_cell *cell = find_cell(netd, slot);
	int r;

	if (!cursor_done(&message->body))
		return -EPROTO;
	if (!cell || !netd->site)
		return 0;
	cell->cell.paths = paths;
	r = load_place(netd, &cell->cell);
	if (r == 0 && cell->netns >= 0)
		r = load_inside(netd, netd->site, cell);
	if (r < 0)
		log_event(LOG_ERROR, "network.cell-kept", LOG_INT("slot", slot),
			  LOG_STR("reason", netd->net.why));
	return 0;
}

static int read_config(int fd, struct conf **ret_conf)
{
	_cleanup_conf_ struct conf *conf = NULL;
	_cleanup_free_ char *data = NULL;
	struct cursor c;
	size_t len;
	int r = fd_read_all(fd, SITE_COPY_MAX, &data, &len);

	if (r < 0)
		return r;
	c = cursor_over(data, len);
	r = conf_get(&c, &conf);
	if (r == 0 && !cursor_done(&c))
		r = -EPROTO;
	if (r == 0)
		*ret_conf = STEAL(conf);
	return r;
}

/* Safe: the monitor's configuration; the cells' blocks cannot change while there are cells. */
static int handle_config(void *data, struct ipc_message *message)
{
	struct netd *netd = data;
	_cleanup_fd_ int fd = ipc_message_take_fd(message, 0);
	_cleanup_conf_ struct conf *conf = NULL;
	int r = cursor_done(&message->body) && fd >= 0 ? read_config(fd, &conf) : -EPROTO;

	if (r < 0)
		return r;
	netd->net.why[0] = '\0';
	r = configure(netd, conf);
	if (r == 0) {
		conf_destroy(netd->conf);
		netd->conf = STEAL(conf);
		log_set_level((enum log_level)conf_int(netd->conf, CONF_LOG_LEVEL));
	}
	r = answer(netd, IPC_NETD_CONFIGURED, r);
	look_again(netd);
	return r;
}

/* Safe: removes a link of ours, nothing else has such a name. */
static int handle_remove(void *data, struct ipc_message *message)
{
	struct netd *netd = data;
	uint32_t slot = cursor_u32(&message->body);

	if (!cursor_done(&message->body))
		return -EPROTO;
	(void)!cell_net_remove(slot);
	forget_cell(netd, slot);
	return 0;
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

/* What may be said before START was heard, and after. */
enum { BEFORE = 1 << 0, AFTER = 1 << 1 };

static int handle_first(void *data, struct ipc_message *message)
{
	struct netd *netd = data;

	ipc_channel_set_state(netd->channel, AFTER);
	return handle_start(data, message);
}

static const struct ipc_rule ipc_rules[] = {
	{IPC_NETD_START, BEFORE, 1, handle_first},
	{IPC_NETD_CELL_CREATE, AFTER, 0, handle_create},
	{IPC_NETD_CELL, AFTER, 0, handle_cell},
	{IPC_NETD_CELL_PATHS, AFTER, 0, handle_paths},
	{IPC_NETD_CELL_REMOVE, AFTER, 0, handle_remove},
	{IPC_NETD_CONFIG, AFTER, 0, handle_config},
	{IPC_NETD_STOP, IPC_ANY_STATE, 1, handle_stop},
};

static const struct ipc_table table = {
	.self = IPC_ROLE_NETD,
	.peer = IPC_ROLE_MONITOR,
	.rules = ipc_rules,
	.n_rules = ARRAY_LEN(ipc_rules),
	.closed = handle_closed,
};

/* A descriptor a cell, as far as we may. */
static uint64_t most_files(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return FILES_MAX;
	return MIN((uint64_t)limit.rlim_max, (uint64_t)FILES_MAX);
}

int main(void)
{
	const struct confine spec = {
		.keep_caps = UINT64_C(1) << CAP_NET_ADMIN | UINT64_C(1) << CAP_SYS_ADMIN,
		.own_ipc = true,
		.max_files = most_files(),
	};
	struct netd netd = {.net = {.own_netns = -1}, .running = true};
	const char *step = "configuration";
	int r;

	log_init("lazaret-netd");
	(void)signal(SIGPIPE, SIG_IGN);
	/* Ctrl-C at a terminal is for the monitor, which tells us what to do. */
	(void)signal(SIGINT, SIG_IGN);
	r = read_config(SPAWN_FD_CONFIG, &netd.conf);
	if (r == 0) {
		log_set_level((enum log_level)conf_int(netd.conf, CONF_LOG_LEVEL));
		netd.net.own_netns = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
		r = netd.net.own_netns < 0 ? -errno : confine(&spec, &step);
	}
	if (r == 0) {
		step = "channel";
		netd.loop = wl_event_loop_create();
		r = netd.loop ? ipc_channel_create(netd.loop, SPAWN_FD_CHANNEL, &table, &netd,
						   &netd.channel)
			      : -ENOMEM;
	}
	if (r == 0) {
		netd_names_init(&netd.names, netd.loop, handle_names, &netd);
		netd.timer = wl_event_loop_add_timer(netd.loop, handle_timer, &netd);
		r = netd.timer ? 0 : -ENOMEM;
	}
	if (r == 0) {
		step = "filter";
		r = netd_filter();
	}
	if (r < 0) {
		log_event(LOG_ERROR, "netd.start-failed", LOG_STR("step", step), LOG_ERR(r));
		return 1;
	}
	while (netd.running)
		wl_event_loop_dispatch(netd.loop, -1);
	netd_names_finish(&netd.names);
	wl_event_source_remove(netd.timer);
	ipc_channel_destroy(netd.channel);
	wl_event_loop_destroy(netd.loop);
	forget_cells(&netd);
	site_destroy(netd.site);
	free(netd.loaded);
	conf_destroy(netd.conf);
	return 0;
}
