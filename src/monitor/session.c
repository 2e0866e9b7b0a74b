/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "monitor/session.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "conf/conf.h"
#include "monitor/client.h"
#include "monitor/handover.h"
#include "monitor/limits.h"
#include "monitor/login.h"
#include "monitor/monitor.h"
#include "monitor/netd.h"
#include "monitor/remains.h"
#include "monitor/visit.h"
#include "session/record.h"

/* An account that may log in has at least this uid; lazaret-session looks at much more. */
#define UID_MIN_USER 1000

static void set_phase(struct session *session, enum session_phase phase)
{
	session->phase = phase;
	if (session->process.channel)
		ipc_channel_set_state(session->process.channel, phase);
}

static void say_str(struct session *session, enum ipc_type type, const char *text)
{
	struct buf body;

	buf_init(&body, IPC_BODY_MAX);
	buf_put_str(&body, text);
	process_send(&session->process, type, &body, NULL, 0);
	buf_finish(&body);
}

/* --- what a session may say ------------------------------------------------------------------- */

/*
 * Safe: once a process, as the answer to our question. The uid decides which session the person
 * gets, so what can be checked without NSS is checked again: never root, never a system account.
 */
static int handle_identified(void *data, struct ipc_message *message)
{
	struct session *session = data;
	uint32_t uid = cursor_u32(&message->body);
	_cleanup_free_ char *account = cursor_str(&message->body, ACCOUNT_NAME_MAX);
	uint8_t clipboard = cursor_u8(&message->body);
	uint32_t paths = cursor_u32(&message->body);

	if (!cursor_done(&message->body) || uid < UID_MIN_USER || uid == (uid_t)-1 ||
	    account[0] == '\0' || clipboard > CONF_CLIPBOARD_BOTH)
		return -EPROTO;
	session->uid = uid;
	session->account = STEAL(account);
	session->clipboard = clipboard;
	session->paths = paths;
	set_phase(session, SESSION_IDENTIFIED);
	login_identified(session);
	return 0;
}

/* Safe: the reason goes to the log only; the person sees one of our sentences. */
static int handle_refused(void *data, struct ipc_message *message)
{
	struct session *session = data;
	uint8_t why = cursor_u8(&message->body);
	_cleanup_free_ char *reason = cursor_str(&message->body, REASON_MAX);

	if (!cursor_done(&message->body) || why > SESSION_REFUSAL_ERROR)
		return -EPROTO;
	login_refused(session, (enum session_refusal)why, reason);
	return 0;
}

/* Safe: a session can ask for the network of its own slot only. */
static int handle_needs_net(void *data, struct ipc_message *message)
{
	struct session *session = data;
	uint32_t slot = cursor_u32(&message->body);

	if (!cursor_done(&message->body) || slot != session->entry.slot)
		return -EPROTO;
	session->net_wanted = true;
	netd_create_cell(session->monitor->netd, slot, session->paths);
	return 0;
}

/* Safe: says that we may attach to it, which is ours to do. */
static int handle_ready(void *data, struct ipc_message *message)
{
	struct session *session = data;

	(void)message;
	session->ready = true;
	login_ready(session);
	return 0;
}

/* Safe: only noted and logged. */
static int handle_detached(void *data, struct ipc_message *message)
{
	struct session *session = data;
	_cleanup_free_ char *reason = cursor_str(&message->body, REASON_MAX);

	if (!cursor_done(&message->body))
		return -EPROTO;
	log_event(LOG_INFO, "session.detached", LOG_STR("session", session->entry.id),
		  LOG_STR("user", session->account), LOG_STR("reason", reason));
	return 0;
}

