/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>

#include "base/str.h"
#include "rfb/server_walk_private.h"

#define SCREEN_LEN 16
#define TIGHT_LENGTH_MAX 4194303
#define ZRLE_TILE 64
#define TITLE_MAX (2 * RFB_NAME_MAX)

/*
 * The most that zlib's deflate makes of `n` bytes, whatever the level, with a flush behind; see
 * deflateBound() in zlib.h. A little more is no danger: the bound only keeps lengths believable.
 */
static uint64_t deflated_max(uint64_t n)
{
	return n + ((n + 7) >> 3) + ((n + 63) >> 6) + 128;
}

static void put_header(const struct server_walk *walk, struct buf *out)
{
	const struct walk_rect *rect = &walk->rect;

	buf_put_u16(out, rect->x);
	buf_put_u16(out, rect->y);
	buf_put_u16(out, rect->width);
	buf_put_u16(out, rect->height);
	buf_put_u32(out, (uint32_t)rect->encoding);
}

static uint64_t area(const struct walk_rect *rect)
{
	return (uint64_t)rect->width * rect->height;
}

/* `data` bytes pass, then the next rectangle or message. */
static int finish_rect(struct server_walk *walk, size_t data)
{
	walk->pass = data;
	walk->rects_left--;
	if (walk->rects_left == 0 && walk->until_last_rect)
		return server_walk_refuse(walk, "an update of open length that does not end");
	if (walk->rects_left == 0)
		server_walk_next(walk, server_walk_step_type, 1);
	else
		server_walk_next(walk, server_walk_step_rect, 12);
	return 0;
}

/* --- pixels ----------------------------------------------------------------------------------- */

static int start_raw(struct server_walk *walk, struct buf *out)
{
	put_header(walk, out);
	return finish_rect(walk, area(&walk->rect) * (size_t)pixel_format_bytes(&walk->format));
}

static int step_copy(struct server_walk *walk, struct cursor *c, struct buf *out)
{
	uint16_t x = cursor_u16(c);
	uint16_t y = cursor_u16(c);

	if (x + walk->rect.width > walk->width || y + walk->rect.height > walk->height)
		return server_walk_refuse(walk, "a copy from outside the framebuffer");
	put_header(walk, out);
	buf_put_u16(out, x);
	buf_put_u16(out, y);
	return finish_rect(walk, 0);
}

static int start_copy(struct server_walk *walk, struct buf *out)
{
	(void)out;
	server_walk_next(walk, step_copy, 4);
	return 0;
}

static int step_zrle(struct server_walk *walk, struct cursor *c, struct buf *out)
{
	const struct walk_rect *rect = &walk->rect;
	uint64_t pixel = (uint64_t)pixel_format_cpixel_bytes(&walk->format);
	uint64_t tiles = (uint64_t)((rect->width + ZRLE_TILE - 1) / ZRLE_TILE) *
			 (uint64_t)((rect->height + ZRLE_TILE - 1) / ZRLE_TILE);
	uint32_t len = cursor_u32(c);

	/* The longest tile: a palette, and every pixel a run of one (RFC 6143 7.7.6). */
	if (len == 0 || len > deflated_max(area(rect) * (pixel + 1) + tiles * (1 + 127 * pixel)))
		return server_walk_refuse(walk, "ZRLE data longer than its rectangle can need");
	put_header(walk, out);
	buf_put_u32(out, len);
	return finish_rect(walk, len);
}

static int start_zrle(struct server_walk *walk, struct buf *out)
{
	(void)out;
	server_walk_next(walk, step_zrle, 4);
	return 0;
}

/* --- Tight ------------------------------------------------------------------------------------ */

static size_t tight_pixel(const struct server_walk *walk)
{
	return (size_t)pixel_format_tpixel_bytes(&walk->format);
}

