/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What was found out about contents, by their hash. The hash is checkd's own, or was said by a process
 * before it parsed the first byte of the file, so that no file can give another one its findings.
 * Bounded: what was not asked for longest goes first.
 */
#ifndef LAZARET_LOCK_CHECK_CACHE_H
#define LAZARET_LOCK_CHECK_CACHE_H

#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "lock/check_digest.h"
#include "lock/check_facts.h"

struct check_cache;

/* NULL when out of memory. */
struct check_cache *check_cache_create(void);
void check_cache_destroy(struct check_cache *cache);
/* At most so many contents; those that are too many go. */
void check_cache_resize(struct check_cache *cache, size_t max);
/* Other signatures, other limits: nothing is known any more. */
void check_cache_clear(struct check_cache *cache);
size_t check_cache_count(const struct check_cache *cache);

/* Remembers; what there is no memory for is forgotten. */
void check_cache_put(struct check_cache *cache, const uint8_t digest[CHECK_DIGEST_LEN],
		     const struct check_facts *facts);
/* -ENOENT */
NODISCARD int check_cache_get(struct check_cache *cache, const uint8_t digest[CHECK_DIGEST_LEN],
			      struct check_facts *ret_facts);

#endif
