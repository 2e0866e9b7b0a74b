/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which names pass the file lock at all, in either direction. */
#ifndef LAZARET_LOCK_NAME_H
#define LAZARET_LOCK_NAME_H

#include <stddef.h>

/*
 * NULL if a name of one level may be shown and made; otherwise what is wrong with it, for the log. It has
 * to be valid UTF-8 of at most 255 bytes, without control characters, without what turns the direction
 * of writing (so that "exe.txt" is not shown of what ends in ".exe"), and without line separators.
 */
const char *name_objection(const char *name, size_t len);

#endif
