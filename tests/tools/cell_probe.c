/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Stands in the place of lazaret-browser inside a cell: starts an agent beside the real launcher,
 * which the test has put behind the start page, and becomes it. So a real session of the real
 * system runs with a real browser, and what the agent may do is what a browser that was taken
 * over may do.
 *
 * The agent listens on ~/transfer/probe. A connection is an order: one line of words; what it
 * finds comes back as lines of JSON, then the connection is closed. Orders run side by side.
 */
#include "cell_probe.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/str.h"

#define LAUNCHER "/run/lazaret/start/lazaret-browser"
#define ORDER_MAX 8192
#define WORDS_MAX 256
#define ATTEMPT_SECONDS 20

/* --- orders --------------------------------------------------------------------------------------- */

const char *order_next(const struct order *order, const char *key, int *place)
{
	size_t len = strlen(key);

	while (*place < order->argc) {
		const char *word = order->argv[(*place)++];

		if (strncmp(word, key, len) == 0 && word[len] == '=')
			return word + len + 1;
	}
	return NULL;
}

long order_number(const struct order *order, int index, long fallback)
{
	int64_t value;

	if (index >= order->argc)
		return fallback;
	if (str_to_int(order->argv[index], 0, INT32_MAX, &value) < 0) {
		tell("error", "\"%s\" is no number", order->argv[index]);
		_exit(2);
	}
	return (long)value;
}

/* --- answers -------------------------------------------------------------------------------------- */

static void put_text(const char *text)
{
	for (const char *c = text; *c; c++) {
		if (*c == '"' || *c == '\\')
			putchar('\\');
		putchar((unsigned char)*c < ' ' ? '?' : *c);
	}
}

void report(int result, const char *fmt, ...)
{
	char what[1024];
	va_list args;

	va_start(args, fmt);
	vsnprintf(what, sizeof(what), fmt, args);
	va_end(args);
	printf("{\"what\": \"");
	put_text(what);
	if (result <= PROBE_SIGNAL(0))
		printf("\", \"result\": \"denied\", \"errno\": 0, \"signal\": %d}\n",
		       PROBE_SIGNAL(0) - result);
	else
		printf("\", \"result\": \"%s\", \"errno\": %d}\n", result < 0 ? "denied" : "open",
		       -MIN(result, 0));
	fflush(stdout);
}

void tell(const char *what, const char *fmt, ...)
{
	char value[4096];
	va_list args;

	va_start(args, fmt);
	vsnprintf(value, sizeof(value), fmt, args);
	va_end(args);
	printf("{\"what\": \"");
	put_text(what);
	printf("\", \"value\": \"");
	put_text(value);
	printf("\"}\n");
	fflush(stdout);
}

int attempt(int (*body)(const void *data), const void *data)
{
	int status;
	pid_t pid = fork();

	if (pid < 0)
		return -errno;
	if (pid == 0) {
		int r;

		(void)signal(SIGALRM, SIG_DFL);
		alarm(ATTEMPT_SECONDS);
		/* Once: what can be had only once would look denied the second time. */
		r = -body(data);
		_exit(MIN(r, 255));
	}
	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			return -errno;
	}
	return WIFSIGNALED(status) ? PROBE_SIGNAL(WTERMSIG(status)) : -WEXITSTATUS(status);
}

/* --- commands ------------------------------------------------------------------------------------- */

static int confinement(const struct order *order)
{
	probe_calls(order);
	probe_sockets();
	probe_files(order);
	probe_processes(order);
	tell("done", "confinement");
	return 0;
}

static int write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : write(fd, text, strlen(text));
	int r = n < 0 ? -errno : 0;

	if (fd >= 0)
		close(fd);
	return r;
}

/*
 * The same list with all that a user namespace gives: root in it, all capabilities, network,
 * process and IPC namespaces that belong to it. A mount namespace cannot be had; that is tried by
 * the list itself.
 */
static int namespaced(const struct order *order)
{
	char map[64];
	uid_t uid = getuid();
	gid_t gid = getgid();
	int status, r;
	pid_t pid;

	if (unshare(CLONE_NEWUSER | CLONE_NEWNET | CLONE_NEWPID | CLONE_NEWIPC) < 0) {
		report(-errno, "user namespace");
		return 1;
	}
	r = write_file("/proc/self/setgroups", "deny");
	snprintf(map, sizeof(map), "0 %u 1", (unsigned int)uid);
	if (r == 0)
		r = write_file("/proc/self/uid_map", map);
	snprintf(map, sizeof(map), "0 %u 1", (unsigned int)gid);
	if (r == 0)
		r = write_file("/proc/self/gid_map", map);
	report(r, "user namespace");
	if (r < 0)
		return 1;
	/* Only children are in the new PID namespace. */
	pid = fork();
	if (pid == 0)
		_exit(confinement(order));
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return pid > 0 && WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

static int facts(const struct order *order)
{
	(void)order;
	probe_facts();
	return 0;
}

static const struct {
	const char *name;
	int (*run)(const struct order *order);
} commands[] = {
	{"confinement", confinement}, {"namespaced", namespaced}, {"facts", facts},
	{"connect", probe_connect},   {"scan", probe_scan},       {"udp", probe_udp},
	{"listen", probe_listen},     {"unix", probe_unix},       {"bomb", probe_bomb},
	{"network", probe_network},
};

static int run_order(char *line)
{
	char *words[WORDS_MAX], *word, *rest = line;
	struct order order = {0};

	while ((word = strsep(&rest, " \n"))) {
		if (*word && order.argc < WORDS_MAX)
			words[order.argc++] = word;
	}
	if (order.argc == 0)
		return 2;
	order.argc--;
	order.argv = words + 1;
	for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
		if (str_eq(commands[i].name, words[0]))
			return commands[i].run(&order);
	}
	tell("error", "no such command: %s", words[0]);
	return 2;
}

/* --- the agent ------------------------------------------------------------------------------------ */

static void serve(int connection)
{
	char line[ORDER_MAX];
	size_t len = 0;
	int status;

	while (len < sizeof(line) - 1 && !memchr(line, '\n', len)) {
		ssize_t n = read(connection, line + len, sizeof(line) - 1 - len);

		if (n <= 0)
			_exit(2);
		len += (size_t)n;
	}
	line[len] = '\0';
	if (dup2(connection, 1) < 0)
		_exit(2);
	close(connection);
	status = run_order(line);
	tell("exit", "%d", status);
	_exit(status);
}

static void agent(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	const char *home = getenv("HOME");
	int fd, connection;

	/* What the launcher holds is not the browser's either. */
	close_range(3, ~0U, 0);
	(void)signal(SIGCHLD, SIG_IGN);
	(void)signal(SIGPIPE, SIG_IGN);
	setsid();
	snprintf(address.sun_path, sizeof(address.sun_path), "%s/transfer/probe",
		 home ? home : "/nonexistent");
	unlink(address.sun_path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    listen(fd, 64) < 0) {
		perror("cell_probe");
		_exit(2);
	}
	while ((connection = accept4(fd, NULL, NULL, SOCK_CLOEXEC)) >= 0 || errno == EINTR) {
		if (connection >= 0 && fork() == 0) {
			close(fd);
			(void)signal(SIGCHLD, SIG_DFL);
			serve(connection);
		}
		if (connection >= 0)
			close(connection);
	}
	_exit(2);
}

int main(int argc, char **argv)
{
	(void)argc;
	if (fork() == 0)
		agent();
	execv(LAUNCHER, argv);
	perror(LAUNCHER);
	return 2;
}
