/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "rfb/yuv.h"

#include <stddef.h>

#include "rfb/vector.h"

/* Fixed point of 16 bits. Each row of the matrix sums up to 65536, or to 0. */
enum {
	Y_R = 19595,
	Y_G = 38470,
	Y_B = 7471,
	CB_R = -11059,
	CB_G = -21709,
	CB_B = 32768,
	CR_R = 32768,
	CR_G = -27439,
	CR_B = -5329,
};
/* Sums of four pixels have two bits more. A half less, so that 255.5 does not become 256. */
#define CHROMA_SHIFT 18
#define CHROMA_ROUND ((128 << CHROMA_SHIFT) + (1 << (CHROMA_SHIFT - 1)) - 1)

VECTORISED static void convert_luma(const uint32_t *restrict from, uint8_t *restrict to, int count)
{
	for (int i = 0; i < count; i++) {
		uint32_t r = from[i] >> 16 & 0xff, g = from[i] >> 8 & 0xff, b = from[i] & 0xff;

		to[i] = (uint8_t)((Y_R * r + Y_G * g + Y_B * b + 0x8000) >> 16);
	}
}

/* Two rows of 2 * count pixels. */
VECTORISED static void convert_chroma(const uint32_t *restrict above,
				      const uint32_t *restrict below, uint8_t *restrict cb,
				      uint8_t *restrict cr, int count)
{
	for (int i = 0; i < count; i++) {
		uint32_t p = above[2 * i], q = above[2 * i + 1];
		uint32_t s = below[2 * i], t = below[2 * i + 1];
		/* Red and blue are far enough apart to be summed up at once. */
		uint32_t red_blue = (p & 0xff00ff) + (q & 0xff00ff) + (s & 0xff00ff) +
				    (t & 0xff00ff);
		int r = (int)(red_blue >> 16), b = (int)(red_blue & 0xffff);
		int g = (int)((p >> 8 & 0xff) + (q >> 8 & 0xff) + (s >> 8 & 0xff) +
			      (t >> 8 & 0xff));

		cb[i] = (uint8_t)((CB_R * r + CB_G * g + CB_B * b + CHROMA_ROUND) >> CHROMA_SHIFT);
		cr[i] = (uint8_t)((CR_R * r + CR_G * g + CR_B * b + CHROMA_ROUND) >> CHROMA_SHIFT);
	}
}

void yuv_convert(const struct picture *picture, const pixman_box32_t *box,
		 const struct yuv_planes *to)
{
	int width = box->x2 - box->x1;

	for (int y = 0; y < box->y2 - box->y1; y += 2) {
		const uint32_t *above = picture->pixels + (size_t)(box->y1 + y) * picture->stride +
					box->x1;
		const uint32_t *below = above + picture->stride;
		uint8_t *luma = to->planes[0] + (ptrdiff_t)y * to->strides[0];

		convert_luma(above, luma, width);
		convert_luma(below, luma + to->strides[0], width);
		convert_chroma(above, below, to->planes[1] + (ptrdiff_t)(y / 2) * to->strides[1],
			       to->planes[2] + (ptrdiff_t)(y / 2) * to->strides[2], width / 2);
	}
}
