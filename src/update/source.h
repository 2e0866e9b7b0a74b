/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From where packages come: our repository and, if wanted, those of the distribution. */
#ifndef LAZARET_UPDATE_SOURCE_H
#define LAZARET_UPDATE_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/attr.h"
#include "conf/conf.h"
#include "update/limits.h"

struct source {
	char url[1024]; /* without a slash at its end */
	char suite[128];
	char components[256];
	const char *keyring; /* a path; the configuration's */
	bool ours;
};

struct sources {
	struct source items[SOURCES_MAX];
	size_t n;
};

/* What is configured. -EINVAL with a sentence in `errors` if something is missing or wrong. */
NODISCARD int sources_take(const struct conf *conf, struct sources *ret_sources, FILE *errors);

/* "URL SUITE", by which a source is remembered; `size` >= 1200. */
void source_name(const struct source *source, char *out, size_t size);

#endif
