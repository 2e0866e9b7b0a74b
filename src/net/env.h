/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a contract asks of the host that it is made on. */
#ifndef LAZARET_NET_ENV_H
#define LAZARET_NET_ENV_H

#include "net/contract.h"

/* Links of cells are called so; no network of theirs is one of the site's. */
#define ENV_CELL_LINKS "lzc"

struct env_host {
	struct contract_env env; /* for contract_create(); `data` may be set to what lookup wants */
	struct network_list addresses, on_link, name_servers;
};

/*
 * Asks the host for its addresses (link-local ones and loopback left out), the networks on its links,
 * its name servers (resolv.conf(5); behind a resolver on this host those that it asks) and accounts.
 * Names are known to nobody: set env.lookup for what resolves them. 0 or a negative errno; env_host
 * must not move while env is used.
 */
NODISCARD int contract_env_host(struct env_host *ret_host);
void env_host_finish(struct env_host *host);
#define _cleanup_env_ CLEANUP(env_host_finish)

/* Adds the name servers that a resolv.conf(5) names, those on loopback left out. */
NODISCARD int env_read_name_servers(const char *text, struct network_list *list);

#endif
