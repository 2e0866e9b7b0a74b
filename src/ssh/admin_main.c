/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * lazaret-admin: the login shell of administrators, and the one command of SSH for administration. It
 * runs lazaretctl, and the menu that does, and nothing else; see lazaret-admin(8).
 */
#include <errno.h>
#include <limits.h>
#include <linux/close_range.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/str.h"
#include "ssh/words.h"

#define PROGRAM "lazaretctl"
#define MENU "lazaret-menu"
#define MENU_PROMPT 10 /* how it exits when the person wants the prompt */
#define STATUS_USAGE 2
#define STATUS_BROKEN 127

struct admin {
	char self[PATH_MAX], program[PATH_MAX], menu[PATH_MAX];
	char socket[256], term[96];
	const char *language;
	const char *env[6];
};

static bool put_path(char out[PATH_MAX], const char *self, size_t folder, const char *name)
{
	return (size_t)snprintf(out, PATH_MAX, "%.*s/%s", (int)folder, self, name) < PATH_MAX;
}

/* By the kernel, for what argv[0] is may be anybody's idea. */
static int find_programs(struct admin *admin)
{
	ssize_t len = readlink("/proc/self/exe", admin->self, sizeof(admin->self) - 1);
	char *slash;

	if (len < 0)
		return -errno;
	admin->self[len] = '\0';
	slash = strrchr(admin->self, '/');
	if (!slash ||
	    !put_path(admin->program, admin->self, (size_t)(slash - admin->self), PROGRAM) ||
	    !put_path(admin->menu, admin->self, (size_t)(slash - admin->self), MENU))
		return -ENAMETOOLONG;
	return 0;
}

/* Of the locale that somebody asks for, only which of the two languages it is counts. */
static const char *find_language(void)
{
	static const char *const names[] = {"LC_ALL", "LC_MESSAGES", "LANG"};

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		const char *value = getenv(names[i]);

		if (value && value[0])
			return strncmp(value, "de", 2) == 0 && (!value[2] || value[2] == '_')
				       ? "LAZARET_LANGUAGE=de"
				       : "LAZARET_LANGUAGE=en";
	}
	return "LAZARET_LANGUAGE=en";
}

/* What lazaretctl gets of our environment; the rest was chosen by who knows whom. */
static void make_environment(struct admin *admin)
{
	const char *socket = getenv("LAZARET_SOCKET"), *term = getenv("TERM");
	size_t n = 0;

	admin->env[n++] = "PATH=/usr/bin:/bin";
	admin->env[n++] = "LANG=C.UTF-8";
	admin->env[n++] = admin->language = find_language();
	if (socket && (size_t)snprintf(admin->socket, sizeof(admin->socket), "LAZARET_SOCKET=%s",
				       socket) < sizeof(admin->socket))
		admin->env[n++] = admin->socket;
	if (term && strlen(term) < 64 &&
	    !term[strspn(term, "abcdefghijklmnopqrstuvwxyz"
			       "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-+.")]) {
		snprintf(admin->term, sizeof(admin->term), "TERM=%s", term);
		admin->env[n++] = admin->term;
	}
	admin->env[n] = NULL;
}

/* Before its command lazaretctl has these options for us and no others: none names a file. */
static bool is_allowed(const char *word)
{
	return word[0] != '-' || str_eq(word, "--json") || str_eq(word, "--help") ||
	       str_eq(word, "--version");
}

/* The words that lazaretctl gets, or NULL; `words` may begin with its name. */
static const char **commandline(struct words *words, const char **argv)
{
	size_t i = words->n > 0 && str_eq(words->items[0], PROGRAM), n = 0;
	size_t first = i;

	argv[n++] = PROGRAM;
	for (; first < words->n && words->items[first][0] == '-'; first++) {
		if (!is_allowed(words->items[first]))
			return NULL;
	}
	if (i == words->n)
		argv[n++] = "--help";
	else
		while (i < words->n)
			argv[n++] = words->items[i++];
	argv[n] = NULL;
	return argv;
}

static int run(const struct admin *admin, struct words *words, bool stay)
{
	const char *argv[WORDS_MAX + 3];
	int status;
	pid_t pid;

	if (!commandline(words, argv)) {
		fputs("lazaret-admin: before the command only --json, --help and --version may "
		      "stand\n",
		      stderr);
		return STATUS_USAGE;
	}
	pid = stay ? fork() : 0;
	if (pid == 0) {
		(void)signal(SIGINT, SIG_DFL);
		(void)signal(SIGQUIT, SIG_DFL);
		execve(admin->program, (char *const *)argv, (char *const *)admin->env);
		fprintf(stderr, "lazaret-admin: %s: %s\n", admin->program, strerror(errno));
		_exit(STATUS_BROKEN);
	}
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return pid > 0 && WIFEXITED(status) ? WEXITSTATUS(status) : STATUS_BROKEN;
}

