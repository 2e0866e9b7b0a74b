/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * From 4:2:0 video of eight bits to our pixels. Chroma between its samples is interpolated linearly,
 * in both directions; no step is rounded but the last. General converters are either coarser than
 * what SSIM can see, or take several times as long.
 */
#ifndef LAZARET_BENCH_YUV_RGB_H
#define LAZARET_BENCH_YUV_RGB_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"

struct yuv_picture {
	const uint8_t
		*planes[3]; /* Y, Cb, Cr; of chroma half as many columns and rows, rounded up */
	int strides[3]; /* bytes */
	int width, height; /* pixels */
	double kr, kb; /* what red and blue weigh in luma */
	bool full_range; /* 0 to 255; else luma 16 to 235 and chroma 16 to 240 */
	bool left; /* chroma is sited at the left pixel of two; else between them. Vertically it
		    * always lies between two rows. */
};

struct yuv_rgb;

/* All that is made once for a width and a kind of colours. 0, -EINVAL (no size) or -ENOMEM. */
NODISCARD int yuv_rgb_create(struct yuv_rgb **ret_yuv, const struct yuv_picture *picture);
/* NULL is allowed. */
void yuv_rgb_destroy(struct yuv_rgb *yuv);
/* Whether it fits this picture, planes apart. */
bool yuv_rgb_fits(const struct yuv_rgb *yuv, const struct yuv_picture *picture);

/* Row `y` of a picture that it fits: `width` pixels, top bytes 0. */
void yuv_rgb_row(struct yuv_rgb *yuv, const struct yuv_picture *picture, int y, uint32_t *to,
		 int width);

#endif
