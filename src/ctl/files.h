/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The configuration as the commands that need no daemon read it. */
#ifndef LAZARET_CTL_FILES_H
#define LAZARET_CTL_FILES_H

#include <stddef.h>

#include "base/attr.h"
#include "conf/conf.h"

/*
 * Reads the named files, or the default one when n is 0, and checks them. Complaints go to standard
 * error, with file and line. The caller destroys the configuration.
 */
NODISCARD int files_read(size_t n, char *const *files, struct conf **ret_conf);

#endif
