/* SPDX-License-Identifier: GPL-3.0-or-later */
/* lazaretctl lock check: the same way through the same process as a transfer, without consequences. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <json-c/json.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <wayland-server-core.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/str.h"
#include "conf/conf.h"
#include "ctl/answer.h"
#include "ctl/files.h"
#include "ctl/input.h"
#include "ctl/lock.h"
#include "lock/check_digest.h"
#include "lock/checker.h"

#define GROUPS_MAX CHECKER_GROUPS_MAX

struct question {
	const char *file, *name, *user;
	enum check_direction direction;
	bool json;
	int status; /* how to exit; -1: no verdict yet */
};

/* --- what is asked ---------------------------------------------------------------------------- */

static int usage(void)
{
	fputs("lazaretctl: lock check needs FILE --user USER --direction up|down; --name is the "
	      "name "
	      "that the file has to the person\n",
	      stderr);
	return ANSWER_STATUS_USAGE;
}

static int parse(size_t n, char *const *arguments, struct question *question)
{
	const char *direction = "";

	for (size_t i = 0; i < n; i++) {
		const char *word = arguments[i], *value = i + 1 < n ? arguments[i + 1] : NULL;

		if (str_eq(word, "-") || word[0] != '-') {
			if (question->file)
				return -EINVAL;
			question->file = word;
			continue;
		}
		if (!value)
			return -EINVAL;
		i++;
		if (str_eq(word, "--user"))
			question->user = value;
		else if (str_eq(word, "--name"))
			question->name = value;
		else if (str_eq(word, "--direction"))
			direction = value;
		else
			return -EINVAL;
	}
	if (!question->file || !question->user ||
	    (!str_eq(direction, "up") && !str_eq(direction, "down")))
		return -EINVAL;
	question->direction = str_eq(direction, "up") ? CHECK_UP : CHECK_DOWN;
	if (!question->name)
		question->name = str_eq(question->file, "-") ? "file" : question->file;
	return 0;
}

/* What comes on standard input, as a file. */
static int copy_input(void)
{
	_cleanup_free_ char *data = NULL;
	size_t len;
	int r = input_read(INPUT_MAX, &data, &len);

	return r < 0 ? r : fd_memfd("file", data, len);
}

