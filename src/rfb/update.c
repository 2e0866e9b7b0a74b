/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "rfb/update.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "rfb/area.h"
#include "rfb/update_cover.h"
#include "rfb/update_message.h"

/* Of films for viewers that take H.264 and gave no level. */
#define FILM_QUALITY 8
#define FILM_SHARE 80 /* percent of the line; the rest is for all else */
/* Shares, one part of so many: changes beside a film that may be a scroll, of the film; what was
 * copied that makes an update one of a scroll, of the picture. */
#define FILM_BESIDE_PARTS 16
#define SHIFTED_PARTS 16
/* What rests is mended with messages of at most so many bytes, by so many pixels: of a line that is
 * known, one part of so many bits (each pixel may be 24, and 60 ms are not noticed). */
#define REPAIR_BESIDE_BYTES 8192
#define REPAIR_BESIDE_PIXELS 16384
#define REPAIR_BITS_PARTS (24 * 16)
#define REPAIR_BESIDE_USEC (300 * USEC_PER_MSEC)

int update_create(struct update **ret_update)
{
	struct update *update = calloc(1, sizeof(*update));
	int r;

	if (!update)
		return -ENOMEM;
	update->client = (struct update_client){
		.encoding = RFB_ENCODING_RAW, .quality = -1, .compress = -1};
	update->format = pixel_format_default;
	update_rate_reset(&update->rate);
	pixman_region32_init(&update->unknown);
	pixman_region32_init(&update->lossy);
	r = scroll_create(&update->scroll);
	if (r < 0) {
		update_destroy(update);
		return r;
	}
	*ret_update = update;
	return 0;
}

void update_destroy(struct update *update)
{
	if (!update)
		return;
	for (int i = 0; i < N_ENCODERS; i++) {
		if (update->encoders[i])
			update->encoders[i]->impl->destroy(update->encoders[i]);
	}
	scroll_destroy(update->scroll);
	update_motion_finish(&update->motion);
	update_film_finish(&update->film);
	pixman_region32_fini(&update->unknown);
	pixman_region32_fini(&update->lossy);
	free(update->sent.pixels);
	free(update->rows);
	free(update);
}

int update_set_size(struct update *update, int width, int height)
{
	struct picture sent = {.width = width, .height = height, .stride = width};
	struct update_motion motion = {0};
	struct compare_row *rows;
	int r;

	if (width < 1 || height < 1 || width > RFB_SIDE_MAX || height > RFB_SIDE_MAX)
		return -EINVAL;
	sent.pixels = calloc((size_t)width * (size_t)height, sizeof(*sent.pixels));
	rows = reallocarray(NULL, (size_t)height, sizeof(*rows));
	r = sent.pixels && rows ? update_motion_resize(&motion, width, height) : -ENOMEM;
	if (r == 0)
		r = update_film_resize(&update->film, width, height);
	if (r < 0) {
		update_motion_finish(&motion);
		free(sent.pixels);
		free(rows);
		return r;
	}
	free(update->sent.pixels);
	free(update->rows);
	update_motion_finish(&update->motion);
	update->sent = sent;
	update->rows = rows;
	update->motion = motion;
	pixman_region32_clear(&update->lossy);
	update_set_whole(update, &update->unknown);
	return 0;
}

void update_set_client(struct update *update, const struct update_client *client)
{
	update_film_forget(&update->film, NULL);
	update_rate_reset(&update->rate);
	update->client = *client;
}

void update_set_format(struct update *update, const struct pixel_format *format)
{
	update->format = *format;
	update_film_forget(&update->film, NULL);
	if (update->sent.pixels) {
		pixman_region32_clear(&update->lossy);
		update_set_whole(update, &update->unknown);
	}
}

void update_forget(struct update *update, const pixman_region32_t *region)
{
	update_film_forget(&update->film, region);
	update_grow(update, &update->unknown, region);
	if (!pixman_region32_intersect_rect(&update->unknown, &update->unknown, 0, 0,
					    (unsigned int)update->sent.width,
					    (unsigned int)update->sent.height))
		update_set_whole(update, &update->unknown);
}

bool update_has_unknown(const struct update *update)
{
	return pixman_region32_not_empty((pixman_region32_t *)&update->unknown);
}

