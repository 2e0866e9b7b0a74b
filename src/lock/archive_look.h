/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Archives, by libarchive: every file in them, and archives in them, to a depth. Only formats and
 * filters that clamd unpacks too, so that no content is hidden from it; what else is an archive cannot
 * be looked into whole.
 */
#ifndef LAZARET_LOCK_ARCHIVE_LOOK_H
#define LAZARET_LOCK_ARCHIVE_LOOK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct check_inspect;

/* Whether a type is that of archives or compressed files, documents that are archives included. */
bool archive_is_one(const char *type);

/*
 * Looks into a file, whatever its type: an archive can begin behind something else. What cannot be read
 * is a limit that was reached.
 */
void archive_look_fd(struct check_inspect *inspect, int fd, const char *type);
/* The same for bytes that were in an archive `depth` deep, under the name `member`. */
void archive_look_bytes(struct check_inspect *inspect, const void *data, size_t len,
			const char *type, const char *member, uint32_t depth);

#endif
