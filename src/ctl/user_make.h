/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Making users: one by one, and from a list. */
#ifndef LAZARET_CTL_USER_MAKE_H
#define LAZARET_CTL_USER_MAKE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"
#include "ctl/user_batch.h"
#include "ctl/user_store.h"
#include "ctl/user_wish.h"

struct user_made {
	bool exists; /* it did before: nothing was done */
	bool updated;
	char password[USER_PASSWORD_MAX]; /* that was generated; "" for none. A secret */
};

/*
 * Makes the account, or with `update` changes one that exists; with `preview` only finds out whether it
 * could be. 0, or -EINVAL with what is wrong in `why`: then all is as before. With a `batch` (or NULL),
 * which is not full, it waits there for its password, if that is a hash or none; the wish's strings live
 * as long.
 */
NODISCARD int user_make(struct user_store *store, const struct user_wish *wish, bool update,
			bool preview, struct user_batch *batch, struct user_made *ret_made,
			char *why, size_t size);
/*
 * Whatever there is of an account that was being made is removed, and nobody else's of that name; false
 * if that fails, said in `why`, too.
 */
NODISCARD bool user_take_back(const struct user_store *store, const char *name, uid_t uid,
			      char *why, size_t size);

/* `out` has USER_PASSWORD_MAX bytes. -EIO. */
NODISCARD int user_generate_password(char *out);
/* By chpasswd(8), which has PAM look at a plain one. 0, or -EINVAL as above. */
NODISCARD int user_set_password(const struct user_store *store, const char *name,
				const char *secret, bool is_hash, char *why, size_t size);

#endif
