/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "cell/cgroup.h"
#include "session/session.h"

#define MIB (UINT64_C(1) << 20)

#define IDLE "Nobody was attached to this session for too long."
#define LIMIT "This session has reached its time limit."
#define LIMIT_NEAR "This session ends in five minutes: it reaches its time limit."

void session_milestone(const struct session *session, const char *step)
{
	log_event(LOG_INFO, "session.step", LOG_STR("session", session->record.id),
		  LOG_STR("step", step),
		  LOG_INT("ms", (clock_now() - session->born) / USEC_PER_MSEC));
}

/* --- limits ------------------------------------------------------------------------------------- */

static int handle_idle(void *data)
{
	session_end(data, IDLE);
	return 0;
}

static int to_ms(int64_t seconds)
{
	return (int)MIN(seconds, INT64_C(2147483)) * 1000;
}

static int handle_limit(void *data)
{
	struct session *session = data;

	if (session->warned) {
		session_end(session, LIMIT);
		return 0;
	}
	session->warned = true;
	notice_show(session, LIMIT_NEAR, 0, DISPLAY_NOTICE_STRIP);
	wl_event_source_timer_update(session->limit_timer, LIMIT_WARNING * 1000);
	return 0;
}

static void start_limit(struct session *session)
{
	int64_t limit = conf_int(session->conf, CONF_SESSION_LIMIT);

	if (limit == 0 || session->parked)
		return;
	session->warned = limit <= LIMIT_WARNING;
	wl_event_source_timer_update(session->limit_timer,
				     to_ms(session->warned ? limit : limit - LIMIT_WARNING));
}

void session_set_state(struct session *session, enum session_state state)
{
	int64_t idle = conf_int(session->conf, CONF_IDLE_LIMIT);

	session->state = state;
	session->since = clock_wall();
	if (session->idle_timer)
		wl_event_source_timer_update(session->idle_timer,
					     state == SESSION_STATE_DETACHED ? to_ms(idle) : 0);
	session_tell_state(session);
}

void session_attached(struct session *session, const char *address)
{
	str_copy(session->viewer, sizeof(session->viewer), address);
	session_set_state(session, SESSION_STATE_ATTACHED);
}

void session_detached(struct session *session, const char *reason)
{
	if (session->state != SESSION_STATE_ATTACHED)
		return;
	session->viewer[0] = '\0';
	session_tell_str(session, IPC_SESSION_DETACHED, reason);
	session_set_state(session, SESSION_STATE_DETACHED);
}

/* --- start ---------------------------------------------------------------------------------------- */

static int make_groups(struct session *session)
{
	const struct conf *conf = session->conf;
	const struct cgroup_limits cell = {
		.memory_max = (uint64_t)conf_int(conf, CONF_CELL_MEMORY) * MIB,
		.pids_max = (uint32_t)conf_int(conf, CONF_CELL_PROCESSES),
		.cpu_max_percent = (uint32_t)conf_int(conf, CONF_CELL_CPU),
	};
	const struct cgroup_limits display = {
		.memory_max = (uint64_t)conf_int(conf, CONF_DISPLAY_MEMORY) * MIB,
		.pids_max = DISPLAY_TASKS_MAX,
	};
	char name[CGROUP_NAME_MAX + 1];
	int r;

	snprintf(name, sizeof(name), "s-%.40s", session->record.id);
	r = cgroup_base_open(session->cgroup_name, session->cgroup_delegated, false,
			     &session->cgroups);
	if (r == 0)
		r = cgroup_create(session->cgroups, name, NULL, NULL, &session->group);
	if (r == 0)
		r = cgroup_create(session->cgroups, name, "cell", &cell, &session->cell_group);
	if (r == 0)
		r = cgroup_create(session->cgroups, name, "display", &display,
				  &session->display_group);
	return r;
}

static void ask_for_network(struct session *session)
{
	struct buf body;

	session->net_asked = true;
	buf_init(&body, 4);
	buf_put_u32(&body, session->record.slot);
	session_tell(session, IPC_SESSION_NEEDS_NET, &body);
	buf_finish(&body);
}

/* The uid was somebody else's before: what is left of him is kept, out of reach. */
static int move_home_aside(struct session *session, uid_t uid)
{
	const char *state = conf_str(session->conf, CONF_STATE_DIR);
	char from[HOME_PATH_MAX], to[HOME_PATH_MAX + 64];
	int r = home_close(state, uid);

	if (r < 0)
		return r;
	snprintf(from, sizeof(from), "%s/users/%u", state, (unsigned int)uid);
	snprintf(to, sizeof(to), "%s/users/former-%u-%llu", state, (unsigned int)uid,
		 (unsigned long long)clock_wall());
	if (rename(from, to) < 0)
		return -errno;
	log_event(LOG_WARN, "home.moved-aside", LOG_INT("uid", uid), LOG_STR("to", to));
	return 0;
}

