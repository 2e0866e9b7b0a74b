/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "monitor/sshd.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/logpipe.h"
#include "base/mem.h"
#include "base/spawn.h"
#include "base/str.h"
#include "monitor/control.h"
#include "lock/mount.h"
#include "monitor/handover.h"
#include "monitor/limits.h"
#include "monitor/monitor.h"
#include "net/contract.h"
#include "net/env.h"
#include "ssh/folder.h"
#include "ssh/sshd_config.h"

#define PROGRAM "/usr/sbin/sshd"
#define KEYGEN "/usr/bin/ssh-keygen"
/* Where OpenSSH, as it was built, wants its unprivileged half to live. */
#define PRIVSEP "/run/sshd"
/* Below the runtime directory. */
static const char *const folders[] = {
	[SSHD_ADMINISTRATION] = "ssh",
	[SSHD_FILES] = "ssh-files",
};
#define NEXT "sshd_config.next"
#define CONFIG "sshd_config"
#define BANNER "banner"
/* Of the path "sftp"; the table of paths says the same. */
#define SFTP_PORT 22
#define TEXT_MAX (1 << 20)

enum step {
	STEP_IDLE, /* off, or waiting for the timer */
	STEP_KEYS, /* ssh-keygen makes a host key */
	STEP_CHECK, /* sshd reads its configuration and says whether it would do */
	STEP_RUN,
	STEP_FAILED, /* until the configuration is loaded again */
};

struct sshd {
	struct monitor *monitor;
	enum sshd_kind kind;
	bool files; /* it serves SFTP, alone or beside administration */
	char *wanted; /* its configuration; NULL: off */
	uint16_t port;
	char state[24];
	bool changed; /* since the step began */
	enum step step;
	struct child child;
	struct wl_event_source *end, *timer;
	int pause; /* ms, before it is started again */
	uint64_t since; /* monotonic us */
	struct logpipe *log;
	int log_fd;
};

static void begin(struct sshd *sshd);

static void fail(struct sshd *sshd, const char *reason, int error)
{
	sshd->step = STEP_FAILED;
	log_event(LOG_ERROR, "ssh.unusable", LOG_INT("port", sshd->port), LOG_STR("reason", reason),
		  LOG_ERR(error));
}

/* --- its processes ---------------------------------------------------------------------------- */

static void start_later(struct sshd *sshd)
{
	if (clock_now() - sshd->since > SIBLING_STEADY * USEC_PER_SEC)
		sshd->pause = SIBLING_PAUSE_MIN;
	wl_event_source_timer_update(sshd->timer, sshd->pause);
	sshd->pause = MIN(sshd->pause * 2, SIBLING_PAUSE_MAX);
}

static int handle_timer(void *data)
{
	struct sshd *sshd = data;

	if (sshd->step == STEP_IDLE)
		begin(sshd);
	return 0;
}

static int launch(struct sshd *sshd, enum step step, const char *const *argv);

static const char *pam_service(const struct sshd *sshd)
{
	return conf_str(sshd->monitor->conf,
			sshd->files ? CONF_SFTP_PAM_SERVICE : CONF_ADMIN_PAM_SERVICE);
}

static void run(struct sshd *sshd)
{
	char service[PATH_MAX], config[PATH_MAX];
	const char *dir = conf_str(sshd->monitor->conf, CONF_RUNTIME_DIR);
	int r;

	/* The name by which sshd is called is that of its PAM service. */
	snprintf(service, sizeof(service), "%s/%s/%s", dir, folders[sshd->kind], pam_service(sshd));
	snprintf(config, sizeof(config), "%s/%s/" CONFIG, dir, folders[sshd->kind]);
	sshd->since = clock_now();
	r = launch(sshd, STEP_RUN, (const char *const[]){service, "-D", "-e", "-f", config, NULL});
	if (r < 0)
		fail(sshd, "sshd cannot be started; is openssh-server installed?", r);
	else
		log_event(LOG_INFO, "ssh.started", LOG_INT("port", sshd->port),
			  LOG_INT("pid", sshd->child.pid));
}

