/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The coming half of an upgrade, and the description that both halves share. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/confine.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "conf/conf.h"
#include "ipc/message.h"
#include "monitor/age.h"
#include "monitor/checkd.h"
#include "monitor/client.h"
#include "monitor/control.h"
#include "monitor/frontdoor.h"
#include "monitor/handover.h"
#include "monitor/keyd.h"
#include "monitor/limits.h"
#include "monitor/login.h"
#include "monitor/maintenance.h"
#include "monitor/monitor.h"
#include "monitor/netd.h"
#include "monitor/reload.h"
#include "monitor/remains.h"
#include "monitor/retired.h"
#include "monitor/runtime.h"
#include "monitor/session.h"
#include "monitor/setup.h"
#include "monitor/sftp.h"
#include "monitor/sshd.h"
#include "monitor/throttle.h"
#include "monitor/upgrade.h"
#include "monitor/upgrade_impl.h"
#include "monitor/who.h"

/* --- the description -------------------------------------------------------------------------- */

static int add_fd(struct handover_programs *set, int fd)
{
	int *added = handover_add(&set->fds, &set->n, sizeof(*added));

	if (!added)
		return -ENOMEM;
	*added = fd;
	return 0;
}

static int describe_programs(const struct monitor *monitor, struct handover_programs *set)
{
	if (handover_text(&set->version, LAZARET_VERSION) < 0)
		return -ENOMEM;
	set->daemon = monitor->daemon_fd;
	for (int i = 0; i < PROGRAM_COUNT; i++) {
		if (add_fd(set, monitor->programs.fds[i]) < 0)
			return -ENOMEM;
	}
	return 0;
}

static uint32_t index_of_client(const struct monitor *monitor, const struct client *wanted)
{
	const struct client *client;
	uint32_t i = 0;

	wl_list_for_each (client, &monitor->clients, link) {
		if (client == wanted)
			return i;
		i++;
	}
	return HANDOVER_NONE;
}

static uint32_t index_of_session(const struct monitor *monitor, const struct session *wanted)
{
	const struct session *session;
	uint32_t i = 0;

	wl_list_for_each (session, &monitor->sessions, link) {
		if (session == wanted)
			return i;
		i++;
	}
	return HANDOVER_NONE;
}

static int describe_clients(const struct monitor *monitor, struct handover *h)
{
	const struct client *client;
	int r = 0;

	wl_list_for_each (client, &monitor->clients, link) {
		struct handover_client *part = handover_add(&h->clients, &h->n_clients,
							    sizeof(*part));

		r = part ? client_save(client, part) : -ENOMEM;
		if (r < 0)
			break;
		part->login = index_of_session(monitor, client->login);
		part->session = index_of_session(monitor, client->session);
	}
	return r;
}

static int describe_sessions(const struct monitor *monitor, struct handover *h)
{
	const struct session *session;
	int r = 0;

	wl_list_for_each (session, &monitor->sessions, link) {
		struct handover_session *part = handover_add(&h->sessions, &h->n_sessions,
							     sizeof(*part));

		r = part ? session_save(session, part) : -ENOMEM;
		if (r < 0)
			break;
		part->client = index_of_client(monitor, session->client);
		part->heir = index_of_session(monitor, session->heir);
	}
	return r;
}

static int describe_siblings(const struct monitor *monitor, struct handover *h)
{
	int r = keyd_save(monitor->keyd, h);

	if (r == 0)
		r = netd_save(monitor->netd, h);
	if (r == 0)
		r = checkd_save(monitor->checkd, h);
	if (r == 0)
		r = sshd_save(monitor->sshd, h);
	if (r == 0)
		r = sshd_save(monitor->sftp_sshd, h);
	if (r == 0)
		r = sftp_save(monitor->sftp, h);
	if (r == 0)
		r = who_save(monitor->who, h);
	return r == 0 ? retired_save(monitor, h) : r;
}

