/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Clipboard text: what is left of foreign bytes, and the extended messages both ways. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include <cmocka.h>

#include "base/mem.h"
#include "rfb/clipboard.h"

static void assert_cleaned(const char *in, size_t len, const char *expected)
{
	char *text;
	size_t text_len;

	assert_int_equal(clipboard_clean(in, len, &text, &text_len), 0);
	assert_string_equal(text, expected);
	assert_int_equal(text_len, strlen(expected));
	free(text);
}

static void test_clean(void **state)
{
	(void)state;
	assert_cleaned("", 0, "");
	assert_cleaned("a\tb\n", 4, "a\tb\n");
	assert_cleaned("a\r\nb\rc\n\rd\r\r\ne", 14, "a\nb\nc\n\nd\n\ne");
	/* Whatever would speak to a terminal */
	assert_cleaned("a\033[2J\a\b\177b", 9, "a[2Jb");
	assert_cleaned("a\xc2\x9b"
		       "2Jb\xc2\x85",
		       8, "a2Jb");
	/* Invalid bytes become U+FFFD, one for each; what follows is kept. */
	assert_cleaned("a\377\376b", 4, "a\357\277\275\357\277\275b");
	assert_cleaned("\xe2\x82", 2, "\xef\xbf\xbd\xef\xbf\xbd");
	assert_cleaned("\xc0\xaf", 2, "\xef\xbf\xbd\xef\xbf\xbd");
	/* A NUL ends it. */
	assert_cleaned("a\0b", 3, "a");
	assert_cleaned("\xf0\x9f\x98\x80 \xe6\xbc\xa2", 8, "\xf0\x9f\x98\x80 \xe6\xbc\xa2");
}

static void test_clean_limit(void **state)
{
	_cleanup_free_ char *in = malloc(RFB_CLIPBOARD_MAX + 1);
	char *text;
	size_t len;

	(void)state;
	memset(in, 'a', RFB_CLIPBOARD_MAX + 1);
	assert_int_equal(clipboard_clean(in, RFB_CLIPBOARD_MAX, &text, &len), 0);
	assert_int_equal(len, RFB_CLIPBOARD_MAX);
	assert_int_equal(text[len], '\0');
	free(text);
	assert_int_equal(clipboard_clean(in, RFB_CLIPBOARD_MAX + 1, &text, &len), -EFBIG);
	/* What counts is the result: line ends shrink, invalid bytes grow. */
	in[0] = '\r';
	in[1] = '\n';
	assert_int_equal(clipboard_clean(in, RFB_CLIPBOARD_MAX + 1, &text, &len), 0);
	assert_int_equal(len, RFB_CLIPBOARD_MAX);
	free(text);
	memset(in, 0xff, RFB_CLIPBOARD_MAX / 3 + 1);
	assert_int_equal(clipboard_clean(in, RFB_CLIPBOARD_MAX / 3 + 1, &text, &len), -EFBIG);
}

static void test_latin1(void **state)
{
	static const char utf8[] = "a\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\xc3\xbf";
	struct buf out;
	char *text;
	size_t len;

	(void)state;
	assert_int_equal(
		clipboard_clean_latin1((const uint8_t *)"\xe4\x80\033\r\n\xff", 6, &text, &len), 0);
	assert_string_equal(text, "\xc3\xa4\n\xc3\xbf");
	free(text);
	buf_init(&out, 64);
	clipboard_put_latin1(&out, utf8, strlen(utf8));
	assert_int_equal(buf_len(&out), 5);
	assert_memory_equal(buf_data(&out), "a\xe4??\xff", 5);
	assert_int_equal(clipboard_latin1_len(utf8, strlen(utf8)), 5);
	buf_finish(&out);
}

/* --- extended messages ------------------------------------------------------------------------ */

