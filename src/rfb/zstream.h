/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A zlib stream that lives as long as a client connection (Tight has four, ZRLE one). */
#ifndef LAZARET_RFB_ZSTREAM_H
#define LAZARET_RFB_ZSTREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <zlib.h>

#include "base/attr.h"
#include "wire/buf.h"

/* All zero is a stream that has not begun; its memory is taken at the first use. */
struct zstream {
	z_stream z;
	bool begun;
	int level;
};

void zstream_finish(struct zstream *stream);

/*
 * Compresses `len` bytes, up to a sync flush, behind what `out` has. Room for the worst case is
 * had before the stream takes its first byte, so that a failure (-ENOMEM, or -ENOBUFS: the cap of
 * `out`) leaves the stream where the client's is. `level` is zlib's, 1 to 9.
 */
NODISCARD int zstream_append(struct zstream *stream, int level, const uint8_t *data, size_t len,
			     struct buf *out);

#endif
