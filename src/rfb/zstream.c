/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "rfb/zstream.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#define FLUSH_ROOM 64 /* bits of the block before, and the empty block of a sync flush */

void zstream_finish(struct zstream *stream)
{
	if (stream->begun)
		deflateEnd(&stream->z);
	memset(stream, 0, sizeof(*stream));
}

static int begin(struct zstream *stream, int level)
{
	if (stream->begun)
		return 0;
	if (deflateInit(&stream->z, level) != Z_OK)
		return -ENOMEM;
	stream->begun = true;
	stream->level = level;
	return 0;
}

/* The stream stands at a flush, so that a new level has nothing to write out. */
static void set_level(struct zstream *stream, int level, uint8_t *p, size_t room)
{
	if (level == stream->level)
		return;
	stream->z.next_in = NULL;
	stream->z.avail_in = 0;
	stream->z.next_out = p;
	stream->z.avail_out = (uInt)room;
	if (deflateParams(&stream->z, level, Z_DEFAULT_STRATEGY) == Z_OK)
		stream->level = level;
	assert(stream->z.avail_out == room);
}

int zstream_append(struct zstream *stream, int level, const uint8_t *data, size_t len,
		   struct buf *out)
{
	size_t room;
	uint8_t *p;
	int r = begin(stream, level);

	if (r < 0)
		return r;
	room = deflateBound(&stream->z, len) + len / 1024 + FLUSH_ROOM;
	p = buf_reserve(out, room);
	if (!p)
		return buf_error(out);
	set_level(stream, level, p, room);
	stream->z.next_in = (Bytef *)data;
	stream->z.avail_in = (uInt)len;
	stream->z.next_out = p;
	stream->z.avail_out = (uInt)room;
	r = deflate(&stream->z, Z_SYNC_FLUSH);
	assert(r == Z_OK && stream->z.avail_in == 0 && stream->z.avail_out > 0);
	buf_added(out, room - stream->z.avail_out);
	return 0;
}
