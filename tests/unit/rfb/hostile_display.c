/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A display that was taken over: a million of its messages, valid ones and ones that were bent, go
 * through the walker in pieces; what comes out must satisfy an independent reader, to the last byte
 * that was let through.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rfb/server_walk.h"
#include "strict.h"

#define MESSAGES 1000000
#define NAME "Lazaret: eve"

static uint64_t seed = 0x9e3779b97f4a7c15;

static unsigned int chance(unsigned int n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (unsigned int)(seed >> 33) % n;
}

static unsigned int width, height, bytes;

static void junk(struct buf *b, size_t n)
{
	while (n--)
		buf_put_u8(b, (uint8_t)chance(256));
}

static void head(struct buf *b, unsigned int x, unsigned int y, unsigned int w, unsigned int h,
		 int32_t encoding)
{
	buf_put_u16(b, (uint16_t)x);
	buf_put_u16(b, (uint16_t)y);
	buf_put_u16(b, (uint16_t)w);
	buf_put_u16(b, (uint16_t)h);
	buf_put_u32(b, (uint32_t)encoding);
}

static void length(struct buf *b, size_t n)
{
	buf_put_u8(b, (uint8_t)((n & 0x7f) | (n > 0x7f ? 0x80 : 0)));
	if (n > 0x7f)
		buf_put_u8(b, (uint8_t)(n >> 7 & 0x7f));
}

static void put_jpeg(struct buf *b, unsigned int w, unsigned int h)
{
	uint8_t start[] = {0xff, 0xd8,   0xff, 0xe0, 0, 4,    1, 2, 0xff, 0xc0, 0, 17,   8, h >> 8,
			   h,    w >> 8, w,    3,    1, 0x22, 0, 2, 0x11, 1,    3, 0x11, 1};
	static const uint8_t scan[] = {0xff, 0xda, 0, 12,   3,    1, 0,    2,    0x11, 3,    0x11,
				       0,    63,   0, 0x12, 0xff, 0, 0xff, 0xd0, 0x34, 0xff, 0xd9};

	length(b, sizeof(start) + sizeof(scan));
	buf_put(b, start, sizeof(start));
	buf_put(b, scan, sizeof(scan));
}

static void put_tight(struct buf *b, unsigned int w, unsigned int h)
{
	unsigned int pixel = bytes == 4 ? 3 : 2, raw = w * h * pixel, colours;

	switch (chance(4)) {
	case 0:
		buf_put_u8(b, (uint8_t)(0x80 | chance(16)));
		junk(b, pixel);
		return;
	case 1:
		buf_put_u8(b, 0x90);
		put_jpeg(b, w, h);
		return;
	case 2:
		colours = 2 + chance(8);
		buf_put_u8(b, (uint8_t)(0x40 | chance(4) << 4));
		buf_put_u8(b, 1);
		buf_put_u8(b, (uint8_t)(colours - 1));
		junk(b, colours * pixel);
		raw = colours == 2 ? (w + 7) / 8 * h : w * h;
		break;
	default:
		buf_put_u8(b, (uint8_t)(chance(4) << 4 | chance(16)));
		break;
	}
	if (raw >= 12) {
		raw = 1 + chance(raw);
		length(b, raw);
	}
	junk(b, raw);
}

/* Bits of H.264: a number is as many zeros as it has bits more than one, and itself (9.1). */
struct bits {
	uint8_t bytes[32];
	unsigned int count;
};

static void put_bits(struct bits *bits, unsigned int value, unsigned int count)
{
	for (; count--; bits->count++) {
		if (value >> count & 1)
			bits->bytes[bits->count / 8] |= (uint8_t)(0x80 >> bits->count % 8);
	}
}

static void put_number(struct bits *bits, unsigned int value)
{
	unsigned int length = 0;

	while ((value + 1) >> (length + 1))
		length++;
	put_bits(bits, 0, length);
	put_bits(bits, value + 1, length + 1);
}

/* Parameter sets of a picture of one macroblock that is cut to the size, or now and then to another. */
static void put_parameters(struct buf *b, unsigned int w, unsigned int h)
{
	static const uint8_t picture[] = {0, 0, 0, 1, 0x68, 0xce, 0x03, 0xbc, 0x80};
	struct bits bits = {.bytes = {66, 0xc0, 41}, .count = 24};

	put_number(&bits, 0);
	put_number(&bits, chance(4));
	put_number(&bits, 2);
	put_number(&bits, 1);
	put_bits(&bits, 0, 1);
	put_number(&bits, chance(20) == 0);
	put_number(&bits, 0);
	put_bits(&bits, 7, 3);
	put_number(&bits, 0);
	put_number(&bits, (16 - w) / 2);
	put_number(&bits, 0);
	put_number(&bits, (16 - h) / 2);
	put_bits(&bits, 1, 2);
	buf_put_u32(b, 1);
	buf_put_u8(b, 0x67);
	buf_put(b, bits.bytes, (bits.count + 7) / 8);
	buf_put(b, picture, sizeof(picture));
}