bool update_has_lossy(const struct update *update)
{
	return pixman_region32_not_empty((pixman_region32_t *)&update->lossy);
}

void update_get_stats(const struct update *update, struct update_stats *ret_stats)
{
	*ret_stats = update->stats;
}

int64_t update_moving_pixels(const struct update *update)
{
	pixman_region32_t moving;
	int64_t pixels = 0;

	pixman_region32_init(&moving);
	if (update_motion_moving(&update->motion, clock_now(), &moving) == 0)
		pixels = (int64_t)area_of_region(&moving);
	pixman_region32_fini(&moving);
	return pixels;
}

/* The client's copy of lossy pixels is lossy too. */
static void move_lossy(struct update *update, const struct scroll_copy *copy)
{
	pixman_region32_t moved;

	if (!update_has_lossy(update))
		return;
	pixman_region32_init(&moved);
	if (pixman_region32_copy(&moved, &update->lossy)) {
		pixman_region32_translate(&moved, copy->dx, copy->dy);
		if (!pixman_region32_intersect_rect(&moved, &moved, copy->dst.x1, copy->dst.y1,
						    (unsigned int)(copy->dst.x2 - copy->dst.x1),
						    (unsigned int)(copy->dst.y2 - copy->dst.y1)))
			update_set_whole(update, &update->lossy);
		update_shrink_by_box(update, &update->lossy, &copy->dst);
		update_grow(update, &update->lossy, &moved);
	} else {
		update_set_whole(update, &update->lossy);
	}
	pixman_region32_fini(&moved);
}

static int put_copies(struct message *m, const struct scroll_copy *copies, size_t count,
		      pixman_region32_t *changed)
{
	struct update *update = m->update;

	if (!buf_reserve(m->out, count * 16))
		return buf_error(m->out);
	for (size_t i = 0; i < count; i++) {
		const pixman_box32_t *d = &copies[i].dst;

		encoder_put_copy(m->out, d, copies[i].dx, copies[i].dy);
		scroll_apply(&update->sent, &copies[i]);
		move_lossy(update, &copies[i]);
		update_shrink_by_box(update, changed, d);
		m->rects++;
		update->stats.copies++;
		update->stats.pixels_copied += (uint64_t)(d->x2 - d->x1) *
					       (uint64_t)(d->y2 - d->y1);
	}
	return 0;
}

/* A film that plays does not scroll, and what is beside it may only if it is more than little things. */
static bool may_scroll(const struct message *m, const pixman_region32_t *changed)
{
	const struct film *film = &m->update->film.film;
	uint64_t beside;

	if (!film->active)
		return true;
	beside = area_of_region(changed) - area_inside(changed, &film->box);
	return beside * FILM_BESIDE_PARTS > (uint64_t)area_of_box(&film->box);
}

/* Finds what scrolled and takes it out of `changed`. */
static int send_scrolls(struct message *m, pixman_region32_t *changed)
{
	struct update *update = m->update;
	const struct scroll_copy *copies;
	uint64_t start = clock_now();
	size_t count;
	int r;

	if (!update->client.copy_rect || !may_scroll(m, changed))
		return 0;
	r = scroll_search(update->scroll, &update->sent, m->now, update->rows, changed,
			  &update->unknown, &copies, &count);
	if (r == 0 && count > 0) {
		m->shift = film_find_shift(copies, count);
		r = put_copies(m, copies, count, changed);
	}
	update->stats.usec_scroll += clock_now() - start;
	return r;
}

/* Loss is for the film itself, to the pixel. */
static int cut_to_film(const struct film *film, pixman_region32_t *moving)
{
	pixman_region32_t around;
	bool ok;

	if (!film->active)
		return 0;
	film_init_surroundings(film, &around);
	ok = pixman_region32_subtract(moving, moving, &around) &&
	     pixman_region32_union_rect(moving, moving, film->box.x1, film->box.y1,
					(unsigned int)(film->box.x2 - film->box.x1),
					(unsigned int)(film->box.y2 - film->box.y1));
	pixman_region32_fini(&around);
	return ok ? 0 : -ENOMEM;
}

