/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What one lazaretd hands to the next: whatever is taken for good is written again as it was read. */
#include <string.h>

#include "monitor/handover.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cursor c = cursor_over(data, size);
	struct handover handover;
	struct buf buf;

	if (handover_get(&c, &handover) < 0)
		return 0;
	buf_init(&buf, HANDOVER_MAX);
	handover_put(&handover, &buf);
	if (buf_error(&buf) || buf_len(&buf) != size || memcmp(buf_data(&buf), data, size) != 0)
		__builtin_trap();
	buf_finish(&buf);
	handover_finish(&handover);
	return 0;
}
