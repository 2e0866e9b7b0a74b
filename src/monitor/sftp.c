/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "monitor/sftp.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "cell/home.h"
#include "lock/mount.h"
#include "monitor/handover.h"
#include "monitor/limits.h"
#include "monitor/login.h"
#include "monitor/monitor.h"

struct sftp {
	struct monitor *monitor;
	int fd;
	struct wl_event_source *source, *idle_timer;
	struct wl_list logins; /* sftp_login.link */
	struct wl_list locks; /* lock.link */
	unsigned int n_logins;
};

struct monitor *sftp_monitor(const struct sftp *sftp)
{
	return sftp->monitor;
}

struct wl_list *sftp_locks(struct sftp *sftp)
{
	return &sftp->locks;
}

static void login_free(struct sftp_login *login)
{
	if (login->lock)
		lock_forget_login(login);
	if (login->has_ticket)
		throttle_end(login->sftp->monitor->throttle, &login->ticket, THROTTLE_ABANDONED,
			     clock_now());
	if (login->timer)
		wl_event_source_remove(login->timer);
	ipc_channel_destroy(login->channel);
	wl_list_remove(&login->link);
	login->sftp->n_logins--;
	free(login->user);
	mem_wipe_strp(&login->password);
	free(login->address);
	free(login);
}

void sftp_answer(struct sftp_login *login, enum login_answer answer)
{
	struct buf body;

	buf_init(&body, 1);
	buf_put_u8(&body, (uint8_t)answer);
	/* If it cannot be said, whoever asked is gone. */
	(void)!ipc_channel_send(login->channel, IPC_LOGIN_ANSWER, &body, NULL, 0);
	buf_finish(&body);
	login_free(login);
}

void sftp_refuse(struct sftp_login *login, enum session_refusal why)
{
	uint64_t took = clock_now() - login->check_started;
	uint64_t padding = LOGIN_PADDING * USEC_PER_MSEC;

	login->answer = why == SESSION_REFUSAL_ERROR     ? LOGIN_ANSWER_ERROR
			: why == SESSION_REFUSAL_ACCOUNT ? LOGIN_ANSWER_EXPIRED
							 : LOGIN_ANSWER_REFUSED;
	login->answering = true;
	wl_event_source_timer_update(login->timer,
				     (int)((padding - took % padding) / USEC_PER_MSEC + 1));
}

static void check(struct sftp_login *login)
{
	login->check_started = clock_now();
	if (lock_check(login->sftp, login) < 0)
		sftp_answer(login, LOGIN_ANSWER_ERROR);
	else
		mem_wipe_strp(&login->password);
}

static int handle_timer(void *data)
{
	struct sftp_login *login = data;

	if (login->answering)
		sftp_answer(login, login->answer);
	else
		check(login);
	return 0;
}

/* What is no address has a key of its own. */
static struct address_key key_of(const char *text)
{
	struct sockaddr_storage address = {.ss_family = AF_UNSPEC};
	socklen_t len;

	if (address_parse(text, 0, &address, &len) < 0)
		address = (struct sockaddr_storage){.ss_family = AF_UNSPEC};
	return address_key((const struct sockaddr *)&address);
}

/* As for a viewer: see login_begin(). A key cannot be guessed, and costs nothing. */
static void begin(struct sftp_login *login)
{
	struct monitor *monitor = login->sftp->monitor;
	uint64_t now = clock_now(), when = now;
	struct address_key key;

	if (monitor->phase != MONITOR_SERVING) {
		sftp_answer(login, LOGIN_ANSWER_ERROR);
		return;
	}
	if (!login->key) {
		key = key_of(login->address);
		when = throttle_begin(monitor->throttle, &key, login->user, now, &login->ticket);
		login->has_ticket = true;
	}
	if (when <= now) {
		check(login);
		return;
	}
	log_event(LOG_INFO, "login.delayed", LOG_STR("user", login->user),
		  LOG_STR("address", login->address), LOG_INT("ms", (when - now) / USEC_PER_MSEC),
		  LOG_STR("over", "sftp"));
	wl_event_source_timer_update(login->timer, (int)((when - now) / USEC_PER_MSEC + 1));
}

/* --- who asks ------------------------------------------------------------------------------------- */

