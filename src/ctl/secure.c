/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ctl/secure.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/str.h"
#include "ctl/answer.h"
#include "ctl/files.h"
#include "ctl/program.h"
#include "ctl/secure_impl.h"

#define FILE_MAX (4 << 20)
#define OUTPUT_MAX (1 << 20)
#define ASK_TIMEOUT_MS 120000
#define WORDS_MAX 48

static const struct check {
	const char *id;
	secure_function *function;
	const char *good;
} checks[] = {
#define K(id, function, good) {id, secure_##function, good},
#include "ctl/secure_checks.def"
};

/* --- rows ------------------------------------------------------------------------------------- */

static bool is_accepted(const struct secure *secure)
{
	for (size_t i = 0; i < conf_list_len(secure->conf, CONF_SECURE_ACCEPTED); i++) {
		if (str_eq(conf_list_item(secure->conf, CONF_SECURE_ACCEPTED, i), secure->id))
			return true;
	}
	return false;
}

static void add_text(json_object *row, const char *key, const char *text)
{
	char shown[2 * SECURE_TEXT_MAX];

	str_sanitize(shown, sizeof(shown), text, strlen(text));
	json_object_object_add(row, key, json_object_new_string(shown));
}

static void add_row(struct secure *secure, enum secure_state state, const char *how)
{
	static const char *const states[] = {"ok", "deviates", "unknown"};
	json_object *row = json_object_new_object();
	bool accepted = state != SECURE_OK && is_accepted(secure);

	add_text(row, "id", secure->id);
	add_text(row, "state", states[state]);
	add_text(row, "what", secure->what);
	add_text(row, "how", how);
	json_object_object_add(row, "accepted", json_object_new_boolean(accepted));
	json_object_array_add(secure->rows, row);
	secure->deviates += state == SECURE_DEVIATES && !accepted;
	secure->unknown += state == SECURE_UNKNOWN && !accepted;
	secure->said++;
}

void secure_what(struct secure *secure, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(secure->what, sizeof(secure->what), fmt, args);
	va_end(args);
}

void secure_deviates(struct secure *secure, const char *fmt, ...)
{
	char how[SECURE_TEXT_MAX];
	va_list args;

	va_start(args, fmt);
	vsnprintf(how, sizeof(how), fmt, args);
	va_end(args);
	add_row(secure, SECURE_DEVIATES, how);
}

void secure_unknown(struct secure *secure, const char *fmt, ...)
{
	char how[SECURE_TEXT_MAX];
	va_list args;

	va_start(args, fmt);
	vsnprintf(how, sizeof(how), fmt, args);
	va_end(args);
	add_row(secure, SECURE_UNKNOWN, how);
}

/* --- what checks use -------------------------------------------------------------------------- */

char *secure_read(const char *path)
{
	char *text;
	size_t len;

	return fd_read_file(AT_FDCWD, path, FILE_MAX, &text, &len) < 0 ? NULL : text;
}

