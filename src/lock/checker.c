/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "lock/checker.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/mem.h"
#include "ipc/channel.h"

#define CONNECT_TIMEOUT 5 /* seconds */

struct check {
	struct wl_list link; /* checker.checks */
	struct checker *checker;
	uint32_t number;
	check_done done;
	void *data;
};

struct checker {
	struct wl_event_loop *loop;
	struct ipc_channel *channel; /* NULL: lost */
	const struct checker_events *events;
	void *data;
	struct check_rights rights;
	struct wl_list checks;
	unsigned int n_checks;
	uint32_t last; /* number given to a check */
	struct wl_event_source *idle; /* checks that were begun without a connection */
};

/* --- the connection --------------------------------------------------------------------------- */

static int put_identity(struct buf *body, const struct checker_identity *identity)
{
	if (identity->n_groups > CHECKER_GROUPS_MAX)
		return -E2BIG;
	buf_put_u32(body, (uint32_t)identity->uid);
	buf_put_str(body, identity->user);
	buf_put_u32(body, (uint32_t)identity->n_groups);
	for (size_t i = 0; i < identity->n_groups; i++)
		buf_put_str(body, identity->groups[i]);
	return buf_error(body) == -ENOBUFS ? -E2BIG : buf_error(body);
}

static int say_hello(int fd, const struct checker_identity *identity)
{
	struct buf body;
	int r;

	buf_init(&body, IPC_BODY_MAX);
	r = put_identity(&body, identity);
	if (r == 0)
		r = ipc_send(fd, IPC_CHECK_HELLO, &body, NULL, 0);
	buf_finish(&body);
	return r == -EAGAIN ? -ETIMEDOUT : r;
}

int checker_connect(const char *path, const struct checker_identity *identity)
{
	_cleanup_fd_ int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	const struct timeval timeout = {.tv_sec = CONNECT_TIMEOUT};
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int r;

	if (fd < 0)
		return -errno;
	if (geteuid() != 0)
		return -EPERM;
	if ((size_t)snprintf(address.sun_path, sizeof(address.sun_path), "%s", path) >=
	    sizeof(address.sun_path))
		return -ENAMETOOLONG;
	if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout)) < 0)
		return -errno;
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return errno == EAGAIN ? -ETIMEDOUT : -errno;
	r = say_hello(fd, identity);
	return r < 0 ? r : FD_STEAL(fd);
}

/* --- checks ----------------------------------------------------------------------------------- */

static void check_free(struct check *check)
{
	wl_list_remove(&check->link);
	check->checker->n_checks--;
	free(check);
}

static void finish(struct check *check, const struct check_verdict *verdict)
{
	check_done done = check->done;
	void *data = check->data;

	check_free(check);
	done(data, verdict);
}

/* Those that were there when this began: a callback may start others. */
static void fail_all(struct checker *checker)
{
	static const char sentence_en[] =
		"The file cannot be checked at the moment, so it does not pass. "
		"Please try again later.";
	static const char sentence_de[] =
		"Die Datei kann zurzeit nicht geprüft werden und wird daher nicht "
		"übertragen. Bitte versuchen Sie es später noch einmal.";
	static const struct check_verdict verdict = {
		.result = CHECK_REFUSE,
		.type = "",
		.rule = "checker-lost",
		.signature = "",
		.sentence = sentence_en,
		.sentence_en = sentence_en,
		.sentence_de = sentence_de,
		.text = "The file cannot be checked at the moment, so it does not pass.\r\n"
			"Die Datei kann zurzeit nicht geprüft werden und wird daher nicht "
			"übertragen.\r\n",
	};
	uint32_t last = checker->last;
	unsigned int n = checker->n_checks;

	while (n-- > 0 && !wl_list_empty(&checker->checks)) {
		struct check *check = wl_container_of(checker->checks.prev, check, link);

		if (check->number > last)
			break;
		finish(check, &verdict);
	}
}

