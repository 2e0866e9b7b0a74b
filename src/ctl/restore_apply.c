/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Putting in place what a snapshot has given: accounts first, the configuration last. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/str.h"
#include "ctl/answer.h"
#include "ctl/backup.h"
#include "ctl/files.h"
#include "ctl/public_key.h"
#include "ctl/restore_impl.h"

static void PRINTF(3, 4) say(struct restore *restore, bool conflict, const char *fmt, ...)
{
	va_list args;

	restore->changes += !conflict;
	restore->conflicts += conflict;
	if (conflict)
		fputs("conflict: ", stdout);
	va_start(args, fmt);
	vprintf(fmt, args);
	va_end(args);
	putchar('\n');
}

/* --- files ------------------------------------------------------------------------------------ */

/* Makes the folders above a file of ours. */
static void make_above(const char *path, mode_t mode)
{
	char above[PATH_MAX];

	str_copy(above, sizeof(above), path);
	for (char *c = above + 1; *c; c++) {
		if (*c != '/')
			continue;
		*c = '\0';
		(void)mkdir(above, mode);
		*c = '/';
	}
}

static int write_at(const char *path, mode_t mode, const char *text, size_t len)
{
	char folder[PATH_MAX];
	_cleanup_fd_ int dir = -1;
	char *slash;

	make_above(path, mode & 0077 ? 0755 : 0700);
	str_copy(folder, sizeof(folder), path);
	slash = strrchr(folder, '/');
	if (!slash)
		return -EINVAL;
	*slash = '\0';
	dir = open(folder[0] ? folder : "/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return dir < 0 ? -errno : fd_write_file_atomic(dir, slash + 1, mode, text, len);
}

static int put(struct restore *restore, const char *from, const char *path, mode_t mode,
	       bool execute)
{
	_cleanup_secret_ char *text = NULL, *now = NULL;
	size_t len, now_len;
	int r = fd_read_file(restore->dir, from, BACKUP_FILE_MAX, &text, &len);

	if (r == -ENOENT)
		return ANSWER_STATUS_OK;
	if (r < 0)
		return backup_refuse("%s of the backup: %s", from, strerror(-r));
	r = fd_read_file(AT_FDCWD, path, BACKUP_FILE_MAX, &now, &now_len);
	if (r == 0 && len == now_len && memcmp(text, now, len) == 0)
		return ANSWER_STATUS_OK;
	say(restore, false, "%s is %s", path, r == 0 ? "replaced" : "made");
	if (!execute)
		return ANSWER_STATUS_OK;
	r = write_at(path, mode, text, len);
	return r < 0 ? backup_refuse("%s: %s", path, strerror(-r)) : ANSWER_STATUS_OK;
}

typedef int entry_function(struct restore *restore, const char *name, bool execute);

/* For each file of a folder of the snapshot. */
static int each(struct restore *restore, const char *folder, entry_function *function, bool execute)
{
	int fd = openat(restore->dir, folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *list = fd < 0 ? NULL : fdopendir(fd);
	int status = ANSWER_STATUS_OK;
	struct dirent *entry;

	if (!list) {
		fd_close(fd);
		return ANSWER_STATUS_OK;
	}
	while (status == ANSWER_STATUS_OK && (entry = readdir(list))) {
		struct stat file;

		if (fstatat(fd, entry->d_name, &file, AT_SYMLINK_NOFOLLOW) == 0 &&
		    S_ISREG(file.st_mode))
			status = function(restore, entry->d_name, execute);
	}
	closedir(list);
	return status;
}

static int put_host_key(struct restore *restore, const char *name, bool execute)
{
	char from[PATH_MAX], path[PATH_MAX];

	snprintf(from, sizeof(from), "ssh/%s", name);
	snprintf(path, sizeof(path), "%s/%s", conf_str(restore->conf, CONF_SSH_DIR), name);
	return put(restore, from, path, strstr(name, ".pub") ? 0644 : 0600, execute);
}

/* Whether each line is a key that could be added by hand. */
static bool are_keys(int dir, const char *path)
{
	_cleanup_free_ char *text = NULL;
	char *rest, *line;
	size_t len;

	if (fd_read_file(dir, path, BACKUP_FILE_MAX, &text, &len) < 0 || strlen(text) != len)
		return false;
	rest = text;
	while ((line = strsep(&rest, "\n"))) {
		static struct public_key key;
		const char *why;

		if (line[0] && line[0] != '#' &&
		    public_key_parse(line, strlen(line), &key, &why) < 0)
			return false;
	}
	return true;
}

static int put_keys(struct restore *restore, const char *name, bool execute)
{
	char from[PATH_MAX], path[PATH_MAX];

	snprintf(from, sizeof(from), "ssh/keys/%s", name);
	snprintf(path, sizeof(path), "%s/keys/%s", conf_str(restore->conf, CONF_SSH_DIR), name);
	if (str_eq(name, "root") || !are_keys(restore->dir, from)) {
		say(restore, true, "the keys of %s are none that an administrator may have", name);
		return ANSWER_STATUS_OK;
	}
	return put(restore, from, path, 0644, execute);
}

static int put_version(struct restore *restore, const char *name, bool execute)
{
	char from[PATH_MAX], path[PATH_MAX];

	/* A draft was somebody's; it is not begun again. */
	if (name[strspn(name, "0123456789")])
		return ANSWER_STATUS_OK;
	snprintf(from, sizeof(from), "settings/%s", name);
	snprintf(path, sizeof(path), "%s/settings/%s",
		 conf_str(restore->backup.conf, CONF_STATE_DIR), name);
	return put(restore, from, path, 0600, execute);
}

/* --- parts ------------------------------------------------------------------------------------ */

static int apply_accounts(struct restore *restore, bool execute)
{
	struct restore_plan plan = {.conf = restore->conf,
				    .accounts = restore->accounts,
				    .out = stdout,
				    .execute = execute,
				    .skip = restore->skip};
	int status = restore_accounts(&plan);

	restore->changes += plan.changes;
	restore->conflicts += plan.conflicts;
	return status;
}

static int apply_keys(struct restore *restore, bool execute)
{
	int status = put(restore, "tls/key", conf_str(restore->conf, CONF_PRIVATE_KEY), 0600,
			 execute);

	if (status == ANSWER_STATUS_OK)
		status = put(restore, "tls/certificate", conf_str(restore->conf, CONF_CERTIFICATE),
			     0644, execute);
	if (status == ANSWER_STATUS_OK)
		status = each(restore, "ssh", put_host_key, execute);
	return status == ANSWER_STATUS_OK ? each(restore, "ssh/keys", put_keys, execute) : status;
}

static int apply_config(struct restore *restore, bool execute)
{
	size_t n;
	const char *const *files = files_default(&n);
	int status = each(restore, "settings", put_version, execute);

	for (size_t i = 0; status == ANSWER_STATUS_OK && i < n; i++) {
		char from[64];

		snprintf(from, sizeof(from), "config/%zu", i);
		status = put(restore, from, files[i], 0644, execute);
	}
	return status;
}

int restore_apply(struct restore *restore, bool execute)
{
	int status = apply_accounts(restore, execute);

	if (status == ANSWER_STATUS_OK)
		status = apply_keys(restore, execute);
	if (status == ANSWER_STATUS_OK && restore->homes)
		status = restore_homes(restore, execute);
	return status == ANSWER_STATUS_OK ? apply_config(restore, execute) : status;
}

/* --- what waits ------------------------------------------------------------------------------- */

static json_object *list_requests(const struct backup *backup)
{
	json_object *list = json_object_new_array();
	int copy = openat(backup->dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = copy < 0 ? NULL : fdopendir(copy);
	struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		_cleanup_free_ char *text = NULL;
		json_object *item;
		size_t len;

		if (strncmp(entry->d_name, REQUEST_FILE, strlen(REQUEST_FILE)) != 0 ||
		    fd_read_file(backup->dir, entry->d_name, 65536, &text, &len) < 0)
			continue;
		item = json_tokener_parse(text);
		if (item)
			json_object_array_add(list, item);
	}
	if (dir)
		closedir(dir);
	return list;
}

size_t restore_count_requests(const struct backup *backup)
{
	json_object *list = list_requests(backup);
	size_t n = json_object_array_length(list);

	json_object_put(list);
	return n;
}

int backup_requests(bool json)
{
	_cleanup_backup_ struct backup backup = {.dir = -1, .lock = -1};
	int status = backup_open(&backup);
	json_object *list;

	if (status != ANSWER_STATUS_OK)
		return status;
	list = list_requests(&backup);
	if (json)
		puts(json_object_to_json_string_ext(list, JSON_C_TO_STRING_PLAIN));
	for (size_t i = 0; !json && i < json_object_array_length(list); i++) {
		json_object *item = json_object_array_get_idx(list, i);
		const char *const keys[] = {"id", "by", "asked", "snapshot", "made"};

		for (size_t k = 0; k < ARRAY_LEN(keys); k++)
			printf("%.24s  ",
			       json_object_get_string(json_object_object_get(item, keys[k])));
		puts(json_object_get_boolean(json_object_object_get(item, "homes")) ? "with homes"
										    : "");
	}
	json_object_put(list);
	return ANSWER_STATUS_OK;
}
