/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "monitor/commands.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "cell/cgroup.h"
#include "conf/conf.h"
#include "conf/role.h"
#include "ctl/answer.h"
#include "ipc/message.h"
#include "monitor/caller.h"
#include "monitor/checkd.h"
#include "monitor/client.h"
#include "monitor/expiry.h"
#include "monitor/frontdoor.h"
#include "monitor/keyd.h"
#include "monitor/lent.h"
#include "monitor/limits.h"
#include "monitor/maintenance.h"
#include "monitor/monitor.h"
#include "monitor/netd.h"
#include "monitor/session.h"
#include "monitor/sshd.h"
#include "monitor/tool.h"
#include "monitor/upgrade.h"

/* A message of records is sent when it has so many bytes. */
#define ANSWER_FULL (IPC_BODY_MAX / 2)

static const char *const state_names[] = {
	[SESSION_STATE_STARTING] = "starting", [SESSION_STATE_PARKED] = "parked",
	[SESSION_STATE_ATTACHED] = "attached", [SESSION_STATE_DETACHED] = "detached",
	[SESSION_STATE_ENDING] = "ending",
};

static void done(const struct command_call *call, const char *sentence)
{
	struct buf body;

	buf_init(&body, IPC_BODY_MAX);
	answer_done(&body, sentence);
	call->answer(call->data, &body);
	buf_finish(&body);
}

static void failed(const struct command_call *call, enum answer_status status, const char *sentence)
{
	struct buf body;

	buf_init(&body, IPC_BODY_MAX);
	answer_failed(&body, status, sentence);
	call->answer(call->data, &body);
	buf_finish(&body);
}

/* "212 days"; what has to be seen to says so. */
static const char *describe_certificate(const struct monitor *monitor, char out[64])
{
	int64_t days;

	if (!keyd_days(monitor->keyd, &days))
		return "none";
	if (days < 0)
		snprintf(out, 64, "ended %lld days ago", (long long)-days);
	else
		snprintf(out, 64, "%lld days%s", (long long)days,
			 expiry_stage(days * 86400) > 0 ? ", ends soon" : "");
	return out;
}

static void run_status(const struct command_call *call)
{
	const struct monitor *m = call->monitor;
	static const char *const phases[] = {"starting", "serving", "ending"};
	unsigned int waiting = 0, viewers = 0, old = 0;
	struct session *session;
	struct client *client;
	char started[32], certificate[64];
	struct buf body;

	wl_list_for_each (client, &m->clients, link) {
		waiting += client_waiting(client);
		viewers += client->state == CLIENT_ADMITTED;
	}
	wl_list_for_each (session, &m->sessions, link)
		old += session->phase == SESSION_RUNNING && session->uid != 0 &&
		       session_old(session);
	clock_format(m->started, started, sizeof(started));
	buf_init(&body, IPC_BODY_MAX);
	answer_begin(&body);
	answer_add(
		&body,
		(const struct answer_field[]){
			{"state", ANSWER_STR, .str = phases[m->phase]},
			{"version", ANSWER_STR, .str = LAZARET_VERSION},
			{"pid", ANSWER_NUMBER, .number = (uint64_t)getpid()},
			{"started", ANSWER_STR, .str = started},
			{"port", ANSWER_NUMBER, .number = (uint64_t)conf_int(m->conf, CONF_PORT)},
			{"certificate_loaded", ANSWER_BOOL, .number = keyd_ready(m->keyd)},
			{"certificate", ANSWER_STR, .str = describe_certificate(m, certificate)},
			{"network_ready", ANSWER_BOOL, .number = netd_ready(m->netd)},
			{"sandbox_proven", ANSWER_BOOL, .number = m->sandbox_proven},
			{"administration", ANSWER_STR, .str = sshd_state(m->sshd)},
			{"file_transfer", ANSWER_STR, .str = sshd_files_state(m)},
			{"file_checks", ANSWER_STR, .str = checkd_state(m->checkd)},
			{"maintenance", ANSWER_STR, .str = maintenance_state(m->maintenance)},
			{"sessions", ANSWER_NUMBER, .number = session_count(m)},
			{"sessions_max", ANSWER_NUMBER,
			 .number = (uint64_t)conf_int(m->conf, CONF_MAX_SESSIONS)},
			{"sessions_old", ANSWER_NUMBER, .number = old},
			{"viewers", ANSWER_NUMBER, .number = viewers},
			{"waiting", ANSWER_NUMBER, .number = waiting},
			{"parked_cells", ANSWER_NUMBER, .number = m->n_parked},
			{"accepted", ANSWER_NUMBER, .number = frontdoor_accepted(m->frontdoor)},
			{"refused", ANSWER_NUMBER, .number = frontdoor_refused(m->frontdoor)},
			{NULL},
		});
	call->answer(call->data, &body);
	buf_finish(&body);
	done(call, "");
}

