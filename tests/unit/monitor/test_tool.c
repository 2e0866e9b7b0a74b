/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A lazaretctl of the daemon's own: what it is given, what comes back, how it ends. It is a script. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <wayland-server-core.h>

/* Time passes so much faster. */
#define HASTE 1000

static int update_timer(struct wl_event_source *source, int ms)
{
	return wl_event_source_timer_update(source, ms / HASTE);
}
#define wl_event_source_timer_update update_timer

#include "monitor/tool.c"

#include "base/clock.h"
#include "monitor/caller.h"

static struct monitor monitor;
static char folder[] = "/tmp/lazaret-tool-XXXXXX";
static char script[64];

const char *monitor_program(const struct monitor *of, const char *name)
{
	(void)of;
	assert_string_equal(name, "lazaretctl");
	return script;
}

static void write_script(const char *text)
{
	FILE *file;

	(void)unlink(script);
	file = fopen(script, "w");
	assert_non_null(file);
	fprintf(file, "#!/bin/sh\n%s\n", text);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(chmod(script, 0755), 0);
}

/* A caller, and what he was answered. */
struct peer {
	struct caller caller;
	struct tool *tool;
	int out, err, in;
	bool ended;
	int status;
	char sentence[128];
};

static void handle_answer_fds(void *data, const struct buf *body, const int *fds, size_t n)
{
	struct peer *peer = data;
	struct cursor c = cursor_over(buf_data(body), buf_len(body));

	assert_int_equal(cursor_u8(&c), ANSWER_OUTPUT);
	assert_true(cursor_done(&c));
	assert_true(n == 2 || n == 3);
	peer->out = dup(fds[0]);
	peer->err = dup(fds[1]);
	peer->in = n == 3 ? dup(fds[2]) : -1;
}

static void handle_answer(void *data, const struct buf *body)
{
	struct peer *peer = data;
	struct cursor c = cursor_over(buf_data(body), buf_len(body));
	bool failed = cursor_u8(&c) == ANSWER_FAILED;
	_cleanup_free_ char *sentence = NULL;

	assert_false(peer->ended);
	peer->ended = true;
	peer->status = failed ? cursor_u8(&c) : 0;
	sentence = cursor_str(&c, ANSWER_STR_MAX);
	assert_true(cursor_done(&c));
	str_copy(peer->sentence, sizeof(peer->sentence), sentence);
}

static void start(struct peer *peer, enum command_id id, size_t n, const char *const *arguments)
{
	peer->out = peer->err = peer->in = -1;
	tool_start(&(const struct command_call){.monitor = &monitor,
						.caller = &peer->caller,
						.arguments = arguments,
						.n_arguments = n,
						.answer = handle_answer,
						.answer_fds = handle_answer_fds,
						.tool = &peer->tool,
						.data = peer},
		   id);
}

static void await(struct peer *peer)
{
	for (int i = 0; i < 500 && !peer->ended; i++)
		wl_event_loop_dispatch(monitor.loop, 20);
	assert_true(peer->ended);
	assert_null(peer->tool);
}

static void assert_reads(int fd, const char *expected)
{
	char text[1024];
	size_t len = 0;
	ssize_t n;

	while ((n = read(fd, text + len, sizeof(text) - 1 - len)) > 0)
		len += (size_t)n;
	text[len] = '\0';
	assert_string_equal(text, expected);
	close(fd);
}

static void test_output(void **state)
{
	const char *const files[] = {"/etc/a.conf", "/etc/b.conf"};
	struct peer peer = {.caller = {.found = 0,
				       .origin = {.address = "192.0.2.7",
						  .port = 5000,
						  .local_address = "192.0.2.1",
						  .local_port = 222}}};

	(void)state;
	monitor.files = files;
	monitor.n_files = 2;
	write_script("printf '%s|' \"$@\"; echo \"$SSH_CONNECTION\"; echo wrong >&2; exit 3");
	start(&peer, COMMAND_FIREWALL_EXPORT, 2, (const char *const[]){"--for", "a b; c"});
	assert_non_null(peer.tool);
	await(&peer);
	assert_int_equal(peer.status, 3);
	assert_string_equal(peer.sentence, "");
	assert_reads(peer.out, "--no-files|--socket|/run/lazaret/control|--file|/etc/a.conf|--file|"
			       "/etc/b.conf|firewall|export|--for|a b; c|"
			       "192.0.2.7 5000 192.0.2.1 222\n");
	assert_reads(peer.err, "wrong\n");
	monitor.n_files = 0;
}

/* Its environment is ours to make, and its input nobody's. */
static void test_environment(void **state)
{
	struct peer peer = {.caller.found = -ENOENT};

	(void)state;
	setenv("LD_PRELOAD_X", "x", 1);
	write_script("env | grep -v '^_=\\|^PWD=\\|^SHLVL=\\|^OLDPWD=' | sort; cat");
	start(&peer, COMMAND_CONFIG_DUMP, 0, NULL);
	await(&peer);
	assert_int_equal(peer.status, 0);
	assert_reads(peer.out, "LANG=C.UTF-8\nLAZARET_CALLER=uid-0\nPATH=/usr/sbin:/usr/bin:/sbin:/"
			       "bin\nSSH_CONNECTION=\n");
	close(peer.err);
}

