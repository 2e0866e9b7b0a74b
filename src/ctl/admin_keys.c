/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The public keys of administrators: a file a person, of root's, in a folder of root's. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/str.h"
#include "ctl/admin.h"
#include "ctl/admin_impl.h"
#include "ctl/answer.h"
#include "ctl/input.h"
#include "ctl/program.h"
#include "ctl/public_key.h"

#define FOLDER "keys"
#define FILE_MAX ((ADMIN_KEYS_MAX + 1) * PUBLIC_KEY_LINE_MAX)
#define FINGERPRINT_MAX 128

int admin_keys_open(const struct conf *conf)
{
	char path[PATH_MAX];
	_cleanup_fd_ int folder = -1;

	snprintf(path, sizeof(path), "%s/" FOLDER, conf_str(conf, CONF_SSH_DIR));
	(void)mkdir(conf_str(conf, CONF_SSH_DIR), 0755);
	(void)mkdir(path, 0755);
	folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (folder < 0 || flock(folder, LOCK_EX) < 0)
		return -errno;
	return FD_STEAL(folder);
}

/* The next line of a file of keys that is one, or NULL. */
static char *next_line(char **rest)
{
	char *line;

	while (*rest && (line = strsep(rest, "\n"))) {
		if (line[0] && line[0] != '#')
			return line;
	}
	return NULL;
}

static char *read_keys(int folder, const char *name)
{
	char *text;
	size_t len;

	return fd_read_file(folder, name, FILE_MAX, &text, &len) < 0 ? strdup("") : text;
}

size_t admin_keys_count(int folder, const char *name)
{
	_cleanup_free_ char *text = folder < 0 ? NULL : read_keys(folder, name);
	char *rest = text;
	size_t n = 0;

	while (next_line(&rest))
		n++;
	return n;
}

/* As OpenSSH sees the key: what it does not read is no key. "SHA256:…" */
static int fingerprint(const char *line, char out[FINGERPRINT_MAX])
{
	static const char *const argv[] = {"/usr/bin/ssh-keygen", "-l", "-E", "sha256", "-f",
					   "/dev/stdin",          NULL};
	_cleanup_free_ char *text = NULL, *errors = NULL;
	char *word, *rest;
	int status = 0;
	int r = program_run(&(const struct program){.argv = argv,
						    .input = line,
						    .input_len = strlen(line),
						    .max = 4096,
						    .timeout_ms = 10000},
			    &status, &text, &errors);

	if (r < 0)
		return r;
	rest = text;
	(void)strsep(&rest, " ");
	word = strsep(&rest, " ");
	if (status != 0 || !word || strncmp(word, "SHA256:", 7) != 0)
		return -EINVAL;
	return str_copy(out, FINGERPRINT_MAX, word) ? 0 : -EINVAL;
}

/* Whose key it is already; "" if nobody's. */
static void find_owner(int folder, const struct public_key *key, char out[256])
{
	int copy = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = copy < 0 ? NULL : fdopendir(copy);
	struct dirent *entry;

	out[0] = '\0';
	while (dir && !out[0] && (entry = readdir(dir))) {
		_cleanup_free_ char *text = NULL;

		if (entry->d_name[0] == '.')
			continue;
		text = read_keys(folder, entry->d_name);
		if (text && strstr(text, key->data))
			str_copy(out, 256, entry->d_name);
	}
	if (dir)
		closedir(dir);
}

static int check_person(const struct admin_person *person)
{
	if (person->is_user)
		return admin_refuse(
			"%s is a user of the viewer: administrators have accounts of their "
			"own (lazaretctl admin add)",
			person->name);
	if (!person->has_shell && !person->roles)
		return admin_refuse("%s is no administrator; lazaretctl admin add makes one",
				    person->name);
	return ANSWER_STATUS_OK;
}

static int add_key(int folder, const struct admin_person *person, const struct public_key *key)
{
	_cleanup_free_ char *text = read_keys(folder, person->name), *line = NULL, *all = NULL;
	char print[FINGERPRINT_MAX], owner[256];
	int r;

	find_owner(folder, key, owner);
	if (owner[0])
		return admin_refuse("this key is %s's already: a key says who somebody is", owner);
	if (admin_keys_count(folder, person->name) >= ADMIN_KEYS_MAX)
		return admin_refuse("%s has %d keys already; lazaretctl admin key remove",
				    person->name, ADMIN_KEYS_MAX);
	if (asprintf(&line, "%s %s %s\n", key->type, key->data, key->comment) < 0)
		return ANSWER_STATUS_FAILED;
	r = fingerprint(line, print);
	if (r < 0)
		return admin_refuse(
			"ssh-keygen does not take this for a key: hand in the line of a "
			"file that ends in .pub");
	if (!text || asprintf(&all, "%s%s%s", text,
			      text[0] && text[strlen(text) - 1] != '\n' ? "\n" : "", line) < 0)
		return ANSWER_STATUS_FAILED;
	r = fd_write_file_atomic(folder, person->name, 0644, all, strlen(all));
	if (r < 0)
		return admin_refuse("the key cannot be written: %s", strerror(-r));
	printf("%s %zu %s\n", print, key->bits, key->type);
	return ANSWER_STATUS_OK;
}