static void put_provide(struct buf *out, uint32_t said_len, const void *text, size_t len)
{
	_cleanup_free_ uint8_t *raw = malloc(4 + len);
	uLongf packed = compressBound(4 + len);
	uint8_t *room;

	raw[0] = (uint8_t)(said_len >> 24);
	raw[1] = (uint8_t)(said_len >> 16);
	raw[2] = (uint8_t)(said_len >> 8);
	raw[3] = (uint8_t)said_len;
	if (len > 0)
		memcpy(raw + 4, text, len);
	buf_put_u32(out, RFB_CLIPBOARD_PROVIDE | RFB_CLIPBOARD_TEXT);
	room = buf_reserve(out, packed);
	assert_non_null(room);
	assert_int_equal(compress(room, &packed, raw, 4 + len), Z_OK);
	buf_added(out, packed);
}

static int parse(struct buf *body, struct clipboard_message *ret_message)
{
	return clipboard_message_parse(buf_data(body), buf_len(body), ret_message);
}

static void test_provide(void **state)
{
	struct clipboard_message m;
	struct buf body;

	(void)state;
	buf_init(&body, CLIPBOARD_WIRE_MAX);
	put_provide(&body, 9, "a\r\nb\033\xc3\xbc\0x", 9);
	assert_int_equal(parse(&body, &m), 0);
	assert_int_equal(m.action, RFB_CLIPBOARD_PROVIDE);
	assert_true(m.has_text);
	assert_string_equal(m.text, "a\nb\xc3\xbc");
	assert_int_equal(m.text_len, 5);
	/* Written again and read again it is the same; on the wire it has CRLF. */
	buf_clear(&body);
	assert_int_equal(clipboard_message_put(&body, &m), 0);
	clipboard_message_finish(&m);
	assert_null(m.text);
	assert_int_equal(parse(&body, &m), 0);
	assert_string_equal(m.text, "a\nb\xc3\xbc");
	clipboard_message_finish(&m);
	buf_finish(&body);
}

static void test_wire_form(void **state)
{
	struct clipboard_message m = {.action = RFB_CLIPBOARD_PROVIDE, .has_text = true};
	uint8_t raw[64];
	uLongf len = sizeof(raw);
	struct buf body;

	(void)state;
	m.text = strdup("a\nb");
	m.text_len = 3;
	buf_init(&body, 256);
	assert_int_equal(clipboard_message_put(&body, &m), 0);
	assert_memory_equal(buf_data(&body), "\x10\0\0\1", 4);
	assert_int_equal(uncompress(raw, &len, buf_data(&body) + 4, buf_len(&body) - 4), Z_OK);
	assert_int_equal(len, 4 + 5);
	assert_memory_equal(raw, "\0\0\0\5a\r\nb", 9);
	clipboard_message_finish(&m);
	buf_finish(&body);
}

static void test_longest(void **state)
{
	_cleanup_free_ char *text = malloc(RFB_CLIPBOARD_MAX + 2);
	struct clipboard_message m;
	struct buf body;

	(void)state;
	memset(text, 'a', RFB_CLIPBOARD_MAX + 2);
	text[RFB_CLIPBOARD_MAX] = '\0';
	buf_init(&body, CLIPBOARD_WIRE_MAX);
	put_provide(&body, RFB_CLIPBOARD_MAX + 1, text, RFB_CLIPBOARD_MAX + 1);
	assert_int_equal(parse(&body, &m), 0);
	assert_int_equal(m.text_len, RFB_CLIPBOARD_MAX);
	clipboard_message_finish(&m);
	text[RFB_CLIPBOARD_MAX] = 'a';
	text[RFB_CLIPBOARD_MAX + 1] = '\0';
	buf_clear(&body);
	put_provide(&body, RFB_CLIPBOARD_MAX + 2, text, RFB_CLIPBOARD_MAX + 2);
	assert_int_equal(parse(&body, &m), -EFBIG);
	buf_finish(&body);
}

/* A small message that says it is gigabytes is refused by its word, not by inflating it. */
static void test_bomb(void **state)
{
	struct clipboard_message m;
	struct buf body;

	(void)state;
	buf_init(&body, CLIPBOARD_WIRE_MAX);
	put_provide(&body, UINT32_MAX, "a", 1);
	assert_int_equal(parse(&body, &m), -EFBIG);
	buf_finish(&body);
}

