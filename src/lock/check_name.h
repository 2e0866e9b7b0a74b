/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Ends of file names and the types that belong to them (check_names.def). */
#ifndef LAZARET_LOCK_CHECK_NAME_H
#define LAZARET_LOCK_CHECK_NAME_H

#include <stdbool.h>

/*
 * Whether the name's end, as far as we know it, belongs to another type. Files without content, of types
 * of our own, and with ends that are not in the table do not lie.
 */
bool check_name_lies(const char *name, const char *type);

#endif
