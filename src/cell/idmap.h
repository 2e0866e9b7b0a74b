/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A folder of one account as the same folder of another: mount_setattr(2), MOUNT_ATTR_IDMAP. */
#ifndef LAZARET_CELL_IDMAP_H
#define LAZARET_CELL_IDMAP_H

#include <sys/types.h>

#include "base/attr.h"

/*
 * A detached copy of the mount below `folder`, where what is `owner`'s on the disk is `uid`'s; nobody
 * else appears at all. No path of it exists anywhere. A descriptor, or -ENOTSUP: the file system cannot
 * do it; or what failed.
 */
NODISCARD int idmap_tree(const char *folder, uid_t owner, gid_t owner_group, uid_t uid, gid_t gid);

/* fork() with flags and without a second copy of libc's state being needed: for children that do
 * system calls only. */
pid_t idmap_fork(unsigned long flags);

#endif
