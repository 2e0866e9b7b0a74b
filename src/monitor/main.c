/* SPDX-License-Identifier: GPL-3.0-or-later */
/* lazaretd: see monitor.h for what is where. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/spawn.h"
#include "base/str.h"
#include "cell/cgroup.h"
#include "monitor/checkd.h"
#include "monitor/age.h"
#include "monitor/client.h"
#include "monitor/control.h"
#include "monitor/frontdoor.h"
#include "monitor/keyd.h"
#include "monitor/limits.h"
#include "monitor/maintenance.h"
#include "monitor/monitor.h"
#include "monitor/monitor.h"
#include "monitor/netd.h"
#include "monitor/reload.h"
#include "monitor/remains.h"
#include "monitor/retired.h"
#include "monitor/runtime.h"
#include "monitor/session.h"
#include "monitor/setup.h"
#include "monitor/sftp.h"
#include "monitor/sshd.h"
#include "monitor/throttle.h"
#include "monitor/tool.h"
#include "monitor/upgrade.h"
#include "monitor/who.h"

#define FILES_MAX 16
/* More descriptors than this help nobody and slow down what walks through them. */
#define FILES_WANTED 65536

enum action { ACTION_RUN, ACTION_CHECK, ACTION_DUMP, ACTION_TRIAL };

static void usage(FILE *out)
{
	fputs("usage: lazaretd [-f FILE]... [--ready-file PATH]\n"
	      "       lazaretd [-f FILE]... --check | --dump\n"
	      "       lazaretd --version | --help\n\n"
	      "  -f, --file FILE     read this configuration; several are read in order\n"
	      "                      (default: " CONF_PATH ")\n"
	      "      --ready-file P  make the file P when viewers can connect\n"
	      "      --check         check the configuration and exit\n"
	      "      --dump          print the whole configuration and exit\n",
	      out);
}

struct options {
	const char *files[FILES_MAX];
	size_t n_files;
	const char *ready_file;
	enum action action;
	int handover; /* -1: none */
	bool returned;
};

