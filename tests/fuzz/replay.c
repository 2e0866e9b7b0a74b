/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Runs a fuzz target over each file of its corpus folder. An empty or missing folder is a failure. */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/fd.h"
#include "base/mem.h"

#define SEED_MAX (1 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay_one(int dir, const char *name)
{
	_cleanup_free_ char *data = NULL;
	size_t len;
	int r = fd_read_file(dir, name, SEED_MAX, &data, &len);

	if (r < 0) {
		fprintf(stderr, "%s: cannot be read\n", name);
		return r;
	}
	return LLVMFuzzerTestOneInput((const uint8_t *)data, len);
}

int main(int argc, char **argv)
{
	struct dirent *entry;
	int count = 0;
	DIR *dir;

	if (argc != 2 || !(dir = opendir(argv[1]))) {
		fprintf(stderr, "usage: replay CORPUS-FOLDER\n");
		return 1;
	}
	while ((entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		if (replay_one(dirfd(dir), entry->d_name) != 0)
			return 1;
		count++;
	}
	closedir(dir);
	printf("%d inputs replayed\n", count);
	return count > 0 ? 0 : 1;
}