int upgrade_describe(const struct monitor *monitor, bool back, struct handover *h)
{
	int r;

	handover_init(h);
	/* The answer to a reload would find nobody. */
	if (monitor->next_conf)
		return -EBUSY;
	h->protocol = IPC_VERSION;
	h->started = monitor->started;
	h->sandbox_proven = monitor->sandbox_proven;
	h->returning = back;
	h->lock = monitor->lock_fd;
	h->fixed = reload_fixed(monitor->conf);
	r = h->fixed ? handover_text(&h->version, LAZARET_VERSION) : -ENOMEM;
	if (r == 0)
		r = describe_programs(monitor, &h->programs);
	if (r == 0 && back) {
		r = handover_text(&h->before.version, monitor->before.version);
		for (uint32_t i = 0; i < monitor->before.n && r == 0; i++)
			r = add_fd(&h->before, monitor->before.fds[i]);
	}
	if (r == 0)
		r = frontdoor_save(monitor->frontdoor, h);
	if (r == 0)
		r = control_save(monitor->control, h);
	if (r == 0)
		r = describe_siblings(monitor, h);
	if (r == 0)
		r = describe_clients(monitor, h);
	if (r == 0)
		r = describe_sessions(monitor, h);
	if (r == 0)
		r = remains_save(monitor, h);
	return r == 0 ? throttle_save(monitor->throttle, h) : r;
}

int upgrade_seal(struct handover *h)
{
	struct buf buf;
	int fd;

	/* Passwords of those who wait for their turn are in it. */
	buf_init_secret(&buf, HANDOVER_MAX);
	handover_put(h, &buf);
	fd = buf_error(&buf) ? buf_error(&buf)
			     : fd_memfd("handover", buf_data(&buf), buf_len(&buf));
	buf_finish(&buf);
	return fd;
}

static int read_state(int fd, struct handover *ret_handover)
{
	char *data;
	struct cursor c;
	size_t len;
	int r = lseek(fd, 0, SEEK_SET) < 0 ? -errno : fd_read_all(fd, HANDOVER_MAX, &data, &len);

	if (r < 0)
		return r;
	c = cursor_over(data, len);
	r = handover_get(&c, ret_handover);
	mem_wipe_free(data, len);
	return r;
}

/* --- the trial -------------------------------------------------------------------------------- */

static bool speaks(const struct process_memory *process)
{
	return process->channel < 0 ||
	       (process->said.version >= IPC_OLDEST && process->said.version <= IPC_VERSION);
}

static int check_protocols(const struct handover *h, FILE *errors)
{
	for (uint32_t i = 0; i < h->n_sessions; i++) {
		const struct handover_session *part = &h->sessions[i];

		if (speaks(&part->process))
			continue;
		fprintf(errors,
			"session %.8s runs with version %s, which version " LAZARET_VERSION
			" does not understand any more; end it first\n",
			part->id, part->version);
		return -EPROTONOSUPPORT;
	}
	for (uint32_t i = 0; i < h->n_clients; i++) {
		if (speaks(&h->clients[i].process))
			continue;
		fprintf(errors,
			"the viewer at %s is connected through a version that "
			"version " LAZARET_VERSION " does not understand any more\n",
			h->clients[i].address);
		return -EPROTONOSUPPORT;
	}
	return 0;
}

static int check_installation(const struct conf *conf, FILE *errors)
{
	static const enum conf_id accounts[] = {CONF_GATEWAY_USER, CONF_KEYD_USER};
	struct programs programs;
	const char *name;
	int r = programs_open(conf_str(conf, CONF_LIBEXEC_DIR), &programs, &name);

	if (r < 0) {
		fprintf(errors, "%s in %s %s; install the package again, as a whole\n", name,
			conf_str(conf, CONF_LIBEXEC_DIR),
			r == -EXDEV ? "is not of version " LAZARET_VERSION : "cannot be used");
		return r;
	}
	for (size_t i = 0; i < ARRAY_LEN(accounts) && r == 0; i++) {
		uid_t uid;
		gid_t gid;

		r = confine_lookup(conf_str(conf, accounts[i]), &uid, &gid);
		if (r < 0)
			fprintf(errors, "the account \"%s\" is missing\n",
				conf_str(conf, accounts[i]));
	}
	if (r == 0)
		r = upgrade_try_keyd(conf, &programs, errors);
	programs_close(&programs);
	return r;
}