/* A compact length (rfbproto "Tight Encoding"): 7, 7 and 8 bits, low ones first. */
static int step_tight_length(struct server_walk *walk, struct cursor *c, struct buf *out)
{
	uint8_t byte = cursor_u8(c);
	unsigned int position = walk->length_bytes++;
	bool last = position == 2 || !(byte & 0x80);

	walk->text_len |= (size_t)(position == 2 ? byte : byte & 0x7f) << 7 * position;
	walk->length_raw[position] = byte;
	if (!last) {
		server_walk_next(walk, step_tight_length, 1);
		return 0;
	}
	if (walk->text_len == 0 || walk->text_len > walk->length_max)
		return server_walk_refuse(walk, "Tight data longer than its rectangle can need");
	buf_put(out, walk->length_raw, walk->length_bytes);
	if (walk->tight_jpeg) {
		jpeg_walk_init(&walk->jpeg, walk->rect.width, walk->rect.height);
		walk->pass_is_jpeg = true;
	}
	return finish_rect(walk, walk->text_len);
}

static void expect_length(struct server_walk *walk, uint64_t max, bool jpeg)
{
	walk->text_len = 0;
	walk->length_bytes = 0;
	walk->length_max = MIN(max, (uint64_t)TIGHT_LENGTH_MAX);
	walk->tight_jpeg = jpeg;
	server_walk_next(walk, step_tight_length, 1);
}

/* `raw` bytes of filtered pixels follow, as they are or compressed; `before` pass ahead of them. */
static int expect_pixels(struct server_walk *walk, uint64_t raw, size_t before)
{
	if (raw < RFB_TIGHT_MIN_TO_COMPRESS)
		return finish_rect(walk, before + (size_t)raw);
	walk->pass = before;
	expect_length(walk, deflated_max(raw), false);
	return 0;
}

static int step_tight_palette(struct server_walk *walk, struct cursor *c, struct buf *out)
{
	const struct walk_rect *rect = &walk->rect;
	uint8_t last = cursor_u8(c);
	uint64_t raw = last == 1 ? (uint64_t)((rect->width + 7) / 8) * rect->height : area(rect);

	if (last == 0)
		return server_walk_refuse(walk, "a Tight palette of one colour");
	buf_put_u8(out, last);
	return expect_pixels(walk, raw, ((size_t)last + 1) * tight_pixel(walk));
}

static int step_tight_filter(struct server_walk *walk, struct cursor *c, struct buf *out)
{
	uint8_t filter = cursor_u8(c);

	if (filter != RFB_TIGHT_FILTER_COPY && filter != RFB_TIGHT_FILTER_PALETTE)
		return server_walk_refuse(walk, "a Tight filter that is never sent");
	buf_put_u8(out, filter);
	if (filter == RFB_TIGHT_FILTER_COPY)
		return expect_pixels(walk, area(&walk->rect) * tight_pixel(walk), 0);
	server_walk_next(walk, step_tight_palette, 1);
	return 0;
}

static int check_control(struct server_walk *walk, uint8_t kind)
{
	if (kind == RFB_TIGHT_JPEG && !server_walk_jpeg_listed(walk))
		return server_walk_refuse(walk, "JPEG for a viewer that gave no quality level");
	if (kind == RFB_TIGHT_JPEG && walk->format.bits_per_pixel == 8)
		return server_walk_refuse(walk, "JPEG in a pixel format of 8 bits");
	if (kind & 0x80 && kind != RFB_TIGHT_FILL && kind != RFB_TIGHT_JPEG)
		return server_walk_refuse(walk, "a Tight control byte that is never sent");
	return 0;
}

static int step_tight(struct server_walk *walk, struct cursor *c, struct buf *out)
{
	uint8_t control = cursor_u8(c);
	uint8_t kind = control & 0xf0;
	int r = check_control(walk, kind);

	if (r < 0)
		return r;
	put_header(walk, out);
	buf_put_u8(out, control);
	if (kind == RFB_TIGHT_FILL)
		return finish_rect(walk, tight_pixel(walk));
	if (kind == RFB_TIGHT_JPEG) {
		expect_length(walk, area(&walk->rect) * 6 + 8192, true);
		return 0;
	}
	if (kind & RFB_TIGHT_EXPLICIT_FILTER) {
		server_walk_next(walk, step_tight_filter, 1);
		return 0;
	}
	return expect_pixels(walk, area(&walk->rect) * tight_pixel(walk), 0);
}

