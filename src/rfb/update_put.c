/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Messages of one pseudo-rectangle about the desktop. */
#include <string.h>

#include "base/mem.h"
#include "rfb/encoder.h"
#include "rfb/update.h"

static void put_message(struct buf *out, const pixman_box32_t *box, int32_t encoding)
{
	buf_put_u8(out, RFB_FRAMEBUFFER_UPDATE);
	buf_put_u8(out, 0);
	buf_put_u16(out, 1);
	encoder_put_header(out, box, encoding);
}

void update_put_desktop_size(struct buf *out, enum rfb_desktop_size_reason reason,
			     enum rfb_desktop_size_status status, int width, int height,
			     const struct update_screen *screens, size_t n_screens)
{
	/* Position and size stand for something else here. */
	pixman_box32_t box = {(int)reason, (int)status, (int)reason + width, (int)status + height};
	size_t n = MIN(n_screens, RFB_SCREENS_MAX);

	put_message(out, &box, RFB_ENCODING_EXTENDED_DESKTOP_SIZE);
	buf_put_u8(out, (uint8_t)n);
	buf_put_zero(out, 3);
	for (size_t i = 0; i < n; i++) {
		buf_put_u32(out, screens[i].id);
		buf_put_u16(out, screens[i].x);
		buf_put_u16(out, screens[i].y);
		buf_put_u16(out, screens[i].width);
		buf_put_u16(out, screens[i].height);
		buf_put_u32(out, screens[i].flags);
	}
}

void update_put_desktop_size_plain(struct buf *out, int width, int height)
{
	pixman_box32_t box = {0, 0, width, height};

	put_message(out, &box, RFB_ENCODING_DESKTOP_SIZE);
}

void update_put_desktop_name(struct buf *out, const char *name)
{
	pixman_box32_t box = {0};
	size_t len = strlen(name);

	if (len > RFB_NAME_MAX) {
		len = RFB_NAME_MAX;
		/* Not inside a character: bytes 10xxxxxx go on with one. */
		while (len > 0 && ((unsigned char)name[len] & 0xc0) == 0x80)
			len--;
	}
	put_message(out, &box, RFB_ENCODING_DESKTOP_NAME);
	buf_put_u32(out, (uint32_t)len);
	buf_put(out, name, len);
}
