/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "lock/clamd.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/confine.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/logpipe.h"
#include "base/mem.h"
#include "base/str.h"
#include "lock/clamd_impl.h"

#define BACKLOG 512
/* Pause before it is started again, doubled up to the most; ms. */
#define PAUSE_MIN 500
#define PAUSE_MAX 30000
/* So many ends in a row without an answer between them: nobody waits for it any more. */
#define FAILURES_MAX 3
/* How often it is asked for its version; ms. Sooner while it is not ready. */
#define ASK_EVERY 60000
#define ASK_SOON 500
#define USEC_PER_DAY (UINT64_C(86400) * USEC_PER_SEC)

bool clamd_on(const struct clamd *clamd)
{
	return clamd->program != NULL;
}

bool clamd_settled(const struct clamd *clamd)
{
	return clamd && clamd->ready;
}

bool clamd_gave_up(const struct clamd *clamd)
{
	return !clamd->ready && clamd->failures >= FAILURES_MAX;
}

/* When the signatures were made: as clamd says; of own ones, which it says nothing of, as the folder. */
static uint64_t signed_at(const struct clamd *clamd)
{
	return clamd->version.signed_at ? clamd->version.signed_at : clamd->stamp;
}

int64_t clamd_age(const struct clamd *clamd)
{
	uint64_t at = signed_at(clamd), now = clock_wall();

	if (!clamd->ready || at == 0)
		return -1;
	return now > at ? (int64_t)((now - at) / USEC_PER_SEC) : 0;
}

bool clamd_is_old(const struct clamd *clamd)
{
	uint64_t at = signed_at(clamd);

	return clamd->age_max > 0 && clock_wall() > at + (uint64_t)clamd->age_max * USEC_PER_DAY;
}

const char *clamd_state(const struct clamd *clamd)
{
	if (!clamd_on(clamd))
		return "off";
	if (clamd->ready)
		return clamd_is_old(clamd) ? "old" : "ready";
	return clamd_gave_up(clamd) ? "failed" : "starting";
}

const char *clamd_version(const struct clamd *clamd)
{
	return clamd->version.text;
}

/* --- signatures ------------------------------------------------------------------------------- */

static uint64_t time_of(const struct stat *status)
{
	return (uint64_t)status->st_mtim.tv_sec * USEC_PER_SEC +
	       (uint64_t)status->st_mtim.tv_nsec / 1000;
}

/* The latest change of a file or of the folder; 0: it cannot be read. */
static uint64_t latest_change(const char *folder)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;
	struct stat status;
	uint64_t latest = 0;

	if (!dir)
		return 0;
	while ((entry = readdir(dir))) {
		/* What freshclam and the service manager write beside them is none. */
		if (entry->d_name[0] == '.' || !strcmp(entry->d_name, "freshclam.dat") ||
		    fstatat(dirfd(dir), entry->d_name, &status, AT_SYMLINK_NOFOLLOW) < 0 ||
		    !S_ISREG(status.st_mode))
			continue;
		latest = MAX(latest, time_of(&status));
	}
	closedir(dir);
	return latest;
}

void clamd_look_at_signatures(struct clamd *clamd)
{
	uint64_t stamp = latest_change(clamd->signatures);

	if (stamp == clamd->stamp)
		return;
	clamd->stamp = stamp;
	if (clamd->ready)
		clamd_reload(clamd);
	clamd->changed(clamd->data);
}

void clamd_take_version(struct clamd *clamd, const struct clamd_version *version)
{
	bool other = !str_eq(version->text, clamd->version.text);

	clamd->version = *version;
	/* With it unready still: what it says first is what it has loaded just now. */
	if (other)
		clamd->changed(clamd->data);
	if (!clamd->ready)
		log_event(LOG_INFO, "scanner.ready", LOG_STR("version", version->text));
	clamd->ready = true;
	clamd->failures = 0;
}

/* --- its program ------------------------------------------------------------------------------ */

