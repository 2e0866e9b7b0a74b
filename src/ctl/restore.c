/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Restoring: what a snapshot has is fetched into a folder of its own, looked at, compared with what is
 * here, and only then put in place. A holder of the role backup asks for it; somebody else, of the role
 * security, has it done.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/mem.h"
#include "base/str.h"
#include "ctl/answer.h"
#include "ctl/backup.h"
#include "ctl/backup_impl.h"
#include "ctl/files.h"
#include "ctl/request.h"
#include "ctl/restore_impl.h"
#include "net/contract.h"
#include "net/env.h"

#define SNAPSHOT "restored"

static void restore_finish(struct restore *restore)
{
	fd_close(restore->dir);
	conf_destroy(restore->conf);
	json_object_put(restore->manifest);
	json_object_put(restore->accounts);
	if (restore->backup.dir >= 0)
		(void)!backup_remove_tree(restore->backup.dir, SNAPSHOT);
	backup_close(&restore->backup);
}
#define _cleanup_restore_ CLEANUP(restore_finish)

/* --- fetching --------------------------------------------------------------------------------- */

static int fetch(struct restore *restore)
{
	const char *const words[] = {"restore",   restore->id,     "--target", "/target",
				     "--exclude", "/backup/homes", NULL};
	static const char *const whole[] = {"check", NULL};
	_cleanup_free_ char *out = NULL, *checked = NULL;
	char target[PATH_MAX + sizeof(SNAPSHOT) + 1];
	int status, r = backup_remove_tree(restore->backup.dir, SNAPSHOT);

	if (r == 0 && mkdirat(restore->backup.dir, SNAPSHOT, 0700) < 0)
		r = -errno;
	if (r < 0)
		return backup_refuse("%s/" SNAPSHOT ": %s", restore->backup.path, strerror(-r));
	snprintf(target, sizeof(target), "%s/" SNAPSHOT, restore->backup.path);
	/* What is cut is found at once; to fetch it would be tried for a quarter of an hour. */
	status = restic_run(&restore->backup,
			    &(const struct restic){.words = whole, .change = true}, &checked);
	if (status == ANSWER_STATUS_OK)
		status = restic_run(&restore->backup,
				    &(const struct restic){.words = words, .target = target}, &out);
	if (status != ANSWER_STATUS_OK)
		return status;
	restore->dir = openat(restore->backup.dir, SNAPSHOT "/backup",
			      O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (restore->dir < 0)
		return backup_refuse(
			"the backup is not one of ours, and nothing was restored: it has no "
			"folder /backup");
	return restore_check_tree(restore->dir);
}

static json_object *read_json(int dir, const char *name)
{
	_cleanup_secret_ char *text = NULL;
	json_object *value;
	size_t len;

	if (fd_read_file(dir, name, BACKUP_FILE_MAX, &text, &len) < 0)
		return NULL;
	value = json_tokener_parse(text);
	if (json_object_is_type(value, json_type_object))
		return value;
	json_object_put(value);
	return NULL;
}

static int read_manifest(struct restore *restore)
{
	json_object *format;

	restore->manifest = read_json(restore->dir, "manifest.json");
	restore->accounts = read_json(restore->dir, "accounts.json");
	format = restore->manifest ? json_object_object_get(restore->manifest, "format") : NULL;
	if (!restore->accounts || !json_object_is_type(format, json_type_int))
		return backup_refuse("the backup is not one of ours, and nothing was restored: "
				     "manifest.json or accounts.json is missing or broken");
	if (json_object_get_int64(format) != BACKUP_FORMAT)
		return backup_refuse(
			"the backup has the format %lld, and this version reads %d: restore "
			"it with the version of Lazaret that made it",
			(long long)json_object_get_int64(format), BACKUP_FORMAT);
	return ANSWER_STATUS_OK;
}

static int check_place(const struct restore *restore, enum conf_id id, bool ours)
{
	const char *path = conf_str(restore->conf, id);

	if (conf_same(restore->conf, restore->backup.conf, id))
		return ANSWER_STATUS_OK;
	if (ours && strncmp(path, LAZARET_SYSCONFDIR "/", strlen(LAZARET_SYSCONFDIR "/")) == 0 &&
	    !strstr(path, "/../"))
		return ANSWER_STATUS_OK;
	return backup_refuse(
		"the backup has %s = \"%s\", and this system \"%s\"; nothing was restored. "
		"If it should be so, root sets it here first",
		conf_row(id)->name, path, conf_str(restore->backup.conf, id));
}

/*
 * A backup does not choose which programs root runs, nor which files he overwrites: places are the same
 * here already, or, for what is read only, below our own folder.
 */
static int check_places(const struct restore *restore)
{
	static const struct {
		enum conf_id id;
		bool ours;
	} rows[] = {
		{CONF_CERTIFICATE, true},  {CONF_PRIVATE_KEY, true}, {CONF_SSH_DIR, true},
		{CONF_LIBEXEC_DIR, false}, {CONF_DATA_DIR, false},   {CONF_STATE_DIR, false},
		{CONF_RUNTIME_DIR, false},
	};
	int status = ANSWER_STATUS_OK;

	for (size_t i = 0; status == ANSWER_STATUS_OK && i < ARRAY_LEN(rows); i++)
		status = check_place(restore, rows[i].id, rows[i].ours);
	return status;
}

/* The configuration of the snapshot has to be one that the system would take. */
static int read_conf(struct restore *restore)
{
	_cleanup_contract_ struct contract *contract = NULL;
	_cleanup_env_ struct env_host host = {0};
	json_object *files = json_object_object_get(restore->manifest, "files");
	size_t n, there = json_object_is_type(files, json_type_array)
				  ? json_object_array_length(files)
				  : 0;
	char path[PATH_MAX + 64];
	int r = 0;

	(void)files_default(&n);
	if (there != n)
		return backup_refuse(
			"the backup has %zu files of configuration, and this system reads "
			"%zu: have it read as many (lazaretd -f)",
			there, n);
	restore->conf = conf_create();
	if (!restore->conf)
		return backup_refuse("out of memory");
	for (size_t i = 0; r == 0 && i < n; i++) {
		snprintf(path, sizeof(path), "%s/" SNAPSHOT "/backup/config/%zu",
			 restore->backup.path, i);
		r = conf_read_file(restore->conf, path, stderr);
	}
	if (r == 0)
		r = conf_check(restore->conf, stderr);
	if (r == 0)
		r = contract_env_host(&host);
	if (r == 0)
		r = contract_create(restore->conf, CONTRACT_CELLS, &host.env, stderr, &contract);
	return r < 0 ? backup_refuse("the configuration of the backup does not do for this system; "
				     "nothing was restored")
		     : check_places(restore);
}

/* --- requests --------------------------------------------------------------------------------- */

static int find_request(const struct backup *backup, const char *id, json_object **ret_request)
{
	char name[32];

	if (strlen(id) == REQUEST_DIGITS && !id[strspn(id, "0123456789abcdef")]) {
		snprintf(name, sizeof(name), REQUEST_FILE "%s", id);
		*ret_request = read_json(backup->dir, name);
		if (*ret_request)
			return ANSWER_STATUS_OK;
	}
	(void)backup_refuse("there is no request \"%s\"; lazaretctl backup requests", id);
	return ANSWER_STATUS_NOT_FOUND;
}

static const char *field(json_object *request, const char *key)
{
	const char *text = json_object_get_string(json_object_object_get(request, key));

	return text ? text : "";
}

static int file_request(const struct restore *restore)
{
	json_object *request;
	unsigned char bytes[REQUEST_DIGITS / 2];
	char id[REQUEST_DIGITS + 1], name[32], when[40];
	const char *text;
	int r;

	if (restore_count_requests(&restore->backup) >= REQUESTS_MAX)
		return backup_refuse("%d restores wait for approval; lazaretctl backup requests",
				     REQUESTS_MAX);
	if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes))
		return backup_refuse("the kernel has no random numbers");
	for (size_t i = 0; i < sizeof(bytes); i++)
		snprintf(id + 2 * i, 3, "%02x", bytes[i]);
	clock_format(clock_wall(), when, sizeof(when));
	request = json_object_new_object();
	json_object_object_add(request, "id", json_object_new_string(id));
	json_object_object_add(request, "snapshot", json_object_new_string(restore->id));
	json_object_object_add(request, "made", json_object_new_string(restore->time));
	json_object_object_add(request, "by", json_object_new_string(backup_caller()));
	json_object_object_add(request, "asked", json_object_new_string(when));
	json_object_object_add(request, "homes", json_object_new_boolean(restore->homes));
	json_object_object_add(request, "skip", json_object_new_boolean(restore->skip));
	snprintf(name, sizeof(name), REQUEST_FILE "%s", id);
	text = json_object_to_json_string_ext(request, JSON_C_TO_STRING_PLAIN);
	r = fd_write_file_atomic(restore->backup.dir, name, 0600, text, strlen(text));
	json_object_put(request);
	if (r < 0)
		return backup_refuse("the request cannot be written: %s", strerror(-r));
	printf("Request %s waits for approval by the role security: lazaretctl backup approve %s\n",
	       id, id);
	return ANSWER_STATUS_OK;
}

