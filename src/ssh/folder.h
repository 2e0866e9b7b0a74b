/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The folder of an sshd of ours, with its host keys and the public keys of persons. */
#ifndef LAZARET_SSH_FOLDER_H
#define LAZARET_SSH_FOLDER_H

#include "base/attr.h"

#define SSH_REASON_MAX 512

/*
 * Makes the folder and its folder of keys where they are missing, and checks that they and every file
 * in them are root's and nobody else's to write. -EPERM, or what failed; `reason` (SSH_REASON_MAX
 * bytes) then says of what, and what to do.
 */
NODISCARD int ssh_folder_check(const char *path, char *reason);

#endif
