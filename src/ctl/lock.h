/* SPDX-License-Identifier: GPL-3.0-or-later */
/* lazaretctl lock: what lazaret-checkd knows and holds, asked at its socket by root. */
#ifndef LAZARET_CTL_LOCK_H
#define LAZARET_CTL_LOCK_H

#include <stdbool.h>
#include <stddef.h>

/* All return how to exit; what is to be said was said. */
int lock_status(bool json);
int lock_list(bool json);
int lock_show(bool json, const char *id);
int lock_release(bool json, const char *id);
int lock_drop(bool json, const char *id);
/* FILE | - --user USER --direction up|down [--name NAME] */
int lock_check(bool json, size_t n, char *const *arguments);

#endif
