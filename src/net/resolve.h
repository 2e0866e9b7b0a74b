/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The system-call filter of lazaret-resolve, apart from the program, for its prober. */
#ifndef LAZARET_NET_RESOLVE_H
#define LAZARET_NET_RESOLVE_H

#include "base/attr.h"

NODISCARD int resolve_filter(void);

#endif
