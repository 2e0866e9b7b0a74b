/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What of a user's lies below the state directory: see cell/home.h. */
#ifndef LAZARET_CTL_USER_FILES_H
#define LAZARET_CTL_USER_FILES_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/attr.h"

struct user_files {
	bool exist;
	uint64_t disk; /* bytes that they take from the host */
	uint64_t used, size; /* bytes in the volume, and how many it holds; 0: no volume */
};

/* Never fails: what cannot be read counts as nothing. */
void user_files_look(const char *state, uid_t uid, struct user_files *ret_files);

/*
 * Unmounts the volume and removes the folder with all that is in it, without following a link or going
 * into another file system. 0 also if there is none; -EBUSY while a program has files open there.
 */
NODISCARD int user_files_remove(const char *state, uid_t uid);

#endif
