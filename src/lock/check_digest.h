/* SPDX-License-Identifier: GPL-3.0-or-later */
/* SHA-256 of what is behind a descriptor. */
#ifndef LAZARET_LOCK_CHECK_DIGEST_H
#define LAZARET_LOCK_CHECK_DIGEST_H

#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"

struct check_digest;

#define CHECK_DIGEST_LEN 32
#define CHECK_DIGEST_TEXT (2 * CHECK_DIGEST_LEN + 1)

/* Reads by pread(2) from 0 to `size`, and not further; -EIO if there is less. Blocks. */
NODISCARD int check_digest_fd(int fd, uint64_t size, uint8_t ret_digest[CHECK_DIGEST_LEN]);

/* Piece by piece: NULL when out of memory; feeding it may say -EIO; the end frees it. */
struct check_digest *check_digest_begin(void);
NODISCARD int check_digest_feed(struct check_digest *digest, const void *data, size_t len);
void check_digest_end(struct check_digest *digest, uint8_t ret_digest[CHECK_DIGEST_LEN]);

/* In hexadecimal, small letters; `out` has CHECK_DIGEST_TEXT bytes. Returns it. */
const char *check_digest_format(const uint8_t digest[CHECK_DIGEST_LEN], char *out);
/* The other way round: -EINVAL. */
NODISCARD int check_digest_parse(const char *text, uint8_t ret_digest[CHECK_DIGEST_LEN]);

#endif
