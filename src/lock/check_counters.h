/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What each person has transferred today (UTC). Each file is one line in a file of the day, so that a
 * kill loses nothing; days that are over are deleted.
 */
#ifndef LAZARET_LOCK_CHECK_COUNTERS_H
#define LAZARET_LOCK_CHECK_COUNTERS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/attr.h"
#include "lock/checker.h"

struct check_counters;

struct check_used {
	uint64_t bytes, files;
};

/* `dir` is the folder of the files, borrowed. `now` is wall us, here and below. */
NODISCARD int check_counters_open(int dir, uint64_t now, struct check_counters **ret_counters);
void check_counters_close(struct check_counters *counters);

struct check_used check_counters_used(struct check_counters *counters, uid_t uid,
				      enum check_direction direction, uint64_t now);
/*
 * Counts a file. -ENOSPC, -EIO …: it could not be written down, and the file must not pass: a limit that
 * forgets is none.
 */
NODISCARD int check_counters_add(struct check_counters *counters, uid_t uid,
				 enum check_direction direction, uint64_t bytes, uint64_t now);

/* One line of the file: -EINVAL. */
NODISCARD int check_counters_parse(const char *line, uid_t *ret_uid,
				   enum check_direction *ret_direction, uint64_t *ret_bytes);

#endif