int session_open_home(struct session *session)
{
	const struct account *account = login_account(session->login);
	const char *state = conf_str(session->conf, CONF_STATE_DIR);
	uint64_t size = (uint64_t)conf_int(session->conf, CONF_CELL_HOME) * MIB;
	int r;

	for (int try = 0;; try++) {
		r = home_open(state, account->uid, account->gid, account->name,
			      MAX(size, HOME_SIZE_MIN), &session->home);
		if (r != -ESTALE || try > 0)
			break;
		r = move_home_aside(session, account->uid);
		if (r < 0)
			break;
	}
	session->home_open = r == 0;
	if (r == 0 && session->record.id[0])
		session_milestone(session, "home");
	return r;
}

static int fail(struct session *session, const char *what, int error)
{
	log_event(LOG_ERROR, "session.part-failed", LOG_STR("session", session->record.id),
		  LOG_STR("part", what), LOG_ERR(error));
	return error;
}

/* The parts that come up by themselves are started first; what blocks runs meanwhile. */
static int start_parts(struct session *session)
{
	const char *reason = "";
	_cleanup_fd_ int wayland = -1;
	int r = folder_create(session, &wayland);

	if (r < 0)
		return fail(session, "folder", r);
	ask_for_network(session);
	r = make_groups(session);
	if (r < 0)
		return fail(session, "control group", r);
	r = display_start(session, wayland);
	if (r < 0)
		return fail(session, "display", r);
	if (!session->login)
		return 0;
	r = login_open(session->login, &reason);
	if (r < 0) {
		log_event(LOG_ERROR, "session.pam", LOG_STR("session", session->record.id),
			  LOG_STR("reason", reason));
		return r;
	}
	session_milestone(session, "pam");
	r = session_open_home(session);
	return r < 0 ? fail(session, "home", r) : 0;
}

static int make_timers(struct session *session)
{
	session->idle_timer = wl_event_loop_add_timer(session->loop, handle_idle, session);
	session->limit_timer = wl_event_loop_add_timer(session->loop, handle_limit, session);
	return session->idle_timer && session->limit_timer ? 0 : -ENOMEM;
}

static void choose_ids(struct session *session)
{
	const struct conf *conf = session->conf;
	uint32_t slot = session->record.slot;

	session->display_uid = (uid_t)conf_int(conf, CONF_DISPLAY_UID_BASE) + slot;
	if (session->login) {
		session->cell_uid = login_account(session->login)->uid;
		session->cell_gid = login_account(session->login)->gid;
	} else {
		session->cell_uid = (uid_t)conf_int(conf, CONF_CELL_UID_BASE) + slot;
		session->cell_gid = session->cell_uid;
	}
}

void session_start(struct session *session)
{
	struct session_record *record = &session->record;
	int r;

	session->born = clock_now();
	session->started = session->since = clock_wall();
	session->state = SESSION_STATE_STARTING;
	session->phase = PHASE_RUNNING;
	session->parked = session->inherited = !session->login;
	choose_ids(session);
	if (session->login) {
		record->uid = login_account(session->login)->uid;
		str_copy(record->name, sizeof(record->name), login_account(session->login)->name);
	}
	record->pid = getpid();
	r = record_process_start(record->pid, &record->start);
	if (r == 0)
		r = make_timers(session);
	if (r == 0)
		r = start_parts(session);
	if (r < 0) {
		session_end(session, "The session could not be started.");
		return;
	}
	start_limit(session);
	session_check_parts(session);
}

static void tell_ready(struct session *session, enum session_state state)
{
	session->told_ready = true;
	session_set_state(session, state);
	session_tell(session, IPC_SESSION_READY, NULL);
}

void session_check_parts(struct session *session)
{
	int r;

	if (session->phase != PHASE_RUNNING)
		return;
	/* A viewer need not wait for the browser; who inherits a parked cell wants all of it. */
	if (!session->told_ready && session->display_ready &&
	    (!session->parked || session->browser.proven))
		tell_ready(session,
			   session->parked ? SESSION_STATE_PARKED : SESSION_STATE_DETACHED);
	if (session->browser.running || session->browser.since > 0)
		return;
	if (!session->display_ready || !session->net_there ||
	    (session->login && !session->home_open))
		return;
	r = browser_start(session);
	if (r < 0) {
		(void)fail(session, "cell", r);
		session_end(session, "The cell of this session could not be started.");
	}
}

