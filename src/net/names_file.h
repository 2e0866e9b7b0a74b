/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The file "names" in the state directory, with what names were resolved to last. */
#ifndef LAZARET_NET_NAMES_FILE_H
#define LAZARET_NET_NAMES_FILE_H

#include "net/names.h"

/* -ENOENT: there is none yet. */
NODISCARD int names_file_read(const char *state_dir, struct names *names);
/* The old or the new content, whatever happens. */
NODISCARD int names_file_write(const char *state_dir, const struct names *names);

#endif