static int open_file(const struct question *question)
{
	struct stat status;
	int fd;

	if (str_eq(question->file, "-")) {
		fd = copy_input();
	} else {
		files_forbid_now(question->file);
		fd = open(question->file, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
		fd = fd < 0 ? -errno : fd;
	}
	if (fd >= 0 && (fstat(fd, &status) < 0 || !S_ISREG(status.st_mode))) {
		fd_close(fd);
		fd = -EINVAL;
	}
	if (fd < 0)
		fprintf(stderr, "lazaretctl: %s: %s\n", question->file,
			fd == -EINVAL ? "is no file" : strerror(-fd));
	return fd;
}

/* --- who it is -------------------------------------------------------------------------------- */

static int connect_as(const char *path, const struct passwd *entry)
{
	char *names[GROUPS_MAX] = {0};
	gid_t gids[GROUPS_MAX];
	int n = GROUPS_MAX, r;
	struct checker_identity who = {
		.user = entry->pw_name, .uid = entry->pw_uid, .groups = (const char *const *)names};

	if (getgrouplist(entry->pw_name, entry->pw_gid, gids, &n) < 0)
		return -E2BIG;
	for (int i = 0; i < n; i++) {
		const struct group *group = getgrgid(gids[i]);

		if (group && (names[who.n_groups] = strdup(group->gr_name)))
			who.n_groups++;
	}
	r = checker_connect(path, &who);
	for (size_t i = 0; i < who.n_groups; i++)
		free(names[i]);
	return r;
}

static int connect_for(const struct question *question)
{
	_cleanup_conf_ struct conf *conf = NULL;
	const struct passwd *entry = getpwnam(question->user);
	char path[256];
	int fd;

	if (!entry) {
		fprintf(stderr, "lazaretctl: there is no account \"%s\"\n", question->user);
		return -ENOENT;
	}
	fd = files_read(0, NULL, &conf);
	if (fd < 0)
		return fd;
	snprintf(path, sizeof(path), "%s/" CHECKER_SOCKET, conf_str(conf, CONF_RUNTIME_DIR));
	fd = connect_as(path, entry);
	if (fd < 0)
		fprintf(stderr,
			"lazaretctl: the file lock cannot be asked (%s); is path \"sftp\" "
			"enabled?\n",
			strerror(-fd));
	return fd;
}

/* --- the verdict ------------------------------------------------------------------------------ */

static const char *const results[] = {
	[CHECK_PASS] = "pass", [CHECK_REFUSE] = "refuse", [CHECK_QUARANTINE] = "quarantine"};

static void add(json_object *object, const char *key, const char *value)
{
	json_object_object_add(object, key, json_object_new_string(value));
}

/* A line "rule, option, sentence" with tabs between; the text is cut up. */
static json_object *read_reason(char *line)
{
	json_object *reason = json_object_new_object();
	char *rule = strsep(&line, "\t"), *option = strsep(&line, "\t");

	add(reason, "rule", rule);
	add(reason, "option", option ? option : "");
	add(reason, "sentence", line ? line : "");
	return reason;
}

static void print_json(const struct check_verdict *verdict)
{
	_cleanup_free_ char *text = strdup(verdict->text);
	json_object *object = json_object_new_object(), *reasons = json_object_new_array();
	char digest[CHECK_DIGEST_TEXT], *rest = text, *line;

	add(object, "result", results[verdict->result]);
	json_object_object_add(object, "size", json_object_new_uint64(verdict->size));
	add(object, "sha256", check_digest_format(verdict->sha256, digest));
	add(object, "type", verdict->type);
	add(object, "signature", verdict->signature);
	while ((line = strsep(&rest, "\n"))) {
		if (line[0])
			json_object_array_add(reasons, read_reason(line));
	}
	json_object_object_add(object, "reasons", reasons);
	puts(json_object_to_json_string_ext(object, JSON_C_TO_STRING_PRETTY));
	json_object_put(object);
}

static void print_text(const struct check_verdict *verdict)
{
	_cleanup_free_ char *text = strdup(verdict->text);
	char digest[CHECK_DIGEST_TEXT], *rest = text, *line;

	printf("result: %s\nsize: %llu\nsha256: %s\ntype: %s\n", results[verdict->result],
	       (unsigned long long)verdict->size, check_digest_format(verdict->sha256, digest),
	       verdict->type);
	while ((line = strsep(&rest, "\n"))) {
		char *rule = strsep(&line, "\t"), *option = strsep(&line, "\t");

		if (line)
			printf("- %s%s%s%s: %s\n", rule, option[0] ? " (" : "", option,
			       option[0] ? ")" : "", line);
	}
}

static void handle_done(void *data, const struct check_verdict *verdict)
{
	struct question *question = data;

	if (question->json)
		print_json(verdict);
	else
		print_text(verdict);
	question->status = verdict->result == CHECK_PASS ? ANSWER_STATUS_OK : ANSWER_STATUS_FAILED;
}

static int ask(struct question *question, int connection, int file)
{
	static const struct checker_events events = {0};
	struct wl_event_loop *loop = wl_event_loop_create();
	struct checker *checker = NULL;
	struct check *check;
	int r = loop ? checker_create(loop, connection, &events, NULL, &checker) : -ENOMEM;

	if (r == 0)
		r = checker_start(checker,
				  &(const struct check_request){.fd = file,
								.name = question->name,
								.direction = question->direction,
								.address = "",
								.dry_run = true},
				  handle_done, question, &check);
	while (r == 0 && question->status < 0)
		r = wl_event_loop_dispatch(loop, -1) < 0 && errno != EINTR ? -errno : 0;
	checker_destroy(checker);
	if (loop)
		wl_event_loop_destroy(loop);
	if (r < 0)
		fprintf(stderr, "lazaretctl: the file lock cannot be asked: %s\n", strerror(-r));
	return r;
}

int lock_check(bool json, size_t n, char *const *arguments)
{
	struct question question = {.json = json, .status = -1};
	_cleanup_fd_ int file = -1;
	int connection;

	if (parse(n, arguments, &question) < 0)
		return usage();
	file = open_file(&question);
	if (file < 0)
		return ANSWER_STATUS_FAILED;
	connection = connect_for(&question);
	if (connection < 0 || ask(&question, connection, file) < 0)
		return ANSWER_STATUS_FAILED;
	return question.status;
}
