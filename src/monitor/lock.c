/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "cell/home.h"
#include "lock/mount.h"
#include "monitor/handover.h"
#include "monitor/limits.h"
#include "monitor/monitor.h"
#include "monitor/sftp.h"
#include "monitor/throttle.h"

/* Session processes look at much more. */
#define UID_MIN_USER 1000

enum lock_phase {
	LOCK_CHECKING = 1 << 0, /* name and password, for `first` */
	LOCK_IDENTIFIED = 1 << 1, /* waits until another one of the same user is gone */
	LOCK_STARTING = 1 << 2,
	LOCK_READY = 1 << 3,
	LOCK_CLOSING = 1 << 4, /* asked whether anybody is in it */
	LOCK_DISCARDED = 1 << 5, /* only its exit is awaited */
};

struct lock {
	struct wl_list link; /* sftp_locks() */
	struct sftp *sftp;
	struct process process;
	enum lock_phase phase;
	char *typed, *address; /* for the log */
	bool has_ticket;
	struct throttle_ticket ticket;
	uint64_t check_started; /* monotonic us */
	struct sftp_login *first; /* while it is checked, and until it is served; or NULL */
	uid_t uid;
	char *account;
	uint32_t number; /* of the account that lazaret-lockd runs under */
	uint64_t last_login; /* monotonic us */
};

static void set_phase(struct lock *lock, enum lock_phase phase)
{
	lock->phase = phase;
	if (lock->process.channel)
		ipc_channel_set_state(lock->process.channel, phase);
}

static void say(struct lock *lock, enum ipc_type type, const struct buf *body)
{
	process_send(&lock->process, type, body, NULL, 0);
}

static void say_login(struct lock *lock, const char *address)
{
	struct buf body;

	buf_init(&body, IPC_BODY_MAX);
	buf_put_str(&body, address);
	say(lock, IPC_SESSION_LOCK_LOGIN, &body);
	buf_finish(&body);
}

static void end_ticket(struct lock *lock, enum throttle_outcome outcome)
{
	if (lock->has_ticket)
		throttle_end(sftp_monitor(lock->sftp)->throttle, &lock->ticket, outcome,
			     clock_now());
	lock->has_ticket = false;
}

/* --- who gets which ----------------------------------------------------------------------------------- */

/* The view of a user, or what is about to become it. */
static struct lock *find_view(struct sftp *sftp, uid_t uid)
{
	struct lock *lock;

	wl_list_for_each (lock, sftp_locks(sftp), link) {
		if (lock->uid == uid && (lock->phase & (LOCK_STARTING | LOCK_READY | LOCK_CLOSING)))
			return lock;
	}
	return NULL;
}

static bool number_taken(struct sftp *sftp, uint32_t number)
{
	struct lock *lock;

	wl_list_for_each (lock, sftp_locks(sftp), link) {
		if (lock->number == number && (lock->phase & ~(LOCK_CHECKING | LOCK_IDENTIFIED)))
			return true;
	}
	return false;
}

static void discard(struct lock *lock)
{
	set_phase(lock, LOCK_DISCARDED);
	say(lock, IPC_SESSION_DISCARD, NULL);
}

static void welcome(struct lock *view, struct sftp_login *login)
{
	view->last_login = clock_now();
	say_login(view, login->address);
	sftp_answer(login, LOGIN_ANSWER_WELCOME);
}

static void begin_view(struct lock *lock)
{
	struct monitor *monitor = sftp_monitor(lock->sftp);
	uint32_t base = (uint32_t)conf_int(monitor->conf, CONF_LOCK_UID_BASE);
	struct buf body;

	for (lock->number = 0; number_taken(lock->sftp, lock->number); lock->number++)
		;
	set_phase(lock, LOCK_STARTING);
	buf_init(&body, 4);
	buf_put_u32(&body, base + lock->number);
	say(lock, IPC_SESSION_LOCK, &body);
	buf_finish(&body);
}

static unsigned int count_views(struct sftp *sftp)
{
	unsigned int n = 0;
	struct lock *lock;

	wl_list_for_each (lock, sftp_locks(sftp), link)
		n += (lock->phase & (LOCK_STARTING | LOCK_READY | LOCK_CLOSING)) != 0;
	return n;
}

