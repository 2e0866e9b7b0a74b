/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * lazaret-keyd: the only process that has the TLS private key. It takes certificate and key from
 * the monitor, and gives each gateway one signature for its handshake.
 */
#include <errno.h>
#include <gnutls/gnutls.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <wayland-server-core.h>

#include "base/confine.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/spawn.h"
#include "base/str.h"
#include "ipc/channel.h"
#include "ipc/launch.h"
#include "keyd/key.h"
#include "keyd/limits.h"

/* What the monitor wrote: see the head of ipc/messages.def. uid 0: only the filter confines (tests). */
struct launch {
	uint32_t uid, gid;
	uint8_t log_level;
};

struct keyd {
	struct wl_event_loop *loop;
	struct ipc_channel *monitor;
	struct key *key;
	struct wl_list clients; /* client.link */
	unsigned int n_clients;
	bool over;
};

struct client {
	struct wl_list link;
	struct keyd *keyd;
	struct ipc_channel *channel;
};

static const struct confine_call calls[] = {
	{.nr = SYS_epoll_wait},
	{.nr = SYS_epoll_pwait},
	{.nr = SYS_epoll_ctl},
	{.nr = SYS_recvmsg},
	{.nr = SYS_sendmsg},
	{.nr = SYS_sendto}, /* buf_write_fd() */
	{.nr = SYS_read},
	{.nr = SYS_pread64},
	{.nr = SYS_write},
	{.nr = SYS_lseek},
	{.nr = SYS_fstat},
	{.nr = SYS_newfstatat,
	 .n_args = 1,
	 .args = {{3, 0x1000, 0x1000}}}, /* AT_EMPTY_PATH: fstat */
	{.nr = SYS_fcntl},
	{.nr = SYS_close},
	{.nr = SYS_brk},
	{.nr = SYS_mmap, .n_args = 1, .args = {{2, PROT_EXEC, 0}}},
	{.nr = SYS_mremap},
	{.nr = SYS_munmap},
	{.nr = SYS_getrandom},
	{.nr = SYS_getpid},
	{.nr = SYS_getrusage},
	{.nr = SYS_futex},
	{.nr = SYS_clock_gettime},
	{.nr = SYS_gettimeofday},
	{.nr = SYS_rt_sigreturn},
	{.nr = SYS_rt_sigprocmask},
	{.nr = SYS_restart_syscall},
	{.nr = SYS_exit_group},
	{.nr = SYS_openat, .action = CONFINE_EACCES},
};

/* --- gateways --------------------------------------------------------------------------------- */

static void client_destroy(struct client *client)
{
	ipc_channel_destroy(client->channel);
	wl_list_remove(&client->link);
	client->keyd->n_clients--;
	free(client);
}

/*
 * Safe for a gateway that was taken over: it gets one signature over data of the shape that a TLS
 * server signs, with its own handshake lost to it, and then the channel is gone.
 */
static int handle_sign(void *data, struct ipc_message *message)
{
	struct client *client = data;
	uint32_t algorithm = cursor_u32(&message->body);
	uint32_t len = cursor_u32(&message->body);
	const uint8_t *digest = cursor_bytes(&message->body, len);
	gnutls_datum_t signature = {0};
	_cleanup_buf_ struct buf body = {0};
	int r;

	if (!cursor_done(&message->body) || !client->keyd->key)
		return -EPROTO;
	buf_init(&body, IPC_BODY_MAX);
	r = key_sign(client->keyd->key, algorithm, digest, len, &signature);
	if (r < 0)
		log_event(LOG_WARN, "keyd.refused", LOG_INT("algorithm", algorithm),
			  LOG_INT("length", len));
	buf_put_u8(&body, r == 0);
	buf_put_u32(&body, signature.size);
	buf_put(&body, signature.data, signature.size);
	gnutls_free(signature.data);
	r = ipc_channel_send(client->channel, IPC_KEYD_SIGNATURE, &body, NULL, 0);
	/* Ends the channel in any case: what was sent to a socket pair has arrived. */
	return r < 0 ? r : -ESHUTDOWN;
}

