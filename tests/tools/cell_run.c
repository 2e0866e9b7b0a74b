/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Starts one cell without the rest of the system and does with it what the options say; the cell's
 * exit code is ours. Prints events as lines on standard output, so that a test can wait for them.
 *
 *	cell_run --uid N --gid N --user NAME --libexec DIR --data DIR [--home DIR] [--transfer DIR]
 *		[--wayland SOCKET] [--netns FILE] [--resolv TEXT] [--proxy URL] [--browser NAME]
 *		[--url URL] [--wipe] [--parked] [--group NAME] [--memory BYTES] [--pids N]
 *		[--tmp BYTES] [--home-size BYTES] [--nproc N] [-- COMMAND...]
 *
 * Commands on standard input, one a line: "open URL", "stop", "kill", "sandbox", "usage",
 * "assign FOLDER UID GID URL". End of input kills the cell.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/spawn.h"
#include "base/str.h"
#include "cell/cell.h"
#include "cell/cgroup.h"

struct driver {
	struct cell_spec spec;
	struct cgroup_limits limits;
	const char *group;
	struct cgroup_base *base;
	struct cgroup *cgroup;
	struct cell cell;
	uint64_t started;
};

static uint64_t number(const char *s)
{
	int64_t value;

	if (str_to_int(s, 0, INT64_MAX, &value) < 0) {
		fprintf(stderr, "cell_run: \"%s\" is no number\n", s);
		exit(2);
	}
	return (uint64_t)value;
}

static int open_netns(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0) {
		perror(path);
		exit(2);
	}
	return fd;
}

static const struct option options[] = {
	{"uid", 1, NULL, 'u'},      {"gid", 1, NULL, 'g'},     {"user", 1, NULL, 'n'},
	{"libexec", 1, NULL, 'l'},  {"data", 1, NULL, 'd'},    {"home", 1, NULL, 'h'},
	{"transfer", 1, NULL, 't'}, {"wayland", 1, NULL, 'w'}, {"netns", 1, NULL, 'N'},
	{"resolv", 1, NULL, 'r'},   {"proxy", 1, NULL, 'x'},   {"browser", 1, NULL, 'b'},
	{"url", 1, NULL, 'U'},      {"wipe", 0, NULL, 'W'},    {"parked", 0, NULL, 'P'},
	{"group", 1, NULL, 'G'},    {"memory", 1, NULL, 'm'},  {"pids", 1, NULL, 'p'},
	{"tmp", 1, NULL, 'T'},      {"nproc", 1, NULL, 'q'},   {"home-size", 1, NULL, 'H'},
	{NULL, 0, NULL, 0},
};

static void set(struct driver *d, int option, const char *value)
{
	struct cell_spec *s = &d->spec;

	switch (option) {
	case 'u':
		s->uid = (uid_t)number(value);
		break;
	case 'g':
		s->gid = (gid_t)number(value);
		break;
	case 'n':
		s->user = value;
		break;
	case 'l':
		s->libexec = value;
		break;
	case 'd':
		s->data = value;
		break;
	case 'h':
		s->home = value;
		break;
	case 't':
		s->transfer = value;
		break;
	case 'w':
		s->wayland = value;
		break;
	case 'N':
		s->netns = open_netns(value);
		break;
	case 'r':
		s->resolv_conf = value;
		break;
	case 'x':
		s->proxy = value;
		break;
	case 'b':
		s->browser = str_eq(value, "firefox") ? CELL_FIREFOX : CELL_CHROMIUM;
		break;
	case 'U':
		s->start_url = value;
		break;
	case 'W':
		s->wipe_profile = true;
		break;
	case 'P':
		s->parked = true;
		break;
	case 'G':
		d->group = value;
		break;
	case 'm':
		d->limits.memory_max = number(value);
		break;
	case 'p':
		d->limits.pids_max = (uint32_t)number(value);
		break;
	case 'T':
		s->limits.tmp_size = number(value);
		break;
	case 'H':
		s->home_size = number(value);
		break;
	case 'q':
		s->limits.nproc = (uint32_t)number(value);
		break;
	default:
		exit(2);
	}
}

static void report(const char *what, int r)
{
	printf("%s %s\n", what, r < 0 ? strerror(-r) : "ok");
	fflush(stdout);
}

