/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a cell sees: the arguments of bubblewrap. */
#ifndef LAZARET_CELL_JAIL_H
#define LAZARET_CELL_JAIL_H

#include "cell/cell.h"

/*
 * Makes the generated files (passwd, resolv.conf, policies …) as memory files and writes the
 * arguments. Every descriptor that bubblewrap needs is left open and inheritable. `policy` is
 * from policy_text().
 */
NODISCARD int jail_prepare(const struct cell_spec *spec, const char *libexec, const char *data,
			   const char *policy, int *ret_args_fd);

#endif
