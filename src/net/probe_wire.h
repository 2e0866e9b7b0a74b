/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The few bytes of each protocol that tell whether the right service answers: what is asked, and a
 * bounded judge of the answer. No sockets here; every judge takes whatever a hostile peer sends.
 *
 * A judge returns PROBE_YES, PROBE_NO, or PROBE_MORE when the answer may still be on its way. What
 * it learned goes to `detail` (PROBE_DETAIL_MAX + 1 bytes, not sanitised, empty before).
 */
#ifndef LAZARET_NET_PROBE_WIRE_H
#define LAZARET_NET_PROBE_WIRE_H

#include "net/probe.h"

/* What is kept of an answer. */
#define PROBE_ANSWER_MAX 4096
/* A question of ours, at most. */
#define PROBE_ASK_MAX 2048

enum probe_judgement { PROBE_NO, PROBE_MORE, PROBE_YES };

/* What a question and its answer share. */
struct probe_talk {
	const struct probe_job *job;
	uint8_t nonce[8]; /* random */
};

typedef void (*probe_ask_fn)(const struct probe_talk *talk, struct buf *out);
typedef enum probe_judgement (*probe_judge_fn)(const struct probe_talk *talk, const uint8_t *data,
					       size_t len, char *detail);

struct probe_step {
	probe_ask_fn ask; /* NULL: the peer speaks first */
	probe_judge_fn judge;
};

struct probe_protocol {
	struct probe_step steps[2]; /* one without a judge ends them */
	const char *goodbye; /* or NULL */
	bool tls;
	bool silent; /* the right peer says nothing */
};

/* NULL for what is not spoken here (libraries do, or nothing is said). */
const struct probe_protocol *probe_protocol(enum probe_check check);

/*
 * A question for the addresses of talk->job->name, and what is in the answer: how many of them, at
 * most `max`. -EPROTO if it is no answer to it, -ENOENT if there is no such name, -EAGAIN if the
 * server cannot tell, -EMSGSIZE if it has to be asked again over TCP. Messages have no length in front.
 */
void probe_dns_ask(const struct probe_talk *talk, uint16_t type, struct buf *out);
NODISCARD int probe_dns_addresses(const struct probe_talk *talk, const uint8_t *data, size_t len,
				  struct network *addresses, size_t max, size_t *ret_n);

#endif
