/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Private to scroll: bringing copies in an order in which each reads what was there before all. */
#ifndef LAZARET_RFB_SCROLL_ORDER_H
#define LAZARET_RFB_SCROLL_ORDER_H

#include <stddef.h>

#include "base/attr.h"
#include "rfb/scroll.h"

/* Sorts so that no copy reads what an earlier one writes. Where copies need each other's source,
 * smaller ones are dropped. At most SCROLL_COPIES_MAX; returns how many are left. */
NODISCARD size_t scroll_order(struct scroll_copy *copies, size_t count);

#endif