static int take(struct sftp_login *login, struct ipc_message *message, bool key)
{
	if (login->asked)
		return -EPROTO;
	login->asked = true;
	login->key = key;
	login->user = cursor_str(&message->body, LOGIN_USER_MAX);
	if (!key)
		login->password = cursor_str(&message->body, LOGIN_PASSWORD_MAX);
	login->address = cursor_str(&message->body, ADDRESS_TEXT_MAX - 1);
	if (!cursor_done(&message->body))
		return -EPROTO;
	begin(login);
	return 0;
}

/* Safe: it is a process of root's; what it says is what a gateway says of a viewer. */
static int handle_password(void *data, struct ipc_message *message)
{
	return take(data, message, false);
}

/* Safe: it is a process of root's, sshd, whose word for the key we take. */
static int handle_key(void *data, struct ipc_message *message)
{
	return take(data, message, true);
}

static const struct ipc_rule rules[] = {
	{IPC_LOGIN_PASSWORD, IPC_ANY_STATE, 1, handle_password},
	{IPC_LOGIN_KEY, IPC_ANY_STATE, 1, handle_key},
};

static void handle_closed(void *data, int reason)
{
	(void)reason;
	login_free(data);
}

static const struct ipc_table table = {
	.self = IPC_ROLE_MONITOR,
	.peer = IPC_ROLE_PAM,
	.rules = rules,
	.n_rules = ARRAY_LEN(rules),
	.closed = handle_closed,
};

static int say_roles(struct sftp_login *login)
{
	const struct conf *conf = login->sftp->monitor->conf;
	struct buf body;
	int r;

	buf_init(&body, IPC_BODY_MAX);
	buf_put_u32(&body, ROLE_COUNT);
	for (unsigned int i = 0; i < ROLE_COUNT; i++)
		buf_put_str(&body, role_group(conf, (enum role_index)i));
	r = ipc_channel_send(login->channel, IPC_LOGIN_ROLES, &body, NULL, 0);
	buf_finish(&body);
	return r;
}

static int accept_login(struct sftp *sftp, int fd)
{
	_cleanup_fd_ int owned = fd;
	struct sftp_login *login;
	struct ucred peer;
	socklen_t len = sizeof(peer);
	int r;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0 || peer.uid != 0)
		return -EPERM;
	if (sftp->n_logins >= SFTP_LOGINS_MAX)
		return -EBUSY;
	login = calloc(1, sizeof(*login));
	if (!login)
		return -ENOMEM;
	login->sftp = sftp;
	login->timer = wl_event_loop_add_timer(sftp->monitor->loop, handle_timer, login);
	r = login->timer ? ipc_channel_create(sftp->monitor->loop, FD_STEAL(owned), &table, login,
					      &login->channel)
			 : -ENOMEM;
	if (r < 0) {
		if (login->timer)
			wl_event_source_remove(login->timer);
		free(login);
		return r;
	}
	wl_list_insert(sftp->logins.prev, &login->link);
	sftp->n_logins++;
	r = say_roles(login);
	if (r < 0)
		login_free(login);
	return r;
}

static int handle_readable(int fd, uint32_t mask, void *data)
{
	(void)mask;
	for (int i = 0; i < ACCEPT_TURN; i++) {
		int client = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
		int r;

		if (client < 0)
			break;
		r = accept_login(data, client);
		if (r < 0)
			log_event(LOG_WARN, "login.unasked", LOG_ERR(r));
	}
	return 0;
}

static int open_socket(struct sftp *sftp)
{
	_cleanup_fd_ int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int runtime = sftp->monitor->runtime_fd;

	if (fd < 0)
		return -errno;
	snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/" SFTP_SOCKET,
		 runtime);
	/* Ours since the lock of the runtime directory is ours. */
	if (unlinkat(runtime, SFTP_SOCKET, 0) < 0 && errno != ENOENT)
		return -errno;
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return -errno;
	if (fchmodat(runtime, SFTP_SOCKET, 0600, 0) < 0 || listen(fd, LISTEN_BACKLOG) < 0)
		return -errno;
	sftp->fd = FD_STEAL(fd);
	return 0;
}

static int handle_idle(void *data)
{
	struct sftp *sftp = data;

	lock_ask_idle(sftp);
	wl_event_source_timer_update(sftp->idle_timer, SFTP_IDLE * 1000 / 4);
	return 0;
}

