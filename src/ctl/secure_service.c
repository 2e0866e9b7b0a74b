/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The daemon, packet filters, services and packages. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/mem.h"
#include "base/str.h"
#include "ctl/answer.h"
#include "ctl/contract_read.h"
#include "ctl/firewall_impl.h"
#include "ctl/program.h"
#include "ctl/secure_impl.h"

#define LISTS "/var/lib/apt/lists"
#define LISTS_AGE_MAX (7 * 24 * 3600) /* seconds */
#define OUTPUT_MAX (4 << 20)
#define APT_TIMEOUT_MS 120000

/* --- the daemon ------------------------------------------------------------------------------- */

void secure_sandbox(struct secure *secure)
{
	static const char *const words[] = {"--json", "status", NULL};
	_cleanup_free_ char *text = NULL;
	json_object *status, *proven = NULL;
	int exit_status;
	bool is_proven;

	if (secure_ask(secure, words, &exit_status, &text) < 0 || exit_status != ANSWER_STATUS_OK) {
		secure_what(secure, "lazaretd does not run, which proves it at each start");
		secure_unknown(secure, "systemctl start lazaretd");
		return;
	}
	status = json_tokener_parse(text);
	if (!json_object_is_type(status, json_type_object) ||
	    !json_object_object_get_ex(status, "sandbox_proven", &proven)) {
		secure_what(secure, "lazaretd does not say whether it was seen");
		secure_unknown(secure, "lazaretctl status");
		json_object_put(status);
		return;
	}
	is_proven = json_object_get_boolean(proven);
	json_object_put(status);
	if (is_proven)
		return;
	secure_what(secure,
		    "the browser's sandbox was not seen working in a cell; nobody is served");
	secure_deviates(secure, "the log of lazaretd says why (journalctl -u lazaretd); then "
				"systemctl restart lazaretd");
}

/* --- packet filters, services ------------------------------------------------------------------- */

/* Of what firewall check prints, the lines that say what differs, or is not there at all. */
static size_t count_differences(const char *text, bool *ret_never)
{
	size_t n = 0;

	*ret_never = strstr(text, "was never applied") != NULL;
	while (*text) {
		n += strncmp(text, "  - ", 4) == 0 || strncmp(text, "  + ", 4) == 0 ||
		     strstr(text, " is gone, although") == text;
		text += strcspn(text, "\n");
		text += *text == '\n';
	}
	return n;
}

void secure_firewall(struct secure *secure)
{
	static const char *const words[] = {"firewall", "check", NULL};
	_cleanup_free_ char *text = NULL;
	int status;
	bool never;
	size_t n;

	if (secure_ask(secure, words, &status, &text) < 0) {
		secure_what(secure, "the packet filters could not be compared");
		secure_unknown(secure, "lazaretctl firewall check");
		return;
	}
	n = count_differences(text, &never);
	if (never) {
		secure_what(secure, "the host's own packet filter was never applied");
		secure_deviates(secure, "lazaretctl firewall apply, and confirm it");
	}
	if (status == ANSWER_STATUS_OK)
		return;
	secure_what(secure, "the packet filters differ from the contract in %zu lines", n);
	secure_deviates(secure, "lazaretctl firewall check shows them; lazaretctl firewall apply "
				"loads the host's, lazaretctl reload the cells'");
}

/* The contract as this host has it, or NULL; said then. */
static struct contract *read_contract(struct secure *secure)
{
	struct contract *contract = NULL;

	if (contract_read(0, NULL, CONTRACT_HOST | CONTRACT_CELLS, CONTRACT_NAMES_KNOWN, NULL,
			  &contract) == 0)
		return contract;
	secure_what(secure, "the network contract cannot be made of the configuration");
	secure_unknown(secure, "lazaretctl config check");
	return NULL;
}

void secure_services(struct secure *secure)
{
	_cleanup_contract_ struct contract *contract = read_contract(secure);
	_cleanup_free_ char *text = NULL;
	char *rest, *line;
	size_t len;
	FILE *out = contract ? open_memstream(&text, &len) : NULL;

	if (!out)
		return;
	(void)reach_print_uncovered(contract, out);
	if (fclose(out) != 0)
		return;
	for (rest = text; (line = strsep(&rest, "\n"));) {
		/* "  tcp port 111 on 0.0.0.0  rpcbind" */
		if (strncmp(line, "  ", 2) != 0)
			continue;
		secure_what(secure, "a service listens that no path covers: %s", line + 2);
		secure_deviates(secure,
				"stop it for good (systemctl disable --now), or have it "
				"listen on 127.0.0.1; the packet filter alone keeps it shut");
	}
}

/* Whether the process is an SSH server that lazaretd has not started. */
static bool is_other_sshd(const struct secure *secure, const char *pid)
{
	char path[64], exe[256], start[4200];
	_cleanup_free_ char *words = NULL;
	size_t len;
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%.16s/exe", pid);
	n = readlink(path, exe, sizeof(exe) - 1);
	if (n <= 0)
		return false;
	exe[n] = '\0';
	if (!strstr(exe, "/sshd") && !strstr(exe, "/dropbear"))
		return false;
	snprintf(path, sizeof(path), "/proc/%.16s/cmdline", pid);
	if (fd_read_file(AT_FDCWD, path, 65536, &words, &len) < 0)
		return false;
	/* Ours says so in its title, with the configuration that lazaretd has written. */
	snprintf(start, sizeof(start), "%.4096s/", conf_str(secure->conf, CONF_RUNTIME_DIR));
	return memmem(words, len, start, strlen(start)) == NULL;
}

