/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The system calls of lazaret-lockd. */
#ifndef LAZARET_LOCK_FILTER_H
#define LAZARET_LOCK_FILTER_H

#include "base/attr.h"

/* For all threads of the process. 0 or a negative errno. */
NODISCARD int filter_apply(void);

#endif