/* Somebody who was identified: he gets the view that there is, or becomes it, or waits. */
static void serve(struct lock *lock)
{
	struct monitor *monitor = sftp_monitor(lock->sftp);
	struct lock *view = find_view(lock->sftp, lock->uid);
	struct sftp_login *login = lock->first;

	if (!login) {
		discard(lock);
	} else if (view && view->phase == LOCK_READY) {
		lock->first = NULL;
		login->lock = NULL;
		discard(lock);
		welcome(view, login);
	} else if (view) {
		/* It starts or ends: then it goes on here. */
		return;
	} else if (count_views(lock->sftp) >=
		   (unsigned int)conf_int(monitor->conf, CONF_MAX_SESSIONS)) {
		log_event(LOG_WARN, "login.unserved", LOG_STR("user", lock->account),
			  LOG_STR("address", login->address), LOG_STR("reason", "max-sessions"));
		lock->first = NULL;
		login->lock = NULL;
		discard(lock);
		sftp_answer(login, LOGIN_ANSWER_ERROR);
	} else {
		begin_view(lock);
	}
}

/* After serve() the list may be another one. */
static void serve_waiting(struct sftp *sftp, uid_t uid)
{
	struct lock *lock;
	bool again;

	do {
		again = false;
		wl_list_for_each (lock, sftp_locks(sftp), link) {
			struct lock *view = find_view(sftp, uid);

			if (lock->phase != LOCK_IDENTIFIED || lock->uid != uid ||
			    (view && view->phase != LOCK_READY))
				continue;
			serve(lock);
			again = lock->phase != LOCK_IDENTIFIED;
			break;
		}
	} while (again);
}

/* --- what they may say -------------------------------------------------------------------------------- */

/* Safe: as for a viewer's login, see session.c. */
static int handle_identified(void *data, struct ipc_message *message)
{
	struct lock *lock = data;
	uint32_t uid = cursor_u32(&message->body);
	_cleanup_free_ char *account = cursor_str(&message->body, ACCOUNT_NAME_MAX);
	(void)cursor_u8(&message->body); /* clipboard and paths: of a cell */
	(void)cursor_u32(&message->body);

	if (!cursor_done(&message->body) || uid < UID_MIN_USER || uid == (uid_t)-1 ||
	    account[0] == '\0')
		return -EPROTO;
	lock->uid = uid;
	lock->account = STEAL(account);
	set_phase(lock, LOCK_IDENTIFIED);
	end_ticket(lock, THROTTLE_SUCCEEDED);
	log_event(LOG_INFO, "login.accepted", LOG_STR("user", lock->account),
		  LOG_STR("address", lock->address),
		  LOG_INT("ms", (clock_now() - lock->check_started) / USEC_PER_MSEC),
		  LOG_STR("over", "sftp"));
	serve(lock);
	return 0;
}

/* Safe: the reason goes to the log only. */
static int handle_refused(void *data, struct ipc_message *message)
{
	struct lock *lock = data;
	uint8_t why = cursor_u8(&message->body);
	_cleanup_free_ char *reason = cursor_str(&message->body, REASON_MAX);
	struct sftp_login *login = lock->first;

	if (!cursor_done(&message->body) || why > SESSION_REFUSAL_ERROR)
		return -EPROTO;
	end_ticket(lock, why == SESSION_REFUSAL_ERROR     ? THROTTLE_ABANDONED
			 : why == SESSION_REFUSAL_ACCOUNT ? THROTTLE_SUCCEEDED
							  : THROTTLE_FAILED);
	log_event(LOG_WARN, "login.refused", LOG_STR("user", lock->typed),
		  LOG_STR("address", lock->address), LOG_STR("reason", reason),
		  LOG_STR("over", "sftp"));
	lock->first = NULL;
	set_phase(lock, LOCK_DISCARDED);
	if (login) {
		login->lock = NULL;
		sftp_refuse(login, (enum session_refusal)why);
	}
	return 0;
}

/* Safe: says that the view of its own user is there. */
static int handle_ready(void *data, struct ipc_message *message)
{
	struct lock *lock = data;
	struct sftp_login *login = STEAL(lock->first);

	(void)message;
	set_phase(lock, LOCK_READY);
	lock->last_login = clock_now();
	if (login) {
		login->lock = NULL;
		welcome(lock, login);
	}
	serve_waiting(lock->sftp, lock->uid);
	return 0;
}

