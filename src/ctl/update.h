/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The commands "update ...": they are done by lazaret-update(8), which outlives who has asked. */
#ifndef LAZARET_CTL_UPDATE_H
#define LAZARET_CTL_UPDATE_H

#include <stdbool.h>
#include <stddef.h>

/* Does the command of that name ("update check"). The exit status. */
int update_run(bool json, const char *name, size_t n, char *const *arguments);

#endif
