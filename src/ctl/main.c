/* SPDX-License-Identifier: GPL-3.0-or-later */
/* lazaretctl: says a command to the daemon, or does it itself, and prints the answer. */
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "conf/conf.h"
#include "conf/limits.h"
#include "ctl/admin.h"
#include "ctl/answer.h"
#include "ctl/cert.h"
#include "ctl/backup.h"
#include "ctl/command.h"
#include "ctl/files.h"
#include "ctl/firewall.h"
#include "ctl/help.h"
#include "ctl/input.h"
#include "ctl/lock.h"
#include "ctl/paths.h"
#include "ctl/request.h"
#include "ctl/roles.h"
#include "ctl/secure.h"
#include "ctl/settings.h"
#include "ctl/table.h"
#include "ctl/update.h"
#include "ctl/viewer_config.h"
#include "ctl/user.h"
#include "ipc/message.h"

#define SOCKET_DEFAULT "/run/lazaret/control"
#define SOCKET_ENV "LAZARET_SOCKET"
#define ANSWER_TIMEOUT_MS 30000
/* Beyond what the daemon gives a new version to come up. */
#define UPGRADE_TIMEOUT_MS 420000

struct options {
	const char *socket;
	bool json;
	bool here; /* without the daemon, with the caller's own rights */
};

static void print_usage(FILE *out)
{
	help_print_all(out, SOCKET_DEFAULT, SOCKET_ENV);
}

static int explain(size_t n, char **words)
{
	if (n == 0) {
		print_usage(stdout);
		return ANSWER_STATUS_OK;
	}
	if (help_print(stdout, n, (const char *const *)words) > 0)
		return ANSWER_STATUS_OK;
	fprintf(stderr, "lazaretctl: there is no command \"%s\"; see lazaretctl --help\n",
		words[0]);
	return ANSWER_STATUS_USAGE;
}

/* --- done here ------------------------------------------------------------------------------- */

/* Not the network contract, which would have us read what the text names. */
static int check_input(void)
{
	_cleanup_conf_ struct conf *conf = conf_create();
	_cleanup_free_ char *text = NULL;
	size_t len;

	if (!conf || input_read(CONF_FILE_MAX, &text, &len) < 0)
		return ANSWER_STATUS_FAILED;
	if (memchr(text, 0, len)) {
		fputs("input: has a NUL byte and is no text\n", stderr);
		return ANSWER_STATUS_FAILED;
	}
	if (conf_read_text(conf, "input", text, stderr) < 0 || conf_check(conf, stderr) < 0)
		return ANSWER_STATUS_FAILED;
	puts("The configuration is in order.");
	return ANSWER_STATUS_OK;
}

static int run_config_check(size_t n, char *const *files)
{
	_cleanup_contract_ struct contract *contract = NULL;

	if (n == 1 && str_eq(files[0], "-"))
		return check_input();
	if (paths_contract(n, files, CONTRACT_CELLS, NULL, &contract) < 0)
		return ANSWER_STATUS_FAILED;
	puts("The configuration is in order.");
	return ANSWER_STATUS_OK;
}

static int run_config_dump(size_t n, char *const *arguments)
{
	_cleanup_conf_ struct conf *conf = NULL;
	bool with_help = n > 0 && str_eq(arguments[0], "--help-text");

	if (with_help) {
		n--;
		arguments++;
	}
	if (files_read(n, arguments, &conf) < 0)
		return ANSWER_STATUS_FAILED;
	conf_dump(conf, stdout, with_help);
	return ANSWER_STATUS_OK;
}

