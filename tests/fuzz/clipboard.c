/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Extended Clipboard bodies and foreign text. */
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "rfb/clipboard.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_text(const char *text, size_t len)
{
	if (len > RFB_CLIPBOARD_MAX || text[len] != '\0' || memchr(text, 0, len) ||
	    memchr(text, '\r', len) || memchr(text, 0x1b, len) || !str_utf8_valid(text, len))
		abort();
}

static void check_message(struct clipboard_message *m)
{
	struct clipboard_message again = {0};
	_cleanup_buf_ struct buf out;

	buf_init(&out, 4 * RFB_CLIPBOARD_MAX);
	if (m->text)
		check_text(m->text, m->text_len);
	if (clipboard_message_put(&out, m) != 0 || buf_len(&out) > CLIPBOARD_WIRE_MAX * 2)
		abort();
	/* Text that is nearly all line ends can be too long for the wire, never wrong. */
	if (clipboard_message_parse(buf_data(&out), buf_len(&out), &again) == 0) {
		if (again.action != m->action || again.text_len != m->text_len ||
		    (m->text_len > 0 && memcmp(again.text, m->text, m->text_len) != 0))
			abort();
		clipboard_message_finish(&again);
	} else if (buf_len(&out) <= CLIPBOARD_WIRE_MAX) {
		abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct clipboard_message m;
	char *text;
	size_t len;

	if (clipboard_message_parse(data, size, &m) == 0) {
		check_message(&m);
		clipboard_message_finish(&m);
	}
	if (clipboard_clean((const char *)data, size, &text, &len) == 0) {
		_cleanup_buf_ struct buf latin1;

		check_text(text, len);
		buf_init(&latin1, RFB_CLIPBOARD_MAX);
		clipboard_put_latin1(&latin1, text, len);
		if (buf_len(&latin1) != clipboard_latin1_len(text, len))
			abort();
		free(text);
	}
	if (clipboard_clean_latin1(data, size, &text, &len) == 0) {
		check_text(text, len);
		free(text);
	}
	return 0;
}