/* Of an earlier monitor; its processes have ended with it. */
static void handle_swept(void *data, uid_t uid)
{
	struct sftp *sftp = data;
	int r = home_close(conf_str(sftp->monitor->conf, CONF_STATE_DIR), uid);

	log_event(LOG_INFO, "lock.swept", LOG_INT("uid", uid));
	if (r < 0)
		log_event(LOG_WARN, "lock.unclean", LOG_INT("uid", uid), LOG_ERR(r));
}

static struct sftp *sftp_new(struct monitor *monitor)
{
	struct sftp *sftp = calloc(1, sizeof(*sftp));

	if (!sftp)
		return NULL;
	sftp->monitor = monitor;
	sftp->fd = -1;
	wl_list_init(&sftp->logins);
	wl_list_init(&sftp->locks);
	return sftp;
}

static int watch(struct sftp *sftp)
{
	struct wl_event_loop *loop = sftp->monitor->loop;

	sftp->source = wl_event_loop_add_fd(loop, sftp->fd, WL_EVENT_READABLE, handle_readable,
					    sftp);
	sftp->idle_timer = wl_event_loop_add_timer(loop, handle_idle, sftp);
	if (!sftp->source || !sftp->idle_timer)
		return -ENOMEM;
	wl_event_source_timer_update(sftp->idle_timer, SFTP_IDLE * 1000 / 4);
	return 0;
}

int sftp_create(struct monitor *monitor, struct sftp **ret_sftp)
{
	struct sftp *sftp = sftp_new(monitor);
	int r;

	if (!sftp)
		return -ENOMEM;
	r = mount_sweep(conf_str(monitor->conf, CONF_RUNTIME_DIR), handle_swept, sftp);
	if (r == 0)
		r = open_socket(sftp);
	if (r == 0)
		r = watch(sftp);
	if (r < 0) {
		sftp_destroy(sftp);
		return r;
	}
	*ret_sftp = sftp;
	return 0;
}

static int save_dropped(struct handover *handover, const struct throttle_ticket *ticket)
{
	struct throttle_ticket *part = handover_add(&handover->dropped, &handover->n_dropped,
						    sizeof(*part));

	if (!part)
		return -ENOMEM;
	*part = *ticket;
	return 0;
}

int sftp_save(struct sftp *sftp, struct handover *handover)
{
	const struct sftp_login *login;
	int r = 0;

	handover->sftp = sftp->fd;
	wl_list_for_each (login, &sftp->logins, link) {
		if (login->has_ticket)
			r = save_dropped(handover, &login->ticket);
		if (r < 0)
			return r;
	}
	return lock_save(sftp, handover);
}

int sftp_restore(struct monitor *monitor, const struct handover *handover, struct sftp **ret_sftp)
{
	struct sftp *sftp;
	int r = 0;

	if (handover->sftp < 0)
		return sftp_create(monitor, ret_sftp);
	sftp = sftp_new(monitor);
	if (!sftp)
		return -ENOMEM;
	*ret_sftp = sftp;
	sftp->fd = handover->sftp;
	for (uint32_t i = 0; i < handover->n_views && r == 0; i++)
		r = lock_restore(sftp, &handover->views[i]);
	for (uint32_t i = 0; i < handover->n_dropped; i++)
		throttle_end(monitor->throttle, &handover->dropped[i], THROTTLE_ABANDONED,
			     clock_now());
	return r < 0 ? r : watch(sftp);
}

void sftp_destroy(struct sftp *sftp)
{
	struct sftp_login *login, *next;

	if (!sftp)
		return;
	wl_list_for_each_safe (login, next, &sftp->logins, link)
		login_free(login);
	lock_end_all(sftp);
	if (sftp->source)
		wl_event_source_remove(sftp->source);
	if (sftp->idle_timer)
		wl_event_source_remove(sftp->idle_timer);
	fd_close(sftp->fd);
	(void)unlinkat(sftp->monitor->runtime_fd, SFTP_SOCKET, 0);
	(void)unlinkat(sftp->monitor->runtime_fd, MOUNT_FOLDER, AT_REMOVEDIR);
	free(sftp);
}
