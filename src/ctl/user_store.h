/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What every change of users goes through: one at a time, each account whole or not at all, the shadow
 * suite's programs doing it.
 *
 * The folder "accounts" below the state directory has the files "lock" and "journal". The journal has a
 * record for each account that is being made or removed. Whoever comes next after a kill undoes what
 * was being made, and ends what was being removed.
 */
#ifndef LAZARET_CTL_USER_STORE_H
#define LAZARET_CTL_USER_STORE_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/attr.h"
#include "conf/conf.h"
#include "ctl/accounts.h"

/* A batch that a caller of the daemon waits for stops after so many seconds: TOOL_TIMEOUT, less a bit. */
#define USER_BATCH_TIMEOUT 570

struct user_store {
	struct conf *conf;
	struct accounts accounts;
	const char *socket; /* of the daemon */
	int lock, journal;
	size_t journal_len;
	char state[PATH_MAX]; /* the state directory */
};

/*
 * Reads configuration and accounts; with `change` takes the lock and mends what was cut short. Ended by
 * user_store_close(). ANSWER_STATUS_OK, or how to exit: said on standard error.
 */
NODISCARD int user_store_open(struct user_store *store, const char *socket, bool change);
void user_store_close(struct user_store *store);
#define _cleanup_user_store_ CLEANUP(user_store_close)

/*
 * Runs a program of the shadow suite with `input` (or NULL) as its standard input. `argv` begins with
 * its path. `said` (of `size` bytes) is what it wrote on standard error, as one line. Its exit status,
 * or a negative errno. It is not cut short with us, and keeps the lock until it has ended.
 */
NODISCARD int user_store_run(const struct user_store *store, const char *const *argv,
			     const char *input, char *said, size_t size);

/* On record, on the disk, before anything is done; beside what is begun and not ended. */
NODISCARD int user_store_begin(struct user_store *store, const char *verb, const char *name,
			       uid_t uid);
/* Done, all that was begun: nothing is to be mended. */
void user_store_end(struct user_store *store);
/* So much is begun that it should be ended before more is. */
bool user_store_is_full(const struct user_store *store);

/* Somebody wants us to end, or it takes too long: after the account that we are at. */
bool user_store_stopped(void);
/* From now on it is so: something went wrong that nothing may follow. */
void user_store_stop(void);
/* Says so, with what to do: false if it is not so. */
bool user_store_explain_stop(void);

#endif