/* The part of `region` that may be coded with loss goes to `lossy`, which is initialised. */
static int split_moving(const struct message *m, pixman_region32_t *region,
			pixman_region32_t *lossy)
{
	pixman_region32_t moving;
	int r = 0;

	if (m->update->client.quality < 0)
		return 0;
	pixman_region32_init(&moving);
	if (!m->limits || !m->limits->moving) {
		r = update_motion_moving(&m->update->motion, m->time, &moving);
		if (r == 0)
			r = cut_to_film(&m->update->film.film, &moving);
	} else if (!pixman_region32_copy(&moving, (pixman_region32_t *)m->limits->moving))
		r = -ENOMEM;
	if (r == 0 && (!pixman_region32_intersect(lossy, region, &moving) ||
		       !pixman_region32_subtract(region, region, &moving)))
		r = -ENOMEM;
	pixman_region32_fini(&moving);
	return r;
}

/* Codes what moves, as well as the line takes it. */
static int send_lossy(struct message *m, const pixman_region32_t *region, pixman_region32_t *rest)
{
	struct update *update = m->update;
	uint64_t pixels = area_of_region(region);
	size_t before = buf_len(m->out);
	int level, r;

	if (pixels == 0)
		return 0;
	level = update_rate_level(&update->rate, update->client.quality,
				  m->limits ? m->limits->bits_per_second : 0, pixels, m->time);
	r = message_send_region(m, region, level, rest);
	if (r == 0 && !message_full(m))
		update_rate_note(&update->rate, pixels, buf_len(m->out) - before);
	return r;
}

/* Codes `region`, which is used up; `rest` is what could not be sent. */
static int send_coded(struct message *m, pixman_region32_t *region, pixman_region32_t *rest)
{
	struct update *update = m->update;
	uint64_t start = clock_now();
	pixman_region32_t lossy;
	int r;

	pixman_region32_init(&lossy);
	r = split_moving(m, region, &lossy);
	if (r == 0)
		r = message_send_region(m, region, -1, rest);
	else
		update_grow(update, rest, region);
	if (r == 0)
		r = send_lossy(m, &lossy, rest);
	else
		update_grow(update, rest, &lossy);
	pixman_region32_fini(&lossy);
	update->stats.usec_encode += clock_now() - start;
	return r;
}

/* What changed inside the damage, where the client's pixels are known. */
static int find_changed(struct message *m, const pixman_region32_t *damage,
			pixman_region32_t *changed)
{
	struct update *update = m->update;
	uint64_t start = clock_now();
	pixman_region32_t hint;
	int r = 0;

	pixman_region32_init(&hint);
	if (!pixman_region32_intersect_rect(&hint, (pixman_region32_t *)damage, 0, 0,
					    (unsigned int)m->now->width,
					    (unsigned int)m->now->height) ||
	    !pixman_region32_subtract(&hint, &hint, &update->unknown))
		r = -ENOMEM;
	if (r == 0)
		r = compare_region(
			&update->sent, m->now, &hint, update->rows,
			update->client.copy_rect
				? scroll_guess(update->scroll, &update->sent, m->now, &hint)
				: NULL,
			changed);
	if (r == 0) {
		update->stats.pixels_hinted += area_of_region(&hint);
		update->stats.pixels_changed += area_of_region(changed);
		update_motion_note(&update->motion, changed, m->time);
	}
	pixman_region32_fini(&hint);
	update->stats.usec_compare += clock_now() - start;
	return r;
}

/* --- films ------------------------------------------------------------------------------------ */

static bool takes_films(const struct update *update)
{
	return update->client.h264 && update->format.bits_per_pixel == 32;
}

/* `changed` is what scrolls did not explain. */
static void note_film(struct message *m, const pixman_region32_t *changed)
{
	struct update *update = m->update;
	struct film *film = &update->film.film;
	const struct film_update note = {
		.before = &update->sent,
		.now = m->now,
		.changed = changed,
		.motion = &update->motion,
		.time = m->time,
	};

	if (!takes_films(update) && update->client.quality < 0)
		film->active = false;
	else if (m->shift.pixels * SHIFTED_PARTS >= (int64_t)film->width * film->height)
		(void)film_follow(film, changed, &m->shift, m->time);
	else
		film_note(film, &note);
	update_film_tidy(&update->film, m->time);
}

