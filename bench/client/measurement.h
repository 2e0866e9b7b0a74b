/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What happened between the commands "begin" and "end". */
#ifndef LAZARET_BENCH_MEASUREMENT_H
#define LAZARET_BENCH_MEASUREMENT_H

#include <stdbool.h>
#include <stdint.h>

#include "bench/client/connection.h"
#include "bench/client/decoder.h"
#include "bench/client/series.h"

#define MEASUREMENT_NAME_MAX 127

struct measurement {
	bool open;
	char name[MEASUREMENT_NAME_MAX + 1];
	uint64_t started; /* monotonic microseconds, as all times here */
	uint64_t cpu; /* of this process, microseconds */
	uint64_t ended, ended_cpu; /* both 0: not yet */
	uint64_t last_frame; /* 0: none yet */
	uint64_t bytes_in, bytes_out, rfb_bytes;
	struct decoder_stats stats; /* as they were when it began */
	struct series gaps, latencies, codes, ssim, psnr;
	uint64_t lost; /* keys and clicks that showed nothing */
	uint64_t not_compared; /* frames whose true picture could not be read */
};

void measurement_finish(struct measurement *measurement);
void measurement_begin(struct measurement *measurement, const char *name,
		       const struct connection *connection, const struct decoder *decoder);
/* An update that changed a pixel was decoded at this time. */
void measurement_frame(struct measurement *measurement, uint64_t time);
/* What is counted after this is not in the report, which has to follow. */
void measurement_stop(struct measurement *measurement);
/* Adds its keys to the report that is under way, and ends it. */
void measurement_report(struct measurement *measurement, const struct connection *connection,
			const struct decoder *decoder);

#endif
