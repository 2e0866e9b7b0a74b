/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Accounts of a list that are made but for their passwords, which are set by one program for all of
 * them: half the time. Until then they are in the journal, and are taken back together if it fails.
 */
#ifndef LAZARET_CTL_USER_BATCH_H
#define LAZARET_CTL_USER_BATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/attr.h"
#include "ctl/user_check.h"

#define USER_BATCH_MAX 32

struct user_store;

struct user_batch {
	size_t n;
	struct {
		size_t line; /* of the list */
		const char *name, *hash; /* hash NULL: it has no password */
		uid_t uid;
	} items[USER_BATCH_MAX];
};

bool user_batch_full(const struct user_batch *batch);
void user_batch_add(struct user_batch *batch, size_t line, const char *name, uid_t uid,
		    const char *hash);
/*
 * Sets the passwords, and the batch is empty. 0; or -EINVAL with what is wrong in `why`: then none of
 * the accounts is there any more. The items stand in their places until the next one is added.
 */
NODISCARD int user_batch_end(struct user_store *store, struct user_batch *batch, char *why,
			     size_t size);

#endif