/* What was coded with loss around a film, before it was known for one, is due now: it would not rest
 * as long as the film plays. */
static int add_surroundings(const struct update *update, pixman_region32_t *todo)
{
	pixman_region32_t around;
	bool ok;

	if (!update->film.film.active || !update_has_lossy(update))
		return 0;
	film_init_surroundings(&update->film.film, &around);
	ok = pixman_region32_intersect(&around, &around, (pixman_region32_t *)&update->lossy) &&
	     pixman_region32_union(todo, todo, &around);
	pixman_region32_fini(&around);
	return ok ? 0 : -ENOMEM;
}

/* Codes all of the film; as other pixels if that cannot be done. */
static int send_film(struct message *m, pixman_region32_t *rest)
{
	struct update *update = m->update;
	pixman_box32_t box = update->film.film.box;
	int quality = update->client.quality < 0 ? FILM_QUALITY : update->client.quality;
	uint64_t start = clock_now();
	pixman_region32_t region;
	int r;

	pixman_region32_init_with_extents(&region, &box);
	compare_copy(&update->sent, m->now, &box);
	r = update_film_put(&update->film, &update->sent, quality,
			    m->limits ? m->limits->bits_per_second * FILM_SHARE / 100 : 0, m->time,
			    m->out);
	update->stats.usec_encode += clock_now() - start;
	if (r < 0) {
		r = send_coded(m, &region, rest);
	} else {
		m->rects++;
		update_grow(update, &update->lossy, &region);
		update->stats.films++;
		update->stats.pixels_film += (uint64_t)area_of_box(&box);
		update->stats.pixels_lossy += (uint64_t)area_of_box(&box);
	}
	pixman_region32_fini(&region);
	return r;
}

/* What is not film goes first: it is less, and somebody may wait for it. But a film waits once. */
static int send_with_film(struct message *m, pixman_region32_t *todo, pixman_region32_t *rest)
{
	struct update *update = m->update;
	const pixman_box32_t *box = &update->film.film.box;
	bool may = !m->limits || !m->limits->small_only;
	bool waited = may && update->film_waits;
	int r = 0;

	update_shrink_by_box(update, todo, box);
	if (waited)
		r = send_film(m, rest);
	if (may)
		update->film_waits = false;
	if (r == 0)
		r = send_coded(m, todo, rest);
	else
		update_grow(update, rest, todo);
	if (waited)
		return r;
	if (r == 0 && may && !message_full(m))
		return send_film(m, rest);
	update->film_waits |= may;
	if (!pixman_region32_union_rect(rest, rest, box->x1, box->y1,
					(unsigned int)(box->x2 - box->x1),
					(unsigned int)(box->y2 - box->y1)))
		update_set_whole(update, rest);
	return r;
}

/* Both regions are what has to be done still, in damage and in unknown. */
static void keep_rest(struct update *update, pixman_region32_t *damage,
		      const pixman_region32_t *rest, bool complete)
{
	if (complete) {
		pixman_region32_clear(&update->unknown);
		pixman_region32_clear(damage);
		return;
	}
	if (!pixman_region32_intersect(&update->unknown, &update->unknown,
				       (pixman_region32_t *)rest))
		update_set_whole(update, &update->unknown);
	if (!pixman_region32_copy(damage, (pixman_region32_t *)rest))
		update_set_whole(update, damage);
}

/* What is lossy and at rest. A film that pauses is not at rest before it is over. */
static int find_repairable(struct update *update, uint64_t time, uint64_t rest_usec,
			   pixman_region32_t *region)
{
	int r = update_motion_resting(&update->motion, time - MIN(rest_usec, time), region);

	if (r < 0)
		return r;
	update_film_tidy(&update->film, time);
	if (update->film.film.active)
		update_shrink_by_box(update, region, &update->film.film.box);
	return pixman_region32_intersect(region, region, (pixman_region32_t *)&update->lossy)
		       ? 0
		       : -ENOMEM;
}

