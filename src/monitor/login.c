/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "monitor/login.h"

#include <errno.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "conf/conf.h"
#include "monitor/client.h"
#include "monitor/limits.h"
#include "monitor/maintenance.h"
#include "monitor/monitor.h"
#include "monitor/remains.h"
#include "monitor/session.h"

#define WRONG "Name or password is wrong, or this account may not log in here."
#define EXPIRED \
	"This account or its password has expired. Please ask your administrator to renew it."
#define BROKEN "The session could not be started. Please try again, or tell your administrator."
#define FULL "All places are taken at the moment. Please try again later."
#define CLOSING "The system is being shut down. Please try again later."
#define REPLACED "Somebody logged in with this account from another place."

/* Pause before another try to park a cell: doubles with each failure; ms. */
#define PARK_PAUSE_MIN 1000
#define PARK_PAUSE_DOUBLINGS 6

static void end_ticket(struct session *login, enum throttle_outcome outcome)
{
	if (login->has_ticket)
		throttle_end(login->monitor->throttle, &login->ticket, outcome, clock_now());
	login->has_ticket = false;
}

void login_begin(struct client *client)
{
	struct monitor *monitor = client->monitor;
	uint64_t now = clock_now(), when;

	if (monitor->phase != MONITOR_SERVING) {
		client_refuse(client, CLOSING);
		return;
	}
	if (maintenance_phase(monitor->maintenance) == MAINTENANCE_ON) {
		log_event(LOG_INFO, "login.refused", LOG_STR("user", client->user),
			  LOG_STR("address", client->address), LOG_STR("reason", "maintenance"));
		client_refuse(client, maintenance_sentence(monitor->maintenance));
		return;
	}
	when = throttle_begin(monitor->throttle, &client->key, client->user, now, &client->ticket);
	client->has_ticket = true;
	if (when <= now) {
		login_check(client);
		return;
	}
	log_event(LOG_INFO, "login.delayed", LOG_STR("user", client->user),
		  LOG_STR("address", client->address), LOG_INT("ms", (when - now) / USEC_PER_MSEC));
	client_wait(client, when);
}

void login_check(struct client *client)
{
	if (session_login(client->monitor, client) < 0)
		client_refuse(client, BROKEN);
}

void login_forget_client(struct client *client)
{
	struct session *session = client->session;

	if (client->has_ticket)
		throttle_end(client->monitor->throttle, &client->ticket, THROTTLE_ABANDONED,
			     clock_now());
	client->has_ticket = false;
	/* The check goes on without it: what a guess costs must not depend on waiting for it. */
	if (client->login)
		client->login->client = NULL;
	if (session && session->client == client)
		session->client = NULL;
}

/* --- after the check ----------------------------------------------------------------------------- */

static void detach_login(struct session *login)
{
	if (login->client)
		login->client->login = NULL;
	login->client = NULL;
}

void login_refused(struct session *login, enum session_refusal why, const char *reason)
{
	struct client *client = login->client;
	uint64_t took = clock_now() - login->check_started;
	uint64_t padding = LOGIN_PADDING * USEC_PER_MSEC;

	end_ticket(login, why == SESSION_REFUSAL_ERROR     ? THROTTLE_ABANDONED
			  : why == SESSION_REFUSAL_ACCOUNT ? THROTTLE_SUCCEEDED
							   : THROTTLE_FAILED);
	log_event(LOG_WARN, "login.refused", LOG_STR("user", login->typed),
		  LOG_STR("address", login->address), LOG_STR("reason", reason));
	detach_login(login);
	session_discard(login);
	if (!client)
		return;
	client->sentence = why == SESSION_REFUSAL_ERROR     ? BROKEN
			   : why == SESSION_REFUSAL_ACCOUNT ? EXPIRED
							    : WRONG;
	client_wait(client, clock_now() + padding - took % padding);
}

const char *login_sentence(const char *text)
{
	static const char *const sentences[] = {WRONG, EXPIRED, BROKEN};

	for (size_t i = 0; text && i < ARRAY_LEN(sentences); i++) {
		if (str_eq(text, sentences[i]))
			return sentences[i];
	}
	return text ? BROKEN : NULL;
}

