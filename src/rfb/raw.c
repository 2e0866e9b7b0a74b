/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Raw (RFC 6143 7.7.1). */
#include <errno.h>
#include <stdlib.h>

#include "rfb/convert.h"
#include "rfb/encoder.h"
#include "rfb/protocol.h"

#define RAW_CHUNK 1024 /* pixels converted at a time */

static int raw_create(struct encoder **ret_encoder)
{
	struct encoder *encoder = calloc(1, sizeof(*encoder));

	if (!encoder)
		return -ENOMEM;
	encoder->impl = &encoder_raw;
	*ret_encoder = encoder;
	return 0;
}

static void raw_destroy(struct encoder *encoder)
{
	free(encoder);
}

static uint8_t *put_row(const struct convert *convert, const uint32_t *row, int width, uint8_t *to)
{
	uint32_t values[RAW_CHUNK];

	for (int x = 0; x < width; x += RAW_CHUNK) {
		size_t n = (size_t)MIN(RAW_CHUNK, width - x);

		convert_values(convert, row + x, values, n);
		convert_pack(convert, values, to, n);
		to += n * (size_t)convert->bytes;
	}
	return to;
}

static int raw_encode(struct encoder *encoder, const struct encoder_job *job, struct buf *out,
		      struct encoder_result *result)
{
	struct convert convert;
	const struct picture *picture = job->picture;
	int width = job->box.x2 - job->box.x1;
	size_t before = buf_len(out), size;
	uint8_t *to;

	(void)encoder;
	convert_init(&convert, job->format, CONVERT_PIXEL);
	size = (size_t)width * (size_t)(job->box.y2 - job->box.y1) * (size_t)convert.bytes;
	encoder_put_header(out, &job->box, RFB_ENCODING_RAW);
	to = buf_reserve(out, size);
	if (!to)
		return encoder_undo(out, before);
	for (int y = job->box.y1; y < job->box.y2; y++)
		to = put_row(&convert, picture->pixels + (size_t)y * picture->stride + job->box.x1,
			     width, to);
	buf_added(out, size);
	result->rects++;
	return 0;
}

const struct encoder_impl encoder_raw = {
	.name = "raw",
	.encoding = RFB_ENCODING_RAW,
	.spare = 8,
	.create = raw_create,
	.destroy = raw_destroy,
	.encode = raw_encode,
};
