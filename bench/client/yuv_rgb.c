/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "bench/client/yuv_rgb.h"

#include <errno.h>
#include <math.h>
#include <stddef.h>
#include <stdlib.h>

#include "rfb/vector.h"

#define SHIFT 16 /* bits behind the point */
#define CHROMA_SHIFT 4 /* an interpolated chroma is sixteen times one of eight bits */

/* Fixed point: red = luma + red_cr * cr and so on. */
struct coefficients {
	int32_t luma, offset; /* the offset holds what half a step of rounding adds */
	int32_t red_cr, green_cb, green_cr, blue_cb;
};

struct yuv_rgb {
	struct coefficients k;
	double kr, kb;
	bool full_range, left;
	int width, chroma_width;
	/* One row of chroma, first between two rows (four times), then at each pixel (sixteen times);
	 * the former with one more at each end. */
	int16_t *column[2], *pixel[2];
};

static int32_t fixed(double value, int shift)
{
	return (int32_t)lrint(value * (1 << shift));
}

static void set_coefficients(struct yuv_rgb *yuv)
{
	struct coefficients *k = &yuv->k;
	const double kg = 1 - yuv->kr - yuv->kb, chroma = yuv->full_range ? 1 : 255.0 / 224;
	const int c = SHIFT - CHROMA_SHIFT;

	k->luma = fixed(yuv->full_range ? 1 : 255.0 / 219, SHIFT);
	k->offset = (1 << (SHIFT - 1)) - (yuv->full_range ? 0 : 16 * k->luma);
	k->red_cr = fixed(2 * (1 - yuv->kr) * chroma, c);
	k->blue_cb = fixed(2 * (1 - yuv->kb) * chroma, c);
	k->green_cr = fixed(-2 * yuv->kr * (1 - yuv->kr) / kg * chroma, c);
	k->green_cb = fixed(-2 * yuv->kb * (1 - yuv->kb) / kg * chroma, c);
}

int yuv_rgb_create(struct yuv_rgb **ret_yuv, const struct yuv_picture *picture)
{
	struct yuv_rgb *yuv;
	size_t chroma = (size_t)((picture->width + 1) / 2);

	if (picture->width < 1 || picture->height < 1)
		return -EINVAL;
	yuv = calloc(1, sizeof(*yuv));
	if (!yuv)
		return -ENOMEM;
	yuv->kr = picture->kr;
	yuv->kb = picture->kb;
	yuv->full_range = picture->full_range;
	yuv->left = picture->left;
	yuv->width = picture->width;
	yuv->chroma_width = (int)chroma;
	for (int i = 0; i < 2; i++) {
		yuv->column[i] = calloc(chroma + 2, sizeof(*yuv->column[i]));
		yuv->pixel[i] = calloc(2 * chroma, sizeof(*yuv->pixel[i]));
	}
	if (!yuv->column[0] || !yuv->column[1] || !yuv->pixel[0] || !yuv->pixel[1]) {
		yuv_rgb_destroy(yuv);
		return -ENOMEM;
	}
	set_coefficients(yuv);
	*ret_yuv = yuv;
	return 0;
}

void yuv_rgb_destroy(struct yuv_rgb *yuv)
{
	if (!yuv)
		return;
	for (int i = 0; i < 2; i++) {
		free(yuv->column[i]);
		free(yuv->pixel[i]);
	}
	free(yuv);
}

bool yuv_rgb_fits(const struct yuv_rgb *yuv, const struct yuv_picture *picture)
{
	return yuv->width == picture->width && yuv->kr == picture->kr && yuv->kb == picture->kb &&
	       yuv->full_range == picture->full_range && yuv->left == picture->left;
}

/* Three quarters of the nearer row and one of the other, less the middle of 128. */
VECTORISED static void between_rows(const uint8_t *restrict near, const uint8_t *restrict far,
				    int16_t *restrict to, int width)
{
	for (int i = 0; i < width; i++)
		to[i] = (int16_t)(3 * near[i] + far[i] - 4 * 128);
}

VECTORISED static void centred(const int16_t *restrict from, int16_t *restrict to, int width)
{
	for (int i = 0; i < width; i++) {
		to[2 * i] = (int16_t)(3 * from[i] + from[i - 1]);
		to[2 * i + 1] = (int16_t)(3 * from[i] + from[i + 1]);
	}
}

VECTORISED static void at_left(const int16_t *restrict from, int16_t *restrict to, int width)
{
	for (int i = 0; i < width; i++) {
		to[2 * i] = (int16_t)(4 * from[i]);
		to[2 * i + 1] = (int16_t)(2 * (from[i] + from[i + 1]));
	}
}

static void chroma_row(const struct yuv_rgb *yuv, const struct yuv_picture *picture, int y,
		       int plane)
{
	int width = yuv->chroma_width, rows = (picture->height + 1) / 2;
	int near = y / 2, far = CLAMP(y % 2 ? near + 1 : near - 1, 0, rows - 1);
	const uint8_t *data = picture->planes[1 + plane];
	ptrdiff_t stride = picture->strides[1 + plane];
	int16_t *column = yuv->column[plane] + 1;

	between_rows(data + near * stride, data + far * stride, column, width);
	column[-1] = column[0];
	column[width] = column[width - 1];
	if (yuv->left)
		at_left(column, yuv->pixel[plane], width);
	else
		centred(column, yuv->pixel[plane], width);
}

static inline uint32_t clamp(int32_t value)
{
	value >>= SHIFT;
	return (uint32_t)(value < 0 ? 0 : value > 255 ? 255 : value);
}

VECTORISED static void combine(const struct coefficients *coefficients,
			       const uint8_t *restrict luma, const int16_t *restrict cb,
			       const int16_t *restrict cr, uint32_t *restrict to, int width)
{
	const struct coefficients k = *coefficients;

	for (int x = 0; x < width; x++) {
		int32_t y = luma[x] * k.luma + k.offset;
		uint32_t red = clamp(y + cr[x] * k.red_cr);
		uint32_t green = clamp(y + cb[x] * k.green_cb + cr[x] * k.green_cr);
		uint32_t blue = clamp(y + cb[x] * k.blue_cb);

		to[x] = red << 16 | green << 8 | blue;
	}
}

void yuv_rgb_row(struct yuv_rgb *yuv, const struct yuv_picture *picture, int y, uint32_t *to,
		 int width)
{
	chroma_row(yuv, picture, y, 0);
	chroma_row(yuv, picture, y, 1);
	combine(&yuv->k, picture->planes[0] + y * (ptrdiff_t)picture->strides[0], yuv->pixel[0],
		yuv->pixel[1], to, MIN(width, yuv->width));
}
