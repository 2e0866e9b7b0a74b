/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A cell's spec on its way from lazaret-session to lazaret-cell. */
#ifndef LAZARET_CELL_SPEC_H
#define LAZARET_CELL_SPEC_H

#include "cell/cell.h"
#include "wire/buf.h"

/* Descriptors of lazaret-cell at its start; those without a use are /dev/null. */
#define SPEC_FD 3
#define SPEC_NETNS_FD 4
#define SPEC_CONTROL_FD 5
#define SPEC_LAUNCHER_FD 6

/* -EINVAL if the spec breaks a rule of cell.h. */
NODISCARD int spec_check(const struct cell_spec *spec);
/* http, https, about:blank or our own start page; printable, no spaces. */
bool spec_url_valid(const char *url);

/* Descriptors are not written; their places are fixed. */
void spec_write(const struct cell_spec *spec, struct buf *buf);

/*
 * The strings of *ret_spec are fresh memory that the process keeps until it ends: the reader is a
 * one-shot program. -EPROTO: malformed. Checks like spec_check().
 */
NODISCARD int spec_read(const void *data, size_t len, struct cell_spec *ret_spec);

#endif