static void handle_idle(void *data)
{
	struct checker *checker = data;

	checker->idle = NULL;
	if (!checker->channel)
		fail_all(checker);
}

static struct check *find(struct checker *checker, uint32_t number)
{
	struct check *check;

	wl_list_for_each (check, &checker->checks, link) {
		if (check->number == number)
			return check;
	}
	return NULL;
}

struct texts {
	char *type, *rule, *signature, *en, *de, *text;
};

static void texts_finish(struct texts *texts)
{
	free(texts->type);
	free(texts->rule);
	free(texts->signature);
	free(texts->en);
	free(texts->de);
	free(texts->text);
}

/* 0, or -EPROTO; what is there is the caller's to finish either way. */
static int read_verdict(struct cursor *c, struct check_verdict *verdict, struct texts *texts)
{
	uint8_t result = cursor_u8(c);
	const uint8_t *sha256;
	bool german;

	verdict->size = cursor_u64(c);
	sha256 = cursor_bytes(c, sizeof(verdict->sha256));
	if (!sha256 || result > CHECK_QUARANTINE)
		return -EPROTO;
	verdict->result = (enum check_result)result;
	memcpy(verdict->sha256, sha256, sizeof(verdict->sha256));
	verdict->type = texts->type = cursor_str(c, CHECKER_TEXT_MAX);
	verdict->rule = texts->rule = cursor_str(c, CHECKER_TEXT_MAX);
	verdict->signature = texts->signature = cursor_str(c, CHECKER_TEXT_MAX);
	verdict->sentence_en = texts->en = cursor_str(c, CHECKER_TEXT_MAX);
	verdict->sentence_de = texts->de = cursor_str(c, CHECKER_TEXT_MAX);
	german = cursor_u8(c) != 0;
	verdict->sentence = german ? verdict->sentence_de : verdict->sentence_en;
	verdict->text = texts->text = cursor_str(c, CHECKER_TEXT_MAX);
	return cursor_done(c) ? 0 : -EPROTO;
}

/* Safe: checkd is whom we ask; a number that we do not know is a check that was cancelled. */
static int handle_verdict(void *data, struct ipc_message *message)
{
	struct checker *checker = data;
	struct check *check = find(checker, cursor_u32(&message->body));
	CLEANUP(texts_finish) struct texts texts = {0};
	struct check_verdict verdict = {0};
	int r = read_verdict(&message->body, &verdict, &texts);

	if (r == 0 && check)
		finish(check, &verdict);
	return r;
}

/* Safe: only what we may say no to early. */
static int handle_rights(void *data, struct ipc_message *message)
{
	struct checker *checker = data;
	struct check_rights rights = {0};

	rights.up = cursor_u8(&message->body) != 0;
	rights.down = cursor_u8(&message->body) != 0;
	rights.largest_up = cursor_u64(&message->body);
	rights.largest_down = cursor_u64(&message->body);
	if (!cursor_done(&message->body))
		return -EPROTO;
	checker->rights = rights;
	if (checker->events->rights)
		checker->events->rights(checker->data, &rights);
	return 0;
}

static void handle_closed(void *data, int reason)
{
	struct checker *checker = data;

	(void)reason;
	ipc_channel_destroy(checker->channel);
	checker->channel = NULL;
	checker->rights = (struct check_rights){0};
	fail_all(checker);
	if (checker->events->lost)
		checker->events->lost(checker->data);
}

static const struct ipc_rule rules[] = {
	{IPC_CHECK_RIGHTS, IPC_ANY_STATE, 0, handle_rights},
	{IPC_CHECK_VERDICT, IPC_ANY_STATE, 0, handle_verdict},
};

static const struct ipc_table table = {
	.self = IPC_ROLE_CHECKER,
	.peer = IPC_ROLE_CHECKD,
	.rules = rules,
	.n_rules = ARRAY_LEN(rules),
	.closed = handle_closed,
};

/* ---------------------------------------------------------------------------------------------- */

