/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The negotiation, and the credentials inside TLS: one way through, every other one refused. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "rfb/vencrypt.h"

struct talk {
	struct vencrypt vencrypt;
	struct buf in, out;
};

static int set_up(void **state)
{
	struct talk *talk = calloc(1, sizeof(*talk));

	assert_non_null(talk);
	buf_init(&talk->in, VENCRYPT_BUFFER_MAX);
	buf_init(&talk->out, 4096);
	*state = talk;
	return 0;
}

static int tear_down(void **state)
{
	struct talk *talk = *state;

	buf_finish(&talk->in);
	buf_finish(&talk->out);
	free(talk);
	return 0;
}

static enum vencrypt_result say(struct talk *talk, const char *bytes, size_t len)
{
	buf_put(&talk->in, bytes, len);
	return vencrypt_feed(&talk->vencrypt, &talk->in, &talk->out);
}

static void assert_hears(struct talk *talk, const char *bytes, size_t len)
{
	assert_int_equal(buf_len(&talk->out), len);
	assert_memory_equal(buf_data(&talk->out), bytes, len);
	buf_clear(&talk->out);
}

static const struct {
	const char *bytes;
	size_t len;
	const char *answer;
	size_t answer_len;
} steps[] = {
	{"RFB 003.008\n", 12, "\1\x13", 2},
	{"\x13", 1, "\0\2", 2},
	{"\0\2", 2, "\0\1\0\0\1\6", 6},
	{"\0\0\1\6", 4, "\1", 1},
};

/* As far as before step `n`. */
static void walk_to(struct talk *talk, size_t n)
{
	buf_clear(&talk->in);
	buf_clear(&talk->out);
	vencrypt_start(&talk->vencrypt, &talk->out);
	assert_hears(talk, "RFB 003.008\n", 12);
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(say(talk, steps[i].bytes, steps[i].len),
				 i + 1 < ARRAY_LEN(steps) ? VENCRYPT_MORE : VENCRYPT_TLS);
		assert_hears(talk, steps[i].answer, steps[i].answer_len);
	}
}

static void test_the_way_through(void **state)
{
	struct talk *talk = *state;

	walk_to(talk, ARRAY_LEN(steps));
	assert_int_equal(buf_len(&talk->in), 0);
	/* Nothing is left to be said in the clear. */
	assert_int_equal(say(talk, "x", 1), VENCRYPT_REFUSED);
	assert_int_equal(buf_len(&talk->out), 0);
}

static void test_bytewise(void **state)
{
	struct talk *talk = *state;

	walk_to(talk, 0);
	for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
		for (size_t j = 0; j + 1 < steps[i].len; j++) {
			assert_int_equal(say(talk, steps[i].bytes + j, 1), VENCRYPT_MORE);
			assert_int_equal(buf_len(&talk->out), 0);
		}
		assert_int_equal(say(talk, steps[i].bytes + steps[i].len - 1, 1),
				 i + 1 < ARRAY_LEN(steps) ? VENCRYPT_MORE : VENCRYPT_TLS);
		assert_hears(talk, steps[i].answer, steps[i].answer_len);
	}
}

/* A byte ahead of its question ends it at each step, with nothing said that a client could take. */
static void test_speaks_ahead(void **state)
{
	struct talk *talk = *state;
	char bytes[16];

	for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
		walk_to(talk, i);
		memcpy(bytes, steps[i].bytes, steps[i].len);
		bytes[steps[i].len] = i == 0 ? '\x13' : '\0';
		assert_int_equal(say(talk, bytes, steps[i].len + 1), VENCRYPT_REFUSED);
		assert_non_null(talk->vencrypt.reason);
		assert_int_equal(buf_len(&talk->out), 0);
	}
}

static void test_garbage_at_its_first_byte(void **state)
{
	struct talk *talk = *state;

	walk_to(talk, 0);
	assert_int_equal(say(talk, "G", 1), VENCRYPT_REFUSED);
	walk_to(talk, 0);
	assert_int_equal(say(talk, "RFB 003.0x", 10), VENCRYPT_REFUSED);
	walk_to(talk, 0);
	assert_int_equal(say(talk, "RFB 003.008\r", 12), VENCRYPT_REFUSED);
	assert_int_equal(buf_len(&talk->out), 0);
}

