/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Administrators: their accounts, their keys, their roles. What is done is done by the system's own
 * programs for accounts (shadow). All return the exit status; what is wrong was said.
 */
#ifndef LAZARET_CTL_ADMIN_H
#define LAZARET_CTL_ADMIN_H

#include <stdbool.h>
#include <stddef.h>

/* Keys of one person. */
#define ADMIN_KEYS_MAX 16

int admin_list(bool json);
int admin_add(const char *name);
int admin_remove(const char *name);
/* "NAME -": a password from standard input. */
int admin_password(const char *name);

/* admin_keys.c */
int admin_key_add(const char *name);
int admin_key_list(bool json, const char *name);
int admin_key_remove(const char *name, const char *fingerprint);

/* admin_roles.c */
int roles_grant(const char *name, const char *role);
int roles_take(const char *name, const char *role);

#endif
