/* SPDX-License-Identifier: GPL-3.0-or-later */
/* user add and user import: what is wanted, from words or from a list. */
#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/str.h"
#include "ctl/answer.h"
#include "ctl/csv_rows.h"
#include "ctl/files.h"
#include "ctl/input.h"
#include "ctl/user.h"
#include "ctl/user_make.h"

/* Bytes of a list. */
#define LIST_MAX (4 << 20)
#define WHY_MAX 512

/* --- one ------------------------------------------------------------------------------------- */

struct add_options {
	struct user_wish wish;
	bool preview, generate, input;
	const char *name; /* as was said, for what is wrong with it */
};

static int complain(const char *subject, const char *what)
{
	fprintf(stderr, "lazaretctl: %s %s\n", subject, what);
	return ANSWER_STATUS_USAGE;
}

/* 1: the next word is taken with it. */
static int take_word(struct add_options *options, const char *word, const char *next)
{
	static const enum user_column columns[] = {USER_COLUMN_NAME, USER_COLUMN_GROUPS,
						   USER_COLUMN_EXPIRES};

	if (str_eq(word, "-"))
		options->input = true;
	else if (str_eq(word, "--generate"))
		options->generate = true;
	else if (str_eq(word, "--preview"))
		options->preview = true;
	else if (word[0] != '-' && !options->name)
		options->name = word;
	else {
		for (size_t i = 0; i < ARRAY_LEN(columns); i++) {
			const char *problem;

			if (strncmp(word, "--", 2) != 0 ||
			    !str_eq(word + 2, user_column_name(columns[i])))
				continue;
			problem = next ? user_wish_set(&options->wish, columns[i], next)
				       : "needs a value";
			return problem ? -complain(word, problem) : 1;
		}
		return -complain(word, "is not understood; see lazaretctl --help");
	}
	return 0;
}

static int parse_add(struct add_options *options, size_t n, char *const *arguments)
{
	const char *problem;

	*options = (struct add_options){.wish = {.user = "", .name = "", .expires = USER_NEVER}};
	for (size_t i = 0; i < n; i++) {
		int r = take_word(options, arguments[i], i + 1 < n ? arguments[i + 1] : NULL);

		if (r < 0)
			return -r;
		i += (size_t)r;
	}
	if (options->generate && options->input)
		return complain("--generate", "and - exclude each other");
	problem = user_wish_set(&options->wish, USER_COLUMN_USER,
				options->name ? options->name : "");
	if (problem)
		return complain("the name of the user", problem);
	if (options->generate)
		options->wish.password = USER_PASSWORD_GENERATED;
	return ANSWER_STATUS_OK;
}

static int make_one(struct user_store *store, const struct add_options *options)
{
	const char *user = options->wish.user;
	struct user_made made;
	char why[WHY_MAX];

	if (user_make(store, &options->wish, false, options->preview, NULL, &made, why,
		      sizeof(why)) < 0) {
		fprintf(stderr, "lazaretctl: %s\n", why);
		return ANSWER_STATUS_FAILED;
	}
	if (made.exists) {
		fprintf(stderr, "lazaretctl: there is a user %s already\n", user);
		return ANSWER_STATUS_FAILED;
	}
	printf(options->preview ? "%s would be added.\n" : "%s is added.\n", user);
	if (made.password[0])
		printf("The password, which is not shown again: %s\n", made.password);
	else if (options->wish.password == USER_PASSWORD_LOCKED)
		puts("It has no password, so nobody can log in with it: user password");
	mem_wipe(&made, sizeof(made));
	return ANSWER_STATUS_OK;
}

int user_add(const char *socket, size_t n, char *const *arguments)
{
	_cleanup_user_store_ struct user_store store = {.lock = -1, .journal = -1};
	_cleanup_secret_ char *secret = NULL;
	struct add_options options;
	int status = parse_add(&options, n, arguments);

	if (status != ANSWER_STATUS_OK)
		return status;
	if (options.input && input_read_secret("Password: ", &secret) < 0)
		return ANSWER_STATUS_FAILED;
	if (secret) {
		options.wish.password = USER_PASSWORD_PLAIN;
		options.wish.secret = secret;
	}
	status = user_store_open(&store, socket, true);
	return status == ANSWER_STATUS_OK ? make_one(&store, &options) : status;
}