/* RFC 6143 7.1.2 and appendix A: a count of zero, or in 3.3 a type of zero, then a reason. */
static void test_old_versions(void **state)
{
	struct talk *talk = *state;

	walk_to(talk, 0);
	assert_int_equal(say(talk, "RFB 003.007\n", 12), VENCRYPT_REFUSED);
	assert_int_equal(buf_data(&talk->out)[0], 0);
	assert_int_equal(buf_len(&talk->out), 1 + 4 + buf_data(&talk->out)[4]);
	walk_to(talk, 0);
	assert_int_equal(say(talk, "RFB 003.003\n", 12), VENCRYPT_REFUSED);
	assert_memory_equal(buf_data(&talk->out), "\0\0\0\0", 4);
	assert_int_equal(buf_len(&talk->out), 4 + 4 + buf_data(&talk->out)[7]);
}

static void test_types_not_offered(void **state)
{
	struct talk *talk = *state;

	for (int type = 0; type < 256; type++) {
		char byte = (char)type;

		if (type == 0x13)
			continue;
		walk_to(talk, 1);
		assert_int_equal(say(talk, &byte, 1), VENCRYPT_REFUSED);
		assert_memory_equal(buf_data(&talk->out), "\0\0\0\1", 4);
	}
}

static void test_other_inner_versions(void **state)
{
	struct talk *talk = *state;

	walk_to(talk, 2);
	assert_int_equal(say(talk, "\0\1", 2), VENCRYPT_REFUSED);
	assert_hears(talk, "\xff", 1);
	walk_to(talk, 2);
	assert_int_equal(say(talk, "\1\2", 2), VENCRYPT_REFUSED);
	assert_hears(talk, "\xff", 1);
}

static void test_subtypes_not_offered(void **state)
{
	struct talk *talk = *state;

	/* Plain, TLSNone to X509Vnc but X509Plain, SASL, and X509Plain in the other byte order */
	for (uint32_t subtype = 256; subtype < 266; subtype++) {
		char bytes[4] = {0, 0, 1, (char)(subtype & 0xff)};

		if (subtype == 262)
			continue;
		walk_to(talk, 3);
		assert_int_equal(say(talk, bytes, 4), VENCRYPT_REFUSED);
		assert_hears(talk, "\0", 1);
	}
	walk_to(talk, 3);
	assert_int_equal(say(talk, "\6\1\0\0", 4), VENCRYPT_REFUSED);
}

/* --- credentials ------------------------------------------------------------------------------ */

static int read_plain(struct talk *talk, const char *user, size_t user_len, const char *password,
		      size_t password_len, struct vencrypt_credentials *ret,
		      const char **ret_reason)
{
	*ret_reason = NULL;
	buf_clear(&talk->in);
	buf_put_u32(&talk->in, (uint32_t)user_len);
	buf_put_u32(&talk->in, (uint32_t)password_len);
	buf_put(&talk->in, user, user_len);
	buf_put(&talk->in, password, password_len);
	assert_int_equal(buf_error(&talk->in), 0);
	return vencrypt_read_plain(&talk->in, ret, ret_reason);
}

static void test_credentials(void **state)
{
	static const char bytes[] = "\0\0\0\5\0\0\0\6aliceSe cr\xe4";
	struct vencrypt_credentials found;
	struct talk *talk = *state;
	const char *reason = NULL;

	for (size_t i = 0; i + 1 < sizeof(bytes); i++) {
		buf_put_u8(&talk->in, (uint8_t)bytes[i]);
		assert_int_equal(vencrypt_read_plain(&talk->in, &found, &reason),
				 i + 2 == sizeof(bytes));
	}
	assert_string_equal(found.user, "alice");
	/* A password is bytes: PAM knows what they are. */
	assert_string_equal(found.password, "Se cr\xe4");
	assert_int_equal(buf_len(&talk->in), 0);
	vencrypt_credentials_finish(&found);
	assert_null(found.password);
}

