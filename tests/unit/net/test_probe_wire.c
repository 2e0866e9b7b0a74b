/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What tells the right service from another one on its port, and what travels between processes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>

#include "base/str.h"
#include "net/probe_wire.h"

#define NONCE "LZPROBE"
#define N(s) (s), sizeof(s) - 1

/* An answer of a real server of each; of those with two steps, to each. */
static const struct answer {
	enum probe_check check;
	enum path_proto proto;
	unsigned int step;
	const char *data;
	size_t len;
	const char *detail;
} answers[] = {
	{PROBE_SSH, PROTO_TCP, 0, N("SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n"),
	 "SSH-2.0-OpenSSH_9.2p1 Debian-2"},
	{PROBE_SSH, PROTO_TCP, 0, N("a word before\r\nSSH-2.0-x\r\n"), "SSH-2.0-x"},
	{PROBE_SSH_OR_HTTP, PROTO_TCP, 0, N("HTTP/1.1 200 OK\r\n"), "HTTP/1.1 200 OK"},
	{PROBE_SSH_OR_HTTP, PROTO_TCP, 0, N("SSH-2.0-x\r\n"), "SSH-2.0-x"},
	{PROBE_SSH_OR_HTTP, PROTO_TCP, 0, N("\x15\x03\x03"), "TLS"},
	{PROBE_SMTP, PROTO_TCP, 0, N("220-wait\r\n220 mail.example ESMTP\r\n"), "220-wait"},
	{PROBE_SMTP, PROTO_TCP, 1, N("250-mail.example\r\n250-STARTTLS\r\n250 8BITMIME\r\n"),
	 "offers STARTTLS"},
	{PROBE_POP3, PROTO_TCP, 0, N("+OK Dovecot ready.\r\n"), "+OK Dovecot ready."},
	{PROBE_IMAP, PROTO_TCP, 0, N("* OK [CAPABILITY IMAP4rev1] ready\r\n"),
	 "* OK [CAPABILITY IMAP4rev1] ready"},
	{PROBE_IMAP, PROTO_TCP, 0, N("* BYE too many\r\n"), "* BYE too many"},
	{PROBE_RELP, PROTO_TCP, 0, N("1 rsp 92 200 OK\nrelp_version=0\n"), "session opened"},
	{PROBE_RDP, PROTO_TCP, 0,
	 N("\x03\x00\x00\x13\x0e\xd0\x00\x00\x12\x34\x00\x02\x00\x08\x00"
	   "\x02\x00\x00\x00"),
	 "CredSSP"},
	{PROBE_ICA, PROTO_TCP, 0, N("\x7f\x7fICA\x00"), ""},
	{PROBE_ICA_BROWSE, PROTO_UDP, 0, N("\x30\x00\x02\x31\x02\xfd\xa8\xe3\x02\x00"), ""},
	{PROBE_RFB, PROTO_TCP, 0, N("RFB 003.008\n"), "RFB 003.008"},
	{PROBE_RFB, PROTO_TCP, 1, N("\x02\x02\x13"), "VeNCrypt"},
	{PROBE_NTP, PROTO_UDP, 0,
	 N("\x24\x02\x00\xe9\0\0\0\0\0\0\0\0\x7f\x01\x01\x01\0\0\0\0\0\0\0\0" NONCE
	   "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"),
	 "stratum 2"},
	{PROBE_STUN, PROTO_UDP, 0, N("\x01\x01\x00\x00\x21\x12\xa4\x42" NONCE "\0\0\0\0\0"), ""},
	{PROBE_SNMP, PROTO_UDP, 0,
	 N("\x30\x13\x02\x01\x03\x30\x0e\x02\x02\x4c\x5a\x02\x03\x00\xff\xe3\x04\x01\x00\x02\x01"),
	 "SNMPv3"},
	{PROBE_DNS, PROTO_UDP, 0, N("LZ\x81\x80\0\1\0\0\0\0\0\0\0\0\2\0\1"), "0 answers"},
	{PROBE_DNS, PROTO_TCP, 0, N("\0\21LZ\x81\x80\0\1\0\0\0\0\0\0\0\0\2\0\1"), "0 answers"},
};

