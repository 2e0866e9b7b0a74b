/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ctl/lock.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/str.h"
#include "conf/conf.h"
#include "ctl/answer.h"
#include "ctl/files.h"
#include "ctl/table.h"
#include "ipc/message.h"
#include "lock/checker.h"

#define ANSWER_MS 30000
#define TEXT_MAX 1024

static int explain(int error)
{
	if (error == -ENOENT || error == -ECONNREFUSED)
		fputs("lazaretctl: the file lock is off, or lazaretd does not run; enabled = yes "
		      "in the "
		      "section path \"sftp\" switches it on\n",
		      stderr);
	else
		fprintf(stderr, "lazaretctl: the file lock did not answer as it should: %s\n",
			strerror(-error));
	return error == -ENOENT || error == -ECONNREFUSED ? ANSWER_STATUS_NO_DAEMON
							  : ANSWER_STATUS_FAILED;
}

/* The caller's, or a negative errno. */
static int connect_to(const struct conf *conf)
{
	_cleanup_fd_ int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	if (fd < 0)
		return -errno;
	if ((size_t)snprintf(address.sun_path, sizeof(address.sun_path), "%s/" CHECKER_SOCKET,
			     conf_str(conf, CONF_RUNTIME_DIR)) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return -errno;
	return FD_STEAL(fd);
}

static int say(int fd, size_t n, const char *const *words)
{
	struct buf body;
	int r;

	buf_init(&body, IPC_BODY_MAX);
	buf_put_u32(&body, (uint32_t)n);
	for (size_t i = 0; i < n; i++)
		buf_put_str(&body, words[i]);
	r = buf_error(&body);
	if (r == 0)
		r = ipc_send(fd, IPC_CHECK_ADMIN, &body, NULL, 0);
	buf_finish(&body);
	return r;
}

/* --- what comes back -------------------------------------------------------------------------- */

static int read_record(struct cursor *c, struct answer_record *record)
{
	uint16_t n = cursor_u16(c);

	if (n > ANSWER_FIELDS_MAX)
		return -EPROTO;
	for (; record->n_fields < n; record->n_fields++) {
		size_t i = record->n_fields;

		record->fields[i].key = cursor_str(c, TEXT_MAX);
		if (cursor_u8(c)) {
			record->fields[i].type = ANSWER_NUMBER;
			record->fields[i].number = cursor_u64(c);
		} else {
			record->fields[i].type = ANSWER_STR;
			record->fields[i].str = cursor_str(c, TEXT_MAX);
		}
		if (cursor_failed(c)) {
			record->n_fields++;
			return -EPROTO;
		}
	}
	return cursor_done(c) ? 0 : -EPROTO;
}

/* 1: a record was added; 0: it was the last message. */
static int take(int fd, struct table *table, bool *ret_failed, char **ret_sentence)
{
	static uint8_t storage[IPC_BODY_MAX + 4];
	struct answer_record record = {0};
	struct ipc_message message;
	int r = ipc_recv_wait(fd, ANSWER_MS, storage, &message);

	if (r < 0)
		return r;
	ipc_message_finish(&message);
	if (message.type != IPC_CHECK_ADMIN_ANSWER)
		return -EPROTO;
	if (cursor_u8(&message.body)) {
		r = read_record(&message.body, &record);
		if (r < 0) {
			answer_record_finish(&record);
			return r;
		}
		r = table_add(table, &record);
		return r < 0 ? r : 1;
	}
	*ret_failed = cursor_u8(&message.body) != 0;
	*ret_sentence = cursor_str(&message.body, TEXT_MAX);
	return cursor_done(&message.body) ? 0 : -EPROTO;
}

static int run(bool json, bool as_list, size_t n, const char *const *words)
{
	_cleanup_conf_ struct conf *conf = NULL;
	_cleanup_free_ char *sentence = NULL;
	_cleanup_fd_ int fd = -1;
	struct table table = {0};
	bool failed = false;
	int r = files_read(0, NULL, &conf);

	if (r < 0)
		return ANSWER_STATUS_FAILED;
	r = fd = connect_to(conf);
	if (r >= 0)
		r = say(fd, n, words);
	while (r >= 0) {
		r = take(fd, &table, &failed, &sentence);
		if (r == 0)
			break;
	}
	if (r == 0 && !failed && (table.n > 0 || as_list)) {
		if (json)
			r = table_print_json(&table, as_list, stdout);
		else
			table_print(&table, as_list, stdout);
	}
	table_finish(&table);
	if (r < 0)
		return explain(r);
	/* What is done is for people to read; a script sees the exit status. */
	if (sentence[0] && (failed || !json))
		fprintf(failed ? stderr : stdout, "%s%s\n", failed ? "lazaretctl: " : "", sentence);
	return failed ? ANSWER_STATUS_FAILED : ANSWER_STATUS_OK;
}

int lock_status(bool json)
{
	return run(json, false, 1, (const char *const[]){"status"});
}

int lock_list(bool json)
{
	return run(json, true, 1, (const char *const[]){"list"});
}

int lock_show(bool json, const char *id)
{
	return run(json, false, 2, (const char *const[]){"show", id});
}

/* The daemon says for whom it runs us; otherwise we are root's. */
static const char *caller(void)
{
	const char *name = getenv("LAZARET_CALLER");

	return name && name[0] ? name : "root";
}

int lock_release(bool json, const char *id)
{
	return run(json, false, 3, (const char *const[]){"release", id, caller()});
}

int lock_drop(bool json, const char *id)
{
	return run(json, false, 3, (const char *const[]){"drop", id, caller()});
}