int admin_key_add(const char *name)
{
	_cleanup_conf_ struct conf *conf = NULL;
	_cleanup_free_ char *text = NULL;
	static struct public_key key;
	struct admin_person person;
	_cleanup_fd_ int folder = -1;
	const char *why;
	size_t len;
	int status = admin_open(name, &conf, &person);

	if (status == ANSWER_STATUS_OK)
		status = check_person(&person);
	if (status != ANSWER_STATUS_OK)
		return status;
	if (input_read(4 * PUBLIC_KEY_LINE_MAX, &text, &len) < 0)
		return ANSWER_STATUS_FAILED;
	if (public_key_parse(text, len, &key, &why) < 0)
		return admin_refuse("%s", why);
	folder = admin_keys_open(conf);
	if (folder < 0)
		return admin_refuse("the folder of keys cannot be opened: %s", strerror(-folder));
	return add_key(folder, &person, &key);
}

/* --- the list --------------------------------------------------------------------------------- */

static void list_file(int folder, const char *name, json_object *list)
{
	_cleanup_free_ char *text = read_keys(folder, name);
	char *rest = text, *line;

	while ((line = next_line(&rest))) {
		json_object *item = json_object_new_object();
		static struct public_key key;
		char print[FINGERPRINT_MAX] = "";
		const char *why;
		bool good = public_key_parse(line, strlen(line), &key, &why) == 0 &&
			    fingerprint(line, print) == 0;

		json_object_object_add(item, "user", json_object_new_string(name));
		json_object_object_add(item, "fingerprint",
				       json_object_new_string(good ? print : ""));
		json_object_object_add(item, "type", json_object_new_string(good ? key.type : ""));
		json_object_object_add(item, "bits",
				       json_object_new_int64(good ? (int)key.bits : 0));
		json_object_object_add(item, "comment",
				       json_object_new_string(good ? key.comment : "not a key"));
		json_object_array_add(list, item);
	}
}

static void list_all(int folder, json_object *list)
{
	int copy = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = copy < 0 ? NULL : fdopendir(copy);
	struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		if (entry->d_name[0] != '.')
			list_file(folder, entry->d_name, list);
	}
	if (dir)
		closedir(dir);
}

static const char *value(json_object *item, const char *key)
{
	return json_object_get_string(json_object_object_get(item, key));
}

int admin_key_list(bool json, const char *name)
{
	_cleanup_conf_ struct conf *conf = NULL;
	struct admin_person person;
	_cleanup_fd_ int folder = -1;
	int status = admin_open(name, &conf, &person);
	json_object *list;

	if (status != ANSWER_STATUS_OK)
		return status;
	folder = admin_keys_open(conf);
	if (folder < 0)
		return admin_refuse("the folder of keys cannot be opened: %s", strerror(-folder));
	list = json_object_new_array();
	if (name)
		list_file(folder, person.name, list);
	else
		list_all(folder, list);
	if (json)
		puts(json_object_to_json_string_ext(list, JSON_C_TO_STRING_PLAIN));
	for (size_t i = 0; !json && i < json_object_array_length(list); i++) {
		json_object *item = json_object_array_get_idx(list, i);

		printf("%-24s %s %s %s %s\n", value(item, "user"), value(item, "fingerprint"),
		       value(item, "bits"), value(item, "type"), value(item, "comment"));
	}
	json_object_put(list);
	return ANSWER_STATUS_OK;
}

/* --- taking away ------------------------------------------------------------------------------ */

static int remove_key(int folder, const struct admin_person *person, const char *wanted)
{
	_cleanup_free_ char *text = read_keys(folder, person->name), *left = NULL;
	char *rest = text, *line;
	size_t len, found = 0;
	FILE *out = open_memstream(&left, &len);
	int r;

	while (out && (line = next_line(&rest))) {
		char print[FINGERPRINT_MAX] = "";

		if (fingerprint(line, print) == 0 && str_eq(print, wanted))
			found++;
		else
			fprintf(out, "%s\n", line);
	}
	if (!out || fclose(out) != 0)
		return ANSWER_STATUS_FAILED;
	if (found == 0) {
		(void)admin_refuse("%s has no key %s; lazaretctl admin key list %s", person->name,
				   wanted, person->name);
		return ANSWER_STATUS_NOT_FOUND;
	}
	if (left[0])
		r = fd_write_file_atomic(folder, person->name, 0644, left, len);
	else
		r = unlinkat(folder, person->name, 0) < 0 ? -errno : 0;
	return r < 0 ? admin_refuse("the file of keys cannot be written: %s", strerror(-r))
		     : ANSWER_STATUS_OK;
}

int admin_key_remove(const char *name, const char *wanted)
{
	_cleanup_conf_ struct conf *conf = NULL;
	struct admin_person person;
	_cleanup_fd_ int folder = -1;
	int status = admin_open(name, &conf, &person);

	if (status != ANSWER_STATUS_OK)
		return status;
	folder = admin_keys_open(conf);
	if (folder < 0)
		return admin_refuse("the folder of keys cannot be opened: %s", strerror(-folder));
	status = remove_key(folder, &person, wanted);
	/* It may have been lost or stolen: nothing that it let in goes on. */
	if (status == ANSWER_STATUS_OK && !admin_is_caller(&person))
		(void)admin_end_logins(person.uid);
	return status;
}
