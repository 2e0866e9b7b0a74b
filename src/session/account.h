/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A Unix account as NSS gives it, and what the configuration lets it do. */
#ifndef LAZARET_SESSION_ACCOUNT_H
#define LAZARET_SESSION_ACCOUNT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/attr.h"
#include "conf/conf.h"

struct account {
	uid_t uid;
	gid_t gid;
	char *name;
	bool password_empty; /* as far as the shadow file says */
	gid_t *groups;
	size_t n_groups;
};

/* -ENOENT: no such account. -E2BIG: more groups than are looked at. */
NODISCARD int account_lookup(const char *name, struct account *ret_account);
void account_finish(struct account *account);

/* NULL if the account may have a session; otherwise why not, for the log. `*ret_broken` is set when
 * the answer is due to the system (a group that does not exist), not to the account. */
const char *account_objection(const struct account *account, const struct conf *conf,
			      bool *ret_broken);

/* The rights of all its groups together; the general ones if no group's section speaks of them. */
enum conf_clipboard account_clipboard(const struct account *account, const struct conf *conf);

/*
 * The paths of the network whose sections name a group that it is in: bits 1 << enum path_id. What
 * is for everybody is not among them.
 */
uint32_t account_paths(const struct account *account, const struct conf *conf);

/* A name that is safe inside a cell: its own, or "u<uid>" if that has other characters than
 * a cell's name may have. `size` >= 33. */
void account_cell_name(const struct account *account, char *out, size_t size);

#endif
