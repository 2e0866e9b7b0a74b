/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "update/journal.h"

#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"

#define SOCKET "/run/systemd/journal/stdout"
/* A file that has grown larger is begun anew. */
#define LOG_SIZE_MAX (1 << 20)

/*
 * The stream protocol of systemd-journald(8): identifier, unit, priority, whether lines say theirs,
 * and three times no to where else they should go; a line each. Then lines.
 */
static int open_journal(void)
{
	static const char head[] = "lazaret-update\n\n6\n0\n0\n0\n0\n";
	_cleanup_fd_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	str_copy(address.sun_path, sizeof(address.sun_path), SOCKET);
	if (fd < 0 || connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0 ||
	    fd_write_all(fd, head, strlen(head)) < 0)
		return -1;
	return FD_STEAL(fd);
}

static int open_file(const struct store *store)
{
	struct stat status;

	if (fstatat(store->dir, "log", &status, AT_SYMLINK_NOFOLLOW) == 0 &&
	    status.st_size > LOG_SIZE_MAX)
		(void)renameat(store->dir, "log", store->dir, "log.old");
	return openat(store->dir, "log", O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW,
		      0600);
}

void journal_take(const struct store *store)
{
	_cleanup_fd_ int fd = open_journal();

	if (fd < 0)
		fd = open_file(store);
	if (fd >= 0)
		(void)dup2(fd, 2);
}