const char *secure_quote(const char *word)
{
	static const char plain[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-+:@,=%";
	static char buffers[4][SECURE_TEXT_MAX];
	static unsigned int turn;
	char *out = buffers[turn++ % ARRAY_LEN(buffers)];
	size_t at = 0;

	if (word[0] && !word[strspn(word, plain)]) {
		str_copy(out, SECURE_TEXT_MAX, word);
		return out;
	}
	out[at++] = '\'';
	for (; *word && at + 6 < SECURE_TEXT_MAX; word++) {
		if (*word == '\'')
			at += (size_t)snprintf(out + at, SECURE_TEXT_MAX - at, "'\\''");
		else
			out[at++] = *word;
	}
	out[at++] = '\'';
	out[at] = '\0';
	return out;
}

int secure_ask(const struct secure *secure, const char *const *words, int *ret_status,
	       char **ret_text)
{
	const char *argv[WORDS_MAX] = {"/proc/self/exe", "--socket", secure->socket, "--here"};
	size_t n = 4, n_files;
	const char *const *files = files_default(&n_files);
	struct program program = {.argv = argv, .max = OUTPUT_MAX, .timeout_ms = ASK_TIMEOUT_MS};

	for (size_t i = 0; i < n_files; i++) {
		argv[n++] = "--file";
		argv[n++] = files[i];
	}
	while (*words && n + 1 < WORDS_MAX)
		argv[n++] = *words++;
	return program_run(&program, ret_status, ret_text, NULL);
}

/* --- the whole -------------------------------------------------------------------------------- */

/* Settings of the kernel and options have ids of their own: one can be accepted without the others. */
static bool is_id(const char *word)
{
	static const char *const rows[] = {
#define SYSCTL(key, ...) key,
#include "ctl/secure_checks.def"
	};
	bool found = strncmp(word, "options.", 8) == 0 && word[8];

	for (size_t i = 0; i < ARRAY_LEN(checks); i++)
		found = found || str_eq(checks[i].id, word);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		found = found || str_eq(rows[i], word);
	return found;
}

/* An id in the option that no check has accepts nothing, and somebody thinks that it does. */
static void check_accepted(struct secure *secure)
{
	secure->id = "options.accepted";
	for (size_t i = 0; i < conf_list_len(secure->conf, CONF_SECURE_ACCEPTED); i++) {
		const char *item = conf_list_item(secure->conf, CONF_SECURE_ACCEPTED, i);

		if (is_id(item))
			continue;
		secure_what(secure, "secure-accepted names \"%s\", which is no check", item);
		secure_deviates(secure, "take it out of the option secure-accepted");
	}
}

static void print(const struct secure *secure)
{
	for (size_t i = 0; i < json_object_array_length(secure->rows); i++) {
		json_object *row = json_object_array_get_idx(secure->rows, i);
		const char *how = json_object_get_string(json_object_object_get(row, "how"));
		bool accepted = json_object_get_boolean(json_object_object_get(row, "accepted"));

		printf("%-9s %-22s %s%s\n",
		       json_object_get_string(json_object_object_get(row, "state")),
		       json_object_get_string(json_object_object_get(row, "id")),
		       json_object_get_string(json_object_object_get(row, "what")),
		       accepted ? " (accepted by secure-accepted)" : "");
		if (how[0])
			printf("%33s-> %s\n", "", how);
	}
	printf("%zu deviate, %zu unknown.\n", secure->deviates, secure->unknown);
}

static void run_checks(struct secure *secure)
{
	for (size_t i = 0; i < ARRAY_LEN(checks); i++) {
		secure->id = checks[i].id;
		secure->said = 0;
		checks[i].function(secure);
		if (secure->said > 0)
			continue;
		secure->id = checks[i].id;
		secure_what(secure, "%s", checks[i].good);
		add_row(secure, SECURE_OK, "");
	}
	check_accepted(secure);
}

int secure_check(bool json, const char *socket)
{
	_cleanup_conf_ struct conf *conf = NULL;
	struct secure secure = {.socket = socket};

	if (geteuid() != 0) {
		fputs("lazaretctl: only root can see all that is checked; holders of the role "
		      "security or audit ask the daemon: without --here\n",
		      stderr);
		return ANSWER_STATUS_DENIED;
	}
	if (files_read(0, NULL, &conf) < 0)
		return ANSWER_STATUS_FAILED;
	secure.conf = conf;
	secure.rows = json_object_new_array();
	run_checks(&secure);
	if (json)
		puts(json_object_to_json_string_ext(secure.rows, JSON_C_TO_STRING_PLAIN));
	else
		print(&secure);
	json_object_put(secure.rows);
	if (secure.deviates > 0)
		return ANSWER_STATUS_FAILED;
	return secure.unknown > 0 ? ANSWER_STATUS_UNKNOWN : ANSWER_STATUS_OK;
}
