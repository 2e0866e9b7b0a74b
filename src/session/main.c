/* SPDX-License-Identifier: GPL-3.0-or-later */
/* lazaret-session: start, and what the monitor says. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/spawn.h"
#include "base/str.h"
#include "cell/cgroup.h"
#include "ipc/launch.h"
#include "session/session.h"

/* --- to the monitor -------------------------------------------------------------------------------- */

static void tell(struct session *session, enum ipc_type type, const struct buf *body, int fd)
{
	int r;

	if (!session->monitor)
		return;
	r = ipc_channel_send(session->monitor, type, body, &fd, fd >= 0 ? 1 : 0);
	if (r == 0 || r == -EPIPE)
		return;
	/* One that does not read is as good as none; the next one hears everything again. */
	log_event(LOG_ERROR, "session.unheard", LOG_STR("message", ipc_type_name(type)),
		  LOG_ERR(r));
}

void session_tell(struct session *session, enum ipc_type type, const struct buf *body)
{
	tell(session, type, body, -1);
}

void session_tell_str(struct session *session, enum ipc_type type, const char *text)
{
	struct buf body;

	buf_init(&body, IPC_BODY_MAX);
	buf_put_str(&body, text);
	session_tell(session, type, &body);
	buf_finish(&body);
}

void session_tell_state(struct session *session)
{
	struct buf body;

	if (session->record.id[0] == '\0')
		return;
	buf_init(&body, IPC_BODY_MAX);
	buf_put_str(&body, session->record.id);
	buf_put_u32(&body, session->record.slot);
	buf_put_u32(&body, session->record.uid);
	buf_put_str(&body, session->record.name);
	buf_put_u8(&body, (uint8_t)session->state);
	buf_put_u64(&body, session->started);
	buf_put_u64(&body, session->since);
	buf_put_str(&body, session->viewer);
	buf_put_u8(&body, (uint8_t)session->clipboard);
	buf_put_u32(&body, session->paths);
	buf_put_u8(&body, session->browser.proven);
	tell(session, IPC_SESSION_STATE, &body, session->net_there ? session->netns : -1);
	buf_finish(&body);
}

static void refuse(struct session *session, enum session_refusal why, const char *reason)
{
	struct buf body;

	buf_init(&body, IPC_BODY_MAX);
	buf_put_u8(&body, (uint8_t)why);
	buf_put_str(&body, reason);
	session_tell(session, IPC_SESSION_REFUSED, &body);
	buf_finish(&body);
	session->stop = true;
}

static void set_phase(struct session *session, enum phase phase)
{
	session->phase = phase;
	if (session->monitor)
		ipc_channel_set_state(session->monitor, phase);
}

/* --- what the monitor may say ------------------------------------------------------------------------
 *
 * The monitor is trusted; what is checked here are bounds and order. The password lives in this
 * process only while PAM looks at it.
 */

static void tell_identified(struct session *session)
{
	const struct account *account = login_account(session->login);
	struct buf body;

	session->clipboard = account_clipboard(account, session->conf);
	session->paths = account_paths(account, session->conf);
	buf_init(&body, IPC_BODY_MAX);
	buf_put_u32(&body, account->uid);
	buf_put_str(&body, account->name);
	buf_put_u8(&body, (uint8_t)session->clipboard);
	buf_put_u32(&body, session->paths);
	set_phase(session, PHASE_IDENTIFIED);
	session_tell(session, IPC_SESSION_IDENTIFIED, &body);
	buf_finish(&body);
}

static int handle_login(void *data, struct ipc_message *message)
{
	struct session *session = data;
	_cleanup_free_ char *user = cursor_str(&message->body, LOGIN_USER_MAX);
	_cleanup_secret_ char *password = cursor_str(&message->body, LOGIN_PASSWORD_MAX);
	_cleanup_free_ char *address = cursor_str(&message->body, ADDRESS_MAX);
	enum session_refusal why;
	const char *reason;

	if (!cursor_done(&message->body))
		return -EPROTO;
	str_copy(session->address, sizeof(session->address), address);
	if (login_check(
		    session->conf,
		    &(struct login_request){.user = user, .password = password, .address = address},
		    &session->login, &why, &reason) < 0) {
		refuse(session, why, reason);
		return 0;
	}
	tell_identified(session);
	return 0;
}

/* A key that sshd has looked at stands for the password; everything else is as with one. */
static int handle_vouch(void *data, struct ipc_message *message)
{
	struct session *session = data;
	_cleanup_free_ char *user = cursor_str(&message->body, LOGIN_USER_MAX);
	_cleanup_free_ char *address = cursor_str(&message->body, ADDRESS_MAX);
	const char *reason;

	if (!cursor_done(&message->body))
		return -EPROTO;
	str_copy(session->address, sizeof(session->address), address);
	if (login_assume(session->conf, user, LOGIN_ANY_UID, &session->login, &reason) < 0) {
		refuse(session, SESSION_REFUSAL_NOT_ALLOWED, reason);
		return 0;
	}
	tell_identified(session);
	return 0;
}