static bool holds_socket(const char *pid, unsigned long inode)
{
	char path[64], target[64], wanted[64];
	struct dirent *entry;
	bool found = false;
	DIR *dir;

	snprintf(wanted, sizeof(wanted), "socket:[%lu]", inode);
	snprintf(path, sizeof(path), "/proc/%.16s/fd", pid);
	dir = opendir(path);
	while (dir && !found && (entry = readdir(dir))) {
		ssize_t n = readlinkat(dirfd(dir), entry->d_name, target, sizeof(target) - 1);

		if (n > 0) {
			target[n] = '\0';
			found = str_eq(target, wanted);
		}
	}
	if (dir)
		closedir(dir);
	return found;
}

/* Any SSH server that listens on the port with this socket, and is not ours. */
static void check_socket(struct secure *secure, unsigned int port, unsigned long inode)
{
	DIR *dir = opendir("/proc");
	struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		if (entry->d_name[0] < '1' || entry->d_name[0] > '9' ||
		    !is_other_sshd(secure, entry->d_name) || !holds_socket(entry->d_name, inode))
			continue;
		secure_what(secure,
			    "an SSH server that is not ours (process %s) listens on port %u, which "
			    "is one of ours",
			    entry->d_name, port);
		secure_deviates(secure,
				"systemctl disable --now ssh ssh.socket (administration is "
				"lazaretd's), or give it another Port in sshd_config; now: "
				"kill %s",
				entry->d_name);
	}
	if (dir)
		closedir(dir);
}

static void check_listeners(struct secure *secure, const char *file, const bool *ours)
{
	_cleanup_free_ char *text = secure_read(file);
	char *rest = text, *line;

	while (rest && (line = strsep(&rest, "\n"))) {
		unsigned int port, state;
		unsigned long inode;

		if (sscanf(line, " %*[^:]: %*[0-9A-F]:%4X %*s %2X %*s %*s %*s %*s %*s %lu", &port,
			   &state, &inode) == 3 &&
		    state == 0x0a && port < 65536 && ours[port])
			check_socket(secure, port, inode);
	}
}

void secure_other_sshd(struct secure *secure)
{
	_cleanup_contract_ struct contract *contract = read_contract(secure);
	static bool ours[65536];

	if (!contract)
		return;
	/* Port 22 is file transfer's, or administration's. */
	ours[22] = true;
	ours[contract->admin_port] = true;
	check_listeners(secure, "/proc/net/tcp", ours);
	check_listeners(secure, "/proc/net/tcp6", ours);
}

/* --- packages --------------------------------------------------------------------------------- */

/* When the lists were fetched last, in seconds; 0: there are none. */
static uint64_t lists_time(void)
{
	DIR *dir = opendir(LISTS);
	struct dirent *entry;
	uint64_t latest = 0;

	while (dir && (entry = readdir(dir))) {
		struct stat status;

		if (!strstr(entry->d_name, "Release") ||
		    fstatat(dirfd(dir), entry->d_name, &status, 0) < 0)
			continue;
		/* The time of the fetch, not that of the list. */
		latest = MAX(latest, (uint64_t)status.st_ctime);
	}
	if (dir)
		closedir(dir);
	return latest;
}

/* "Inst openssl [3.0.1] (3.0.2 Debian-Security:12/stable-security [amd64])" */
static void take_line(char *line, size_t *n, char *names, size_t size)
{
	size_t len = strlen(names);

	if (strncmp(line, "Inst ", 5) != 0 || !strcasestr(line, "security"))
		return;
	line += 5;
	if ((*n)++ < 8)
		snprintf(names + len, size - len, "%s%.*s", len ? ", " : "",
			 (int)strcspn(line, " "), line);
}

void secure_updates(struct secure *secure)
{
	static const char *const argv[] = {"/usr/bin/apt-get",        "--simulate",   "-qq",
					   "-oDebug::NoLocking=true", "dist-upgrade", NULL};
	_cleanup_free_ char *text = NULL, *errors = NULL;
	uint64_t fetched = lists_time(), now = clock_wall() / USEC_PER_SEC;
	char names[SECURE_TEXT_MAX / 2] = "";
	int status = 0;
	size_t n = 0;
	int r = program_run(&(const struct program){.argv = argv,
						    .max = OUTPUT_MAX,
						    .timeout_ms = APT_TIMEOUT_MS},
			    &status, &text, &errors);

	if (r < 0 || status != 0) {
		secure_what(secure, "apt-get does not say which packages are to be updated: %.200s",
			    r < 0 ? strerror(-r) : errors);
		secure_unknown(secure, "apt-get --simulate dist-upgrade shows what is wrong");
		return;
	}
	for (char *rest = text, *line; (line = strsep(&rest, "\n"));)
		take_line(line, &n, names, sizeof(names));
	if (n > 0) {
		secure_what(secure, "%zu packages have security updates: %s%s", n, names,
			    n > 8 ? " and more" : "");
		secure_deviates(secure, "lazaretctl update install, or apt-get dist-upgrade");
	}
	if (fetched + LISTS_AGE_MAX > now)
		return;
	if (fetched == 0)
		secure_what(secure, "the lists of packages were never fetched");
	else
		secure_what(secure, "the lists of packages were fetched %llu days ago",
			    (unsigned long long)((now - fetched) / 86400));
	secure_unknown(secure, "lazaretctl update check, or apt-get update");
}