static int run_local(const struct options *options, enum command_id id, size_t n,
		     char *const *arguments)
{
	switch (id) {
	case COMMAND_CONFIG_CHECK:
		return run_config_check(n, arguments);
	case COMMAND_CONFIG_DUMP:
		return run_config_dump(n, arguments);
	case COMMAND_ROLES_CHECK:
		return roles_check(options->json);
	case COMMAND_ROLES_GRANT:
		return roles_grant(arguments[0], arguments[1]);
	case COMMAND_ROLES_TAKE:
		return roles_take(arguments[0], arguments[1]);
	case COMMAND_ADMIN_LIST:
		return admin_list(options->json);
	case COMMAND_ADMIN_ADD:
		return admin_add(arguments[0]);
	case COMMAND_ADMIN_REMOVE:
		return admin_remove(arguments[0]);
	case COMMAND_ADMIN_PASSWORD:
		return admin_password(arguments[0]);
	case COMMAND_ADMIN_KEY_ADD:
		return admin_key_add(arguments[0]);
	case COMMAND_ADMIN_KEY_LIST:
		return admin_key_list(options->json, n > 0 ? arguments[0] : NULL);
	case COMMAND_ADMIN_KEY_REMOVE:
		return admin_key_remove(arguments[0], arguments[1]);
	case COMMAND_BACKUP_RUN:
		return backup_run(options->json);
	case COMMAND_BACKUP_LIST:
		return backup_list(options->json);
	case COMMAND_BACKUP_CHECK:
		return backup_check();
	case COMMAND_BACKUP_SCHEDULE:
		return backup_schedule(options->json);
	case COMMAND_BACKUP_DUE:
		return backup_due();
	case COMMAND_BACKUP_RESTORE:
		return backup_restore(n, arguments, options->socket);
	case COMMAND_BACKUP_REQUESTS:
		return backup_requests(options->json);
	case COMMAND_BACKUP_APPROVE:
		return backup_approve(arguments[0], options->socket);
	case COMMAND_BACKUP_REJECT:
		return backup_reject(arguments[0]);
	case COMMAND_BACKUP_KEY_SHOW:
		return backup_key_show();
	case COMMAND_BACKUP_KEY_SET:
		return backup_key_set();
	case COMMAND_BACKUP_KEY_SSH:
		return backup_key_ssh();
	case COMMAND_SECURE_CHECK:
		return secure_check(options->json, options->socket);
	case COMMAND_CONFIG_SET:
		return settings_set(n, arguments);
	case COMMAND_CONFIG_DIFF:
		return settings_diff();
	case COMMAND_CONFIG_APPLY:
		return settings_apply(options->socket, n, arguments);
	case COMMAND_CONFIG_REVERT:
		return settings_revert();
	case COMMAND_CONFIG_HISTORY:
		return settings_history(options->json);
	case COMMAND_CONFIG_RESTORE:
		return settings_restore(arguments[0]);
	case COMMAND_UPDATE_CHECK ... COMMAND_UPDATE_STATUS:
		return update_run(options->json, command_row(id)->words, n, arguments);
	case COMMAND_FIREWALL_SHOW:
		return firewall_show(n, arguments);
	case COMMAND_FIREWALL_APPLY:
		return firewall_apply(n, arguments);
	case COMMAND_FIREWALL_CHECK:
		return firewall_check(n, arguments);
	case COMMAND_FIREWALL_EXPORT:
		return firewall_export(n, arguments);
	case COMMAND_PATHS_LIST:
		return paths_list(options->json, n, arguments);
	case COMMAND_PATHS_EXPLAIN:
		return paths_explain(options->json, n, arguments);
	case COMMAND_PATHS_PROBE:
		return paths_probe(options->json, options->socket, n, arguments);
	case COMMAND_LOCK_STATUS:
		return lock_status(options->json);
	case COMMAND_LOCK_LIST:
		return lock_list(options->json);
	case COMMAND_LOCK_SHOW:
		return lock_show(options->json, arguments[0]);
	case COMMAND_LOCK_RELEASE:
		return lock_release(options->json, arguments[0]);
	case COMMAND_LOCK_DROP:
		return lock_drop(options->json, arguments[0]);
	case COMMAND_LOCK_CHECK:
		return lock_check(options->json, n, arguments);
	case COMMAND_CERT_REQUEST:
		return cert_request(n, arguments);
	case COMMAND_CERT_INSTALL:
		return cert_install(options->socket, n, arguments);
	case COMMAND_CERT_STATUS:
		return cert_status(options->json);
	case COMMAND_CERT_REVERT:
		return cert_revert(options->socket);
	case COMMAND_VIEWER_CONFIG:
		return viewer_config(n, arguments);
	case COMMAND_USER_ADD:
		return user_add(options->socket, n, arguments);
	case COMMAND_USER_IMPORT:
		return user_import(options->json, options->socket, n, arguments);
	case COMMAND_USER_EXPORT:
		return user_export(options->socket, n, arguments);
	case COMMAND_USER_EXPIRE:
		return user_expire(options->socket, n, arguments);
	case COMMAND_USER_LOCK:
		return user_lock(options->socket, n, arguments);
	case COMMAND_USER_UNLOCK:
		return user_unlock(options->socket, n, arguments);
	case COMMAND_USER_PASSWORD:
		return user_password(options->socket, n, arguments);
	case COMMAND_USER_REMOVE:
		return user_remove(options->socket, n, arguments);
	case COMMAND_USER_LIST:
		return user_list(options->json, options->socket, n, arguments);
	case COMMAND_USER_REPORT:
		return user_report(options->json, options->socket, n, arguments);
	default:
		puts("lazaretctl " LAZARET_VERSION);
		return ANSWER_STATUS_OK;
	}
}