static int read_state(struct session *session, struct cursor *c)
{
	_cleanup_free_ char *id = cursor_str(c, SESSION_ID_LEN);
	uint32_t slot = cursor_u32(c);
	uint32_t uid = cursor_u32(c);
	_cleanup_free_ char *account = cursor_str(c, ACCOUNT_NAME_MAX);
	uint8_t state = cursor_u8(c);
	uint64_t started = cursor_u64(c);
	uint64_t since = cursor_u64(c);
	_cleanup_free_ char *viewer = cursor_str(c, ADDRESS_TEXT_MAX - 1);
	uint8_t clipboard = cursor_u8(c);
	(void)cursor_u32(c); /* paths and proof: told at the adoption only */
	(void)cursor_u8(c);

	/* Who it is was settled when it began; it may only say how it is. */
	if (!cursor_done(c) || !str_eq(id, session->entry.id) || slot != session->entry.slot ||
	    state > SESSION_STATE_ENDING || clipboard > CONF_CLIPBOARD_BOTH ||
	    (uid != session->uid && !(session->parked && uid == 0)))
		return -EPROTO;
	session->state = state;
	session->started = started;
	session->since = since;
	str_copy(session->viewer, sizeof(session->viewer), viewer);
	return 0;
}

/* Safe: times and words for the list of sessions; identity must be what we gave it. */
static int handle_state(void *data, struct ipc_message *message)
{
	struct session *session = data;
	int r = read_state(session, &message->body);

	if (r < 0)
		return r;
	if (session->parked && session->uid != 0 && session->state != SESSION_STATE_PARKED &&
	    session->state != SESSION_STATE_STARTING)
		login_assigned(session);
	if (session->state == SESSION_STATE_ENDING)
		session->ending = true;
	return 0;
}

/* Safe: its end is its own affair; what it leaves is looked after whatever it says. */
static int handle_ended(void *data, struct ipc_message *message)
{
	struct session *session = data;
	_cleanup_free_ char *reason = cursor_str(&message->body, REASON_MAX);

	if (!cursor_done(&message->body))
		return -EPROTO;
	session->ending = true;
	free(session->end_reason);
	session->end_reason = STEAL(reason);
	return 0;
}

static void handle_closed(void *data, int reason)
{
	struct session *session = data;

	if (reason != -EPIPE)
		log_event(LOG_ERROR, "session.misbehaved", LOG_STR("session", session->entry.id),
			  LOG_INT("pid", session->process.child.pid), LOG_ERR(reason));
	process_closed(&session->process, reason);
}

static const struct ipc_rule rules[] = {
	{IPC_SESSION_IDENTIFIED, SESSION_LOGIN, 1, handle_identified},
	{IPC_SESSION_REFUSED, SESSION_LOGIN, 1, handle_refused},
	{IPC_SESSION_NEEDS_NET, SESSION_RUNNING, 0, handle_needs_net},
	{IPC_SESSION_READY, SESSION_RUNNING, 1, handle_ready},
	{IPC_SESSION_DETACHED, SESSION_RUNNING, 0, handle_detached},
	{IPC_SESSION_STATE, SESSION_RUNNING, 0, handle_state},
	{IPC_SESSION_ENDED, SESSION_RUNNING, 1, handle_ended},
};

static const struct ipc_table table = {
	.self = IPC_ROLE_MONITOR,
	.peer = IPC_ROLE_SESSION,
	.rules = rules,
	.n_rules = ARRAY_LEN(rules),
	.closed = handle_closed,
};

/* --- birth and death ---------------------------------------------------------------------------- */

static void session_free(struct session *session)
{
	if (session->kill_timer)
		wl_event_source_remove(session->kill_timer);
	if (session->registered)
		registry_remove(&session->monitor->registry, &session->entry);
	wl_list_remove(&session->link);
	fd_close(session->netns);
	free(session->typed);
	free(session->address);
	free(session->account);
	free(session->end_reason);
	free(session);
}

static void log_end(const struct session *session)
{
	bool in_order = session->end_reason && session->process.status == 0;
	char how[64];

	child_describe(session->process.status, how, sizeof(how));
	log_event(in_order ? LOG_INFO : LOG_ERROR, in_order ? "session.ended" : "session.died",
		  LOG_STR("session", session->entry.id),
		  LOG_STR("user", session->account ? session->account : ""),
		  LOG_STR("reason", session->end_reason ? session->end_reason : ""),
		  LOG_STR("how", how));
}