/* Sends up to so many of them exactly. */
static int send_repairs(struct message *m, int64_t max_pixels, uint64_t rest_usec)
{
	struct update *update = m->update;
	struct update_cover cover = {0};
	pixman_region32_t region;
	int64_t pixels = 0;
	int r;

	pixman_region32_init(&region);
	r = find_repairable(update, m->time, rest_usec, &region);
	if (r == 0)
		r = update_cover_init(&cover, &region, 0, CLAMP(max_pixels, 1, BOX_PIXELS_MAX));
	for (size_t i = 0; r == 0 && i < cover.count && !message_full(m); i++) {
		if (pixels > 0 && pixels + cover.items[i].wanted > max_pixels)
			break;
		r = message_send_box(m, &cover.items[i].box, -1);
		pixels += cover.items[i].wanted;
	}
	if (r == 0)
		update->stats.pixels_repaired += (uint64_t)pixels;
	update_cover_finish(&cover);
	pixman_region32_fini(&region);
	return r;
}

/*
 * Something that moves all the time leaves no idle moment for update_repair(): what rests elsewhere
 * goes along with it, a little each time. A slow line gets no more than delays nobody.
 */
static int send_repairs_beside(struct message *m)
{
	uint64_t bits = m->limits ? m->limits->bits_per_second : 0;
	uint64_t pixels = REPAIR_BESIDE_PIXELS;

	if (!update_has_lossy(m->update) || m->rects == 0 ||
	    buf_len(m->out) - m->start > REPAIR_BESIDE_BYTES)
		return 0;
	if (bits)
		pixels = CLAMP(bits / REPAIR_BITS_PARTS, UINT64_C(1024), pixels);
	return send_repairs(m, (int64_t)pixels, REPAIR_BESIDE_USEC);
}

static int build(struct message *m, pixman_region32_t *damage, pixman_region32_t *changed,
		 pixman_region32_t *rest)
{
	int r = find_changed(m, damage, changed);

	if (r == 0)
		r = send_scrolls(m, changed);
	if (r < 0)
		return r;
	note_film(m, changed);
	r = add_surroundings(m->update, changed);
	if (r < 0 || !pixman_region32_union(changed, changed, &m->update->unknown)) {
		update_set_whole(m->update, rest);
		return -ENOMEM;
	}
	if (takes_films(m->update) && update_film_wanted(&m->update->film, changed, m->time))
		r = send_with_film(m, changed, rest);
	else
		r = send_coded(m, changed, rest);
	return r < 0 ? r : send_repairs_beside(m);
}

int update_build(struct update *update, const struct picture *now, pixman_region32_t *damage,
		 const struct update_limits *limits, struct buf *out, size_t *ret_bytes)
{
	struct message m = {
		.update = update, .now = now, .limits = limits, .out = out, .time = clock_now()};
	pixman_region32_t changed, rest;
	size_t bytes;
	int r;

	if (!update->sent.pixels || now->width != update->sent.width ||
	    now->height != update->sent.height)
		return -EINVAL;
	if (buf_error(out))
		return buf_error(out);
	pixman_region32_init(&changed);
	pixman_region32_init(&rest);
	message_begin(&m);
	r = build(&m, damage, &changed, &rest);
	bytes = message_end(&m);
	/* A failure that comes after rectangles is not one: they go out, and the rest waits. Before
	 * any, the caller's damage stays as it is. */
	if (r == 0 || bytes > 0)
		keep_rest(update, damage, &rest, r == 0 && !pixman_region32_not_empty(&rest));
	pixman_region32_fini(&changed);
	pixman_region32_fini(&rest);
	if (r < 0 && bytes == 0)
		return r;
	*ret_bytes = bytes;
	return 0;
}

int update_repair(struct update *update, const struct picture *now, int64_t max_pixels,
		  uint64_t rest_usec, struct buf *out, size_t *ret_bytes)
{
	struct message m = {.update = update, .now = now, .out = out, .time = clock_now()};
	int r;

	if (!update->sent.pixels || now->width != update->sent.width ||
	    now->height != update->sent.height)
		return -EINVAL;
	if (buf_error(out))
		return buf_error(out);
	message_begin(&m);
	r = send_repairs(&m, max_pixels, rest_usec);
	*ret_bytes = message_end(&m);
	return r < 0 && m.rects == 0 ? r : 0;
}