/* --- the whole -------------------------------------------------------------------------------- */

static int prepare(struct restore *restore)
{
	int status = fetch(restore);

	if (status == ANSWER_STATUS_OK)
		status = read_manifest(restore);
	return status == ANSWER_STATUS_OK ? read_conf(restore) : status;
}

/* Looks at everything first: what has a conflict changes nothing, unless that was wanted. */
static int look(struct restore *restore)
{
	int status;

	printf("Backup %.8s of %.19s, host %s:\n", restore->id, restore->time,
	       field(restore->manifest, "host"));
	status = restore_apply(restore, false);
	if (status != ANSWER_STATUS_OK)
		return status;
	printf("%zu changes, %zu conflicts.\n", restore->changes, restore->conflicts);
	return ANSWER_STATUS_OK;
}

static int execute(struct restore *restore, const char *socket)
{
	static const char *const words[] = {"reload"};
	_cleanup_free_ char *sentence = NULL;
	int status, answer = 0, r;

	if (restore->conflicts > 0 && !restore->skip)
		return backup_refuse("nothing was restored; --skip-conflicts restores what has no "
				     "conflict");
	restore->changes = restore->conflicts = 0;
	status = restore_apply(restore, true);
	if (status != ANSWER_STATUS_OK)
		return backup_refuse(
			"the restore broke off: what was said above is done, the rest is "
			"not; it can be begun again");
	r = request_ask(socket, 1, words, &answer, &sentence);
	if (r < 0)
		puts("Restored. lazaretd does not run: it holds when it starts.");
	else if (answer != ANSWER_STATUS_OK)
		printf("Restored; it holds from the next start of lazaretd on: %s\n", sentence);
	else
		puts("Restored.");
	return ANSWER_STATUS_OK;
}

