/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Strings: strict parsing, UTF-8, and making foreign text fit to be shown. */
#ifndef LAZARET_BASE_STR_H
#define LAZARET_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"

static inline bool str_eq(const char *a, const char *b)
{
	return __builtin_strcmp(a, b) == 0;
}

/*
 * The whole string is one decimal number within [min, max]; no sign but '-', no spaces, no
 * leading '+'. -EINVAL if it is no number, -ERANGE if outside.
 */
NODISCARD int str_to_int(const char *s, int64_t min, int64_t max, int64_t *ret_value);

/* Copies with truncation, always terminated; false if it had to cut. `size` > 0. */
bool str_copy(char *out, size_t size, const char *s);

/*
 * One Unicode scalar value from valid UTF-8 (RFC 3629: no overlong forms, no surrogates).
 * Returns the bytes taken, 1 to 4, or 0 if what stands there is not UTF-8 or `len` is 0.
 */
size_t str_utf8_decode(const char *s, size_t len, uint32_t *ret_scalar);

/* Writes 1 to 4 bytes for a scalar value; 0 if it is none. */
size_t str_utf8_encode(uint32_t scalar, char out[4]);

bool str_utf8_valid(const char *s, size_t len);

/*
 * Makes untrusted text fit for a log line, a title or a terminal: invalid UTF-8 becomes U+FFFD;
 * control characters (C0, C1, DEL), line and paragraph separators and bidirectional controls
 * become spaces. Output is terminated and cut at a character boundary. Returns its length.
 */
size_t str_sanitize(char *out, size_t size, const char *s, size_t len);

#endif
