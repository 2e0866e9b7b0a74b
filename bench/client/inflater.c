/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "bench/client/inflater.h"

#include <errno.h>
#include <string.h>

void inflater_finish(struct inflater *inflater)
{
	if (inflater->begun)
		inflateEnd(&inflater->z);
	*inflater = (struct inflater){0};
}

void inflater_reset(struct inflater *inflater)
{
	if (inflater->begun && inflateReset(&inflater->z) != Z_OK)
		inflater_finish(inflater);
}

int inflater_all(struct inflater *inflater, const uint8_t *data, size_t len, uint8_t *out,
		 size_t size, size_t *ret_len)
{
	z_stream *z = &inflater->z;
	int r;

	if (!inflater->begun) {
		memset(z, 0, sizeof(*z));
		if (inflateInit(z) != Z_OK)
			return -ENOMEM;
		/* TCP has checked these bytes; a sum over them would cost a tenth of inflating. */
		inflateValidate(z, 0);
		inflater->begun = true;
	}
	z->next_in = (Bytef *)(uintptr_t)data;
	z->avail_in = (uInt)len;
	z->next_out = out;
	z->avail_out = (uInt)size;
	r = inflate(z, Z_SYNC_FLUSH);
	/* The marker of a sync flush is read even without room, so nothing may be left over. */
	if ((r != Z_OK && r != Z_STREAM_END && r != Z_BUF_ERROR) || z->avail_in > 0)
		return -EPROTO;
	*ret_len = size - z->avail_out;
	return 0;
}
