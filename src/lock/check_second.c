/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "lock/check_second.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/confine.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/spawn.h"
#include "base/str.h"

#define ACCOUNT "nobody"

struct check_second {
	struct wl_event_loop *loop;
	struct child child;
	struct wl_event_source *end, *timer, *idle;
	int output;
	const char *trouble; /* said from the idle source */
	enum check_scan_state state;
	check_second_done done;
	void *data;
};

int check_second_reopen(int fd)
{
	char path[64];
	int again;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	again = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	return again < 0 ? -errno : again;
}

static void second_free(struct check_second *second)
{
	if (second->end)
		wl_event_source_remove(second->end);
	if (second->timer)
		wl_event_source_remove(second->timer);
	if (second->idle)
		wl_event_source_remove(second->idle);
	child_kill(&second->child);
	fd_close(second->output);
	free(second);
}

void check_second_cancel(struct check_second *second)
{
	if (second)
		second_free(second);
}

static void finish(struct check_second *second, enum check_scan_state state, const char *text)
{
	struct check_scan scan = {.state = state};
	check_second_done done = second->done;
	void *data = second->data;

	str_sanitize(scan.text, sizeof(scan.text), text, strlen(text));
	second_free(second);
	done(data, &scan);
}

static int handle_end(int fd, uint32_t mask, void *data)
{
	struct check_second *second = data;
	char line[CHECK_SIGNATURE_MAX + 1], how[64];
	int status = 0;
	ssize_t n;

	(void)fd;
	(void)mask;
	if (child_reap(&second->child, &status) < 0)
		return 0;
	n = read(second->output, line, sizeof(line) - 1);
	line[MAX(n, 0)] = '\0';
	line[strcspn(line, "\r\n")] = '\0';
	child_describe(status, how, sizeof(how));
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		finish(second, CHECK_SCAN_CLEAN, "");
	else if (WIFEXITED(status) && WEXITSTATUS(status) == 1)
		finish(second, CHECK_SCAN_FOUND, line[0] ? line : "second scanner");
	else
		finish(second, CHECK_SCAN_FAILED, how);
	return 0;
}

static int handle_timeout(void *data)
{
	finish(data, CHECK_SCAN_FAILED, "lock-scan-time");
	return 0;
}

static void handle_idle(void *data)
{
	struct check_second *second = data;

	second->idle = NULL;
	finish(second, second->state, second->trouble);
}

static bool is_roots(const char *path, bool folder)
{
	struct stat status;

	return lstat(path, &status) == 0 && status.st_uid == 0 &&
	       !(status.st_mode & (S_IWGRP | S_IWOTH)) &&
	       (folder ? S_ISDIR(status.st_mode) : S_ISREG(status.st_mode));
}

static int launch(struct check_second *second, const struct conf *conf, int fd)
{
	char helper[PATH_MAX], program[PATH_MAX], uid_text[16], gid_text[16];
	const char *argv[] = {helper, "second", uid_text, gid_text, program, NULL};
	const char *folder = conf_str(conf, CONF_LOCK_SCANNER_DIR);
	_cleanup_fd_ int file = -1, output = -1;
	uid_t uid;
	gid_t gid;
	int pair[2], r;

	snprintf(helper, sizeof(helper), "%s/lazaret-scanner", conf_str(conf, CONF_LIBEXEC_DIR));
	snprintf(program, sizeof(program), "%s/%s", folder,
		 conf_str(conf, CONF_LOCK_SECOND_SCANNER));
	if (!is_roots(folder, true) || !is_roots(program, false))
		return -EPERM;
	r = confine_lookup(ACCOUNT, &uid, &gid);
	if (r == 0)
		r = file = check_second_reopen(fd);
	if (r < 0)
		return r;
	if (pipe2(pair, O_CLOEXEC) < 0)
		return -errno;
	second->output = pair[0];
	output = pair[1];
	r = fd_set_nonblock(second->output, true);
	if (r < 0)
		return r;
	snprintf(uid_text, sizeof(uid_text), "%u", (unsigned int)uid);
	snprintf(gid_text, sizeof(gid_text), "%u", (unsigned int)gid);
	return spawn(&(const struct spawn){.path = helper,
					   .argv = argv,
					   .fds = &file,
					   .n_fds = 1,
					   .stdout_fd = output,
					   .stderr_fd = -1,
					   .die_with_parent = true},
		     &second->child);
}

static int watch(struct check_second *second, const struct conf *conf)
{
	second->timer = wl_event_loop_add_timer(second->loop, handle_timeout, second);
	second->end = wl_event_loop_add_fd(second->loop, second->child.pidfd, WL_EVENT_READABLE,
					   handle_end, second);
	if (!second->timer || !second->end)
		return -ENOMEM;
	wl_event_source_timer_update(second->timer,
				     (int)conf_int(conf, CONF_LOCK_SCAN_TIME) * 1000);
	return 0;
}

int check_second_start(struct wl_event_loop *loop, const struct conf *conf, int fd,
		       check_second_done done, void *data, struct check_second **ret_second)
{
	struct check_second *second = calloc(1, sizeof(*second));
	int r;

	if (!second)
		return -ENOMEM;
	second->loop = loop;
	second->child.pidfd = -1;
	second->output = -1;
	second->done = done;
	second->data = data;
	r = launch(second, conf, fd);
	if (r == 0)
		r = watch(second, conf);
	if (r < 0) {
		log_event(LOG_ERROR, "scanner.unstartable",
			  LOG_STR("program", conf_str(conf, CONF_LOCK_SECOND_SCANNER)), LOG_ERR(r));
		second->state = CHECK_SCAN_DOWN;
		second->trouble = "second scanner cannot be started";
		second->idle = wl_event_loop_add_idle(loop, handle_idle, second);
		if (!second->idle) {
			second_free(second);
			return -ENOMEM;
		}
	}
	*ret_second = second;
	return 0;
}
