/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What lazaret-session says to the monitor. */
#include "receiver.h"

#include "monitor/session.c"

#include "owners.h"

static struct session *current, *idle;
static uint8_t choice;

struct monitor *owner_monitor(struct wl_event_loop *loop)
{
	static struct monitor monitor;

	if (monitor.loop)
		return &monitor;
	monitor.loop = loop;
	monitor.conf = conf_create();
	PROMISE(monitor.conf);
	monitor.phase = MONITOR_SERVING;
	wl_list_init(&monitor.clients);
	wl_list_init(&monitor.sessions);
	registry_init(&monitor.registry);
	return &monitor;
}

struct session *owner_session(struct wl_event_loop *loop)
{
	struct session *session = session_new(owner_monitor(loop), SESSION_RUNNING);

	PROMISE(session && !idle);
	session->uid = 1234;
	session->account = strdup("bob");
	PROMISE(enter(session) == 0);
	idle = session;
	return session;
}

void owner_session_finish(void)
{
	if (!idle)
		return;
	registry_give_slot(&idle->monitor->registry, idle->entry.slot);
	session_free(idle);
	idle = NULL;
}

/* --- what the handlers call ------------------------------------------------------------------- */

void login_identified(struct session *login)
{
	PROMISE(login == current && login->phase == SESSION_IDENTIFIED);
	PROMISE(login->uid >= 1000 && login->uid != (uid_t)-1);
	PROMISE(strlen(login->account) > 0 && strlen(login->account) <= ACCOUNT_NAME_MAX);
	PROMISE(login->clipboard >= 0 && login->clipboard <= CONF_CLIPBOARD_BOTH);
	if (choice & 2)
		session_discard(login);
	else
		PROMISE(session_start(login) == 0);
}

void login_refused(struct session *login, enum session_refusal why, const char *reason)
{
	PROMISE(login == current && why <= SESSION_REFUSAL_ERROR);
	PROMISE(strlen(reason) <= REASON_MAX);
}

void login_lost(struct session *session)
{
	PROMISE(session == current);
	current = NULL;
}

void login_ready(struct session *session)
{
	PROMISE(session == current && session->registered && session->ready);
}

void login_assigned(struct session *parked)
{
	PROMISE(parked == current && parked->parked && parked->uid != 0);
	parked->parked = false;
	parked->monitor->n_parked--;
}

void login_retry(struct monitor *monitor)
{
	(void)monitor;
}

void login_park(struct monitor *monitor)
{
	(void)monitor;
}

void netd_set_paths(struct netd *netd, uint32_t slot, uint32_t paths)
{
	(void)netd;
	(void)slot;
	(void)paths;
}

void netd_create_cell(struct netd *netd, uint32_t slot, uint32_t paths)
{
	(void)netd;
	PROMISE(paths == current->paths);
	PROMISE(current->has_slot && slot == current->entry.slot);
}

void visit_note(const struct conf *conf, uid_t uid)
{
	(void)conf;
	(void)uid;
}

void remains_clear(struct monitor *monitor, const char *id, bool has_slot, uint32_t slot, uid_t uid)
{
	PROMISE(has_slot && id[0] != '\0' && uid >= 1000);
	registry_give_slot(&monitor->registry, slot);
}

void monitor_check_ended(struct monitor *monitor)
{
	(void)monitor;
}

const char *monitor_program(const struct monitor *monitor, const char *name)
{
	(void)monitor;
	return name;
}

/* ---------------------------------------------------------------------------------------------- */

/* Variants: 1 a running session instead of a login, 4 it was parked and waits to be assigned. */
static void session_open(struct wl_event_loop *loop, int fd, uint8_t variant)
{
	struct session *session = session_new(owner_monitor(loop), SESSION_LOGIN);

	PROMISE(session);
	choice = variant;
	session->process = (struct process){
		.loop = loop,
		.child.pidfd = -1,
		.ended = true,
		.gone = handle_gone,
		.data = session,
	};
	PROMISE(ipc_channel_create(loop, fd, &table, session, &session->process.channel) == 0);
	set_phase(session, SESSION_LOGIN);
	current = session;
	if (!(variant & 1))
		return;
	session->uid = 1000;
	session->account = strdup("alice");
	PROMISE(session_start(session) == 0);
	/* Of a fixed name, so that an input can say it. */
	str_copy(session->entry.id, sizeof(session->entry.id), "0123456789abcdef0123");
	if (variant & 4) {
		session->parked = true;
		session->monitor->n_parked++;
	}
}

static bool session_alive(void)
{
	return current && current->process.channel;
}

static void session_close(void)
{
	struct monitor *monitor = current ? current->monitor : NULL;

	if (session_alive())
		process_closed(&current->process, -EPIPE);
	PROMISE(!current);
	PROMISE(!monitor || wl_list_empty(&monitor->registry.entries));
}

const struct receiver from_session = {session_open, session_alive, session_close};
