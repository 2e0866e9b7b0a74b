/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Inside the making of a contract. */
#ifndef LAZARET_NET_CONTRACT_IMPL_H
#define LAZARET_NET_CONTRACT_IMPL_H

#include "net/contract.h"

struct builder {
	const struct conf *conf;
	const struct contract_env *env;
	unsigned int scope;
	FILE *errors;
	unsigned int n_errors;
	int status; /* -ENOMEM or -E2BIG; sticky */
	struct contract *contract;
};

/* An error in what stands at `origin` (NULL: a default). */
void builder_complain(struct builder *builder, const char *origin, const char *fmt, ...)
	PRINTF(3, 4);
/* Something to know. */
void builder_note(struct builder *builder, const char *fmt, ...) PRINTF(2, 3);
void builder_fail(struct builder *builder, int error);

/*
 * Resolves one host of the site ("where": the option that it stands in) into `list`. Returns how
 * many networks it stands for; what is wrong was said.
 */
size_t builder_add_host(struct builder *builder, const char *origin, const char *where,
			const char *text, struct network_list *list);
/* Fills ports, accounts, groups of a path that is on. `section` is its section, if there is one. */
void builder_take_ports(struct builder *builder, enum path_id id, const size_t *section);
void builder_take_users(struct builder *builder, enum path_id id, const size_t *section);
/* Zones, proxy, blocks and addresses, before the paths. */
void builder_take_site(struct builder *builder);
/* What only makes sense together, after the paths. */
void builder_check(struct builder *builder);

#endif