int upgrade_check(struct monitor *monitor, int fd, FILE *errors)
{
	struct handover handover;
	int r = read_state(fd, &handover);

	if (r < 0) {
		fprintf(errors,
			"version " LAZARET_VERSION " does not understand what the running "
			"version hands over; restart lazaretd instead, which keeps sessions and "
			"viewers too, but not who is just logging in\n");
		return r;
	}
	r = reload_check_fixed(monitor->conf, handover.fixed, errors);
	if (r == 0)
		r = check_protocols(&handover, errors);
	if (r == 0)
		r = check_installation(monitor->conf, errors);
	handover_finish(&handover);
	return r;
}

/* --- the taking: everything as it was, before anything happens ---------------------------------- */

/* For a handler of signals. */
static struct {
	const struct monitor *monitor;
	int program, state;
} way_back = {NULL, -1, -1};

static const int fatal[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGALRM};

static void handle_fatal(int sig)
{
	/* It has not changed anything but memory of ours: only async-signal-safe calls lead back. */
	(void)!upgrade_execute(way_back.monitor, way_back.program, way_back.state, true);
	(void)signal(sig, SIG_DFL);
	(void)raise(sig);
}

static void guard(const struct monitor *monitor, const struct handover *h, int state)
{
	sigset_t none;

	way_back.monitor = monitor;
	way_back.program = h->programs.daemon;
	way_back.state = state;
	/* One of them may be blocked, if it is by such a handler that we were executed. */
	sigemptyset(&none);
	for (size_t i = 0; i < ARRAY_LEN(fatal); i++)
		sigaddset(&none, fatal[i]);
	(void)sigprocmask(SIG_UNBLOCK, &none, NULL);
	if (h->programs.daemon < 0 || h->returning)
		return;
	for (size_t i = 0; i < ARRAY_LEN(fatal); i++)
		(void)signal(fatal[i], handle_fatal);
	(void)alarm(UPGRADE_TAKE_TIMEOUT);
}

static void unguard(void)
{
	(void)alarm(0);
	for (size_t i = 0; i < ARRAY_LEN(fatal); i++)
		(void)signal(fatal[i], SIG_DFL);
}

/* Ours, if they were handed over: the files may be of another version. */
static bool take_programs(struct monitor *monitor, struct handover *h)
{
	struct handover_programs *sets[] = {&h->before, &h->programs};

	for (size_t i = 0; i < ARRAY_LEN(sets); i++) {
		if (!sets[i]->version || !str_eq(sets[i]->version, LAZARET_VERSION) ||
		    sets[i]->n != PROGRAM_COUNT)
			continue;
		memcpy(monitor->programs.fds, sets[i]->fds, sizeof(monitor->programs.fds));
		return true;
	}
	return false;
}

/* Those that are nobody's now. */
static void close_programs(const struct monitor *monitor, const struct handover_programs *set)
{
	fd_close(set->daemon);
	if (set->n > 0 && set->fds[0] == monitor->programs.fds[0])
		return;
	for (uint32_t i = 0; i < set->n; i++)
		fd_close(set->fds[i]);
}

static int join(const struct handover *h, struct client **clients, struct session **sessions)
{
	for (uint32_t i = 0; i < h->n_clients; i++) {
		const struct handover_client *part = &h->clients[i];

		if (part->login != HANDOVER_NONE)
			clients[i]->login = sessions[part->login];
		if (part->session != HANDOVER_NONE)
			clients[i]->session = sessions[part->session];
	}
	for (uint32_t i = 0; i < h->n_sessions; i++) {
		const struct handover_session *part = &h->sessions[i];

		if (part->client != HANDOVER_NONE)
			sessions[i]->client = clients[part->client];
		if (part->heir != HANDOVER_NONE)
			sessions[i]->heir = sessions[part->heir];
	}
	return 0;
}

