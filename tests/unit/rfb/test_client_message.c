/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Viewers' messages: byte by byte, at and past each limit, and in the canonical form. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "rfb/client_message.h"

static struct client_message message;

struct wire {
	struct buf bytes;
	struct client_parser parser;
};

static int set_up(void **state)
{
	struct wire *wire = calloc(1, sizeof(*wire));

	assert_non_null(wire);
	buf_init(&wire->bytes, CLIENT_MESSAGE_MAX);
	*state = wire;
	return 0;
}

static int tear_down(void **state)
{
	struct wire *wire = *state;

	buf_finish(&wire->bytes);
	free(wire);
	return 0;
}

/* One whole message in `bytes`: fed byte by byte, it is there with the last one and not before. */
static void parse_bytewise(struct wire *wire, const void *bytes, size_t len)
{
	const uint8_t *p = bytes;

	for (size_t i = 0; i < len; i++) {
		buf_put_u8(&wire->bytes, p[i]);
		assert_int_equal(client_parser_next(&wire->parser, &wire->bytes, &message),
				 i + 1 == len);
	}
	assert_int_equal(buf_len(&wire->bytes), 0);
}

static void assert_canonical(const void *expected, size_t len)
{
	struct buf out;

	buf_init(&out, CLIENT_MESSAGE_MAX);
	assert_int_equal(client_message_put(&out, &message), 0);
	assert_int_equal(buf_len(&out), len);
	assert_memory_equal(buf_data(&out), expected, len);
	buf_finish(&out);
}

static void assert_malformed(struct wire *wire, const void *bytes, size_t len)
{
	buf_put(&wire->bytes, bytes, len);
	assert_int_equal(client_parser_next(&wire->parser, &wire->bytes, &message), -EPROTO);
	assert_non_null(wire->parser.reason);
}

/* What a viewer may leave in padding, flags and masks does not get through. */
static void test_canonical(void **state)
{
	static const struct {
		const char *name;
		size_t len;
		const char *in, *out;
	} cases[] = {
		{"pixel format", 20, "\0xyz\x20\x18\7\7\0\xff\0\xff\0\xff\x10\x8\0abc",
		 "\0\0\0\0\x20\x18\1\1\0\xff\0\xff\0\xff\x10\x8\0\0\0\0"},
		{"encodings", 12, "\2x\0\2\0\0\0\7\xff\xff\xff\x20",
		 "\2\0\0\2\0\0\0\7\xff\xff\xff\x20"},
		{"update request", 10, "\3\x80\0\1\0\2\0\3\0\4", "\3\1\0\1\0\2\0\3\0\4"},
		{"key", 8, "\4\2xy\0\0\xff\x0d", "\4\1\0\0\0\0\xff\x0d"},
		{"pointer", 6, "\5\xff\1\2\3\4", "\5\x7f\1\2\3\4"},
		{"continuous updates", 10, "\x96\7\0\1\0\2\0\3\0\4", "\x96\1\0\1\0\2\0\3\0\4"},
		{"fence", 12, "\xf8xyz\xff\xff\xff\xff\3abc", "\xf8\0\0\0\x80\0\0\7\3abc"},
		{"desktop size", 24, "\xfbx\4\0\3\0\1x\0\0\0\1\0\2\0\3\4\0\3\0\0\0\0\5",
		 "\xfb\0\4\0\3\0\1\0\0\0\0\1\0\2\0\3\4\0\3\0\0\0\0\5"},
		{"QEMU key", 12, "\xff\0\x80\0\0\0\0\x61\0\0\0\x1e",
		 "\xff\0\0\1\0\0\0\x61\0\0\0\x1e"},
		{"text", 11,
		 "\6xyz\0\0\0\3a\xfc"
		 "b",
		 "\6\0\0\0\0\0\0\3a\xfc"
		 "b"},
	};
	struct wire *wire = *state;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		print_message("%s\n", cases[i].name);
		parse_bytewise(wire, cases[i].in, cases[i].len);
		assert_canonical(cases[i].out, cases[i].len);
		client_message_finish(&message);
	}
}

