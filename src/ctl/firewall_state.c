/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The folder "firewall" below the state directory:
 *
 *	host.nft	the rules that were confirmed last; loaded when the system starts
 *	next.nft	rules that are loaded and wait for their confirmation
 *	before.nft	what was in force before them
 *	pending		there while they wait. Who renames it decides: to "confirmed", and next.nft
 *			becomes host.nft; to "undone", and before.nft is loaded
 *	loaded		there once the kernel has them: what it never had cannot be confirmed
 *	lock		held by the process that will go back
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/mem.h"
#include "ctl/firewall_impl.h"
#include "net/nft.h"

#define FOLDER "firewall"
#define RULES_MAX (64 << 20)

void state_close(struct firewall_state *state)
{
	state->dir = fd_close(state->dir);
}

static int open_folder(int dir, const char *name)
{
	if (mkdirat(dir, name, 0700) < 0 && errno != EEXIST)
		return -errno;
	dir = openat(dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	return dir < 0 ? -errno : dir;
}

/* What was confirmed and not yet put in its place when the machine stopped. */
static int finish_confirmation(int dir)
{
	if (faccessat(dir, "confirmed", F_OK, 0) < 0)
		return 0;
	if (renameat(dir, "next.nft", dir, "host.nft") < 0 && errno != ENOENT)
		return -errno;
	if (fsync(dir) < 0)
		return -errno;
	(void)unlinkat(dir, "before.nft", 0);
	(void)unlinkat(dir, "confirmed", 0);
	return 0;
}

int state_open(const struct conf *conf, struct firewall_state *ret_state)
{
	_cleanup_conf_ struct conf *fallback = conf ? NULL : conf_create();
	_cleanup_fd_ int parent = -1;
	int dir, r;

	if (!conf && !fallback)
		return -ENOMEM;
	parent = open(conf_str(conf ? conf : fallback, CONF_STATE_DIR),
		      O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (parent < 0)
		return -errno;
	dir = open_folder(parent, FOLDER);
	r = dir < 0 ? dir : finish_confirmation(dir);
	if (r < 0) {
		fd_close(dir);
		return r;
	}
	ret_state->dir = dir;
	return 0;
}

static int read_text(int dir, const char *name, char **ret_text)
{
	size_t len;

	return fd_read_file(dir, name, RULES_MAX, ret_text, &len);
}

int state_read_saved(const struct firewall_state *state, char **ret_text)
{
	return read_text(state->dir, "host.nft", ret_text);
}

int state_forget(const struct firewall_state *state)
{
	if (unlinkat(state->dir, "host.nft", 0) < 0 && errno != ENOENT)
		return -errno;
	return fsync(state->dir) < 0 ? -errno : 0;
}

bool state_waits(const struct firewall_state *state)
{
	return faccessat(state->dir, "pending", F_OK, 0) == 0;
}

/* Loads what was before, if it is us who decide that. */
static int go_back(int dir)
{
	_cleanup_free_ char *before = NULL;
	int r;

	if (renameat(dir, "pending", dir, "undone") < 0)
		return errno == ENOENT ? 0 : -errno;
	r = read_text(dir, "before.nft", &before);
	if (r == 0)
		r = nft_load(before, NULL);
	if (r == 0) {
		(void)unlinkat(dir, "before.nft", 0);
		(void)unlinkat(dir, "next.nft", 0);
		(void)unlinkat(dir, "undone", 0);
	}
	return r;
}

static int lock(int dir)
{
	_cleanup_fd_ int fd = openat(dir, "lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0)
		return -errno;
	if (flock(fd, LOCK_EX | LOCK_NB) == 0)
		return FD_STEAL(fd);
	if (errno != EWOULDBLOCK)
		return -errno;
	if (faccessat(dir, "pending", F_OK, 0) == 0)
		return -EBUSY;
	/* Who holds it has nothing left to wait for. */
	if (flock(fd, LOCK_EX) < 0)
		return -errno;
	return FD_STEAL(fd);
}

int state_is_idle(const struct firewall_state *state)
{
	_cleanup_fd_ int held = lock(state->dir);

	if (held < 0)
		return held;
	/* Who would have gone back was killed: it is done now. */
	return go_back(state->dir);
}

/* In a process of its own, which nothing but the confirmation ends. */
static void __attribute__((noreturn)) wait_and_go_back(int dir, int ready, uint64_t deadline)
{
	_cleanup_fd_ int watch = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	char path[64], events[4096];

	(void)setsid();
	(void)signal(SIGHUP, SIG_IGN);
	(void)signal(SIGINT, SIG_IGN);
	(void)signal(SIGTERM, SIG_IGN);
	(void)signal(SIGPIPE, SIG_IGN);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", dir);
	if (watch < 0 || inotify_add_watch(watch, path, IN_MOVED_FROM | IN_DELETE) < 0)
		_exit(1);
	/* Made here and not before: whenever something waits, somebody is there to go back. */
	if (fd_write_file_atomic(dir, "pending", 0600, "", 0) < 0)
		_exit(1);
	/* Nobody hears it when our caller was killed; then we go back all the more. */
	(void)!write(ready, "r", 1);
	close(ready);
	/* A pipe of whoever called us must not stay open for a minute. */
	for (int fd = 0; fd <= 2; fd++)
		(void)dup2(watch, fd);
	while (faccessat(dir, "pending", F_OK, 0) == 0) {
		uint64_t now = clock_now();
		struct pollfd event = {.fd = watch, .events = POLLIN};

		if (now >= deadline)
			_exit(go_back(dir) < 0);
		(void)poll(&event, 1, (int)((deadline - now) / USEC_PER_MSEC + 1));
		while (read(watch, events, sizeof(events)) > 0)
			;
	}
	_exit(0);
}

static int start_watcher(int dir, unsigned int seconds)
{
	uint64_t deadline = clock_now() + (uint64_t)seconds * USEC_PER_SEC;
	int pair[2];
	char byte;
	pid_t pid;
	ssize_t n;

	if (pipe2(pair, O_CLOEXEC) < 0)
		return -errno;
	pid = fork();
	if (pid == 0) {
		close(pair[0]);
		/* A grandchild: nobody has to collect it. */
		if (fork() == 0)
			wait_and_go_back(dir, pair[1], deadline);
		_exit(0);
	}
	close(pair[1]);
	n = pid < 0 ? -1 : read(pair[0], &byte, 1);
	close(pair[0]);
	if (pid > 0)
		(void)waitpid(pid, NULL, 0);
	return n == 1 ? 0 : -ECHILD;
}

int state_begin(const struct firewall_state *state, const char *before, const char *next,
		unsigned int seconds)
{
	/* The lock is of the open file: the process that we start holds it, too, and after us. */
	_cleanup_fd_ int held = lock(state->dir);
	int r;

	if (held < 0)
		return held;
	r = unlinkat(state->dir, "loaded", 0) < 0 && errno != ENOENT ? -errno : 0;
	if (r == 0)
		r = fd_write_file_atomic(state->dir, "before.nft", 0600, before, strlen(before));
	if (r == 0)
		r = fd_write_file_atomic(state->dir, "next.nft", 0600, next, strlen(next));
	if (r == 0)
		r = start_watcher(state->dir, seconds);
	if (r < 0)
		state_withdraw(state);
	return r;
}

void state_withdraw(const struct firewall_state *state)
{
	(void)unlinkat(state->dir, "pending", 0);
	(void)unlinkat(state->dir, "next.nft", 0);
	(void)unlinkat(state->dir, "before.nft", 0);
}

int state_loaded(const struct firewall_state *state)
{
	return fd_write_file_atomic(state->dir, "loaded", 0600, "", 0);
}

int state_confirm(const struct firewall_state *state)
{
	if (faccessat(state->dir, "pending", F_OK, 0) == 0 &&
	    faccessat(state->dir, "loaded", F_OK, 0) < 0)
		return -ENODATA;
	if (renameat(state->dir, "pending", state->dir, "confirmed") < 0)
		return -errno;
	return finish_confirmation(state->dir);
}
