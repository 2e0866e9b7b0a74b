/* SPDX-License-Identifier: GPL-3.0-or-later */
/* lazaretctl roles check: who holds what, and what must not be. */
#ifndef LAZARET_CTL_ROLES_H
#define LAZARET_CTL_ROLES_H

#include <stdbool.h>

/* The exit status; ANSWER_STATUS_FAILED also when something must not be. */
int roles_check(bool json);

#endif
