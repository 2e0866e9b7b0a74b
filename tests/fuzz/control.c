/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Both ends of the control socket: what a client asks, and what a daemon answers. */
#include "ctl/answer.h"
#include "ctl/command.h"
#include "monitor/control.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct control_request request;
	struct answer_record record;
	struct cursor c = cursor_over(data, size);
	enum command_id id;
	size_t used;

	if (control_request_read(&c, &request) == 0) {
		if (command_find(request.n_words, (const char *const *)request.words, &id, &used) ==
			    0 &&
		    used > request.n_words)
			__builtin_trap();
		control_request_finish(&request);
	}
	c = cursor_over(data, size);
	while (cursor_left(&c) > 0 && answer_read(&c, &record) == 0)
		answer_record_finish(&record);
	return 0;
}
