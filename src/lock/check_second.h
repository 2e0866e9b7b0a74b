/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A further scanner: a program of the operator's, run once a file. It finds the file on its standard
 * input, and says by its exit status: 0 nothing found; 1 found, and the first line of its output is the
 * finding's name; anything else: it could not say. It runs as nobody, without a network.
 */
#ifndef LAZARET_LOCK_CHECK_SECOND_H
#define LAZARET_LOCK_CHECK_SECOND_H

#include <wayland-server-core.h>

#include "base/attr.h"
#include "conf/conf.h"
#include "lock/check_facts.h"

struct check_second;

typedef void (*check_second_done)(void *data, const struct check_scan *scan);

/* `fd` is borrowed until this returns. `done` is called once, from the loop. */
NODISCARD int check_second_start(struct wl_event_loop *loop, const struct conf *conf, int fd,
				 check_second_done done, void *data,
				 struct check_second **ret_second);
/* NULL is allowed; not after `done`. */
void check_second_cancel(struct check_second *second);

/* A descriptor of the same file with a position of its own; negative errno. */
NODISCARD int check_second_reopen(int fd);

#endif
