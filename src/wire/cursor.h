/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A reading position over bytes from outside, with a sticky error: after the first read past the
 * end every read gives zero, and one check at the end of a parse suffices.
 *
 *	struct cursor c = cursor_over(data, len);
 *	uint8_t type = cursor_u8(&c);
 *	uint32_t n = cursor_u32(&c);
 *	const uint8_t *body = cursor_bytes(&c, n);
 *	if (cursor_failed(&c)) ...	nothing above may be used before this
 *
 * A stream parser tells "not yet" from "wrong" by its own length rules: a cursor that failed over
 * an incomplete stream means that more bytes are needed.
 */
#ifndef LAZARET_WIRE_CURSOR_H
#define LAZARET_WIRE_CURSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"

struct cursor {
	const uint8_t *data;
	size_t len;
	size_t pos;
	bool failed;
};

static inline struct cursor cursor_over(const void *data, size_t len)
{
	return (struct cursor){.data = data, .len = len};
}

static inline bool cursor_failed(const struct cursor *c)
{
	return c->failed;
}

/* Bytes not read yet; 0 after a failure. */
static inline size_t cursor_left(const struct cursor *c)
{
	return c->failed ? 0 : c->len - c->pos;
}

/* The parse is whole: nothing failed and nothing is left. */
static inline bool cursor_done(const struct cursor *c)
{
	return !c->failed && c->pos == c->len;
}

uint8_t cursor_u8(struct cursor *c);
uint16_t cursor_u16(struct cursor *c);
uint32_t cursor_u32(struct cursor *c);
uint64_t cursor_u64(struct cursor *c);
static inline int32_t cursor_s32(struct cursor *c)
{
	return (int32_t)cursor_u32(c);
}
void cursor_skip(struct cursor *c, size_t len);

/* Borrowed: valid as long as the data below the cursor. NULL after a failure. */
const uint8_t *cursor_bytes(struct cursor *c, size_t len);

/*
 * A string as buf_put_str() writes it, at most `max` bytes, without NULs inside, copied into fresh
 * memory with a NUL. NULL (and the cursor failed) if it is longer, malformed, or there is no memory.
 */
char *cursor_str(struct cursor *c, size_t max);

#endif
