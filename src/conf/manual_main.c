/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Run by the build: writes lazaret.conf(5) from the schema, between a head and a tail. */
#include <stdio.h>

#include "base/fd.h"
#include "base/mem.h"
#include "conf/conf.h"

#include <fcntl.h>

#define PART_MAX 65536

static int copy(const char *path)
{
	_cleanup_free_ char *text = NULL;
	size_t len;

	if (fd_read_file(AT_FDCWD, path, PART_MAX, &text, &len) < 0) {
		fprintf(stderr, "%s: cannot be read\n", path);
		return 1;
	}
	return fwrite(text, 1, len, stdout) == len ? 0 : 1;
}

int main(int argc, char **argv)
{
	if (argc != 3) {
		fprintf(stderr, "usage: conf-manual HEAD TAIL\n");
		return 1;
	}
	if (copy(argv[1]) != 0)
		return 1;
	conf_manual(stdout);
	return copy(argv[2]);
}
