/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What only makes sense together, or needs more than a type. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "base/str.h"
#include "conf/conf_impl.h"
#include "conf/role.h"
#include "conf/schedule.h"

struct check {
	const struct conf *conf;
	FILE *errors;
	unsigned int n_errors;
};

static void PRINTF(3, 4) complain(struct check *check, enum conf_id id, const char *fmt, ...)
{
	const char *origin = conf_origin(check->conf, id);
	va_list args;

	check->n_errors++;
	fprintf(check->errors, "%s: \"%s\" ", origin ? origin : "default", conf_row(id)->name);
	va_start(args, fmt);
	vfprintf(check->errors, fmt, args);
	va_end(args);
	fputc('\n', check->errors);
}

/* "address/bits", or a bare address where `bits_needed` is false. */
static bool is_network(const char *text, int family, bool bits_needed)
{
	char address[INET6_ADDRSTRLEN];
	unsigned char bytes[16];
	const char *slash = strchr(text, '/');
	int64_t bits;

	if (!slash)
		return !bits_needed && inet_pton(family, text, bytes) == 1;
	if ((size_t)(slash - text) >= sizeof(address))
		return false;
	memcpy(address, text, (size_t)(slash - text));
	address[slash - text] = '\0';
	return inet_pton(family, address, bytes) == 1 &&
	       str_to_int(slash + 1, 0, family == AF_INET ? 32 : 128, &bits) == 0;
}

static bool is_any_network(const char *text, bool bits_needed)
{
	return is_network(text, AF_INET, bits_needed) || is_network(text, AF_INET6, bits_needed);
}

static int64_t network_bits(const char *text)
{
	const char *slash = strchr(text, '/');
	int64_t bits = 0;

	return slash && str_to_int(slash + 1, 0, 128, &bits) == 0 ? bits : 0;
}

/* "07:30" */
static bool is_time(const char *text)
{
	int64_t hour, minute;
	char part[3] = "";

	if (strlen(text) != 5 || text[2] != ':')
		return false;
	memcpy(part, text, 2);
	return str_to_int(part, 0, 23, &hour) == 0 && str_to_int(text + 3, 0, 59, &minute) == 0;
}

static void check_times(struct check *check)
{
	for (size_t i = 0; i < conf_list_len(check->conf, CONF_BACKUP_TIMES); i++) {
		if (!is_time(conf_list_item(check->conf, CONF_BACKUP_TIMES, i)))
			complain(check, CONF_BACKUP_TIMES, "needs times such as 22:30, not \"%s\"",
				 conf_list_item(check->conf, CONF_BACKUP_TIMES, i));
	}
}

static void check_lists(struct check *check)
{
	const struct conf *conf = check->conf;

	for (size_t i = 0; i < conf_list_len(conf, CONF_LISTEN); i++) {
		if (strchr(conf_list_item(conf, CONF_LISTEN, i), '/') ||
		    !is_any_network(conf_list_item(conf, CONF_LISTEN, i), false))
			complain(check, CONF_LISTEN,
				 "needs addresses such as 192.0.2.1 or ::, not \"%s\"",
				 conf_list_item(conf, CONF_LISTEN, i));
	}
	for (size_t i = 0; i < conf_list_len(conf, CONF_DNS); i++) {
		if (strchr(conf_list_item(conf, CONF_DNS, i), '/') ||
		    !is_any_network(conf_list_item(conf, CONF_DNS, i), false))
			complain(check, CONF_DNS, "needs addresses of name servers, not \"%s\"",
				 conf_list_item(conf, CONF_DNS, i));
	}
	for (size_t i = 0; i < conf_list_len(conf, CONF_CELL_ALLOW); i++) {
		if (!is_any_network(conf_list_item(conf, CONF_CELL_ALLOW, i), false))
			complain(check, CONF_CELL_ALLOW,
				 "needs networks such as 198.51.100.0/24, not \"%s\"",
				 conf_list_item(conf, CONF_CELL_ALLOW, i));
	}
}

static void check_blocks(struct check *check)
{
	const char *block = conf_str(check->conf, CONF_CELL_BLOCK);
	const char *block6 = conf_str(check->conf, CONF_CELL_BLOCK6);

	if (!is_network(block, AF_INET, true) || network_bits(block) < 8 ||
	    network_bits(block) > 24)
		complain(check, CONF_CELL_BLOCK,
			 "needs an IPv4 network of 8 to 24 bits such as 100.127.0.0/16, not \"%s\"",
			 block);
	if (block6[0] && (!is_network(block6, AF_INET6, true) || network_bits(block6) < 16 ||
			  network_bits(block6) > 96))
		complain(check, CONF_CELL_BLOCK6,
			 "needs an IPv6 network of 16 to 96 bits such as fd6c:617a:6172::/48, not "
			 "\"%s\"",
			 block6);
}

