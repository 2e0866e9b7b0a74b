/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the kernel says of itself. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timex.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/str.h"
#include "ctl/secure_impl.h"
#include "net/nft.h"
#include "net/rules_cells.h"
#include "net/rules_host.h"

enum rule { EXACTLY, AT_LEAST };

static const struct sysctl {
	const char *key;
	enum rule rule;
	int64_t value;
	const char *why;
} sysctls[] = {
#define SYSCTL(...) {__VA_ARGS__},
#include "ctl/secure_checks.def"
};

/* "net.ipv4.ip_forward": its number. -ENOENT: the kernel does not have it; -EINVAL: no number. */
static int read_sysctl(const char *key, int64_t *ret_value)
{
	char path[128];
	_cleanup_free_ char *text = NULL;
	char *end;

	snprintf(path, sizeof(path), "/proc/sys/%s", key);
	for (char *c = path + strlen("/proc/sys/"); *c; c++)
		*c = *c == '.' ? '/' : *c;
	text = secure_read(path);
	if (!text)
		return access(path, F_OK) < 0 && errno == ENOENT ? -ENOENT : -EACCES;
	*ret_value = strtoll(text, &end, 10);
	return end == text || (*end && !isspace((unsigned char)*end)) ? -EINVAL : 0;
}

static void check_sysctl(struct secure *secure, const struct sysctl *row)
{
	int64_t value;
	int r = read_sysctl(row->key, &value);

	if (r == -ENOENT) {
		/* Without IPv6 there is nothing that could be wrong with it. */
		if (strncmp(row->key, "net.ipv6.", 9) == 0 &&
		    access("/proc/sys/net/ipv6", F_OK) < 0)
			return;
		secure_what(secure, "this kernel has no %s: %s", row->key, row->why);
		secure_deviates(secure, "use the distribution's kernel, which has it");
		return;
	}
	if (r < 0) {
		secure_what(secure, "%s cannot be read", row->key);
		secure_unknown(secure, "sysctl %s", row->key);
		return;
	}
	if (row->rule == EXACTLY ? value == row->value : value >= row->value)
		return;
	secure_what(secure, "%s is %lld: %s", row->key, (long long)value, row->why);
	secure_deviates(secure, "sysctl -w %s=%lld (for every start: a line in /etc/sysctl.d)",
			row->key, (long long)row->value);
}

void secure_kernel_settings(struct secure *secure)
{
	for (size_t i = 0; i < ARRAY_LEN(sysctls); i++) {
		secure->id = sysctls[i].key;
		check_sysctl(secure, &sysctls[i]);
	}
}

/* Cells are made of them, and the browser's own sandbox in the cell. */
void secure_namespaces(struct secure *secure)
{
	static const char *const needed[] = {"user.max_user_namespaces", "user.max_net_namespaces",
					     "user.max_pid_namespaces", "user.max_mnt_namespaces",
					     "kernel.unprivileged_userns_clone"};
	static const int64_t least[] = {256, 256, 256, 256, 1};
	int64_t value;

	for (size_t i = 0; i < ARRAY_LEN(needed); i++) {
		/* The last one is Debian's own: other kernels always allow it. */
		if (read_sysctl(needed[i], &value) < 0 || value >= least[i])
			continue;
		secure_what(secure, "%s is %lld: the browser's sandbox cannot be made", needed[i],
			    (long long)value);
		secure_deviates(secure, "sysctl -w %s=%lld", needed[i],
				(long long)(least[i] > 1 ? 16384 : least[i]));
	}
}

void secure_core_dumps(struct secure *secure)
{
	_cleanup_free_ char *text = secure_read("/proc/sys/kernel/core_pattern");

	if (!text) {
		secure_what(secure, "kernel.core_pattern cannot be read");
		secure_unknown(secure, "sysctl kernel.core_pattern");
		return;
	}
	text[strcspn(text, "\n")] = '\0';
	if (str_eq(text, "|/bin/false") || str_eq(text, "|/usr/bin/false"))
		return;
	secure_what(secure,
		    "kernel.core_pattern is \"%.200s\": the memory of a process that crashes, with "
		    "what users typed, is written to the disk",
		    text);
	secure_deviates(secure, "sysctl -w 'kernel.core_pattern=|/bin/false'");
}