static int take_config(const struct sshd *sshd)
{
	int dir = openat(sshd->monitor->runtime_fd, folders[sshd->kind],
			 O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r;

	if (dir < 0)
		return -errno;
	r = renameat(dir, NEXT, dir, CONFIG) < 0 ? -errno : 0;
	fd_close(dir);
	return r;
}

static void handle_died(struct sshd *sshd, int status)
{
	char how[64];

	child_describe(status, how, sizeof(how));
	log_event(LOG_ERROR, "ssh.died", LOG_INT("port", sshd->port), LOG_STR("how", how),
		  LOG_INT("restart_ms", sshd->pause));
	sshd->step = STEP_IDLE;
	start_later(sshd);
}

static int handle_end(int fd, uint32_t mask, void *data)
{
	struct sshd *sshd = data;
	int status = 0;

	(void)fd;
	(void)mask;
	if (child_reap(&sshd->child, &status) < 0)
		return 0;
	wl_event_source_remove(sshd->end);
	sshd->end = NULL;
	if (sshd->changed) {
		begin(sshd);
		return 0;
	}
	switch (sshd->step) {
	case STEP_KEYS:
		if (status == 0)
			begin(sshd);
		else
			fail(sshd, "ssh-keygen could not make a host key, see above", 0);
		break;
	case STEP_CHECK:
		if (status != 0)
			fail(sshd, "sshd does not take its configuration, see above", 0);
		else if (take_config(sshd) < 0)
			fail(sshd, "its configuration cannot be put in place", -errno);
		else
			run(sshd);
		break;
	default:
		handle_died(sshd, status);
	}
	return 0;
}

static int launch(struct sshd *sshd, enum step step, const char *const *argv)
{
	int r = spawn(&(const struct spawn){.path = argv[0],
					    .argv = argv,
					    .stderr_fd = sshd->log_fd,
					    .die_with_parent = true},
		      &sshd->child);

	if (r < 0)
		return r;
	sshd->end = wl_event_loop_add_fd(sshd->monitor->loop, sshd->child.pidfd, WL_EVENT_READABLE,
					 handle_end, sshd);
	if (!sshd->end) {
		child_kill(&sshd->child);
		return -ENOMEM;
	}
	logpipe_set_pid(sshd->log, sshd->child.pid);
	sshd->step = step;
	return 0;
}

/* --- getting ready ---------------------------------------------------------------------------- */

static int make_folder(int dir, const char *path, mode_t mode)
{
	if (mkdirat(dir, path, mode) < 0 && errno != EEXIST)
		return -errno;
	return 0;
}

/* The program under its name, the banner, and the configuration to be checked. */
static int write_runtime(const struct sshd *sshd, const char **ret_reason)
{
	const struct conf *conf = sshd->monitor->conf;
	const char *service = pam_service(sshd);
	const char *banner = conf_str(conf, CONF_ADMIN_BANNER);
	_cleanup_free_ char *line = NULL;
	_cleanup_fd_ int dir = -1;
	int r = make_folder(sshd->monitor->runtime_fd, folders[sshd->kind], 0755);

	*ret_reason = "a folder below the runtime-directory cannot be written";
	if (r < 0)
		return r;
	dir = openat(sshd->monitor->runtime_fd, folders[sshd->kind],
		     O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (dir < 0)
		return -errno;
	if ((unlinkat(dir, service, 0) < 0 && errno != ENOENT) ||
	    symlinkat(PROGRAM, dir, service) < 0)
		return -errno;
	if (asprintf(&line, "%s\n", banner) < 0) {
		line = NULL;
		return -ENOMEM;
	}
	r = fd_write_file_atomic(dir, BANNER, 0644, line, strlen(line));
	if (r == 0)
		r = fd_write_file_atomic(dir, NEXT, 0600, sshd->wanted, strlen(sshd->wanted));
	if (r == 0) {
		*ret_reason = "the folder " PRIVSEP " cannot be made";
		r = make_folder(AT_FDCWD, PRIVSEP, 0755);
	}
	return r;
}

/* Starts to make the first host key that is missing; 0 when none is. */
static int make_keys(struct sshd *sshd)
{
	static const char *const kinds[] = SSHD_HOST_KEYS;
	const char *dir = conf_str(sshd->monitor->conf, CONF_SSH_DIR);

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		char path[PATH_MAX];
		int r;

		snprintf(path, sizeof(path), "%s/host_%s", dir, kinds[i]);
		if (access(path, F_OK) == 0)
			continue;
		r = launch(sshd, STEP_KEYS,
			   (const char *const[]){KEYGEN, "-q", "-t", kinds[i], "-N", "", "-C",
						 "lazaret", "-f", path, NULL});
		return r < 0 ? r : 1;
	}
	return 0;
}

static void check(struct sshd *sshd)
{
	char config[PATH_MAX];
	const char *reason;
	int r = write_runtime(sshd, &reason);

	if (r == 0) {
		reason = "sshd cannot be started; is openssh-server installed?";
		snprintf(config, sizeof(config), "%s/%s/" NEXT,
			 conf_str(sshd->monitor->conf, CONF_RUNTIME_DIR), folders[sshd->kind]);
		r = launch(sshd, STEP_CHECK,
			   (const char *const[]){PROGRAM, "-t", "-f", config, NULL});
	}
	if (r < 0)
		fail(sshd, reason, r);
}

static void begin(struct sshd *sshd)
{
	char reason[SSH_REASON_MAX];
	int r;

	sshd->changed = false;
	if (!sshd->wanted)
		return;
	sshd->step = STEP_IDLE;
	r = ssh_folder_check(conf_str(sshd->monitor->conf, CONF_SSH_DIR), reason);
	if (r < 0) {
		fail(sshd, reason, r);
		return;
	}
	r = make_keys(sshd);
	if (r < 0)
		fail(sshd, "ssh-keygen cannot be started; is openssh-client installed?", r);
	else if (r == 0)
		check(sshd);
}

/* --- what is wanted --------------------------------------------------------------------------- */

/* What a server is asked to do; NULL for what it does not serve. */
struct wish {
	const struct network_list *administrators, *workstations;
	uint16_t port;
};

static int describe(struct sshd *sshd, const struct wish *wish, char **ret_text)
{
	const struct monitor *monitor = sshd->monitor;
	const char *dir = conf_str(monitor->conf, CONF_RUNTIME_DIR);
	char command[PATH_MAX], control[PATH_MAX], banner[PATH_MAX], views[PATH_MAX];
	const struct sshd_spec spec = {
		.conf = monitor->conf,
		.port = wish->port,
		.administrators = wish->administrators,
		.workstations = wish->workstations,
		.command = command,
		.control = control,
		.views = views,
		.banner = conf_str(monitor->conf, CONF_ADMIN_BANNER)[0] && wish->administrators
				  ? banner
				  : NULL,
	};
	_cleanup_free_ char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	if (!out)
		return -ENOMEM;
	str_copy(command, sizeof(command), monitor_program(monitor, "lazaret-admin"));
	snprintf(control, sizeof(control), "%s/" CONTROL_SOCKET, dir);
	snprintf(views, sizeof(views), "%s/" MOUNT_FOLDER, dir);
	snprintf(banner, sizeof(banner), "%s/%s/" BANNER, dir, folders[sshd->kind]);
	sshd_config_write(&spec, out);
	/* So that another banner or service is seen as another configuration. */
	fprintf(out, "# %s: %s\n", pam_service(sshd), conf_str(monitor->conf, CONF_ADMIN_BANNER));
	if (fclose(out) != 0)
		return -ENOMEM;
	*ret_text = STEAL(text);
	return 0;
}

static bool has_roles(const struct conf *conf)
{
	for (unsigned int i = 0; i < ROLE_COUNT; i++) {
		if (role_group(conf, (enum role_index)i)[0])
			return true;
	}
	return false;
}

/* One port, one server: where both are wanted on one, that of administration serves both. */
static int divide(struct sshd *sshd, const struct contract *contract, struct wish *ret_wish)
{
	const struct conf *conf = sshd->monitor->conf;
	bool admin = contract->paths[PATH_ADMIN].on, files = contract->paths[PATH_SFTP].on;
	bool usable = contract->administration.n > 0 && has_roles(conf);
	bool shared = admin && usable && files && contract->admin_port == SFTP_PORT;
	bool mine = sshd->kind == SSHD_ADMINISTRATION ? admin : files && !shared;

	*ret_wish = (struct wish){.port = sshd->kind == SSHD_ADMINISTRATION ? contract->admin_port
									    : SFTP_PORT};
	sshd->files = files && (shared || sshd->kind == SSHD_FILES);
	sshd->port = ret_wish->port;
	if (!mine)
		return 0;
	if (sshd->kind == SSHD_ADMINISTRATION) {
		if (contract->administration.n == 0)
			return -ENODATA;
		if (!has_roles(conf))
			return -ENOENT;
		ret_wish->administrators = &contract->administration;
	}
	if (sshd->files) {
		if (contract->workstations.n == 0)
			return -ENODATA;
		ret_wish->workstations = &contract->workstations;
	}
	return 1;
}

static int read_wanted(struct sshd *sshd, char **ret_text)
{
	_cleanup_contract_ struct contract *contract = NULL;
	_cleanup_env_ struct env_host host = {0};
	_cleanup_free_ char *said = NULL;
	struct wish wish;
	size_t len;
	FILE *errors;
	int r = contract_env_host(&host);

	if (r < 0)
		return r;
	errors = open_memstream(&said, &len);
	if (!errors)
		return -ENOMEM;
	r = contract_create(sshd->monitor->conf, CONTRACT_CELLS, &host.env, errors, &contract);
	fclose(errors);
	/* What is wrong with it was said when it was read. */
	if (r < 0)
		return r;
	r = divide(sshd, contract, &wish);
	return r <= 0 ? r : describe(sshd, &wish, ret_text);
}

void sshd_configure(struct sshd *sshd)
{
	_cleanup_free_ char *wanted = NULL;
	int r = read_wanted(sshd, &wanted);
	bool same = wanted && sshd->wanted && str_eq(wanted, sshd->wanted);

	if (same && sshd->step != STEP_FAILED && sshd->step != STEP_IDLE)
		return;
	free(sshd->wanted);
	sshd->wanted = STEAL(wanted);
	sshd->pause = SIBLING_PAUSE_MIN;
	sshd->step = STEP_IDLE;
	if (sshd->child.pid > 0) {
		/* Its end is where it goes on. */
		sshd->changed = true;
		child_signal(&sshd->child, SIGTERM);
	} else {
		begin(sshd);
	}
	if (r == -ENODATA)
		fail(sshd,
		     sshd->kind == SSHD_FILES
			     ? "zone-workstations names no network: nobody could connect"
			     : "a zone names no network (zone-administration, with SFTP on the "
			       "same "
			       "port also zone-workstations): nobody could connect",
		     0);
	else if (r == -ENOENT)
		fail(sshd,
		     "no role has a group (options role-config and so on): nobody could log in", 0);
	else if (r < 0)
		fail(sshd, "its configuration cannot be made", r);
}

const char *sshd_state(struct sshd *sshd)
{
	if (!sshd || sshd->step == STEP_FAILED)
		return "failed";
	if (!sshd->wanted)
		return "off";
	if (sshd->step != STEP_RUN)
		return "starting";
	snprintf(sshd->state, sizeof(sshd->state), "port %u", sshd->port);
	return sshd->state;
}

const char *sshd_files_state(const struct monitor *monitor)
{
	struct sshd *both = monitor->sshd;

	return sshd_state(both && both->files && both->wanted ? both : monitor->sftp_sshd);
}

int sshd_create(struct monitor *monitor, enum sshd_kind kind, struct sshd **ret_sshd)
{
	struct sshd *sshd = calloc(1, sizeof(*sshd));
	int r;

	if (!sshd)
		return -ENOMEM;
	sshd->monitor = monitor;
	sshd->kind = kind;
	sshd->child.pidfd = -1;
	sshd->log_fd = -1;
	sshd->timer = wl_event_loop_add_timer(monitor->loop, handle_timer, sshd);
	/*
	 * One for all of them: connections go on writing after their listener has ended. They say who
	 * logs in.
	 */
	r = sshd->timer
		    ? logpipe_create(monitor->loop, "sshd", LOG_AUDIT, &sshd->log, &sshd->log_fd)
		    : -ENOMEM;
	if (r < 0) {
		sshd_destroy(sshd);
		return r;
	}
	*ret_sshd = sshd;
	sshd_configure(sshd);
	return 0;
}

int sshd_save(const struct sshd *sshd, struct handover *handover)
{
	struct handover_sshd *part = &handover->ssh[sshd->kind];

	part->log = logpipe_fd(sshd->log);
	part->log_writer = sshd->log_fd;
	part->port = sshd->port;
	/* What only got ready begins anew. */
	if (sshd->step != STEP_RUN || sshd->changed)
		return handover_add_leftover(handover, &sshd->child);
	part->pid = (uint32_t)sshd->child.pid;
	part->pidfd = sshd->child.pidfd;
	return handover_text(&part->config, sshd->wanted);
}

static int take_running(struct sshd *sshd, const struct handover_sshd *part)
{
	int r = handover_text(&sshd->wanted, part->config);

	sshd->child = (struct child){.pid = (pid_t)part->pid, .pidfd = part->pidfd};
	sshd->port = (uint16_t)part->port;
	sshd->step = STEP_RUN;
	sshd->since = clock_now();
	logpipe_set_pid(sshd->log, sshd->child.pid);
	sshd->end = wl_event_loop_add_fd(sshd->monitor->loop, sshd->child.pidfd, WL_EVENT_READABLE,
					 handle_end, sshd);
	return r < 0 ? r : sshd->end ? 0 : -ENOMEM;
}

int sshd_restore(struct monitor *monitor, enum sshd_kind kind, const struct handover *handover,
		 struct sshd **ret_sshd)
{
	const struct handover_sshd *part = &handover->ssh[kind];
	struct sshd *sshd;
	int r;

	if (part->log < 0 || part->log_writer < 0)
		return sshd_create(monitor, kind, ret_sshd);
	sshd = calloc(1, sizeof(*sshd));
	if (!sshd)
		return -ENOMEM;
	*ret_sshd = sshd;
	sshd->monitor = monitor;
	sshd->kind = kind;
	sshd->child.pidfd = -1;
	sshd->log_fd = part->log_writer;
	sshd->pause = SIBLING_PAUSE_MIN;
	sshd->timer = wl_event_loop_add_timer(monitor->loop, handle_timer, sshd);
	r = sshd->timer ? logpipe_adopt(monitor->loop, "sshd", LOG_AUDIT, part->log, &sshd->log)
			: -ENOMEM;
	if (r == 0 && part->pid != 0)
		r = take_running(sshd, part);
	if (r == 0)
		sshd_configure(sshd);
	return r;
}

void sshd_destroy(struct sshd *sshd)
{
	if (!sshd)
		return;
	if (sshd->end)
		wl_event_source_remove(sshd->end);
	if (sshd->timer)
		wl_event_source_remove(sshd->timer);
	child_kill(&sshd->child);
	fd_close(sshd->log_fd);
	logpipe_destroy(sshd->log);
	free(sshd->wanted);
	free(sshd);
}

static void clear_folder(const struct monitor *monitor, const char *folder)
{
	const char *const files[] = {NEXT, CONFIG, BANNER,
				     conf_str(monitor->conf, CONF_ADMIN_PAM_SERVICE),
				     conf_str(monitor->conf, CONF_SFTP_PAM_SERVICE)};
	_cleanup_fd_ int dir = openat(monitor->runtime_fd, folder,
				      O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

	for (size_t i = 0; dir >= 0 && i < ARRAY_LEN(files); i++)
		(void)unlinkat(dir, files[i], 0);
	(void)unlinkat(monitor->runtime_fd, folder, AT_REMOVEDIR);
}

void sshd_clear(const struct monitor *monitor)
{
	for (size_t i = 0; i < ARRAY_LEN(folders); i++)
		clear_folder(monitor, folders[i]);
}