/* --- said to the daemon ---------------------------------------------------------------------- */

static int take_records(struct cursor *c, struct table *table)
{
	uint16_t count = cursor_u16(c);

	for (uint16_t i = 0; i < count; i++) {
		struct answer_record record = {0};
		int r = answer_read(c, &record);

		if (r == 0)
			r = table_add(table, &record);
		if (r < 0)
			return r;
	}
	return cursor_done(c) ? 0 : -EPROTO;
}

/* Passes on what the command prints over there, until it has ended, and to it what it is to read. */
static int copy_output(int out, int err, struct input_pump *pump)
{
	struct pollfd fds[] = {{.fd = out, .events = POLLIN}, {.fd = err, .events = POLLIN}, {0}};
	char buffer[16384];

	while (fds[0].fd >= 0 || fds[1].fd >= 0) {
		fds[2].fd = input_pump_fd(pump, &fds[2].events);
		if (poll(fds, ARRAY_LEN(fds), -1) < 0 && errno != EINTR)
			return -errno;
		for (int i = 0; i < 2; i++) {
			ssize_t n = 0;

			if (fds[i].fd < 0 || !fds[i].revents)
				continue;
			n = read(fds[i].fd, buffer, sizeof(buffer));
			if (n > 0 && fd_write_all(1 + i, buffer, (size_t)n) < 0)
				return -EPIPE;
			if (n <= 0)
				fds[i].fd = -1;
		}
		if (fds[2].fd >= 0 && fds[2].revents)
			input_pump_run(pump);
	}
	return 0;
}

/* The streams of a command: its output, and its input (-1: none, and then none is wanted). */
static int take_output(enum command_id id, int out, int err, int in)
{
	CLEANUP(input_pump_finish) struct input_pump pump = {.from = -1, .to = -1};
	int r = 0;

	if (out < 0 || err < 0)
		return -EPROTO;
	/* Who does not read all of it has said why. */
	(void)signal(SIGPIPE, SIG_IGN);
	if (in >= 0)
		r = input_pump_init(&pump, in, command_row(id)->where == COMMAND_TOOL_SECRET);
	return r < 0 ? r : copy_output(out, err, &pump);
}

/*
 * Reads one message; 1 while more follow, 0 at the end with the exit status and sentence, or -errno.
 * The sentence is the caller's.
 */