static int take_place(struct session *session, struct ipc_message *message)
{
	_cleanup_free_ char *id = cursor_str(&message->body, RECORD_ID_MAX);
	uint32_t slot = cursor_u32(&message->body);

	if (!cursor_done(&message->body) || id[0] == '\0' || strchr(id, '/') || id[0] == '.')
		return -EPROTO;
	str_copy(session->record.id, sizeof(session->record.id), id);
	session->record.slot = slot;
	str_copy(session->record.version, sizeof(session->record.version), LAZARET_VERSION);
	set_phase(session, PHASE_RUNNING);
	session_start(session);
	return 0;
}

static int handle_start(void *data, struct ipc_message *message)
{
	return take_place(data, message);
}

static int handle_park(void *data, struct ipc_message *message)
{
	return take_place(data, message);
}

static int handle_discard(void *data, struct ipc_message *message)
{
	struct session *session = data;

	(void)message;
	session->stop = true;
	return 0;
}

static int handle_lock(void *data, struct ipc_message *message)
{
	struct session *session = data;
	uint32_t uid = cursor_u32(&message->body);

	if (!cursor_done(&message->body))
		return -EPROTO;
	set_phase(session, PHASE_LOCK);
	lock_start(session, uid);
	return 0;
}

static int handle_lock_login(void *data, struct ipc_message *message)
{
	_cleanup_free_ char *address = cursor_str(&message->body, ADDRESS_MAX);

	if (!cursor_done(&message->body))
		return -EPROTO;
	lock_login(data, address);
	return 0;
}

static int handle_lock_close(void *data, struct ipc_message *message)
{
	(void)message;
	lock_close(data);
	return 0;
}

static int handle_assign(void *data, struct ipc_message *message)
{
	struct session *session = data;
	uint32_t uid = cursor_u32(&message->body);
	_cleanup_free_ char *account = cursor_str(&message->body, RECORD_NAME_MAX);
	uint8_t clipboard = cursor_u8(&message->body);
	uint32_t paths = cursor_u32(&message->body);

	if (!cursor_done(&message->body) || !session->parked || !session->told_ready ||
	    clipboard > CONF_CLIPBOARD_BOTH)
		return -EPROTO;
	session->clipboard = clipboard;
	session->paths = paths;
	session_assign(session, uid, account);
	return 0;
}

static int handle_net(void *data, struct ipc_message *message)
{
	struct session *session = data;
	uint32_t slot = cursor_u32(&message->body);
	bool ok = cursor_u8(&message->body) != 0;
	_cleanup_free_ char *reason = cursor_str(&message->body, REASON_MAX);
	_cleanup_free_ char *resolv = cursor_str(&message->body, RESOLV_CONF_MAX);
	_cleanup_fd_ int netns = ipc_message_take_fd(message, 0);

	if (!cursor_done(&message->body) || slot != session->record.slot || (ok && netns < 0))
		return -EPROTO;
	if (!ok) {
		log_event(LOG_ERROR, "session.part-failed", LOG_STR("session", session->record.id),
			  LOG_STR("part", "network"), LOG_STR("reason", reason));
		session_end(session, "The network of this session could not be set up.");
		return 0;
	}
	if (session->net_there)
		return 0;
	session->net_there = true;
	session->netns = FD_STEAL(netns);
	session->resolv_conf = STEAL(resolv);
	session_milestone(session, "network");
	session_check_parts(session);
	return 0;
}

static int handle_attach(void *data, struct ipc_message *message)
{
	struct session *session = data;
	_cleanup_free_ char *address = cursor_str(&message->body, ADDRESS_MAX);
	_cleanup_fd_ int stream = ipc_message_take_fd(message, 0);

	if (!cursor_done(&message->body) || stream < 0)
		return -EPROTO;
	/* While ending the stream is closed: its viewer hears from the gateway. */
	if (session->phase != PHASE_RUNNING)
		return 0;
	display_attach(session, address, stream);
	session_attached(session, address);
	return 0;
}

static int handle_kick(void *data, struct ipc_message *message)
{
	struct session *session = data;
	_cleanup_free_ char *reason = cursor_str(&message->body, REASON_MAX);

	if (!cursor_done(&message->body))
		return -EPROTO;
	display_detach(session, reason);
	return 0;
}

static int handle_end(void *data, struct ipc_message *message)
{
	struct session *session = data;
	_cleanup_free_ char *reason = cursor_str(&message->body, REASON_MAX);

	if (!cursor_done(&message->body))
		return -EPROTO;
	session_end(session, reason);
	return 0;
}

static int handle_notice(void *data, struct ipc_message *message)
{
	struct session *session = data;
	_cleanup_free_ char *text = cursor_str(&message->body, REASON_MAX);
	uint32_t seconds = cursor_u32(&message->body);

	if (!cursor_done(&message->body))
		return -EPROTO;
	notice_show_for(session, text, seconds);
	return 0;
}