/* --- many ------------------------------------------------------------------------------------- */

struct import {
	struct user_store store;
	bool preview, update, json;
	const char *file;
	void *seen; /* names, as a tree */
	unsigned int added, updated, existing, broken;
	json_object *problems, *passwords; /* for --json */
	struct user_batch batch;
};

static void note_problem(struct import *import, size_t line, const char *why)
{
	json_object *item;

	import->broken++;
	if (!import->json) {
		fprintf(stderr, "line %zu: %s\n", line, why);
		return;
	}
	item = json_object_new_object();
	json_object_object_add(item, "line", json_object_new_int64((int64_t)line));
	json_object_object_add(item, "reason", json_object_new_string(why));
	json_object_array_add(import->problems, item);
}

static void note_done(struct import *import, const struct user_wish *wish,
		      const struct user_made *made)
{
	json_object *item;

	/* Of those in the batch it is not known yet. */
	import->added += !made->exists && (import->preview || made->password[0]);
	import->updated += made->updated;
	import->existing += made->exists && !made->updated;
	if (import->json && made->password[0]) {
		item = json_object_new_object();
		json_object_object_add(item, "user", json_object_new_string(wish->user));
		json_object_object_add(item, "password", json_object_new_string(made->password));
		json_object_array_add(import->passwords, item);
	} else if (made->password[0]) {
		printf("%s: password %s\n", wish->user, made->password);
	} else if (import->preview && !import->json) {
		printf("line %zu: %s %s\n", wish->line, wish->user,
		       made->updated  ? "would be changed"
		       : made->exists ? "exists, nothing would be done"
				      : "would be added");
	}
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(a, b);
}

/* `why` is set if the name stood in the list before. */
static int check_again(struct import *import, const struct user_wish *wish, char *why, size_t size)
{
	void *node = tfind(wish->user, &import->seen, compare_names);

	if (node) {
		snprintf(why, size, "%s stands in the list twice", wish->user);
		return -EINVAL;
	}
	if (!tsearch(wish->user, &import->seen, compare_names)) {
		snprintf(why, size, "out of memory");
		return -EINVAL;
	}
	return 0;
}

static void end_batch(struct import *import)
{
	size_t n = import->batch.n;
	char why[WHY_MAX];

	if (n == 0)
		return;
	if (user_batch_end(&import->store, &import->batch, why, sizeof(why)) == 0) {
		import->added += (unsigned int)n;
		return;
	}
	for (size_t i = 0; i < n; i++)
		note_problem(import, import->batch.items[i].line, why);
}

/* One whose password is made up is whole by itself, and is shown then. */
static int make(struct import *import, const struct user_wish *wish, struct user_made *made,
		char *why, size_t size)
{
	bool waits = wish->password != USER_PASSWORD_GENERATED;

	if (!waits || user_batch_full(&import->batch) || user_store_is_full(&import->store))
		end_batch(import);
	return user_make(&import->store, wish, import->update, import->preview,
			 waits ? &import->batch : NULL, made, why, size);
}

static void import_row(struct import *import, const struct csv_row *row,
		       const struct user_header *header)
{
	struct user_made made = {0};
	struct user_wish wish;
	char why[WHY_MAX];
	int r = user_wish_read(row, header, &wish, why, sizeof(why));

	if (r == 0)
		r = check_again(import, &wish, why, sizeof(why));
	if (r == 0)
		r = make(import, &wish, &made, why, sizeof(why));
	if (r < 0)
		note_problem(import, row->line, why);
	else
		note_done(import, &wish, &made);
	mem_wipe(&made, sizeof(made));
}