static uint64_t memory_of(const struct monitor *monitor, const char *id, const char *sub)
{
	CLEANUP(cgroup_closep) struct cgroup *group = NULL;
	struct cgroup_usage usage;
	char name[CGROUP_NAME_MAX + 1];

	snprintf(name, sizeof(name), "s-%.40s", id);
	if (cgroup_open(monitor->cgroups, name, sub, &group) < 0 || cgroup_usage(group, &usage) < 0)
		return 0;
	return usage.memory >> 20;
}

static void add_session(const struct session *session, struct buf *body)
{
	const char *id = session->entry.id;
	char started[32], since[32];

	clock_format(session->started, started, sizeof(started));
	clock_format(session->since, since, sizeof(since));
	answer_add(body,
		   (const struct answer_field[]){
			   {"id", ANSWER_STR, .str = id},
			   {"user", ANSWER_STR, .str = session->uid ? session->account : ""},
			   {"uid", ANSWER_NUMBER, .number = session->uid},
			   {"state", ANSWER_STR,
			    .str = session->ending ? "ending" : state_names[session->state]},
			   {"viewer", ANSWER_STR, .str = session->viewer},
			   {"started", ANSWER_STR, .str = started},
			   {"since", ANSWER_STR, .str = since},
			   {"slot", ANSWER_NUMBER, .number = session->entry.slot},
			   {"version", ANSWER_STR, .str = session->version},
			   {"old", ANSWER_BOOL, .number = session_old(session)},
			   {"pid", ANSWER_NUMBER, .number = (uint64_t)session->process.child.pid},
			   {"cell_mib", ANSWER_NUMBER,
			    .number = memory_of(session->monitor, id, "cell")},
			   {"display_mib", ANSWER_NUMBER,
			    .number = memory_of(session->monitor, id, "display")},
			   {NULL},
		   });
}

static void run_sessions(const struct command_call *call)
{
	struct session *session;
	struct buf body;

	buf_init(&body, IPC_BODY_MAX);
	answer_begin(&body);
	wl_list_for_each (session, &call->monitor->sessions, link) {
		if (session->phase != SESSION_RUNNING)
			continue;
		add_session(session, &body);
		if (buf_len(&body) < ANSWER_FULL)
			continue;
		call->answer(call->data, &body);
		answer_begin(&body);
	}
	call->answer(call->data, &body);
	buf_finish(&body);
	done(call, "");
}

static struct session *find(const struct command_call *call)
{
	const char *word = call->arguments[0];
	struct registry_entry *entry;
	struct session *session;
	char sentence[CONTROL_WORD_MAX + 160];
	int r = registry_resolve(&call->monitor->registry, word, &entry);

	if (r == 0)
		return wl_container_of(entry, session, entry);
	snprintf(sentence, sizeof(sentence),
		 r == -ENOTUNIQ ? "several sessions begin with \"%s\"; give more digits"
				: "no session or user \"%s\"; see `lazaretctl sessions`",
		 word);
	failed(call, ANSWER_STATUS_NOT_FOUND, sentence);
	return NULL;
}

static void log_command(const struct command_call *call, const char *event,
			const struct session *session, const char *reason)
{
	log_event(LOG_INFO, event, LOG_STR("session", session->entry.id),
		  LOG_STR("user", session->account ? session->account : ""),
		  LOG_INT("by_uid", call->caller->uid), LOG_STR("reason", reason));
}

static void run_kick(const struct command_call *call)
{
	const char *reason = call->n_arguments > 1 ? call->arguments[1]
						   : "An administrator closed this viewer.";
	struct session *session = find(call);

	if (!session)
		return;
	if (session->state != SESSION_STATE_ATTACHED) {
		failed(call, ANSWER_STATUS_FAILED, "nobody is attached to this session");
		return;
	}
	log_command(call, "session.kicked", session, reason);
	session_kick(session, reason);
	done(call, "");
}

static void run_end(const struct command_call *call)
{
	const char *reason = call->n_arguments > 1 ? call->arguments[1]
						   : "An administrator ended this session.";
	struct session *session = find(call);

	if (!session)
		return;
	log_command(call, "session.end-wanted", session, reason);
	session_end(session, reason);
	done(call, "");
}

