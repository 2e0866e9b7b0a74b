/* SPDX-License-Identifier: GPL-3.0-or-later */
/* lazaret-gateway: speaks with one viewer, without privilege and without the key. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/spawn.h"
#include "base/str.h"
#include "conf/conf.h"
#include "gateway/gateway.h"
#include "ipc/launch.h"

#define FD_CLIENT (SPAWN_FD_FIRST + 0)
#define FD_KEYD (SPAWN_FD_FIRST + 1)

/* What the monitor wrote: see the head of ipc/messages.def. */
struct launch {
	struct conf *conf;
	uint32_t uid, gid;
	char *chain; /* certificates, PEM */
};

static void launch_finish(struct launch *launch)
{
	conf_destroy(launch->conf);
	free(launch->chain);
}

static int read_launch(struct launch *launch)
{
	_cleanup_free_ char *data = NULL;
	struct cursor c;
	int r = launch_read(GATEWAY_LAUNCH_MAX, &data, &c);

	if (r == 0)
		r = conf_get(&c, &launch->conf);
	if (r < 0)
		return r;
	launch->uid = cursor_u32(&c);
	launch->gid = cursor_u32(&c);
	launch->chain = cursor_str(&c, GATEWAY_LAUNCH_MAX);
	return cursor_done(&c) ? 0 : -EPROTO;
}

static void name_peer(struct gateway *gateway)
{
	struct sockaddr_storage address;
	socklen_t len = sizeof(address);
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)&address;
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)&address;

	str_copy(gateway->address, sizeof(gateway->address), "unknown");
	if (getpeername(gateway->socket, (struct sockaddr *)&address, &len) < 0)
		return;
	if (address.ss_family == AF_INET6)
		inet_ntop(AF_INET6, &v6->sin6_addr, gateway->address, sizeof(gateway->address));
	else if (address.ss_family == AF_INET)
		inet_ntop(AF_INET, &v4->sin_addr, gateway->address, sizeof(gateway->address));
}

static void set_option(int socket, int level, int option, int value)
{
	/* Missing ones (a test's socket pair has none) cost comfort, not safety. */
	if (setsockopt(socket, level, option, &value, sizeof(value)) < 0 && errno != EOPNOTSUPP)
		log_event(LOG_WARN, "gateway.socket-option", LOG_INT("option", option),
			  LOG_ERR(-errno));
}

static void set_options(const struct gateway *gateway)
{
	int s = gateway->socket;

	set_option(s, SOL_SOCKET, SO_KEEPALIVE, 1);
	set_option(s, IPPROTO_TCP, TCP_NODELAY, 1);
	set_option(s, IPPROTO_TCP, TCP_KEEPIDLE, GATEWAY_KEEPALIVE_IDLE);
	set_option(s, IPPROTO_TCP, TCP_KEEPINTVL, GATEWAY_KEEPALIVE_INTERVAL);
	set_option(s, IPPROTO_TCP, TCP_KEEPCNT, GATEWAY_KEEPALIVE_COUNT);
	/* Later than our own, which says why. */
	set_option(s, IPPROTO_TCP, TCP_USER_TIMEOUT,
		   (gateway->stall_timeout + GATEWAY_STALL_GRACE_SECONDS) * 1000);
	set_option(s, IPPROTO_TCP, TCP_NOTSENT_LOWAT, GATEWAY_NOTSENT_LOWAT);
}

static void take_options(struct gateway *gateway, const struct conf *conf)
{
	log_set_level((enum log_level)conf_int(conf, CONF_LOG_LEVEL));
	gateway->handshake_timeout = (int)conf_int(conf, CONF_HANDSHAKE_TIMEOUT);
	gateway->login_timeout = (int)conf_int(conf, CONF_LOGIN_TIMEOUT);
	gateway->stall_timeout = (int)conf_int(conf, CONF_STALL_TIMEOUT);
}

/* Everything that needs more than the loop does; nothing of the viewer's has been read yet. */
static int set_up(struct gateway *gateway, const struct launch *launch)
{
	int r;

	take_options(gateway, launch->conf);
	gateway->socket = FD_CLIENT;
	name_peer(gateway);
	set_options(gateway);
	r = fd_set_nonblock(gateway->socket, true);
	if (r == 0)
		r = fd_set_cloexec(gateway->socket, true);
	if (r < 0)
		return r;
	gateway->loop = wl_event_loop_create();
	if (!gateway->loop)
		return -ENOMEM;
	r = ipc_channel_create(gateway->loop, SPAWN_FD_CHANNEL, &gateway_monitor_table, gateway,
			       &gateway->monitor);
	if (r == 0)
		r = tls_create(gateway->socket, FD_KEYD, launch->chain, &gateway->tls);
	return r == 0 ? gateway_start(gateway) : r;
}

static int start(struct gateway *gateway)
{
	CLEANUP(launch_finish) struct launch launch = {0};
	const char *step = "configuration";
	int r = read_launch(&launch);

	if (r == 0) {
		step = "set-up";
		r = set_up(gateway, &launch);
	}
	if (r == 0)
		r = gateway_confine(launch.uid, launch.gid, &step);
	if (r < 0) {
		log_event(LOG_ERROR, "gateway.start-failed", LOG_STR("step", step), LOG_ERR(r));
		return r;
	}
	vencrypt_start(&gateway->vencrypt, &gateway->plain);
	gateway_flush(gateway);
	return 0;
}

int main(void)
{
	struct gateway gateway = {.socket = -1, .display = -1};
	int r;

	log_init("lazaret-gateway");
	/* Our log ends in the monitor, which may go while we go on. */
	(void)signal(SIGPIPE, SIG_IGN);
	r = start(&gateway);
	while (r == 0 && gateway.phase != GATEWAY_OVER)
		wl_event_loop_dispatch(gateway.loop, -1);
	gateway_finish(&gateway);
	if (gateway.loop)
		wl_event_loop_destroy(gateway.loop);
	return r < 0 ? 1 : 0;
}
