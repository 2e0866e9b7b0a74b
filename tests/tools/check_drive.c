/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Drives a lazaret-checkd as the monitor and as lazaret-lockd do:
 *
 *	check_drive CHECKD CONFIG
 *
 * Prints "ready", then does what lines on standard input say; words are separated by tabs:
 *
 *	user NAME UID GROUP,GROUP	connects for a person. Answer: "rights UP DOWN LARGEST LARGEST"
 *	check UP|DOWN|TRY-UP|TRY-DOWN NAME FILE	Answer, when it comes: "verdict NAME" and the verdict as JSON.
 *					Further lines are read meanwhile.
 *	claim SHA256			what the next check says that the content's hash is
 *	cancel				the checks that run. Answer: "cancelled"
 *	config CONFIG			another configuration. Answer: "rights …" of the person
 *	leave				the person's connection is closed. Answer: "left"
 *
 * A sentence for a person's picture is printed as "notice UID SENTENCE". The end of input ends it.
 */
#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/spawn.h"
#include "base/str.h"
#include "conf/conf.h"
#include "ipc/channel.h"
#include "lock/check_digest.h"
#include "lock/checker.h"

#define CHECKS_MAX CHECKER_CHECKS_MAX

struct running {
	struct check *check; /* NULL: free */
	char name[CHECKER_NAME_MAX + 1];
};

static struct wl_event_loop *loop;
static struct ipc_channel *monitor;
static struct checker *checker;
static struct running all[CHECKS_MAX];
static struct conf *conf;
static bool running = true;

static void __attribute__((noreturn)) die(const char *what, int error)
{
	fprintf(stderr, "check_drive: %s: %s\n", what, strerror(-error));
	exit(2);
}

static int copy_config(const char *path)
{
	_cleanup_buf_ struct buf copy;
	int fd;

	conf_destroy(conf);
	conf = conf_create();
	buf_init(&copy, 4 << 20);
	if (!conf || conf_read_file(conf, path, stderr) < 0 || conf_check(conf, stderr) < 0)
		exit(2);
	conf_put(conf, CONF_FOR_CHECKD, &copy);
	fd = buf_error(&copy) ? buf_error(&copy)
			      : fd_memfd("config", buf_data(&copy), buf_len(&copy));
	if (fd < 0)
		die(path, fd);
	return fd;
}

static int handle_notice(void *data, struct ipc_message *message)
{
	uint32_t uid = cursor_u32(&message->body);
	_cleanup_free_ char *sentence = cursor_str(&message->body, 4096);
	uint32_t seconds = cursor_u32(&message->body);

	(void)data;
	(void)seconds;
	printf("notice %u %s\n", (unsigned int)uid, sentence ? sentence : "");
	return cursor_done(&message->body) ? 0 : -EPROTO;
}

static void handle_closed(void *data, int reason)
{
	(void)data;
	if (running)
		die("lazaret-checkd ended", reason);
}

static const struct ipc_rule rules[] = {{IPC_CHECKD_NOTICE, IPC_ANY_STATE, 0, handle_notice}};
static const struct ipc_table table = {
	.self = IPC_ROLE_MONITOR,
	.peer = IPC_ROLE_CHECKD,
	.rules = rules,
	.n_rules = ARRAY_LEN(rules),
	.closed = handle_closed,
};

static void start(const char *checkd, const char *config)
{
	static struct child child;
	int pair[2], fds[2], r = ipc_pair(pair);

	if (r < 0)
		die("channel", r);
	fds[0] = pair[1];
	fds[1] = copy_config(config);
	r = spawn(&(const struct spawn){.path = checkd,
					.fds = fds,
					.n_fds = 2,
					.stderr_fd = -1,
					.die_with_parent = true},
		  &child);
	if (r < 0)
		die(checkd, r);
	close(fds[0]);
	close(fds[1]);
	r = ipc_channel_create(loop, pair[0], &table, NULL, &monitor);
	if (r < 0)
		die("channel", r);
}

/* --- a person --------------------------------------------------------------------------------- */

static void handle_rights(void *data, const struct check_rights *rights)
{
	(void)data;
	printf("rights %d %d %llu %llu\n", rights->up, rights->down,
	       (unsigned long long)rights->largest_up, (unsigned long long)rights->largest_down);
}

static void handle_lost(void *data)
{
	(void)data;
	puts("lost");
}

static const struct checker_events events = {.rights = handle_rights, .lost = handle_lost};

/* It makes its socket itself: waits for it to be there. */
static int connect_as(const struct checker_identity *who)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/" CHECKER_SOCKET, conf_str(conf, CONF_RUNTIME_DIR));
	for (int i = 0; i < 500; i++) {
		int fd = checker_connect(path, who);

		if (fd != -ENOENT && fd != -ECONNREFUSED)
			return fd;
		usleep(10000);
	}
	return -ETIMEDOUT;
}

