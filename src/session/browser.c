/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/logpipe.h"
#include "base/mem.h"
#include "base/str.h"
#include "cell/cgroup.h"
#include "session/session.h"

#define MIB (UINT64_C(1) << 20)

static void drop_source(struct wl_event_source **source)
{
	if (*source)
		wl_event_source_remove(*source);
	*source = NULL;
}

void browser_forget(struct session *session)
{
	struct browser *browser = &session->browser;

	drop_source(&browser->exit_source);
	drop_source(&browser->control_source);
	drop_source(&browser->sandbox_timer);
	logpipe_destroy(STEAL(browser->log));
	if (browser->running)
		cell_close(&browser->cell);
	browser->running = false;
}

static void restart(struct session *session, const char *how)
{
	int r;

	log_event(LOG_WARN, "browser.restarted", LOG_STR("session", session->record.id),
		  LOG_STR("how", how));
	session->browser.restarted = true;
	r = browser_start(session);
	if (r < 0) {
		log_event(LOG_ERROR, "cell.unstartable", LOG_STR("session", session->record.id),
			  LOG_ERR(r));
		session_end(session, "The browser could not be started again.");
	}
}

/* Whether another try makes sense: once, for a cell that can be had again as it was. */
static bool may_restart(const struct session *session, uint64_t lived)
{
	return !session->inherited && !session->parked &&
	       (!session->browser.restarted || lived > BROWSER_STEADY * USEC_PER_SEC);
}

static void browser_gone(struct session *session, int status)
{
	struct browser *browser = &session->browser;
	uint64_t lived = clock_now() - browser->since;
	char how[64];

	child_describe(status, how, sizeof(how));
	browser_forget(session);
	if (session->phase == PHASE_ENDING) {
		session_check_end(session);
		return;
	}
	if (status == 0) {
		session_end(session, "The browser was closed.");
		return;
	}
	log_event(LOG_ERROR, "browser.died", LOG_STR("session", session->record.id),
		  LOG_STR("how", how), LOG_INT("lived_ms", lived / USEC_PER_MSEC));
	if (WIFEXITED(status) && WEXITSTATUS(status) == CELL_EXIT_SETUP)
		session_end(session, "The cell of this session could not be set up.");
	else if (may_restart(session, lived))
		restart(session, how);
	else
		session_end(session, "The browser failed.");
}

static int handle_exit(int fd, uint32_t mask, void *data)
{
	struct session *session = data;
	pid_t pid = session->browser.cell.pid;
	int status = 0;

	(void)fd;
	(void)mask;
	if (waitpid(pid, &status, WNOHANG) != pid)
		return 0;
	/* Helpers may linger; nothing of this cell is to survive its browser. */
	if (cgroup_kill(session->cell_group) < 0)
		log_event(LOG_ERROR, "cell.unkillable", LOG_STR("session", session->record.id));
	browser_gone(session, status);
	return 0;
}

static void proven(struct session *session)
{
	session->browser.proven = true;
	session_milestone(session, "sandbox");
	session_check_parts(session);
}

/*
 * There may be no renderer yet, and a renderer that was just forked takes a moment to shut itself
 * in, before it has seen a byte of a page; one that stays open does not get that long twice.
 */
static bool may_look_again(struct browser *browser, int r)
{
	uint64_t now = clock_now();

	if (r != -EPERM) {
		browser->open_since = 0;
		return r == -EAGAIN && now - browser->since < SANDBOX_TIMEOUT * USEC_PER_MSEC;
	}
	if (browser->open_since == 0)
		browser->open_since = now;
	return now - browser->open_since < SANDBOX_GRACE * USEC_PER_MSEC;
}

static int handle_sandbox_timer(void *data)
{
	struct session *session = data;
	struct browser *browser = &session->browser;
	int r = cell_sandbox_check(&browser->cell);

	if (r == 0) {
		proven(session);
		return 0;
	}
	if (may_look_again(browser, r)) {
		wl_event_source_timer_update(browser->sandbox_timer, SANDBOX_POLL);
		return 0;
	}
	log_event(LOG_ERROR, r == -EAGAIN ? "cell.unproven" : "cell.unconfined",
		  LOG_STR("session", session->record.id), LOG_ERR(r));
	session_end(session, "The browser's own sandbox is not on.");
	return 0;
}