static int write_config(const struct clamd *clamd)
{
	_cleanup_fd_ int dir = open(clamd->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	_cleanup_free_ char *text = NULL;
	int n;

	if (dir < 0)
		return -errno;
	/*
	 * Each limit that ends a scan early without an alert is as large as the file may be; the others
	 * are those of the lock. Recursion counts what ClamAV makes of a file itself, too.
	 */
	n = asprintf(&text,
		     "Foreground yes\n"
		     "LocalSocket %s/" CLAMD_SOCKET "\n"
		     "DatabaseDirectory %s\n"
		     "TemporaryDirectory %s\n"
		     "MaxThreads %lld\n"
		     "MaxQueue 4096\n"
		     "SelfCheck 60\n"
		     "ExitOnOOM yes\n"
		     "AlertExceedsMax yes\n"
		     "MaxFileSize %llu\n"
		     "StreamMaxLength %llu\n"
		     "MaxScanSize 4294967295\n"
		     "MaxEmbeddedPE %llu\n"
		     "MaxHTMLNormalize 1G\n"
		     "MaxHTMLNoTags 1G\n"
		     "MaxScriptNormalize 1G\n"
		     "MaxZipTypeRcg 1G\n"
		     "PCREMaxFileSize %llu\n"
		     "MaxFiles %lld\n"
		     "MaxRecursion %lld\n"
		     "MaxScanTime %lld\n",
		     clamd->folder, clamd->signatures, clamd->temporary,
		     (long long)clamd->threads + 1, (unsigned long long)CLAMD_FILE_MAX,
		     (unsigned long long)CLAMD_FILE_MAX, (unsigned long long)CLAMD_FILE_MAX,
		     (unsigned long long)CLAMD_FILE_MAX, (long long)clamd->members,
		     (long long)clamd->depth * 2 + 8, (long long)clamd->scan_time * 1000);
	if (n < 0) {
		text = NULL;
		return -ENOMEM;
	}
	return fd_write_file_atomic(dir, CLAMD_CONFIG, 0644, text, (size_t)n);
}

static int handle_end(int fd, uint32_t mask, void *data)
{
	struct clamd *clamd = data;
	int status = 0, pause;
	char how[64];

	(void)fd;
	(void)mask;
	if (child_reap(&clamd->child, &status) < 0)
		return 0;
	wl_event_source_remove(clamd->end);
	clamd->end = NULL;
	logpipe_destroy(STEAL(clamd->log));
	clamd->failures = clamd->ready ? 1 : clamd->failures + 1;
	clamd->ready = false;
	pause = MIN(PAUSE_MIN << MIN(clamd->failures, 8), PAUSE_MAX);
	child_describe(status, how, sizeof(how));
	log_event(LOG_ERROR, "scanner.died", LOG_STR("program", clamd->program),
		  LOG_STR("how", how), LOG_INT("restart_ms", pause));
	wl_event_source_timer_update(clamd->timer, pause);
	if (clamd_gave_up(clamd))
		clamd_scans_fail(clamd);
	return 0;
}

static int launch(struct clamd *clamd)
{
	char config[PATH_MAX], uid_text[16], gid_text[16];
	const char *argv[] = {clamd->helper,  "clamd",         uid_text, gid_text,
			      clamd->program, "--config-file", config,   NULL};
	_cleanup_fd_ int log = -1;
	uid_t uid;
	gid_t gid;
	int r = confine_lookup(clamd->user, &uid, &gid);

	if (r == 0)
		r = write_config(clamd);
	if (r == 0)
		r = logpipe_create(clamd->loop, "clamd", LOG_DEBUG, &clamd->log, &log);
	if (r < 0)
		return r;
	snprintf(uid_text, sizeof(uid_text), "%u", (unsigned int)uid);
	snprintf(gid_text, sizeof(gid_text), "%u", (unsigned int)gid);
	snprintf(config, sizeof(config), "%s/" CLAMD_CONFIG, clamd->folder);
	/* What it unpacks; nothing of it outlives it. */
	if ((mkdir(clamd->temporary, 0700) < 0 && errno != EEXIST) ||
	    lchown(clamd->temporary, uid, gid) < 0)
		return -errno;
	clamd_clear(clamd->temporary);
	r = spawn(&(const struct spawn){.path = argv[0],
					.argv = argv,
					.fds = &clamd->socket,
					.n_fds = 1,
					.stdout_fd = log,
					.stderr_fd = log,
					.die_with_parent = true},
		  &clamd->child);
	if (r < 0)
		return r;
	logpipe_set_pid(clamd->log, clamd->child.pid);
	clamd->since = clock_now();
	clamd->end = wl_event_loop_add_fd(clamd->loop, clamd->child.pidfd, WL_EVENT_READABLE,
					  handle_end, clamd);
	return clamd->end ? 0 : -ENOMEM;
}

static int handle_timer(void *data)
{
	struct clamd *clamd = data;
	int r = clamd->child.pid > 0 ? 0 : launch(clamd);

	if (r < 0) {
		clamd->failures++;
		log_event(LOG_ERROR, "scanner.unstartable", LOG_STR("program", clamd->program),
			  LOG_ERR(r));
		logpipe_destroy(STEAL(clamd->log));
		wl_event_source_timer_update(clamd->timer, PAUSE_MAX);
		if (clamd_gave_up(clamd))
			clamd_scans_fail(clamd);
		return 0;
	}
	clamd_look_at_signatures(clamd);
	clamd_ask_version(clamd);
	wl_event_source_timer_update(clamd->timer, clamd->ready ? ASK_EVERY : ASK_SOON);
	return 0;
}

static int listen_at(const char *folder)
{
	_cleanup_fd_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	if (fd < 0)
		return -errno;
	if ((size_t)snprintf(address.sun_path, sizeof(address.sun_path), "%s/" CLAMD_SOCKET,
			     folder) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	(void)unlink(address.sun_path);
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 || listen(fd, BACKLOG) < 0)
		return -errno;
	return FD_STEAL(fd);
}

static void end(struct clamd *clamd)
{
	clamd_scans_fail(clamd);
	if (clamd->end)
		wl_event_source_remove(clamd->end);
	clamd->end = NULL;
	child_kill(&clamd->child);
	logpipe_destroy(STEAL(clamd->log));
	clamd->socket = fd_close(clamd->socket);
	wl_event_source_timer_update(clamd->timer, 0);
	free(STEAL(clamd->program));
	free(STEAL(clamd->user));
	free(STEAL(clamd->signatures));
	free(STEAL(clamd->folder));
	free(STEAL(clamd->temporary));
	free(STEAL(clamd->helper));
	clamd->ready = false;
	clamd->failures = 0;
	clamd->version = (struct clamd_version){0};
}

static int take_settings(struct clamd *clamd, const struct conf *conf)
{
	clamd->program = strdup(conf_str(conf, CONF_LOCK_CLAMD));
	clamd->user = strdup(conf_str(conf, CONF_LOCK_CLAMD_USER));
	clamd->signatures = strdup(conf_str(conf, CONF_LOCK_SIGNATURES));
	if (asprintf(&clamd->folder, "%s/" CLAMD_FOLDER, conf_str(conf, CONF_RUNTIME_DIR)) < 0)
		clamd->folder = NULL;
	if (asprintf(&clamd->temporary, "%s/lock/clamd", conf_str(conf, CONF_STATE_DIR)) < 0)
		clamd->temporary = NULL;
	if (asprintf(&clamd->helper, "%s/lazaret-scanner", conf_str(conf, CONF_LIBEXEC_DIR)) < 0)
		clamd->helper = NULL;
	clamd->threads = conf_int(conf, CONF_LOCK_CHECKS);
	clamd->scan_time = conf_int(conf, CONF_LOCK_SCAN_TIME);
	clamd->depth = conf_int(conf, CONF_LOCK_ARCHIVE_DEPTH);
	clamd->members = conf_int(conf, CONF_LOCK_ARCHIVE_MEMBERS);
	return clamd->program && clamd->user && clamd->signatures && clamd->folder &&
			       clamd->temporary && clamd->helper
		       ? 0
		       : -ENOMEM;
}

static void begin(struct clamd *clamd, const struct conf *conf)
{
	int r = take_settings(clamd, conf);

	/* The scanner's account passes through, to its configuration. */
	if (r == 0 && mkdir(clamd->folder, 0711) < 0 && errno != EEXIST)
		r = -errno;
	if (r == 0 && chmod(clamd->folder, 0711) < 0)
		r = -errno;
	if (r == 0)
		r = clamd->socket = listen_at(clamd->folder);
	if (r < 0) {
		log_event(LOG_ERROR, "scanner.unstartable",
			  LOG_STR("program", conf_str(conf, CONF_LOCK_CLAMD)), LOG_ERR(r));
		clamd->failures = FAILURES_MAX;
		return;
	}
	wl_event_source_timer_update(clamd->timer, 1);
}

static bool same(const struct clamd *clamd, const struct conf *conf)
{
	return clamd->program && str_eq(clamd->program, conf_str(conf, CONF_LOCK_CLAMD)) &&
	       str_eq(clamd->user, conf_str(conf, CONF_LOCK_CLAMD_USER)) &&
	       str_eq(clamd->signatures, conf_str(conf, CONF_LOCK_SIGNATURES)) &&
	       clamd->threads == conf_int(conf, CONF_LOCK_CHECKS) &&
	       clamd->scan_time == conf_int(conf, CONF_LOCK_SCAN_TIME) &&
	       clamd->depth == conf_int(conf, CONF_LOCK_ARCHIVE_DEPTH) &&
	       clamd->members == conf_int(conf, CONF_LOCK_ARCHIVE_MEMBERS);
}

void clamd_configure(struct clamd *clamd, const struct conf *conf)
{
	clamd->age_max = conf_int(conf, CONF_LOCK_SIGNATURE_AGE);
	if (same(clamd, conf))
		return;
	end(clamd);
	if (conf_str(conf, CONF_LOCK_CLAMD)[0])
		begin(clamd, conf);
	clamd->changed(clamd->data);
}

int clamd_create(struct wl_event_loop *loop, const struct conf *conf, void (*changed)(void *data),
		 void *data, struct clamd **ret_clamd)
{
	struct clamd *clamd = calloc(1, sizeof(*clamd));

	if (!clamd)
		return -ENOMEM;
	clamd->loop = loop;
	clamd->socket = -1;
	clamd->child.pidfd = -1;
	clamd->changed = changed;
	clamd->data = data;
	wl_list_init(&clamd->scans);
	clamd->timer = wl_event_loop_add_timer(loop, handle_timer, clamd);
	if (!clamd->timer) {
		free(clamd);
		return -ENOMEM;
	}
	*ret_clamd = clamd;
	clamd_configure(clamd, conf);
	return 0;
}

void clamd_destroy(struct clamd *clamd)
{
	if (!clamd)
		return;
	end(clamd);
	wl_event_source_remove(clamd->timer);
	free(clamd);
}