/* --- a parked cell becomes somebody's ------------------------------------------------------------ */

static int assign(struct session *session)
{
	const struct account *account = login_account(session->login);
	const char *reason = "";
	int r = login_open(session->login, &reason);

	if (r < 0) {
		log_event(LOG_ERROR, "session.pam", LOG_STR("session", session->record.id),
			  LOG_STR("reason", reason));
		return r;
	}
	r = session_open_home(session);
	if (r < 0)
		return fail(session, "home", r);
	r = cell_assign(&session->browser.cell, session->home.transfer, account->uid, account->gid,
			session->cell_uid, session->cell_gid, NULL);
	if (r < 0)
		return fail(session, "cell", r);
	session->record.uid = account->uid;
	str_copy(session->record.name, sizeof(session->record.name), account->name);
	r = folder_update_record(session);
	return r < 0 ? fail(session, "record", r) : 0;
}

void session_assign(struct session *session, uid_t uid, const char *account)
{
	const char *reason = "";
	int r;

	session->born = clock_now();
	session->started = clock_wall();
	r = login_assume(session->conf, account, uid, &session->login, &reason);
	if (r < 0)
		log_event(LOG_ERROR, "session.pam", LOG_STR("session", session->record.id),
			  LOG_STR("reason", reason));
	else
		r = assign(session);
	if (r < 0) {
		session_end(session, "The parked cell could not be handed over.");
		return;
	}
	session->parked = false;
	start_limit(session);
	session_milestone(session, "assigned");
	session_set_state(session, SESSION_STATE_DETACHED);
}

/* --- end ------------------------------------------------------------------------------------------ */

static void finish(struct session *session)
{
	login_close(STEAL(session->login));
	folder_remove(session);
	session_tell_str(session, IPC_SESSION_ENDED, session->end_reason);
	session->stop = true;
}

/* What is gone when nothing runs any more; -EBUSY while something does. */
static int clear(struct session *session)
{
	int r = session->group ? cgroup_remove(session->group) : 0;

	if (r == 0 && session->home_open) {
		home_release(&session->home);
		r = home_close(conf_str(session->conf, CONF_STATE_DIR), session->record.uid);
		session->home_open = r < 0;
	}
	return r;
}

static int handle_end_timer(void *data)
{
	struct session *session = data;
	int r;

	if (session->end_tries++ == 0) {
		display_stop(session);
		if (session->group && cgroup_kill(session->group) < 0)
			log_event(LOG_ERROR, "cell.unkillable",
				  LOG_STR("session", session->record.id));
	}
	r = clear(session);
	if (r < 0 && session->end_tries < END_TRIES) {
		wl_event_source_timer_update(session->end_timer, END_RETRY);
		return 0;
	}
	if (r < 0)
		log_event(LOG_ERROR, "session.unclean", LOG_STR("session", session->record.id),
			  LOG_ERR(r));
	finish(session);
	return 0;
}

void session_check_end(struct session *session)
{
	if (session->phase != PHASE_ENDING || session->browser.running || session->end_tries > 0)
		return;
	/* The farewell stands until the viewer is gone, or its time is over. */
	if (process_running(&session->display) && session->state == SESSION_STATE_ENDING &&
	    session->viewer[0] != '\0')
		return;
	wl_event_source_timer_update(session->end_timer, 1);
}

void session_end(struct session *session, const char *reason)
{
	bool watched = session->viewer[0] != '\0';

	if (session->phase == PHASE_ENDING)
		return;
	log_event(LOG_INFO, "session.ending", LOG_STR("session", session->record.id),
		  LOG_STR("reason", reason));
	session->phase = PHASE_ENDING;
	session->end_reason = strdup(reason);
	session_set_state(session, SESSION_STATE_ENDING);
	session->end_timer = wl_event_loop_add_timer(session->loop, handle_end_timer, session);
	if (!session->end_timer || !session->end_reason) {
		/* No memory for an end in order: the monitor clears up. */
		session->stop = true;
		return;
	}
	if (session->limit_timer)
		wl_event_source_timer_update(session->limit_timer, 0);
	if (watched)
		display_detach(session, reason);
	browser_stop(session);
	wl_event_source_timer_update(session->end_timer,
				     watched ? MAX(END_FAREWELL, END_BROWSER) : END_BROWSER);
	session_check_end(session);
}
