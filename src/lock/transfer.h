/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Bytes from one file to another, in whatever thread. */
#ifndef LAZARET_LOCK_TRANSFER_H
#define LAZARET_LOCK_TRANSFER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"

struct follow;

/*
 * Copies at most `len` bytes from the beginning of `from` to that of `to`, fewer if the file ends; looks
 * at `cancelled` (may be NULL) now and then,
 * and tells `follow` (may be NULL) how far it is, but not that it has ended. -ECANCELED, -ENOSPC, -EDQUOT, -EIO …
 */
NODISCARD int transfer_copy(int from, int to, uint64_t len, atomic_bool *cancelled,
			    struct follow *follow, uint64_t *ret_copied);

#endif
