/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The formats in which the operator's packet filter is written (border.h). One file each,
 * export_NAME.c; what a file of the site says never gets out of a remark in any of them.
 */
#ifndef LAZARET_NET_EXPORTER_H
#define LAZARET_NET_EXPORTER_H

#include <stdio.h>

#include "base/attr.h"
#include "net/border.h"

struct exporter {
	const char *name; /* of the format, as in --format */
	const char *dialect; /* with the version that it is written for */
	const char *help; /* how it is loaded, one sentence */
	/*
	 * Writes the whole text. -E2BIG: more than the dialect holds. What the stream says of writing
	 * is the caller's to look at.
	 */
	int (*write)(const struct border *border, FILE *out);
};

/* All formats, by index below the count. */
size_t exporter_count(void);
const struct exporter *exporter_at(size_t index);
/* NULL if no format has that name. */
const struct exporter *exporter_find(const char *name);

#endif
