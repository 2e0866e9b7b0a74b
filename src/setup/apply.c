/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/str.h"
#include "cert/store.h"
#include "cert/x509.h"
#include "conf/conf.h"
#include "conf/role.h"
#include "ctl/program.h"
#include "setup/setup.h"

#define KEEP_NAME "lazaret.conf.before-setup"
#define AUTHORITY_DAYS 3650
#define CERTIFICATE_DAYS 365
#define OUTPUT_MAX (64 << 10)
/* More than the unit's own TimeoutStartSec=: a slow host proves its sandbox slowly. */
#define STEP_MS (330 * 1000)
#define CONFIG_TEXT_MAX (1 << 20)

static int complain(const char *what, int error)
{
	fprintf(stderr, "lazaret-setup: %s: %s\n", what, strerror(-error));
	return error;
}

/* --- programs --------------------------------------------------------------------------------- */

/* Runs it to its end; what it says on standard output is ours to free, or printed if NULL. */
static int call(const char *const *argv, const char *input, char **ret_out)
{
	_cleanup_free_ char *out = NULL, *err = NULL;
	int status = 0;
	int r = program_run(&(const struct program){.argv = argv,
						    .input = input,
						    .input_len = input ? strlen(input) : 0,
						    .max = OUTPUT_MAX,
						    .timeout_ms = STEP_MS},
			    &status, &out, &err);

	if (r < 0)
		return complain(argv[0], r);
	if (status != 0) {
		fprintf(stderr, "lazaret-setup: %s %s: %s%s", argv[0], argv[1] ? argv[1] : "", out,
			err);
		return -EIO;
	}
	if (ret_out)
		*ret_out = STEAL(out);
	else
		fputs(out, stdout);
	return 0;
}

/* lazaretctl does what it does for anybody: there is one way to make accounts. */
static int ctl(const struct setup *setup, const char *input, char **ret_out,
	       const char *const *words)
{
	const char *argv[16];
	char path[sizeof(setup->folder) + 16];
	size_t n = 0;

	snprintf(path, sizeof(path), "%s/lazaretctl", setup->folder);
	argv[n++] = path;
	while (*words && n < ARRAY_LEN(argv) - 1)
		argv[n++] = *words++;
	argv[n] = NULL;
	return call(argv, input, ret_out);
}

#define CTL(setup, input, ret_out, ...) \
	ctl(setup, input, ret_out, (const char *const[]){__VA_ARGS__, NULL})

/* --- the configuration ------------------------------------------------------------------------ */

/* The file is not called what it is called here. */
static void print_renamed(const char *text, const char *path, FILE *out)
{
	const char *at;

	while ((at = strstr(text, path))) {
		fprintf(out, "%.*slazaret.conf", (int)(at - text), text);
		text = at + strlen(path);
	}
	fputs(text, out);
}

/* The network contract is made of files: it is asked with one that only root can have written. */
static int check_contract(const struct setup *setup, const char *text, FILE *errors)
{
	char path[] = "/run/lazaret-setup-XXXXXX";
	_cleanup_fd_ int fd = mkstemp(path);
	_cleanup_free_ char *out = NULL, *err = NULL;
	char program[sizeof(setup->folder) + 16];
	const char *const argv[] = {program, "config", "check", path, NULL};
	int status = 1, r;

	if (fd < 0)
		return -errno;
	snprintf(program, sizeof(program), "%s/lazaretctl", setup->folder);
	r = fd_write_all(fd, text, strlen(text));
	if (r == 0)
		r = program_run(&(const struct program){.argv = argv,
							.max = OUTPUT_MAX,
							.timeout_ms = STEP_MS},
				&status, &out, &err);
	(void)unlink(path);
	if (r < 0)
		return r;
	if (status != 0)
		print_renamed(err, path, errors);
	return status == 0 ? 0 : -EINVAL;
}

int setup_check(const struct setup *setup, FILE *errors)
{
	_cleanup_free_ char *text = answers_config(&setup->answers);
	_cleanup_conf_ struct conf *conf = conf_create();
	int r = answers_check(&setup->answers, errors);

	if (r < 0)
		return r;
	if (!text || !conf)
		return -ENOMEM;
	r = conf_read_text(conf, "lazaret.conf", text, errors);
	if (r == 0)
		r = conf_check(conf, errors);
	return r == 0 ? check_contract(setup, text, errors) : r;
}