static int start_tight(struct server_walk *walk, struct buf *out)
{
	(void)out;
	if (walk->rect.width > RFB_TIGHT_WIDTH_MAX)
		return server_walk_refuse(walk, "a Tight rectangle wider than 2048");
	server_walk_next(walk, step_tight, 1);
	return 0;
}

/* --- Open H.264 ------------------------------------------------------------------------------- */

static int step_h264(struct server_walk *walk, struct cursor *c, struct buf *out)
{
	uint32_t len = cursor_u32(c);
	uint32_t flags = cursor_u32(c);

	if (len == 0 || len > RFB_H264_BYTES_MAX(walk->rect.width, walk->rect.height))
		return server_walk_refuse(walk, "H.264 data longer than their rectangle can need");
	if (flags & ~RFB_H264_FLAGS)
		return server_walk_refuse(walk, "a flag of H.264 that does not exist");
	put_header(walk, out);
	buf_put_u32(out, len);
	buf_put_u32(out, flags);
	h264_walk_init(&walk->h264, walk->rect.width, walk->rect.height, flags != 0);
	walk->pass_is_h264 = true;
	return finish_rect(walk, len);
}

static int start_h264(struct server_walk *walk, struct buf *out)
{
	(void)out;
	server_walk_next(walk, step_h264, 8);
	return 0;
}

/* --- pointer shapes --------------------------------------------------------------------------- */

static int check_cursor(struct server_walk *walk)
{
	struct walk_rect *rect = &walk->rect;

	if (rect->width > SERVER_WALK_CURSOR_MAX || rect->height > SERVER_WALK_CURSOR_MAX)
		return server_walk_refuse(walk, "a pointer shape that is too large");
	if (area(rect) == 0) {
		rect->x = rect->y = rect->width = rect->height = 0;
		return 0;
	}
	if (rect->x >= rect->width || rect->y >= rect->height)
		return server_walk_refuse(walk, "a pointer whose hot spot is outside it");
	return 0;
}

static int start_cursor(struct server_walk *walk, struct buf *out)
{
	const struct walk_rect *rect = &walk->rect;
	size_t mask = (size_t)((rect->width + 7) / 8) * rect->height;
	int r = check_cursor(walk);

	if (r < 0)
		return r;
	put_header(walk, out);
	return finish_rect(walk, area(rect) * (size_t)pixel_format_bytes(&walk->format) +
					 (area(rect) ? mask : 0));
}

static int step_alpha_cursor(struct server_walk *walk, struct cursor *c, struct buf *out)
{
	if (cursor_s32(c) != RFB_ENCODING_RAW)
		return server_walk_refuse(walk, "a pointer with alpha that is not Raw");
	put_header(walk, out);
	buf_put_u32(out, RFB_ENCODING_RAW);
	return finish_rect(walk, area(&walk->rect) * 4);
}

static int start_alpha_cursor(struct server_walk *walk, struct buf *out)
{
	(void)out;
	server_walk_next(walk, step_alpha_cursor, 4);
	return check_cursor(walk);
}

/* --- size ------------------------------------------------------------------------------------- */

static int take_size(struct server_walk *walk)
{
	const struct walk_rect *rect = &walk->rect;

	if (rect->width == 0 || rect->height == 0 || rect->width > RFB_SIDE_MAX ||
	    rect->height > RFB_SIDE_MAX)
		return server_walk_refuse(walk, "a framebuffer of impossible size");
	walk->width = rect->width;
	walk->height = rect->height;
	return 0;
}

static int start_desktop_size(struct server_walk *walk, struct buf *out)
{
	int r = take_size(walk);

	if (r < 0)
		return r;
	walk->rect.x = walk->rect.y = 0;
	put_header(walk, out);
	return finish_rect(walk, 0);
}

static bool screen_ok(const struct server_walk *walk, struct cursor c, uint8_t index,
		      struct buf *out)
{
	struct cursor others = cursor_over(c.data, (size_t)index * SCREEN_LEN);
	uint32_t id, flags;
	uint16_t x, y, width, height;

