/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ctl/backup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "ctl/answer.h"
#include "ctl/backup_impl.h"
#include "ctl/files.h"

#define FOLDER "backup"
#define SFTP "sftp://"
#define DEPTH_MAX 64

int backup_refuse(const char *fmt, ...)
{
	va_list args;

	fputs("lazaretctl: ", stderr);
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fputc('\n', stderr);
	return ANSWER_STATUS_FAILED;
}

const char *backup_caller(void)
{
	const char *caller = getenv("LAZARET_CALLER");

	return caller && caller[0] ? caller : "root";
}

static int remove_below(int dir, const char *name, int depth)
{
	_cleanup_fd_ int fd = -1;
	struct dirent *entry;
	int copy, r = 0;
	DIR *list;

	if (unlinkat(dir, name, 0) == 0 || errno == ENOENT)
		return 0;
	fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || depth == 0)
		return fd < 0 ? -errno : -ELOOP;
	copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	list = copy < 0 ? NULL : fdopendir(copy);
	while (r == 0 && list && (entry = readdir(list))) {
		if (!str_eq(entry->d_name, ".") && !str_eq(entry->d_name, ".."))
			r = remove_below(fd, entry->d_name, depth - 1);
	}
	if (list)
		closedir(list);
	if (r == 0 && unlinkat(dir, name, AT_REMOVEDIR) < 0)
		r = -errno;
	return r;
}

int backup_remove_tree(int dir, const char *name)
{
	return remove_below(dir, name, DEPTH_MAX);
}

/* --- the repository --------------------------------------------------------------------------- */

