/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * How like two pictures are. Both figures are the mean over red, green and blue, whole numbers from
 * 0 to 255, without weights. Pixels are 0xXXRRGGBB, strides count pixels.
 */
#ifndef LAZARET_BENCH_SSIM_H
#define LAZARET_BENCH_SSIM_H

#include <stdint.h>

#include "base/attr.h"

#define SSIM_SIDE_MIN 8
#define PSNR_EQUAL 100.0 /* decibels: what stands for infinity */

/*
 * Structural similarity (Wang, Bovik, Sheikh, Simoncelli 2004: K1 0.01, K2 0.03) with square windows
 * of 8 pixels, all of one weight, every 4 pixels; 1 for equal pictures. What is left of a side after
 * the last whole window does not count. 0, -EINVAL (a side below SSIM_SIDE_MIN) or -ENOMEM.
 */
NODISCARD int ssim_rgb(const uint32_t *a, int a_stride, const uint32_t *b, int b_stride, int width,
		       int height, double *ret_ssim);

/* Peak signal-to-noise ratio in decibels, at most PSNR_EQUAL. */
double psnr_rgb(const uint32_t *a, int a_stride, const uint32_t *b, int b_stride, int width,
		int height);

#endif
