/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "strict.h"

#include <setjmp.h>
#include <string.h>

static const uint8_t *at, *end;
static jmp_buf out;

static void bad(struct strict *s, const char *problem)
{
	s->problem = problem;
	longjmp(out, STRICT_BAD);
}

static const uint8_t *take(uint64_t n)
{
	const uint8_t *p = at;

	if (n > (uint64_t)(end - at))
		longjmp(out, STRICT_CUT);
	at += n;
	return p;
}

static unsigned int u8(void)
{
	return *take(1);
}

static unsigned int u16(void)
{
	const uint8_t *p = take(2);

	return (unsigned int)(p[0] << 8 | p[1]);
}

static uint32_t u32(void)
{
	uint32_t high = u16();

	return high << 16 | u16();
}

static void zero(struct strict *s, unsigned int n)
{
	while (n--)
		if (u8() != 0)
			bad(s, "padding that is not zero");
}

struct box {
	unsigned int x, y, w, h;
};

static void no_box(struct strict *s, const struct box *b)
{
	if (b->x || b->y || b->w || b->h)
		bad(s, "a rectangle where none belongs");
}

/* SOI, then segments up to SOF0, whose size must be the rectangle's; EOI last. */
static void jpeg(struct strict *s, const struct box *b, const uint8_t *p, size_t len)
{
	size_t i = 2;

	if (len < 4 || p[0] != 0xff || p[1] != 0xd8 || p[len - 2] != 0xff || p[len - 1] != 0xd9)
		bad(s, "JPEG without its ends");
	while (i + 9 < len && p[i] == 0xff && p[i + 1] != 0xc0)
		i += 2 + ((size_t)p[i + 2] << 8 | p[i + 3]);
	if (i + 9 >= len || p[i] != 0xff || (unsigned int)(p[i + 5] << 8 | p[i + 6]) != b->h ||
	    (unsigned int)(p[i + 7] << 8 | p[i + 8]) != b->w)
		bad(s, "JPEG of another size");
	for (i += 2; i + 1 < len; i++) {
		if (p[i] == 0xff && (p[i + 1] == 0xc0 || p[i + 1] == 0xc2 || p[i + 1] == 0xd8))
			bad(s, "a second picture inside a JPEG");
	}
}

/* Units behind start codes: parameter sets, if at all, then one slice and nothing more. */
static void h264(struct strict *s, const uint8_t *p, size_t len)
{
	char units[8] = "";
	size_t n = 0;

	for (size_t i = 2; i + 1 < len; i++) {
		if (p[i - 2] == 0 && p[i - 1] == 0 && p[i] == 1 && n < sizeof(units) - 1)
			units[n++] = (char)('0' + (p[i + 1] & 0x1f));
	}
	if (strcmp(units, "1") != 0 && strcmp(units, "785") != 0)
		bad(s, "units of H.264");
}

static size_t compact(void)
{
	size_t v = u8(), more;

	if (!(v & 0x80))
		return v;
	more = u8();
	v = (v & 0x7f) | (more & 0x7f) << 7;
	return more & 0x80 ? v | (size_t)u8() << 14 : v;
}

static void tight(struct strict *s, const struct box *b)
{
	unsigned int control = u8() >> 4, pixel = s->bytes_per_pixel == 4 ? 3 : 2;
	uint64_t raw = (uint64_t)b->w * b->h * pixel;
	size_t len;

	if (b->w > 2048)
		bad(s, "Tight wider than 2048");
	if (control == 8) {
		take(pixel);
		return;
	}
	if (control == 9) {
		if (!s->jpeg)
			bad(s, "JPEG that was not asked for");
		len = compact();
		if (len == 0 || len > 6 * (uint64_t)b->w * b->h + 8192)
			bad(s, "JPEG of impossible length");
		jpeg(s, b, take(len), len);
		return;
	}
	if (control > 7)
		bad(s, "Tight control");
	if (control & 4) {
		unsigned int filter = u8();

		if (filter > 1)
			bad(s, "Tight filter");
		if (filter == 1) {
			unsigned int colours = u8() + 1;

			if (colours < 2)
				bad(s, "Tight palette");
			take(colours * pixel);
			raw = colours == 2 ? (uint64_t)((b->w + 7) / 8) * b->h
					   : (uint64_t)b->w * b->h;
		}
	}
	if (raw < 12) {
		take(raw);
		return;
	}
	len = compact();
	if (len == 0 || len > raw + raw / 4 + 256)
		bad(s, "Tight length");
	take(len);
}

static void screens(struct strict *s, const struct box *b)
{
	uint32_t ids[255];
	unsigned int n = u8();

	zero(s, 3);
	if (b->x > 2 || b->y > 3 || n == 0 || n > 16)
		bad(s, "screens");
	if (b->y && (b->w != s->width || b->h != s->height))
		bad(s, "a refusal that changes the size");
	s->width = b->w;
	s->height = b->h;
	for (unsigned int i = 0; i < n; i++) {
		unsigned int x, y, w, h;

		ids[i] = u32();
		x = u16(), y = u16(), w = u16(), h = u16();
		u32();
		if (!w || !h || x + w > s->width || y + h > s->height)
			bad(s, "a screen outside");
		for (unsigned int j = 0; j < i; j++)
			if (ids[j] == ids[i])
				bad(s, "two screens with one id");
	}
}

static void text(struct strict *s, uint32_t len)
{
	take(0);
	if (len > 256 * 1024)
		bad(s, "text too long");
	for (const uint8_t *p = take(len), *stop = p + len; p < stop; p++)
		if ((*p < 0x20 && *p != '\n' && *p != '\t') || (*p >= 0x7f && *p < 0xa0))
			bad(s, "control characters");
}