/* No word of these can be an option of ssh or restic, or more than one word. */
static bool is_word(const char *text, const char *more)
{
	static const char plain[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

	for (const char *c = text; *c; c++) {
		if (!strchr(plain, *c) && !strchr(more, *c))
			return false;
	}
	return text[0] && text[0] != '-';
}

/* "USER@HOST[:PORT]/FOLDER" */
static bool parse_server(const char *text, struct backup *backup)
{
	char copy[1024], *at, *slash, *colon;
	int64_t port = 22;

	if (!str_copy(copy, sizeof(copy), text))
		return false;
	at = strchr(copy, '@');
	slash = at ? strchr(at, '/') : NULL;
	if (!slash || !str_copy(backup->folder, sizeof(backup->folder), slash))
		return false;
	*at++ = *slash = '\0';
	colon = at[0] == '[' ? strstr(at, "]:") : strrchr(at, ':');
	if (colon) {
		if (at[0] == '[')
			*colon++ = '\0';
		*colon++ = '\0';
		if (str_to_int(colon, 1, 65535, &port) < 0)
			return false;
	}
	if (at[0] == '[')
		at++;
	at[strcspn(at, "]")] = '\0';
	backup->port = (unsigned int)port;
	return str_copy(backup->user, sizeof(backup->user), copy) &&
	       str_copy(backup->host, sizeof(backup->host), at) && is_word(backup->user, "._-") &&
	       is_word(backup->host, ".-:") && is_word(backup->folder, "/._-") &&
	       !strstr(backup->folder, "..");
}

static int find_repository(struct backup *backup)
{
	const char *text = conf_str(backup->conf, CONF_BACKUP_REPOSITORY);

	if (!text[0])
		return backup_refuse("no place for backups is configured: root sets "
				     "backup-repository, to a folder or sftp://USER@HOST/FOLDER");
	if (text[0] == '/' && !strstr(text, "/..")) {
		backup->local = text;
		return ANSWER_STATUS_OK;
	}
	if (strncmp(text, SFTP, strlen(SFTP)) == 0 && parse_server(text + strlen(SFTP), backup))
		return ANSWER_STATUS_OK;
	return backup_refuse("backup-repository is neither a folder (/srv/backup) nor a server "
			     "(sftp://USER@HOST[:PORT]/FOLDER): \"%s\"",
			     text);
}

/* --- the folder ------------------------------------------------------------------------------- */

void backup_close(struct backup *backup)
{
	fd_close(backup->dir);
	fd_close(backup->lock);
	conf_destroy(backup->conf);
	backup->dir = backup->lock = -1;
	backup->conf = NULL;
}

static int open_folder(struct backup *backup)
{
	snprintf(backup->path, sizeof(backup->path), "%s/" FOLDER,
		 conf_str(backup->conf, CONF_STATE_DIR));
	if (mkdir(backup->path, 0700) < 0 && errno != EEXIST)
		return -errno;
	backup->dir = open(backup->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (backup->dir < 0 || fchmod(backup->dir, 0700) < 0)
		return -errno;
	backup->lock = openat(backup->dir, "lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (backup->lock < 0 || flock(backup->lock, LOCK_EX | LOCK_NB) < 0)
		return errno == EWOULDBLOCK ? -EBUSY : -errno;
	return 0;
}

int backup_open(struct backup *ret_backup)
{
	struct backup backup = {.dir = -1, .lock = -1};
	int status, r;

	if (geteuid() != 0) {
		(void)backup_refuse("only root may do this without the daemon");
		return ANSWER_STATUS_DENIED;
	}
	if (files_read(0, NULL, &backup.conf) < 0)
		return ANSWER_STATUS_FAILED;
	status = find_repository(&backup);
	if (status == ANSWER_STATUS_OK) {
		r = open_folder(&backup);
		if (r == -EBUSY)
			status = backup_refuse(
				"a backup or a restore is being done; try again later");
		else if (r < 0)
			status = backup_refuse("%s: %s", backup.path, strerror(-r));
	}
	if (status != ANSWER_STATUS_OK) {
		backup_close(&backup);
		return status;
	}
	*ret_backup = backup;
	if (ret_backup->local)
		ret_backup->local = conf_str(ret_backup->conf, CONF_BACKUP_REPOSITORY);
	return ANSWER_STATUS_OK;
}

/* --- running it ------------------------------------------------------------------------------- */

static void write_last(const struct backup *backup, bool good, const char *snapshot)
{
	char text[256], when[40];

	clock_format(clock_wall(), when, sizeof(when));
	snprintf(text, sizeof(text), "%lld %s %s %s %s\n", (long long)time(NULL),
		 good ? "done" : "failed", when, snapshot[0] ? snapshot : "-", backup_caller());
	(void)!fd_write_file_atomic(backup->dir, "last", 0600, text, strlen(text));
}

/* A repository of restic is there, or is made. */
static int make_repository(const struct backup *backup)
{
	static const char *const look[] = {"cat", "config", NULL}, *const init[] = {"init", NULL};
	_cleanup_free_ char *out = NULL;
	char path[PATH_MAX];
	int status;

	if (backup->local) {
		(void)mkdir(backup->local, 0700);
		snprintf(path, sizeof(path), "%s/config", backup->local);
		/* A repository that is there and cannot be opened is not made a second time. */
		if (access(path, F_OK) == 0)
			return restic_run(backup, &(const struct restic){.words = look}, &out);
		return restic_run(backup, &(const struct restic){.words = init, .change = true},
				  &out);
	}
	fflush(stderr);
	status = restic_run(backup, &(const struct restic){.words = init, .change = true}, &out);
	if (status == ANSWER_STATUS_OK)
		return status;
	return restic_run(backup, &(const struct restic){.words = look}, &out);
}

/* Homes as they lie there; those of sessions that run too. The array ends with NULL. */
static const char **find_sources(const struct backup *backup, char (**ret_texts)[2][PATH_MAX])
{
	const char **sources = calloc(2 * BACKUP_HOMES_MAX + 4, sizeof(*sources));
	char(*texts)[2][PATH_MAX] = NULL;
	char users[PATH_MAX], mount_point[96];
	struct dirent *entry;
	size_t n = 0, k = 0;
	DIR *dir = NULL;

	if (!sources)
		return NULL;
	snprintf(users, sizeof(users), "%s/users", conf_str(backup->conf, CONF_STATE_DIR));
	if (conf_int(backup->conf, CONF_BACKUP_HOMES)) {
		texts = calloc(BACKUP_HOMES_MAX, sizeof(*texts));
		dir = opendir(users);
	}
	while (texts && dir && k < BACKUP_HOMES_MAX && (entry = readdir(dir))) {
		struct stat status;

		if (entry->d_name[0] < '1' || entry->d_name[0] > '9')
			continue;
		snprintf(texts[k][0], PATH_MAX, "%.3000s/%.64s/data", users, entry->d_name);
		snprintf(texts[k][1], PATH_MAX, "/backup/homes/%.64s", entry->d_name);
		if (lstat(texts[k][0], &status) < 0 || !S_ISDIR(status.st_mode))
			continue;
		/* bwrap cannot make its mount point in what is read-only. */
		snprintf(mount_point, sizeof(mount_point), "stage/homes/%.64s", entry->d_name);
		if (mkdirat(backup->dir, mount_point, 0700) < 0)
			continue;
		sources[n++] = texts[k][0];
		sources[n++] = texts[k][1];
		k++;
	}
	if (dir)
		closedir(dir);
	*ret_texts = texts;
	return sources;
}

static int store(const struct backup *backup, bool json, char *ret_snapshot, size_t size)
{
	static const char *const words[] = {
		"backup",  "--json",  "--host",    "lazaret",
		"--tag",   "lazaret", "--exclude", "/backup/homes/*/lock/staging",
		"/backup", NULL};
	char(*texts)[2][PATH_MAX] = NULL;
	const char **homes = find_sources(backup, &texts), *sources[2 * BACKUP_HOMES_MAX + 4];
	_cleanup_free_ char *out = NULL;
	char stage[PATH_MAX + 8];
	size_t n = 0;
	int status = ANSWER_STATUS_FAILED;
	const char *at;

	snprintf(stage, sizeof(stage), "%s/stage", backup->path);
	sources[n++] = stage;
	sources[n++] = "/backup";
	for (size_t i = 0; homes && homes[i]; i++)
		sources[n++] = homes[i];
	sources[n] = NULL;
	if (homes)
		status = restic_run(
			backup,
			&(const struct restic){.words = words, .sources = sources, .change = true},
			&out);
	free(homes);
	free(texts);
	if (status != ANSWER_STATUS_OK)
		return status;
	at = strstr(out, "\"snapshot_id\":\"");
	if (at)
		snprintf(ret_snapshot, size, "%.*s", (int)strspn(at + 15, "0123456789abcdef"),
			 at + 15);
	if (json)
		printf("{\"snapshot\":\"%s\"}\n", ret_snapshot);
	else
		printf("Backup %s was made.\n", ret_snapshot);
	return ret_snapshot[0] ? ANSWER_STATUS_OK
			       : backup_refuse("restic does not say which snapshot it has made");
}

/* What is kept: by days, weeks and months; the rest goes, and its space with it. */
static int forget(const struct backup *backup)
{
	char daily[24], weekly[24], monthly[24];
	const char *const words[] = {"forget", "--tag",          "lazaret", "--group-by",
				     "tags",   "--keep-daily",   daily,     "--keep-weekly",
				     weekly,   "--keep-monthly", monthly,   "--keep-last",
				     "1",      "--prune",        NULL};
	_cleanup_free_ char *out = NULL;

	snprintf(daily, sizeof(daily), "%lld",
		 (long long)conf_int(backup->conf, CONF_BACKUP_KEEP_DAILY));
	snprintf(weekly, sizeof(weekly), "%lld",
		 (long long)conf_int(backup->conf, CONF_BACKUP_KEEP_WEEKLY));
	snprintf(monthly, sizeof(monthly), "%lld",
		 (long long)conf_int(backup->conf, CONF_BACKUP_KEEP_MONTHLY));
	return restic_run(backup, &(const struct restic){.words = words, .change = true}, &out);
}

static int run(struct backup *backup, bool json)
{
	char snapshot[80] = "";
	int status = backup_key_make(backup);

	if (status == ANSWER_STATUS_OK)
		status = make_repository(backup);
	if (status == ANSWER_STATUS_OK)
		status = backup_stage(backup);
	if (status == ANSWER_STATUS_OK)
		status = store(backup, json, snapshot, sizeof(snapshot));
	if (backup_remove_tree(backup->dir, "stage") < 0)
		(void)backup_refuse("what was backed up cannot be removed from %s/stage",
				    backup->path);
	if (status == ANSWER_STATUS_OK)
		status = forget(backup);
	write_last(backup, status == ANSWER_STATUS_OK, snapshot);
	return status;
}

int backup_run(bool json)
{
	_cleanup_backup_ struct backup backup = {.dir = -1, .lock = -1};
	int status = backup_open(&backup);

	return status == ANSWER_STATUS_OK ? run(&backup, json) : status;
}

int backup_list(bool json)
{
	static const char *const words[] = {"snapshots", "--json", "--tag", "lazaret", NULL};
	_cleanup_backup_ struct backup backup = {.dir = -1, .lock = -1};
	_cleanup_free_ char *out = NULL;
	int status = backup_open(&backup);
	json_object *list;

	if (status == ANSWER_STATUS_OK)
		status = restic_run(&backup, &(const struct restic){.words = words}, &out);
	if (status != ANSWER_STATUS_OK)
		return status;
	list = json_tokener_parse(out);
	if (!json_object_is_type(list, json_type_array)) {
		json_object_put(list);
		return backup_refuse("restic does not say which snapshots there are");
	}
	if (json)
		puts(json_object_to_json_string_ext(list, JSON_C_TO_STRING_PLAIN));
	for (size_t i = json_object_array_length(list); !json && i > 0; i--) {
		json_object *item = json_object_array_get_idx(list, i - 1);

		printf("%.8s  %.19s\n", json_object_get_string(json_object_object_get(item, "id")),
		       json_object_get_string(json_object_object_get(item, "time")));
	}
	json_object_put(list);
	return ANSWER_STATUS_OK;
}

int backup_check(void)
{
	/* Every byte is read: what is not whole is found now and not on the day. */
	static const char *const first[] = {"check", NULL};
	static const char *const words[] = {"check", "--read-data", NULL};
	_cleanup_backup_ struct backup backup = {.dir = -1, .lock = -1};
	_cleanup_free_ char *out = NULL, *found = NULL;
	int status = backup_open(&backup);

	/* What is missing is found at once; to read it would be tried for a quarter of an hour. */
	if (status == ANSWER_STATUS_OK)
		status = restic_run(&backup, &(const struct restic){.words = first, .change = true},
				    &found);
	if (status == ANSWER_STATUS_OK)
		status = restic_run(&backup, &(const struct restic){.words = words, .change = true},
				    &out);
	if (status == ANSWER_STATUS_OK)
		puts("The backups are whole.");
	return status;
}

/* --- the schedule ----------------------------------------------------------------------------- */

/* The latest time of the schedule that is not after `now`; 0: none. */
static time_t last_time(const struct conf *conf, time_t now)
{
	time_t latest = 0;

	for (size_t i = 0; i < conf_list_len(conf, CONF_BACKUP_TIMES); i++) {
		const char *item = conf_list_item(conf, CONF_BACKUP_TIMES, i);
		struct tm day;
		time_t at;

		localtime_r(&now, &day);
		day.tm_hour = (item[0] - '0') * 10 + item[1] - '0';
		day.tm_min = (item[3] - '0') * 10 + item[4] - '0';
		day.tm_sec = 0;
		day.tm_isdst = -1;
		at = mktime(&day);
		if (at > now) {
			day.tm_mday--;
			day.tm_isdst = -1;
			at = mktime(&day);
		}
		latest = MAX(latest, at);
	}
	return latest;
}

/* When a backup was tried last; the text is what is known of it, the caller's. */
static time_t read_last(const struct backup *backup, char **ret_text)
{
	char *text;
	size_t len;

	if (fd_read_file(backup->dir, "last", 4096, &text, &len) < 0) {
		*ret_text = NULL;
		return 0;
	}
	text[strcspn(text, "\n")] = '\0';
	*ret_text = text;
	return (time_t)strtoll(text, NULL, 10);
}

int backup_due(void)
{
	_cleanup_backup_ struct backup backup = {.dir = -1, .lock = -1};
	_cleanup_conf_ struct conf *conf = NULL;
	_cleanup_free_ char *text = NULL;
	int status;

	if (files_read(0, NULL, &conf) < 0)
		return ANSWER_STATUS_FAILED;
	if (conf_list_len(conf, CONF_BACKUP_TIMES) == 0)
		return ANSWER_STATUS_OK;
	status = backup_open(&backup);
	if (status != ANSWER_STATUS_OK)
		return status;
	if (read_last(&backup, &text) >= last_time(conf, time(NULL)))
		return ANSWER_STATUS_OK;
	status = run(&backup, false);
	log_init("lazaretctl");
	if (status == ANSWER_STATUS_OK)
		log_event(LOG_INFO, "backup.made");
	else
		log_event(LOG_ERROR, "backup.failed",
			  LOG_STR("repository", conf_str(conf, CONF_BACKUP_REPOSITORY)));
	return status;
}

int backup_schedule(bool json)
{
	_cleanup_backup_ struct backup backup = {.dir = -1, .lock = -1};
	_cleanup_free_ char *last = NULL;
	int status = backup_open(&backup);
	size_t n;

	if (status != ANSWER_STATUS_OK)
		return status;
	(void)read_last(&backup, &last);
	n = conf_list_len(backup.conf, CONF_BACKUP_TIMES);
	if (json) {
		json_object *all = json_object_new_object(), *times = json_object_new_array();

		for (size_t i = 0; i < n; i++)
			json_object_array_add(times, json_object_new_string(conf_list_item(
							     backup.conf, CONF_BACKUP_TIMES, i)));
		json_object_object_add(all, "times", times);
		json_object_object_add(all, "last", json_object_new_string(last ? last : ""));
		puts(json_object_to_json_string_ext(all, JSON_C_TO_STRING_PLAIN));
		json_object_put(all);
		return ANSWER_STATUS_OK;
	}
	printf("%s", n == 0 ? "Backups are made by hand (option backup-times)." : "Every day at");
	for (size_t i = 0; i < n; i++)
		printf("%s %s", i > 0 ? "," : "",
		       conf_list_item(backup.conf, CONF_BACKUP_TIMES, i));
	printf("\nLast: %s\n", last ? strchr(last, ' ') + 1 : "never");
	return ANSWER_STATUS_OK;
}
