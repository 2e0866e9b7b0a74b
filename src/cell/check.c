/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cell/check.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/str.h"
#include "cell/cell.h"

#define CHECK_TIMEOUT (30 * USEC_PER_SEC)
#define CHECK_STEP_MS 50

/* Where this program lies, so that a trial from the build folder tries what was built. */
static int own_folder(char out[PATH_MAX])
{
	ssize_t n = readlink("/proc/self/exe", out, PATH_MAX - 1);
	char *slash;

	if (n < 0)
		return -errno;
	out[n] = '\0';
	slash = strrchr(out, '/');
	if (!slash)
		return -ENOENT;
	*slash = '\0';
	return 0;
}

static int watch(const struct cell *cell)
{
	uint64_t deadline = clock_now() + CHECK_TIMEOUT;

	/* There is no event for "a renderer has locked itself in": look until it is so. A renderer
	 * is seen a moment before its filter is on, hence -EPERM is final only at the end. */
	for (;;) {
		struct pollfd ended = {.fd = cell->pidfd, .events = POLLIN};
		int r = cell_sandbox_check(cell);

		if (r == 0 || clock_now() > deadline)
			return r == -EAGAIN ? -ETIMEDOUT : r;
		if (poll(&ended, 1, CHECK_STEP_MS) > 0)
			return -ECHILD;
	}
}

int check_main(const char *uid, const char *gid, const char *data)
{
	static const char *const command[] = {
		"/usr/lib/chromium/chromium",
		"--headless",
		"--disable-gpu",
		"--no-first-run",
		"--disable-background-networking",
		"--remote-debugging-port=0",
		"about:blank",
		NULL,
	};
	char folder[PATH_MAX];
	struct cell_spec spec = {
		.user = "trial",
		.netns = -1,
		.stderr_fd = -1,
		.command = command,
	};
	struct cell cell;
	int64_t number;
	int r;

	r = str_to_int(uid, 1, UINT32_MAX - 1, &number);
	spec.uid = r == 0 ? (uid_t)number : 0;
	if (r == 0)
		r = str_to_int(gid, 1, UINT32_MAX - 1, &number);
	spec.gid = r == 0 ? (gid_t)number : 0;
	if (r == 0)
		r = own_folder(folder);
	spec.libexec = folder;
	spec.data = data;
	if (r == 0)
		r = cell_start(&spec, &cell);
	if (r == 0) {
		r = watch(&cell);
		kill(cell.pid, SIGKILL);
		waitpid(cell.pid, NULL, 0);
		cell_close(&cell);
	}
	if (r < 0)
		log_event(LOG_ERROR, "cell.sandbox_missing", LOG_ERR(r),
			  LOG_STR("mend",
				  "user namespaces must be allowed: see "
				  "kernel.unprivileged_userns_clone, user.max_user_namespaces "
				  "and the AppArmor profile in dist/"));
	else
		log_event(LOG_INFO, "cell.sandbox_proven", LOG_STR("browser", "chromium"));
	return r < 0 ? 1 : 0;
}
