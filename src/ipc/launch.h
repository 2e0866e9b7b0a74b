/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A child's side of its start: what its parent wrote for it (process.h). */
#ifndef LAZARET_IPC_LAUNCH_H
#define LAZARET_IPC_LAUNCH_H

#include <stddef.h>

#include "base/attr.h"
#include "wire/cursor.h"

/*
 * Takes descriptor 4, at most `max` bytes, and closes it. *ret_data is the memory below *ret_cursor,
 * the caller's to free when all was read; what a role finds there stands in messages.def.
 */
NODISCARD int launch_read(size_t max, char **ret_data, struct cursor *ret_cursor);

#endif
