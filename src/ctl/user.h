/* SPDX-License-Identifier: GPL-3.0-or-later */
/* lazaretctl user: each takes what follows its words and returns an exit status. */
#ifndef LAZARET_CTL_USER_H
#define LAZARET_CTL_USER_H

#include <stdbool.h>
#include <stddef.h>

int user_add(const char *socket, size_t n, char *const *arguments);
int user_import(bool json, const char *socket, size_t n, char *const *arguments);
int user_list(bool json, const char *socket, size_t n, char *const *arguments);
int user_export(const char *socket, size_t n, char *const *arguments);
int user_report(bool json, const char *socket, size_t n, char *const *arguments);
int user_expire(const char *socket, size_t n, char *const *arguments);
int user_lock(const char *socket, size_t n, char *const *arguments);
int user_unlock(const char *socket, size_t n, char *const *arguments);
int user_password(const char *socket, size_t n, char *const *arguments);
int user_remove(const char *socket, size_t n, char *const *arguments);

#endif
