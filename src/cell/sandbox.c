/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the browser's sandbox has really done to its renderers, read from outside. */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "cell/cell.h"

#define STATUS_MAX 8192
#define CMDLINE_MAX 65536
/* A tree of processes deeper than this is not a browser's. */
#define DEPTH_MAX 64

struct confinement {
	ino_t user, net;
	long filters;
};

static long status_number(const char *status, const char *key)
{
	const char *line = strstr(status, key);

	return line ? strtol(line + strlen(key), NULL, 10) : -1;
}

static int read_proc(pid_t pid, const char *file, size_t max, char **ret_text, size_t *ret_len)
{
	char path[128];

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, file);
	return fd_read_file(AT_FDCWD, path, max, ret_text, ret_len);
}

static pid_t parent_of(pid_t pid)
{
	_cleanup_free_ char *status = NULL;
	size_t len;

	if (read_proc(pid, "status", STATUS_MAX, &status, &len) < 0)
		return -1;
	return (pid_t)status_number(status, "\nPPid:");
}

static int confinement_of(pid_t pid, struct confinement *ret)
{
	_cleanup_free_ char *status = NULL;
	struct confinement c;
	struct stat st;
	char path[64];
	size_t len;
	int r = read_proc(pid, "status", STATUS_MAX, &status, &len);

	if (r < 0)
		return r;
	c.filters = status_number(status, "\nSeccomp_filters:");
	snprintf(path, sizeof(path), "/proc/%d/ns/user", (int)pid);
	if (stat(path, &st) < 0)
		return -errno;
	c.user = st.st_ino;
	snprintf(path, sizeof(path), "/proc/%d/ns/net", (int)pid);
	if (stat(path, &st) < 0)
		return -errno;
	c.net = st.st_ino;
	*ret = c;
	return 0;
}

static bool is_descendant(pid_t pid, pid_t ancestor)
{
	for (int depth = 0; pid > 1 && depth < DEPTH_MAX; depth++) {
		if (pid == ancestor)
			return true;
		pid = parent_of(pid);
	}
	return false;
}

/* Chromium's children rewrite their command line with blanks where the kernel had NULs. */
static bool is_renderer(pid_t pid)
{
	_cleanup_free_ char *line = NULL;
	size_t len;

	if (read_proc(pid, "cmdline", CMDLINE_MAX, &line, &len) < 0)
		return false;
	for (size_t i = 0; i < len; i++) {
		if (line[i] == '\0')
			line[i] = ' ';
	}
	return strstr(line, " --type=renderer ") || strstr(line, " -isForBrowser ");
}

/* The inner process 1: what every program of the cell starts from. */
static pid_t first_inside(pid_t outer)
{
	_cleanup_free_ char *text = NULL;
	char path[64];
	size_t len;

	snprintf(path, sizeof(path), "task/%d/children", (int)outer);
	if (read_proc(outer, path, STATUS_MAX, &text, &len) < 0)
		return -1;
	return (pid_t)strtol(text, NULL, 10);
}

static int launcher_confinement(pid_t outer, struct confinement *ret)
{
	pid_t init = first_inside(outer), launcher = init > 0 ? first_inside(init) : -1;

	return launcher > 0 ? confinement_of(launcher, ret) : -EAGAIN;
}

int cell_sandbox_check(const struct cell *cell)
{
	struct confinement ours, renderer;
	struct dirent *entry;
	int found = 0, r;
	DIR *proc;

	r = launcher_confinement(cell->pid, &ours);
	if (r < 0)
		return -EAGAIN;
	if (ours.filters < 1)
		return -EPERM;
	proc = opendir("/proc");
	if (!proc)
		return -errno;
	r = 0;
	while (r == 0 && (entry = readdir(proc))) {
		pid_t pid = isdigit((unsigned char)entry->d_name[0])
				    ? (pid_t)strtol(entry->d_name, NULL, 10)
				    : -1;

		if (pid <= 0 || !is_renderer(pid) || !is_descendant(pid, cell->pid))
			continue;
		if (confinement_of(pid, &renderer) < 0) /* it has just ended */
			continue;
		found++;
		if (renderer.user == ours.user || renderer.net == ours.net ||
		    renderer.filters <= ours.filters)
			r = -EPERM;
	}
	closedir(proc);
	return r < 0 ? r : found > 0 ? 0 : -EAGAIN;
}
