/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * bench-client: a viewer without a window that measures. It is driven by lines on standard input
 * and answers in lines of JSON; README.md beside this file says how.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "bench/client/client.h"
#include "bench/client/report.h"
#include "bench/client/script.h"

static void report_closed(const char *reason)
{
	report_begin("event", "closed");
	report_string("reason", reason);
	report_end();
}

/* Waits for the socket, standard input, or a time. */
static int wait_for_work(const struct client *client, const struct script *script, bool *ret_socket,
			 bool *ret_input)
{
	uint64_t now = clock_now(), read_at = connection_read_at(&client->connection);
	uint64_t until = script_next(script), left;
	bool may_read = read_at <= now;
	struct pollfd fds[] = {
		{.fd = client->connection.fd,
		 .events = (short)((may_read ? POLLIN : 0) |
				   (connection_waits_to_write(&client->connection) ? POLLOUT : 0))},
		{.fd = script->ended || buf_len(&script->lines) == SCRIPT_LINE_MAX ? -1
										   : STDIN_FILENO,
		 .events = POLLIN},
	};
	struct timespec timeout;

	if (!may_read)
		until = MIN(until, read_at);
	left = until > now ? until - now : 0;
	timeout.tv_sec = (time_t)(left / USEC_PER_SEC);
	timeout.tv_nsec = (long)(left % USEC_PER_SEC * 1000);
	if (ppoll(fds, ARRAY_LEN(fds), until == SCRIPT_NEVER ? NULL : &timeout, NULL) < 0)
		return errno == EINTR ? 0 : -errno;
	*ret_socket = fds[0].revents != 0;
	*ret_input = fds[1].revents != 0;
	return 0;
}

static int loop(struct client *client, struct script *script)
{
	int more = 1, r = 0;

	while (r == 0 && !script_is_over(script)) {
		bool socket = more > 0, input = false;

		if (!socket)
			r = wait_for_work(client, script, &socket, &input);
		if (r == 0 && input)
			script_read(script, STDIN_FILENO);
		if (r == 0 && (socket || more > 0)) {
			more = client_read(client);
			r = MIN(more, 0);
		}
		if (r == 0)
			r = script_run(script);
	}
	return r;
}

int main(int argc, char **argv)
{
	static struct client client;
	struct options options;
	struct script script;
	int r;

	/* Writing to a pipe that nobody reads is an error like others. */
	signal(SIGPIPE, SIG_IGN);
	if (options_parse(&options, argc, argv) < 0)
		return 2;
	r = client_start(&client, &options);
	if (r == 0) {
		script_init(&script, &client);
		r = loop(&client, &script);
		script_finish(&script);
	}
	if (r < 0)
		report_closed(client_reason(&client));
	client_finish(&client);
	options_finish(&options);
	return r < 0 ? 1 : 0;
}
