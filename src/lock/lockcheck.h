/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Between lazaret-checkd and lazaret-lockcheck, which looks into one file and ends:
 *
 *	descriptor 3	a pipe: 32 bytes SHA-256, said before the first byte was parsed, then
 *			check_facts_put()
 *	descriptor 4	lockcheck_put()
 *	descriptor 5	the file, with a position of its own
 */
#ifndef LAZARET_LOCK_LOCKCHECK_H
#define LAZARET_LOCK_LOCKCHECK_H

#include <sys/types.h>

#include "base/attr.h"
#include "lock/check_inspect.h"
#include "wire/buf.h"
#include "wire/cursor.h"

#define LOCKCHECK_FD_FILE 5
#define LOCKCHECK_ACCOUNT "lazaret-lockcheck"
#define LOCKCHECK_CONFIG_MAX 256

struct lockcheck_config {
	uid_t uid;
	gid_t gid;
	uint64_t size; /* of the file, bytes */
	uint64_t memory; /* of the process, bytes */
	uint32_t seconds; /* of processor time */
	struct check_inspect_limits limits;
};

void lockcheck_put(const struct lockcheck_config *config, struct buf *out);
NODISCARD int lockcheck_get(struct cursor *c, struct lockcheck_config *ret_config);

/* The last step of its confinement: reads and computes, opens nothing, talks to nobody. */
NODISCARD int lockcheck_filter(void);

#endif