static void handle_gone(void *data)
{
	struct session *session = data;
	struct monitor *monitor = session->monitor;

	if (session->phase == SESSION_RUNNING)
		log_end(session);
	else if (session->process.status != 0)
		log_event(LOG_ERROR, "session.died", LOG_STR("session", ""),
			  LOG_STR("user", session->typed ? session->typed : ""));
	login_lost(session);
	process_finish(&session->process, false);
	if (session->has_slot)
		remains_clear(monitor, session->entry.id, true, session->entry.slot, session->uid);
	if (session->parked)
		monitor->n_parked--;
	session_free(session);
	login_retry(monitor);
	if (monitor->phase == MONITOR_SERVING)
		login_park(monitor);
	monitor_check_ended(monitor);
}

static int handle_kill(void *data)
{
	struct session *session = data;

	log_event(LOG_ERROR, "session.overdue", LOG_STR("session", session->entry.id),
		  LOG_INT("pid", session->process.child.pid));
	process_signal(&session->process, SIGKILL);
	return 0;
}

static void end_within(struct session *session, int ms)
{
	session->kill_due = clock_now() + (uint64_t)ms * USEC_PER_MSEC;
	wl_event_source_timer_update(session->kill_timer, ms);
}

static struct session *session_new(struct monitor *monitor, enum session_phase phase)
{
	struct session *session = calloc(1, sizeof(*session));

	if (!session)
		return NULL;
	session->monitor = monitor;
	session->phase = phase;
	session->process.child.pidfd = -1;
	session->netns = -1;
	wl_list_init(&session->entry.link);
	session->kill_timer = wl_event_loop_add_timer(monitor->loop, handle_kill, session);
	if (!session->kill_timer) {
		free(session);
		return NULL;
	}
	wl_list_insert(monitor->sessions.prev, &session->link);
	return session;
}

static void fill_spec(struct session *session, struct process_spec *spec)
{
	*spec = (struct process_spec){
		.path = monitor_program(session->monitor, "lazaret-session"),
		.exec_fd = session->monitor->programs.fds[PROGRAM_SESSION],
		.fds = session->monitor->programs.fds + PROGRAM_OF_SESSION,
		.n_fds = PROGRAM_COUNT - PROGRAM_OF_SESSION,
		.role = "lazaret-session",
		.own_log = true,
		.outlives = true,
		.table = &table,
		.gone = handle_gone,
		.data = session,
	};
}

static int execute(struct session *session)
{
	struct monitor *monitor = session->monitor;
	struct process_spec spec;
	struct buf config;
	int r;

	fill_spec(session, &spec);
	str_copy(session->version, sizeof(session->version), LAZARET_VERSION);
	buf_init(&config, 2 * IPC_BODY_MAX);
	conf_put(monitor->conf, CONF_FOR_SESSION, &config);
	buf_put_str(&config, monitor->cgroup_name);
	buf_put_u8(&config, monitor->cgroup_delegated);
	spec.config = &config;
	r = process_start(&session->process, monitor->loop, &spec);
	buf_finish(&config);
	if (r < 0) {
		log_event(LOG_ERROR, "session.unstartable", LOG_STR("program", spec.path),
			  LOG_ERR(r));
		return r;
	}
	set_phase(session, session->phase);
	return 0;
}

int session_login(struct monitor *monitor, struct client *client)
{
	struct session *session = session_new(monitor, SESSION_LOGIN);
	struct buf body;
	int r;

	if (!session)
		return -ENOMEM;
	r = execute(session);
	if (r < 0) {
		session_free(session);
		return r;
	}
	session->client = client;
	client->login = session;
	session->typed = STEAL(client->user);
	session->address = strdup(client->address);
	session->ticket = client->ticket;
	session->has_ticket = client->has_ticket;
	client->has_ticket = false;
	session->check_started = clock_now();
	buf_init_secret(&body, IPC_BODY_MAX);
	buf_put_str(&body, session->typed);
	buf_put_str(&body, client->password);
	buf_put_str(&body, client->address);
	process_send(&session->process, IPC_SESSION_LOGIN, &body, NULL, 0);
	buf_finish(&body);
	mem_wipe_strp(&client->password);
	return 0;
}