static void test_malformed(void **state)
{
	struct clipboard_message m;
	struct buf body;

	(void)state;
	buf_init(&body, 4096);
	/* Ends before its text does */
	put_provide(&body, 10, "abc", 3);
	assert_int_equal(parse(&body, &m), -EPROTO);
	/* No zlib at all, none of it, and cut in the middle */
	buf_clear(&body);
	buf_put(&body, "\x10\0\0\1garbage", 11);
	assert_int_equal(parse(&body, &m), -EPROTO);
	buf_truncate(&body, 4);
	assert_int_equal(parse(&body, &m), -EPROTO);
	buf_clear(&body);
	put_provide(&body, 4, "abc", 4);
	buf_truncate(&body, buf_len(&body) - 8);
	assert_int_equal(parse(&body, &m), -EPROTO);
	/* Flags that are cut, no action, two actions */
	assert_int_equal(clipboard_message_parse((const uint8_t *)"\x10\0\0", 3, &m), -EPROTO);
	assert_int_equal(clipboard_message_parse((const uint8_t *)"\0\0\0\1", 4, &m), -EPROTO);
	assert_int_equal(clipboard_message_parse((const uint8_t *)"\x06\0\0\1", 4, &m), -EPROTO);
	/* Sizes of formats that are announced but not there */
	assert_int_equal(clipboard_message_parse((const uint8_t *)"\1\0\0\3\0\0\0\1", 8, &m),
			 -EPROTO);
	buf_finish(&body);
}

static void test_other_formats(void **state)
{
	struct clipboard_message m;
	struct buf out;

	(void)state;
	/* HTML only: nothing for us, and nothing is inflated. */
	assert_int_equal(clipboard_message_parse((const uint8_t *)"\x10\0\0\4junk", 8, &m), 0);
	assert_false(m.has_text);
	assert_null(m.text);
	/* Written on, the other formats are gone. */
	assert_int_equal(clipboard_message_parse((const uint8_t *)"\x08\0\0\x1f", 4, &m), 0);
	buf_init(&out, 64);
	assert_int_equal(clipboard_message_put(&out, &m), 0);
	assert_int_equal(buf_len(&out), 4);
	assert_memory_equal(buf_data(&out), "\x08\0\0\1", 4);
	buf_finish(&out);
}

static void test_caps(void **state)
{
	struct clipboard_message m;
	struct buf out;

	(void)state;
	/* Text up to 4 GiB, HTML up to 5; all actions, and bits that mean nothing */
	assert_int_equal(clipboard_message_parse(
				 (const uint8_t *)"\xff\x80\0\5\xff\xff\xff\xff\0\0\0\5", 12, &m),
			 0);
	assert_int_equal(m.action, RFB_CLIPBOARD_CAPS);
	assert_int_equal(m.text_max, RFB_CLIPBOARD_MAX);
	assert_int_equal(m.actions, RFB_CLIPBOARD_REQUEST | RFB_CLIPBOARD_PEEK |
					    RFB_CLIPBOARD_NOTIFY | RFB_CLIPBOARD_PROVIDE);
	buf_init(&out, 64);
	assert_int_equal(clipboard_message_put(&out, &m), 0);
	assert_int_equal(buf_len(&out), 8);
	assert_memory_equal(buf_data(&out), "\x1f\0\0\1\0\4\0\0", 8);
	buf_finish(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_clean),         cmocka_unit_test(test_clean_limit),
		cmocka_unit_test(test_latin1),        cmocka_unit_test(test_provide),
		cmocka_unit_test(test_wire_form),     cmocka_unit_test(test_longest),
		cmocka_unit_test(test_bomb),          cmocka_unit_test(test_malformed),
		cmocka_unit_test(test_other_formats), cmocka_unit_test(test_caps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