static const struct probe_step *step_of(const struct answer *answer)
{
	return &probe_protocol(answer->check)->steps[answer->step];
}

static enum probe_judgement judge(const struct answer *by, const char *data, size_t len,
				  char *detail)
{
	const struct probe_job job = {.check = by->check, .proto = by->proto};
	const struct probe_talk talk = {.job = &job, .nonce = NONCE};

	detail[0] = '\0';
	return step_of(by)->judge(&talk, (const uint8_t *)data, len, detail);
}

static void test_right_answers(void **state)
{
	char detail[PROBE_DETAIL_MAX + 1];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
		const struct answer *a = &answers[i];

		if (judge(a, a->data, a->len, detail) != PROBE_YES)
			fail_msg("%s: answer %zu is not taken", probe_check_name(a->check), i);
		assert_string_equal(detail, a->detail);
	}
}

/* A stream comes in pieces: no piece of a right answer may be taken for a wrong one. */
static void test_pieces(void **state)
{
	char detail[PROBE_DETAIL_MAX + 1];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
		const struct answer *a = &answers[i];

		for (size_t len = 1; a->proto == PROTO_TCP && len < a->len; len++) {
			/* The banner of SSH behind another line is found once it is there. */
			if (a->check == PROBE_SSH && a->data[0] == 'a')
				continue;
			if (judge(a, a->data, len, detail) == PROBE_NO)
				fail_msg("%s: %zu bytes of answer %zu are refused",
					 probe_check_name(a->check), len, i);
		}
	}
}

static bool may_share(enum probe_check a, enum probe_check b)
{
	return a == b || (a == PROBE_SSH_OR_HTTP && b == PROBE_SSH) ||
	       (a == PROBE_SSH && b == PROBE_SSH_OR_HTTP);
}

/* Everybody's right answer is everybody else's wrong one. */
static void test_wrong_answers(void **state)
{
	static const struct {
		const char *data;
		size_t len;
	} others[] = {
		{N("MOIN 1.0 this is something else\r\n")},
		{N("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")},
		{N("<html><body>hello</body></html>\n")},
		{N("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\n\n")},
		{N("-ERR\r\n500 no\r\n")},
		{N("554 mail.example refuses\r\n")},
	};
	char detail[PROBE_DETAIL_MAX + 1];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
		for (size_t k = 0; k < ARRAY_LEN(answers); k++) {
			const struct answer *by = &answers[i], *a = &answers[k];

			/* A second step is only reached by who passed the first. */
			if (by->step > 0 || may_share(by->check, a->check))
				continue;
			if (judge(by, a->data, a->len, detail) == PROBE_YES)
				fail_msg("%s takes the answer of %s", probe_check_name(by->check),
					 probe_check_name(a->check));
		}
		for (size_t k = 0; answers[i].step == 0 && k < ARRAY_LEN(others); k++) {
			bool http = answers[i].check == PROBE_SSH_OR_HTTP && k == 1;

			if (!http &&
			    judge(&answers[i], others[k].data, others[k].len, detail) == PROBE_YES)
				fail_msg("%s takes \"%s\"", probe_check_name(answers[i].check),
					 others[k].data);
		}
	}
}

/* An answer to somebody else's question is none. */
static void test_nonces(void **state)
{
	char detail[PROBE_DETAIL_MAX + 1], data[64];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
		const struct answer *a = &answers[i];
		char *nonce;

		if (a->check != PROBE_NTP && a->check != PROBE_STUN && a->check != PROBE_DNS)
			continue;
		assert_true(a->len <= sizeof(data));
		memcpy(data, a->data, a->len);
		nonce = memmem(data, a->len, "LZ", 2);
		assert_non_null(nonce);
		nonce[1] ^= 1;
		assert_int_not_equal(judge(a, data, a->len, detail), PROBE_YES);
	}
}