static void say_place(struct session *session, enum ipc_type type)
{
	struct buf body;

	buf_init(&body, IPC_BODY_MAX);
	buf_put_str(&body, session->entry.id);
	buf_put_u32(&body, session->entry.slot);
	process_send(&session->process, type, &body, NULL, 0);
	buf_finish(&body);
}

/* Id, slot and a place in the registry. */
static int enter(struct session *session)
{
	struct registry *registry = &session->monitor->registry;
	int r = registry_new_id(session->entry.id);

	if (r == 0)
		r = registry_take_slot(registry, &session->entry.slot);
	if (r < 0)
		return r;
	session->has_slot = true;
	session->entry.uid = session->uid;
	session->entry.name = session->account;
	r = registry_add(registry, &session->entry);
	if (r < 0) {
		registry_give_slot(registry, session->entry.slot);
		session->has_slot = false;
		return r;
	}
	session->registered = true;
	session->started = session->since = clock_wall();
	session->state = SESSION_STATE_STARTING;
	return 0;
}

int session_start(struct session *session)
{
	int r = enter(session);

	if (r < 0)
		return r;
	set_phase(session, SESSION_RUNNING);
	say_place(session, IPC_SESSION_START);
	return 0;
}

int session_park(struct monitor *monitor)
{
	struct session *session = session_new(monitor, SESSION_RUNNING);
	int r;

	if (!session)
		return -ENOMEM;
	r = execute(session);
	if (r == 0)
		r = enter(session);
	if (r < 0) {
		process_finish(&session->process, true);
		session_free(session);
		return r;
	}
	session->parked = true;
	monitor->n_parked++;
	say_place(session, IPC_SESSION_PARK);
	return 0;
}

int session_adopt(struct monitor *monitor, const struct session_record *record, int pidfd,
		  int channel, struct session **ret_session)
{
	_cleanup_fd_ int owned_pidfd = pidfd;
	_cleanup_fd_ int owned_channel = channel;
	struct session *session = session_new(monitor, SESSION_RUNNING);
	struct process_spec spec;
	int r;

	if (!session)
		return -ENOMEM;
	fill_spec(session, &spec);
	session->uid = record->uid;
	session->account = strdup(record->name);
	str_copy(session->version, sizeof(session->version), record->version);
	session->parked = record->uid == 0;
	str_copy(session->entry.id, sizeof(session->entry.id), record->id);
	session->entry.slot = record->slot;
	session->entry.uid = record->uid;
	session->entry.name = record->uid ? session->account : NULL;
	r = session->account ? registry_claim_slot(&monitor->registry, record->slot) : -ENOMEM;
	session->has_slot = r == 0;
	if (r == 0)
		r = registry_add(&monitor->registry, &session->entry);
	session->registered = r == 0;
	if (r == 0)
		r = process_adopt(&session->process, monitor->loop, record->pid,
				  FD_STEAL(owned_pidfd), FD_STEAL(owned_channel), &spec);
	if (r < 0) {
		if (session->has_slot)
			registry_give_slot(&monitor->registry, record->slot);
		session_free(session);
		return r;
	}
	set_phase(session, SESSION_RUNNING);
	monitor->n_parked += session->parked;
	*ret_session = session;
	return 0;
}

static int save_texts(const struct session *session, struct handover_session *part)
{
	const struct {
		char **to;
		const char *from;
	} texts[] = {
		{&part->typed, session->typed},     {&part->address, session->address},
		{&part->account, session->account}, {&part->end_reason, session->end_reason},
		{&part->id, session->entry.id},     {&part->viewer, session->viewer},
		{&part->version, session->version},
	};

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		if (handover_text(texts[i].to, texts[i].from) < 0)
			return -ENOMEM;
	}
	return 0;
}