static void put_h264(struct buf *b, unsigned int w, unsigned int h)
{
	unsigned int flags = chance(4);
	bool key = flags || chance(4) == 0;
	size_t at = buf_len(b);

	buf_put_u32(b, 0);
	buf_put_u32(b, flags);
	if (key)
		put_parameters(b, w, h);
	buf_put_u32(b, 1);
	buf_put_u8(b, key ? 0x65 : 0x41);
	for (unsigned int n = 1 + chance(100); n > 0; n--)
		buf_put_u8(b, (uint8_t)(1 + chance(255)));
	buf_patch_u32(b, at, (uint32_t)(buf_len(b) - at - 8));
}

static void put_rect(struct buf *b)
{
	unsigned int w = 1 + chance(8), h = 1 + chance(8), x, y, n;

	w = MIN(w, width);
	h = MIN(h, height);
	x = chance(width - w + 1);
	y = chance(height - h + 1);
	switch (chance(8)) {
	case 0:
		head(b, x, y, w, h, 0);
		junk(b, w * h * bytes);
		break;
	case 1:
		head(b, x, y, w, h, 1);
		buf_put_u16(b, (uint16_t)chance(width - w + 1));
		buf_put_u16(b, (uint16_t)chance(height - h + 1));
		break;
	case 2:
		n = 1 + chance(w * h * 3);
		head(b, x, y, w, h, 16);
		buf_put_u32(b, n);
		junk(b, n);
		break;
	case 3:
		head(b, 0, 0, w, h, -239);
		junk(b, w * h * bytes + (w + 7) / 8 * h);
		break;
	case 4:
		head(b, w - 1, 0, w, h, -314);
		buf_put_u32(b, 0);
		junk(b, w * h * 4);
		break;
	case 5:
		w = w / 2 * 2 + 2;
		h = h / 2 * 2 + 2;
		head(b, MIN(x, width - w), MIN(y, height - h), w, h, 50);
		put_h264(b, w, h);
		break;
	default:
		head(b, x, y, w, h, 7);
		put_tight(b, w, h);
		break;
	}
}

static void put_sizes(struct buf *b)
{
	unsigned int w = 16 + chance(64), h = 16 + chance(64), n = 1 + chance(3);

	if (chance(2)) {
		head(b, 0, 0, w, h, -223);
	} else {
		head(b, chance(3), 0, w, h, -308);
		buf_put_u8(b, (uint8_t)n);
		buf_put_zero(b, 3);
		for (unsigned int i = 0; i < n; i++) {
			buf_put_u32(b, i + chance(2) * chance(3));
			buf_put_u16(b, 0);
			buf_put_u16(b, 0);
			buf_put_u16(b, (uint16_t)w);
			buf_put_u16(b, (uint16_t)h);
			buf_put_u32(b, 0);
		}
	}
	width = w;
	height = h;
}

static void put_update(struct buf *b)
{
	unsigned int n = 1 + chance(3);
	bool open = chance(4) == 0;

	buf_put_u8(b, 0);
	buf_put_u8(b, (uint8_t)chance(256));
	if (chance(12) == 0) {
		buf_put_u16(b, 1);
		put_sizes(b);
		return;
	}
	if (chance(12) == 0) {
		buf_put_u16(b, 1);
		head(b, 7, 7, 7, 7, chance(2) ? -258 : -316);
		return;
	}
	buf_put_u16(b, open ? 0xffff : (uint16_t)n);
	while (n--)
		put_rect(b);
	if (open)
		head(b, 0, 0, 0, 0, -224);
}

static void put_message(struct buf *b)
{
	unsigned int n = chance(40);

	switch (chance(10)) {
	case 0:
		buf_put_u8(b, 2);
		break;
	case 1:
		buf_put_u8(b, 3);
		buf_put_zero(b, 3);
		buf_put_u32(b, n);
		junk(b, n);
		break;
	case 2:
		buf_put_u8(b, 248);
		buf_put_zero(b, 3);
		buf_put_u32(b, chance(8) | UINT32_C(0x80000000));
		buf_put_u8(b, (uint8_t)n);
		junk(b, n);
		break;
	case 3:
		buf_put_u8(b, 150);
		break;
	default:
		put_update(b);
		break;
	}
}

