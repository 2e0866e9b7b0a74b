/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The browsers that the launcher knows: programs, flags, profiles. */
#ifndef LAZARET_CELL_BROWSER_H
#define LAZARET_CELL_BROWSER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"

#define BROWSER_ARGS_MAX 32

/* Where the distribution has them, with all that belongs to that version. */
#define BROWSER_CHROMIUM_DIR "/usr/lib/chromium"
#define BROWSER_FIREFOX_DIR "/usr/lib/firefox-esr"

struct browser_impl {
	const char *name;
	const char *const *flags; /* program first, NULL at the end */
	const char *profile; /* folder below home */
	/* Makes the profile fit for a start: what an earlier end left, what we always want set.
	 * `home` is an open folder. */
	int (*prepare)(const struct browser_impl *browser, int home);
};

/* NULL if there is none of that name. */
const struct browser_impl *browser_find(const char *name);

/* Removes the profile and caches; -ENOENT is no error. */
NODISCARD int browser_wipe(const struct browser_impl *browser, int home);

/* The argument vector for a start or for a second call that hands over `url`; borrowed strings. */
void browser_command(const struct browser_impl *browser, const char *url,
		     const char *ret_argv[BROWSER_ARGS_MAX]);

#endif
