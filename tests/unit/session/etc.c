/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "etc.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "base/fd.h"

static void must(int r, const char *what)
{
	if (r >= 0)
		return;
	perror(what);
	exit(1);
}

void etc_begin(void)
{
	must(unshare(CLONE_NEWNS), "unshare");
	must(mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL), "private /");
	must(mount("tmpfs", "/etc", "tmpfs", MS_NOSUID | MS_NODEV, "mode=755"), "mount /etc");
	etc_write("nsswitch.conf", "passwd: files\ngroup: files\nshadow: files\n");
}

void etc_write(const char *name, const char *text)
{
	const char *slash = strchr(name, '/');
	char path[256];
	int fd;

	if (slash) {
		snprintf(path, sizeof(path), "/etc/%.*s", (int)(slash - name), name);
		if (mkdir(path, 0755) < 0 && errno != EEXIST)
			must(-1, path);
	}
	snprintf(path, sizeof(path), "/etc/%s", name);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	must(fd, path);
	must(fd_write_all(fd, text, strlen(text)), path);
	fd_close(fd);
}
