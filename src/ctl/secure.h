/* SPDX-License-Identifier: GPL-3.0-or-later */
/* lazaretctl secure check: what deviates from the secure configuration, and how to come back to it. */
#ifndef LAZARET_CTL_SECURE_H
#define LAZARET_CTL_SECURE_H

#include <stdbool.h>

/*
 * The exit status: ANSWER_STATUS_FAILED when something deviates, ANSWER_STATUS_UNKNOWN when nothing
 * does but something could not be found out. `socket` is the daemon's.
 */
int secure_check(bool json, const char *socket);

#endif
