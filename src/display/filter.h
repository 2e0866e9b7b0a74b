/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The system calls of a display, once it has its descriptors and its keymap. */
#ifndef LAZARET_DISPLAY_FILTER_H
#define LAZARET_DISPLAY_FILTER_H

#include <stddef.h>

#include "base/confine.h"

extern const struct confine_call filter_calls[];
extern const size_t filter_n_calls;

#endif