static const struct ipc_rule rules[] = {
	{IPC_SESSION_LOGIN, PHASE_LOGIN, 1, handle_login},
	{IPC_SESSION_VOUCH, PHASE_LOGIN, 1, handle_vouch},
	{IPC_SESSION_PARK, PHASE_LOGIN, 1, handle_park},
	{IPC_SESSION_LOCK, PHASE_IDENTIFIED, 1, handle_lock},
	{IPC_SESSION_LOCK_LOGIN, PHASE_LOCK, 0, handle_lock_login},
	{IPC_SESSION_LOCK_CLOSE, PHASE_LOCK, 0, handle_lock_close},
	{IPC_SESSION_START, PHASE_IDENTIFIED, 1, handle_start},
	{IPC_SESSION_DISCARD, PHASE_LOGIN | PHASE_IDENTIFIED, 1, handle_discard},
	{IPC_SESSION_ASSIGN, PHASE_RUNNING, 1, handle_assign},
	{IPC_SESSION_NET, PHASE_RUNNING, 0, handle_net},
	{IPC_SESSION_ATTACH, PHASE_RUNNING, 0, handle_attach},
	{IPC_SESSION_KICK, PHASE_RUNNING, 0, handle_kick},
	{IPC_SESSION_END, PHASE_RUNNING, 0, handle_end},
	{IPC_SESSION_NOTICE, PHASE_RUNNING, 0, handle_notice},
};

static void handle_closed(void *data, int reason)
{
	struct session *session = data;

	ipc_channel_destroy(STEAL(session->monitor));
	if (session->phase & (PHASE_LOGIN | PHASE_IDENTIFIED | PHASE_LOCK)) {
		session->stop = true;
		return;
	}
	if (!session->stop)
		log_event(LOG_WARN, "session.alone", LOG_STR("session", session->record.id),
			  LOG_ERR(reason));
}

static const struct ipc_table table = {
	.self = IPC_ROLE_SESSION,
	.peer = IPC_ROLE_MONITOR,
	.rules = rules,
	.n_rules = ARRAY_LEN(rules),
	.closed = handle_closed,
};

int session_take_monitor(struct session *session, int fd)
{
	struct ipc_channel *channel;
	int r = ipc_channel_create(session->loop, fd, &table, session, &channel);

	if (r < 0)
		return r;
	ipc_channel_destroy(session->monitor);
	session->monitor = channel;
	if (session->record.id[0] == '\0')
		return 0;
	/* While ending it may still send what a running session understands; it is ignored. */
	ipc_channel_set_state(channel, PHASE_RUNNING);
	session_tell_state(session);
	if (session->net_asked && !session->net_there) {
		struct buf body;

		buf_init(&body, 4);
		buf_put_u32(&body, session->record.slot);
		session_tell(session, IPC_SESSION_NEEDS_NET, &body);
		buf_finish(&body);
	}
	return 0;
}

/* --- start ---------------------------------------------------------------------------------------- */

static int read_config(struct session *session)
{
	_cleanup_free_ char *data = NULL;
	struct cursor c;
	int r = launch_read(SESSION_CONFIG_MAX, &data, &c);

	if (r == 0)
		r = conf_get(&c, &session->conf);
	if (r < 0)
		return r;
	session->cgroup_name = cursor_str(&c, CGROUP_NAME_MAX);
	session->cgroup_delegated = cursor_u8(&c) != 0;
	return cursor_done(&c) ? 0 : -EPROTO;
}

static int keep_programs(void)
{
	for (int fd = SPAWN_FD_FIRST; fd < SPAWN_FD_FIRST + SESSION_FDS; fd++) {
		int r = fd_set_cloexec(fd, true);

		if (r < 0)
			return r;
	}
	return 0;
}

static void tear_down(struct session *session)
{
	lock_finish(session);
	browser_forget(session);
	notice_finish(session);
	process_finish(&session->display, true);
	login_close(session->login);
	cgroup_close(session->cell_group);
	cgroup_close(session->display_group);
	cgroup_close(session->group);
	cgroup_base_close(session->cgroups);
	ipc_channel_destroy(session->monitor);
	conf_destroy(session->conf);
}

int main(void)
{
	struct session session = {
		.phase = PHASE_LOGIN,
		.sessions_fd = -1,
		.folder_fd = -1,
		.waiting_fd = -1,
		.netns = -1,
		.display = {.child = {.pidfd = -1}},
	};
	int r;

	log_init("lazaret-session");
	(void)signal(SIGPIPE, SIG_IGN);
	umask(022);
	/* A password passes through our memory. */
	(void)prctl(PR_SET_DUMPABLE, 0);
	wl_list_init(&session.texts);
	session.loop = wl_event_loop_create();
	r = session.loop ? read_config(&session) : -ENOMEM;
	if (r == 0)
		r = keep_programs();
	if (r == 0) {
		log_set_level((enum log_level)conf_int(session.conf, CONF_LOG_LEVEL));
		r = session_take_monitor(&session, SPAWN_FD_CHANNEL);
	}
	if (r < 0) {
		log_event(LOG_ERROR, "session.unstartable", LOG_ERR(r));
		return EXIT_FAILURE;
	}
	while (!session.stop)
		if (wl_event_loop_dispatch(session.loop, -1) < 0 && errno != EINTR)
			break;
	tear_down(&session);
	return EXIT_SUCCESS;
}