static void check_words(struct check *check)
{
	const char *layout = conf_str(check->conf, CONF_KEYBOARD_LAYOUT);
	const char *url = conf_str(check->conf, CONF_START_URL);
	const char *proxy = conf_str(check->conf, CONF_PROXY);
	const char *colon = strrchr(proxy, ':');
	int64_t port;

	if (strspn(layout, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-(),") !=
	    strlen(layout))
		complain(check, CONF_KEYBOARD_LAYOUT,
			 "needs an XKB layout such as us or de(nodeadkeys), not \"%s\"", layout);
	if (strncmp(url, "https://", 8) != 0 && strncmp(url, "http://", 7) != 0 &&
	    strncmp(url, "file:///run/lazaret/start/", 26) != 0 && !str_eq(url, "about:blank"))
		complain(check, CONF_START_URL,
			 "needs a web address that begins with https:// or http://, not \"%s\"",
			 url);
	if (proxy[0] && (!colon || colon == proxy || strpbrk(proxy, "/@ ") ||
			 str_to_int(colon + 1, 1, 65535, &port) < 0))
		complain(check, CONF_PROXY, "needs host:port, not \"%s\"", proxy);
}

static bool overlaps(int64_t a, int64_t n_a, int64_t b, int64_t n_b)
{
	return a < b + n_b && b < a + n_a;
}

static void check_numbers(struct check *check)
{
	const struct conf *conf = check->conf;
	/* A slot each for sessions, parked cells and logins on their way. */
	int64_t slots = conf_int(conf, CONF_MAX_SESSIONS) + conf_int(conf, CONF_PARKED_CELLS) +
			1024;

	if (overlaps(conf_int(conf, CONF_DISPLAY_UID_BASE), slots,
		     conf_int(conf, CONF_CELL_UID_BASE), slots))
		complain(
			check, CONF_CELL_UID_BASE,
			"is too near to \"display-uid-base\": leave at least %lld ids between them",
			(long long)slots);
	if (conf_int(conf, CONF_MAX_WAITING_PER_ADDRESS) > conf_int(conf, CONF_MAX_WAITING))
		complain(check, CONF_MAX_WAITING_PER_ADDRESS,
			 "must not be larger than \"max-waiting\"");
}

/* These stand in the configuration of sshd, which has quotes, patterns and %-words of its own. */
static void check_plain(struct check *check, enum conf_id id, const char *extra)
{
	static const char plain[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-";
	const char *text = conf_str(check->conf, id);

	for (; *text; text++) {
		if (strchr(plain, *text) || strchr(extra, *text))
			continue;
		complain(check, id, "must not contain the character \"%c\"", *text);
		return;
	}
}

/* Of one group for two roles nobody could tell which of them a person has. */
static void check_roles(struct check *check)
{
	const struct conf *conf = check->conf;

	for (unsigned int i = 0; i < ROLE_COUNT; i++) {
		const char *group = role_group(conf, (enum role_index)i);
		enum conf_id option = (enum conf_id)(CONF_ROLE_CONFIG + i);

		check_plain(check, option, " @");
		if (group[0] && str_eq(group, conf_str(conf, CONF_USERS_GROUP)))
			complain(check, option,
				 "must not be the users-group: who administers the system does not "
				 "browse with the same account");
		for (unsigned int k = 0; k < i && group[0]; k++) {
			if (str_eq(group, role_group(conf, (enum role_index)k)))
				complain(check, option,
					 "needs a group of its own: \"%s\" is that of \"%s\"",
					 group, role_option((enum role_index)k));
		}
	}
	for (size_t i = 0; i < conf_list_len(conf, CONF_ADMIN_LISTEN); i++) {
		const char *item = conf_list_item(conf, CONF_ADMIN_LISTEN, i);

		if (strchr(item, '/') || !is_any_network(item, false))
			complain(check, CONF_ADMIN_LISTEN,
				 "needs addresses such as 192.0.2.1 or ::, not \"%s\"", item);
	}
	for (size_t i = 0; i < conf_list_len(conf, CONF_ROLES_APART); i++) {
		const char *item = conf_list_item(conf, CONF_ROLES_APART, i);

		if (!role_pair_valid(item))
			complain(
				check, CONF_ROLES_APART,
				"needs pairs of config, maint, update, backup, audit, security and "
				"any, such as audit:any, not \"%s\"",
				item);
	}
}

/* --- updates ---------------------------------------------------------------------------------- */

/* An address that stands in apt's lists: nothing in it has a meaning there. */
static bool is_repository(const char *text, size_t len)
{
	static const char plain[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~:/%+[]";
	size_t head = strncmp(text, "https://", 8) == 0 ? 8 : 7;

	return (head == 8 || strncmp(text, "http://", 7) == 0) && len > head && text[head] != '/' &&
	       strspn(text, plain) >= len;
}

/* "URL SUITE COMPONENT…" with one space between. */
static bool is_debian(const char *text)
{
	static const char plain[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._/";
	size_t len = strcspn(text, " ");
	unsigned int words = 0;

	if (!is_repository(text, len) || strlen(text) > 1024)
		return false;
	for (text += len; *text == ' '; text += len) {
		text++;
		len = strspn(text, plain);
		if (len == 0 || text[len - 1] == '/' || len > 100)
			return false;
		words++;
	}
	return *text == '\0' && words >= 2 && words <= 8;
}

/* "ssh-ed25519 AAAA…", and perhaps a comment. */
static bool is_host_key(const char *text)
{
	size_t kind = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-@."), key;

	if ((strncmp(text, "ssh-", 4) != 0 && strncmp(text, "ecdsa-", 6) != 0) || text[kind] != ' ')
		return false;
	text += kind + 1;
	key = strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=");
	if (key < 32 || (text[key] && text[key] != ' '))
		return false;
	for (; *text; text++) {
		if ((unsigned char)*text < ' ')
			return false;
	}
	return true;
}

static void check_schedule(struct check *check, enum conf_id id)
{
	const char *text = conf_str(check->conf, id);
	struct schedule schedule;

	if (text[0] && !schedule_parse(text, &schedule))
		complain(check, id,
			 "needs a time such as 02:30, sun 02:30 or mon,thu 22:00, not \"%s\"",
			 text);
}

static void check_updates(struct check *check)
{
	static const enum conf_id paths[] = {CONF_UPDATE_KEYRING, CONF_UPDATE_DEBIAN_KEYRING,
					     CONF_UPDATE_CA};
	const struct conf *conf = check->conf;
	const char *url = conf_str(conf, CONF_UPDATE_URL);
	const char *key = conf_str(conf, CONF_UPDATE_HOST_KEY);

	if (url[0] && !is_repository(url, strlen(url)))
		complain(check, CONF_UPDATE_URL,
			 "needs an address such as https://updates.example.org/lazaret, without a "
			 "name or password, not \"%s\"",
			 url);
	else if (url[0] && conf_int(conf, CONF_UPDATE_METHOD) == CONF_UPDATE_METHOD_HTTPS &&
		 strncmp(url, "https://", 8) != 0)
		complain(check, CONF_UPDATE_URL,
			 "begins with https:// where \"update-method\" is https, not \"%s\"", url);
	for (size_t i = 0; i < conf_list_len(conf, CONF_UPDATE_DEBIAN); i++) {
		if (!is_debian(conf_list_item(conf, CONF_UPDATE_DEBIAN, i)))
			complain(check, CONF_UPDATE_DEBIAN,
				 "needs URL SUITE COMPONENT..., such as http://127.0.0.1/debian "
				 "bookworm "
				 "main, not \"%s\"",
				 conf_list_item(conf, CONF_UPDATE_DEBIAN, i));
	}
	if (key[0] && !is_host_key(key))
		complain(check, CONF_UPDATE_HOST_KEY,
			 "needs a public key such as \"ssh-ed25519 AAAA...\", not \"%s\"", key);
	for (size_t i = 0; i < ARRAY_LEN(paths); i++)
		check_plain(check, paths[i], "/+");
	check_plain(check, CONF_UPDATE_SUITE, "");
	check_plain(check, CONF_UPDATE_SERVER, ":");
	check_plain(check, CONF_UPDATE_ACCOUNT, "");
	check_schedule(check, CONF_UPDATE_DOWNLOAD_AT);
	check_schedule(check, CONF_UPDATE_INSTALL_AT);
}

/* The option "proxy" is not root's: the password is only for one that root has named. */
static void check_update_proxy(struct check *check)
{
	const char *proxy = conf_str(check->conf, CONF_UPDATE_PROXY);
	const char *colon = strrchr(proxy, ':');
	int64_t port;

	if (proxy[0] && (!colon || colon == proxy || strpbrk(proxy, "/@ \"\\") ||
			 str_to_int(colon + 1, 1, 65535, &port) < 0))
		complain(check, CONF_UPDATE_PROXY, "needs host:port, not \"%s\"", proxy);
	if (conf_str(check->conf, CONF_UPDATE_PROXY_USER)[0] && !proxy[0])
		complain(check, CONF_UPDATE_PROXY_USER,
			 "is for the proxy that \"update-proxy\" names, and it names none");
}

/* A MIME type, a kind of them ("image/ *" without the space), or a word of the file lock's own. */
static bool is_type(const char *item)
{
	static const char *const own[] = {"any", "unknown", "encrypted-archive", "macros",
					  "too-large-to-scan"};
	static const char plain[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.+-_";
	size_t first = strspn(item, plain);

	for (size_t i = 0; i < ARRAY_LEN(own); i++) {
		if (str_eq(item, own[i]))
			return true;
	}
	if (first == 0 || item[first] != '/' || strlen(item) > 127)
		return false;
	item += first + 1;
	return str_eq(item, "*") || (item[0] && strspn(item, plain) == strlen(item));
}

#define TYPES_REMEDY                                                                             \
	"needs types such as application/pdf, image/*, any, unknown, encrypted-archive, macros " \
	"or "                                                                                    \
	"too-large-to-scan, not"

static void check_group_types(struct check *check, size_t group, enum conf_group_id id)
{
	const struct conf *conf = check->conf;

	for (size_t i = 0; i < conf_group_list_len(conf, group, id); i++) {
		const char *item = conf_group_list_item(conf, group, id, i);

		if (is_type(item))
			continue;
		fprintf(check->errors, "%s: \"%s\" of group \"%s\" " TYPES_REMEDY " \"%s\"\n",
			conf->groups[group].values[id].origin, conf_group_row(id)->name,
			conf_group_name(conf, group), item);
		check->n_errors++;
	}
}

static void check_types(struct check *check)
{
	static const enum conf_id ids[] = {CONF_TRANSFER_IN_TYPES, CONF_TRANSFER_OUT_TYPES,
					   CONF_TRANSFER_IN_REVIEW, CONF_TRANSFER_OUT_REVIEW};
	static const enum conf_group_id group_ids[] = {
		CONF_GROUP_TRANSFER_IN_TYPES, CONF_GROUP_TRANSFER_OUT_TYPES,
		CONF_GROUP_TRANSFER_IN_REVIEW, CONF_GROUP_TRANSFER_OUT_REVIEW};
	const struct conf *conf = check->conf;

	for (size_t k = 0; k < ARRAY_LEN(ids); k++) {
		for (size_t i = 0; i < conf_list_len(conf, ids[k]); i++) {
			if (!is_type(conf_list_item(conf, ids[k], i)))
				complain(check, ids[k], TYPES_REMEDY " \"%s\"",
					 conf_list_item(conf, ids[k], i));
		}
		for (size_t g = 0; g < conf_group_count(conf); g++)
			check_group_types(check, g, group_ids[k]);
	}
	/* A name in the folder, not a way out of it. */
	if (strchr(conf_str(conf, CONF_LOCK_SECOND_SCANNER), '/') ||
	    conf_str(conf, CONF_LOCK_SECOND_SCANNER)[0] == '.')
		complain(check, CONF_LOCK_SECOND_SCANNER,
			 "needs the name of a program in \"lock-scanner-directory\", not \"%s\"",
			 conf_str(conf, CONF_LOCK_SECOND_SCANNER));
	/* These stand in the configuration of clamd, which has no quotes. */
	check_plain(check, CONF_LOCK_SIGNATURES, "/");
}

int conf_check(const struct conf *conf, FILE *errors)
{
	struct check check = {.conf = conf, .errors = errors};

	check_lists(&check);
	check_times(&check);
	check_blocks(&check);
	check_words(&check);
	check_numbers(&check);
	check_roles(&check);
	check_types(&check);
	check_updates(&check);
	check_update_proxy(&check);
	check_plain(&check, CONF_ADMIN_PAM_SERVICE, "");
	check_plain(&check, CONF_SSH_DIR, "/ @+,=");
	return check.n_errors > 0 ? -EINVAL : 0;
}
