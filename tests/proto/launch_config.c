/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Writes to standard output what the monitor would give a gateway on descriptor 4:
 *
 *	launch-config UID GID CHAIN.PEM ["option = value" ...]
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/str.h"
#include "conf/conf.h"

static int write_config(const struct conf *conf, int64_t uid, int64_t gid, const char *chain)
{
	_cleanup_buf_ struct buf out;

	buf_init(&out, 1 << 20);
	conf_put(conf, CONF_FOR_GATEWAY, &out);
	buf_put_u32(&out, (uint32_t)uid);
	buf_put_u32(&out, (uint32_t)gid);
	buf_put_str(&out, chain);
	return buf_error(&out) ? buf_error(&out) : fd_write_all(1, buf_data(&out), buf_len(&out));
}

int main(int argc, char **argv)
{
	_cleanup_conf_ struct conf *conf = conf_create();
	_cleanup_free_ char *chain = NULL;
	int64_t uid, gid;
	size_t len;

	if (argc < 4 || !conf || str_to_int(argv[1], 0, UINT32_MAX, &uid) < 0 ||
	    str_to_int(argv[2], 0, UINT32_MAX, &gid) < 0 ||
	    fd_read_file(AT_FDCWD, argv[3], 1 << 20, &chain, &len) < 0) {
		fprintf(stderr, "usage: launch-config UID GID CHAIN.PEM [\"option = value\"]...\n");
		return 1;
	}
	for (int i = 4; i < argc; i++) {
		if (conf_read_text(conf, "argument", argv[i], stderr) < 0)
			return 1;
	}
	return write_config(conf, uid, gid, chain) == 0 ? 0 : 1;
}
