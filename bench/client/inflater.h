/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A zlib stream of the server, which goes on from rectangle to rectangle. */
#ifndef LAZARET_BENCH_INFLATER_H
#define LAZARET_BENCH_INFLATER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <zlib.h>

#include "base/attr.h"

/* All zero is a stream that has not begun. */
struct inflater {
	z_stream z;
	bool begun;
};

void inflater_finish(struct inflater *inflater);
/* The next byte begins a stream of its own. */
void inflater_reset(struct inflater *inflater);

/*
 * Takes all of `data` and writes what comes of it, `*ret_len` bytes of at most `size`. 0; -EPROTO
 * if it is no zlib stream or more than `size` comes; -ENOMEM.
 */
NODISCARD int inflater_all(struct inflater *inflater, const uint8_t *data, size_t len, uint8_t *out,
			   size_t size, size_t *ret_len);

#endif
