/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "monitor/programs.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"

#define MARK LOG_VERSION_MARK LAZARET_VERSION "\n"

static const char *const names[PROGRAM_COUNT] = {
	[PROGRAM_GATEWAY] = "lazaret-gateway", [PROGRAM_KEYD] = "lazaret-keyd",
	[PROGRAM_NETD] = "lazaret-netd",       [PROGRAM_RESOLVE] = "lazaret-resolve",
	[PROGRAM_WHO] = "lazaret-who",         [PROGRAM_CTL] = "lazaretctl",
	[PROGRAM_CHECKD] = "lazaret-checkd",   [PROGRAM_SESSION] = "lazaret-session",
	[PROGRAM_DISPLAY] = "lazaret-display", [PROGRAM_TEXT] = "lazaret-text",
	[PROGRAM_CELL] = "lazaret-cell",       [PROGRAM_BROWSER] = "lazaret-browser",
	[PROGRAM_LOCKD] = "lazaret-lockd",
};

/* Its file says of which version it is; see log.c. */
static int check_version(int fd)
{
	struct stat st;
	void *data;
	int r;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode) || st.st_size <= 0 || st.st_size > PROGRAM_SIZE_MAX)
		return -ENOEXEC;
	data = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (data == MAP_FAILED)
		return -errno;
	r = memmem(data, (size_t)st.st_size, MARK, sizeof(MARK) - 1) ? 0 : -EXDEV;
	munmap(data, (size_t)st.st_size);
	return r;
}

static int open_one(int folder, const char *name, int *ret_fd)
{
	_cleanup_fd_ int fd = openat(folder, name, O_RDONLY | O_CLOEXEC);
	int r;

	if (fd < 0)
		return -errno;
	r = check_version(fd);
	if (r < 0)
		return r;
	*ret_fd = FD_STEAL(fd);
	return 0;
}

int programs_open(const char *folder, struct programs *ret_programs, const char **ret_name)
{
	_cleanup_fd_ int dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct programs programs;
	int r;

	*ret_name = names[0];
	if (dir < 0)
		return -errno;
	memset(programs.fds, -1, sizeof(programs.fds));
	for (int i = 0; i < PROGRAM_COUNT; i++) {
		r = open_one(dir, names[i], &programs.fds[i]);
		if (r < 0) {
			*ret_name = names[i];
			programs_close(&programs);
			return r;
		}
	}
	*ret_programs = programs;
	return 0;
}

void programs_close(struct programs *programs)
{
	for (int i = 0; i < PROGRAM_COUNT; i++)
		programs->fds[i] = fd_close(programs->fds[i]);
}