/* --- memory ----------------------------------------------------------------------------------- */

static bool is_encrypted(const char *device)
{
	char path[256], target[256];
	_cleanup_free_ char *uuid = NULL;
	const char *name = device;
	ssize_t len;

	if (strncmp(device, "/dev/", 5) == 0)
		name = device + 5;
	len = readlink(device, target, sizeof(target) - 1);
	if (len > 0) { /* /dev/mapper/swap -> ../dm-0 */
		target[len] = '\0';
		name = strrchr(target, '/') ? strrchr(target, '/') + 1 : target;
	}
	/* In memory itself. */
	if (strncmp(name, "zram", 4) == 0)
		return true;
	snprintf(path, sizeof(path), "/sys/block/%.64s/dm/uuid", name);
	uuid = secure_read(path);
	return uuid && strncmp(uuid, "CRYPT-", 6) == 0;
}

void secure_swap(struct secure *secure)
{
	_cleanup_free_ char *text = secure_read("/proc/swaps");
	char *rest = text, *line;

	if (!text) {
		secure_what(secure, "/proc/swaps cannot be read");
		secure_unknown(secure, "swapon --show");
		return;
	}
	(void)strsep(&rest, "\n"); /* the heading */
	while (rest && (line = strsep(&rest, "\n"))) {
		line[strcspn(line, " \t")] = '\0';
		if (!line[0] || is_encrypted(line))
			continue;
		secure_what(secure, "memory is swapped to %s, which is not encrypted", line);
		secure_deviates(secure,
				"swapoff %s, and take it out of /etc/fstab or encrypt it "
				"(/etc/crypttab, option swap)",
				secure_quote(line));
	}
}

void secure_homes(struct secure *secure)
{
	_cleanup_free_ char *text = secure_read("/proc/self/mounts");
	const char *state = conf_str(secure->conf, CONF_STATE_DIR);
	char *rest = text, *line, users[4200];

	snprintf(users, sizeof(users), "%.4096s/users/", state);
	while (rest && (line = strsep(&rest, "\n"))) {
		char *word = line, *point, *options;

		(void)strsep(&word, " ");
		point = strsep(&word, " ");
		(void)strsep(&word, " ");
		options = strsep(&word, " ");
		if (!options || strncmp(point, users, strlen(users)) != 0)
			continue;
		if (strstr(options, "nosuid") && strstr(options, "nodev"))
			continue;
		secure_what(secure, "%s is mounted with \"%s\": without nosuid and nodev", point,
			    options);
		secure_deviates(secure, "mount -o remount,nosuid,nodev %s", secure_quote(point));
	}
}

/* --- control groups, AppArmor ------------------------------------------------------------------- */

static bool has_word(const char *text, const char *word)
{
	size_t len = strlen(word);

	for (const char *at = text; (at = strstr(at, word)); at += len) {
		if ((at == text || isspace((unsigned char)at[-1])) &&
		    (at[len] == '\0' || isspace((unsigned char)at[len])))
			return true;
	}
	return false;
}

/* Of version 2 the controllers at the root, of version 1 those that are enabled. */
static char *read_controllers(void)
{
	_cleanup_free_ char *old = NULL;
	char *text = secure_read("/sys/fs/cgroup/cgroup.controllers");
	char *result = NULL;
	size_t len;
	FILE *out;

	if (text)
		return text;
	old = secure_read("/proc/cgroups");
	out = open_memstream(&result, &len);
	for (char *rest = old, *line; out && rest && (line = strsep(&rest, "\n"));) {
		size_t end = strlen(line);

		if (line[0] && line[0] != '#' && line[end - 1] == '1')
			fprintf(out, "%.*s ", (int)strcspn(line, "\t "), line);
	}
	if (out && fclose(out) != 0) {
		free(result);
		return NULL;
	}
	return result;
}