static int restore_open(struct restore *restore, const char *word)
{
	int status;

	*restore = (struct restore){.backup = {.dir = -1, .lock = -1}, .dir = -1};
	status = backup_open(&restore->backup);
	if (status == ANSWER_STATUS_OK && !restore->backup.local)
		status = backup_key_make(&restore->backup);
	if (status == ANSWER_STATUS_OK && word)
		status = restic_find(&restore->backup, word, restore->id, restore->time);
	return status;
}

int backup_restore(size_t n, char *const *arguments, const char *socket)
{
	_cleanup_restore_ struct restore restore = {.backup = {.dir = -1, .lock = -1}, .dir = -1};
	bool preview = false, homes = false, skip = false;
	const char *word = NULL;
	int status;

	for (size_t i = 0; i < n; i++) {
		if (str_eq(arguments[i], "--preview"))
			preview = true;
		else if (str_eq(arguments[i], "--homes"))
			homes = true;
		else if (str_eq(arguments[i], "--skip-conflicts"))
			skip = true;
		else if (!word && arguments[i][0] != '-')
			word = arguments[i];
		else
			word = "";
	}
	if (!word || !word[0]) {
		(void)backup_refuse("usage: lazaretctl backup restore [--preview] [--homes] "
				    "[--skip-conflicts] SNAPSHOT");
		return ANSWER_STATUS_USAGE;
	}
	status = restore_open(&restore, word);
	restore.homes = homes;
	restore.skip = skip;
	if (status == ANSWER_STATUS_OK)
		status = prepare(&restore);
	if (status == ANSWER_STATUS_OK)
		status = look(&restore);
	if (status != ANSWER_STATUS_OK || preview)
		return status;
	/* At the console there is nobody else to ask. */
	if (!getenv("LAZARET_CALLER"))
		return execute(&restore, socket);
	return file_request(&restore);
}

int backup_approve(const char *id, const char *socket)
{
	_cleanup_restore_ struct restore restore = {.backup = {.dir = -1, .lock = -1}, .dir = -1};
	json_object *request = NULL;
	char name[32];
	int status = restore_open(&restore, NULL);

	if (status == ANSWER_STATUS_OK)
		status = find_request(&restore.backup, id, &request);
	if (status == ANSWER_STATUS_OK && str_eq(field(request, "by"), backup_caller()))
		status = backup_refuse("who asks for a restore does not approve it himself");
	if (status == ANSWER_STATUS_OK) {
		restore.homes = json_object_get_boolean(json_object_object_get(request, "homes"));
		restore.skip = json_object_get_boolean(json_object_object_get(request, "skip"));
		status = restic_find(&restore.backup, field(request, "snapshot"), restore.id,
				     restore.time);
	}
	json_object_put(request);
	if (status == ANSWER_STATUS_OK)
		status = prepare(&restore);
	if (status == ANSWER_STATUS_OK)
		status = look(&restore);
	if (status == ANSWER_STATUS_OK)
		status = execute(&restore, socket);
	if (status == ANSWER_STATUS_OK) {
		snprintf(name, sizeof(name), REQUEST_FILE "%s", id);
		(void)unlinkat(restore.backup.dir, name, 0);
	}
	return status;
}

int backup_reject(const char *id)
{
	_cleanup_restore_ struct restore restore = {.backup = {.dir = -1, .lock = -1}, .dir = -1};
	json_object *request = NULL;
	char name[32];
	int status = restore_open(&restore, NULL);

	if (status == ANSWER_STATUS_OK)
		status = find_request(&restore.backup, id, &request);
	json_object_put(request);
	if (status != ANSWER_STATUS_OK)
		return status;
	snprintf(name, sizeof(name), REQUEST_FILE "%s", id);
	return unlinkat(restore.backup.dir, name, 0) < 0
		       ? backup_refuse("the request cannot be removed: %s", strerror(errno))
		       : ANSWER_STATUS_OK;
}
