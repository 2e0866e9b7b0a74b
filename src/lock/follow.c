/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "lock/follow.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"

#define BLOCK (256 << 10)

void follow_init(struct follow *follow)
{
	(void)pthread_mutex_init(&follow->mutex, NULL);
	(void)pthread_cond_init(&follow->more, NULL);
	follow->there = 0;
	follow->over = false;
}

void follow_finish(struct follow *follow)
{
	(void)pthread_cond_destroy(&follow->more);
	(void)pthread_mutex_destroy(&follow->mutex);
}

void follow_say(struct follow *follow, uint64_t there)
{
	pthread_mutex_lock(&follow->mutex);
	follow->there = there;
	pthread_cond_signal(&follow->more);
	pthread_mutex_unlock(&follow->mutex);
}

void follow_end(struct follow *follow)
{
	pthread_mutex_lock(&follow->mutex);
	follow->over = true;
	pthread_cond_signal(&follow->more);
	pthread_mutex_unlock(&follow->mutex);
}

/* Bytes that are there beyond `at`; 0 at the end. */
static uint64_t wait_beyond(struct follow *follow, uint64_t at)
{
	uint64_t there;

	pthread_mutex_lock(&follow->mutex);
	while (follow->there <= at && !follow->over)
		pthread_cond_wait(&follow->more, &follow->mutex);
	there = follow->there;
	pthread_mutex_unlock(&follow->mutex);
	return there - at;
}

static int feed(struct follow *follow, int fd, atomic_bool *cancelled, struct check_digest *digest)
{
	_cleanup_free_ char *block = malloc(BLOCK);
	uint64_t at = 0, more;

	if (!block)
		return -ENOMEM;
	while ((more = wait_beyond(follow, at)) > 0) {
		ssize_t n = pread(fd, block, MIN((uint64_t)BLOCK, more), (off_t)at);
		int r;

		if (atomic_load(cancelled))
			return -ECANCELED;
		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		r = check_digest_feed(digest, block, (size_t)n);
		if (r < 0)
			return r;
		at += (uint64_t)n;
	}
	return 0;
}

int follow_digest(struct follow *follow, int fd, atomic_bool *cancelled,
		  uint8_t ret_digest[CHECK_DIGEST_LEN])
{
	struct check_digest *digest = check_digest_begin();
	int r;

	if (!digest)
		return -ENOMEM;
	r = feed(follow, fd, cancelled, digest);
	check_digest_end(digest, ret_digest);
	return r;
}