	cursor_skip(&c, (size_t)index * SCREEN_LEN);
	id = cursor_u32(&c);
	x = cursor_u16(&c);
	y = cursor_u16(&c);
	width = cursor_u16(&c);
	height = cursor_u16(&c);
	flags = cursor_u32(&c);
	if (width == 0 || height == 0 || x + width > walk->width || y + height > walk->height)
		return false;
	for (uint8_t i = 0; i < index; i++) {
		if (cursor_u32(&others) == id)
			return false;
		cursor_skip(&others, SCREEN_LEN - 4);
	}
	buf_put_u32(out, id);
	buf_put_u16(out, x);
	buf_put_u16(out, y);
	buf_put_u16(out, width);
	buf_put_u16(out, height);
	buf_put_u32(out, flags);
	return true;
}

/*
 * Of a refused request only the status means something; the rest is undefined (rfbproto
 * "SetDesktopSize"), and some viewers resize all the same: so they are told what they have.
 */
static int put_refused_size(struct server_walk *walk, struct buf *out)
{
	walk->rect.width = walk->width;
	walk->rect.height = walk->height;
	put_header(walk, out);
	buf_put_u8(out, 1);
	buf_put_zero(out, 3);
	buf_put_u32(out, 0);
	buf_put_u16(out, 0);
	buf_put_u16(out, 0);
	buf_put_u16(out, walk->width);
	buf_put_u16(out, walk->height);
	buf_put_u32(out, 0);
	return finish_rect(walk, 0);
}

static int step_screens(struct server_walk *walk, struct cursor *c, struct buf *out)
{
	int r;

	if (walk->rect.y != RFB_SIZE_OK)
		return put_refused_size(walk, out);
	r = take_size(walk);
	if (r < 0)
		return r;
	put_header(walk, out);
	buf_put_u8(out, walk->screens);
	buf_put_zero(out, 3);
	for (uint8_t i = 0; i < walk->screens; i++) {
		if (!screen_ok(walk, *c, i, out))
			return server_walk_refuse(walk, "a screen layout that cannot be");
	}
	return finish_rect(walk, 0);
}

static int step_screen_count(struct server_walk *walk, struct cursor *c, struct buf *out)
{
	(void)out;
	walk->screens = cursor_u8(c);
	if (walk->screens == 0 || walk->screens > RFB_SCREENS_MAX)
		return server_walk_refuse(walk, "a layout without screens or with too many");
	server_walk_next(walk, step_screens, (size_t)walk->screens * SCREEN_LEN);
	return 0;
}

static int start_extended_size(struct server_walk *walk, struct buf *out)
{
	const struct walk_rect *rect = &walk->rect;

	(void)out;
	if (rect->x > RFB_SIZE_REASON_OTHER_CLIENT || rect->y > RFB_SIZE_INVALID_LAYOUT)
		return server_walk_refuse(walk, "a change of size for an unknown reason");
	if (rect->y != RFB_SIZE_OK && rect->x != RFB_SIZE_REASON_THIS_CLIENT)
		return server_walk_refuse(walk, "a refused change of size that nobody asked for");
	server_walk_next(walk, step_screen_count, 4);
	return 0;
}

/* --- the rest --------------------------------------------------------------------------------- */

static int start_empty(struct server_walk *walk, struct buf *out)
{
	walk->rect.x = walk->rect.y = walk->rect.width = walk->rect.height = 0;
	put_header(walk, out);
	if (walk->rect.encoding == RFB_ENCODING_EXTENDED_MOUSE_BUTTONS)
		walk->extended_buttons = true;
	return finish_rect(walk, 0);
}

static int start_last_rect(struct server_walk *walk, struct buf *out)
{
	if (!walk->until_last_rect)
		return server_walk_refuse(walk, "a LastRect in an update of known length");
	walk->until_last_rect = false;
	walk->rects_left = 1;
	return start_empty(walk, out);
}

static int step_title(struct server_walk *walk, struct cursor *c, struct buf *out)
{
	size_t len = walk->text_len;
	const char *text = (const char *)cursor_bytes(c, len);
	char page[RFB_NAME_MAX + 1], title[TITLE_MAX + 1];
	int n;

	if (!str_utf8_valid(text ? text : "", len))
		return server_walk_refuse(walk, "a desktop name that is not UTF-8");
	str_sanitize(page, sizeof(page), text ? text : "", len);
	/* What we say stands in front, where a page cannot push it away. */
	n = snprintf(title, sizeof(title), page[0] ? "%s - %s" : "%s", walk->name, page);
	if (n < 0 || (size_t)n >= sizeof(title))
		return server_walk_refuse(walk, "a desktop name that is too long");
	walk->rect.x = walk->rect.y = walk->rect.width = walk->rect.height = 0;
	put_header(walk, out);
	buf_put_u32(out, (uint32_t)n);
	buf_put(out, title, (size_t)n);
	return finish_rect(walk, 0);
}

