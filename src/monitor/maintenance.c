/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "monitor/maintenance.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "ctl/answer.h"
#include "ipc/message.h"
#include "monitor/caller.h"
#include "monitor/commands.h"
#include "monitor/limits.h"
#include "monitor/login.h"
#include "monitor/monitor.h"
#include "monitor/session.h"

#define FILE_NAME "maintenance"
#define MINUTE ((int64_t)(60 * USEC_PER_SEC))
/* That the clock was set is seen this late; ms. */
#define LOOK_MAX 10000

struct maintenance {
	struct monitor *monitor;
	struct wl_event_source *timer;
	bool set;
	struct maintenance_plan plan;
	uint64_t at; /* monotonic us, for what is not by the clock */
	int64_t shown; /* minutes; 0: no notice stands */
};

/* --- what it is ------------------------------------------------------------------------------- */

/* us; negative when the time is past. */
static int64_t left(const struct maintenance *self)
{
	return self->plan.by_clock ? (int64_t)(self->plan.at - clock_wall())
				   : (int64_t)(self->at - clock_now());
}

static int64_t notice_time(const struct maintenance *self)
{
	return conf_int(self->monitor->conf, CONF_MAINTENANCE_NOTICE) * MINUTE;
}

enum maintenance_phase maintenance_phase(const struct maintenance *self)
{
	int64_t rest;

	if (!self || !self->set)
		return MAINTENANCE_OFF;
	rest = left(self);
	if (self->plan.active || rest <= 0)
		return MAINTENANCE_ON;
	return rest <= notice_time(self) ? MAINTENANCE_ANNOUNCED : MAINTENANCE_PLANNED;
}

const char *maintenance_sentence(const struct maintenance *self)
{
	return self->plan.sentence;
}

const char *maintenance_state(const struct maintenance *self)
{
	static const char *const names[] = {"off", "planned", "announced", "on"};

	return names[maintenance_phase(self)];
}

/* --- the file --------------------------------------------------------------------------------- */

