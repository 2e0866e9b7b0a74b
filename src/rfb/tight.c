/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tight (rfbproto "Tight Encoding"). The gradient filter is not used: it costs more than it saves
 * on pages. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <turbojpeg.h>

#include "base/mem.h"
#include "rfb/convert.h"
#include "rfb/encoder.h"
#include "rfb/palette.h"
#include "rfb/protocol.h"
#include "rfb/tight_solid.h"
#include "rfb/zstream.h"

#define SUBRECT_PIXELS 65536 /* what viewers are used to get in one piece */
#define SOLID_MIN 2048 /* pixels; a fill of less does not pay for splitting what is around it */
/* Pixels; with too many colours for a palette, halves of more are tried. Of less, the palettes would
 * weigh more than they save. */
#define SPLIT_MIN 16384
#define FILM_PALETTE_MAX 24 /* more colours are shorter as JPEG */
#define JPEG_PIXELS_MIN 256 /* the tables of a JPEG alone take hundreds of bytes */
#define LENGTH_BYTES 3 /* of a compact length, at most */

/* Which data go through which of the client's four zlib streams. */
enum stream {
	STREAM_FULL,
	STREAM_MONO,
	STREAM_INDEXED,
};

struct tight {
	struct encoder base;
	struct zstream streams[RFB_TIGHT_STREAMS];
	tjhandle jpeg;
	struct pixel_format format;
	struct convert convert; /* made for `format` if that has bits_per_pixel */
	struct palette palette;
	struct palette_order order;
	uint32_t values[SUBRECT_PIXELS];
	uint8_t indices[SUBRECT_PIXELS];
	uint8_t packed[SUBRECT_PIXELS * 4];
};

/* The call at work. */
struct run {
	struct tight *tight;
	const struct encoder_job *job;
	struct buf *out;
	struct encoder_result *result;
};

static const struct {
	int full, mono, indexed;
} zlib_levels[] = {
	{1, 1, 1},
	{1, 1, 1},
	{2, 5, 3},
};

static const struct {
	int quality;
	enum TJSAMP sampling;
} jpeg_levels[] = {
	{15, TJSAMP_420}, {25, TJSAMP_420}, {35, TJSAMP_420}, {45, TJSAMP_420}, {55, TJSAMP_420},
	{65, TJSAMP_420}, {75, TJSAMP_422}, {83, TJSAMP_422}, {91, TJSAMP_444}, {97, TJSAMP_444},
};

static int tight_create(struct encoder **ret_encoder)
{
	struct tight *tight = calloc(1, sizeof(*tight));

	if (!tight)
		return -ENOMEM;
	tight->base.impl = &encoder_tight;
	*ret_encoder = &tight->base;
	return 0;
}

static void tight_destroy(struct encoder *encoder)
{
	struct tight *tight = (struct tight *)encoder;

	if (!tight)
		return;
	for (size_t i = 0; i < ARRAY_LEN(tight->streams); i++)
		zstream_finish(&tight->streams[i]);
	if (tight->jpeg)
		tjDestroy(tight->jpeg);
	free(tight);
}

static int64_t area(const pixman_box32_t *box)
{
	return (int64_t)(box->x2 - box->x1) * (box->y2 - box->y1);
}

static size_t put_compact(uint8_t *to, size_t length)
{
	size_t n = 0;

	while (length >= 128 && n < LENGTH_BYTES - 1) {
		to[n++] = (uint8_t)(length | 128);
		length >>= 7;
	}
	to[n++] = (uint8_t)length;
	return n;
}

/* Data whose length was not known before lie behind room for the longest length: write it and
 * close the gap. */
static void close_gap(struct buf *out, size_t gap, size_t length)
{
	uint8_t *p = out->data + out->start + gap;
	uint8_t compact[LENGTH_BYTES];
	size_t n = put_compact(compact, length);

	memcpy(p, compact, n);
	memmove(p + n, p + LENGTH_BYTES, length);
	buf_truncate(out, gap + n + length);
}

/* Small data go as they are, others through a stream. */
static int put_data(struct run *run, enum stream stream, const uint8_t *data, size_t size)
{
	size_t gap = buf_len(run->out);
	int compress = CLAMP(run->job->compress, 0, (int)ARRAY_LEN(zlib_levels) - 1);
	int level, r;

	if (size < RFB_TIGHT_MIN_TO_COMPRESS) {
		buf_put(run->out, data, size);
		return buf_error(run->out);
	}
	level = stream == STREAM_FULL   ? zlib_levels[compress].full
		: stream == STREAM_MONO ? zlib_levels[compress].mono
					: zlib_levels[compress].indexed;
	buf_put_zero(run->out, LENGTH_BYTES);
	r = zstream_append(&run->tight->streams[stream], level, data, size, run->out);
	if (r < 0)
		return r;
	close_gap(run->out, gap, buf_len(run->out) - gap - LENGTH_BYTES);
	return 0;
}

static void put_colours(struct run *run, const uint32_t *colours, int count)
{
	uint8_t bytes[PALETTE_MAX * 4];

	convert_pack(&run->tight->convert, colours, bytes, (size_t)count);
	buf_put(run->out, bytes, (size_t)(count * run->tight->convert.bytes));
}