/* Events are hints: a cell that lies about them harms itself. */
static int handle_control(int fd, uint32_t mask, void *data)
{
	struct session *session = data;
	struct browser *browser = &session->browser;
	enum cell_event event = CELL_EVENT_NONE;
	int r = cell_read_event(&browser->cell, &event);

	(void)fd;
	(void)mask;
	if (r < 0 && r != -EAGAIN)
		drop_source(&browser->control_source);
	if (r == 0 && event == CELL_EVENT_STARTED) {
		/* From here on it is not ours that speaks. */
		logpipe_set_raw(browser->log, LOG_DEBUG);
		session_milestone(session, "browser");
	}
	if (r == 0 && event == CELL_EVENT_OPENED)
		session_milestone(session, "opened");
	return 0;
}

static int watch(struct session *session)
{
	struct browser *browser = &session->browser;

	browser->exit_source = wl_event_loop_add_fd(session->loop, browser->cell.pidfd,
						    WL_EVENT_READABLE, handle_exit, session);
	browser->sandbox_timer = wl_event_loop_add_timer(session->loop, handle_sandbox_timer,
							 session);
	if (browser->cell.control >= 0)
		browser->control_source = wl_event_loop_add_fd(session->loop, browser->cell.control,
							       WL_EVENT_READABLE, handle_control,
							       session);
	if (!browser->exit_source || !browser->sandbox_timer)
		return -ENOMEM;
	wl_event_source_timer_update(browser->sandbox_timer, SANDBOX_POLL);
	return 0;
}

/* "Europe/Berlin" as the host has it; NULL: UTC. */
static const char *time_zone(char *buffer, size_t size)
{
	ssize_t n = readlink("/etc/localtime", buffer, size - 1);
	char *zone;

	if (n < 0)
		return NULL;
	buffer[n] = '\0';
	zone = strstr(buffer, "/zoneinfo/");
	return zone ? zone + strlen("/zoneinfo/") : NULL;
}

static void fill_spec(struct session *session, struct cell_spec *spec)
{
	const struct conf *conf = session->conf;
	bool wipe = conf_int(conf, CONF_PROFILE) == CONF_PROFILE_WIPE;

	*spec = (struct cell_spec){
		.uid = session->cell_uid,
		.gid = session->cell_gid,
		.home = session->home_open && !wipe ? session->home.home : NULL,
		.home_size = (uint64_t)conf_int(conf, CONF_CELL_HOME) * MIB,
		.transfer = session->home_open ? session->home.transfer : NULL,
		.wayland = session->wayland,
		.netns = session->netns,
		.resolv_conf = session->resolv_conf,
		.browser = conf_int(conf, CONF_BROWSER) == CONF_BROWSER_FIREFOX ? CELL_FIREFOX
										: CELL_CHROMIUM,
		.start_url = conf_str(conf, CONF_START_URL),
		.parked = session->parked,
		.lang = conf_int(conf, CONF_LANGUAGE) == CONF_LANGUAGE_DE ? "de_DE.UTF-8"
									  : "en_US.UTF-8",
		.join = cgroup_join_text(session->cell_group),
		.limits = {.shm_size = (uint64_t)conf_int(conf, CONF_CELL_SHM) * MIB},
		.libexec = conf_str(conf, CONF_LIBEXEC_DIR),
		.program_fd = SESSION_FD_CELL,
		.launcher_fd = SESSION_FD_BROWSER,
		.data = conf_str(conf, CONF_DATA_DIR),
	};
}

int browser_start(struct session *session)
{
	struct browser *browser = &session->browser;
	_cleanup_fd_ int log = -1;
	char proxy[600], user[64], zone[256];
	struct cell_spec spec;
	int r;

	fill_spec(session, &spec);
	str_copy(user, sizeof(user), "user");
	if (session->login)
		account_cell_name(login_account(session->login), user, sizeof(user));
	spec.user = user;
	spec.tz = time_zone(zone, sizeof(zone));
	if (conf_str(session->conf, CONF_PROXY)[0] != '\0') {
		snprintf(proxy, sizeof(proxy), "http://%s", conf_str(session->conf, CONF_PROXY));
		spec.proxy = proxy;
	}
	r = logpipe_create(session->loop, "cell", LOG_WARN, &browser->log, &log);
	if (r < 0)
		return r;
	spec.stderr_fd = log;
	browser->proven = false;
	browser->open_since = 0;
	browser->since = clock_now();
	r = cell_start(&spec, &browser->cell);
	if (r == 0) {
		browser->running = true;
		logpipe_set_pid(browser->log, browser->cell.pid);
		r = watch(session);
	}
	if (r < 0)
		browser_forget(session);
	else
		session_milestone(session, "cell");
	return r;
}

void browser_stop(struct session *session)
{
	if (session->browser.running && cell_stop(&session->browser.cell) < 0 &&
	    cgroup_kill(session->cell_group) < 0)
		log_event(LOG_ERROR, "cell.unkillable", LOG_STR("session", session->record.id));
}
