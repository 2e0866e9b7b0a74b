/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "ipc/channel.h"
#include "lock/check_admin.h"
#include "lock/check_job.h"
#include "lock/check_limits.h"
#include "lock/checkd.h"

#define BACKLOG 64

/* What may be said before the HELLO, and after. */
enum { BEFORE = 1 << 0, AFTER = 1 << 1 };

struct check_connection {
	struct wl_list link; /* checkd.connections */
	struct checkd *checkd;
	struct ipc_channel *channel;
	char *user; /* NULL: not said yet */
	uid_t uid;
	char **groups;
	size_t n_groups;
	struct wl_list checks; /* asked.link */
	unsigned int n_checks;
};

struct asked {
	struct wl_list link;
	struct check_connection *connection;
	uint32_t number;
	struct check_job *job;
};

static void asked_destroy(struct asked *asked)
{
	check_job_destroy(asked->job);
	wl_list_remove(&asked->link);
	asked->connection->n_checks--;
	free(asked);
}

static void destroy(struct check_connection *connection)
{
	/* The end of one can be that of another, which had waited for its place. */
	while (!wl_list_empty(&connection->checks)) {
		struct asked *asked = wl_container_of(connection->checks.next, asked, link);

		asked_destroy(asked);
	}
	ipc_channel_destroy(connection->channel);
	wl_list_remove(&connection->link);
	connection->checkd->n_connections--;
	for (size_t i = 0; i < connection->n_groups; i++)
		free(connection->groups[i]);
	free(connection->groups);
	free(connection->user);
	free(connection);
}

/* --- what is said to it ----------------------------------------------------------------------- */

static void tell(struct check_connection *connection, enum ipc_type type, const struct buf *body)
{
	int r = ipc_channel_send(connection->channel, type, body, NULL, 0);

	/* One that does not read loses its connection at the next message that finds no room. */
	if (r < 0 && r != -EPIPE)
		log_event(LOG_WARN, "lock.unheard", LOG_STR("user", connection->user), LOG_ERR(r));
}

static void send_rights(struct check_connection *connection)
{
	_cleanup_policy_ struct policy *policy = policy_create(
		connection->checkd->conf, connection->groups, connection->n_groups);
	struct buf body;

	buf_init(&body, IPC_BODY_MAX);
	buf_put_u8(&body, policy && policy_may(policy, CHECK_UP));
	buf_put_u8(&body, policy && policy_may(policy, CHECK_DOWN));
	buf_put_u64(&body, policy ? policy_largest(policy) : 0);
	buf_put_u64(&body, policy ? policy_largest(policy) : 0);
	tell(connection, IPC_CHECK_RIGHTS, &body);
	buf_finish(&body);
}

static void send_verdict(struct check_connection *connection, uint32_t number,
			 const struct check_verdict *verdict)
{
	bool german = conf_int(connection->checkd->conf, CONF_LANGUAGE) == CONF_LANGUAGE_DE;
	struct buf body;

	buf_init(&body, IPC_BODY_MAX);
	buf_put_u32(&body, number);
	buf_put_u8(&body, (uint8_t)verdict->result);
	buf_put_u64(&body, verdict->size);
	buf_put(&body, verdict->sha256, sizeof(verdict->sha256));
	buf_put_str(&body, verdict->type);
	buf_put_str(&body, verdict->rule);
	buf_put_str(&body, verdict->signature);
	buf_put_str(&body, verdict->sentence_en);
	buf_put_str(&body, verdict->sentence_de);
	buf_put_u8(&body, german);
	buf_put_str(&body, verdict->text);
	tell(connection, IPC_CHECK_VERDICT, &body);
	buf_finish(&body);
}

static void handle_done(void *data, const struct check_verdict *verdict)
{
	struct asked *asked = data;

	send_verdict(asked->connection, asked->number, verdict);
	asked_destroy(asked);
}

/* --- what it says ----------------------------------------------------------------------------- */

/* Safe: root has connected, by the kernel's word, and says whom it will speak for from now on. */
static int handle_hello(void *data, struct ipc_message *message)
{
	struct check_connection *connection = data;
	uint32_t n;

	connection->uid = cursor_u32(&message->body);
	connection->user = cursor_str(&message->body, CHECK_USER_MAX);
	n = cursor_u32(&message->body);
	if (!connection->user || n > CHECKER_GROUPS_MAX)
		return -EPROTO;
	connection->groups = calloc((size_t)n + 1, sizeof(*connection->groups));
	if (!connection->groups)
		return -ENOMEM;
	for (uint32_t i = 0; i < n; i++) {
		char *group = cursor_str(&message->body, CHECKER_GROUP_NAME_MAX);

		if (!group)
			return -EPROTO;
		connection->groups[connection->n_groups++] = group;
	}
	if (!cursor_done(&message->body))
		return -EPROTO;
	ipc_channel_set_state(connection->channel, AFTER);
	send_rights(connection);
	return 0;
}

static int start(struct check_connection *connection, uint32_t number,
		 const struct check_request *request)
{
	struct asked *asked = calloc(1, sizeof(*asked));
	int r;

	if (!asked) {
		fd_close(request->fd);
		return -ENOMEM;
	}
	asked->connection = connection;
	asked->number = number;
	wl_list_insert(&connection->checks, &asked->link);
	connection->n_checks++;
	r = check_job_create(connection->checkd,
			     &(const struct check_subject){
				     .user = connection->user,
				     .uid = connection->uid,
				     .groups = connection->groups,
				     .n_groups = connection->n_groups,
			     },
			     request, handle_done, asked, &asked->job);
	if (r < 0)
		asked_destroy(asked);
	return r;
}

