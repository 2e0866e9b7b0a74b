/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * dpkg may not be run below lazaretd: what the service manager has taken away from the daemon (set-uid
 * files, capabilities, address families) packages need, and who is ended with the daemon must not install.
 * So systemd runs it where there is systemd, and otherwise it is a process of its own session.
 */
#include "ctl/update.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/spawn.h"
#include "base/str.h"
#include "ctl/answer.h"
#include "ctl/files.h"

#define WORDS_MAX 64

struct words {
	const char *argv[WORDS_MAX];
	size_t n;
};

static void add(struct words *words, const char *word)
{
	if (words->n + 1 < WORDS_MAX)
		words->argv[words->n++] = word;
}

/* Of the installed system, not of one that runs elsewhere for a demonstration. */
static bool is_systemds(const struct conf *conf)
{
	return access("/run/systemd/system", F_OK) == 0 &&
	       str_eq(conf_str(conf, CONF_LIBEXEC_DIR), LAZARET_LIBEXECDIR);
}

static void put_systemd(struct words *words)
{
	static const char *const run[] = {
		"/usr/bin/systemd-run",
		"--quiet",
		"--pipe",
		"--wait",
		"--collect",
		"--service-type=exec",
		"--description=Lazaret update, asked for",
		"--",
	};

	for (size_t i = 0; i < ARRAY_LEN(run); i++)
		add(words, run[i]);
}

static void put_program(struct words *words, const char *program, bool json, const char *word,
			size_t n, char *const *arguments)
{
	size_t n_files;
	const char *const *files = files_default(&n_files);

	add(words, program);
	add(words, "--asked");
	if (json)
		add(words, "--json");
	for (size_t i = 0; i < n_files; i++) {
		add(words, "--file");
		add(words, files[i]);
	}
	add(words, word);
	for (size_t i = 0; i < n; i++)
		add(words, arguments[i]);
}

static int run_here(const struct words *words)
{
	_cleanup_fd_ int out = fcntl(1, F_DUPFD_CLOEXEC, 3);
	struct child child = {.pidfd = -1};
	struct pollfd end = {.events = POLLIN};
	int status, r;

	r = spawn(&(const struct spawn){.path = words->argv[0],
					.argv = words->argv,
					.stdout_fd = out,
					.stderr_fd = -1},
		  &child);
	if (r < 0) {
		fprintf(stderr, "lazaretctl: %s: %s\n", words->argv[0], strerror(-r));
		return ANSWER_STATUS_FAILED;
	}
	end.fd = child.pidfd;
	do
		r = poll(&end, 1, -1) < 0 && errno != EINTR ? -errno : child_reap(&child, &status);
	while (r == -EAGAIN);
	return r == 0 && WIFEXITED(status) ? WEXITSTATUS(status) : ANSWER_STATUS_FAILED;
}

int update_run(bool json, const char *name, size_t n, char *const *arguments)
{
	const char *word = name + strlen("update ");
	_cleanup_conf_ struct conf *conf = NULL;
	_cleanup_free_ char *program = NULL;
	struct words words = {0};

	if (geteuid() != 0) {
		fputs("lazaretctl: only root may do this without the daemon\n", stderr);
		return ANSWER_STATUS_FAILED;
	}
	if (files_read(0, NULL, &conf) < 0)
		return ANSWER_STATUS_FAILED;
	if (asprintf(&program, "%s/lazaret-update", conf_str(conf, CONF_LIBEXEC_DIR)) < 0)
		return ANSWER_STATUS_FAILED;
	/* What only looks needs neither. */
	if (is_systemds(conf) && !str_eq(word, "status") && !str_eq(word, "schedule"))
		put_systemd(&words);
	put_program(&words, program, json, word, n, arguments);
	return run_here(&words);
}