static void test_nrpe(void **state)
{
	const struct answer by = {.check = PROBE_NRPE, .proto = PROTO_TCP};
	const struct probe_job job = {.check = PROBE_NRPE, .proto = PROTO_TCP};
	const struct probe_talk talk = {.job = &job};
	char detail[PROBE_DETAIL_MAX + 1], data[1036];
	struct buf out;

	(void)state;
	buf_init(&out, PROBE_ASK_MAX);
	probe_protocol(PROBE_NRPE)->steps[0].ask(&talk, &out);
	assert_int_equal(buf_len(&out), sizeof(data));
	/* The sum of the standard, over a query that NRPE's own client sends. */
	assert_memory_equal(buf_data(&out), "\0\2\0\1", 4);
	memcpy(data, buf_data(&out), sizeof(data));
	buf_finish(&out);
	/* A query is no answer. */
	assert_int_equal(judge(&by, data, sizeof(data), detail), PROBE_NO);
	data[3] = 2;
	/* And an answer needs its own sum. */
	assert_int_equal(judge(&by, data, sizeof(data), detail), PROBE_NO);
	assert_int_equal(judge(&by, data, 100, detail), PROBE_MORE);
	/* The sum of zlib over this very answer. */
	memset(data + 10, 0, sizeof(data) - 10);
	memcpy(data, "\0\2\0\2\x6a\x31\x17\x7f\0\0NRPE v4.1.0", 21);
	assert_int_equal(judge(&by, data, sizeof(data), detail), PROBE_YES);
	assert_string_equal(detail, "NRPE v4.1.0");
}

static void test_dns_addresses(void **state)
{
	/* An alias, then one address of each family and a record of no interest. */
	static const char message[] =
		"LZ\x81\x80\0\1\0\4\0\0\0\0\3www\7example\0\0\1\0\1"
		"\xc0\x0c\0\5\0\1\0\0\0\x3c\0\6\3web\xc0\x10"
		"\xc0\x29\0\1\0\1\0\0\0\x3c\0\4\xc6\x33\x64\x0a"
		"\xc0\x29\0\x1c\0\1\0\0\0\x3c\0\x10\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1"
		"\xc0\x29\0\x10\0\1\0\0\0\x3c\0\2\1x";
	const struct probe_job job = {.name = "www.example"};
	const struct probe_talk talk = {.job = &job, .nonce = NONCE};
	struct network addresses[4];
	char text[NETWORK_TEXT_MAX];
	char copy[sizeof(message)];
	size_t n = 0;

	(void)state;
	assert_int_equal(probe_dns_addresses(&talk, (const uint8_t *)message, sizeof(message) - 1,
					     addresses, ARRAY_LEN(addresses), &n),
			 0);
	assert_int_equal(n, 2);
	assert_string_equal(network_format(&addresses[0], text), "198.51.100.10");
	assert_string_equal(network_format(&addresses[1], text), "2001:db8::1");
	assert_int_equal(probe_dns_addresses(&talk, (const uint8_t *)message, sizeof(message) - 1,
					     addresses, 1, &n),
			 0);
	assert_int_equal(n, 1);
	/* Cut anywhere it is malformed, not short. */
	for (size_t len = 0; len < sizeof(message) - 1; len++)
		assert_int_equal(probe_dns_addresses(&talk, (const uint8_t *)message, len,
						     addresses, ARRAY_LEN(addresses), &n),
				 -EPROTO);
	memcpy(copy, message, sizeof(message));
	copy[3] = (char)0x83;
	assert_int_equal(probe_dns_addresses(&talk, (const uint8_t *)copy, sizeof(copy) - 1,
					     addresses, ARRAY_LEN(addresses), &n),
			 -ENOENT);
	copy[3] = (char)0x82;
	assert_int_equal(probe_dns_addresses(&talk, (const uint8_t *)copy, sizeof(copy) - 1,
					     addresses, ARRAY_LEN(addresses), &n),
			 -EAGAIN);
	copy[2] = (char)0x83;
	assert_int_equal(probe_dns_addresses(&talk, (const uint8_t *)copy, sizeof(copy) - 1,
					     addresses, ARRAY_LEN(addresses), &n),
			 -EMSGSIZE);
}