static void handle_client_closed(void *data, int reason)
{
	struct client *client = data;

	(void)reason;
	client_destroy(client);
}

static const struct ipc_rule client_rules[] = {
	{IPC_KEYD_SIGN, IPC_ANY_STATE, 1, handle_sign},
};

static const struct ipc_table client_table = {
	.self = IPC_ROLE_KEYD,
	.peer = IPC_ROLE_GATEWAY,
	.rules = client_rules,
	.n_rules = ARRAY_LEN(client_rules),
	.closed = handle_client_closed,
};

/* --- monitor ---------------------------------------------------------------------------------- */

static int read_secret(int fd, struct buf *out)
{
	ssize_t n;

	/* The file may have been read before; a pipe does not mind. */
	(void)lseek(fd, 0, SEEK_SET);
	do
		n = buf_read_fd(out, fd, KEYD_FILE_MAX);
	while (n > 0);
	return (int)n;
}

static int load(struct keyd *keyd, int chain_fd, int key_fd, char reason[KEY_REASON_MAX])
{
	_cleanup_buf_ struct buf chain = {0}, secret = {0};
	struct key *key;
	int r;

	buf_init(&chain, KEYD_FILE_MAX);
	buf_init_secret(&secret, KEYD_FILE_MAX);
	if (read_secret(chain_fd, &chain) < 0 || read_secret(key_fd, &secret) < 0) {
		str_copy(reason, KEY_REASON_MAX,
			 "The certificate or the key file cannot be read, or is too long");
		return -EIO;
	}
	r = key_load((const char *)buf_data(&chain), buf_len(&chain),
		     (const char *)buf_data(&secret), buf_len(&secret), &key, reason);
	if (r < 0)
		return r;
	key_destroy(keyd->key);
	keyd->key = key;
	return 0;
}

/* Safe: the monitor is trusted, and what it hands over is only parsed, with a failure without effect. */
static int handle_load(void *data, struct ipc_message *message)
{
	struct keyd *keyd = data;
	_cleanup_fd_ int chain_fd = ipc_message_take_fd(message, 0);
	_cleanup_fd_ int key_fd = ipc_message_take_fd(message, 1);
	char reason[KEY_REASON_MAX] = "";
	_cleanup_buf_ struct buf body = {0};
	int r;

	if (chain_fd < 0 || key_fd < 0)
		return -EPROTO;
	r = load(keyd, chain_fd, key_fd, reason);
	if (r < 0)
		log_event(LOG_ERROR, "keyd.load-failed", LOG_STR("reason", reason));
	else
		log_event(LOG_INFO, "keyd.loaded");
	buf_init(&body, IPC_BODY_MAX);
	buf_put_u8(&body, r == 0);
	buf_put_str(&body, r < 0 ? reason : "");
	buf_put_str(&body, r < 0 ? "" : key_chain(keyd->key));
	buf_put_u64(&body, r < 0 ? 0 : key_until(keyd->key));
	return ipc_channel_send(keyd->monitor, IPC_KEYD_LOADED, &body, NULL, 0);
}

/* Safe: an end of a fresh pair; who holds the other end may have one signature. */
static int handle_channel(void *data, struct ipc_message *message)
{
	struct keyd *keyd = data;
	_cleanup_fd_ int fd = ipc_message_take_fd(message, 0);
	struct client *client;
	int r;

	if (fd < 0)
		return -EPROTO;
	if (keyd->n_clients >= KEYD_CHANNELS_MAX) {
		log_event(LOG_WARN, "keyd.full", LOG_INT("channels", keyd->n_clients));
		return 0;
	}
	client = calloc(1, sizeof(*client));
	if (!client)
		return -ENOMEM;
	client->keyd = keyd;
	r = ipc_channel_create(keyd->loop, FD_STEAL(fd), &client_table, client, &client->channel);
	if (r < 0) {
		free(client);
		log_event(LOG_WARN, "keyd.channel-failed", LOG_ERR(r));
		return 0;
	}
	wl_list_insert(&keyd->clients, &client->link);
	keyd->n_clients++;
	return 0;
}