static void cursor(struct strict *s, const struct box *b, bool alpha)
{
	uint64_t area = (uint64_t)b->w * b->h;

	if (b->w > 256 || b->h > 256 || (area ? b->x >= b->w || b->y >= b->h : b->x | b->y))
		bad(s, "cursor");
	if (alpha) {
		if (u32() != 0)
			bad(s, "cursor that is not Raw");
		take(area * 4);
	} else {
		take(area * (unsigned int)s->bytes_per_pixel +
		     (area ? (uint64_t)((b->w + 7) / 8) * b->h : 0));
	}
}

/* True if it was the last one. */
static bool rectangle(struct strict *s, bool *pixels, bool *size)
{
	struct box b = {u16(), u16(), u16(), u16()};
	int32_t encoding = (int32_t)u32();
	bool is_pixels = encoding >= 0;

	if (encoding != 0 && !s->all)
		bad(s, "an encoding that was not listed");
	if (is_pixels && (!b.w || !b.h || b.x + b.w > s->width || b.y + b.h > s->height))
		bad(s, "pixels outside");
	*pixels |= is_pixels;
	*size |= encoding == -223 || encoding == -308;
	if (*pixels && *size)
		bad(s, "pixels with a size");
	switch (encoding) {
	case 0:
		take((uint64_t)b.w * b.h * (unsigned int)s->bytes_per_pixel);
		s->rects[0]++;
		break;
	case 1:
		if (u16() + b.w > s->width || u16() + b.h > s->height)
			bad(s, "a copy from outside");
		s->rects[1]++;
		break;
	case 7:
		tight(s, &b);
		s->rects[2]++;
		break;
	case 16: {
		uint32_t len = u32();

		if (len == 0 || len > (uint64_t)b.w * b.h * 6 + 1024)
			bad(s, "ZRLE length");
		take(len);
		s->rects[3]++;
		break;
	}
	case 50: {
		/* The raw picture, and as much again: more no encoder makes. */
		uint32_t len = u32();

		if (u32() & ~UINT32_C(3))
			bad(s, "flags of H.264");
		if (len == 0 || len > (uint64_t)(b.w + 16) * (b.h + 16) * 3 + 8192)
			bad(s, "H.264 length");
		h264(s, take(len), len);
		s->rects[14]++;
		break;
	}
	case -223:
		if (b.x || b.y || !b.w || !b.h || b.w > 4096 || b.h > 4096)
			bad(s, "size");
		s->width = b.w;
		s->height = b.h;
		s->rects[4]++;
		break;
	case -224:
		no_box(s, &b);
		s->rects[5]++;
		return true;
	case -239:
		cursor(s, &b, false);
		s->rects[6]++;
		break;
	case -314:
		cursor(s, &b, true);
		s->rects[7]++;
		break;
	case -308:
		if (!b.w || !b.h || b.w > 4096 || b.h > 4096)
			bad(s, "size");
		screens(s, &b);
		s->rects[8]++;
		break;
	case -258:
	case -316:
		no_box(s, &b);
		s->rects[9]++;
		break;
	default:
		bad(s, "an encoding that does not exist");
	}
	return false;
}

static void update(struct strict *s)
{
	bool pixels = false, size = false, last = false;
	unsigned int n;

	zero(s, 1);
	n = u16();
	if (n == 0 || (n == 0xffff && !s->all))
		bad(s, "number of rectangles");
	for (unsigned int i = 0; i < n && !last; i++) {
		last = rectangle(s, &pixels, &size);
		if (last && n != 0xffff)
			bad(s, "LastRect in a counted update");
	}
	if (n == 0xffff && !last)
		bad(s, "an open update without end");
}

static void message(struct strict *s)
{
	unsigned int len;
	uint32_t flags;

	switch (u8()) {
	case 0:
		update(s);
		break;
	case 2:
		s->rects[10]++;
		break;
	case 3:
		zero(s, 3);
		if (!s->text)
			bad(s, "text that policy forbids");
		text(s, u32());
		s->rects[11]++;
		break;
	case 150:
		if (!s->all)
			bad(s, "EndOfContinuousUpdates, not listed");
		s->rects[12]++;
		break;
	case 248:
		zero(s, 3);
		flags = u32();
		len = u8();
		if (!s->all || len > 64 || flags & ~UINT32_C(0x80000007))
			bad(s, "fence");
		take(len);
		s->rects[13]++;
		break;
	default:
		bad(s, "a message that does not exist");
	}
}

static void init(struct strict *s)
{
	static const uint8_t format[] = {32, 24, 0, 1, 0, 255, 0, 255, 0, 255, 16, 8, 0, 0, 0, 0};
	size_t len = strlen(s->name);

	s->width = u16();
	s->height = u16();
	if (!s->width || !s->height || s->width > 4096 || s->height > 4096)
		bad(s, "size in ServerInit");
	if (memcmp(take(16), format, 16) != 0)
		bad(s, "pixel format in ServerInit");
	if (u32() != len || memcmp(take(len), s->name, len) != 0)
		bad(s, "name");
}

enum strict_result strict_read(struct strict *s, const uint8_t *data, size_t len)
{
	volatile int r;

	at = data;
	end = data + len;
	r = setjmp(out);
	if (r != 0)
		return (enum strict_result)r;
	init(s);
	while (at < end) {
		message(s);
		s->messages++;
	}
	return STRICT_WHOLE;
}
