/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Looking into a file: its type, archives and what is in them, macros, encryption. For a process that
 * holds nothing else: what it calls parses bytes from outside (libmagic, libarchive).
 */
#ifndef LAZARET_LOCK_CHECK_INSPECT_H
#define LAZARET_LOCK_CHECK_INSPECT_H

#include <magic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "lock/check_facts.h"

struct check_inspect_limits {
	uint32_t depth; /* archives within archives */
	uint64_t members; /* files in all of them */
	uint64_t unpacked; /* bytes in all */
	uint64_t ratio; /* how many times the file's own size, where that is over 64 MiB */
	uint64_t
		memory; /* bytes for archives within archives, which are held while they are read */
};

struct check_inspect {
	magic_t magic; /* loaded, MAGIC_MIME_TYPE */
	struct check_inspect_limits limits;
	struct check_facts *facts; /* empty; what is found is added */
	uint64_t size; /* of the file */
	uint64_t members, unpacked, held;
	bool stopped; /* a limit was reached: the rest is not looked at */
};

/* A file of `inspect->size` bytes. 0, or a negative errno of reading it. */
NODISCARD int check_inspect_file(struct check_inspect *inspect, int fd);
/* The same for bytes in memory, which are a file in an archive `depth` deep when that is not 0. */
void check_inspect_bytes(struct check_inspect *inspect, const void *data, size_t len,
			 const char *member, uint32_t depth);

#endif
