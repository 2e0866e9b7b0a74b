/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What may be the name, the password or the last day of an account. Pure functions. */
#ifndef LAZARET_CTL_USER_CHECK_H
#define LAZARET_CTL_USER_CHECK_H

#include <stddef.h>

#include "base/attr.h"

/* Bytes of an account's name, as the shadow suite allows; of a full name; of a password's hash. */
#define USER_NAME_MAX 32
#define USER_FULL_NAME_MAX 128
#define USER_HASH_MAX 256
#define USER_GROUPS_MAX 32
#define USER_DATE_MAX 16
/* No date: for ever. */
#define USER_NEVER (-1L)

/* Each gives NULL, or what is wrong with it, to stand behind its name. */
const char *user_name_objection(const char *name);
const char *user_full_name_objection(const char *name);
/* A hash of crypt(5), of a method that is no weaker than Debian's own of the last ten years. */
const char *user_hash_objection(const char *hash);

/* "2027-01-31", or "never" or nothing: days since 1970-01-01. -EINVAL. */
NODISCARD int user_date_parse(const char *text, long *ret_day);
/* `out` has USER_DATE_MAX bytes; "never" for negative days. */
void user_date_format(long day, char *out);
/* The day that it is now, UTC as the shadow suite counts. */
long user_today(void);

#endif