static void test_dns_question(void **state)
{
	const struct probe_job job = {.name = "www.example."};
	const struct probe_talk talk = {.job = &job, .nonce = NONCE};
	struct buf out;

	(void)state;
	buf_init(&out, PROBE_ASK_MAX);
	probe_dns_ask(&talk, 28, &out);
	assert_int_equal(buf_len(&out), 29);
	assert_memory_equal(buf_data(&out), "LZ\1\0\0\1\0\0\0\0\0\0\3www\7example\0\0\x1c\0\1", 29);
	buf_finish(&out);
}

static void test_results_travel(void **state)
{
	struct probe_result result = {.verdict = PROBE_WRONG,
				      .ms = 17,
				      .detail = "a\033[2Jb",
				      .n_addresses = 1,
				      .addresses = {{.family = AF_INET, .bits = 32}}};
	struct probe_result back;
	struct cursor c;
	struct buf out;

	(void)state;
	buf_init(&out, PROBE_RESULT_MAX);
	probe_result_put(&result, &out);
	c = cursor_over(buf_data(&out), buf_len(&out));
	assert_int_equal(probe_result_get(&c, &back), 0);
	assert_int_equal(back.verdict, PROBE_WRONG);
	assert_int_equal(back.ms, 17);
	/* It goes to a terminal. */
	assert_string_equal(back.detail, "a [2Jb");
	assert_int_equal(back.addresses[0].bits, 32);
	for (size_t len = 0; len < buf_len(&out); len++) {
		c = cursor_over(buf_data(&out), len);
		assert_int_equal(probe_result_get(&c, &back), -EPROTO);
	}
	buf_patch_u16(&out, 0, 0x0900); /* a verdict that there is not */
	c = cursor_over(buf_data(&out), buf_len(&out));
	assert_int_equal(probe_result_get(&c, &back), -EPROTO);
	buf_finish(&out);
}

static void test_jobs_travel(void **state)
{
	struct probe_job job = {.check = PROBE_DNS,
				.proto = PROTO_UDP,
				.address = {.family = AF_INET6, .bits = 128, .addr = {0x20, 1}},
				.port = 53,
				.host = "dns.example",
				.name = "www.example",
				.uid = 1234,
				.gid = 77,
				.timeout_ms = 500,
				.in_cell = true,
				.n_servers = 1,
				.servers = {{.family = AF_INET, .bits = 32, .addr = {9}}}};
	struct probe_job back;
	struct cursor c;
	struct buf out;

	(void)state;
	buf_init(&out, PROBE_JOB_MAX);
	probe_job_put(&job, &out);
	c = cursor_over(buf_data(&out), buf_len(&out));
	assert_int_equal(probe_job_get(&c, &back), 0);
	assert_int_equal(back.check, PROBE_DNS);
	assert_int_equal(back.port, 53);
	assert_int_equal(back.uid, 1234);
	assert_int_equal(back.gid, 77);
	assert_string_equal(back.host, "dns.example");
	assert_string_equal(back.name, "www.example");
	assert_int_equal(network_compare(&back.address, &job.address), 0);
	assert_int_equal(network_compare(&back.servers[0], &job.servers[0]), 0);
	buf_finish(&out);
}

/* Every port of every path has its own service: none is taken as "whatever is there". */
static void test_each_port_has_a_check(void **state)
{
	(void)state;
	for (size_t i = 0; i < PATH_COUNT; i++) {
		const struct path_row *row = path_row((enum path_id)i);

		for (size_t k = 0; k < path_n_ports(row); k++) {
			enum probe_check check = probe_check_for((enum path_id)i, &row->ports[k],
								 false);

			assert_int_not_equal(check, PROBE_OPEN);
			assert_true(probe_check_name(check)[0]);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_right_answers), cmocka_unit_test(test_pieces),
		cmocka_unit_test(test_wrong_answers), cmocka_unit_test(test_nonces),
		cmocka_unit_test(test_nrpe),          cmocka_unit_test(test_dns_addresses),
		cmocka_unit_test(test_dns_question),  cmocka_unit_test(test_results_travel),
		cmocka_unit_test(test_jobs_travel),   cmocka_unit_test(test_each_port_has_a_check),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
