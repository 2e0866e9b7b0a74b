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

struct check_digest {
	gnutls_hash_hd_t hash;
};

struct check_digest *check_digest_begin(void)
{
	struct check_digest *digest = calloc(1, sizeof(*digest));

	if (digest && gnutls_hash_init(&digest->hash, GNUTLS_DIG_SHA256) < 0) {
		free(digest);
		return NULL;
	}
	return digest;
}

int check_digest_feed(struct check_digest *digest, const void *data, size_t len)
{
	return gnutls_hash(digest->hash, data, len) < 0 ? -EIO : 0;
}

void check_digest_end(struct check_digest *digest, uint8_t ret_digest[CHECK_DIGEST_LEN])
{
	gnutls_hash_deinit(digest->hash, ret_digest);
	free(digest);
}

static int feed(struct check_digest *digest, int fd, uint64_t size)
{
	_cleanup_free_ uint8_t *chunk = malloc(CHUNK);
	uint64_t at = 0;

	if (!chunk)
		return -ENOMEM;
	while (at < size) {
		ssize_t n = pread(fd, chunk, MIN((uint64_t)CHUNK, size - at), (off_t)at);
		int r;

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		r = check_digest_feed(digest, chunk, (size_t)n);
		if (r < 0)
			return r;
		at += (uint64_t)n;
	}
	return 0;
}

int check_digest_fd(int fd, uint64_t size, uint8_t ret_digest[CHECK_DIGEST_LEN])
{
	struct check_digest *running = check_digest_begin();
	uint8_t digest[CHECK_DIGEST_LEN];
	int r;

	if (!running)
		return -ENOMEM;
	r = feed(running, fd, size);
	check_digest_end(running, digest);
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