static void test_credentials_limits(void **state)
{
	char user[VENCRYPT_USER_MAX + 1], password[VENCRYPT_PASSWORD_MAX + 1];
	struct vencrypt_credentials found;
	struct talk *talk = *state;
	const char *reason = NULL;

	memset(user, 'u', sizeof(user));
	memset(password, 'p', sizeof(password));
	assert_int_equal(read_plain(talk, user, VENCRYPT_USER_MAX, password, VENCRYPT_PASSWORD_MAX,
				    &found, &reason),
			 1);
	assert_int_equal(strlen(found.user), VENCRYPT_USER_MAX);
	assert_int_equal(strlen(found.password), VENCRYPT_PASSWORD_MAX);
	vencrypt_credentials_finish(&found);
	/* Past them, refused by the lengths alone: nothing of it is awaited. */
	buf_clear(&talk->in);
	buf_put(&talk->in, "\0\0\1\1", 4);
	assert_int_equal(vencrypt_read_plain(&talk->in, &found, &reason), -EPROTO);
	assert_non_null(reason);
	buf_clear(&talk->in);
	reason = NULL;
	buf_put(&talk->in, "\0\0\0\1\0\0\4\1", 8);
	assert_int_equal(vencrypt_read_plain(&talk->in, &found, &reason), -EPROTO);
	assert_non_null(reason);
	buf_clear(&talk->in);
	buf_put(&talk->in, "\xff\xff\xff\xff\xff\xff\xff\xff", 8);
	assert_int_equal(vencrypt_read_plain(&talk->in, &found, &reason), -EPROTO);
}

static void test_credentials_refused(void **state)
{
	static const struct {
		const char *name, *user, *password;
		size_t user_len, password_len;
	} cases[] = {
		{"no name", "", "x", 0, 1},
		{"a NUL in the name", "al\0ice", "x", 6, 1},
		{"a NUL in the password", "alice", "x\0y", 5, 3},
		{"a line end in the name", "alice\nroot", "x", 10, 1},
		{"an escape in the name", "al\033[2J", "x", 6, 1},
		{"not UTF-8", "al\xffice", "x", 6, 1},
		{"an overlong form", "\xc0\xaf", "x", 2, 1},
		{"a surrogate", "\xed\xa0\x80", "x", 3, 1},
	};
	struct vencrypt_credentials found;
	struct talk *talk = *state;
	const char *reason;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		print_message("%s\n", cases[i].name);
		assert_int_equal(read_plain(talk, cases[i].user, cases[i].user_len,
					    cases[i].password, cases[i].password_len, &found,
					    &reason),
				 -EPROTO);
		assert_non_null(reason);
	}
	/* More than was asked for */
	buf_clear(&talk->in);
	buf_put(&talk->in, "\0\0\0\1\0\0\0\1abc", 11);
	assert_int_equal(vencrypt_read_plain(&talk->in, &found, &reason), -EPROTO);
	/* An empty password is for the login to refuse, as any wrong one. */
	assert_int_equal(read_plain(talk, "alice", 5, "", 0, &found, &reason), 1);
	assert_string_equal(found.password, "");
	vencrypt_credentials_finish(&found);
}

static void test_result(void **state)
{
	struct talk *talk = *state;
	char reason[VENCRYPT_REASON_MAX + 2];

	vencrypt_put_result(&talk->out, NULL);
	assert_hears(talk, "\0\0\0\0", 4);
	vencrypt_put_result(&talk->out, "No.");
	assert_hears(talk, "\0\0\0\1\0\0\0\3No.", 11);
	/* Cut between characters: the last "ä" does not fit whole. */
	memset(reason, 'a', sizeof(reason));
	memcpy(reason + VENCRYPT_REASON_MAX - 1, "\xc3\xa4", 3);
	vencrypt_put_result(&talk->out, reason);
	assert_int_equal(buf_len(&talk->out), 8 + VENCRYPT_REASON_MAX - 1);
	assert_int_equal(buf_data(&talk->out)[7], VENCRYPT_REASON_MAX - 1);
}

#define TALK_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TALK_TEST(test_the_way_through),      TALK_TEST(test_bytewise),
		TALK_TEST(test_speaks_ahead),         TALK_TEST(test_garbage_at_its_first_byte),
		TALK_TEST(test_old_versions),         TALK_TEST(test_types_not_offered),
		TALK_TEST(test_other_inner_versions), TALK_TEST(test_subtypes_not_offered),
		TALK_TEST(test_credentials),          TALK_TEST(test_credentials_limits),
		TALK_TEST(test_credentials_refused),  TALK_TEST(test_result),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
