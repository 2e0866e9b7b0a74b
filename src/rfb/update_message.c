/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "rfb/update_message.h"

#include <errno.h>

#include "base/mem.h"
#include "rfb/area.h"
#include "rfb/protocol.h"
#include "rfb/update_cover.h"

#define RECTS_MAX \
	60000 /* of a message; one box adds a few thousand at most and the count is 16 bit */
#define BOX_PIXELS_MIN 4096 /* where the bytes of a message are limited to less */
#define COMPRESS_MAX 2

void update_set_whole(const struct update *update, pixman_region32_t *region)
{
	pixman_box32_t box = {0, 0, update->sent.width, update->sent.height};

	pixman_region32_reset(region, &box);
}

void update_grow(const struct update *update, pixman_region32_t *region,
		 const pixman_region32_t *more)
{
	if (!pixman_region32_union(region, region, (pixman_region32_t *)more))
		update_set_whole(update, region);
}

void update_shrink(const struct update *update, pixman_region32_t *region,
		   const pixman_region32_t *less)
{
	if (!pixman_region32_subtract(region, region, (pixman_region32_t *)less))
		update_set_whole(update, region);
}

void update_shrink_by_box(const struct update *update, pixman_region32_t *region,
			  const pixman_box32_t *box)
{
	pixman_region32_t less;

	pixman_region32_init_with_extents(&less, (pixman_box32_t *)box);
	update_shrink(update, region, &less);
	pixman_region32_fini(&less);
}

static int get_encoder(struct update *update, struct encoder **ret_encoder)
{
	const struct encoder_impl *impl = encoder_find(update->client.encoding);

	for (int i = 0; i < N_ENCODERS; i++) {
		if (!update->encoders[i]) {
			int r = impl->create(&update->encoders[i]);

			if (r < 0)
				return r;
		}
		if (update->encoders[i]->impl == impl) {
			*ret_encoder = update->encoders[i];
			return 0;
		}
	}
	return -EINVAL;
}

void message_begin(struct message *m)
{
	m->start = buf_len(m->out);
	buf_put_u8(m->out, RFB_FRAMEBUFFER_UPDATE);
	buf_put_u8(m->out, 0);
	buf_put_u16(m->out, 0);
}

size_t message_end(struct message *m)
{
	struct update_stats *stats = &m->update->stats;
	size_t length;

	if (m->rects == 0) {
		encoder_undo(m->out, m->start);
		return 0;
	}
	buf_patch_u16(m->out, m->start + 2, (uint16_t)m->rects);
	length = buf_len(m->out) - m->start;
	stats->messages++;
	stats->rects += m->rects;
	stats->bytes += length;
	return length;
}

bool message_full(const struct message *m)
{
	size_t limit = m->limits ? m->limits->bytes : 0;

	return m->rects > RECTS_MAX || (limit && buf_len(m->out) - m->start >= limit);
}

int message_send_box(struct message *m, const pixman_box32_t *box, int quality)
{
	struct update *update = m->update;
	struct encoder *encoder = NULL;
	struct encoder_result result = {0};
	struct encoder_job job = {
		.picture = &update->sent,
		.box = *box,
		.format = &update->format,
		.compress = update->client.compress < 0
				    ? COMPRESS_MAX
				    : MIN(update->client.compress, COMPRESS_MAX),
		.quality = quality,
		.film = quality >= 0 && film_has(&update->film.film, box),
	};
	pixman_region32_t lossy;
	uint64_t area = (uint64_t)(box->x2 - box->x1) * (uint64_t)(box->y2 - box->y1);
	int r = get_encoder(update, &encoder);

	pixman_region32_init(&lossy);
	result.lossy = &lossy;
	if (r == 0) {
		compare_copy(&update->sent, m->now, box);
		r = encoder->impl->encode(encoder, &job, m->out, &result);
		m->rects += result.rects;
	}
	if (r < 0) {
		pixman_region32_t failed;

		pixman_region32_init_with_extents(&failed, (pixman_box32_t *)box);
		update_grow(update, &update->unknown, &failed);
		pixman_region32_fini(&failed);
	} else {
		uint64_t area_lossy = area_of_region(&lossy);

		if (update_has_lossy(update))
			update_shrink_by_box(update, &update->lossy, box);
		update_grow(update, &update->lossy, &lossy);
		update->stats.pixels_lossy += area_lossy;
		update->stats.pixels_lossless += area - area_lossy;
	}
	pixman_region32_fini(&lossy);
	return r;
}

/* Boxes from `next` on are left for a later call: they are what `rest` becomes. */
static void leave(const struct update *update, const struct update_cover *cover, size_t next,
		  pixman_region32_t *rest)
{
	for (size_t i = next; i < cover->count; i++) {
		const pixman_box32_t *b = &cover->items[i].box;

		if (!pixman_region32_union_rect(rest, rest, b->x1, b->y1,
						(unsigned int)(b->x2 - b->x1),
						(unsigned int)(b->y2 - b->y1))) {
			update_set_whole(update, rest);
			return;
		}
	}
}

/* A message must not become much longer than it may for one large box. */
static int64_t box_pixels(const struct message *m)
{
	if (!m->limits || !m->limits->bytes)
		return BOX_PIXELS_MAX;
	return CLAMP((int64_t)m->limits->bytes, BOX_PIXELS_MIN, BOX_PIXELS_MAX);
}

static bool may_send(const struct message *m, const struct update_cover_box *item)
{
	return !message_full(m) && (item->small || !m->limits || !m->limits->small_only);
}

int message_send_region(struct message *m, const pixman_region32_t *region, int quality,
			pixman_region32_t *rest)
{
	struct update_cover cover;
	size_t i = 0;
	int r = update_cover_init(&cover, region, encoder_find(m->update->client.encoding)->spare,
				  box_pixels(m));

	if (r < 0) {
		update_grow(m->update, rest, region);
		return r;
	}
	update_cover_order(&cover, m->update->turn);
	while (r == 0 && i < cover.count && may_send(m, &cover.items[i]))
		r = message_send_box(m, &cover.items[i++].box, quality);
	if (i < cover.count && message_full(m) && !cover.items[i].small)
		m->update->turn = cover.items[i].box.y1;
	leave(m->update, &cover, r < 0 ? i - 1 : i, rest);
	update_cover_finish(&cover);
	return r;
}