static void say_reloaded(struct monitor *monitor, int error, const char *reason)
{
	const struct command_call call = {.answer = monitor->reload_caller.answer,
					  .data = monitor->reload_caller.data};

	monitor->reload_caller.data = NULL;
	if (!call.data)
		return;
	if (error < 0)
		failed(&call, ANSWER_STATUS_FAILED, reason);
	else
		done(&call, "");
}

static void run_reload(const struct command_call *call)
{
	struct monitor *monitor = call->monitor;

	if (monitor->next_conf) {
		failed(call, ANSWER_STATUS_FAILED,
		       "the configuration is just being loaded; try again");
		return;
	}
	monitor->reload_caller.answer = call->answer;
	monitor->reload_caller.data = call->data;
	monitor_reload(monitor, say_reloaded);
}

void command_forget(struct monitor *monitor, const void *data)
{
	if (monitor->reload_caller.data == data)
		monitor->reload_caller.data = NULL;
}

/* Safe: only root; it gets no more than what each cell has, and no cell in it. */
static void run_cell_lend(const struct command_call *call)
{
	int r = -EAGAIN;

	if (netd_ready(call->monitor->netd))
		r = lent_create(call, call->lent);
	if (r < 0)
		failed(call, ANSWER_STATUS_FAILED,
		       r == -ENOSPC ? "there are too many cells" : "the network is not ready");
}

/* What he may use, in the order of the table. */
static void format_commands(const struct caller *caller, char *out, size_t size)
{
	const char *last = "";
	size_t at = 0;

	out[0] = '\0';
	for (int i = 0; i < COMMAND_COUNT && at < size; i++) {
		const char *words = command_row((enum command_id)i)->words;
		size_t len = strcspn(words, " ");
		/* "config check|dump": all of them, one by one, would not fit. */
		bool more = words[len] && strncmp(last, words, len + 1) == 0;

		if (!caller_may(caller, command_row((enum command_id)i)))
			continue;
		at += (size_t)snprintf(out + at, size - at, "%s%s",
				       more     ? "|"
				       : at > 0 ? ", "
						: "",
				       more ? words + len + 1 : words);
		last = words;
	}
}

static void run_roles_show(const struct command_call *call)
{
	const struct caller *caller = call->caller;
	char roles[ROLE_TEXT_MAX], from[ORIGIN_TEXT_MAX], commands[ANSWER_STR_MAX];
	struct buf body;

	origin_format(&caller->origin, caller->found, from);
	format_commands(caller, commands, sizeof(commands));
	buf_init(&body, IPC_BODY_MAX);
	answer_begin(&body);
	answer_add(&body,
		   (const struct answer_field[]){
			   {"user", ANSWER_STR, .str = caller->name},
			   {"uid", ANSWER_NUMBER, .number = caller->uid},
			   {"roles", ANSWER_STR,
			    .str = caller->uid == 0 ? "root" : role_format(caller->roles, roles)},
			   {"from", ANSWER_STR, .str = from},
			   {"commands", ANSWER_STR, .str = commands},
			   {NULL},
		   });
	call->answer(call->data, &body);
	buf_finish(&body);
	done(call, "");
}

static void run_shutdown(const struct command_call *call)
{
	bool again = call->n_arguments > 0;

	if (again && !str_eq(call->arguments[0], "--restart")) {
		failed(call, ANSWER_STATUS_USAGE, "usage: lazaretctl shutdown [--restart]");
		return;
	}
	log_event(LOG_INFO, "monitor.shutdown", LOG_INT("by_uid", call->caller->uid),
		  LOG_INT("restart", again));
	done(call, "");
	call->monitor->again = again;
	monitor_shutdown(call->monitor);
}

void command_run(enum command_id id, const struct command_call *call)
{
	static void (*const run[COMMAND_COUNT])(const struct command_call *call) = {
		[COMMAND_STATUS] = run_status,
		[COMMAND_SESSIONS] = run_sessions,
		[COMMAND_KICK] = run_kick,
		[COMMAND_END] = run_end,
		[COMMAND_RELOAD] = run_reload,
		[COMMAND_CELL_LEND] = run_cell_lend,
		[COMMAND_SHUTDOWN] = run_shutdown,
		[COMMAND_ROLES_SHOW] = run_roles_show,
		[COMMAND_MAINTENANCE_ON] = maintenance_run_on,
		[COMMAND_MAINTENANCE_OFF] = maintenance_run_off,
		[COMMAND_MAINTENANCE_STATUS] = maintenance_run_status,
		[COMMAND_UPGRADE] = upgrade_start,
	};

	if (command_is_tool(command_row(id)))
		tool_start(call, id);
	else if (run[id])
		run[id](call);
	else
		failed(call, ANSWER_STATUS_USAGE, "lazaretctl does this itself");
}