/* The viewer gets the session: at once, or when it is ready. */
static void join(struct client *client, struct session *session)
{
	struct client *earlier = session->client;

	client->login = NULL;
	if (session->ready) {
		if (session_attach(session, client) < 0)
			client_refuse(client, BROKEN);
		return;
	}
	if (earlier && earlier != client) {
		earlier->session = NULL;
		client_refuse(earlier, REPLACED);
	}
	session->client = client;
	client->session = session;
}

static struct session *find_parked(struct monitor *monitor)
{
	struct session *session;

	wl_list_for_each (session, &monitor->sessions, link) {
		if (session->parked && session->uid == 0 && session->ready && !session->ending)
			return session;
	}
	return NULL;
}

static void refuse_identified(struct session *login, const char *sentence, const char *reason)
{
	log_event(LOG_WARN, "login.unserved", LOG_STR("user", login->account),
		  LOG_STR("address", login->address), LOG_STR("reason", reason));
	if (login->client)
		client_refuse(login->client, sentence);
	detach_login(login);
	session_discard(login);
}

static void start_own(struct session *login)
{
	struct client *client = login->client;
	int r = session_start(login);

	if (r < 0) {
		log_event(LOG_ERROR, "session.unstartable", LOG_STR("user", login->account),
			  LOG_ERR(r));
		refuse_identified(login, BROKEN, "no slot or id");
		return;
	}
	log_event(LOG_INFO, "session.starting", LOG_STR("session", login->entry.id),
		  LOG_STR("user", login->account), LOG_INT("slot", login->entry.slot));
	if (client)
		join(client, login);
}

/* Finds a session for an identified user; may have to wait for the end of the one before. */
static void serve(struct session *login)
{
	struct monitor *monitor = login->monitor;
	struct session *session = session_find_uid(monitor, login->uid);
	struct session *parked;

	if (!login->client) {
		session_discard(login);
	} else if (session && session->heir) {
		/* Another login of the same user is just being given a parked cell. */
		struct session *other = session->heir;

		if (other->client)
			client_refuse(other->client, REPLACED);
		detach_login(other);
		session_discard(other);
		session->heir = login;
	} else if (session && session->ending) {
		log_event(LOG_DEBUG, "login.waits", LOG_STR("user", login->account));
	} else if (session) {
		struct client *client = login->client;

		session->clipboard = login->clipboard;
		login->client = NULL;
		session_discard(login);
		join(client, session);
	} else if (maintenance_phase(monitor->maintenance) >= MAINTENANCE_ANNOUNCED) {
		refuse_identified(login, maintenance_sentence(monitor->maintenance), "maintenance");
	} else if (remains_pending(monitor, login->uid)) {
		log_event(LOG_DEBUG, "login.waits", LOG_STR("user", login->account));
	} else if (session_count(monitor) >= (size_t)conf_int(monitor->conf, CONF_MAX_SESSIONS)) {
		refuse_identified(login, FULL, "max-sessions");
	} else if ((parked = find_parked(monitor)) && session_assign(parked, login) == 0) {
		log_event(LOG_DEBUG, "session.assigning", LOG_STR("session", parked->entry.id),
			  LOG_STR("user", login->account));
	} else {
		start_own(login);
	}
}

void login_identified(struct session *login)
{
	end_ticket(login, THROTTLE_SUCCEEDED);
	log_event(LOG_INFO, "login.accepted", LOG_STR("user", login->account),
		  LOG_STR("address", login->address),
		  LOG_INT("ms", (clock_now() - login->check_started) / USEC_PER_MSEC));
	serve(login);
}

void login_retry(struct monitor *monitor)
{
	struct session *session, *next;

	if (monitor->phase != MONITOR_SERVING)
		return;
	wl_list_for_each_safe (session, next, &monitor->sessions, link) {
		struct session *earlier = session_find_uid(monitor, session->uid);

		if (session->phase == SESSION_IDENTIFIED && !(earlier && earlier->heir == session))
			serve(session);
	}
}