int session_save(const struct session *session, struct handover_session *part)
{
	int r = process_save(&session->process, &part->process);

	if (r < 0)
		return r;
	part->phase = session->phase;
	part->kill_due = session->kill_due;
	part->has_ticket = session->has_ticket;
	part->ticket = session->ticket;
	part->check_started = session->check_started;
	part->uid = session->uid;
	part->clipboard = (uint32_t)session->clipboard;
	part->paths = session->paths;
	part->slot = session->entry.slot;
	part->registered = session->registered;
	part->has_slot = session->has_slot;
	part->parked = session->parked;
	part->ready = session->ready;
	part->ending = session->ending;
	part->net_wanted = session->net_wanted;
	part->netns = session->netns;
	part->state = (uint32_t)session->state;
	part->started = session->started;
	part->since = session->since;
	part->old_since = session->old_since;
	part->old_told = session->old_told;
	return save_texts(session, part);
}

static void take_part(struct session *session, const struct handover_session *part)
{
	session->kill_due = part->kill_due;
	session->has_ticket = part->has_ticket;
	session->ticket = part->ticket;
	session->check_started = part->check_started;
	session->uid = part->uid;
	session->clipboard = (int)part->clipboard;
	session->paths = part->paths;
	session->parked = part->parked;
	session->ready = part->ready;
	session->ending = part->ending;
	session->net_wanted = part->net_wanted;
	session->netns = part->netns;
	session->state = (int)part->state;
	session->started = part->started;
	session->since = part->since;
	session->old_since = part->old_since;
	session->old_told = part->old_told;
	str_copy(session->entry.id, sizeof(session->entry.id), part->id);
	str_copy(session->viewer, sizeof(session->viewer), part->viewer);
	str_copy(session->version, sizeof(session->version), part->version);
}

/* Its place in the registry, as it was. */
static int take_place(struct session *session, const struct handover_session *part)
{
	struct registry *registry = &session->monitor->registry;
	int r = 0;

	session->entry.slot = part->slot;
	/* Nobody's, or with a name: what it is called is what it is found by. */
	session->entry.uid = part->registered ? part->uid : 0;
	session->entry.name = part->uid ? session->account : NULL;
	if (part->has_slot)
		r = registry_claim_slot(registry, part->slot);
	session->has_slot = part->has_slot && r == 0;
	if (r == 0 && part->registered)
		r = registry_add(registry, &session->entry);
	session->registered = part->registered && r == 0;
	return r;
}

int session_restore(struct monitor *monitor, const struct handover_session *part,
		    struct session **ret_session)
{
	struct session *session = session_new(monitor, (enum session_phase)part->phase);
	struct process_spec spec;
	int r;

	if (!session)
		return -ENOMEM;
	*ret_session = session;
	take_part(session, part);
	r = handover_text(&session->typed, part->typed);
	if (r == 0)
		r = handover_text(&session->address, part->address);
	if (r == 0)
		r = handover_text(&session->account, part->account);
	if (r == 0)
		r = handover_text(&session->end_reason, part->end_reason);
	if (r == 0)
		r = take_place(session, part);
	if (r < 0)
		return r;
	fill_spec(session, &spec);
	r = process_restore(&session->process, monitor->loop, &part->process, &spec);
	set_phase(session, session->phase);
	monitor->n_parked += session->parked;
	if (session->kill_due > 0)
		wl_event_source_timer_update(session->kill_timer,
					     clock_ms_until(session->kill_due));
	return r;
}

void session_discard(struct session *session)
{
	if (session->phase == SESSION_DISCARDED)
		return;
	process_send(&session->process, IPC_SESSION_DISCARD, NULL, NULL, 0);
	set_phase(session, SESSION_DISCARDED);
	end_within(session, END_TIMEOUT * 1000);
}

void session_release(struct session *session)
{
	process_finish(&session->process, false);
	session_free(session);
}

/* --- what is done with it ----------------------------------------------------------------------- */

