/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * File descriptors: ownership by cleanup attribute, close-on-exec from birth, whole reads and
 * writes. A descriptor that is not held is -1.
 */
#ifndef LAZARET_BASE_FD_H
#define LAZARET_BASE_FD_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/attr.h"

/* Closes `fd` if it is >= 0, keeps errno, returns -1 so that `fd = fd_close(fd)` forgets it. */
int fd_close(int fd);

static inline void fd_closep(int *fd)
{
	*fd = fd_close(*fd);
}
#define _cleanup_fd_ CLEANUP(fd_closep)

#define FD_STEAL(fd)                   \
	__extension__({                \
		int _stolen_fd = (fd); \
		(fd) = -1;             \
		_stolen_fd;            \
	})

/* Both return 0 or a negative errno. */
NODISCARD int fd_set_nonblock(int fd, bool on);
NODISCARD int fd_set_cloexec(int fd, bool on);

/*
 * A sealed, readable memory file with `len` bytes of `data`, position 0: what a parent hands to a
 * child as its configuration. Returns the descriptor or a negative errno.
 */
NODISCARD int fd_memfd(const char *name, const void *data, size_t len);

/*
 * Reads the file from its start to its end, at most `max` bytes, into fresh memory with a NUL
 * behind it (not counted). -EFBIG if there is more. The caller frees *ret_data.
 */
NODISCARD int fd_read_all(int fd, size_t max, char **ret_data, size_t *ret_len);

/* Writes all of it, also over short writes and EINTR; for blocking descriptors. */
NODISCARD int fd_write_all(int fd, const void *data, size_t len);

/* Opens and reads a file in a folder; see fd_read_all(). dir may be AT_FDCWD. */
NODISCARD int fd_read_file(int dir, const char *name, size_t max, char **ret_data, size_t *ret_len);

/*
 * Writes a file so that after a crash either the old or the new content is there: temporary
 * name in the same folder, fsync, rename, fsync of the folder.
 */
NODISCARD int fd_write_file_atomic(int dir, const char *name, mode_t mode, const void *data,
				   size_t len);

/* pidfd_open(2) and pidfd_send_signal(2); negative errno. A pidfd is close-on-exec. */
NODISCARD int fd_pidfd_open(pid_t pid);
int fd_pidfd_signal(int pidfd, int sig);

#endif
