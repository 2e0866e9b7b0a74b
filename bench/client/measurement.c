/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "bench/client/measurement.h"

#include <sys/resource.h>

#include "base/clock.h"
#include "base/str.h"
#include "bench/client/report.h"

static uint64_t cpu_time(void)
{
	struct rusage usage;

	if (getrusage(RUSAGE_SELF, &usage) < 0)
		return 0;
	return (uint64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * USEC_PER_SEC +
	       (uint64_t)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

void measurement_finish(struct measurement *measurement)
{
	series_finish(&measurement->gaps);
	series_finish(&measurement->latencies);
	series_finish(&measurement->codes);
	series_finish(&measurement->ssim);
	series_finish(&measurement->psnr);
}

void measurement_begin(struct measurement *measurement, const char *name,
		       const struct connection *connection, const struct decoder *decoder)
{
	measurement->open = true;
	str_copy(measurement->name, sizeof(measurement->name), name);
	measurement->last_frame = 0;
	measurement->lost = 0;
	measurement->not_compared = 0;
	measurement->bytes_in = connection->bytes_in;
	measurement->bytes_out = connection->bytes_out;
	measurement->rfb_bytes = connection->rfb_bytes;
	measurement->stats = decoder->stats;
	series_clear(&measurement->gaps);
	series_clear(&measurement->latencies);
	series_clear(&measurement->codes);
	series_clear(&measurement->ssim);
	series_clear(&measurement->psnr);
	measurement->cpu = cpu_time();
	measurement->started = clock_now();
}

void measurement_frame(struct measurement *measurement, uint64_t time)
{
	if (!measurement->open)
		return;
	if (measurement->last_frame > 0)
		series_add(&measurement->gaps, (double)(time - measurement->last_frame), 0);
	measurement->last_frame = time;
}

static void report_kinds(const char *key, const uint64_t *now, const uint64_t *before)
{
	report_open(key);
	for (int i = 0; i < DECODER_KINDS; i++)
		report_int(decoder_kind_names[i], now[i] - before[i]);
	report_close();
}

static void report_stats(const struct decoder_stats *now, const struct decoder_stats *before,
			 double seconds)
{
	uint64_t frames = now->frames - before->frames, rects = 0;

	for (int i = 0; i < DECODER_KINDS; i++)
		rects += now->rects[i] - before->rects[i];
	report_int("updates", now->updates - before->updates);
	report_int("frames", frames);
	report_double("fps", seconds > 0 ? (double)frames / seconds : 0, 2);
	report_int("rects", rects);
	report_int("copies", now->rects[DECODER_COPYRECT] - before->rects[DECODER_COPYRECT]);
	report_kinds("pixels_by", now->pixels, before->pixels);
	report_kinds("bytes_by", now->bytes, before->bytes);
	report_kinds("rects_by", now->rects, before->rects);
	report_int("h264_without_picture",
		   now->h264_without_picture - before->h264_without_picture);
}

void measurement_stop(struct measurement *measurement)
{
	measurement->ended = clock_now();
	measurement->ended_cpu = cpu_time();
}

void measurement_report(struct measurement *measurement, const struct connection *connection,
			const struct decoder *decoder)
{
	double seconds = (double)(measurement->ended - measurement->started) / USEC_PER_SEC;

	measurement->open = false;
	report_string("name", measurement->name);
	report_double("seconds", seconds, 6);
	report_int("bytes_in", connection->bytes_in - measurement->bytes_in);
	report_int("rfb_bytes", connection->rfb_bytes - measurement->rfb_bytes);
	report_int("bytes_out", connection->bytes_out - measurement->bytes_out);
	report_stats(&decoder->stats, &measurement->stats, seconds);
	report_series("gaps_us", &measurement->gaps, false, 0);
	report_series("latencies_us", &measurement->latencies, false, 0);
	report_int("lost", measurement->lost);
	report_series("codes", &measurement->codes, true, 0);
	report_series("ssim", &measurement->ssim, true, 6);
	report_series("psnr", &measurement->psnr, true, 3);
	report_int("not_compared", measurement->not_compared);
	report_int("cpu_us", measurement->ended_cpu - measurement->cpu);
}