int session_assign(struct session *parked, struct session *login)
{
	_cleanup_free_ char *account = strdup(login->account);
	struct buf body;
	int r;

	if (!account)
		return -ENOMEM;
	r = registry_assign(&parked->monitor->registry, &parked->entry, login->uid, account);
	if (r < 0)
		return r;
	free(parked->account);
	parked->account = STEAL(account);
	parked->uid = login->uid;
	parked->clipboard = login->clipboard;
	parked->paths = login->paths;
	netd_set_paths(parked->monitor->netd, parked->entry.slot, parked->paths);
	parked->heir = login;
	buf_init(&body, IPC_BODY_MAX);
	buf_put_u32(&body, login->uid);
	buf_put_str(&body, login->account);
	buf_put_u8(&body, (uint8_t)login->clipboard);
	buf_put_u32(&body, login->paths);
	process_send(&parked->process, IPC_SESSION_ASSIGN, &body, NULL, 0);
	buf_finish(&body);
	return 0;
}

int session_attach(struct session *session, struct client *client)
{
	_cleanup_fd_ int display = -1;
	_cleanup_fd_ int gateway = -1;
	struct client *earlier = session->client;
	struct buf body;
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) < 0)
		return -errno;
	display = pair[0];
	gateway = pair[1];
	if (earlier && earlier != client)
		earlier->session = NULL;
	session->client = client;
	client->session = session;
	buf_init(&body, IPC_BODY_MAX);
	buf_put_str(&body, client->address);
	process_send(&session->process, IPC_SESSION_ATTACH, &body, &display, 1);
	buf_finish(&body);
	client_admit(client, session->account, session->entry.id, session->clipboard, gateway);
	log_event(LOG_INFO, "session.attached", LOG_STR("session", session->entry.id),
		  LOG_STR("user", session->account), LOG_STR("address", client->address),
		  LOG_STR("instead_of", session->viewer));
	visit_note(session->monitor->conf, session->uid);
	session->state = SESSION_STATE_ATTACHED;
	str_copy(session->viewer, sizeof(session->viewer), client->address);
	return 0;
}

void session_kick(struct session *session, const char *reason)
{
	say_str(session, IPC_SESSION_KICK, reason);
}

void session_end(struct session *session, const char *reason)
{
	if (session->phase != SESSION_RUNNING) {
		session_discard(session);
		return;
	}
	if (!session->ending)
		end_within(session, END_TIMEOUT * 1000);
	session->ending = true;
	say_str(session, IPC_SESSION_END, reason);
}

void session_net(struct session *session, bool ok, const char *reason, const char *resolv_conf,
		 int netns)
{
	struct buf body;

	session->net_wanted = false;
	buf_init(&body, IPC_BODY_MAX);
	buf_put_u32(&body, session->entry.slot);
	buf_put_u8(&body, ok);
	buf_put_str(&body, reason);
	buf_put_str(&body, resolv_conf);
	process_send(&session->process, IPC_SESSION_NET, &body, &netns, ok ? 1 : 0);
	buf_finish(&body);
	/* Kept for a netd that is started again: without it rules inside could not be replaced. */
	fd_close(session->netns);
	session->netns = ok ? fcntl(netns, F_DUPFD_CLOEXEC, 3) : -1;
}

bool session_old(const struct session *session)
{
	return !str_eq(session->version, LAZARET_VERSION);
}

struct session *session_find_slot(struct monitor *monitor, uint32_t slot)
{
	struct session *session;

	wl_list_for_each (session, &monitor->sessions, link) {
		if (session->has_slot && session->entry.slot == slot)
			return session;
	}
	return NULL;
}

struct session *session_find_uid(struct monitor *monitor, uid_t uid)
{
	struct registry_entry *entry = registry_find_uid(&monitor->registry, uid);
	struct session *session;

	if (!entry)
		return NULL;
	session = wl_container_of(entry, session, entry);
	return session;
}

size_t session_count(const struct monitor *monitor)
{
	struct registry_entry *entry;
	size_t count = 0;

	wl_list_for_each (entry, &monitor->registry.entries, link)
		count += entry->uid != 0;
	return count;
}
