/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "rfb/cursor_rect.h"

#include <string.h>

#include "base/mem.h"
#include "rfb/convert.h"
#include "rfb/encoder.h"
#include "rfb/protocol.h"

#define ALPHA_SHOWN 128

static void put_message(struct buf *out, const struct cursor_image *image, int32_t encoding)
{
	pixman_box32_t box = {image->hot_x, image->hot_y, image->hot_x + image->width,
			      image->hot_y + image->height};

	buf_put_u8(out, RFB_FRAMEBUFFER_UPDATE);
	buf_put_u8(out, 0);
	buf_put_u16(out, 1);
	encoder_put_header(out, &box, encoding);
}

static const uint32_t *image_row(const struct cursor_image *image, int y)
{
	return image->pixels + (size_t)y * (size_t)image->stride;
}

static uint32_t unmultiply(uint32_t pixel)
{
	uint32_t alpha = pixel >> 24, result = 0;

	if (alpha == 0)
		return 0;
	for (int shift = 0; shift < 24; shift += 8) {
		uint32_t c = ((pixel >> shift & 0xff) * 255 + alpha / 2) / alpha;

		result |= MIN(c, UINT32_C(255)) << shift;
	}
	return result;
}

void cursor_rect_put(struct buf *out, const struct cursor_image *image,
		     const struct pixel_format *format)
{
	struct convert convert;
	size_t mask_bytes = ((size_t)image->width + 7) / 8;

	convert_init(&convert, format, CONVERT_PIXEL);
	put_message(out, image, RFB_ENCODING_CURSOR);
	for (int y = 0; y < image->height; y++) {
		for (int x = 0; x < image->width; x++) {
			uint32_t value = convert_value(&convert,
						       unmultiply(image_row(image, y)[x]));
			uint8_t bytes[4];

			convert_pack(&convert, &value, bytes, 1);
			buf_put(out, bytes, (size_t)convert.bytes);
		}
	}
	for (int y = 0; y < image->height; y++) {
		uint8_t mask[CURSOR_SIDE_MAX / 8] = {0};

		for (int x = 0; x < image->width; x++) {
			if (image_row(image, y)[x] >> 24 >= ALPHA_SHOWN)
				mask[x / 8] |= (uint8_t)(0x80 >> x % 8);
		}
		buf_put(out, mask, mask_bytes);
	}
}

void cursor_rect_put_alpha(struct buf *out, const struct cursor_image *image)
{
	put_message(out, image, RFB_ENCODING_CURSOR_WITH_ALPHA);
	buf_put_u32(out, RFB_ENCODING_RAW);
	for (int y = 0; y < image->height; y++) {
		for (int x = 0; x < image->width; x++) {
			uint32_t p = image_row(image, y)[x];
			uint8_t bytes[] = {(uint8_t)(p >> 16), (uint8_t)(p >> 8), (uint8_t)p,
					   (uint8_t)(p >> 24)};

			buf_put(out, bytes, sizeof(bytes));
		}
	}
}
