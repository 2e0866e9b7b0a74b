/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ctl/files.h"

#include <errno.h>
#include <stdio.h>

#include "base/mem.h"

int files_read(size_t n, char *const *files, struct conf **ret_conf)
{
	_cleanup_conf_ struct conf *conf = conf_create();
	int r = 0;

	if (!conf)
		return -ENOMEM;
	if (n == 0)
		r = conf_read_file(conf, CONF_PATH, stderr);
	for (size_t i = 0; r == 0 && i < n; i++)
		r = conf_read_file(conf, files[i], stderr);
	if (r == 0)
		r = conf_check(conf, stderr);
	if (r == 0)
		*ret_conf = STEAL(conf);
	return r;
}
