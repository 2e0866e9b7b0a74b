/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a viewer sends after the handshake; what is written anew must read the same again. */
#include <stdlib.h>
#include <string.h>

#include "rfb/client_message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The canonical form is a fixed point: writing what was read of it gives the same bytes. */
static void check_again(const struct buf *canonical, bool extended_buttons)
{
	struct client_parser parser = {.extended_buttons = extended_buttons,
				       .extended_clipboard = true};
	static struct client_message message;
	_cleanup_buf_ struct buf in = {0}, out = {0};

	buf_init(&in, 4 * CLIENT_MESSAGE_MAX);
	buf_init(&out, 4 * CLIENT_MESSAGE_MAX);
	buf_put(&in, buf_data(canonical), buf_len(canonical));
	if (client_parser_next(&parser, &in, &message) != 1 || buf_len(&in) != 0 ||
	    client_message_put(&out, &message) != 0 || buf_len(&out) != buf_len(canonical) ||
	    memcmp(buf_data(&out), buf_data(canonical), buf_len(&out)) != 0)
		abort();
	client_message_finish(&message);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct client_parser parser = {0};
	static struct client_message message;
	_cleanup_buf_ struct buf in = {0}, out = {0};
	size_t step, at = 1;

	if (size < 1)
		return 0;
	/* The first byte chooses what was agreed, and how large the pieces are. */
	parser.extended_buttons = data[0] & 1;
	parser.extended_clipboard = data[0] & 2;
	step = data[0] & 4 ? 1 : size;
	buf_init(&in, CLIENT_MESSAGE_MAX + size);
	buf_init(&out, 4 * CLIENT_MESSAGE_MAX);
	while (at < size) {
		size_t n = MIN(step, size - at);
		int r;

		buf_put(&in, data + at, n);
		at += n;
		while ((r = client_parser_next(&parser, &in, &message)) == 1) {
			buf_clear(&out);
			if (client_message_put(&out, &message) != 0)
				abort();
			client_message_finish(&message);
			if (buf_len(&out) > 0)
				check_again(&out, parser.extended_buttons);
		}
		if (r < 0)
			return 0;
	}
	return 0;
}