static int run_line(const struct admin *admin, const char *line, bool stay)
{
	static struct words words;
	const char *why;

	if (words_split(&words, line, &why) < 0) {
		fprintf(stderr, "lazaret-admin: %s\n", why);
		return STATUS_USAGE;
	}
	if (words.n == 0 && stay)
		return 0;
	return run(admin, &words, stay);
}

/* --- the menu --------------------------------------------------------------------------------- */

static bool at_terminal(void)
{
	return isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
}

/* One that can be drawn on. */
static bool can_show_menu(void)
{
	const char *term = getenv("TERM");

	return at_terminal() && term && term[0] && !str_eq(term, "dumb");
}

/* True when the person has logged out there; otherwise he wants the prompt, or has to have it. */
static bool run_menu(const struct admin *admin)
{
	const char *const argv[] = {MENU, NULL};
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		(void)signal(SIGINT, SIG_DFL);
		(void)signal(SIGQUIT, SIG_DFL);
		execve(admin->menu, (char *const *)argv, (char *const *)admin->env);
		fprintf(stderr, "lazaret-admin: %s: %s\n", admin->menu, strerror(errno));
		_exit(STATUS_BROKEN);
	}
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return pid > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* --- at a prompt ------------------------------------------------------------------------------ */

/* False at the end of the input. A line that is too long is taken to its end and refused later. */
static bool read_line(char *line, size_t size)
{
	size_t len = 0;
	int c;

	while ((c = getchar()) != EOF && c != '\n') {
		if (len + 1 < size)
			line[len++] = (char)c;
	}
	line[len] = '\0';
	return c != EOF || len > 0;
}

static int converse(const struct admin *admin)
{
	char line[WORDS_LINE_MAX + 2];
	bool terminal = isatty(STDIN_FILENO);
	int status = 0;

	/* Ctrl-C ends the command that runs, not the conversation. */
	(void)signal(SIGINT, SIG_IGN);
	(void)signal(SIGQUIT, SIG_IGN);
	if (terminal)
		puts("Administration of Lazaret. help lists the commands, menu shows them as a "
		     "menu, "
		     "exit ends.");
	for (;;) {
		if (terminal)
			fputs("lazaret> ", stdout);
		fflush(stdout);
		if (!read_line(line, sizeof(line)))
			break;
		if (str_eq(line, "exit") || str_eq(line, "quit"))
			return status;
		if (terminal && str_eq(line, "menu")) {
			if (run_menu(admin))
				return 0;
			continue;
		}
		status = run_line(admin, line, true);
	}
	if (terminal)
		putchar('\n');
	return status;
}

/* ---------------------------------------------------------------------------------------------- */

/*
 * As a login shell we are given the command behind -c. If that is ourselves, we are the one command of
 * an sshd, and what the person wanted is in SSH_ORIGINAL_COMMAND.
 */
static const char *wanted(const struct admin *admin, int argc, char **argv)
{
	if (argc < 3 || !str_eq(argv[1], "-c"))
		return NULL;
	return str_eq(argv[2], admin->self) ? getenv("SSH_ORIGINAL_COMMAND") : argv[2];
}

int main(int argc, char **argv)
{
	struct admin admin = {0};
	const char *line;
	int r = find_programs(&admin);

	if (r < 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    syscall(SYS_close_range, 3, ~0u, 0) < 0 || chdir("/") < 0) {
		fputs("lazaret-admin: cannot be set up\n", stderr);
		return STATUS_BROKEN;
	}
	umask(077);
	make_environment(&admin);
	line = wanted(&admin, argc, argv);
	if (at_terminal() && line && str_eq(line, "prompt"))
		return converse(&admin);
	if (at_terminal() && line && str_eq(line, "menu"))
		line = NULL;
	if (line)
		return run_line(&admin, line, false);
	if (argc > 1 && !str_eq(argv[1], "-c")) {
		fputs("usage: lazaret-admin [-c \"COMMAND [ARGUMENT...]\"]\n", stderr);
		return STATUS_USAGE;
	}
	/* Ctrl-C is the menu's, and later the conversation's. */
	(void)signal(SIGINT, SIG_IGN);
	(void)signal(SIGQUIT, SIG_IGN);
	if (can_show_menu() && run_menu(&admin))
		return 0;
	return converse(&admin);
}
