/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The input of a command that runs elsewhere: whole, or nothing. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"

/* Time passes so much faster. */
#define HASTE 100
static uint64_t hasty_clock(void)
{
	return clock_now() * HASTE;
}
static int hasty_poll(struct pollfd *fds, nfds_t n, int ms)
{
	return poll(fds, n, ms / HASTE);
}
#define clock_now hasty_clock
#define poll hasty_poll

#include "ctl/input.c"

static void set_input(int fd)
{
	assert_int_equal(dup2(fd, STDIN_FILENO), STDIN_FILENO);
	close(fd);
}

/* A file as standard input. */
static void give(const void *data, size_t len)
{
	int fd = fd_memfd("input", data, len);

	assert_true(fd >= 0);
	set_input(fd);
}

static void test_trailer(void **state)
{
	char text[] = "abc\0\0\0\0\0\0\0\3";
	char *data = NULL;
	size_t len = 0;

	(void)state;
	give(text, 11);
	assert_int_equal(input_read(3, &data, &len), 0);
	assert_int_equal(len, 3);
	assert_string_equal(data, "abc");
	free(data);
	/* One more than may be. */
	give(text, 11);
	assert_int_equal(input_read(2, &data, &len), -EFBIG);
	/* Cut anywhere, or with something behind it. */
	for (size_t n = 0; n < 11; n++) {
		give(text, n);
		assert_int_equal(input_read(100, &data, &len), -EPIPE);
	}
	give(text, 12);
	assert_int_equal(input_read(100, &data, &len), -EPIPE);
	give("\0\0\0\0\0\0\0\0", 8);
	assert_int_equal(input_read(100, &data, &len), 0);
	assert_int_equal(len, 0);
	free(data);
}

static void assert_secret(const char *text, const char *expected)
{
	char bytes[2 * INPUT_SECRET_MAX] = {0};
	size_t n = strlen(text);
	char *secret = NULL;

	memcpy(bytes, text, n);
	bytes[n + INPUT_TRAILER - 2] = (char)(n >> 8);
	bytes[n + INPUT_TRAILER - 1] = (char)n;
	give(bytes, n + INPUT_TRAILER);
	assert_int_equal(input_read_secret("", &secret), expected ? 0 : -EINVAL);
	if (expected)
		assert_string_equal(secret, expected);
	free(secret);
}

static void test_secret(void **state)
{
	char longest[INPUT_SECRET_MAX + 1];

	(void)state;
	assert_secret("geheim\n", "geheim");
	assert_secret("gehe im\r\n", "gehe im");
	assert_secret("gr\xc3\xbcn", "gr\xc3\xbcn");
	memset(longest, 'x', INPUT_SECRET_MAX);
	longest[INPUT_SECRET_MAX] = '\0';
	assert_secret(longest, longest);
	assert_secret("", NULL);
	assert_secret("\n", NULL);
	assert_secret("a\nb", NULL);
	assert_secret("a\n\n", NULL);
	assert_secret("a\033", NULL);
	assert_secret("\xff", NULL);
}

/* Who says nothing does not keep us for ever. */
static void test_slow(void **state)
{
	uint64_t started = clock_now();
	char *data = NULL;
	size_t len;
	int fds[2];

	(void)state;
	assert_int_equal(pipe(fds), 0);
	set_input(fds[0]);
	assert_int_equal(write(fds[1], "abc", 3), 3);
	assert_int_equal(input_read(100, &data, &len), -ETIMEDOUT);
	assert_true(clock_now() - started >= INPUT_TIMEOUT * USEC_PER_SEC);
	close(fds[1]);
}

/* Runs a pump to its end into what a reader in another process makes of it: its status. */
static int pump_into(size_t max, size_t expected)
{
	struct input_pump pump;
	int fds[2], status;
	pid_t pid;

	assert_int_equal(pipe(fds), 0);
	pid = fork();
	if (pid == 0) {
		char *data = NULL;
		size_t len = 0;
		int r;

		close(fds[1]);
		(void)dup2(fds[0], STDIN_FILENO);
		r = input_read(max, &data, &len);
		_exit(r < 0 ? -r : len == expected ? 0 : 255);
	}
	close(fds[0]);
	assert_int_equal(input_pump_init(&pump, fds[1], false), 0);
	for (;;) {
		struct pollfd what;

		what.fd = input_pump_fd(&pump, &what.events);
		if (what.fd < 0)
			break;
		assert_int_equal(poll(&what, 1, 10000), 1);
		input_pump_run(&pump);
	}
	assert_int_equal(pump.to, -1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WEXITSTATUS(status);
}

static void test_pump(void **state)
{
	static char data[1000000];
	int out = dup(STDOUT_FILENO), fds[2];

	(void)state;
	memset(data, 'x', sizeof(data));
	give(data, sizeof(data));
	assert_int_equal(pump_into(sizeof(data), sizeof(data)), 0);
	give(data, 0);
	assert_int_equal(pump_into(sizeof(data), 0), 0);
	/* Without an end: the reader stops, and we with it. */
	set_input(open("/dev/zero", O_RDONLY));
	assert_int_equal(pump_into(sizeof(data), 0), EFBIG);
	/* Nobody reads our output: its end is no end of the input. */
	assert_int_equal(pipe(fds), 0);
	close(fds[0]);
	give(data, 1000);
	fflush(stdout);
	assert_int_equal(dup2(fds[1], STDOUT_FILENO), STDOUT_FILENO);
	assert_int_equal(pump_into(sizeof(data), 1000), EPIPE);
	assert_int_equal(dup2(out, STDOUT_FILENO), STDOUT_FILENO);
	close(fds[1]);
	close(out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_trailer),
		cmocka_unit_test(test_secret),
		cmocka_unit_test(test_slow),
		cmocka_unit_test(test_pump),
	};

	(void)signal(SIGPIPE, SIG_IGN);
	input_from_caller();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
