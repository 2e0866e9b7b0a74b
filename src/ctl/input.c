/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ctl/input.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/mem.h"
#include "base/str.h"

#define CONTROL_C 3

static bool from_caller;

void input_from_caller(void)
{
	from_caller = true;
}

/* --- who reads -------------------------------------------------------------------------------- */

static int complain(int error, size_t max)
{
	switch (error) {
	case -EFBIG:
		fprintf(stderr,
			"lazaretctl: the input is longer than %zu bytes, which is not read; "
			"nothing was done\n",
			max);
		break;
	case -ETIMEDOUT:
		fprintf(stderr,
			"lazaretctl: the input did not come within %d seconds; nothing was "
			"done\n",
			INPUT_TIMEOUT);
		break;
	case -EPIPE:
		fputs("lazaretctl: the input broke off; nothing was done\n", stderr);
		break;
	case -ECANCELED:
		fputs("lazaretctl: nothing was done\n", stderr);
		break;
	default:
		fprintf(stderr, "lazaretctl: the input cannot be read: %s\n", strerror(-error));
	}
	return error;
}

/* 0 when there is something to read. */
static int await(uint64_t end)
{
	struct pollfd in = {.fd = STDIN_FILENO, .events = POLLIN};
	uint64_t now = clock_now();
	int n;

	if (!from_caller)
		return 0;
	if (now >= end)
		return -ETIMEDOUT;
	n = poll(&in, 1, (int)((end - now) / 1000) + 1);
	if (n < 0 && errno != EINTR)
		return -errno;
	return n > 0 ? 0 : -EAGAIN;
}

