/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a server sends to the viewer of the benches: nothing crashes, and the picture does not depend
 * on how the bytes were cut. The first byte says how. */
#include <stdlib.h>
#include <string.h>

#include "bench/client/decoder.h"

#define WIDTH 96
#define HEIGHT 80

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct decoder_calls calls;

static int run(struct decoder *decoder, const uint8_t *data, size_t size, size_t step)
{
	const struct box box = {10, 10, 50, 30};
	_cleanup_buf_ struct buf in;
	int r = 0;

	buf_init(&in, DECODER_UNIT_MAX);
	if (decoder_init(decoder, WIDTH, HEIGHT, &calls, NULL) < 0 ||
	    framebuffer_track_tiles(&decoder->fb) < 0)
		abort();
	framebuffer_watch(&decoder->fb, &box);
	while (size > 0 && r == 0) {
		size_t n = MIN(step, size);

		buf_put(&in, data, n);
		data += n;
		size -= n;
		r = decoder_feed(decoder, &in);
		if (r < 0 && !decoder->reason)
			abort();
	}
	return r;
}

/* Top bytes are 0 whatever came, for pictures are told apart by a sum over all bytes. */
static void check_pixels(const struct framebuffer *fb)
{
	for (size_t i = 0; i < (size_t)fb->width * (size_t)fb->height; i++) {
		if (fb->pixels[i] >> 24)
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct decoder whole, cut;
	size_t step = size > 0 ? (size_t)data[0] + 1 : 1;
	int r;

	if (size == 0)
		return 0;
	r = run(&whole, data + 1, size - 1, size);
	if (run(&cut, data + 1, size - 1, step) != r || whole.fb.width != cut.fb.width ||
	    whole.fb.height != cut.fb.height || whole.fb.changed != cut.fb.changed ||
	    whole.fb.box_changed != cut.fb.box_changed ||
	    memcmp(&whole.stats, &cut.stats, sizeof(whole.stats)) != 0 ||
	    memcmp(whole.fb.pixels, cut.fb.pixels,
		   (size_t)cut.fb.width * (size_t)cut.fb.height * sizeof(*cut.fb.pixels)) != 0)
		abort();
	check_pixels(&whole.fb);
	decoder_finish(&whole);
	decoder_finish(&cut);
	return 0;
}
