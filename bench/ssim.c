/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "bench/ssim.h"

#include <errno.h>
#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define BLOCK 4
#define COUNT 64.0 /* pixels of a window */

/* Sums over a block of 4 x 4, or over a column of one. */
struct sums {
	uint32_t *a, *b, *squares, *product;
};

/* Four arrays of `n` behind each other. */
static struct sums lay_out(uint32_t *memory, int n)
{
	return (struct sums){memory, memory + n, memory + 2 * (size_t)n, memory + 3 * (size_t)n};
}

/* Column by column, so that the compiler can do many at a time. */
static void add_row(const struct sums *sums, const uint32_t *restrict a, const uint32_t *restrict b,
		    int width, int shift)
{
	uint32_t *restrict sa = sums->a, *restrict sb = sums->b;
	uint32_t *restrict squares = sums->squares, *restrict product = sums->product;

	for (int x = 0; x < width; x++) {
		uint32_t p = a[x] >> shift & 0xff, q = b[x] >> shift & 0xff;

		sa[x] += p;
		sb[x] += q;
		squares[x] += p * p + q * q;
		product[x] += p * q;
	}
}

static void fold(uint32_t *restrict to, const uint32_t *restrict from, int blocks)
{
	for (int i = 0; i < blocks; i++)
		to[i] = from[4 * i] + from[4 * i + 1] + from[4 * i + 2] + from[4 * i + 3];
}

/* A window is two blocks of one row of them, and the two below. */
static double window(const struct sums *upper, const struct sums *lower, int i)
{
	const double c1 = 0.01 * 255 * 0.01 * 255 * COUNT * COUNT;
	const double c2 = 0.03 * 255 * 0.03 * 255 * COUNT * (COUNT - 1);
	double a = upper->a[i] + upper->a[i + 1] + lower->a[i] + lower->a[i + 1];
	double b = upper->b[i] + upper->b[i + 1] + lower->b[i] + lower->b[i + 1];
	double squares = upper->squares[i] + upper->squares[i + 1] + lower->squares[i] +
			 lower->squares[i + 1];
	double product = upper->product[i] + upper->product[i + 1] + lower->product[i] +
			 lower->product[i + 1];
	double variances = squares * COUNT - a * a - b * b, covariance = product * COUNT - a * b;

	return (2 * a * b + c1) * (2 * covariance + c2) / ((a * a + b * b + c1) * (variances + c2));
}

struct run {
	const uint32_t *a, *b;
	int a_stride, b_stride, columns, rows; /* of blocks */
	struct sums column, upper, lower;
	uint32_t *column_memory;
};

static void sum_blocks(struct run *run, int row, int shift, const struct sums *to)
{
	int width = run->columns * BLOCK;

	memset(run->column_memory, 0, (size_t)width * 4 * sizeof(uint32_t));
	for (int y = row * BLOCK; y < (row + 1) * BLOCK; y++)
		add_row(&run->column, run->a + (size_t)y * (size_t)run->a_stride,
			run->b + (size_t)y * (size_t)run->b_stride, width, shift);
	fold(to->a, run->column.a, run->columns);
	fold(to->b, run->column.b, run->columns);
	fold(to->squares, run->column.squares, run->columns);
	fold(to->product, run->column.product, run->columns);
}

static double sum_channel(struct run *run, int shift)
{
	double total = 0;

	sum_blocks(run, 0, shift, &run->upper);
	for (int row = 1; row < run->rows; row++) {
		struct sums swap = run->upper;
		double line = 0;

		sum_blocks(run, row, shift, &run->lower);
		for (int i = 0; i < run->columns - 1; i++)
			line += window(&run->upper, &run->lower, i);
		total += line;
		run->upper = run->lower;
		run->lower = swap;
	}
	return total;
}

int ssim_rgb(const uint32_t *a, int a_stride, const uint32_t *b, int b_stride, int width,
	     int height, double *ret_ssim)
{
	struct run run = {a, b, a_stride, b_stride, width / BLOCK, height / BLOCK};
	_cleanup_free_ uint32_t *memory = NULL;
	size_t columns = (size_t)run.columns * 4;
	double total = 0;

	if (width < SSIM_SIDE_MIN || height < SSIM_SIDE_MIN)
		return -EINVAL;
	memory = calloc(columns * (BLOCK + 2), sizeof(*memory));
	if (!memory)
		return -ENOMEM;
	run.column_memory = memory;
	run.column = lay_out(memory, run.columns * BLOCK);
	run.upper = lay_out(memory + columns * BLOCK, run.columns);
	run.lower = lay_out(memory + columns * (BLOCK + 1), run.columns);
	for (int shift = 0; shift < 24; shift += 8)
		total += sum_channel(&run, shift);
	*ret_ssim = total / (3.0 * (run.columns - 1) * (run.rows - 1));
	return 0;
}

double psnr_rgb(const uint32_t *a, int a_stride, const uint32_t *b, int b_stride, int width,
		int height)
{
	uint64_t total = 0;
	double mean;

	for (int y = 0; y < height; y++, a += a_stride, b += b_stride) {
		uint32_t line = 0;

		for (int x = 0; x < width; x++) {
			int red = (int)(a[x] >> 16 & 0xff) - (int)(b[x] >> 16 & 0xff);
			int green = (int)(a[x] >> 8 & 0xff) - (int)(b[x] >> 8 & 0xff);
			int blue = (int)(a[x] & 0xff) - (int)(b[x] & 0xff);

			line += (uint32_t)(red * red + green * green + blue * blue);
		}
		total += line;
	}
	if (total == 0)
		return PSNR_EQUAL;
	mean = (double)total / ((double)width * height * 3);
	return MIN(10 * log10(255.0 * 255.0 / mean), PSNR_EQUAL);
}
