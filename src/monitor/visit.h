/* SPDX-License-Identifier: GPL-3.0-or-later */
/* When a user last came: the time of the file "login" in his folder below the state directory. */
#ifndef LAZARET_MONITOR_VISIT_H
#define LAZARET_MONITOR_VISIT_H

#include <sys/types.h>

struct conf;

/* Somebody is attached to his session. What fails is logged, and hinders nobody. */
void visit_note(const struct conf *conf, uid_t uid);

#endif