/* Its input is the caller's, if the table lets it and he wants it; its end is seen. */
static void test_input(void **state)
{
	struct peer peer = {0};

	(void)state;
	write_script("printf '%s|' \"$@\"; cat");
	start(&peer, COMMAND_CONFIG_CHECK, 1, (const char *const[]){"-"});
	assert_true(peer.in >= 0);
	assert_int_equal(write(peer.in, "some\ntext", 9), 9);
	close(peer.in);
	await(&peer);
	assert_reads(peer.out,
		     "--no-files|--socket|/run/lazaret/control|--input|config|check|-|some\ntext");
	close(peer.err);
	/* Not without "-", and not what is not marked. */
	start(&peer, COMMAND_CONFIG_CHECK, 0, NULL);
	assert_int_equal(peer.in, -1);
	peer.ended = false;
	await(&peer);
	assert_reads(peer.out, "--no-files|--socket|/run/lazaret/control|config|check|");
	close(peer.err);
	start(&peer, COMMAND_CONFIG_DUMP, 1, (const char *const[]){"-"});
	assert_int_equal(peer.in, -1);
	peer.ended = false;
	await(&peer);
	close(peer.out);
	close(peer.err);
}

static void close_pipes(struct peer *peer)
{
	close(peer->out);
	close(peer->err);
}

/* As many as may run, and one more; a place is free again when one has ended. */
static void test_many(void **state)
{
	struct peer peers[TOOLS_MAX] = {0}, more = {0};

	(void)state;
	write_script("exec sleep 100");
	for (size_t i = 0; i < TOOLS_MAX; i++) {
		start(&peers[i], COMMAND_CONFIG_DUMP, 0, NULL);
		assert_non_null(peers[i].tool);
	}
	start(&more, COMMAND_CONFIG_DUMP, 0, NULL);
	assert_true(more.ended);
	assert_int_equal(more.status, ANSWER_STATUS_FAILED);
	assert_non_null(strstr(more.sentence, "too many"));
	child_signal(&peers[0].tool->child, SIGKILL);
	await(&peers[0]);
	assert_non_null(strstr(peers[0].sentence, "cut short (signal 9"));
	more = (struct peer){0};
	start(&more, COMMAND_CONFIG_DUMP, 0, NULL);
	assert_non_null(more.tool);
	tool_end_all(&monitor);
	assert_true(wl_list_empty(&monitor.tools));
	for (size_t i = 0; i < TOOLS_MAX; i++)
		close_pipes(&peers[i]);
	close_pipes(&more);
}

static void test_endless(void **state)
{
	struct peer peer = {0};
	uint64_t started = clock_now();

	(void)state;
	write_script("trap '' TERM; while :; do sleep 1; done");
	start(&peer, COMMAND_CONFIG_DUMP, 0, NULL);
	await(&peer);
	assert_int_equal(peer.status, ANSWER_STATUS_FAILED);
	assert_true(clock_now() - started >= TOOL_TIMEOUT * USEC_PER_SEC / HASTE - 10000);
	close_pipes(&peer);
}

/* Of a caller who has left nothing is used any more, and what ran for him ends. */
static void test_abandoned(void **state)
{
	struct peer peer = {0};

	(void)state;
	write_script("exec sleep 100");
	start(&peer, COMMAND_CONFIG_DUMP, 0, NULL);
	tool_abandon(peer.tool);
	for (int i = 0; i < 500 && !wl_list_empty(&monitor.tools); i++)
		wl_event_loop_dispatch(monitor.loop, 20);
	assert_true(wl_list_empty(&monitor.tools));
	assert_false(peer.ended);
	close_pipes(&peer);
}

static void test_unstartable(void **state)
{
	struct peer peer = {0};

	(void)state;
	(void)unlink(script);
	start(&peer, COMMAND_CONFIG_DUMP, 0, NULL);
	assert_true(peer.ended);
	assert_int_equal(peer.status, ANSWER_STATUS_FAILED);
	assert_null(peer.tool);
	assert_true(wl_list_empty(&monitor.tools));
}

static int set_up(void **state)
{
	(void)state;
	log_init("test");
	monitor.loop = wl_event_loop_create();
	monitor.conf = conf_create();
	wl_list_init(&monitor.tools);
	if (!monitor.loop || !monitor.conf || !mkdtemp(folder))
		return -1;
	snprintf(script, sizeof(script), "%s/tool", folder);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	(void)unlink(script);
	conf_destroy(monitor.conf);
	wl_event_loop_destroy(monitor.loop);
	return rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_output),      cmocka_unit_test(test_environment),
		cmocka_unit_test(test_input),       cmocka_unit_test(test_many),
		cmocka_unit_test(test_endless),     cmocka_unit_test(test_abandoned),
		cmocka_unit_test(test_unstartable),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