int checker_attach(struct checker *checker, int fd)
{
	int r = fd_set_nonblock(fd, true);

	if (r < 0) {
		fd_close(fd);
		return r;
	}
	if (checker->channel) {
		ipc_channel_destroy(checker->channel);
		checker->channel = NULL;
		fail_all(checker);
	}
	return ipc_channel_create(checker->loop, fd, &table, checker, &checker->channel);
}

int checker_create(struct wl_event_loop *loop, int fd, const struct checker_events *events,
		   void *data, struct checker **ret_checker)
{
	struct checker *checker = calloc(1, sizeof(*checker));
	int r;

	if (!checker) {
		fd_close(fd);
		return -ENOMEM;
	}
	checker->loop = loop;
	checker->events = events;
	checker->data = data;
	wl_list_init(&checker->checks);
	r = checker_attach(checker, fd);
	if (r < 0) {
		free(checker);
		return r;
	}
	*ret_checker = checker;
	return 0;
}

void checker_destroy(struct checker *checker)
{
	struct check *check, *next;

	if (!checker)
		return;
	wl_list_for_each_safe (check, next, &checker->checks, link)
		check_free(check);
	if (checker->idle)
		wl_event_source_remove(checker->idle);
	ipc_channel_destroy(checker->channel);
	free(checker);
}

struct check_rights checker_rights(const struct checker *checker)
{
	return checker->rights;
}

static int send_start(struct checker *checker, uint32_t number, const struct check_request *request)
{
	struct buf body;
	int r;

	buf_init(&body, IPC_BODY_MAX);
	buf_put_u32(&body, number);
	buf_put_u8(&body, (uint8_t)request->direction);
	buf_put_u8(&body, request->dry_run);
	buf_put_str(&body, request->name);
	buf_put_str(&body, request->address);
	buf_put_u8(&body, request->sha256 != NULL);
	if (request->sha256)
		buf_put(&body, request->sha256, 32);
	r = buf_error(&body);
	if (r == 0)
		r = ipc_channel_send(checker->channel, IPC_CHECK_START, &body, &request->fd, 1);
	buf_finish(&body);
	return r == -ENOBUFS ? -EBUSY : r;
}

/* Without a connection the answer comes from us, but not from within this call. */
static int answer_later(struct checker *checker)
{
	if (!checker->idle)
		checker->idle = wl_event_loop_add_idle(checker->loop, handle_idle, checker);
	return checker->idle ? 0 : -ENOMEM;
}

int checker_start(struct checker *checker, const struct check_request *request, check_done done,
		  void *data, struct check **ret_check)
{
	struct check *check;
	int r;

	if (checker->n_checks >= CHECKER_CHECKS_MAX)
		return -EBUSY;
	if (!request->name[0] || strlen(request->name) > CHECKER_NAME_MAX ||
	    strlen(request->address) > CHECKER_ADDRESS_MAX)
		return -EINVAL;
	check = calloc(1, sizeof(*check));
	if (!check)
		return -ENOMEM;
	check->checker = checker;
	check->number = checker->last + 1;
	check->done = done;
	check->data = data;
	r = checker->channel ? send_start(checker, check->number, request) : answer_later(checker);
	/* A connection that has just ended is told by its own event, from the loop. */
	if (r < 0 && r != -EPIPE) {
		free(check);
		return r;
	}
	checker->last++;
	checker->n_checks++;
	wl_list_insert(&checker->checks, &check->link);
	*ret_check = check;
	return 0;
}

void check_cancel(struct check *check)
{
	struct checker *checker = check->checker;
	struct buf body;

	buf_init(&body, 4);
	buf_put_u32(&body, check->number);
	/* If it cannot be said, the verdict is of no interest either. */
	if (checker->channel)
		(void)!ipc_channel_send(checker->channel, IPC_CHECK_CANCEL, &body, NULL, 0);
	buf_finish(&body);
	check_free(check);
}