void secure_control_groups(struct secure *secure)
{
	static const char *const needed[] = {"cpu", "memory", "pids"};
	_cleanup_free_ char *controllers = read_controllers();

	for (size_t i = 0; i < ARRAY_LEN(needed); i++) {
		if (controllers && has_word(controllers, needed[i]))
			continue;
		secure_what(secure,
			    "the kernel has no controller \"%s\" for control groups: a cell could "
			    "use up the host's",
			    needed[i]);
		secure_deviates(secure,
				"start the kernel without cgroup_disable=%s, under systemd with "
				"systemd.unified_cgroup_hierarchy=1",
				needed[i]);
	}
}

void secure_apparmor(struct secure *secure)
{
	static const char profile[] = "lazaret-cell";
	_cleanup_free_ char *loaded = secure_read("/sys/kernel/security/apparmor/profiles");
	int64_t restricted = 0;
	char *at = loaded;

	(void)!read_sysctl("kernel.apparmor_restrict_unprivileged_userns", &restricted);
	if (restricted == 1 && !(loaded && strstr(loaded, profile))) {
		secure_what(secure,
			    "AppArmor restricts user namespaces, and the profile %s is not loaded",
			    profile);
		secure_deviates(secure, "apparmor_parser --replace /etc/apparmor.d/%s", profile);
	}
	while (at && (at = strstr(at, "lazaret"))) {
		size_t len = strcspn(at, "\n");

		if (memmem(at, len, "(complain)", 10)) {
			secure_what(secure, "AppArmor only complains: %.*s", (int)len, at);
			secure_deviates(secure, "aa-enforce %.*s", (int)strcspn(at, " \n"), at);
		}
		at += len;
	}
}

/* --- forwarding, time --------------------------------------------------------------------------- */

static bool held_to_cells(void)
{
	static const char *const chains[] = {"list chain inet " RULES_HOST_TABLE " forward",
					     "list chain inet " RULES_CELLS_TABLE " forward"};
	bool held = false;

	for (size_t i = 0; i < ARRAY_LEN(chains) && !held; i++) {
		_cleanup_free_ char *text = NULL;

		held = nft_list(chains[i], &text) == 0 &&
		       (strstr(text, "policy drop") || strstr(text, "drop-fwd-other"));
	}
	return held;
}

void secure_forwarding(struct secure *secure)
{
	static const char *const keys[] = {"net.ipv4.ip_forward", "net.ipv6.conf.all.forwarding"};
	bool held = held_to_cells();
	int64_t value;

	for (size_t i = 0; i < ARRAY_LEN(keys) && !held; i++) {
		if (read_sysctl(keys[i], &value) < 0 || value == 0)
			continue;
		secure_what(secure, "%s is %lld, and no filter of ours holds that to cells",
			    keys[i], (long long)value);
		secure_deviates(secure,
				"lazaretctl firewall apply; if lazaretd does not run: sysctl -w "
				"%s=0",
				keys[i]);
	}
}

void secure_synchronised(struct secure *secure)
{
	struct timex state = {.modes = 0};
	int r = adjtimex(&state);

	if (r < 0) {
		secure_what(secure, "the kernel does not say whether the clock is synchronised");
		secure_unknown(secure, "timedatectl, or chronyc tracking");
		return;
	}
	if (r != TIME_ERROR && !(state.status & STA_UNSYNC))
		return;
	secure_what(secure,
		    "the clock is not synchronised: certificates, Kerberos and the times in "
		    "logs become wrong");
	secure_deviates(secure,
			"switch path \"ntp\" on with the site's servers, and have chrony or "
			"systemd-timesyncd ask them (timedatectl set-ntp true)");
}