static int put_fill(struct run *run, uint32_t value)
{
	buf_put_u8(run->out, RFB_TIGHT_FILL);
	put_colours(run, &value, 1);
	return buf_error(run->out);
}

static void put_palette(struct run *run, enum stream stream)
{
	const struct palette *palette = &run->tight->palette;

	buf_put_u8(run->out, (uint8_t)(stream << 4 | RFB_TIGHT_EXPLICIT_FILTER));
	buf_put_u8(run->out, RFB_TIGHT_FILTER_PALETTE);
	buf_put_u8(run->out, (uint8_t)(palette->count - 1));
	put_colours(run, palette->colours, palette->count);
}

static int put_mono(struct run *run, int width, int height)
{
	struct tight *tight = run->tight;
	const uint8_t *from = tight->indices;
	uint8_t *to = tight->packed;

	for (int y = 0; y < height; y++) {
		for (int x = 0; x < width; x += 8) {
			int n = MIN(8, width - x);
			unsigned int bits = 0;

			for (int i = 0; i < n; i++)
				bits = bits << 1 | from[i];
			*to++ = (uint8_t)(bits << (8 - n));
			from += n;
		}
	}
	put_palette(run, STREAM_MONO);
	return put_data(run, STREAM_MONO, tight->packed, (size_t)(to - tight->packed));
}

static int put_indexed(struct run *run, size_t count)
{
	palette_arrange(&run->tight->palette, &run->tight->order, run->tight->indices, count);
	put_palette(run, STREAM_INDEXED);
	return put_data(run, STREAM_INDEXED, run->tight->indices, count);
}

static int put_full(struct run *run, size_t count)
{
	struct tight *tight = run->tight;

	convert_pack(&tight->convert, tight->values, tight->packed, count);
	buf_put_u8(run->out, STREAM_FULL << 4);
	return put_data(run, STREAM_FULL, tight->packed, count * (size_t)tight->convert.bytes);
}

/* -EAGAIN: not done, for whatever reason; without loss it will be. */
static int put_jpeg(struct run *run, const pixman_box32_t *box)
{
	const struct picture *picture = run->job->picture;
	int width = box->x2 - box->x1, height = box->y2 - box->y1;
	int quality = CLAMP(run->job->quality, 0, (int)ARRAY_LEN(jpeg_levels) - 1);
	int format = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? TJPF_BGRX : TJPF_XRGB;
	size_t gap = buf_len(run->out) + 1;
	unsigned long size = tjBufSize(width, height, jpeg_levels[quality].sampling);
	uint8_t *p;

	if (!run->tight->jpeg && !(run->tight->jpeg = tjInitCompress()))
		return -EAGAIN;
	p = buf_reserve(run->out, 1 + LENGTH_BYTES + size);
	if (!p)
		return buf_error(run->out);
	p[0] = RFB_TIGHT_JPEG;
	p += 1 + LENGTH_BYTES;
	if (tjCompress2(run->tight->jpeg,
			(const unsigned char *)(picture->pixels +
						(size_t)box->y1 * picture->stride + box->x1),
			width, picture->stride * (int)sizeof(uint32_t), height, format, &p, &size,
			jpeg_levels[quality].sampling, jpeg_levels[quality].quality,
			TJFLAG_NOREALLOC) < 0)
		return -EAGAIN;
	buf_added(run->out, 1 + LENGTH_BYTES + size);
	close_gap(run->out, gap, size);
	if (!pixman_region32_union_rect(run->result->lossy, run->result->lossy, box->x1, box->y1,
					(unsigned int)width, (unsigned int)height))
		return -ENOMEM;
	return 0;
}

static size_t load_values(struct run *run, const pixman_box32_t *box)
{
	const struct picture *picture = run->job->picture;
	size_t width = (size_t)(box->x2 - box->x1);
	uint32_t *to = run->tight->values;

	for (int y = box->y1; y < box->y2; y++, to += width)
		convert_values(&run->tight->convert,
			       picture->pixels + (size_t)y * picture->stride + box->x1, to, width);
	return (size_t)(to - run->tight->values);
}

static int encode_subrect(struct run *run, const pixman_box32_t *box);

static int encode_halves(struct run *run, const pixman_box32_t *box)
{
	pixman_box32_t first = *box, second = *box;
	int r;

	if (box->x2 - box->x1 > box->y2 - box->y1)
		first.x2 = second.x1 = box->x1 + (box->x2 - box->x1) / 2;
	else
		first.y2 = second.y1 = box->y1 + (box->y2 - box->y1) / 2;
	r = encode_subrect(run, &first);
	return r < 0 ? r : encode_subrect(run, &second);
}

/* Text and drawings, which JPEG makes ugly, have runs of one colour; photographs have hardly any. */
static bool looks_like_photo(const uint32_t *values, size_t count)
{
	size_t same = 0;

	for (size_t i = 1; i < count; i++)
		same += values[i] == values[i - 1];
	return same < count / 3;
}