static int take_people(struct monitor *monitor, const struct handover *h)
{
	_cleanup_free_ struct client **clients = calloc(h->n_clients + 1, sizeof(*clients));
	_cleanup_free_ struct session **sessions = calloc(h->n_sessions + 1, sizeof(*sessions));
	int r = clients && sessions ? throttle_restore(monitor->throttle, h) : -ENOMEM;

	for (uint32_t i = 0; i < h->n_clients && r == 0; i++)
		r = client_restore(monitor, &h->clients[i], &clients[i]);
	for (uint32_t i = 0; i < h->n_sessions && r == 0; i++)
		r = session_restore(monitor, &h->sessions[i], &sessions[i]);
	return r == 0 ? join(h, clients, sessions) : r;
}

static int take_places(struct monitor *monitor, struct handover *h, bool returned)
{
	int r = set_up_accounts(monitor);

	if (r == 0 && !(returned && take_programs(monitor, h)))
		r = set_up_programs(monitor);
	if (r == 0)
		r = runtime_reopen(monitor, h->lock);
	if (r == 0)
		r = set_up_cgroups(monitor);
	if (r == 0)
		r = who_create(monitor, &monitor->who);
	if (r == 0)
		r = frontdoor_restore(monitor, h, &monitor->frontdoor);
	if (r == 0)
		r = take_people(monitor, h);
	if (r == 0)
		r = sftp_restore(monitor, h, &monitor->sftp);
	return r == 0 ? control_restore(monitor, h, &monitor->control) : r;
}

/* --- and its siblings, from where on something has happened ------------------------------------- */

static void end_process(const struct process_memory *memory)
{
	struct child child = {.pid = memory->pid, .pidfd = memory->pidfd};

	child_kill(&child);
	fd_close(memory->channel);
	fd_close(memory->log);
}

static int take_siblings(struct monitor *monitor, const struct handover *h)
{
	int r;

	for (uint32_t i = 0; i < h->n_leftovers; i++) {
		struct child child = {.pid = (pid_t)h->leftovers[i].pid,
				      .pidfd = h->leftovers[i].pidfd};

		child_kill(&child);
	}
	/* Two of it would disagree about the rules. What it was about to do is asked for again. */
	end_process(&h->netd);
	r = netd_create(monitor, &monitor->netd);
	/* Who is in a handshake has a signature to come from the old one. */
	if (r == 0)
		r = retired_add(monitor, "lazaret-keyd", IPC_ROLE_KEYD, &h->keyd);
	if (r == 0)
		r = retired_add(monitor, "lazaret-checkd", IPC_ROLE_CHECKD, &h->checkd);
	if (r == 0)
		r = keyd_create(monitor, &monitor->keyd);
	if (r == 0)
		r = sshd_restore(monitor, SSHD_ADMINISTRATION, h, &monitor->sshd);
	if (r == 0)
		r = sshd_restore(monitor, SSHD_FILES, h, &monitor->sftp_sshd);
	if (r == 0)
		r = checkd_create(monitor, &monitor->checkd);
	if (r == 0)
		r = maintenance_create(monitor, &monitor->maintenance);
	return r == 0 ? age_create(monitor, &monitor->age) : r;
}

static void take_remains(struct monitor *monitor, const struct handover *h)
{
	for (uint32_t i = 0; i < h->n_remains; i++) {
		const struct handover_remains *part = &h->remains[i];

		remains_clear(monitor, part->id,
			      part->has_slot &&
				      registry_claim_slot(&monitor->registry, part->slot) == 0,
			      part->slot, part->uid);
	}
}

/* New logins get what is new: nobody is given a cell of the version before. */
static void settle_versions(struct monitor *monitor)
{
	struct session *session, *next;

	wl_list_for_each_safe (session, next, &monitor->sessions, link) {
		if (!session_old(session))
			session->old_since = session->old_told = 0;
		if (session->phase == SESSION_RUNNING && session->parked && session->uid == 0)
			session_end(session, "There is a newer version.");
	}
}

void upgrade_sibling_died(struct monitor *monitor)
{
	if (monitor->before.timer && ++monitor->before.deaths == UPGRADE_DEATHS)
		wl_event_source_timer_update(monitor->before.timer, 1);
}

