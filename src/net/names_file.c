/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/names_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "base/fd.h"
#include "base/mem.h"
#include "net/limits.h"

#define NAME "names"

static int open_folder(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

int names_file_read(const char *state_dir, struct names *names)
{
	_cleanup_fd_ int dir = open_folder(state_dir);
	_cleanup_free_ char *text = NULL;
	size_t len;
	int r;

	if (dir < 0)
		return dir;
	r = fd_read_file(dir, NAME, NAMES_FILE_MAX, &text, &len);
	return r < 0 ? r : names_read(names, text);
}

int names_file_write(const char *state_dir, const struct names *names)
{
	_cleanup_fd_ int dir = open_folder(state_dir);
	_cleanup_free_ char *text = NULL;
	size_t size;
	FILE *out;

	if (dir < 0)
		return dir;
	out = open_memstream(&text, &size);
	if (!out)
		return -ENOMEM;
	names_write(names, out);
	if (fclose(out) != 0)
		return -ENOMEM;
	return fd_write_file_atomic(dir, NAME, 0600, text, size);
}
