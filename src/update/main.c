/* SPDX-License-Identifier: GPL-3.0-or-later */
/* lazaret-update: what lazaretctl update does, as a process of its own that outlives who has asked. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "conf/conf.h"
#include "update/journal.h"
#include "update/work.h"

#define FILES_MAX 16

static const struct action {
	const char *word;
	int (*run)(const struct work *work);
	bool changes;
} actions[] = {
	{"check", work_check, true},     {"download", work_download, true},
	{"install", work_install, true}, {"undo", work_undo, true},
	{"due", work_due, true},         {"status", work_status, false},
};

static int usage(void)
{
	fputs("usage: lazaret-update [--json] [--asked] [--file FILE]... check | download | "
	      "install | "
	      "undo | due | status | schedule [download|install TIME]\n",
	      stderr);
	return WORK_USAGE;
}

static int read_conf(size_t n, const char *const *files, struct conf **ret_conf)
{
	static const char *const installed[] = {CONF_PATH};
	_cleanup_conf_ struct conf *conf = conf_create();
	int r = conf ? 0 : -ENOMEM;

	if (n == 0) {
		files = installed;
		n = 1;
	}
	for (size_t i = 0; r == 0 && i < n; i++)
		r = conf_read_file(conf, files[i], stderr);
	if (r == 0)
		r = conf_check(conf, stderr);
	if (r == 0)
		*ret_conf = STEAL(conf);
	return r;
}

static const struct action *find_action(const char *word)
{
	for (size_t i = 0; i < ARRAY_LEN(actions); i++) {
		if (str_eq(actions[i].word, word))
			return &actions[i];
	}
	return NULL;
}

static int explain_open(int error)
{
	if (error == -EWOULDBLOCK)
		fputs("lazaretctl: another update command is at work; lazaretctl update status "
		      "shows "
		      "what came of it\n",
		      stderr);
	else if (error == -EACCES || error == -EPERM)
		fputs("lazaretctl: only root may do this without the daemon\n", stderr);
	else
		fprintf(stderr, "lazaretctl: the state of updates cannot be read: %s\n",
			strerror(-error));
	return WORK_FAILED;
}

static int run(const struct conf *conf, struct work *work, int argc, char **argv)
{
	const struct action *action = find_action(argv[0]);
	bool schedule = str_eq(argv[0], "schedule");
	_cleanup_store_ struct store store = {.dir = -1, .lock = -1};
	bool changes = action ? action->changes : argc > 1;
	int r;

	if ((!action && !schedule) || (action && argc > 1))
		return usage();
	r = store_open(&store, conf, changes);
	/* By the schedule: whoever is at work does it. */
	if (r == -EWOULDBLOCK && work->scheduled)
		return WORK_DONE;
	if (r < 0)
		return explain_open(r);
	work->store = &store;
	/* From here on the log is not what people see. */
	if (changes && !work->scheduled)
		journal_take(&store);
	if (changes && !schedule) {
		r = work_recover(work);
		if (r != WORK_DONE && !work->scheduled && !str_eq(argv[0], "check"))
			return r;
	}
	return schedule ? work_schedule(work, (size_t)argc - 1, argv + 1) : action->run(work);
}

int main(int argc, char **argv)
{
	static const struct option long_options[] = {
		{"json", no_argument, NULL, 'j'},
		{"file", required_argument, NULL, 'f'},
		{"asked", no_argument, NULL, 'a'},
		{0},
	};
	const char *files[FILES_MAX];
	_cleanup_conf_ struct conf *conf = NULL;
	struct work work = {.scheduled = true, .out = stdout, .err = stderr};
	size_t n = 0;
	int option, status, err;

	log_init("lazaret-update");
	umask(022);
	/* Whoever has asked may be gone; what was begun is brought to its end. */
	signal(SIGPIPE, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	while ((option = getopt_long(argc, argv, "+jf:a", long_options, NULL)) != -1) {
		if (option == 'j')
			work.json = true;
		else if (option == 'a')
			work.scheduled = false;
		else if (option == 'f' && n < FILES_MAX)
			files[n++] = optarg;
		else
			return usage();
	}
	if (optind >= argc)
		return usage();
	if (read_conf(n, files, &conf) < 0)
		return WORK_FAILED;
	err = fcntl(2, F_DUPFD_CLOEXEC, 3);
	work.err = err < 0 ? NULL : fdopen(err, "w");
	if (!work.err)
		return WORK_FAILED;
	log_set_level((enum log_level)conf_int(conf, CONF_LOG_LEVEL));
	status = run(conf, &work, argc - optind, argv + optind);
	fclose(work.err);
	return status;
}
