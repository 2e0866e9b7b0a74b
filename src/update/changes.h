/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which packages an update changes: from what apt says of it, and to and from JSON. */
#ifndef LAZARET_UPDATE_CHANGES_H
#define LAZARET_UPDATE_CHANGES_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/attr.h"

struct change {
	char *package;
	char *from, *to; /* versions; NULL: not there before, or afterwards */
	char *file; /* its name, without a folder; NULL: not known */
	char *sha256; /* of the file, hexadecimal; NULL: not known */
	uint64_t size; /* of the file, bytes */
	bool ours; /* from our repository */
	bool security; /* a security update of the distribution */
};

struct changes {
	struct change *items;
	size_t n;
	size_t n_kept; /* packages that stay although there are newer ones */
};

void changes_finish(struct changes *changes);
#define _cleanup_changes_ CLEANUP(changes_finish)

/*
 * From what "apt-get -s" says (lines "Inst NAME [OLD] (NEW ORIGIN [ARCH])") and "apt-get --print-uris"
 * (lines "'URI' FILE SIZE SHA256:SUM"). `ours` is how URIs of our repository begin. -EPROTO if it is
 * something else, or a package is without a file; -E2BIG past CHANGES_MAX; -ENOMEM.
 */
NODISCARD int changes_parse(const char *simulated, const char *uris, const char *ours,
			    struct changes *ret_changes);

/* An array; NULL when out of memory. */
json_object *changes_to_json(const struct changes *changes);
/* What changes_to_json() has written; -EPROTO otherwise. NULL: none. */
NODISCARD int changes_from_json(json_object *array, struct changes *ret_changes);

/* As people read it: ours first, then the distribution's, with versions, sizes and a sum. */
void changes_print(const struct changes *changes, FILE *out);

/* "12.3 MB"; `size` >= 16. */
void changes_format_size(uint64_t bytes, char *out, size_t size);

#endif