static int take_answer(int fd, enum command_id id, struct table *table, int *ret_status,
		       char **ret_sentence)
{
	static uint8_t storage[IPC_BODY_MAX + 4];
	struct ipc_message message;
	int timeout = id == COMMAND_UPGRADE ? UPGRADE_TIMEOUT_MS : ANSWER_TIMEOUT_MS;
	int r = ipc_recv_wait(fd, timeout, storage, &message);
	_cleanup_fd_ int out = -1, err = -1, in = -1;
	int status = ANSWER_STATUS_OK;
	char *sentence;
	uint8_t kind;

	if (r < 0)
		return r;
	out = ipc_message_take_fd(&message, 0);
	err = ipc_message_take_fd(&message, 1);
	in = ipc_message_take_fd(&message, 2);
	ipc_message_finish(&message);
	if (message.type != IPC_CONTROL_ANSWER)
		return -EPROTO;
	kind = cursor_u8(&message.body);
	if (kind == ANSWER_RECORDS) {
		r = take_records(&message.body, table);
		return r < 0 ? r : 1;
	}
	if (kind == ANSWER_OUTPUT) {
		r = cursor_done(&message.body) ? take_output(id, out, err, FD_STEAL(in)) : -EPROTO;
		return r < 0 ? r : 1;
	}
	if (kind == ANSWER_FAILED)
		status = cursor_u8(&message.body);
	sentence = cursor_str(&message.body, ANSWER_STR_MAX);
	if (!cursor_done(&message.body)) {
		free(sentence);
		return -EPROTO;
	}
	*ret_status = status;
	*ret_sentence = sentence;
	return 0;
}

static int print_answer(const struct options *options, enum command_id id,
			const struct table *table)
{
	bool as_list = id == COMMAND_SESSIONS;

	if (!as_list && table->n == 0)
		return 0;
	if (options->json)
		return table_print_json(table, as_list, stdout);
	table_print(table, as_list, stdout);
	return 0;
}

static int explain_connection(const char *path, int error)
{
	if (error == -EACCES || error == -EPERM) {
		fprintf(stderr,
			"lazaretctl: %s: this account may not; use root or an account with a "
			"role\n",
			path);
		return ANSWER_STATUS_DENIED;
	}
	fprintf(stderr,
		"lazaretctl: %s: %s; is lazaretd running? --socket names the socket of another "
		"instance\n",
		path, strerror(-error));
	return ANSWER_STATUS_NO_DAEMON;
}

static int run_remote(const struct options *options, enum command_id id, size_t n, char **words)
{
	_cleanup_free_ char *sentence = NULL;
	_cleanup_fd_ int fd = request_connect(options->socket);
	static char json[] = "--json";
	struct table table = {0};
	int status = ANSWER_STATUS_FAILED;
	int r;

	if (fd < 0)
		return explain_connection(options->socket, fd);
	if (command_is_tool(command_row(id)) && options->json)
		words[n++] = json;
	r = request_send(fd, n, (const char *const *)words);
	/* Whom the daemon turned away before it was asked, it has told why. */
	if (r == 0 || r == -EPIPE) {
		do
			r = take_answer(fd, id, &table, &status, &sentence);
		while (r > 0);
	}
	if (r == 0 && status == ANSWER_STATUS_OK)
		r = print_answer(options, id, &table);
	table_finish(&table);
	if (r == -ECANCELED)
		return ANSWER_STATUS_FAILED;
	if (r < 0) {
		fprintf(stderr, "lazaretctl: the daemon did not answer as it should: %s\n",
			strerror(-r));
		return ANSWER_STATUS_NO_DAEMON;
	}
	if (sentence[0])
		fprintf(status == ANSWER_STATUS_OK ? stdout : stderr, "%s%s\n",
			status == ANSWER_STATUS_OK ? "" : "lazaretctl: ", sentence);
	return status;
}

/* --------------------------------------------------------------------------------------------- */

/* What reads files or the kernel is done here by root, who may, and for others by the daemon. */
static bool is_ours(const struct options *options, const struct command *command)
{
	if (command->where == COMMAND_LOCAL)
		return true;
	return command_is_tool(command) && (options->here || geteuid() == 0);
}

static int run_one(const struct options *options, enum command_id id, size_t used, size_t n,
		   char **words)
{
	if (is_ours(options, command_row(id)))
		return run_local(options, id, n - used, words + used);
	return run_remote(options, id, n, words);
}

/* What deletes is shown first, and asked about, when there is somebody to ask. */
static bool must_ask(enum command_id id, size_t n, char *const *words)
{
	if (id != COMMAND_USER_REMOVE || !isatty(STDIN_FILENO))
		return false;
	for (size_t i = 0; i < n; i++) {
		if (str_eq(words[i], "--yes") || str_eq(words[i], "--preview"))
			return false;
	}
	return true;
}