static void test_values(void **state)
{
	struct wire *wire = *state;

	parse_bytewise(wire, "\5\x05\1\2\3\4", 6);
	assert_int_equal(message.type, RFB_POINTER_EVENT);
	assert_int_equal(message.pointer.buttons, 5);
	assert_int_equal(message.pointer.x, 0x102);
	assert_int_equal(message.pointer.y, 0x304);
	parse_bytewise(wire, "\xff\0\0\1\0\0\0\x61\0\0\0\x1e", 12);
	assert_int_equal(message.type, RFB_QEMU_CLIENT);
	assert_true(message.key.down);
	assert_int_equal(message.key.keysym, 0x61);
	assert_int_equal(message.key.keycode, 0x1e);
	/* A plain key after it does not keep the scancode. */
	parse_bytewise(wire, "\4\1\0\0\0\0\0\x62", 8);
	assert_int_equal(message.key.keycode, 0);
	parse_bytewise(wire, "\xfb\0\4\0\3\0\1\0\0\0\0\1\0\2\0\3\4\0\3\0\0\0\0\5", 24);
	assert_int_equal(message.desktop_size.width, 1024);
	assert_int_equal(message.desktop_size.screens[0].id, 1);
	assert_int_equal(message.desktop_size.screens[0].y, 3);
	assert_int_equal(message.desktop_size.screens[0].height, 768);
}

/* The long form is one only when it was agreed, and then buttons 8 and 9 are all it may add. */
static void test_long_pointer(void **state)
{
	struct wire *wire = *state;

	wire->parser.extended_buttons = true;
	parse_bytewise(wire, "\5\x81\1\2\3\4\xff", 7);
	assert_int_equal(message.pointer.buttons, 0x181);
	assert_canonical("\5\x81\1\2\3\4\3", 7);
	parse_bytewise(wire, "\5\x80\1\2\3\4\1", 7);
	assert_canonical("\5\x80\1\2\3\4\1", 7);
	parse_bytewise(wire, "\5\x01\1\2\3\4", 6);
	assert_int_equal(message.pointer.buttons, 1);
	assert_canonical("\5\1\1\2\3\4", 6);
}

static void test_several_at_once(void **state)
{
	struct wire *wire = *state;

	buf_put(&wire->bytes, "\4\1\0\0\0\0\0\x61\4\0\0\0\0\0\0\x61\4\1", 18);
	assert_int_equal(client_parser_next(&wire->parser, &wire->bytes, &message), 1);
	assert_true(message.key.down);
	assert_int_equal(client_parser_next(&wire->parser, &wire->bytes, &message), 1);
	assert_false(message.key.down);
	assert_int_equal(client_parser_next(&wire->parser, &wire->bytes, &message), 0);
	assert_int_equal(buf_len(&wire->bytes), 2);
}

static void put_encodings(struct buf *out, uint16_t count)
{
	buf_put(out, "\2\0", 2);
	buf_put_u16(out, count);
	for (int i = 0; i < count; i++)
		buf_put_u32(out, (uint32_t)i);
}

static void test_encodings_limit(void **state)
{
	struct wire *wire = *state;

	put_encodings(&wire->bytes, RFB_ENCODINGS_MAX);
	assert_int_equal(client_parser_next(&wire->parser, &wire->bytes, &message), 1);
	assert_int_equal(message.encodings.count, RFB_ENCODINGS_MAX);
	assert_int_equal(message.encodings.list[RFB_ENCODINGS_MAX - 1], RFB_ENCODINGS_MAX - 1);
	/* Refused by the count alone, before anything is awaited. */
	buf_put(&wire->bytes, "\2\0\1\1", 4);
	assert_int_equal(client_parser_next(&wire->parser, &wire->bytes, &message), -EPROTO);
}

static void test_screens_limit(void **state)
{
	struct wire *wire = *state;

	buf_put(&wire->bytes, "\xfb\0\4\0\3\0\x10\0", 8);
	buf_put_zero(&wire->bytes, 16 * 16);
	assert_int_equal(client_parser_next(&wire->parser, &wire->bytes, &message), 1);
	assert_int_equal(message.desktop_size.count, RFB_SCREENS_MAX);
	assert_malformed(wire, "\xfb\0\4\0\3\0\x11\0", 8);
}

static void test_fence_limit(void **state)
{
	struct wire *wire = *state;

	buf_put(&wire->bytes, "\xf8\0\0\0\0\0\0\0\x40", 9);
	buf_put_zero(&wire->bytes, 64);
	assert_int_equal(client_parser_next(&wire->parser, &wire->bytes, &message), 1);
	assert_int_equal(message.fence.len, RFB_FENCE_PAYLOAD_MAX);
	assert_malformed(wire, "\xf8\0\0\0\0\0\0\0\x41", 9);
}

