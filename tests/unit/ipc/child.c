/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The child of test_process.c: a display that does what its configuration says. */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/spawn.h"
#include "ipc/message.h"

static int say(enum ipc_type type, const char *text)
{
	_cleanup_buf_ struct buf body;

	buf_init(&body, IPC_BODY_MAX);
	if (text)
		buf_put_str(&body, text);
	return ipc_send(SPAWN_FD_CHANNEL, type, text ? &body : NULL, NULL, 0);
}

static void wait_to_be_killed(void)
{
	for (;;)
		poll(NULL, 0, -1);
}

/* Says back what it was told, until it is told no more. */
static int repeat(void)
{
	static uint8_t storage[IPC_BODY_MAX + 4];
	struct ipc_message m;

	while (ipc_recv_wait(SPAWN_FD_CHANNEL, -1, storage, &m) == 0) {
		_cleanup_free_ char *text = cursor_str(&m.body, 256);

		ipc_message_finish(&m);
		if (say(IPC_DISPLAY_DETACHED, text) < 0)
			return 1;
	}
	return 0;
}

int main(void)
{
	_cleanup_free_ char *word = NULL;
	char extra[16] = "";
	size_t len;

	if (fd_read_all(SPAWN_FD_CONFIG, 256, &word, &len) < 0)
		return 99;
	if (strcmp(word, "speak") == 0) {
		if (read(SPAWN_FD_FIRST, extra, sizeof(extra) - 1) < 0)
			return 98;
		fprintf(stderr, "grumble\n");
		say(IPC_DISPLAY_DETACHED, extra);
		return 7;
	}
	if (strcmp(word, "repeat") == 0)
		return repeat();
	if (strcmp(word, "misbehave") == 0)
		say(IPC_DISPLAY_READY, "it has no body");
	if (strcmp(word, "hang up") == 0)
		close(SPAWN_FD_CHANNEL);
	wait_to_be_killed();
	return 0;
}