static int run_asking(const struct options *options, enum command_id id, size_t used, size_t n,
		      char **words)
{
	_cleanup_free_ char **more = calloc(n + 2, sizeof(*more));
	static char preview[] = "--preview", yes[] = "--yes";
	char answer[8];
	int status;

	if (!more)
		return ANSWER_STATUS_FAILED;
	memcpy(more, words, n * sizeof(*more));
	more[n] = preview;
	status = run_one(options, id, used, n + 1, more);
	if (status != ANSWER_STATUS_OK)
		return status;
	fputs("Do it? yes or no: ", stdout);
	fflush(stdout);
	if (!fgets(answer, sizeof(answer), stdin) || !str_eq(answer, "yes\n")) {
		puts("Nothing was done.");
		return ANSWER_STATUS_FAILED;
	}
	memcpy(more, words, n * sizeof(*more));
	more[n] = yes;
	return run_one(options, id, used, n + 1, more);
}

static int run(const struct options *options, size_t n, char **words)
{
	enum command_id id = COMMAND_VERSION;
	size_t used = 0;
	int r = command_find(n, (const char *const *)words, &id, &used);

	if (r == -ENOENT) {
		fprintf(stderr, "lazaretctl: there is no command \"%s%s%s\"; ", words[0],
			n > 1 ? " " : "", n > 1 ? words[1] : "");
		if (help_list(stderr, words[0]) > 0)
			fputs(" are there\n", stderr);
		else
			fputs("see lazaretctl --help\n", stderr);
		return ANSWER_STATUS_USAGE;
	}
	if (r < 0) {
		fprintf(stderr, "lazaretctl: %s; usage: lazaretctl %s %s\n",
			r == -E2BIG ? "too many arguments" : "an argument is missing",
			command_row(id)->words, command_row(id)->arguments);
		return ANSWER_STATUS_USAGE;
	}
	return must_ask(id, n, words) ? run_asking(options, id, used, n, words)
				      : run_one(options, id, used, n, words);
}

int main(int argc, char **argv)
{
	static const struct option long_options[] = {
		{"json", no_argument, NULL, 'j'},
		{"socket", required_argument, NULL, 's'},
		{"here", no_argument, NULL, 'H'},
		{"file", required_argument, NULL, 'f'},
		{"no-files", no_argument, NULL, 'n'},
		{"input", no_argument, NULL, 'i'},
		{"help", no_argument, NULL, 'h'},
		{"version", no_argument, NULL, 'V'},
		{0},
	};
	struct options options = {.socket = getenv(SOCKET_ENV)};
	int option;

	log_init("lazaretctl");
	if (!options.socket || !options.socket[0])
		options.socket = SOCKET_DEFAULT;
	while ((option = getopt_long(argc, argv, "+jhVs:f:", long_options, NULL)) != -1) {
		switch (option) {
		case 'j':
			options.json = true;
			break;
		case 's':
			options.socket = optarg;
			break;
		case 'H':
			options.here = true;
			break;
		case 'f':
			if (!files_add_default(optarg)) {
				fputs("lazaretctl: so many --file are not read\n", stderr);
				return ANSWER_STATUS_USAGE;
			}
			break;
		case 'n': /* as the daemon runs us for somebody */
			files_forbid();
			break;
		case 'i':
			input_from_caller();
			break;
		case 'h':
			print_usage(stdout);
			return ANSWER_STATUS_OK;
		case 'V':
			puts("lazaretctl " LAZARET_VERSION);
			return ANSWER_STATUS_OK;
		default:
			fputs("see lazaretctl --help\n", stderr);
			return ANSWER_STATUS_USAGE;
		}
	}
	/* --json may also stand behind the command, where people put it. */
	if (optind < argc && str_eq(argv[argc - 1], "--json")) {
		options.json = true;
		argc--;
	}
	if (optind >= argc) {
		print_usage(stderr);
		return ANSWER_STATUS_USAGE;
	}
	if (str_eq(argv[optind], "help"))
		return explain((size_t)(argc - optind - 1), argv + optind + 1);
	if (str_eq(argv[argc - 1], "--help"))
		return explain((size_t)(argc - optind - 1), argv + optind);
	return run(&options, (size_t)(argc - optind), argv + optind);
}
