/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "lock/check_digest.h"

#include <errno.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"

#define CHUNK (256u << 10)

static int feed(gnutls_hash_hd_t hash, int fd, uint64_t size)
{
	_cleanup_free_ uint8_t *chunk = malloc(CHUNK);
	uint64_t at = 0;

	if (!chunk)
		return -ENOMEM;
	while (at < size) {
		ssize_t n = pread(fd, chunk, MIN((uint64_t)CHUNK, size - at), (off_t)at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		if (gnutls_hash(hash, chunk, (size_t)n) < 0)
			return -EIO;
		at += (uint64_t)n;
	}
	return 0;
}

int check_digest_fd(int fd, uint64_t size, uint8_t ret_digest[CHECK_DIGEST_LEN])
{
	uint8_t digest[CHECK_DIGEST_LEN];
	gnutls_hash_hd_t hash;
	int r;

	if (gnutls_hash_init(&hash, GNUTLS_DIG_SHA256) < 0)
		return -ENOMEM;
	r = feed(hash, fd, size);
	gnutls_hash_deinit(hash, digest);
	if (r == 0)
		memcpy(ret_digest, digest, sizeof(digest));
	return r;
}

const char *check_digest_format(const uint8_t digest[CHECK_DIGEST_LEN], char *out)
{
	for (size_t i = 0; i < CHECK_DIGEST_LEN; i++)
		snprintf(out + 2 * i, 3, "%02x", digest[i]);
	return out;
}

static int nibble(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int check_digest_parse(const char *text, uint8_t ret_digest[CHECK_DIGEST_LEN])
{
	uint8_t digest[CHECK_DIGEST_LEN];

	if (strlen(text) != CHECK_DIGEST_TEXT - 1)
		return -EINVAL;
	for (size_t i = 0; i < CHECK_DIGEST_LEN; i++) {
		int high = nibble(text[2 * i]), low = nibble(text[2 * i + 1]);

		if (high < 0 || low < 0)
			return -EINVAL;
		digest[i] = (uint8_t)(high << 4 | low);
	}
	memcpy(ret_digest, digest, sizeof(digest));
	return 0;
}
