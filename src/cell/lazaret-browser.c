/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * lazaret-browser: the first program of ours inside a cell. Starts the private session bus,
 * prepares the profile, runs the browser, opens further pages on request of the session, and ends
 * with the browser's exit code; when it ends, the cell ends.
 *
 *	lazaret-browser chromium|firefox keep|wipe URL		(descriptor 5: control, see control.h)
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <wayland-server-core.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/str.h"
#include "cell/browser.h"
#include "cell/control.h"
#include "cell/spec.h"

#define BUS_READY_MAX 256

struct launcher {
	struct wl_event_loop *loop;
	struct wl_event_source *control_source;
	const struct browser_impl *browser;
	pid_t bus, main;
	int control;
	bool running;
	int exit_code;
};

extern char **environ;

/* `report` (or -1) becomes descriptor 3 of the child. */
static int run(const char *const *argv, int report, pid_t *ret_pid)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	sigset_t none;
	pid_t pid;
	int r = -posix_spawn_file_actions_init(&actions);

	if (r < 0)
		return r;
	r = -posix_spawnattr_init(&attr);
	if (r < 0) {
		posix_spawn_file_actions_destroy(&actions);
		return r;
	}
	sigemptyset(&none);
	r = -posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK);
	if (r == 0)
		r = -posix_spawnattr_setsigmask(&attr, &none);
	if (r == 0 && report >= 0)
		r = -posix_spawn_file_actions_adddup2(&actions, report, 3);
	if (r == 0)
		r = -posix_spawn(&pid, argv[0], &actions, &attr, (char *const *)argv, environ);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&actions);
	if (r == 0)
		*ret_pid = pid;
	return r;
}

/* The bus listens when it has printed its address. */
static int start_bus(struct launcher *launcher, int *ret_ready)
{
	static const char *const argv[] = {
		"/usr/bin/dbus-daemon",
		"--config-file=/run/lazaret/bus.conf",
		"--nofork",
		"--nopidfile",
		"--nosyslog",
		"--print-address=3",
		NULL,
	};
	_cleanup_fd_ int ready = -1, report = -1;
	int pair[2], r;

	if (pipe2(pair, O_CLOEXEC) < 0)
		return -errno;
	ready = pair[0];
	report = pair[1];
	r = run(argv, report, &launcher->bus);
	if (r < 0)
		return r;
	*ret_ready = FD_STEAL(ready);
	return 0;
}

static int wait_for_bus(int ready)
{
	char line[BUS_READY_MAX];
	ssize_t n;

	do
		n = read(ready, line, sizeof(line));
	while (n < 0 && errno == EINTR);
	return n > 0 ? 0 : n == 0 ? -EPIPE : -errno;
}

static int prepare_profile(const struct launcher *launcher, bool wipe)
{
	const char *path = getenv("HOME");
	_cleanup_fd_ int home = -1;
	int r = 0;

	home = open(path ? path : "/nonexistent", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (home < 0)
		return -errno;
	if (wipe)
		r = browser_wipe(launcher->browser, home);
	return r == 0 ? launcher->browser->prepare(launcher->browser, home) : r;
}

static void tell(const struct launcher *launcher, char what)
{
	/* A hint: if the session does not read, nothing here depends on it. */
	(void)!send(launcher->control, &what, 1, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void stop(struct launcher *launcher)
{
	if (launcher->main > 0)
		kill(launcher->main, SIGTERM);
}

/* The browser's own way: a second call finds the running one by its profile and hands over. */
static void open_url(struct launcher *launcher, const char *url)
{
	const char *argv[BROWSER_ARGS_MAX];
	pid_t pid;
	int r;

	if (!spec_url_valid(url))
		return;
	browser_command(launcher->browser, url, argv);
	r = run(argv, -1, &pid);
	if (r < 0)
		log_event(LOG_WARN, "cell.open_failed", LOG_ERR(r));
	else
		tell(launcher, CONTROL_OPENED);
}

static int handle_control(int fd, uint32_t mask, void *data)
{
	struct launcher *launcher = data;
	char message[CELL_URL_MAX + 2];
	ssize_t n;

	(void)mask;
	n = recv(fd, message, sizeof(message) - 1, MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n <= 0) { /* the session is gone, and so is the cell in a moment */
		wl_event_source_remove(launcher->control_source);
		launcher->control_source = NULL;
		stop(launcher);
		return 0;
	}
	message[n] = '\0';
	if (message[0] == CONTROL_STOP)
		stop(launcher);
	else if (message[0] == CONTROL_OPEN)
		open_url(launcher, message + 1);
	return 0;
}

static int handle_stop(int signal, void *data)
{
	(void)signal;
	stop(data);
	return 0;
}

static int handle_child(int signal, void *data)
{
	struct launcher *launcher = data;
	int status;
	pid_t pid;

	(void)signal;
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid != launcher->main)
			continue;
		launcher->exit_code = WIFEXITED(status) ? WEXITSTATUS(status)
							: 128 + WTERMSIG(status);
		launcher->running = false;
	}
	return 0;
}

static int listen_to_all(struct launcher *launcher)
{
	launcher->loop = wl_event_loop_create();
	if (!launcher->loop)
		return -ENOMEM;
	launcher->control_source = wl_event_loop_add_fd(
		launcher->loop, launcher->control, WL_EVENT_READABLE, handle_control, launcher);
	if (!launcher->control_source ||
	    !wl_event_loop_add_signal(launcher->loop, SIGCHLD, handle_child, launcher) ||
	    !wl_event_loop_add_signal(launcher->loop, SIGTERM, handle_stop, launcher) ||
	    !wl_event_loop_add_signal(launcher->loop, SIGINT, handle_stop, launcher))
		return -ENOMEM;
	return 0;
}

static int start_all(struct launcher *launcher, bool wipe, const char *url)
{
	const char *argv[BROWSER_ARGS_MAX];
	_cleanup_fd_ int ready = -1;
	int r = start_bus(launcher, &ready);

	if (r == 0) /* while the bus starts */
		r = prepare_profile(launcher, wipe);
	if (r == 0)
		r = wait_for_bus(ready);
	if (r < 0)
		return r;
	browser_command(launcher->browser, url, argv);
	return run(argv, -1, &launcher->main);
}

int main(int argc, char **argv)
{
	struct launcher launcher = {.control = SPEC_CONTROL_FD, .running = true};
	int r;

	log_init("lazaret-browser");
	if (argc != 4 || !spec_url_valid(argv[3]))
		return CELL_EXIT_SETUP;
	launcher.browser = browser_find(argv[1]);
	if (!launcher.browser)
		return CELL_EXIT_SETUP;
	/* Programs of the cell have our uid: they shall not read our descriptors through /proc. */
	close_range(SPEC_CONTROL_FD + 1, ~0u, 0);
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 || fd_set_cloexec(launcher.control, true) < 0)
		return CELL_EXIT_SETUP;
	r = listen_to_all(&launcher);
	if (r == 0)
		r = start_all(&launcher, str_eq(argv[2], "wipe"), argv[3]);
	if (r < 0) {
		log_event(LOG_ERROR, "cell.browser_failed", LOG_STR("browser", argv[1]),
			  LOG_ERR(r));
		return CELL_EXIT_SETUP;
	}
	tell(&launcher, CONTROL_STARTED);
	while (launcher.running)
		(void)wl_event_loop_dispatch(launcher.loop, -1);
	/* Whatever the browser has left behind dies with our PID namespace. */
	return launcher.exit_code;
}