/* Safe: somebody is in it; then it stays. */
static int handle_busy(void *data, struct ipc_message *message)
{
	struct lock *lock = data;

	(void)message;
	set_phase(lock, LOCK_READY);
	serve_waiting(lock->sftp, lock->uid);
	return 0;
}

static const struct ipc_rule rules[] = {
	{IPC_SESSION_IDENTIFIED, LOCK_CHECKING, 1, handle_identified},
	{IPC_SESSION_REFUSED, LOCK_CHECKING, 1, handle_refused},
	{IPC_SESSION_LOCK_READY, LOCK_STARTING, 1, handle_ready},
	{IPC_SESSION_LOCK_BUSY, LOCK_CLOSING, 0, handle_busy},
};

static void handle_closed(void *data, int reason)
{
	struct lock *lock = data;

	process_closed(&lock->process, reason);
}

static const struct ipc_table table = {
	.self = IPC_ROLE_MONITOR,
	.peer = IPC_ROLE_SESSION,
	.rules = rules,
	.n_rules = ARRAY_LEN(rules),
	.closed = handle_closed,
};

/* --- birth and death ---------------------------------------------------------------------------------- */

/* What it would have done itself, had it not been killed. */
static void clear(const struct lock *lock)
{
	const struct conf *conf = sftp_monitor(lock->sftp)->conf;
	int r;

	if (!(lock->phase & (LOCK_STARTING | LOCK_READY | LOCK_CLOSING)))
		return;
	mount_drop_view(conf_str(conf, CONF_RUNTIME_DIR), lock->uid);
	r = home_close(conf_str(conf, CONF_STATE_DIR), lock->uid);
	if (r < 0)
		log_event(LOG_WARN, "lock.unclean", LOG_INT("uid", lock->uid), LOG_ERR(r));
}

static void lock_free(struct lock *lock)
{
	wl_list_remove(&lock->link);
	end_ticket(lock, THROTTLE_ABANDONED);
	free(lock->typed);
	free(lock->address);
	free(lock->account);
	free(lock);
}

static void handle_gone(void *data)
{
	struct lock *lock = data;
	struct sftp *sftp = lock->sftp;
	struct sftp_login *login = STEAL(lock->first);
	uid_t uid = lock->uid;

	if (lock->process.status != 0)
		log_event(LOG_ERROR, "session.died", LOG_STR("session", ""),
			  LOG_STR("user", lock->account ? lock->account : ""));
	clear(lock);
	process_finish(&lock->process, false);
	lock_free(lock);
	if (login) {
		login->lock = NULL;
		sftp_answer(login, LOGIN_ANSWER_ERROR);
	}
	serve_waiting(sftp, uid);
}

static void fill_spec(struct lock *lock, struct process_spec *spec)
{
	struct monitor *monitor = sftp_monitor(lock->sftp);

	*spec = (struct process_spec){
		.path = monitor_program(monitor, "lazaret-session"),
		.exec_fd = monitor->programs.fds[PROGRAM_SESSION],
		.fds = monitor->programs.fds + PROGRAM_OF_SESSION,
		.n_fds = PROGRAM_COUNT - PROGRAM_OF_SESSION,
		.role = "lazaret-session",
		.own_log = true,
		.table = &table,
		.gone = handle_gone,
		.data = lock,
	};
}

static int execute(struct lock *lock)
{
	struct monitor *monitor = sftp_monitor(lock->sftp);
	struct process_spec spec;
	struct buf config;
	int r;

	fill_spec(lock, &spec);
	buf_init(&config, 2 * IPC_BODY_MAX);
	conf_put(monitor->conf, CONF_FOR_SESSION, &config);
	buf_put_str(&config, monitor->cgroup_name);
	buf_put_u8(&config, monitor->cgroup_delegated);
	spec.config = &config;
	r = process_start(&lock->process, monitor->loop, &spec);
	buf_finish(&config);
	if (r < 0)
		log_event(LOG_ERROR, "session.unstartable", LOG_STR("program", "lazaret-session"),
			  LOG_ERR(r));
	return r;
}

