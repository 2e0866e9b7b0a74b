/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LAZARET_MONITOR_RELOAD_H
#define LAZARET_MONITOR_RELOAD_H

#include <stdio.h>

#include "base/attr.h"

struct conf;
struct monitor;

/* Reads all files; what is wrong goes to `errors`, a line each. */
NODISCARD int reload_read(const struct monitor *monitor, FILE *errors, struct conf **ret_conf);
/* Has the configuration take effect in the monitor itself. */
void reload_apply(struct monitor *monitor);

/* The options that cannot change while we run, as text of a configuration; NULL: out of memory. */
char *reload_fixed(const struct conf *conf);
/* Whether a configuration says of them what such a text says; if not, `errors` gets a line. */
NODISCARD int reload_check_fixed(const struct conf *conf, const char *text, FILE *errors);

#endif
