/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "bench/client/recording.h"

#include <errno.h>

#include "base/clock.h"

static bool is_inside(const struct frames_region *region, const struct framebuffer *fb)
{
	return region->width <= fb->width - region->x && region->height <= fb->height - region->y;
}

int recording_start(struct recording *recording, const char *path,
		    const struct frames_region *region, bool codes_only, struct framebuffer *fb)
{
	const struct frames_region all = {0, 0, fb->width, fb->height};
	int r;

	if (recording->writer)
		return -EBUSY;
	*recording = (struct recording){.region = region ? *region : all, .codes_only = codes_only};
	if (!is_inside(&recording->region, fb))
		return -EINVAL;
	r = framebuffer_track_tiles(fb);
	if (r == 0)
		r = frames_create(path, &recording->region, &recording->writer);
	if (r == 0)
		recording_frame(recording, fb, clock_now(), FRAMES_NO_NUMBER);
	return r;
}

void recording_frame(struct recording *recording, struct framebuffer *fb, uint64_t time,
		     uint32_t number)
{
	if (!recording->writer || recording->error)
		return;
	if (recording->codes_only && number == FRAMES_NO_NUMBER)
		return;
	/* The size may have become another. */
	if (!is_inside(&recording->region, fb)) {
		recording->error = -ERANGE;
		return;
	}
	recording->error = frames_write(recording->writer, time, number, fb->pixels, fb->width,
					fb->tiles, fb->tile_columns);
	framebuffer_clean_tiles(fb);
	recording->frames++;
}

int recording_stop(struct recording *recording, struct framebuffer *fb)
{
	int r;

	if (!recording->writer)
		return -ENOENT;
	r = frames_writer_close(recording->writer);
	recording->writer = NULL;
	framebuffer_forget_tiles(fb);
	return recording->error ? recording->error : r;
}
