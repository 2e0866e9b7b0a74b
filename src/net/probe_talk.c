/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/probe_talk.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "base/clock.h"
#include "base/str.h"
#include "net/probe_wire.h"

/* A datagram may get lost: so many are sent within the time. */
#define UDP_SENDS 3
/* So much of a wrong answer is shown. */
#define SHOWN_MAX 60
/* For a peer that has nothing to say, when it is not who we think: it would have said it by then. */
#define SILENCE_MS 700

void probe_talk_wrong(const uint8_t *data, size_t len, struct probe_result *result)
{
	size_t shown = 0;
	char *out = result->detail;

	result->verdict = PROBE_WRONG;
	/* A judge may have said it better. */
	if (out[0])
		return;
	while (shown < len && data[shown] >= ' ' && data[shown] <= '~')
		shown++;
	if (shown >= 4) {
		snprintf(out, sizeof(result->detail), "\"%.*s\"",
			 (int)MIN(shown, (size_t)SHOWN_MAX), (const char *)data);
		return;
	}
	shown = MIN(len, (size_t)16);
	out += snprintf(out, sizeof(result->detail), "bytes");
	for (size_t i = 0; i < shown; i++)
		out += snprintf(out, 4, " %02x", data[i]);
}

void probe_talk_broken(const struct probe_link *link, const struct probe_job *job, int error,
		       struct probe_result *result)
{
	if (job->proto == PROTO_UDP) {
		probe_link_judge(link, error, result);
		return;
	}
	result->verdict = PROBE_WRONG;
	if (result->detail[0])
		return;
	str_copy(result->detail, sizeof(result->detail),
		 error == -ETIMEDOUT ? "is open, but says nothing"
		 : error == -EPROTO  ? "no TLS"
				     : "closes the connection");
}

struct talk {
	struct probe_link *link;
	const struct probe_protocol *protocol;
	const struct probe_job *job;
	struct probe_talk talk;
	struct probe_result *result;
};

static int send_question(struct talk *talk, const struct probe_step *step)
{
	struct buf question;
	int r = 0;

	if (!step->ask)
		return 0;
	buf_init(&question, PROBE_ASK_MAX);
	step->ask(&talk->talk, &question);
	r = buf_error(&question);
	if (r == 0)
		r = probe_link_send(talk->link, buf_data(&question), buf_len(&question));
	buf_finish(&question);
	return r;
}

/* Receives until the judge is sure. 0: it is the right service; 1: it is not; or -errno. */
static int hear(struct talk *talk, const struct probe_step *step)
{
	static uint8_t answer[PROBE_ANSWER_MAX];
	bool stream = talk->job->proto == PROTO_TCP;
	size_t n_got = 0;

	for (;;) {
		enum probe_judgement judgement;
		ssize_t n = probe_link_recv(talk->link, answer + n_got, sizeof(answer) - n_got);

		if (n <= 0 && n_got > 0) {
			probe_talk_wrong(answer, n_got, talk->result);
			return 1;
		}
		if (n < 0 || (n == 0 && stream))
			return n < 0 ? (int)n : -EPIPE;
		n_got += (size_t)n;
		talk->result->detail[0] = '\0';
		judgement = n_got > 0
				    ? step->judge(&talk->talk, answer, n_got, talk->result->detail)
				    : PROBE_NO;
		if (judgement == PROBE_YES)
			return 0;
		if (judgement == PROBE_NO || n_got == sizeof(answer) || !stream) {
			probe_talk_wrong(answer, n_got, talk->result);
			return 1;
		}
	}
}

static int ask(struct talk *talk, const struct probe_step *step)
{
	bool datagrams = talk->job->proto == PROTO_UDP;
	unsigned int times = datagrams ? UDP_SENDS : 1;
	uint64_t part = talk->job->timeout_ms * USEC_PER_MSEC / times;
	int r = -ETIMEDOUT;

	talk->result->detail[0] = '\0';
	for (unsigned int i = 0; r == -ETIMEDOUT && i < times; i++) {
		talk->link->deadline = clock_now() + part;
		if (talk->protocol->silent)
			talk->link->deadline = clock_now() + SILENCE_MS * USEC_PER_MSEC / times;
		r = send_question(talk, step);
		if (r == 0)
			r = hear(talk, step);
	}
	return r;
}

/* All steps on a connection that is there. 0 if the verdict is in the result, or -errno. */
static int converse(struct talk *talk)
{
	const struct probe_protocol *protocol = talk->protocol;

	for (size_t i = 0; i < ARRAY_LEN(protocol->steps) && protocol->steps[i].judge; i++) {
		int r = ask(talk, &protocol->steps[i]);

		if (r == -ETIMEDOUT && protocol->silent) {
			talk->result->verdict = talk->job->proto == PROTO_UDP ? PROBE_SENT
									      : PROBE_WORKS;
			str_copy(talk->result->detail, sizeof(talk->result->detail),
				 "it has no answer");
			return 0;
		}
		if (r != 0)
			return r < 0 ? r : 0;
	}
	talk->result->verdict = PROBE_WORKS;
	if (protocol->goodbye)
		(void)!probe_link_send(talk->link, protocol->goodbye, strlen(protocol->goodbye));
	return 0;
}

/*
 * One connection, with TLS if wanted. True when the result is final; false when another way of TLS
 * may still find what is there.
 */