/* --- sessions that come up and go ---------------------------------------------------------------- */

static void prove_sandbox(struct session *parked)
{
	struct monitor *monitor = parked->monitor;

	monitor->park_failures = 0;
	if (monitor->sandbox_proven)
		return;
	monitor->sandbox_proven = true;
	log_event(LOG_INFO, "cell.proven", LOG_STR("session", parked->entry.id));
	if (conf_int(monitor->conf, CONF_PARKED_CELLS) == 0 ||
	    maintenance_phase(monitor->maintenance) == MAINTENANCE_ON)
		session_end(parked, "The check is over.");
	monitor_check_ready(monitor);
}

void login_ready(struct session *session)
{
	if (session->parked && session->uid == 0) {
		prove_sandbox(session);
		return;
	}
	if (session->client && session_attach(session, session->client) < 0)
		client_refuse(session->client, BROKEN);
	maintenance_greet(session->monitor->maintenance, session);
}

void login_assigned(struct session *parked)
{
	struct session *login = STEAL(parked->heir);
	struct client *client = login ? login->client : NULL;

	parked->parked = false;
	parked->monitor->n_parked--;
	log_event(LOG_INFO, "session.assigned", LOG_STR("session", parked->entry.id),
		  LOG_STR("user", parked->account), LOG_INT("slot", parked->entry.slot));
	if (login) {
		login->client = NULL;
		session_discard(login);
	}
	if (client)
		join(client, parked);
	maintenance_greet(parked->monitor->maintenance, parked);
	login_park(parked->monitor);
}

static void park_failed(struct session *session)
{
	struct monitor *monitor = session->monitor;

	monitor->park_failures++;
	if (!monitor->sandbox_proven && monitor->phase == MONITOR_STARTING)
		monitor_give_up(monitor, "cell.unusable",
				session->end_reason ? session->end_reason
						    : "the session process died");
}

void login_lost(struct session *session)
{
	struct session *other;

	end_ticket(session, THROTTLE_ABANDONED);
	/* An heir of this one is served again when it is out of the registry. */
	session->heir = NULL;
	wl_list_for_each (other, &session->monitor->sessions, link) {
		if (other->heir == session)
			other->heir = NULL;
	}
	if (session->parked && !session->ready)
		park_failed(session);
	if (!session->client)
		return;
	if (session->client->login == session)
		session->client->login = NULL;
	if (session->client->session == session)
		session->client->session = NULL;
	/* One that has a display sees the end of its stream; its gateway says what it was told. */
	client_refuse(session->client, BROKEN);
	session->client = NULL;
}

static void park_now(struct monitor *monitor)
{
	unsigned int wanted = (unsigned int)conf_int(monitor->conf, CONF_PARKED_CELLS);

	if (maintenance_phase(monitor->maintenance) == MAINTENANCE_ON)
		wanted = 0;
	if (!monitor->sandbox_proven)
		wanted = MAX(wanted, 1u);
	while (monitor->phase != MONITOR_ENDING && monitor->n_parked < wanted) {
		int r = session_park(monitor);

		if (r < 0) {
			log_event(LOG_ERROR, "cell.unparkable", LOG_ERR(r));
			monitor->park_failures++;
			return;
		}
		/* After a failure one at a time. */
		if (monitor->park_failures > 0)
			return;
	}
}

static int handle_park_timer(void *data)
{
	park_now(data);
	return 0;
}

void login_park(struct monitor *monitor)
{
	unsigned int doublings = MIN(monitor->park_failures, PARK_PAUSE_DOUBLINGS);

	if (!monitor->park_timer)
		monitor->park_timer = wl_event_loop_add_timer(monitor->loop, handle_park_timer,
							      monitor);
	if (doublings > 0 && monitor->park_timer)
		wl_event_source_timer_update(monitor->park_timer, PARK_PAUSE_MIN << doublings);
	else
		park_now(monitor);
}
