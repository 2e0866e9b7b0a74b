/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Where a user's files lie, with a bound that holds: an ext4 volume of fixed size for each user,
 * in a sparse file, mounted nosuid and nodev. Filling it fills nothing else; the image is written
 * by the kernel only, so nothing that a cell writes is ever parsed as a file system of its making.
 *
 *	<state>/users/<uid>/owner	"uid name" of whom it belongs to (0600, root)
 *	<state>/users/<uid>/volume	the image (0600, root)
 *	<state>/users/<uid>/data/	mount point (0711, root)
 *	<state>/users/<uid>/data/home	0700, the user's
 *	<state>/users/<uid>/use		who uses it holds a lock on this file (0600, root)
 *	<state>/users/<uid>/data/lock		0711, root: what the file lock works in
 *	<state>/users/<uid>/data/lock/transfer	0700, the user's
 *	<state>/users/<uid>/data/lock/staging	0700, the user's; no cell has a way to it
 */
#ifndef LAZARET_CELL_HOME_H
#define LAZARET_CELL_HOME_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/attr.h"

#define HOME_SIZE_MIN (UINT64_C(64) << 20)
#define HOME_PATH_MAX 512

struct home {
	char home[HOME_PATH_MAX];
	char transfer[HOME_PATH_MAX];
	char lock[HOME_PATH_MAX]; /* the folder of both transfer and staging */
	int use; /* as long as it is open, nobody else unmounts */
};

/*
 * Makes what is missing, mounts, and checks the owner record. Safe to call when it is mounted.
 * `size` in bytes bounds home and transfer together; growing is done here (offline), a smaller
 * value leaves an existing volume as it is.
 * -ESTALE: the folder belongs to another name (the uid was given to somebody else): the operator
 * must decide. -EUCLEAN: the file system is damaged and could not be repaired. -ERANGE: size.
 * -ENOSPC: the host's disk is full. -EBUSY: an earlier one is not wholly gone yet; again a little later.
 * Every use ends with home_release(), and then home_close().
 */
NODISCARD int home_open(const char *state, uid_t uid, gid_t gid, const char *user, uint64_t size,
			struct home *ret_home);

/*
 * Unmounts; -EBUSY while something still has files open in it. 0 if it is not mounted, or another process
 * uses it too: then that one unmounts.
 */
NODISCARD int home_close(const char *state, uid_t uid);

/* Does not use it any more; an end of the process does the same. Twice does no harm. */
void home_release(struct home *home);

#endif
