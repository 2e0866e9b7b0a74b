/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * lazaret-text: draws one notice and exits. Run by lazaret-session when a display wants a text.
 *
 * It finds as descriptor 4 a sealed memory file (text_request_put()), and as 5 an empty memory file
 * that it fills with the picture: rows of `width` pixels, host-order 0x00RRGGBB, no gaps; the height
 * is what the file's size says. Descriptor 3 is /dev/null, or anything. Exit status 0: the picture
 * is whole.
 *
 * A strip (DISPLAY_NOTICE_STRIP) is drawn from the left and ends in its background, so that the
 * display may cut or lengthen it; a farewell is a panel with the text in its middle.
 */
#ifndef LAZARET_DISPLAY_TEXT_TEXT_H
#define LAZARET_DISPLAY_TEXT_TEXT_H

#include <stdint.h>
#include <sys/types.h>

#include "ipc/message.h"
#include "wire/buf.h"

#define TEXT_FD_REQUEST 4
#define TEXT_FD_PICTURE 5
#define TEXT_BYTES_MAX 4096 /* of a text; longer is refused */
#define TEXT_WIDTH_MIN 16
#define TEXT_WIDTH_MAX 4096
#define TEXT_HEIGHT_MAX 2048 /* what does not fit is cut */
#define TEXT_REQUEST_MAX (TEXT_BYTES_MAX + 64)

/* `uid` and `gid` (not 0) are what the program becomes; the display's own will do. */
static inline void text_request_put(struct buf *out, uid_t uid, gid_t gid,
				    enum display_notice where, uint32_t width, const char *text)
{
	buf_put_u32(out, uid);
	buf_put_u32(out, gid);
	buf_put_u8(out, (uint8_t)where);
	buf_put_u32(out, width);
	buf_put_str(out, text);
}

#endif