static bool jpeg_wanted(const struct run *run, size_t count)
{
	return run->job->quality >= 0 && run->job->format->bits_per_pixel != 8 &&
	       count >= JPEG_PIXELS_MIN &&
	       (run->job->film || looks_like_photo(run->tight->values, count));
}

/* A rectangle of more colours than a palette has. */
static int put_many(struct run *run, const pixman_box32_t *box, size_t count, bool jpeg)
{
	size_t before = buf_len(run->out);
	int r = jpeg ? put_jpeg(run, box) : -EAGAIN;

	if (r != -EAGAIN)
		return r;
	encoder_undo(run->out, before);
	return put_full(run, count);
}

static int put_few(struct run *run, const pixman_box32_t *box, size_t count)
{
	switch (run->tight->palette.count) {
	case 1:
		return put_fill(run, run->tight->values[0]);
	case 2:
		return put_mono(run, box->x2 - box->x1, box->y2 - box->y1);
	default:
		return put_indexed(run, count);
	}
}

/* At most SUBRECT_PIXELS and RFB_TIGHT_WIDTH_MAX wide. */
static int encode_subrect(struct run *run, const pixman_box32_t *box)
{
	struct tight *tight = run->tight;
	size_t before = buf_len(run->out);
	size_t count = load_values(run, box);
	size_t bytes = (size_t)tight->convert.bytes;
	/* A palette pays if it and the indices are less than the pixels. */
	int max = bytes == 1 ? 2 : (int)MIN(PALETTE_MAX, MAX(count * (bytes - 1) / 4, 2));
	bool few;
	bool jpeg;
	int r;

	if (run->job->film && run->job->quality >= 0)
		max = MIN(max, FILM_PALETTE_MAX);
	few = palette_build(&tight->palette, tight->values, count, max, tight->indices);
	jpeg = !few && jpeg_wanted(run, count);
	if (!few && !jpeg && bytes > 1 && area(box) > SPLIT_MIN)
		return encode_halves(run, box);
	encoder_put_header(run->out, box, RFB_ENCODING_TIGHT);
	r = buf_error(run->out);
	if (r == 0)
		r = few ? put_few(run, box, count) : put_many(run, box, count, jpeg);
	if (r < 0) {
		encoder_undo(run->out, before);
		return r;
	}
	run->result->rects++;
	return 0;
}

static int encode_plain(struct run *run, const pixman_box32_t *box)
{
	for (int x = box->x1; x < box->x2; x += RFB_TIGHT_WIDTH_MAX) {
		int right = MIN(x + RFB_TIGHT_WIDTH_MAX, box->x2);
		int rows = SUBRECT_PIXELS / (right - x);

		for (int y = box->y1; y < box->y2; y += rows) {
			pixman_box32_t part = {x, y, right, MIN(y + rows, box->y2)};
			int r = encode_subrect(run, &part);

			if (r < 0)
				return r;
		}
	}
	return 0;
}

static int encode_fill(struct run *run, const pixman_box32_t *box)
{
	const struct picture *picture = run->job->picture;
	size_t before = buf_len(run->out);

	encoder_put_header(run->out, box, RFB_ENCODING_TIGHT);
	if (put_fill(run,
		     convert_value(&run->tight->convert,
				   picture->pixels[(size_t)box->y1 * picture->stride + box->x1])) <
	    0)
		return encoder_undo(run->out, before);
	run->result->rects++;
	return 0;
}

/* Fills what is of one colour; what is above, left and right of it, and then below. */
static int encode_area(struct run *run, pixman_box32_t box)
{
	pixman_box32_t solid;

	while (area(&box) >= SOLID_MIN &&
	       tight_solid_find(run->job->picture, &box, SOLID_MIN, &solid)) {
		pixman_box32_t above = {box.x1, box.y1, box.x2, solid.y1};
		pixman_box32_t left = {box.x1, solid.y1, solid.x1, solid.y2};
		pixman_box32_t right = {solid.x2, solid.y1, box.x2, solid.y2};
		int r = area(&above) ? encode_plain(run, &above) : 0;

		if (r == 0 && area(&left))
			r = encode_area(run, left);
		if (r == 0)
			r = encode_fill(run, &solid);
		if (r == 0 && area(&right))
			r = encode_area(run, right);
		if (r < 0)
			return r;
		box.y1 = solid.y2;
	}
	return area(&box) > 0 ? encode_plain(run, &box) : 0;
}

static int tight_encode(struct encoder *encoder, const struct encoder_job *job, struct buf *out,
			struct encoder_result *result)
{
	struct tight *tight = (struct tight *)encoder;
	struct run run = {.tight = tight, .job = job, .out = out, .result = result};

	if (!tight->format.bits_per_pixel || !pixel_format_equal(&tight->format, job->format)) {
		convert_init(&tight->convert, job->format, CONVERT_TPIXEL);
		tight->format = *job->format;
	}
	return encode_area(&run, job->box);
}

const struct encoder_impl encoder_tight = {
	.name = "tight",
	.encoding = RFB_ENCODING_TIGHT,
	.spare = 1024,
	.create = tight_create,
	.destroy = tight_destroy,
	.encode = tight_encode,
};
