/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The system-call filter of lazaret-netd, apart from the program, for its prober. */
#ifndef LAZARET_NET_NETD_FILTER_H
#define LAZARET_NET_NETD_FILTER_H

#include "base/attr.h"

/* After the start: loop and channel are there. */
NODISCARD int netd_filter(void);

#endif
