/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reading what a client of the control socket asks; apart, so that it can be fuzzed. */
#include <errno.h>
#include <stdlib.h>

#include "monitor/control.h"
#include "monitor/limits.h"

void control_request_finish(struct control_request *request)
{
	for (size_t i = 0; i < request->n_words; i++)
		free(request->words[i]);
	request->n_words = 0;
}

int control_request_read(struct cursor *c, struct control_request *ret_request)
{
	struct control_request request = {0};
	uint32_t version = cursor_u32(c);
	uint32_t n = cursor_u32(c);

	if (cursor_failed(c))
		return -EPROTO;
	request.foreign = version != CONTROL_VERSION;
	if (n == 0 || n > CONTROL_WORDS_MAX)
		return request.foreign ? -EPROTONOSUPPORT : -EPROTO;
	for (uint32_t i = 0; i < n; i++) {
		request.words[i] = cursor_str(c, CONTROL_WORD_MAX);
		if (!request.words[i])
			break;
		request.n_words++;
	}
	if (!cursor_done(c) || request.n_words != n) {
		control_request_finish(&request);
		return request.foreign ? -EPROTONOSUPPORT : -EPROTO;
	}
	*ret_request = request;
	return 0;
}