/*
 * Safe: the file is one that the sender could read anyway, and it is looked into by a process
 * without power; the number of checks of one connection is bounded.
 */
static int handle_start(void *data, struct ipc_message *message)
{
	struct check_connection *connection = data;
	uint32_t number = cursor_u32(&message->body);
	uint8_t direction = cursor_u8(&message->body);
	bool dry_run = cursor_u8(&message->body) != 0;
	_cleanup_free_ char *name = cursor_str(&message->body, CHECKER_NAME_MAX);
	_cleanup_free_ char *address = cursor_str(&message->body, CHECKER_ADDRESS_MAX);
	const uint8_t *sha256 = cursor_u8(&message->body)
					? cursor_bytes(&message->body, CHECK_DIGEST_LEN)
					: NULL;
	_cleanup_fd_ int fd = ipc_message_take_fd(message, 0);

	if (!cursor_done(&message->body) || fd < 0 || direction > CHECK_DOWN ||
	    connection->n_checks >= CHECKER_CHECKS_MAX)
		return -EPROTO;
	return start(connection, number,
		     &(const struct check_request){
			     .fd = FD_STEAL(fd),
			     .name = name,
			     .direction = (enum check_direction)direction,
			     .address = address,
			     .sha256 = sha256,
			     .dry_run = dry_run,
		     });
}

/* Safe: only a check of its own. */
static int handle_cancel(void *data, struct ipc_message *message)
{
	struct check_connection *connection = data;
	uint32_t number = cursor_u32(&message->body);
	struct asked *asked;

	if (!cursor_done(&message->body))
		return -EPROTO;
	wl_list_for_each (asked, &connection->checks, link) {
		if (asked->number != number)
			continue;
		asked_destroy(asked);
		break;
	}
	return 0;
}

/* Safe: root, by the kernel's word; lazaretd has looked whether who asked it may. */
static int handle_admin(void *data, struct ipc_message *message)
{
	struct check_connection *connection = data;

	return check_admin(connection->checkd, connection->channel, &message->body);
}

static void handle_closed(void *data, int reason)
{
	struct check_connection *connection = data;

	if (reason != -EPIPE)
		log_event(LOG_ERROR, "lock.malformed",
			  LOG_STR("user", connection->user ? connection->user : ""),
			  LOG_ERR(reason));
	destroy(connection);
}

static const struct ipc_rule rules[] = {
	{IPC_CHECK_HELLO, BEFORE, 1, handle_hello},
	{IPC_CHECK_START, AFTER, 0, handle_start},
	{IPC_CHECK_CANCEL, AFTER, 0, handle_cancel},
	{IPC_CHECK_ADMIN, BEFORE, 1, handle_admin},
};

static const struct ipc_table table = {
	.self = IPC_ROLE_CHECKD,
	.peer = IPC_ROLE_CHECKER,
	.rules = rules,
	.n_rules = ARRAY_LEN(rules),
	.closed = handle_closed,
};

/* --- the socket ------------------------------------------------------------------------------- */

static bool is_root(int fd)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) == 0 && cred.uid == 0;
}

static int admit(struct checkd *checkd, int fd)
{
	struct check_connection *connection = calloc(1, sizeof(*connection));
	int r;

	if (!connection) {
		fd_close(fd);
		return -ENOMEM;
	}
	connection->checkd = checkd;
	wl_list_init(&connection->checks);
	r = ipc_channel_create(checkd->loop, fd, &table, connection, &connection->channel);
	if (r < 0) {
		free(connection);
		return r;
	}
	wl_list_insert(&checkd->connections, &connection->link);
	checkd->n_connections++;
	return 0;
}

/* Safe: the socket is root's alone, and the kernel says who connected. */
static int handle_waiting(int fd, uint32_t mask, void *data)
{
	struct checkd *checkd = data;
	_cleanup_fd_ int peer = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	int r = -EPERM;

	(void)mask;
	if (peer < 0)
		return 0;
	if (is_root(peer))
		r = checkd->n_connections < CHECK_CONNECTIONS_MAX ? admit(checkd, FD_STEAL(peer))
								  : -EBUSY;
	if (r < 0)
		log_event(LOG_WARN, "lock.not-admitted", LOG_ERR(r));
	return 0;
}

int check_connection_listen(struct checkd *checkd)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	wl_list_init(&checkd->connections);
	checkd->socket = fd;
	if (fd < 0)
		return -errno;
	if ((size_t)snprintf(address.sun_path, sizeof(address.sun_path), "%s/" CHECKER_SOCKET,
			     conf_str(checkd->conf, CONF_RUNTIME_DIR)) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	/* What is there is of one before us: lazaretd runs one at a time. */
	(void)unlink(address.sun_path);
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 || listen(fd, BACKLOG) < 0)
		return -errno;
	checkd->socket_source = wl_event_loop_add_fd(checkd->loop, fd, WL_EVENT_READABLE,
						     handle_waiting, checkd);
	return checkd->socket_source ? 0 : -ENOMEM;
}

void check_connection_refresh(struct checkd *checkd)
{
	struct check_connection *connection;

	wl_list_for_each (connection, &checkd->connections, link) {
		if (connection->user)
			send_rights(connection);
	}
}

void check_connection_finish(struct checkd *checkd)
{
	struct check_connection *connection, *next;

	wl_list_for_each_safe (connection, next, &checkd->connections, link)
		destroy(connection);
	if (checkd->socket_source)
		wl_event_source_remove(checkd->socket_source);
	checkd->socket = fd_close(checkd->socket);
}