static void command(struct driver *d, char *line)
{
	char *word = strtok_r(line, " \n", &line);
	struct cgroup_usage usage;

	if (!word)
		return;
	if (str_eq(word, "stop"))
		report("stop", cell_stop(&d->cell));
	else if (str_eq(word, "kill") && d->cgroup)
		report("kill", cgroup_kill(d->cgroup));
	else if (str_eq(word, "sandbox"))
		report("sandbox", cell_sandbox_check(&d->cell));
	else if (str_eq(word, "open")) {
		word = strtok_r(NULL, " \n", &line);
		report("open", cell_open_url(&d->cell, word ? word : ""));
	} else if (str_eq(word, "usage") && d->cgroup && cgroup_usage(d->cgroup, &usage) == 0) {
		printf("usage memory=%llu peak=%llu pids=%llu oom=%llu refused=%llu\n",
		       (unsigned long long)usage.memory, (unsigned long long)usage.memory_peak,
		       (unsigned long long)usage.pids, (unsigned long long)usage.oom_kills,
		       (unsigned long long)usage.pids_refused);
		fflush(stdout);
	} else if (str_eq(word, "assign")) {
		const char *folder = strtok_r(NULL, " \n", &line);
		const char *uid = strtok_r(NULL, " \n", &line);
		const char *gid = strtok_r(NULL, " \n", &line);
		const char *url = strtok_r(NULL, " \n", &line);

		report("assign",
		       url ? cell_assign(&d->cell, folder, (uid_t)number(uid), (gid_t)number(gid),
					 d->spec.uid, d->spec.gid, url)
			   : -EINVAL);
	} else
		report(word, -ENOSYS);
}

static void print_event(struct driver *d)
{
	enum cell_event event;
	int r = cell_read_event(&d->cell, &event);

	if (r == -EPIPE)
		d->cell.control = fd_close(d->cell.control);
	else if (r == 0)
		printf("event %s %llu\n",
		       event == CELL_EVENT_STARTED  ? "started"
		       : event == CELL_EVENT_OPENED ? "opened"
						    : "?",
		       (unsigned long long)((clock_now() - d->started) / USEC_PER_MSEC));
	fflush(stdout);
}

static int serve(struct driver *d)
{
	struct child child = {d->cell.pid, d->cell.pidfd};
	char line[4096];
	int status;

	for (;;) {
		struct pollfd fds[] = {
			{d->cell.pidfd, POLLIN, 0}, {0, POLLIN, 0}, {d->cell.control, POLLIN, 0}};

		if (poll(fds, ARRAY_LEN(fds), -1) < 0 && errno != EINTR)
			return 2;
		if (fds[2].revents)
			print_event(d);
		if (fds[1].revents) {
			if (!fgets(line, sizeof(line), stdin))
				child_signal(&child, SIGKILL);
			else
				command(d, line);
		}
		if (fds[0].revents && child_reap(&child, &status) == 0)
			break;
	}
	printf("exit %d %llu\n", WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status),
	       (unsigned long long)((clock_now() - d->started) / USEC_PER_MSEC));
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static int clean(struct driver *d)
{
	int r = cgroup_kill(d->cgroup);

	if (r == 0)
		r = cgroup_wait_empty(d->cgroup, 5 * USEC_PER_SEC);
	if (r == 0)
		r = cgroup_remove(d->cgroup);
	cgroup_close(d->cgroup);
	cgroup_base_close(d->base);
	if (r < 0)
		report("clean", r);
	return r;
}

int main(int argc, char **argv)
{
	struct driver d = {.spec = {.netns = -1, .stderr_fd = 2}};
	int option, r = 0;

	log_init("cell_run");
	setvbuf(stdin, NULL, _IONBF, 0);
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1)
		set(&d, option, optarg);
	if (optind < argc)
		d.spec.command = (const char *const *)&argv[optind];
	if (d.group) {
		r = cgroup_base_open(d.group, false, true, &d.base);
		if (r == 0)
			r = cgroup_create(d.base, "s-test", "cell", &d.limits, &d.cgroup);
		if (r == 0)
			d.spec.join = cgroup_join_text(d.cgroup);
	}
	d.started = clock_now();
	if (r == 0)
		r = cell_start(&d.spec, &d.cell);
	if (r < 0) {
		report("start", r);
		return 2;
	}
	printf("pid %d\n", (int)d.cell.pid);
	fflush(stdout);
	r = serve(&d);
	if (d.cgroup && clean(&d) < 0)
		return 3;
	return r;
}
