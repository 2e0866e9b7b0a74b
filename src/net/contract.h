/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The network contract of one site: the table of paths (path.h) met with the configuration. What
 * is open, for whom, to where, on which ports, and why; every rule, export and probe comes from it.
 */
#ifndef LAZARET_NET_CONTRACT_H
#define LAZARET_NET_CONTRACT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "base/attr.h"
#include "conf/conf.h"
#include "net/network.h"
#include "net/path.h"

/* What the contract is for: which paths must be complete. Bits. */
enum contract_scope {
	CONTRACT_CELLS = 1 << 0, /* the egress of cells */
	CONTRACT_HOST = 1 << 1, /* the host's own filter and the operator's */
	/*
	 * For a system that runs: what the host lacks just now (name servers that nobody configured) is
	 * a note; what the files say wrongly stays an error.
	 */
	CONTRACT_RUNNING = 1 << 2,
};

/*
 * What is not in the configuration. Tests put in what they want; contract_env_host() in env.h asks
 * the host.
 */
struct contract_env {
	const struct network_list *addresses; /* of the host itself, loopback left out */
	const struct network_list *on_link; /* networks on the host's links, cells left out */
	const struct network_list *name_servers; /* that the host uses, own ones left out */
	/*
	 * Adds the addresses of a name to a list. -ENOENT: there is no such name; -EAGAIN: nobody
	 * answered; *ret_stale says that these are the last ones known and that the name fails now.
	 */
	int (*lookup)(void *data, const char *name, struct network_list *list, bool *ret_stale);
	/* The user id of an account; -ENOENT if there is none. */
	int (*account)(void *data, const char *name, uid_t *ret_uid);
	void *data;
};

/* One host or network as the site wrote it. */
struct contract_host {
	char *text;
	bool is_name;
	size_t n_networks; /* that it stands for now; 0: a name that could not be resolved */
};

struct contract_path {
	const struct path_row *row;
	bool on;
	char *why; /* why it is open or shut, one sentence without a full stop */
	char *origin; /* "FILE:LINE" where that was decided, or NULL: the default */
	bool internet; /* peers: every public address, and `peers` too */
	struct network_list peers;
	struct contract_host *hosts;
	size_t n_hosts;
	struct path_port *ports;
	size_t n_ports;
	bool proxied; /* the peer is the proxy */
	bool for_host, for_cells;
	uid_t *uids; /* of the host that may use it */
	size_t n_uids;
	char **groups; /* whose cells; none: all */
	size_t n_groups;
};

struct contract {
	struct contract_path paths[PATH_COUNT];
	struct network_list workstations, administration, internal_dns, monitoring;
	struct network_list system; /* this host, as others see it */
	struct network_list on_link;
	struct network_list cells; /* the cells' blocks */
	/* What is never public for a cell: denied.def, this host, what is on-link, the cells. */
	struct network_list denied;
	char *proxy_host; /* as the site wrote it, without its port; NULL: there is none */
	struct network_list proxy;
	uint16_t proxy_port; /* 0: there is none */
	uint16_t admin_port, viewer_port;
	bool automatic_address;
	unsigned int viewer_rate, admin_rate; /* new connections a minute and address */
	unsigned int cell_connections;
	char **notes; /* what is not wrong but should be known, one sentence each */
	size_t n_notes;
};

/*
 * Makes the contract. What is wrong goes to `errors`, one line each, as "FILE:LINE: what is wrong
 * and what to write instead"; -EINVAL then. Whatever the configuration is, the result can be
 * compiled. The caller destroys it.
 */
NODISCARD int contract_create(const struct conf *conf, unsigned int scope,
			      const struct contract_env *env, FILE *errors,
			      struct contract **ret_contract);
void contract_destroy(struct contract *contract);
void contract_destroyp(struct contract **contract);
#define _cleanup_contract_ CLEANUP(contract_destroyp)

/* Whether a host is meant by its name: letters, digits, hyphens and dots, no address. */
bool contract_is_name(const char *text);
/* The zone that a path's peers are, or NULL for named hosts and the Internet. */
const struct network_list *contract_zone(const struct contract *contract, enum path_peer peer);
/* Whether a path carries traffic to us; from us. */
bool contract_path_is_incoming(const struct path_row *row);
bool contract_path_is_outgoing(const struct path_row *row);
/* "tcp 80, 443; udp 1604" into `out`, cut if it does not fit. */
void contract_format_ports(const struct contract_path *path, char *out, size_t size);
/* "192.0.2.1, 192.0.2.2 and 3 more", or "Internet". */
void contract_format_peers(const struct contract_path *path, char *out, size_t size);

#endif