static void test_refused(void **state)
{
	static const struct {
		const char *name;
		size_t len;
		const char *bytes;
	} cases[] = {
		{"unknown type", 1, "\1"},
		{"type of a server's message", 1, "\x7f"},
		{"a palette", 20, "\0\0\0\0\x8\x8\0\0\0\x7\0\x7\0\x3\0\x3\x6\0\0\0"},
		{"24 bits a pixel", 20, "\0\0\0\0\x18\x18\0\1\0\xff\0\xff\0\xff\x10\x8\0\0\0\0"},
		{"a shift past the pixel", 20,
		 "\0\0\0\0\x20\x18\0\1\0\xff\0\xff\0\xff\x20\x8\0\0\0\0"},
		{"colours that overlap", 20,
		 "\0\0\0\0\x20\x18\0\1\0\xff\0\xff\0\xff\x10\xc\0\0\0\0"},
		{"a maximum that is no mask", 20,
		 "\0\0\0\0\x20\x18\0\1\0\xfe\0\xff\0\xff\x10\x8\0\0\0\0"},
		{"QEMU audio", 2, "\xff\1"},
		{"extended clipboard, never announced", 8, "\6\0\0\0\xff\xff\xff\xfc"},
		{"a text of 64 MiB and a byte", 8, "\6\0\0\0\4\0\0\1"},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct wire *wire = *state;

		print_message("%s\n", cases[i].name);
		assert_malformed(wire, cases[i].bytes, cases[i].len);
		wire->parser = (struct client_parser){0};
		buf_clear(&wire->bytes);
	}
}

/* The most negative length is a length like any other: too long. */
static void test_most_negative_text(void **state)
{
	struct wire *wire = *state;

	wire->parser.extended_clipboard = true;
	assert_malformed(wire, "\6\0\0\0\x80\0\0\0", 8);
}

static void test_longest_text(void **state)
{
	struct wire *wire = *state;
	uint8_t *text = malloc(RFB_CLIPBOARD_MAX);

	memset(text, 'a', RFB_CLIPBOARD_MAX);
	buf_put(&wire->bytes, "\6\0\0\0\0\4\0\0", 8);
	buf_put(&wire->bytes, text, RFB_CLIPBOARD_MAX);
	assert_int_equal(client_parser_next(&wire->parser, &wire->bytes, &message), 1);
	assert_false(message.cut_text.too_long);
	assert_int_equal(message.cut_text.message.text_len, RFB_CLIPBOARD_MAX);
	client_message_finish(&message);
	/* As many letters that take two bytes in UTF-8 are too many. */
	memset(text, 0xe4, RFB_CLIPBOARD_MAX);
	buf_put(&wire->bytes, "\6\0\0\0\0\4\0\0", 8);
	buf_put(&wire->bytes, text, RFB_CLIPBOARD_MAX);
	assert_int_equal(client_parser_next(&wire->parser, &wire->bytes, &message), 1);
	assert_true(message.cut_text.too_long);
	assert_null(message.cut_text.message.text);
	free(text);
}

/* A text that is too long is read past in pieces, told once, and what follows it is understood. */
static void test_skipped_text(void **state)
{
	struct wire *wire = *state;
	size_t left = RFB_CLIPBOARD_MAX + 1;
	struct buf out;

	buf_put(&wire->bytes, "\6\0\0\0\0\4\0\1", 8);
	assert_int_equal(client_parser_next(&wire->parser, &wire->bytes, &message), 0);
	while (left > 0) {
		size_t n = MIN(left, (size_t)1000);

		assert_int_equal(buf_len(&wire->bytes), 0);
		buf_put_zero(&wire->bytes, n);
		left -= n;
		assert_int_equal(client_parser_next(&wire->parser, &wire->bytes, &message),
				 left == 0);
	}
	assert_int_equal(message.type, RFB_CLIENT_CUT_TEXT);
	assert_true(message.cut_text.too_long);
	assert_false(message.cut_text.extended);
	buf_init(&out, 64);
	assert_int_equal(client_message_put(&out, &message), 0);
	assert_int_equal(buf_len(&out), 0);
	buf_finish(&out);
	client_message_finish(&message);
	parse_bytewise(wire, "\4\1\0\0\0\0\0\x61", 8);
	assert_int_equal(message.type, RFB_KEY_EVENT);
}

#define WIRE_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WIRE_TEST(test_canonical),          WIRE_TEST(test_values),
		WIRE_TEST(test_long_pointer),       WIRE_TEST(test_several_at_once),
		WIRE_TEST(test_encodings_limit),    WIRE_TEST(test_screens_limit),
		WIRE_TEST(test_fence_limit),        WIRE_TEST(test_refused),
		WIRE_TEST(test_most_negative_text), WIRE_TEST(test_longest_text),
		WIRE_TEST(test_skipped_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
