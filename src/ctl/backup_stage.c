/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is backed up, copied together: what is copied is whole, whatever changes meanwhile. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/mem.h"
#include "base/str.h"
#include "ctl/answer.h"
#include "ctl/backup_impl.h"
#include "ctl/files.h"

static int make_folder(int parent, const char *name)
{
	if (mkdirat(parent, name, 0700) < 0)
		return -errno;
	return openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
}

/* One file; none is there: nothing. */
static int copy(int to, const char *name, int from, const char *path)
{
	_cleanup_secret_ char *text = NULL;
	size_t len;
	int r = fd_read_file(from, path, BACKUP_FILE_MAX, &text, &len);

	if (r == -ENOENT)
		return 0;
	return r < 0 ? r : fd_write_file_atomic(to, name, 0600, text, len);
}

/* The plain files of a folder, without those below it. */
static int copy_folder(int to, const char *path)
{
	_cleanup_fd_ int from = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct dirent *entry;
	int again, r = 0;
	DIR *list;

	if (from < 0)
		return errno == ENOENT ? 0 : -errno;
	again = fcntl(from, F_DUPFD_CLOEXEC, 3);
	list = again < 0 ? NULL : fdopendir(again);
	while (r == 0 && list && (entry = readdir(list))) {
		struct stat status;

		if (entry->d_name[0] != '.' && !str_eq(entry->d_name, "lock") &&
		    fstatat(from, entry->d_name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
		    S_ISREG(status.st_mode))
			r = copy(to, entry->d_name, from, entry->d_name);
	}
	if (list)
		closedir(list);
	return list ? r : -ENOMEM;
}

static int stage_folder(int stage, const char *name, const char *path)
{
	_cleanup_fd_ int to = make_folder(stage, name);

	return to < 0 ? to : copy_folder(to, path);
}

static int stage_config(int stage)
{
	_cleanup_fd_ int to = make_folder(stage, "config");
	size_t n;
	const char *const *files = files_default(&n);
	char name[24];
	int r = to < 0 ? to : 0;

	for (size_t i = 0; r == 0 && i < n; i++) {
		snprintf(name, sizeof(name), "%zu", i);
		r = copy(to, name, AT_FDCWD, files[i]);
	}
	return r;
}

static int stage_tls(int stage, const struct conf *conf)
{
	_cleanup_fd_ int to = make_folder(stage, "tls");
	int r = to < 0 ? to : copy(to, "certificate", AT_FDCWD, conf_str(conf, CONF_CERTIFICATE));

	return r < 0 ? r : copy(to, "key", AT_FDCWD, conf_str(conf, CONF_PRIVATE_KEY));
}

static int stage_ssh(int stage, const struct conf *conf)
{
	_cleanup_fd_ int to = make_folder(stage, "ssh"), keys = -1;
	char path[PATH_MAX];
	int r = to < 0 ? to : copy_folder(to, conf_str(conf, CONF_SSH_DIR));

	if (r < 0)
		return r;
	keys = make_folder(to, "keys");
	snprintf(path, sizeof(path), "%s/keys", conf_str(conf, CONF_SSH_DIR));
	return keys < 0 ? keys : copy_folder(keys, path);
}

static int write_json(int stage, const char *name, json_object *value)
{
	const char *text;
	int r;

	if (!value)
		return -ENOMEM;
	text = json_object_to_json_string_ext(value, JSON_C_TO_STRING_PRETTY);
	r = fd_write_file_atomic(stage, name, 0600, text, strlen(text));
	json_object_put(value);
	return r;
}

static int stage_manifest(int stage)
{
	json_object *all = json_object_new_object(), *list = json_object_new_array();
	size_t n;
	const char *const *files = files_default(&n);
	struct utsname system;
	char when[40];

	clock_format(clock_wall(), when, sizeof(when));
	for (size_t i = 0; i < n; i++)
		json_object_array_add(list, json_object_new_string(files[i]));
	json_object_object_add(all, "format", json_object_new_int(BACKUP_FORMAT));
	json_object_object_add(all, "version", json_object_new_string(LAZARET_VERSION));
	json_object_object_add(all, "host",
			       json_object_new_string(uname(&system) == 0 ? system.nodename : ""));
	json_object_object_add(all, "time", json_object_new_string(when));
	json_object_object_add(all, "files", list);
	return write_json(stage, "manifest.json", all);
}

static int fill(const struct backup *backup, int stage)
{
	const struct conf *conf = backup->conf;
	const char *state = conf_str(conf, CONF_STATE_DIR);
	char settings[PATH_MAX];
	int r = stage_manifest(stage);

	snprintf(settings, sizeof(settings), "%s/settings", state);
	if (r == 0)
		r = stage_config(stage);
	if (r == 0)
		r = stage_tls(stage, conf);
	if (r == 0)
		r = stage_ssh(stage, conf);
	if (r == 0)
		r = stage_folder(stage, "settings", settings);
	if (r == 0 && conf_int(conf, CONF_BACKUP_HOMES) && mkdirat(stage, "homes", 0700) < 0)
		r = -errno;
	return r == 0 ? write_json(stage, "accounts.json", backup_accounts(conf)) : r;
}

int backup_stage(const struct backup *backup)
{
	_cleanup_fd_ int stage = -1;
	int r = backup_remove_tree(backup->dir, "stage");

	if (r == 0) {
		stage = make_folder(backup->dir, "stage");
		r = stage < 0 ? stage : fill(backup, stage);
	}
	return r < 0 ? backup_refuse("what is to be backed up cannot be copied: %s", strerror(-r))
		     : ANSWER_STATUS_OK;
}
