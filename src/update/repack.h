/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * An installed package made again, to come back to. Configuration files that somebody has changed are left
 * out of it: dpkg would take the changed text for the package's own, and the next version would replace
 * it without a word. Left out, they stay as they are, and dpkg goes on knowing what they were.
 */
#ifndef LAZARET_UPDATE_REPACK_H
#define LAZARET_UPDATE_REPACK_H

#include "base/attr.h"
#include "update/store.h"

/* To `target` in the store. -EINVAL with a sentence in `errors`. */
NODISCARD int repack(const struct store *store, const char *package, const char *target,
		     FILE *errors);

#endif
