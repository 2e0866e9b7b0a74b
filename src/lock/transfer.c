/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "lock/transfer.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"
#include "lock/follow.h"

#define SLICE (UINT64_C(8) << 20)
#define BLOCK (256 << 10)

/* For file systems between which the kernel does not copy by itself. */
static int copy_through(int from, int to, uint64_t at, size_t len, uint64_t *ret_copied)
{
	size_t most = MIN(len, (size_t)BLOCK);
	_cleanup_free_ char *block = malloc(most);
	ssize_t n, put = 0;

	if (!block)
		return -ENOMEM;
	n = pread(from, block, most, (off_t)at);
	if (n < 0)
		return -errno;
	while (put < n) {
		ssize_t done = pwrite(to, block + put, (size_t)(n - put), (off_t)at + put);

		if (done < 0)
			return -errno;
		put += done;
	}
	*ret_copied = (uint64_t)n;
	return 0;
}

static int copy_some(int from, int to, uint64_t at, size_t len, bool *through, uint64_t *ret_copied)
{
	off64_t in = (off64_t)at, out = (off64_t)at;
	ssize_t n;

	if (*through)
		return copy_through(from, to, at, len, ret_copied);
	n = copy_file_range(from, &in, to, &out, len, 0);
	if (n < 0 &&
	    (errno == EXDEV || errno == EINVAL || errno == EOPNOTSUPP || errno == ENOSYS)) {
		*through = true;
		return copy_through(from, to, at, len, ret_copied);
	}
	if (n < 0)
		return -errno;
	*ret_copied = (uint64_t)n;
	return 0;
}

int transfer_copy(int from, int to, uint64_t len, atomic_bool *cancelled, struct follow *follow,
		  uint64_t *ret_copied)
{
	bool through = false;
	uint64_t at = 0;

	while (at < len) {
		uint64_t want = len - at < SLICE ? len - at : SLICE, n = 0;
		int r;

		if (cancelled && atomic_load(cancelled))
			return -ECANCELED;
		r = copy_some(from, to, at, (size_t)want, &through, &n);
		if (r < 0)
			return r;
		if (n == 0)
			break;
		at += n;
		if (follow)
			follow_say(follow, at);
	}
	*ret_copied = at;
	return 0;
}