/* 0: go on; otherwise *ret_status is how to exit. */
static int parse_options(int argc, char **argv, struct options *options, int *ret_status)
{
	static const struct option longs[] = {
		{"file", required_argument, NULL, 'f'},
		{"ready-file", required_argument, NULL, 'r'},
		{"check", no_argument, NULL, 'c'},
		{"dump", no_argument, NULL, 'd'},
		/* What lazaretd says to itself: upgrade.h. */
		{"check-upgrade", no_argument, NULL, 't'},
		{"upgraded", required_argument, NULL, 'u'},
		{"returned", no_argument, NULL, 'b'},
		{"version", no_argument, NULL, 'V'},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	int c;

	while ((c = getopt_long(argc, argv, "f:h", longs, NULL)) >= 0) {
		switch (c) {
		case 'f':
			if (options->n_files == FILES_MAX) {
				fprintf(stderr, "lazaretd: at most %d files\n", FILES_MAX);
				*ret_status = 2;
				return -1;
			}
			options->files[options->n_files++] = optarg;
			break;
		case 'r':
			options->ready_file = optarg;
			break;
		case 'c':
			options->action = ACTION_CHECK;
			break;
		case 'd':
			options->action = ACTION_DUMP;
			break;
		case 't':
			options->action = ACTION_TRIAL;
			break;
		case 'u':
			options->handover = (int)strtol(optarg, NULL, 10);
			break;
		case 'b':
			options->returned = true;
			break;
		case 'V':
			puts("lazaretd " LAZARET_VERSION);
			*ret_status = 0;
			return -1;
		default:
			usage(c == 'h' ? stdout : stderr);
			*ret_status = c == 'h' ? 0 : 2;
			return -1;
		}
	}
	if (optind < argc) {
		fprintf(stderr, "lazaretd: unexpected argument \"%s\"\n", argv[optind]);
		*ret_status = 2;
		return -1;
	}
	if (options->n_files == 0)
		options->files[options->n_files++] = CONF_PATH;
	return 0;
}

static int handle_signal(int sig, void *data)
{
	struct monitor *monitor = data;

	switch (sig) {
	case SIGHUP:
		/* What is wrong was logged. */
		monitor_reload(monitor, NULL);
		break;
	case SIGINT:
		log_event(LOG_INFO, "monitor.shutdown", LOG_STR("signal", "INT"));
		monitor_shutdown(monitor);
		break;
	case SIGTERM:
		/* systemd sends it after what ExecStop= has begun, which has its own time limit. */
		if (monitor->phase == MONITOR_ENDING)
			break;
		/* Sessions go on: the next lazaretd finds them. */
		log_event(LOG_INFO, "monitor.leaving", LOG_INT("sessions", session_count(monitor)));
		monitor->stop = true;
		break;
	}
	return 0;
}

static int watch_signals(struct monitor *monitor)
{
	static const int signals[] = {SIGHUP, SIGINT, SIGTERM};

	(void)signal(SIGPIPE, SIG_IGN);
	for (size_t i = 0; i < ARRAY_LEN(signals); i++) {
		monitor->signals[i] = wl_event_loop_add_signal(monitor->loop, signals[i],
							       handle_signal, monitor);
		if (!monitor->signals[i])
			return -ENOMEM;
	}
	return 0;
}

static void raise_limits(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return;
	limit.rlim_cur = MIN(limit.rlim_max, (rlim_t)FILES_WANTED);
	if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
		log_event(LOG_WARN, "monitor.few-descriptors", LOG_ERR(-errno));
}

/* Lets go of what may go on without us; ends what may not. */
static void tear_down(struct monitor *monitor)
{
	struct client *client, *next_client;
	struct session *session, *next;
	bool ended = monitor->phase == MONITOR_ENDING;

	upgrade_destroy(monitor->upgrade);
	age_destroy(monitor->age);
	if (!ended)
		runtime_say_stopping(monitor);
	frontdoor_destroy(monitor->frontdoor);
	control_destroy(monitor->control);
	sshd_destroy(monitor->sshd);
	sshd_destroy(monitor->sftp_sshd);
	sftp_destroy(monitor->sftp);
	retired_end_all(monitor);
	checkd_destroy(monitor->checkd);
	who_destroy(monitor->who);
	maintenance_destroy(monitor->maintenance);
	monitor->maintenance = NULL;
	tool_end_all(monitor);
	wl_list_for_each_safe (client, next_client, &monitor->clients, link)
		client_destroy(client, client->state != CLIENT_ADMITTED || ended);
	wl_list_for_each_safe (session, next, &monitor->sessions, link)
		session_release(session);
	remains_forget_all(monitor);
	netd_destroy(monitor->netd);
	keyd_destroy(monitor->keyd);
	if (ended && !monitor->cgroup_delegated && monitor->cgroups) {
		int r = cgroup_base_remove(monitor->cgroups);

		if (r < 0)
			log_event(LOG_WARN, "cgroup.stays", LOG_ERR(r));
	}
	cgroup_base_close(monitor->cgroups);
	if (ended && monitor->runtime_fd >= 0) {
		sshd_clear(monitor);
		runtime_remove(monitor);
	}
	runtime_close(monitor);
	programs_close(&monitor->programs);
	throttle_destroy(monitor->throttle);
}

/* Where we lie, and what we are of what lies there: both are needed when it is replaced. */
static int find_self(struct monitor *monitor)
{
	static const char gone[] = " (deleted)";
	ssize_t n = readlink("/proc/self/exe", monitor->self, sizeof(monitor->self) - 1);
	size_t tail = sizeof(gone) - 1;

	if (n < 0)
		return -errno;
	monitor->self[n] = '\0';
	if ((size_t)n > tail && str_eq(monitor->self + n - tail, gone))
		monitor->self[(size_t)n - tail] = '\0';
	monitor->daemon_fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	return monitor->daemon_fd < 0 ? -errno : 0;
}

static int run(struct monitor *monitor, const struct options *options)
{
	int r;

	monitor->loop = wl_event_loop_create();
	monitor->throttle = throttle_create();
	if (!monitor->loop || !monitor->throttle)
		return 1;
	registry_init(&monitor->registry);
	memset(monitor->programs.fds, -1, sizeof(monitor->programs.fds));
	wl_list_init(&monitor->clients);
	wl_list_init(&monitor->sessions);
	wl_list_init(&monitor->remains);
	wl_list_init(&monitor->lent);
	wl_list_init(&monitor->tools);
	wl_list_init(&monitor->retired);
	monitor->started = clock_wall();
	reload_apply(monitor);
	raise_limits();
	umask(022);
	/* Passwords pass through our memory. */
	(void)prctl(PR_SET_DUMPABLE, 0);
	r = watch_signals(monitor);
	if (r == 0)
		r = find_self(monitor);
	if (r == 0 && options->handover >= 0)
		r = upgrade_take(monitor, options->handover, options->returned);
	else if (r == 0)
		r = set_up(monitor);
	if (r < 0)
		monitor->exit_status = 1;
	while (r == 0 && !monitor->stop) {
		if (wl_event_loop_dispatch(monitor->loop, -1) < 0 && errno != EINTR) {
			log_event(LOG_ERROR, "monitor.loop", LOG_ERR(-errno));
			monitor->exit_status = 1;
			break;
		}
	}
	tear_down(monitor);
	return monitor->exit_status;
}

/* With the configuration as it is now; nothing but the process is left of what we were. */
static int begin_again(const struct monitor *monitor)
{
	const char *argv[2 * FILES_MAX + 4] = {monitor->self};
	sigset_t none;
	size_t n = 1;

	for (size_t i = 0; i < monitor->n_files; i++) {
		argv[n++] = "--file";
		argv[n++] = monitor->files[i];
	}
	if (monitor->ready_file) {
		argv[n++] = "--ready-file";
		argv[n++] = monitor->ready_file;
	}
	argv[n] = NULL;
	/* They came through a descriptor until now. */
	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	(void)execv(monitor->self, (char *const *)argv);
	log_event(LOG_ERROR, "monitor.not-again", LOG_ERR(-errno));
	return 1;
}

int main(int argc, char **argv)
{
	struct options options = {.handover = -1};
	struct monitor monitor = {.runtime_fd = -1,
				  .sessions_fd = -1,
				  .lock_fd = -1,
				  .daemon_fd = -1,
				  .before = {.daemon = -1}};
	int status;

	if (parse_options(argc, argv, &options, &status) < 0)
		return status;
	monitor.files = options.files;
	monitor.n_files = options.n_files;
	monitor.ready_file = options.ready_file;
	if (reload_read(&monitor, stderr, &monitor.conf) < 0)
		return 1;
	if (options.action == ACTION_DUMP)
		conf_dump(monitor.conf, stdout, false);
	if (options.action != ACTION_RUN) {
		status = options.action == ACTION_TRIAL &&
			 upgrade_check(&monitor, SPAWN_FD_CHANNEL, stderr) < 0;
		conf_destroy(monitor.conf);
		return status;
	}
	if (geteuid() != 0) {
		fputs("lazaretd: has to be started by root\n", stderr);
		return 1;
	}
	log_init("lazaretd");
	status = run(&monitor, &options);
	conf_destroy(monitor.next_conf);
	conf_destroy(monitor.conf);
	return monitor.again && status == 0 ? begin_again(&monitor) : status;
}