static int open_state(const struct maintenance *self)
{
	int fd = open(conf_str(self->monitor->conf, CONF_STATE_DIR),
		      O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

static int save(const struct maintenance *self)
{
	_cleanup_fd_ int dir = open_state(self);
	char text[MAINTENANCE_FILE_MAX];

	if (dir < 0)
		return dir;
	if (self->set) {
		maintenance_put(&self->plan, text);
		return fd_write_file_atomic(dir, FILE_NAME, 0600, text, strlen(text));
	}
	if (unlinkat(dir, FILE_NAME, 0) < 0 && errno != ENOENT)
		return -errno;
	return fsync(dir) < 0 ? -errno : 0;
}

static int load(struct maintenance *self)
{
	_cleanup_fd_ int dir = open_state(self);
	_cleanup_free_ char *text = NULL;
	size_t len;
	int r = dir < 0 ? dir : fd_read_file(dir, FILE_NAME, MAINTENANCE_FILE_MAX, &text, &len);

	if (r == -ENOENT)
		return 0;
	if (r == 0)
		r = strlen(text) == len ? maintenance_get(text, &self->plan) : -EINVAL;
	if (r < 0)
		return r;
	self->set = true;
	self->at = clock_now() + (self->plan.at - clock_wall());
	return 0;
}

/* --- what follows ----------------------------------------------------------------------------- */

static bool is_somebodys(const struct session *session)
{
	return session->phase == SESSION_RUNNING && session->uid != 0 && !session->ending;
}

static void tell(struct session *session, const char *text)
{
	struct buf body;

	buf_init(&body, IPC_BODY_MAX);
	buf_put_str(&body, text);
	buf_put_u32(&body, 0);
	process_send(&session->process, IPC_SESSION_NOTICE, &body, NULL, 0);
	buf_finish(&body);
}

static void notice_text(const struct maintenance *self, char out[REASON_MAX])
{
	out[0] = '\0';
	if (self->shown > 0)
		maintenance_notice(&self->plan, self->shown,
				   (enum conf_language)conf_int(self->monitor->conf, CONF_LANGUAGE),
				   out, REASON_MAX);
}

/* 0: it goes away. */
static void show(struct maintenance *self, int64_t minutes)
{
	struct session *session;
	char text[REASON_MAX];

	if (self->shown == minutes)
		return;
	self->shown = minutes;
	notice_text(self, text);
	wl_list_for_each (session, &self->monitor->sessions, link) {
		if (is_somebodys(session))
			tell(session, text);
	}
}

void maintenance_greet(struct maintenance *self, struct session *session)
{
	char text[REASON_MAX];

	if (!self || self->shown == 0 || !is_somebodys(session))
		return;
	notice_text(self, text);
	tell(session, text);
}

static void end_all(struct maintenance *self)
{
	struct session *session, *next;

	wl_list_for_each_safe (session, next, &self->monitor->sessions, link) {
		/* Of a parked cell nobody reads why. One that proves the sandbox is let do so. */
		if (is_somebodys(session) ||
		    (session->phase == SESSION_RUNNING && session->parked && !session->ending &&
		     self->monitor->sandbox_proven))
			session_end(session, self->plan.sentence);
	}
}

static void begin(struct maintenance *self)
{
	int r;

	self->shown = 0;
	if (!self->plan.active) {
		self->plan.active = true;
		log_event(LOG_INFO, "maintenance.begun", LOG_STR("by", self->plan.by),
			  LOG_INT("sessions", session_count(self->monitor)));
		r = save(self);
		if (r < 0)
			log_event(LOG_ERROR, "maintenance.unsaved", LOG_ERR(r));
	}
	end_all(self);
}

static void look_again(struct maintenance *self)
{
	int64_t rest = left(self) / (int64_t)USEC_PER_MSEC, until = rest;
	int64_t notice = notice_time(self) / (int64_t)USEC_PER_MSEC;

	/* The next time that something changes: the notice comes, or a minute is over. */
	if (rest > notice)
		until = rest - notice;
	else
		until = rest % 60000 ? rest % 60000 : 60000;
	wl_event_source_timer_update(self->timer, (int)CLAMP(until + 1, 1, LOOK_MAX));
}

static void look(struct maintenance *self)
{
	switch (maintenance_phase(self)) {
	case MAINTENANCE_OFF:
		show(self, 0);
		wl_event_source_timer_update(self->timer, 0);
		break;
	case MAINTENANCE_PLANNED:
		show(self, 0); /* the clock may have been set back */
		look_again(self);
		break;
	case MAINTENANCE_ANNOUNCED:
		show(self, (left(self) + MINUTE - 1) / MINUTE);
		look_again(self);
		break;
	case MAINTENANCE_ON:
		begin(self);
		wl_event_source_timer_update(self->timer, 0);
		break;
	}
}

static int handle_timer(void *data)
{
	look(data);
	return 0;
}

/* ---------------------------------------------------------------------------------------------- */

int maintenance_create(struct monitor *monitor, struct maintenance **ret_maintenance)
{
	struct maintenance *self = calloc(1, sizeof(*self));
	int r;

	if (!self)
		return -ENOMEM;
	self->monitor = monitor;
	self->timer = wl_event_loop_add_timer(monitor->loop, handle_timer, self);
	if (!self->timer) {
		free(self);
		return -ENOMEM;
	}
	r = load(self);
	if (r < 0)
		log_event(LOG_ERROR, "maintenance.unread", LOG_ERR(r));
	/* Sessions that an earlier monitor had see the minutes again, or end. */
	look(self);
	*ret_maintenance = self;
	return 0;
}

void maintenance_destroy(struct maintenance *self)
{
	if (!self)
		return;
	wl_event_source_remove(self->timer);
	free(self);
}

/* --- commands --------------------------------------------------------------------------------- */

static void finish(const struct command_call *call, enum answer_status status, const char *sentence)
{
	struct buf body;

	buf_init(&body, IPC_BODY_MAX);
	if (status == ANSWER_STATUS_OK)
		answer_done(&body, sentence);
	else
		answer_failed(&body, status, sentence);
	call->answer(call->data, &body);
	buf_finish(&body);
}

/* Kept first: what is in force is in the file. */
static void put_in_force(const struct command_call *call, const struct maintenance_plan *plan)
{
	struct maintenance *self = call->monitor->maintenance;
	struct maintenance before = *self;
	int r;

	self->set = plan != NULL;
	if (plan)
		self->plan = *plan;
	self->at = clock_now() + (self->plan.at - clock_wall());
	r = save(self);
	if (r < 0) {
		*self = before;
		log_event(LOG_ERROR, "maintenance.unsaved", LOG_ERR(r));
		finish(call, ANSWER_STATUS_FAILED,
		       "the state directory cannot be written; nothing was changed");
		return;
	}
	/* The sentence may be another one. */
	if (plan && self->shown > 0)
		self->shown = -1;
	finish(call, ANSWER_STATUS_OK, "");
	look(self);
	if (call->monitor->phase == MONITOR_SERVING)
		login_park(call->monitor);
}

void maintenance_run_on(const struct command_call *call)
{
	const struct conf *conf = call->monitor->conf;
	struct maintenance_plan plan;
	const char *why = "";
	char at[32];

	if (maintenance_parse(call->n_arguments, call->arguments, clock_wall(),
			      (enum conf_language)conf_int(conf, CONF_LANGUAGE), &plan, &why) < 0) {
		finish(call, ANSWER_STATUS_USAGE, why);
		return;
	}
	(void)str_copy(plan.by, sizeof(plan.by),
		       call->caller->name[0] ? call->caller->name : "root");
	clock_format(plan.at, at, sizeof(at));
	log_event(LOG_INFO, "maintenance.set", LOG_STR("at", at), LOG_STR("by", plan.by),
		  LOG_STR("sentence", plan.sentence));
	put_in_force(call, &plan);
}

void maintenance_run_off(const struct command_call *call)
{
	if (!call->monitor->maintenance->set) {
		finish(call, ANSWER_STATUS_OK, "");
		return;
	}
	log_event(LOG_INFO, "maintenance.ended", LOG_INT("by_uid", call->caller->uid));
	put_in_force(call, NULL);
}

void maintenance_run_status(const struct command_call *call)
{
	const struct maintenance *self = call->monitor->maintenance;
	int64_t rest = self->set ? MAX(left(self), INT64_C(0)) : 0;
	char at[32] = "";
	struct buf body;

	/* As it is by now; what was planned in minutes may stand at another time of the clock. */
	if (self->set)
		clock_format(self->plan.active || self->plan.by_clock
				     ? self->plan.at
				     : clock_wall() + (uint64_t)rest,
			     at, sizeof(at));
	buf_init(&body, IPC_BODY_MAX);
	answer_begin(&body);
	answer_add(&body,
		   (const struct answer_field[]){
			   {"state", ANSWER_STR, .str = maintenance_state(self)},
			   {"at", ANSWER_STR, .str = at},
			   {"minutes_left", ANSWER_NUMBER,
			    .number = (uint64_t)((rest + MINUTE - 1) / MINUTE)},
			   {"sentence", ANSWER_STR, .str = self->set ? self->plan.sentence : ""},
			   {"by", ANSWER_STR, .str = self->set ? self->plan.by : ""},
			   {"sessions", ANSWER_NUMBER, .number = session_count(call->monitor)},
			   {NULL},
		   });
	call->answer(call->data, &body);
	buf_finish(&body);
	finish(call, ANSWER_STATUS_OK, "");
}