static void bend(struct buf *b, size_t from)
{
	static const uint8_t edges[] = {0, 1, 0x7f, 0x80, 0xff, 0xfe, 16, 7};
	size_t len = buf_len(b) - from;
	uint8_t *p = (uint8_t *)(uintptr_t)buf_data(b) + from;

	for (unsigned int n = 1 + chance(2); n > 0; n--) {
		/* Mostly where structure is: at the front. */
		size_t i = chance((unsigned int)(chance(3) ? MIN(len, (size_t)20) : len));

		p[i] = chance(2) ? edges[chance(ARRAY_LEN(edges))] : (uint8_t)chance(256);
	}
	if (chance(6) == 0)
		buf_truncate(b, from + chance((unsigned int)len));
}

static const int32_t listed[] = {0,    1,    7,    16,   50,   -223, -224,
				 -239, -314, -308, -312, -313, -258, -316};
static const struct pixel_format sixteen = {16, 16, false, true, 31, 63, 31, 11, 5, 0};

struct totals {
	unsigned long fed, passed, refused, rects[16];
};

static void complain(const struct strict *s, const struct buf *in, const struct buf *out)
{
	fprintf(stderr, "the reader objects: %s\nin:", s->problem);
	for (size_t i = 0; i < MIN(buf_len(in), (size_t)4000); i++)
		fprintf(stderr, " %02x", buf_data(in)[i]);
	fprintf(stderr, "\nout: %zu bytes\n", buf_len(out));
}

static int one_connection(struct buf *in, struct buf *out, struct totals *t)
{
	struct server_walk_policy policy = {.name = NAME, .clipboard_out = chance(2)};
	struct strict s = {.all = chance(8),
			   .jpeg = chance(2),
			   .text = policy.clipboard_out,
			   .bytes_per_pixel = chance(3) ? 4 : 2,
			   .name = NAME};
	static const int32_t quality = -26;
	struct server_walk *walk;
	enum strict_result result;
	bool evil = chance(10);
	size_t fed = 0;
	int r = server_walk_create(&policy, &walk);

	buf_clear(in);
	buf_clear(out);
	if (s.all)
		server_walk_asked_encodings(walk, listed, ARRAY_LEN(listed));
	if (s.jpeg)
		server_walk_asked_encodings(walk, &quality, 1);
	if (s.bytes_per_pixel == 2 && server_walk_asked_format(walk, &sixteen) < 0)
		return -1;
	bytes = (unsigned int)s.bytes_per_pixel;
	width = 16 + chance(64);
	height = 16 + chance(64);
	buf_put_u16(in, (uint16_t)width);
	buf_put_u16(in, (uint16_t)height);
	pixel_format_put(in, &pixel_format_default);
	buf_put_str(in, "x");
	if (bytes == 2 && chance(10)) {
		buf_put_u8(in, 240);
		pixel_format_put(in, &sixteen);
	}
	for (int i = 0; r == 0 && i < 12; i++) {
		size_t from = buf_len(in);

		put_message(in);
		if (evil && chance(6) == 0)
			bend(in, from);
		t->fed++;
		while (r == 0 && fed < buf_len(in)) {
			size_t n = MIN(buf_len(in) - fed, (size_t)1 + chance(chance(4) ? 64 : 3));

			r = server_walk_feed(walk, buf_data(in) + fed, n, out);
			fed += n;
		}
	}
	t->refused += r < 0;
	result = strict_read(&s, buf_data(out), buf_len(out));
	t->passed += s.messages;
	for (size_t i = 0; i < ARRAY_LEN(t->rects); i++)
		t->rects[i] += s.rects[i];
	if (r == 0 && server_walk_at_boundary(walk) && result == STRICT_CUT) {
		s.problem = "a message that is not whole";
		result = STRICT_BAD;
	}
	server_walk_destroy(walk);
	if (result != STRICT_BAD)
		return 0;
	complain(&s, in, out);
	return -1;
}

int main(void)
{
	_cleanup_buf_ struct buf in, out;
	struct totals t = {0};
	int r = 0;

	buf_init(&in, 1 << 22);
	buf_init(&out, 1 << 23);
	while (r == 0 && t.fed < MESSAGES)
		r = one_connection(&in, &out, &t);
	printf("%lu messages fed, %lu passed whole, %lu connections refused\nby kind:", t.fed,
	       t.passed, t.refused);
	for (size_t i = 0; i < 15; i++) {
		printf(" %lu", t.rects[i]);
		/* A kind that never passes would prove nothing. */
		if (t.rects[i] == 0)
			r = -1;
	}
	printf("\n");
	return r == 0 && t.passed > MESSAGES / 4 && t.refused > 1000 ? 0 : 1;
}