/* Comments alone, as the package brings them, are no configuration. */
static bool says_something(const char *text)
{
	while (*text) {
		text += strspn(text, " \t\r\n");
		if (*text && *text != '#')
			return true;
		text += strcspn(text, "\n");
	}
	return false;
}

static int read_present(char **ret_text)
{
	size_t len;
	int r = fd_read_file(AT_FDCWD, CONF_PATH, CONFIG_TEXT_MAX, ret_text, &len);

	if (r == -ENOENT)
		*ret_text = NULL;
	return r == -ENOENT ? 0 : r;
}

int setup_may(const struct setup *setup, FILE *errors)
{
	_cleanup_free_ char *text = NULL;
	int r = read_present(&text);

	if (r < 0) {
		fprintf(errors, CONF_PATH ": %s\n", strerror(-r));
		return r;
	}
	if (text && says_something(text) && !setup->force) {
		fputs(CONF_PATH " is there and says something; --force replaces it, and keeps it "
				"as " KEEP_NAME "\n",
		      errors);
		return -EEXIST;
	}
	return 0;
}

static int write_config(const struct setup *setup)
{
	_cleanup_free_ char *text = answers_config(&setup->answers), *present = NULL;
	_cleanup_fd_ int dir = -1;
	int r = text ? read_present(&present) : -ENOMEM;

	if (mkdir(LAZARET_SYSCONFDIR, 0755) < 0 && errno != EEXIST)
		r = -errno;
	dir = open(LAZARET_SYSCONFDIR, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (r == 0 && dir < 0)
		r = -errno;
	/* Done again with the same answers, there is nothing to keep. */
	if (r == 0 && present && says_something(present) && !str_eq(present, text))
		r = fd_write_file_atomic(dir, KEEP_NAME, 0644, present, strlen(present));
	if (r == 0)
		r = fd_write_file_atomic(dir, "lazaret.conf", 0644, text, strlen(text));
	return r < 0 ? complain(CONF_PATH, r) : 0;
}

/* --- accounts --------------------------------------------------------------------------------- */

static int make_group(const char *name)
{
	const char *const argv[] = {"/usr/sbin/groupadd", "--system", name, NULL};

	return getgrnam(name) ? 0 : call(argv, NULL, NULL);
}

static int make_groups(const struct setup *setup)
{
	_cleanup_conf_ struct conf *conf = conf_create();
	int r = make_group(answers_get(&setup->answers, ANSWER_USERS_GROUP));

	for (int i = 0; conf && r == 0 && i < ROLE_COUNT; i++)
		r = make_group(role_group(conf, (enum role_index)i));
	return r;
}

/* The line of a key, or the file that has it. */
static int read_key(const char *value, char **ret_key)
{
	size_t len;
	int r;

	if (value[0] != '/' && value[0] != '.') {
		*ret_key = strdup(value);
		return *ret_key ? 0 : -ENOMEM;
	}
	r = fd_read_file(AT_FDCWD, value, ANSWERS_VALUE_MAX, ret_key, &len);
	return r < 0 ? complain(value, r) : 0;
}

static bool has_key(const struct setup *setup, const char *name)
{
	_cleanup_free_ char *out = NULL;

	return CTL(setup, NULL, &out, "admin", "key", "list", name) == 0 && strstr(out, "SHA256:");
}

static int grant(const struct setup *setup, const char *name)
{
	struct answer_words roles;
	int r = 0;

	answer_words(answers_get(&setup->answers, ANSWER_ADMIN_ROLES), &roles);
	for (size_t i = 0; r == 0 && i < roles.n; i++)
		r = CTL(setup, NULL, NULL, "roles", "grant", name, roles.items[i]);
	answer_words_finish(&roles);
	return r;
}

static int make_admin(const struct setup *setup)
{
	const char *name = answers_get(&setup->answers, ANSWER_ADMIN);
	const char *value = answers_get(&setup->answers, ANSWER_ADMIN_KEY);
	_cleanup_free_ char *key = NULL;
	int r = 0;

	if (!name[0])
		return 0;
	if (value[0])
		r = read_key(value, &key);
	if (r == 0 && !getpwnam(name))
		r = CTL(setup, NULL, NULL, "admin", "add", name);
	if (r == 0)
		r = grant(setup, name);
	if (r == 0 && key && !has_key(setup, name))
		r = CTL(setup, key, NULL, "admin", "key", "add", name, "-");
	return r;
}

static int make_user(const struct setup *setup)
{
	const char *name = answers_get(&setup->answers, ANSWER_USER);
	const char *password = answers_get(&setup->answers, ANSWER_USER_PASSWORD);
	char line[ANSWERS_VALUE_MAX + 2];
	int r;

	if (!name[0] || getpwnam(name))
		return 0;
	if (!password[0])
		return CTL(setup, NULL, NULL, "user", "add", name, "--generate");
	snprintf(line, sizeof(line), "%s\n", password);
	r = CTL(setup, line, NULL, "user", "add", name, "-");
	mem_wipe(line, sizeof(line));
	return r;
}

/* --- the certificate -------------------------------------------------------------------------- */

static int put_file(const struct store *store, const char *name, const char *text)
{
	return fd_write_file_atomic(store->dir, name, 0600, text, strlen(text));
}

/* The authority of an earlier try stays: viewers may have its root already. */
static int authority(const struct store *store, char **ret_root, char **ret_key)
{
	size_t len;
	int r = fd_read_file(store->dir, "trial-ca.pem", CERT_PEM_MAX, ret_root, &len);

	if (r == 0)
		r = fd_read_file(store->dir, "trial-ca.key", CERT_PEM_MAX, ret_key, &len);
	if (r == 0)
		return 0;
	free(STEAL(*ret_root));
	r = x509_key_make(X509_KEY_ECDSA, ret_key);
	if (r == 0)
		r = x509_make_authority(*ret_key, "Lazaret trial CA", AUTHORITY_DAYS, ret_root);
	if (r == 0)
		r = put_file(store, "trial-ca.key", *ret_key);
	return r == 0 ? put_file(store, "trial-ca.pem", *ret_root) : r;
}

static void wanted_names(const struct setup *setup, struct x509_names *names)
{
	struct answer_words words;

	answer_words(answers_get(&setup->answers, ANSWER_SERVER_NAMES), &words);
	for (size_t i = 0; i < words.n; i++)
		(void)!x509_names_add(names, words.items[i]);
	answer_words_finish(&words);
}

/* Whether one is in force that is good for these names; a second run changes nothing then. */
static bool is_there(const struct store *store, const struct x509_names *names)
{
	_cleanup_free_ char *pem = NULL;
	struct x509_names has = {0};
	size_t found = 0;

	if (store_certificate(store, &pem) < 0 || !pem || x509_certificate_names(pem, &has) < 0)
		return false;
	for (size_t i = 0; i < names->n; i++) {
		for (size_t k = 0; k < has.n; k++)
			found += strcasecmp(names->items[i], has.items[k]) == 0;
	}
	return found == names->n;
}

static int issue(const struct store *store, const struct x509_names *names)
{
	_cleanup_free_ char *root = NULL, *request = NULL, *pem = NULL;
	_cleanup_secret_ char *root_key = NULL, *key = NULL;
	char reason[CERT_REASON_MAX] = "the certificate cannot be made";
	int r = authority(store, &root, &root_key);

	if (r == 0)
		r = x509_key_make(X509_KEY_ECDSA, &key);
	if (r == 0)
		r = x509_request(key, names, NULL, &request, reason);
	if (r == 0)
		r = x509_issue(request, root, root_key, CERTIFICATE_DAYS, &pem);
	if (r == 0)
		r = store_begin(store, key, pem, root);
	return r < 0 ? complain(reason, r) : 0;
}

static int make_certificate(const struct setup *setup)
{
	_cleanup_conf_ struct conf *conf = conf_create();
	struct x509_names names = {0};
	char reason[CERT_REASON_MAX];
	struct store store;
	int r;

	if (str_eq(answers_get(&setup->answers, ANSWER_CERTIFICATE), "keep"))
		return 0;
	wanted_names(setup, &names);
	if (!conf || (mkdir(LAZARET_SYSCONFDIR "/tls", 0700) < 0 && errno != EEXIST))
		return complain(LAZARET_SYSCONFDIR "/tls", conf ? -errno : -ENOMEM);
	r = store_open(conf_str(conf, CONF_CERTIFICATE), conf_str(conf, CONF_PRIVATE_KEY), &store,
		       reason);
	if (r < 0)
		return complain(reason, r);
	if (!is_there(&store, &names))
		r = issue(&store, &names);
	store_close(&store);
	return r;
}

/* For the site's authority, last, where it is to be seen. */
static int print_request(const struct setup *setup)
{
	struct answer_words names;
	const char *words[12] = {"cert", "request"};
	size_t n = 2;
	int r;

	if (!str_eq(answers_get(&setup->answers, ANSWER_CERTIFICATE), "request"))
		return 0;
	answer_words(answers_get(&setup->answers, ANSWER_SERVER_NAMES), &names);
	for (size_t i = 0; i < names.n && n < ARRAY_LEN(words) - 1; i++)
		words[n++] = names.items[i];
	puts("For the site's authority; what it answers: lazaretctl cert install - < chain.pem");
	r = ctl(setup, NULL, NULL, words);
	answer_words_finish(&names);
	return r;
}

/* --- the service ------------------------------------------------------------------------------ */

static int start(const struct setup *setup)
{
	static const char *const enable[] = {"/usr/bin/systemctl", "enable", "lazaretd.service",
					     NULL};
	static const char *const restart[] = {"/usr/bin/systemctl", "restart", "lazaretd.service",
					      NULL};
	int r;

	if (!setup->start || access("/run/systemd/system", F_OK) < 0) {
		puts("Not started. By hand: systemctl enable --now lazaretd");
		return 0;
	}
	r = call(enable, NULL, NULL);
	/* Sessions that run stay over it. */
	return r < 0 ? r : call(restart, NULL, NULL);
}

static const struct {
	const char *text;
	int (*run)(const struct setup *setup);
} steps[] = {
	{"The configuration is written.", write_config},
	{"Groups are there.", make_groups},
	{"The certificate is there.", make_certificate},
	{"The administrator is there.", make_admin},
	{"The user is there.", make_user},
	{"The service is seen to.", start},
	{NULL, print_request},
};

int setup_do(const struct setup *setup)
{
	for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
		int r = steps[i].run(setup);

		if (r < 0) {
			fputs("lazaret-setup: this step failed; what was done before it stays, and "
			      "lazaret-setup can be run again (--force)\n",
			      stderr);
			return r;
		}
		if (steps[i].text)
			puts(steps[i].text);
	}
	puts("\nNext: give the workstations what `lazaretctl viewer-config` prints "
	     "(docs/viewers.md), "
	     "\nlook at `lazaretctl secure check`, and at docs/operator.md.");
	return 0;
}

/* --- what will be done ------------------------------------------------------------------------ */

void setup_summary(const struct setup *setup, FILE *out)
{
	const struct answers *a = &setup->answers;
	_cleanup_free_ char *text = answers_config(a);

	fprintf(out, "%s:\n\n%s\n", CONF_PATH, text ? text : "");
	fprintf(out, "certificate: %s", answers_get(a, ANSWER_CERTIFICATE));
	if (!str_eq(answers_get(a, ANSWER_CERTIFICATE), "keep"))
		fprintf(out, ", for %s", answers_get(a, ANSWER_SERVER_NAMES));
	fprintf(out, "\nadministrator: %s",
		answers_get(a, ANSWER_ADMIN)[0] ? answers_get(a, ANSWER_ADMIN) : "none");
	if (answers_get(a, ANSWER_ADMIN)[0])
		fprintf(out, " (%s), with a key", answers_get(a, ANSWER_ADMIN_ROLES));
	fprintf(out, "\nuser: %s\n",
		answers_get(a, ANSWER_USER)[0] ? answers_get(a, ANSWER_USER) : "none");
	fprintf(out, "service: %s\n", setup->start ? "enabled and started" : "not started");
}
