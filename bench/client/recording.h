/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Each frame that changed the picture goes into a file of bench/frames.h. */
#ifndef LAZARET_BENCH_RECORDING_H
#define LAZARET_BENCH_RECORDING_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "bench/client/framebuffer.h"
#include "bench/frames.h"

/* All zero: nothing is recorded. */
struct recording {
	struct frames_writer *writer;
	struct frames_region region;
	bool codes_only; /* frames without a number are left out */
	uint64_t frames; /* that were written */
	int error; /* of writing; nothing is written after it */
};

/* `region` NULL: the whole picture. The picture as it is becomes the first frame, unless only
 * numbered ones are wanted. 0, -EBUSY (one is under way), -EINVAL (outside) or a negative errno. */
NODISCARD int recording_start(struct recording *recording, const char *path,
			      const struct frames_region *region, bool codes_only,
			      struct framebuffer *fb);
void recording_frame(struct recording *recording, struct framebuffer *fb, uint64_t time,
		     uint32_t number);
/* 0, -ENOENT (none is under way) or what went wrong since its start. */
NODISCARD int recording_stop(struct recording *recording, struct framebuffer *fb);

#endif
