/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * APT with a configuration of ours: our sources, keys, lists and cache, the system's dpkg. Nothing of
 * /etc/apt is read, so that it is known what it does, and nobody's hook runs.
 */
#ifndef LAZARET_UPDATE_APT_H
#define LAZARET_UPDATE_APT_H

#include <stddef.h>
#include <stdio.h>
#include <sys/types.h>

#include "base/attr.h"
#include "update/source.h"
#include "update/store.h"
#include "update/tunnel.h"

#define APT_FETCHED "fetch" /* folder of the account that fetches */

struct apt {
	const struct store *store;
	struct sources sources;
	struct tunnel tunnel;
	uid_t uid; /* of the account that fetches */
	char config[PATH_MAX + 64]; /* "APT_CONFIG=…" */
};

/*
 * Writes the configuration; `fetch`: with the way to the server, which may be a tunnel. -EINVAL with a
 * sentence in `errors`.
 */
NODISCARD int apt_open(struct apt *apt, const struct store *store, bool fetch, FILE *errors);
void apt_close(struct apt *apt);
#define _cleanup_apt_ CLEANUP(apt_close)

/*
 * Runs a tool with these arguments, NULL at their end. *ret_said may be NULL for "not wanted"; `copy` as in
 * command.h. 0 or -errno; *ret_status as command_run() has it.
 */
NODISCARD int apt_run(const struct apt *apt, const char *const *argv, int seconds, int copy,
		      char **ret_said, int *ret_status);

#endif