static bool try_once(const struct probe_job *job, const struct probe_protocol *protocol, bool tls,
		     bool anonymous, struct probe_result *result)
{
	_cleanup_link_ struct probe_link link = PROBE_LINK_NONE;
	struct talk talk = {&link, protocol, job, {.job = job}, result};
	int r;

	if (getrandom(talk.talk.nonce, sizeof(talk.talk.nonce), 0) < 0 ||
	    probe_link_open(&link, job, result) < 0)
		return true;
	r = tls ? probe_link_start_tls(&link, job->host, anonymous) : 0;
	if (r == 0)
		r = converse(&talk);
	if (r == -ENOKEY) {
		result->verdict = PROBE_WORKS;
		str_copy(result->detail, sizeof(result->detail),
			 "TLS, and it wants a certificate of ours");
		return true;
	}
	if (r == 0)
		return true;
	probe_talk_broken(&link, job, r, result);
	return !tls || r == -ETIMEDOUT;
}

static void try_protocol(const struct probe_job *job, const struct probe_protocol *protocol,
			 struct probe_result *result)
{
	/* NRPE and RELP do without certificates where nobody made any, NRPE without TLS too. */
	bool anonymous = job->check == PROBE_NRPE || job->check == PROBE_RELP_TLS;

	if (!protocol->tls) {
		(void)try_once(job, protocol, false, false, result);
		return;
	}
	if (anonymous && try_once(job, protocol, true, true, result))
		return;
	result->detail[0] = '\0';
	if (try_once(job, protocol, true, false, result) || job->check != PROBE_NRPE)
		return;
	result->detail[0] = '\0';
	(void)try_once(job, protocol, false, false, result);
}

static void try_open(const struct probe_job *job, struct probe_result *result)
{
	_cleanup_link_ struct probe_link link = PROBE_LINK_NONE;

	if (probe_link_open(&link, job, result) == 0)
		result->verdict = job->proto == PROTO_TCP ? PROBE_WORKS : PROBE_SENT;
}

void probe_talk(struct probe_library *library, const struct probe_job *job,
		struct probe_result *result)
{
	const struct probe_protocol *protocol = probe_protocol(job->check);

	if (protocol)
		try_protocol(job, protocol, result);
	else if (!probe_library_talk(library, job, result))
		try_open(job, result);
}

/* --- names, from a cell ---------------------------------------------------------------------- */

/* One question to one server: how many addresses were added, or -errno. */
static int look_up(const struct probe_job *job, uint16_t type, struct probe_result *result)
{
	_cleanup_link_ struct probe_link link = PROBE_LINK_NONE;
	struct probe_talk talk = {.job = job};
	uint8_t answer[PROBE_ANSWER_MAX];
	size_t prefix = job->proto == PROTO_TCP ? 2 : 0, n_got = 0, n = 0;
	struct buf question;
	int r;

	if (getrandom(talk.nonce, sizeof(talk.nonce), 0) < 0)
		return -EIO;
	r = probe_link_open(&link, job, result);
	if (r < 0)
		return r;
	buf_init(&question, PROBE_ASK_MAX);
	if (prefix)
		buf_put_u16(&question, 0);
	probe_dns_ask(&talk, type, &question);
	r = buf_error(&question);
	if (r == 0 && prefix)
		buf_patch_u16(&question, 0, (uint16_t)(buf_len(&question) - 2));
	if (r == 0)
		r = probe_link_send(&link, buf_data(&question), buf_len(&question));
	buf_finish(&question);
	while (r == 0) {
		ssize_t got = probe_link_recv(&link, answer + n_got, sizeof(answer) - n_got);

		if (got <= 0)
			return got < 0 ? (int)got : -EPROTO;
		n_got += (size_t)got;
		if (!prefix || (n_got >= 2 && n_got >= 2 + (size_t)(answer[0] << 8 | answer[1])) ||
		    n_got == sizeof(answer))
			break;
	}
	if (r == 0)
		r = probe_dns_addresses(&talk, answer + prefix, n_got - prefix,
					result->addresses + result->n_addresses,
					PROBE_ADDRESSES_MAX - result->n_addresses, &n);
	if (r == 0)
		result->n_addresses += n;
	return r;
}

/* Both families; over TCP when the answer is too long for a datagram. */
static int ask_server(const struct probe_job *job, const struct network *server,
		      struct probe_result *result)
{
	static const uint16_t types[] = {1, 28};
	int last = -EAGAIN;

	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		struct probe_job one = *job;
		int r = -ETIMEDOUT;

		one.address = *server;
		one.port = 53;
		one.proto = PROTO_UDP;
		for (int sends = 0; r == -ETIMEDOUT && sends < UDP_SENDS; sends++)
			r = look_up(&one, types[i], result);
		one.proto = PROTO_TCP;
		if (r == -EMSGSIZE)
			r = look_up(&one, types[i], result);
		if (r < 0 && r != -ENOENT)
			return r;
		last = r;
	}
	return result->n_addresses > 0 ? 0 : last;
}

void probe_talk_resolve(const struct probe_job *job, struct probe_result *result)
{
	char text[NETWORK_TEXT_MAX];
	struct probe_job part = *job;
	int r = -EAGAIN;

	part.timeout_ms /= UDP_SENDS;
	for (size_t i = 0; i < job->n_servers; i++) {
		result->n_addresses = 0;
		r = ask_server(&part, &job->servers[i], result);
		if (r == 0 || r == -ENOENT)
			break;
		network_format(&job->servers[i], text);
	}
	result->verdict = r == 0 ? PROBE_WORKS : PROBE_UNRESOLVED;
	if (r == 0)
		result->detail[0] = '\0';
	else if (r == -ENOENT)
		str_copy(result->detail, sizeof(result->detail), "there is no such name");
	else if (job->n_servers == 0)
		str_copy(result->detail, sizeof(result->detail), "cells have no name servers");
	else
		snprintf(result->detail, sizeof(result->detail), "%s does not answer", text);
}
