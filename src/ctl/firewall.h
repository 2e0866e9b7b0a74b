/* SPDX-License-Identifier: GPL-3.0-or-later */
/* lazaretctl firewall: each takes what follows its words and returns an exit status. */
#ifndef LAZARET_CTL_FIREWALL_H
#define LAZARET_CTL_FIREWALL_H

#include <stddef.h>

int firewall_export(size_t n, char *const *arguments);
int firewall_show(size_t n, char *const *arguments);
int firewall_apply(size_t n, char *const *arguments);
int firewall_check(size_t n, char *const *arguments);

#endif
