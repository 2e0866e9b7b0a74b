/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>

#include "lock/lockcheck.h"

void lockcheck_put(const struct lockcheck_config *config, struct buf *out)
{
	buf_put_u32(out, (uint32_t)config->uid);
	buf_put_u32(out, (uint32_t)config->gid);
	buf_put_u64(out, config->size);
	buf_put_u64(out, config->memory);
	buf_put_u32(out, config->seconds);
	buf_put_u32(out, config->limits.depth);
	buf_put_u64(out, config->limits.members);
	buf_put_u64(out, config->limits.unpacked);
	buf_put_u64(out, config->limits.ratio);
	buf_put_u64(out, config->limits.memory);
}

int lockcheck_get(struct cursor *c, struct lockcheck_config *ret_config)
{
	struct lockcheck_config config = {0};

	config.uid = cursor_u32(c);
	config.gid = cursor_u32(c);
	config.size = cursor_u64(c);
	config.memory = cursor_u64(c);
	config.seconds = cursor_u32(c);
	config.limits.depth = cursor_u32(c);
	config.limits.members = cursor_u64(c);
	config.limits.unpacked = cursor_u64(c);
	config.limits.ratio = cursor_u64(c);
	config.limits.memory = cursor_u64(c);
	if (!cursor_done(c) || config.limits.ratio == 0)
		return -EPROTO;
	*ret_config = config;
	return 0;
}
