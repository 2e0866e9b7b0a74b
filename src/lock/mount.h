/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where the views of users are mounted: <runtime-directory>/sftp/<uid>, which is sshd's chroot. */
#ifndef LAZARET_LOCK_MOUNT_H
#define LAZARET_LOCK_MOUNT_H

#include <sys/types.h>

#include "base/attr.h"

#define MOUNT_FOLDER "sftp"

/*
 * Makes the mount point and mounts a file system there that nobody serves yet; whoever has the descriptor
 * that is returned serves it. What an earlier one has left there goes.
 */
NODISCARD int mount_view(const char *runtime, uid_t uid);

/* -EBUSY while somebody is in it; 0 also if there is none. The mount point goes too. */
NODISCARD int mount_close_view(const char *runtime, uid_t uid);

/* Whoever is in it finds nothing any more. */
void mount_drop_view(const char *runtime, uid_t uid);

/*
 * Drops all views, and calls `gone` for each; for a start, when those who served them are dead. The
 * folder of all views is made if there is none.
 */
NODISCARD int mount_sweep(const char *runtime, void (*gone)(void *data, uid_t uid), void *data);

#endif
