/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The roles of administration (roles.def), and what the configuration says of them. */
#ifndef LAZARET_CONF_ROLE_H
#define LAZARET_CONF_ROLE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"
#include "conf/conf.h"

enum role_index {
#define R(id, name) ROLE_INDEX_##id,
#include "conf/roles.def"
#undef R
	ROLE_COUNT,
};

/* Sets of roles are the sum of these. */
enum role {
#define R(id, name) ROLE_##id = 1 << ROLE_INDEX_##id,
#include "conf/roles.def"
#undef R
	ROLE_ALL = (1 << ROLE_COUNT) - 1, /* every role */
	ROLE_ROOT = 0, /* no role: root alone */
};

/* "config" */
const char *role_name(enum role_index role);
/* The role's Unix group; empty: nobody has the role. */
const char *role_group(const struct conf *conf, enum role_index role);
/* The option that names it: "role-config". */
const char *role_option(enum role_index role);

/* Space for every name with ", " between them. */
#define ROLE_TEXT_MAX 96
/* "config, maint"; "none" for an empty set. Returns `out`, which has ROLE_TEXT_MAX bytes. */
const char *role_format(unsigned int set, char *out);
/* The lowest of a set that is not empty. */
enum role_index role_first(unsigned int set);

/*
 * Whether the option roles-apart keeps two roles of the set apart; these two then. Wrong words in the
 * option keep nothing apart: conf_check() has refused them.
 */
NODISCARD bool role_conflict(const struct conf *conf, unsigned int set, enum role_index *ret_a,
			     enum role_index *ret_b);
/* One item of that option, "audit:any" or "security:maint": whether it is one. */
NODISCARD bool role_pair_valid(const char *item);

#endif
