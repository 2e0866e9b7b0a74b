/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A capped byte buffer: bytes are appended at the end and consumed from the front. Numbers are big
 * endian, as RFB (RFC 6143 section 3) and our ipc have them.
 *
 * Growing past `cap` or running out of memory sets a sticky error; further appends do nothing, and
 * one check of buf_error() before the bytes are used is enough.
 */
#ifndef LAZARET_WIRE_BUF_H
#define LAZARET_WIRE_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/attr.h"

struct buf {
	uint8_t *data; /* allocation; the content is [start, start + len) */
	size_t start;
	size_t len;
	size_t size; /* of the allocation */
	size_t cap; /* most bytes of content, ever */
	int error; /* 0, -ENOBUFS (cap) or -ENOMEM; sticky until buf_clear() */
	bool secret; /* wiped whenever memory is given back */
};

/* A buffer that may hold `cap` bytes; allocates nothing yet. */
void buf_init(struct buf *buf, size_t cap);
/* The same, for passwords and keys. */
void buf_init_secret(struct buf *buf, size_t cap);
/* Frees the memory; the buffer may be used again as if just initialised. */
void buf_finish(struct buf *buf);
#define _cleanup_buf_ CLEANUP(buf_finish)

/* Empties it and forgets the error; keeps the memory. */
void buf_clear(struct buf *buf);

static inline const uint8_t *buf_data(const struct buf *buf)
{
	return buf->data + buf->start;
}

static inline size_t buf_len(const struct buf *buf)
{
	return buf->len;
}

static inline int buf_error(const struct buf *buf)
{
	return buf->error;
}

/* Room for `len` more bytes at the end, NULL (and the error set) if that cannot be. The pointer is
 * valid until the next call; buf_added() then says how many were written. */
uint8_t *buf_reserve(struct buf *buf, size_t len);
void buf_added(struct buf *buf, size_t len);

void buf_put(struct buf *buf, const void *data, size_t len);
void buf_put_u8(struct buf *buf, uint8_t v);
void buf_put_u16(struct buf *buf, uint16_t v);
void buf_put_u32(struct buf *buf, uint32_t v);
void buf_put_u64(struct buf *buf, uint64_t v);
void buf_put_zero(struct buf *buf, size_t len);
/* u32 length, then the bytes without a NUL. NULL is written as an empty string. */
void buf_put_str(struct buf *buf, const char *s);

/* Overwrites bytes that were put before; `offset` counts from buf_data(). */
void buf_patch_u16(struct buf *buf, size_t offset, uint16_t v);
void buf_patch_u32(struct buf *buf, size_t offset, uint32_t v);

/* Drops `len` <= buf_len() bytes from the front. */
void buf_consume(struct buf *buf, size_t len);
/* Drops bytes from the end, so that `len` <= buf_len() remain. */
void buf_truncate(struct buf *buf, size_t len);

/*
 * One read(2) of at most `max` bytes. Returns the count, 0 at end of file, -EAGAIN, -ENOBUFS when
 * the buffer is full, or another negative errno.
 */
NODISCARD ssize_t buf_read_fd(struct buf *buf, int fd, size_t max);

/* One write(2) of what is there; what was written is consumed. Returns the count or -errno. */
NODISCARD ssize_t buf_write_fd(struct buf *buf, int fd);

#endif