static void take_person(char *name, char *uid, char *groups)
{
	const char *list[64];
	struct checker_identity who = {
		.user = name, .uid = (uid_t)strtoul(uid, NULL, 10), .groups = list};
	char *group;
	int fd, r;

	while ((group = strsep(&groups, ",")) && who.n_groups < ARRAY_LEN(list)) {
		if (group[0])
			list[who.n_groups++] = group;
	}
	fd = connect_as(&who);
	if (fd < 0)
		die("connect", fd);
	if (checker)
		r = checker_attach(checker, fd);
	else
		r = checker_create(loop, fd, &events, NULL, &checker);
	if (r < 0)
		die("checker", r);
}

static void add(json_object *object, const char *key, const char *value)
{
	json_object_object_add(object, key, json_object_new_string(value));
}

static void handle_done(void *data, const struct check_verdict *verdict)
{
	static const char *const results[] = {"pass", "refuse", "quarantine"};
	struct running *one = data;
	json_object *object = json_object_new_object();
	char digest[CHECK_DIGEST_TEXT];

	add(object, "result", results[verdict->result]);
	json_object_object_add(object, "size", json_object_new_uint64(verdict->size));
	add(object, "sha256", check_digest_format(verdict->sha256, digest));
	add(object, "type", verdict->type);
	add(object, "rule", verdict->rule);
	add(object, "signature", verdict->signature);
	add(object, "sentence", verdict->sentence);
	add(object, "sentence_en", verdict->sentence_en);
	add(object, "sentence_de", verdict->sentence_de);
	add(object, "text", verdict->text);
	printf("verdict %s\t%s\n", one->name,
	       json_object_to_json_string_ext(object, JSON_C_TO_STRING_PLAIN));
	json_object_put(object);
	one->check = NULL;
}

/* Of one check. */
static uint8_t claim[CHECK_DIGEST_LEN];
static bool claimed;

static void start_check(const char *direction, const char *name, const char *file)
{
	struct check_request request = {
		.fd = open(file, O_RDONLY | O_CLOEXEC),
		.name = name,
		.direction = strstr(direction, "up") ? CHECK_UP : CHECK_DOWN,
		.dry_run = strstr(direction, "try") != NULL,
		.address = "192.0.2.7",
		.sha256 = claimed ? claim : NULL,
	};
	int r = -EBUSY;

	claimed = false;
	if (request.fd < 0)
		die(file, -errno);
	for (size_t i = 0; i < ARRAY_LEN(all) && r == -EBUSY; i++) {
		if (all[i].check)
			continue;
		str_copy(all[i].name, sizeof(all[i].name), name);
		r = checker_start(checker, &request, handle_done, &all[i], &all[i].check);
	}
	close(request.fd);
	if (r < 0)
		printf("unstarted %s\n", strerror(-r));
}

static void cancel_all(void)
{
	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		if (all[i].check)
			check_cancel(STEAL(all[i].check));
	}
	puts("cancelled");
}

static void send_config(const char *path)
{
	int fd = copy_config(path);
	int r = ipc_channel_send(monitor, IPC_CHECKD_CONFIG, NULL, &fd, 1);

	if (r < 0)
		die("config", r);
	close(fd);
}

/* --- what is wanted --------------------------------------------------------------------------- */

static void do_line(char *line)
{
	char *words[5] = {0};

	for (size_t i = 0; i < ARRAY_LEN(words) - 1 && line; i++)
		words[i] = strsep(&line, "\t");
	if (str_eq(words[0], "user") && words[3])
		take_person(words[1], words[2], words[3]);
	else if (str_eq(words[0], "check") && words[3])
		start_check(words[1], words[2], words[3]);
	else if (str_eq(words[0], "claim") && words[1])
		claimed = check_digest_parse(words[1], claim) == 0;
	else if (str_eq(words[0], "cancel"))
		cancel_all();
	else if (str_eq(words[0], "config") && words[1])
		send_config(words[1]);
	else if (str_eq(words[0], "leave")) {
		checker_destroy(STEAL(checker));
		puts("left");
	} else
		puts("what?");
}

static int handle_input(int fd, uint32_t mask, void *data)
{
	static char text[65536];
	static size_t used;
	ssize_t n = read(fd, text + used, sizeof(text) - 1 - used);
	char *newline;

	(void)mask;
	(void)data;
	if (n <= 0) {
		running = false;
		return 0;
	}
	used += (size_t)n;
	while ((newline = memchr(text, '\n', used))) {
		size_t len = (size_t)(newline - text) + 1;

		*newline = '\0';
		do_line(text);
		used -= len;
		memmove(text, text + len, used);
	}
	return 0;
}

int main(int argc, char **argv)
{
	if (argc != 3) {
		fputs("usage: check_drive CHECKD CONFIG\n", stderr);
		return 2;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	(void)signal(SIGPIPE, SIG_IGN);
	loop = wl_event_loop_create();
	if (!loop || !wl_event_loop_add_fd(loop, 0, WL_EVENT_READABLE, handle_input, NULL))
		die("loop", -ENOMEM);
	start(argv[1], argv[2]);
	puts("ready");
	while (running)
		wl_event_loop_dispatch(loop, -1);
	checker_destroy(checker);
	ipc_channel_destroy(monitor);
	conf_destroy(conf);
	return 0;
}
