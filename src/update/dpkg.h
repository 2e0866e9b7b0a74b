/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What dpkg does for us: one set of packages in place of another, and what is installed. */
#ifndef LAZARET_UPDATE_DPKG_H
#define LAZARET_UPDATE_DPKG_H

#include <stdbool.h>
#include <stdio.h>

#include "base/attr.h"
#include "update/changes.h"
#include "update/store.h"

/* In which dpkg and what it runs are started. */
extern const char *const dpkg_env[];

/* Which of a change's two versions is meant. */
enum side { SIDE_FROM, SIDE_TO };

const char *side_of(const struct change *change, enum side side);

/*
 * Fills a folder of the store with the packages of that side as PACKAGE.deb: from what was kept, or, where
 * nothing was, made again from what is installed (repack.h), which has to be that side. -EINVAL with a
 * sentence in `errors`.
 */
NODISCARD int dpkg_save(const struct store *store, const struct changes *changes, enum side side,
			const char *folder, FILE *errors);

/*
 * Installs what dpkg_save() has put into the folder, newer or older than what is there, and removes what that
 * side does not have. What programs say goes to `copy` too. -EINVAL with a sentence in `errors`.
 */
NODISCARD int dpkg_put(const struct store *store, const struct changes *changes, enum side side,
		       const char *folder, int copy, FILE *errors);

/* NULL if every package is wholly installed in that version, otherwise the name of one that is not. */
const char *dpkg_differs(const struct changes *changes, enum side side);

/* Waits until nobody else installs. -ETIMEDOUT. */
NODISCARD int dpkg_wait(void);

/* Installed-Size of a package file, bytes; 0 if it is not known. */
uint64_t dpkg_size(const char *path);

#endif
