/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a peer may answer to an attempt, and what an attempt that was taken over may report. The first
 * byte chooses what is spoken, the second the step and the transport.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "net/probe_wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void judge(const struct probe_talk *talk, unsigned int step, const uint8_t *data,
		  size_t size)
{
	const struct probe_protocol *protocol = probe_protocol(talk->job->check);
	char detail[PROBE_DETAIL_MAX + 1] = "";

	if (!protocol || !protocol->steps[step].judge || size == 0)
		return;
	if (protocol->steps[step].judge(talk, data, size, detail) > PROBE_YES)
		abort();
	if (!memchr(detail, '\0', sizeof(detail)))
		abort();
}

static void take_addresses(const struct probe_talk *talk, const uint8_t *data, size_t size)
{
	struct network addresses[PROBE_ADDRESSES_MAX];
	size_t n = 0;

	if (probe_dns_addresses(talk, data, size, addresses, ARRAY_LEN(addresses), &n) == 0 &&
	    (n == 0 || n > ARRAY_LEN(addresses)))
		abort();
}

static void take_report(const uint8_t *data, size_t size)
{
	struct probe_result result;
	struct probe_job job;
	struct cursor c = cursor_over(data, size);
	struct buf again;

	if (probe_result_get(&c, &result) == 0) {
		if (result.verdict >= PROBE_VERDICT_COUNT ||
		    !probe_verdict_name(result.verdict)[0] ||
		    result.n_addresses > PROBE_ADDRESSES_MAX)
			abort();
		buf_init(&again, PROBE_RESULT_MAX);
		probe_result_put(&result, &again);
		if (buf_error(&again))
			abort();
		buf_finish(&again);
	}
	c = cursor_over(data, size);
	(void)!probe_job_get(&c, &job);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct probe_job job = {.timeout_ms = 1000};
	struct probe_talk talk = {.job = &job, .nonce = "LZPROBE"};

	if (size < 2)
		return 0;
	job.check = (enum probe_check)(data[0] % PROBE_CHECK_COUNT);
	job.proto = data[1] & 2 ? PROTO_UDP : PROTO_TCP;
	if (size - 2 <= PROBE_ANSWER_MAX)
		judge(&talk, data[1] & 1, data + 2, size - 2);
	take_addresses(&talk, data + 2, size - 2);
	take_report(data + 2, size - 2);
	return 0;
}
