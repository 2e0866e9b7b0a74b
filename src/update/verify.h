/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The signed list of a source, fetched and looked at before apt is let at it: apt would silently keep what
 * it has when an older one comes, and its words for the rest are not for everybody.
 */
#ifndef LAZARET_UPDATE_VERIFY_H
#define LAZARET_UPDATE_VERIFY_H

#include <stdint.h>
#include <stdio.h>

#include "base/attr.h"
#include "update/apt.h"

/*
 * The list is there, signed by a key of ours, not expired, not of the future and not older than
 * `at_least` (seconds): *ret_date is its date. -EINVAL with a sentence in `errors`.
 */
NODISCARD int verify_source(const struct apt *apt, const struct source *source, int64_t at_least,
			    int64_t *ret_date, FILE *errors);

#endif
