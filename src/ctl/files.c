/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ctl/files.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"

static int read_one(struct conf *conf, const char *file)
{
	int r = conf_read_file(conf, file, stderr);

	/* What is wrong inside the file was said with its line. */
	if (r < 0 && r != -EINVAL)
		fprintf(stderr, "lazaretctl: %s: %s\n", file, strerror(-r));
	return r;
}

int files_read(size_t n, char *const *files, struct conf **ret_conf)
{
	_cleanup_conf_ struct conf *conf = conf_create();
	int r = 0;

	if (!conf)
		return -ENOMEM;
	if (n == 0)
		r = read_one(conf, CONF_PATH);
	for (size_t i = 0; r == 0 && i < n; i++)
		r = read_one(conf, files[i]);
	if (r == 0)
		r = conf_check(conf, stderr);
	if (r == 0)
		*ret_conf = STEAL(conf);
	return r;
}
