/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Removing users, with all that is theirs. */
#ifndef LAZARET_CTL_USER_REMOVE_H
#define LAZARET_CTL_USER_REMOVE_H

#include <sys/types.h>

#include "base/attr.h"

struct user_store;

/*
 * What is left to be done of removing the account, from whichever point: its session, itself, its
 * files. 0, or a negative errno: said on standard error.
 */
NODISCARD int user_remove_rest(const struct user_store *store, const char *name, uid_t uid);

#endif
