/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a display sends: nothing crashes, and what passes does not depend on how it was cut. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "rfb/server_walk.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const int32_t encodings[] = {
	RFB_ENCODING_RAW,
	RFB_ENCODING_COPY_RECT,
	RFB_ENCODING_TIGHT,
	RFB_ENCODING_ZRLE,
	RFB_ENCODING_H264,
	RFB_ENCODING_JPEG_QUALITY_LOW,
	RFB_ENCODING_DESKTOP_SIZE,
	RFB_ENCODING_LAST_RECT,
	RFB_ENCODING_CURSOR,
	RFB_ENCODING_QEMU_KEY,
	RFB_ENCODING_DESKTOP_NAME,
	RFB_ENCODING_FENCE,
	RFB_ENCODING_EXTENDED_DESKTOP_SIZE,
	RFB_ENCODING_CURSOR_WITH_ALPHA,
	RFB_ENCODING_CONTINUOUS_UPDATES,
	RFB_ENCODING_EXTENDED_CLIPBOARD,
	RFB_ENCODING_EXTENDED_MOUSE_BUTTONS,
};
static const struct pixel_format formats[] = {{16, 16, false, true, 31, 63, 31, 11, 5, 0},
					      {8, 8, false, true, 7, 7, 3, 0, 3, 6}};

static int run(const uint8_t *data, size_t size, uint8_t how, size_t step, struct buf *out)
{
	struct server_walk_policy policy = {.name = "Lazaret: fuzz",
					    .title = how & 1,
					    .clipboard_in = how & 2,
					    .clipboard_out = how & 4};
	struct server_walk *walk;
	int r;

	if (server_walk_create(&policy, &walk) < 0)
		abort();
	server_walk_asked_encodings(walk, encodings, ARRAY_LEN(encodings));
	if (how & 8 && server_walk_asked_format(walk, &formats[how >> 4 & 1]) < 0)
		abort();
	server_walk_asked_continuous(walk, how & 32);
	r = 0;
	for (size_t at = 0; r == 0 && at < size; at += step)
		r = server_walk_feed(walk, data + at, MIN(step, size - at), out);
	if (r == -EPROTO && !server_walk_reason(walk))
		abort();
	server_walk_destroy(walk);
	return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_buf_ struct buf whole = {0}, bytes = {0};
	int r, s;

	if (size < 1)
		return 0;
	buf_init(&whole, 64 << 20);
	buf_init(&bytes, 64 << 20);
	r = run(data + 1, size - 1, data[0], size, &whole);
	s = run(data + 1, size - 1, data[0], 1, &bytes);
	/* A JPEG that is found wrong within a piece takes the piece with it. */
	if (r != s || buf_len(&whole) > buf_len(&bytes) ||
	    (buf_len(&whole) > 0 &&
	     memcmp(buf_data(&whole), buf_data(&bytes), buf_len(&whole)) != 0))
		abort();
	if (r == 0 && buf_len(&whole) != buf_len(&bytes))
		abort();
	if (buf_len(&whole) > size + SERVER_WALK_SLACK)
		abort();
	return 0;
}
