/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Settings as a draft: changed and looked at without effect, then applied as one. See
 * docs/decisions/settings.md. All return the exit status.
 */
#ifndef LAZARET_CTL_SETTINGS_H
#define LAZARET_CTL_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>

int settings_set(size_t n, char *const *arguments);
int settings_diff(void);
/* "[--full [--yes]]" */
int settings_apply(const char *socket, size_t n, char *const *arguments);
int settings_revert(void);
int settings_history(bool json);
int settings_restore(const char *number);

#endif
