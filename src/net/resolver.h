/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Having names resolved by lazaret-resolve, and waiting for it. */
#ifndef LAZARET_NET_RESOLVER_H
#define LAZARET_NET_RESOLVER_H

#include "net/names.h"

/* A sealed file with the wanted names; -ENODATA: there are none. Returns the descriptor. */
NODISCARD int resolver_file(struct names *names);

/*
 * Runs `program` and takes what it finds. -ETIMEDOUT, -EPROTO, or what failed; nothing was taken
 * then.
 */
NODISCARD int resolver_run(const char *program, struct names *names, bool *ret_changed);

#endif