/* Up to `size` bytes; what comes after them is not taken. */
static int read_some(char *data, size_t size, size_t *ret_len)
{
	uint64_t end = clock_now() + INPUT_TIMEOUT * USEC_PER_SEC;
	size_t len = 0;

	while (len < size) {
		int r = await(end);
		ssize_t n;

		if (r == -EAGAIN)
			continue;
		if (r < 0)
			return r;
		n = read(STDIN_FILENO, data + len, size - len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		len += (size_t)n;
	}
	*ret_len = len;
	return 0;
}

static bool has_trailer(const char *data, size_t len)
{
	uint64_t said = 0;

	if (len < INPUT_TRAILER)
		return false;
	for (size_t i = 0; i < INPUT_TRAILER; i++)
		said = said << 8 | (unsigned char)data[len - INPUT_TRAILER + i];
	return said == len - INPUT_TRAILER;
}

static int take(char *data, size_t max, size_t *ret_len)
{
	size_t trailer = from_caller ? INPUT_TRAILER : 0, len = 0;
	int r = read_some(data, max + trailer + 1, &len);

	if (r < 0)
		return r;
	if (len == max + trailer + 1)
		return -EFBIG;
	if (from_caller && !has_trailer(data, len))
		return -EPIPE;
	len -= trailer;
	data[len] = '\0';
	*ret_len = len;
	return 0;
}

int input_read(size_t max, char **ret_data, size_t *ret_len)
{
	size_t most = MIN(max, (size_t)INPUT_MAX), size = most + INPUT_TRAILER + 1, len = 0;
	/* At once, so that no copy of a secret is left behind; pages that are not used do not exist. */
	char *data = malloc(size);
	int r = data ? take(data, most, &len) : -ENOMEM;

	if (r < 0) {
		mem_wipe_free(data, data ? size : 0);
		return complain(r, most);
	}
	*ret_data = data;
	*ret_len = len;
	return 0;
}

/* --- a person at a terminal ------------------------------------------------------------------- */

static int read_line(char *line, size_t size)
{
	size_t len = 0;
	char c;

	while (read(STDIN_FILENO, &c, 1) == 1 && c != '\n') {
		if (c == CONTROL_C)
			return -ECANCELED;
		if (len + 1 == size)
			return -EFBIG;
		line[len++] = c;
	}
	line[len] = '\0';
	return 0;
}

/* Ctrl-C comes as a character, so that the terminal never stays without echo. */
static int ask(const char *prompt, char *line, size_t size)
{
	struct termios before, silent;
	int r;

	if (tcgetattr(STDIN_FILENO, &before) < 0)
		return -errno;
	silent = before;
	silent.c_lflag &= ~(tcflag_t)(ECHO | ISIG);
	fputs(prompt, stderr);
	if (tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent) < 0)
		return -errno;
	r = read_line(line, size);
	(void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
	fputc('\n', stderr);
	return r;
}

static int check_secret(char *text, size_t len)
{
	if (len > 0 && text[len - 1] == '\n')
		text[--len] = '\0';
	if (len > 0 && text[len - 1] == '\r')
		text[--len] = '\0';
	for (size_t i = 0; i < len; i++) {
		if ((unsigned char)text[i] < ' ' || text[i] == '\177')
			len = 0;
	}
	if (len > 0 && str_utf8_valid(text, len))
		return 0;
	fputs("lazaretctl: the input must be one line of text in UTF-8, and not empty; nothing was "
	      "done\n",
	      stderr);
	return -EINVAL;
}

int input_read_secret(const char *prompt, char **ret_secret)
{
	_cleanup_secret_ char *text = NULL;
	size_t len;
	int r;

	if (!from_caller && isatty(STDIN_FILENO)) {
		text = calloc(1, INPUT_SECRET_MAX + 1);
		r = text ? ask(prompt, text, INPUT_SECRET_MAX + 1) : -ENOMEM;
		if (r < 0)
			return complain(r, INPUT_SECRET_MAX);
		len = strlen(text);
	} else {
		r = input_read(INPUT_SECRET_MAX, &text, &len);
		if (r < 0)
			return r;
	}
	r = check_secret(text, len);
	if (r == 0)
		*ret_secret = STEAL(text);
	return r;
}

/* --- who sends -------------------------------------------------------------------------------- */

static void put_trailer(struct input_pump *pump)
{
	pump->from = -1;
	pump->sealed = true;
	for (pump->len = 0; pump->len < INPUT_TRAILER; pump->len++)
		pump->bytes[pump->len] = (char)(pump->total >> 8 * (INPUT_TRAILER - 1 - pump->len));
	pump->at = 0;
}

int input_pump_init(struct input_pump *pump, int to, bool secret)
{
	int r = fd_set_nonblock(to, true);

	*pump = (struct input_pump){.from = STDIN_FILENO, .to = to};
	if (r == 0 && secret && isatty(STDIN_FILENO)) {
		r = ask("Password: ", pump->bytes, INPUT_SECRET_MAX + 1);
		pump->len = pump->total = strlen(pump->bytes);
		pump->from = -1;
		if (pump->len == 0)
			put_trailer(pump);
	}
	if (r < 0)
		input_pump_finish(pump);
	return r;
}

void input_pump_finish(struct input_pump *pump)
{
	pump->to = fd_close(pump->to);
	mem_wipe(pump->bytes, sizeof(pump->bytes));
}

int input_pump_fd(const struct input_pump *pump, short *ret_events)
{
	bool sends = pump->at < pump->len;

	*ret_events = sends ? POLLOUT : POLLIN;
	return pump->to < 0 ? -1 : sends ? pump->to : pump->from;
}

/*
 * Whether who called is gone: when a connection of SSH breaks, the input ends as if it were whole, but
 * then nobody reads the output any more either.
 */
static bool caller_is_gone(void)
{
	struct pollfd out = {.fd = STDOUT_FILENO};

	return poll(&out, 1, 0) > 0 && (out.revents & (POLLERR | POLLHUP));
}

static void fill(struct input_pump *pump)
{
	ssize_t n = read(pump->from, pump->bytes, sizeof(pump->bytes));

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (n < 0 || (n == 0 && caller_is_gone())) {
		/* Without a trailer: it is not whole. */
		input_pump_finish(pump);
		return;
	}
	if (n == 0) {
		put_trailer(pump);
		return;
	}
	pump->at = 0;
	pump->len = (size_t)n;
	pump->total += (uint64_t)n;
}

static void send_some(struct input_pump *pump)
{
	ssize_t n = write(pump->to, pump->bytes + pump->at, pump->len - pump->at);

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	pump->at += n > 0 ? (size_t)n : 0;
	if (n < 0 || (pump->sealed && pump->at == pump->len))
		input_pump_finish(pump);
	else if (pump->at == pump->len && pump->from < 0)
		put_trailer(pump);
}

void input_pump_run(struct input_pump *pump)
{
	if (pump->at < pump->len)
		send_some(pump);
	else
		fill(pump);
}
