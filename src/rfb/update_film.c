/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "rfb/update_film.h"

#include <string.h>

#include "base/clock.h"
#include "rfb/encoder.h"
#include "rfb/protocol.h"

/* After a failure the film goes as other pixels go for so long. */
#define FAILED_USEC (5 * USEC_PER_SEC)

int update_film_resize(struct update_film *film, int width, int height)
{
	int r = film_resize(&film->film, width, height);

	if (r == 0)
		film->stale = true;
	return r;
}

static void drop_coder(struct update_film *film)
{
	h264_destroy(film->coder);
	film->coder = NULL;
}

void update_film_finish(struct update_film *film)
{
	drop_coder(film);
	film_finish(&film->film);
}

void update_film_forget(struct update_film *film, const pixman_region32_t *region)
{
	if (!region || pixman_region32_contains_rectangle((pixman_region32_t *)region,
							  &film->context) != PIXMAN_REGION_OUT)
		film->stale = true;
}

void update_film_tidy(struct update_film *film, uint64_t time)
{
	film_expire(&film->film, time);
	if (!film->film.active)
		drop_coder(film);
}

bool update_film_wanted(const struct update_film *film, const pixman_region32_t *todo,
			uint64_t time)
{
	if (!film->film.active || (film->failed && time - film->failed < FAILED_USEC))
		return false;
	return pixman_region32_contains_rectangle((pixman_region32_t *)todo,
						  (pixman_box32_t *)&film->film.box) !=
	       PIXMAN_REGION_OUT;
}

static int get_coder(struct update_film *film)
{
	const pixman_box32_t *box = &film->film.box;
	int width = box->x2 - box->x1, height = box->y2 - box->y1;
	int r;

	if (film->coder && film->width == width && film->height == height)
		return 0;
	drop_coder(film);
	r = h264_create(&film->coder, width, height);
	if (r < 0)
		return r;
	film->width = width;
	film->height = height;
	film->stale = true;
	return 0;
}

/* One film at a time: a new rectangle makes the viewer forget the decoders of all others. */
static uint32_t get_flags(const struct update_film *film)
{
	if (!film->has_context ||
	    memcmp(&film->context, &film->film.box, sizeof(film->context)) != 0)
		return RFB_H264_RESET_ALL;
	return film->stale ? RFB_H264_RESET_CONTEXT : 0;
}

static int put_rect(struct update_film *film, const struct h264_frame *frame, uint32_t flags,
		    struct buf *out)
{
	size_t before = buf_len(out), data = before + 12 + 8;
	int r;

	encoder_put_header(out, &frame->box, RFB_ENCODING_H264);
	buf_put_u32(out, 0);
	buf_put_u32(out, flags);
	r = buf_error(out);
	if (r == 0)
		r = h264_encode(film->coder, frame, out);
	if (r < 0) {
		encoder_undo(out, before);
		return r;
	}
	buf_patch_u32(out, data - 8, (uint32_t)(buf_len(out) - data));
	return 0;
}

int update_film_put(struct update_film *film, const struct picture *picture, int quality,
		    uint64_t bits_per_second, uint64_t time, struct buf *out)
{
	struct h264_frame frame = {
		.picture = picture,
		.box = film->film.box,
		.time = time,
		.quality = quality,
		.bits_per_second = bits_per_second,
	};
	uint32_t flags;
	int r = get_coder(film);

	if (r == 0) {
		flags = get_flags(film);
		frame.key = flags != 0;
		r = put_rect(film, &frame, flags, out);
	}
	if (r < 0) {
		film->failed = time;
		film->stale = true;
		return r;
	}
	film->context = film->film.box;
	film->has_context = true;
	film->stale = false;
	return 0;
}