static int step_title_length(struct server_walk *walk, struct cursor *c, struct buf *out)
{
	walk->text_len = cursor_u32(c);
	if (walk->text_len > RFB_NAME_MAX)
		return server_walk_refuse(walk, "a desktop name that is too long");
	if (walk->text_len == 0)
		return step_title(walk, c, out);
	server_walk_next(walk, step_title, walk->text_len);
	return 0;
}

static int start_title(struct server_walk *walk, struct buf *out)
{
	(void)out;
	server_walk_next(walk, step_title_length, 4);
	return 0;
}

/* --- a rectangle's header --------------------------------------------------------------------- */

enum rect_kind {
	RECT_PIXELS, /* inside the framebuffer, not empty */
	RECT_SIZE,
	RECT_OTHER,
};

static const struct {
	int32_t encoding;
	enum rect_kind kind;
	/* Says what follows the header, and when it knows enough appends the header. */
	int (*start)(struct server_walk *walk, struct buf *out);
} kinds[] = {
	{RFB_ENCODING_RAW, RECT_PIXELS, start_raw},
	{RFB_ENCODING_COPY_RECT, RECT_PIXELS, start_copy},
	{RFB_ENCODING_TIGHT, RECT_PIXELS, start_tight},
	{RFB_ENCODING_ZRLE, RECT_PIXELS, start_zrle},
	{RFB_ENCODING_H264, RECT_PIXELS, start_h264},
	{RFB_ENCODING_DESKTOP_SIZE, RECT_SIZE, start_desktop_size},
	{RFB_ENCODING_EXTENDED_DESKTOP_SIZE, RECT_SIZE, start_extended_size},
	{RFB_ENCODING_LAST_RECT, RECT_OTHER, start_last_rect},
	{RFB_ENCODING_CURSOR, RECT_OTHER, start_cursor},
	{RFB_ENCODING_CURSOR_WITH_ALPHA, RECT_OTHER, start_alpha_cursor},
	{RFB_ENCODING_QEMU_KEY, RECT_OTHER, start_empty},
	{RFB_ENCODING_EXTENDED_MOUSE_BUTTONS, RECT_OTHER, start_empty},
	{RFB_ENCODING_DESKTOP_NAME, RECT_OTHER, start_title},
};

static int check_kind(struct server_walk *walk, enum rect_kind kind)
{
	const struct walk_rect *rect = &walk->rect;

	if (kind == RECT_PIXELS && area(rect) == 0)
		return server_walk_refuse(walk, "an empty rectangle of pixels");
	if (kind == RECT_PIXELS &&
	    (rect->x + rect->width > walk->width || rect->y + rect->height > walk->height))
		return server_walk_refuse(walk, "a rectangle outside the framebuffer");
	walk->update_has_pixels |= kind == RECT_PIXELS;
	walk->update_has_size |= kind == RECT_SIZE;
	if (walk->update_has_pixels && walk->update_has_size)
		return server_walk_refuse(walk, "pixels and a new size in one update");
	return 0;
}

int server_walk_step_rect(struct server_walk *walk, struct cursor *c, struct buf *out)
{
	struct walk_rect *rect = &walk->rect;

	rect->x = cursor_u16(c);
	rect->y = cursor_u16(c);
	rect->width = cursor_u16(c);
	rect->height = cursor_u16(c);
	rect->encoding = cursor_s32(c);
	if (!server_walk_listed(walk, rect->encoding))
		return server_walk_refuse(walk, "an encoding that the viewer never listed");
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		int r;

		if (kinds[i].encoding != rect->encoding)
			continue;
		r = check_kind(walk, kinds[i].kind);
		return r < 0 ? r : kinds[i].start(walk, out);
	}
	return server_walk_refuse(walk, "an encoding that is no rectangle's");
}