static void handle_monitor_closed(void *data, int reason)
{
	struct keyd *keyd = data;

	(void)reason;
	keyd->over = true;
}

static const struct ipc_rule monitor_rules[] = {
	{IPC_KEYD_LOAD, IPC_ANY_STATE, 0, handle_load},
	{IPC_KEYD_CHANNEL, IPC_ANY_STATE, 0, handle_channel},
};

static const struct ipc_table monitor_table = {
	.self = IPC_ROLE_KEYD,
	.peer = IPC_ROLE_MONITOR,
	.rules = monitor_rules,
	.n_rules = ARRAY_LEN(monitor_rules),
	.closed = handle_monitor_closed,
};

/* --- start ------------------------------------------------------------------------------------ */

static int read_launch(struct launch *ret_launch)
{
	_cleanup_free_ char *data = NULL;
	struct launch launch;
	struct cursor c;
	int r = launch_read(KEYD_FILE_MAX, &data, &c);

	if (r < 0)
		return r;
	launch.uid = cursor_u32(&c);
	launch.gid = cursor_u32(&c);
	launch.log_level = cursor_u8(&c);
	if (!cursor_done(&c) || launch.log_level > LOG_DEBUG)
		return -EPROTO;
	*ret_launch = launch;
	return 0;
}

/* Keys should not reach a swap device; a container may forbid to say so. */
static void lock_memory(void)
{
	struct rlimit unlimited = {RLIM_INFINITY, RLIM_INFINITY};

	if (setrlimit(RLIMIT_MEMLOCK, &unlimited) < 0 || mlockall(MCL_CURRENT | MCL_FUTURE) < 0)
		log_event(LOG_WARN, "keyd.memory-not-locked", LOG_ERR(-errno));
}

static int confine_keyd(const struct launch *launch)
{
	const struct confine spec = {
		.uid = launch->uid,
		.gid = launch->gid,
		.empty_root = true,
		.no_network = true,
		.own_ipc = true,
		.max_files = KEYD_CHANNELS_MAX + 64,
		.no_processes = true,
		.calls = calls,
		.n_calls = ARRAY_LEN(calls),
	};
	const char *step = "filter";
	int r = launch->uid ? confine(&spec, &step) : confine_filter(calls, ARRAY_LEN(calls));

	if (r < 0)
		log_event(LOG_ERROR, "keyd.confine-failed", LOG_STR("step", step), LOG_ERR(r));
	return r;
}

static int handle_signal(int signal, void *data)
{
	struct keyd *keyd = data;

	(void)signal;
	keyd->over = true;
	return 0;
}

static int start(struct keyd *keyd)
{
	struct launch launch;
	int r = read_launch(&launch);

	if (r < 0) {
		log_event(LOG_ERROR, "keyd.start-failed", LOG_ERR(r));
		return r;
	}
	log_set_level((enum log_level)launch.log_level);
	keyd->loop = wl_event_loop_create();
	if (!keyd->loop || !wl_event_loop_add_signal(keyd->loop, SIGTERM, handle_signal, keyd))
		return -ENOMEM;
	r = ipc_channel_create(keyd->loop, SPAWN_FD_CHANNEL, &monitor_table, keyd, &keyd->monitor);
	if (r < 0)
		return r;
	lock_memory();
	return confine_keyd(&launch);
}

static void finish(struct keyd *keyd)
{
	struct client *client, *next;

	wl_list_for_each_safe (client, next, &keyd->clients, link)
		client_destroy(client);
	ipc_channel_destroy(keyd->monitor);
	key_destroy(keyd->key);
	if (keyd->loop)
		wl_event_loop_destroy(keyd->loop);
}

int main(void)
{
	struct keyd keyd = {0};
	int r;

	log_init("lazaret-keyd");
	wl_list_init(&keyd.clients);
	r = start(&keyd);
	while (r == 0 && !keyd.over)
		wl_event_loop_dispatch(keyd.loop, -1);
	finish(&keyd);
	return r < 0 ? 1 : 0;
}