static void print_summary(struct import *import)
{
	json_object *all;

	if (!import->json) {
		printf("%s: %u added, %u changed, %u there already, %u broken.\n",
		       import->preview ? "It would be" : "Done", import->added, import->updated,
		       import->existing, import->broken);
		return;
	}
	all = json_object_new_object();
	json_object_object_add(all, "preview", json_object_new_boolean(import->preview));
	json_object_object_add(all, "added", json_object_new_int64(import->added));
	json_object_object_add(all, "changed", json_object_new_int64(import->updated));
	json_object_object_add(all, "existing", json_object_new_int64(import->existing));
	json_object_object_add(all, "broken", json_object_get(import->problems));
	json_object_object_add(all, "passwords", json_object_get(import->passwords));
	puts(json_object_to_json_string_ext(all, JSON_C_TO_STRING_PLAIN));
	json_object_put(all);
}

static int import_rows(struct import *import, const struct csv_rows *rows)
{
	struct user_header header;
	char why[WHY_MAX];
	bool stopped = false;

	if (rows->n == 0)
		snprintf(why, sizeof(why),
			 "the list is empty; its first line names the columns: "
			 "user, name, password, groups, expires");
	if (rows->n == 0 || user_header_read(&rows->rows[0], &header, why, sizeof(why)) < 0) {
		fprintf(stderr, "lazaretctl: %s; nothing was done\n", why);
		return ANSWER_STATUS_FAILED;
	}
	for (size_t i = 1; i < rows->n && !stopped; i++) {
		import_row(import, &rows->rows[i], &header);
		stopped = i + 1 < rows->n && user_store_explain_stop();
	}
	end_batch(import);
	print_summary(import);
	return stopped || import->broken ? ANSWER_STATUS_FAILED : ANSWER_STATUS_OK;
}

static int read_list(const char *file, char **ret_text, size_t *ret_len)
{
	int r;

	if (str_eq(file, "-"))
		return input_read(LIST_MAX, ret_text, ret_len);
	files_forbid_now(file);
	r = fd_read_file(AT_FDCWD, file, LIST_MAX, ret_text, ret_len);
	if (r < 0)
		fprintf(stderr, "lazaretctl: %s: %s\n", file,
			r == -EFBIG ? "is longer than 4 MiB; import it in parts" : strerror(-r));
	return r;
}

static int parse_import(struct import *import, size_t n, char *const *arguments)
{
	for (size_t i = 0; i < n; i++) {
		const char *word = arguments[i];

		if (str_eq(word, "--preview"))
			import->preview = true;
		else if (str_eq(word, "--update"))
			import->update = true;
		else if (import->file || (word[0] == '-' && word[1]))
			return complain(word, "is not understood; see lazaretctl --help");
		else
			import->file = word;
	}
	return import->file ? ANSWER_STATUS_OK
			    : complain("user import", "needs a file, or - for standard input");
}

static void forget_name(void *name)
{
	(void)name;
}

int user_import(bool json, const char *socket, size_t n, char *const *arguments)
{
	struct import import = {.json = json, .store = {.lock = -1, .journal = -1}};
	struct csv_rows rows = {0};
	char *text = NULL;
	size_t len = 0;
	int status = parse_import(&import, n, arguments), r;

	if (status != ANSWER_STATUS_OK)
		return status;
	if (read_list(import.file, &text, &len) < 0)
		return ANSWER_STATUS_FAILED;
	r = csv_rows_read(text, len, &rows);
	mem_wipe_free(text, len);
	if (r < 0) {
		fprintf(stderr, "lazaretctl: the list cannot be read: %s\n",
			r == -E2BIG ? "it has more than 100000 rows" : strerror(-r));
		return ANSWER_STATUS_FAILED;
	}
	import.problems = json_object_new_array();
	import.passwords = json_object_new_array();
	status = user_store_open(&import.store, socket, true);
	if (status == ANSWER_STATUS_OK)
		status = import_rows(&import, &rows);
	user_store_close(&import.store);
	tdestroy(import.seen, forget_name);
	csv_rows_finish(&rows);
	json_object_put(import.problems);
	json_object_put(import.passwords);
	return status;
}
