/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which files a command reads as the configuration. */
#ifndef LAZARET_CTL_FILES_H
#define LAZARET_CTL_FILES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"
#include "conf/conf.h"

/*
 * Reads and checks the named files; of none, those that files_default() gives. What is wrong goes to
 * standard error.
 */
NODISCARD int files_read(size_t n, char *const *files, struct conf **ret_conf);

/* One more file instead of the installed one; lives as long as we do. False: it is one too many. */
bool files_add_default(const char *file);
/* The last of them is read elsewhere from now on; `file` lives as long as that. */
void files_set_last(const char *file);
/* The files that are read when none is named: at least one. */
const char *const *files_default(size_t *ret_n);

/*
 * From now on no file may be named: we run as root for somebody who is not, and what is wrong with a file
 * is said with its text.
 */
void files_forbid(void);
/* Ends the program with a sentence if a file may not be named: for one that is no configuration. */
void files_forbid_now(const char *file);

#endif
