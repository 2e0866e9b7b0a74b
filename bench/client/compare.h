/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Frames with a number, beside the frames of the same number in a recording. */
#ifndef LAZARET_BENCH_COMPARE_H
#define LAZARET_BENCH_COMPARE_H

#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "bench/client/framebuffer.h"
#include "bench/frames.h"

/* All zero: nothing is compared. */
struct compare {
	struct frames_reader *reader;
	struct compare_entry {
		uint32_t number;
		size_t position; /* of the last frame with this number */
	} * entries; /* by number */
	size_t count;
	size_t position; /* of the frame that was read last, counted from 1; 0: none yet */
	struct frame frame;
	struct compare_kept {
		uint32_t number;
		uint32_t *pixels; /* of the recording's region */
	} * kept; /* COMPARE_KEPT_MAX of them; NULL: none yet */
	size_t n_kept;
};

/* Frames that wait; of 1280x720 they take 3.7 MB each. */
#define COMPARE_KEPT_MAX 400

/* Reads the recording once, to know what is in it. 0 or a negative errno; -EPROTO: it is broken, or
 * has no numbers. What was compared with before is given up only on success. */
NODISCARD int compare_open(struct compare *compare, const char *path);
void compare_close(struct compare *compare);

/*
 * 1 with the figures over the recording's region; 0 if it has no frame of this number; -EINVAL if
 * the region is not inside the picture; or another negative errno.
 */
NODISCARD int compare_frame(struct compare *compare, uint32_t number, const struct framebuffer *fb,
			    double *ret_ssim, double *ret_psnr);

/*
 * The same, for later: a comparison takes longer than a picture of a film may, and a server that sees
 * its client that slow sends less. 1: kept; 0, -EINVAL or -ENOMEM as above; -ENOBUFS: too many wait.
 */
NODISCARD int compare_keep(struct compare *compare, uint32_t number, const struct framebuffer *fb);
/* The figures of the frame that was kept first of those that still wait, which is forgotten. 1, 0: none
 * waits; or a negative errno, the frame being forgotten as well. */
NODISCARD int compare_next(struct compare *compare, uint32_t *ret_number, double *ret_ssim,
			   double *ret_psnr);

#endif