static void say_question(struct lock *lock, const struct sftp_login *login)
{
	struct buf body;

	buf_init_secret(&body, IPC_BODY_MAX);
	buf_put_str(&body, login->user);
	if (!login->key)
		buf_put_str(&body, login->password);
	buf_put_str(&body, login->address);
	say(lock, login->key ? IPC_SESSION_VOUCH : IPC_SESSION_LOGIN, &body);
	buf_finish(&body);
}

int lock_check(struct sftp *sftp, struct sftp_login *login)
{
	struct lock *lock = calloc(1, sizeof(*lock));
	int r;

	if (!lock)
		return -ENOMEM;
	lock->sftp = sftp;
	lock->process.child.pidfd = -1;
	lock->typed = strdup(login->user);
	lock->address = strdup(login->address);
	r = lock->typed && lock->address ? execute(lock) : -ENOMEM;
	if (r < 0) {
		free(lock->typed);
		free(lock->address);
		free(lock);
		return r;
	}
	lock->has_ticket = login->has_ticket;
	lock->ticket = login->ticket;
	lock->check_started = login->check_started;
	login->has_ticket = false;
	set_phase(lock, LOCK_CHECKING);
	wl_list_insert(sftp_locks(sftp)->prev, &lock->link);
	lock->first = login;
	login->lock = lock;
	say_question(lock, login);
	return 0;
}

void lock_forget_login(struct sftp_login *login)
{
	struct lock *lock = STEAL(login->lock);

	/* The check goes on: what a guess costs must not depend on waiting for it. */
	lock->first = NULL;
	if (lock->phase == LOCK_IDENTIFIED)
		discard(lock);
}

static int save_view(const struct lock *lock, struct handover *handover)
{
	struct handover_view *part = handover_add(&handover->views, &handover->n_views,
						  sizeof(*part));
	int r = part ? process_save(&lock->process, &part->process) : -ENOMEM;

	if (r < 0)
		return r;
	part->uid = lock->uid;
	part->number = lock->number;
	part->last_login = lock->last_login;
	return handover_text(&part->account, lock->account);
}

static int save_one(const struct lock *lock, struct handover *handover)
{
	struct throttle_ticket *part;

	if (lock->phase == LOCK_READY)
		return save_view(lock, handover);
	if (lock->phase & (LOCK_STARTING | LOCK_CLOSING))
		return -EBUSY;
	if (lock->has_ticket) {
		part = handover_add(&handover->dropped, &handover->n_dropped, sizeof(*part));
		if (!part)
			return -ENOMEM;
		*part = lock->ticket;
	}
	return handover_add_leftover(handover, &lock->process.child);
}

int lock_save(struct sftp *sftp, struct handover *handover)
{
	struct lock *lock;
	int r = 0;

	wl_list_for_each (lock, sftp_locks(sftp), link) {
		r = save_one(lock, handover);
		if (r < 0)
			break;
	}
	return r;
}

int lock_restore(struct sftp *sftp, const struct handover_view *part)
{
	struct lock *lock = calloc(1, sizeof(*lock));
	struct process_spec spec;
	int r;

	if (!lock)
		return -ENOMEM;
	lock->sftp = sftp;
	lock->process.child.pidfd = -1;
	wl_list_insert(sftp_locks(sftp)->prev, &lock->link);
	lock->uid = part->uid;
	lock->number = part->number;
	lock->last_login = part->last_login;
	r = handover_text(&lock->account, part->account);
	if (r < 0)
		return r;
	fill_spec(lock, &spec);
	r = process_restore(&lock->process, sftp_monitor(sftp)->loop, &part->process, &spec);
	set_phase(lock, LOCK_READY);
	return r;
}

void lock_ask_idle(struct sftp *sftp)
{
	uint64_t now = clock_now();
	struct lock *lock;

	wl_list_for_each (lock, sftp_locks(sftp), link) {
		if (lock->phase != LOCK_READY || lock->last_login + SFTP_IDLE * USEC_PER_SEC > now)
			continue;
		set_phase(lock, LOCK_CLOSING);
		say(lock, IPC_SESSION_LOCK_CLOSE, NULL);
	}
}

void lock_end_all(struct sftp *sftp)
{
	struct lock *lock, *next;

	wl_list_for_each_safe (lock, next, sftp_locks(sftp), link) {
		process_finish(&lock->process, true);
		clear(lock);
		lock_free(lock);
	}
}