static int handle_unproven(void *data)
{
	struct monitor *monitor = data;

	log_event(LOG_ERROR, "monitor.unproven", LOG_STR("version", LAZARET_VERSION),
		  LOG_STR("before", monitor->before.version));
	upgrade_go_back(monitor);
	return 0;
}

static void let_go_of_before(struct monitor *monitor)
{
	monitor->before.daemon = fd_close(monitor->before.daemon);
	for (uint32_t i = 0; i < monitor->before.n; i++)
		fd_close(monitor->before.fds[i]);
	monitor->before.n = 0;
	if (monitor->before.timer)
		wl_event_source_remove(monitor->before.timer);
	monitor->before.timer = NULL;
}

void upgrade_proven(struct monitor *monitor)
{
	char sentence[160];

	if (!monitor->before.timer || !keyd_ready(monitor->keyd) || !netd_ready(monitor->netd))
		return;
	snprintf(sentence, sizeof(sentence), "version %s has taken over from version %s",
		 LAZARET_VERSION, monitor->before.version);
	log_event(LOG_INFO, "monitor.upgraded", LOG_STR("version", LAZARET_VERSION),
		  LOG_STR("before", monitor->before.version),
		  LOG_INT("sessions", session_count(monitor)));
	let_go_of_before(monitor);
	control_say_upgraded(monitor->control, true, sentence);
}

/* Whoever was before us stays within reach until we are seen to work. */
static int keep_before(struct monitor *monitor, const struct handover *h)
{
	str_copy(monitor->before.version, sizeof(monitor->before.version), h->version);
	monitor->before.daemon = h->programs.daemon;
	monitor->before.n = h->programs.n;
	memcpy(monitor->before.fds, h->programs.fds, h->programs.n * sizeof(int));
	monitor->before.timer = wl_event_loop_add_timer(monitor->loop, handle_unproven, monitor);
	if (!monitor->before.timer)
		return -ENOMEM;
	wl_event_source_timer_update(monitor->before.timer, UPGRADE_PROOF * 1000);
	return 0;
}

static void shut(void *data, int fd)
{
	(void)data;
	(void)!fd_set_cloexec(fd, true);
}

/* Nothing can fail any more. */
static void begin(struct monitor *monitor, struct handover *h, int state, bool returned)
{
	unguard();
	handover_each_fd(h, shut, NULL);
	fd_close(state);
	monitor->phase = MONITOR_SERVING;
	take_remains(monitor, h);
	settle_versions(monitor);
	age_check(monitor->age);
	runtime_say_ready(monitor);
	if (returned) {
		close_programs(monitor, &h->programs);
		close_programs(monitor, &h->before);
		log_event(LOG_ERROR, "monitor.returned", LOG_STR("version", LAZARET_VERSION),
			  LOG_STR("from", h->version));
		control_say_upgraded(
			monitor->control, false,
			"the new version could not do its work, and the version before goes "
			"on; see the log");
	}
	login_retry(monitor);
	login_park(monitor);
}

int upgrade_take(struct monitor *monitor, int fd, bool returned)
{
	struct handover h;
	int r = read_state(fd, &h);

	if (r < 0) {
		log_event(LOG_ERROR, "monitor.handover-malformed", LOG_ERR(r));
		return r;
	}
	guard(monitor, &h, fd);
	monitor->started = h.started;
	monitor->sandbox_proven = h.sandbox_proven;
	r = take_places(monitor, &h, returned);
	if (r == 0 && !returned)
		r = keep_before(monitor, &h);
	if (r == 0)
		r = take_siblings(monitor, &h);
	if (r == 0) {
		begin(monitor, &h, fd, returned);
	} else {
		log_event(LOG_ERROR, "monitor.untaken", LOG_STR("version", LAZARET_VERSION),
			  LOG_ERR(r));
		if (!returned)
			r = upgrade_execute(monitor, h.programs.daemon, fd, true);
	}
	handover_finish(&h);
	return r;
}
