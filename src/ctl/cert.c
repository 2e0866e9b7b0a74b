/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ctl/cert.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/mem.h"
#include "base/str.h"
#include "cert/store.h"
#include "cert/x509.h"
#include "conf/conf.h"
#include "ctl/answer.h"
#include "ctl/files.h"
#include "ctl/input.h"
#include "ctl/request.h"

#define DAY 86400
/* From here on `cert status` and the daemon warn. */
#define WARN_DAYS 30

static int refuse(const char *sentence)
{
	fprintf(stderr, "lazaretctl: %s\n", sentence);
	return ANSWER_STATUS_FAILED;
}

static int fail(const char *what, int error)
{
	fprintf(stderr, "lazaretctl: %s: %s\n", what, strerror(-error));
	return ANSWER_STATUS_FAILED;
}

/* ANSWER_STATUS_OK, or how to exit. What is wrong was said. */
static int open_store(struct conf **ret_conf, struct store *ret_store)
{
	_cleanup_conf_ struct conf *conf = NULL;
	char reason[CERT_REASON_MAX];

	if (geteuid() != 0)
		return refuse("only root may read and change certificates without the daemon");
	if (files_read(0, NULL, &conf) < 0)
		return ANSWER_STATUS_FAILED;
	if (store_open(conf_str(conf, CONF_CERTIFICATE), conf_str(conf, CONF_PRIVATE_KEY),
		       ret_store, reason) < 0)
		return refuse(reason);
	*ret_conf = STEAL(conf);
	return ANSWER_STATUS_OK;
}

/* --- request ---------------------------------------------------------------------------------- */

struct wish {
	struct x509_names names;
	const char *subject;
	enum x509_key_type type;
	bool new_key;
};

static int usage(const char *sentence, const char *word)
{
	fprintf(stderr, "lazaretctl: \"%s\" %s\n", word, sentence);
	return ANSWER_STATUS_USAGE;
}

static int parse_wish(size_t n, char *const *arguments, struct wish *wish)
{
	for (size_t i = 0; i < n; i++) {
		const char *word = arguments[i];
		bool takes_value = str_eq(word, "--subject") || str_eq(word, "--key");

		if (takes_value && i + 1 == n)
			return usage("needs a value", word);
		if (str_eq(word, "--new-key")) {
			wish->new_key = true;
		} else if (str_eq(word, "--subject")) {
			wish->subject = arguments[++i];
		} else if (str_eq(word, "--key")) {
			wish->type = str_eq(arguments[++i], "rsa") ? X509_KEY_RSA : X509_KEY_ECDSA;
			if (!str_eq(arguments[i], "rsa") && !str_eq(arguments[i], "ecdsa"))
				return usage("is no kind of key; ecdsa and rsa are", arguments[i]);
		} else if (word[0] == '-') {
			return usage("is no option of cert request", word);
		} else if (x509_names_add(&wish->names, word) < 0) {
			return usage("is neither a name nor an address of a server", word);
		}
	}
	return ANSWER_STATUS_OK;
}

/* Those of the certificate that there is; otherwise what the host is called and the addresses it has. */
static void default_names(const struct store *store, const struct conf *conf,
			  struct x509_names *names)
{
	_cleanup_free_ char *pem = NULL;
	char host[256] = "";

	if (store_certificate(store, &pem) == 0 && pem && x509_certificate_names(pem, names) == 0 &&
	    names->n > 0)
		return;
	if (gethostname(host, sizeof(host) - 1) == 0)
		(void)!x509_names_add(names, host);
	for (size_t i = 0; i < conf_list_len(conf, CONF_SYSTEM_ADDRESS); i++)
		(void)!x509_names_add(names, conf_list_item(conf, CONF_SYSTEM_ADDRESS, i));
}

static int request(const struct store *store, const struct wish *wish)
{
	_cleanup_secret_ char *key = NULL;
	_cleanup_free_ char *pem = NULL;
	char reason[CERT_REASON_MAX];
	int r = wish->new_key ? 0 : store_next_key(store, &key);

	/* One that was sent off stays good: it is asked for again with the same key. */
	if (r == 0 && !key)
		r = x509_key_make(wish->type, &key);
	if (r < 0)
		return fail("the key cannot be made", r);
	if (x509_request(key, &wish->names, wish->subject, &pem, reason) < 0)
		return refuse(reason);
	r = store_ask(store, key, pem);
	if (r < 0)
		return fail("the request cannot be kept", r);
	fputs(pem, stdout);
	return ANSWER_STATUS_OK;
}

int cert_request(size_t n, char *const *arguments)
{
	_cleanup_conf_ struct conf *conf = NULL;
	struct wish wish = {0};
	struct store store;
	int status = parse_wish(n, arguments, &wish);

	if (status == ANSWER_STATUS_OK)
		status = open_store(&conf, &store);
	if (status != ANSWER_STATUS_OK)
		return status;
	if (wish.names.n == 0)
		default_names(&store, conf, &wish.names);
	status = wish.names.n > 0
			 ? request(&store, &wish)
			 : refuse("this host has no name; say the names and addresses by which "
				  "viewers know the server: lazaretctl cert request NAME...");
	store_close(&store);
	return status;
}

/* --- putting one in force --------------------------------------------------------------------- */

/* The daemon reads the files again. A status. */
static int reload(const char *socket)
{
	static const char *const words[] = {"reload"};
	_cleanup_free_ char *sentence = NULL;
	int status;
	int r = request_ask(socket, ARRAY_LEN(words), words, &status, &sentence);

	if (r == -ENOENT || r == -ECONNREFUSED) {
		puts("lazaretd does not run: it takes the certificate when it starts.");
		return ANSWER_STATUS_OK;
	}
	if (r < 0)
		return fail("the certificate is in place, but lazaretd does not answer", r);
	if (status != ANSWER_STATUS_OK)
		return refuse(sentence);
	return ANSWER_STATUS_OK;
}

/* What the certificate has to be good for: what was asked for, or what the one in force is for. */
static int wanted_names(const struct store *store, struct x509_names *names)
{
	_cleanup_free_ char *request = NULL, *chain = NULL;
	int r = store_next_request(store, &request);

	if (r == 0 && request)
		return x509_request_names(request, names);
	if (r == 0)
		r = store_certificate(store, &chain);
	return r < 0 || !chain ? r : x509_certificate_names(chain, names);
}

static int say_installed(const char *chain)
{
	struct x509_info info;
	char until[32];

	if (x509_describe(chain, &info) < 0)
		return ANSWER_STATUS_FAILED;
	clock_format((uint64_t)info.until * USEC_PER_SEC, until, sizeof(until));
	printf("In force: %s, until %s, SHA-256 %s.\n", info.subject, until, info.fingerprint);
	return ANSWER_STATUS_OK;
}

static int install(const struct store *store, const char *pem, bool fewer, const char *socket)
{
	_cleanup_secret_ char *next = NULL, *now = NULL;
	_cleanup_free_ char *roots = NULL, *chain = NULL, *root = NULL;
	struct x509_names names = {0};
	struct x509_wanted wanted = {.names = &names, .now = time(NULL)};
	char reason[CERT_REASON_MAX];
	size_t key;
	int status, r = store_next_key(store, &next);

	if (r == 0)
		r = store_key(store, &now);
	if (r == 0)
		r = store_root(store, &roots);
	if (r == 0 && !fewer)
		r = wanted_names(store, &names);
	if (r < 0)
		return fail("what is in force cannot be read", r);
	wanted.keys[0] = next;
	wanted.keys[1] = now;
	wanted.roots = roots;
	if (x509_check(pem, &wanted, &chain, &root, &key, reason) < 0) {
		refuse(reason);
		return refuse("nothing was changed");
	}
	r = store_install(store, key == 1, chain, root);
	if (r < 0)
		return fail("the certificate cannot be put in force; nothing was changed", r);
	status = reload(socket);
	if (status == ANSWER_STATUS_OK)
		return say_installed(chain);
	/* The configuration may be wrong meanwhile; the certificate is not to blame, but not in force. */
	if (store_revert(store) == 0)
		refuse("the certificate before is in place again");
	return status;
}

int cert_install(const char *socket, size_t n, char *const *arguments)
{
	_cleanup_conf_ struct conf *conf = NULL;
	_cleanup_free_ char *pem = NULL;
	bool fewer = n > 1 && str_eq(arguments[0], "--fewer-names");
	struct store store;
	size_t len;
	int status;

	if (!str_eq(arguments[n - 1], "-") || (n > 1 && !fewer))
		return usage("is not -: the chain is read from standard input: lazaretctl cert "
			     "install - < chain.pem",
			     arguments[fewer ? 1 : 0]);
	status = open_store(&conf, &store);
	if (status != ANSWER_STATUS_OK)
		return status;
	status = ANSWER_STATUS_FAILED;
	/* What does not come is said there. */
	if (input_read(CERT_PEM_MAX, &pem, &len) == 0)
		status = install(&store, pem, fewer, socket);
	store_close(&store);
	return status;
}

int cert_revert(const char *socket)
{
	_cleanup_conf_ struct conf *conf = NULL;
	_cleanup_free_ char *chain = NULL;
	struct store store;
	int status = open_store(&conf, &store);
	int r;

	if (status != ANSWER_STATUS_OK)
		return status;
	r = store_revert(&store);
	if (r == -ENOENT)
		status = refuse("there is no certificate before this one");
	else if (r < 0)
		status = fail("the certificate before cannot be put in force", r);
	else
		status = reload(socket);
	if (status == ANSWER_STATUS_OK && store_certificate(&store, &chain) == 0 && chain)
		status = say_installed(chain);
	store_close(&store);
	return status;
}

/* --- status ----------------------------------------------------------------------------------- */

static const char *judge(const struct x509_info *info, time_t now)
{
	if (info->until < now)
		return "ended";
	if (info->from > now)
		return "not-yet";
	return info->until - now < (time_t)WARN_DAYS * DAY ? "ends-soon" : "good";
}

static void put(json_object *object, bool json, const char *key, const char *value)
{
	if (!json)
		printf("%-12s  %s\n", key, value);
	json_object_object_add(object, key, json_object_new_string(value));
}

static void put_number(json_object *object, bool json, const char *key, int64_t value)
{
	if (!json)
		printf("%-12s  %lld\n", key, (long long)value);
	json_object_object_add(object, key, json_object_new_int64(value));
}

static void put_time(json_object *object, bool json, const char *key, time_t when)
{
	char text[32];

	clock_format((uint64_t)MAX(when, (time_t)0) * USEC_PER_SEC, text, sizeof(text));
	put(object, json, key, text);
}

static void put_names(json_object *object, bool json, const char *key,
		      const struct x509_names *names)
{
	json_object *list = json_object_new_array();

	if (!json)
		printf("%-12s ", key);
	for (size_t i = 0; i < names->n; i++) {
		if (!json)
			printf(" %s", names->items[i]);
		json_object_array_add(list, json_object_new_string(names->items[i]));
	}
	if (!json)
		putchar('\n');
	json_object_object_add(object, key, list);
}

static int put_certificate(json_object *object, bool json, const char *pem)
{
	struct x509_names names = {0};
	struct x509_info info;
	time_t now = time(NULL);

	if (x509_describe(pem, &info) < 0 || x509_certificate_names(pem, &names) < 0)
		return refuse("the file of the certificate has none in PEM form");
	put(object, json, "state", judge(&info, now));
	put_number(object, json, "days", (int64_t)(info.until - now) / DAY);
	put(object, json, "subject", info.subject);
	put_names(object, json, "names", &names);
	put(object, json, "issuer", info.issuer);
	put_time(object, json, "from", info.from);
	put_time(object, json, "until", info.until);
	put(object, json, "key", info.key);
	put_number(object, json, "certificates", (int64_t)info.certificates);
	put(object, json, "sha256", info.fingerprint);
	return str_eq(judge(&info, now), "good") ? ANSWER_STATUS_OK : ANSWER_STATUS_FAILED;
}

static void put_request(json_object *object, bool json, const char *request)
{
	struct x509_names names = {0};

	if (request && x509_request_names(request, &names) == 0)
		put_names(object, json, "request", &names);
}

static int show(const struct store *store, bool json)
{
	_cleanup_free_ char *chain = NULL, *request = NULL, *root = NULL;
	json_object *object = json_object_new_object();
	struct x509_info info;
	int status = ANSWER_STATUS_FAILED;
	int r = store_certificate(store, &chain);

	if (r == 0)
		r = store_root(store, &root);
	if (r == 0)
		r = store_next_request(store, &request);
	if (r < 0)
		status = fail("the certificate cannot be read", r);
	else if (chain)
		status = put_certificate(object, json, chain);
	else
		put(object, json, "state", "none");
	if (root && x509_describe(root, &info) == 0)
		put(object, json, "root", info.subject);
	put_request(object, json, request);
	if (json)
		puts(json_object_to_json_string_ext(object, JSON_C_TO_STRING_PRETTY));
	json_object_put(object);
	return status;
}

int cert_status(bool json)
{
	_cleanup_conf_ struct conf *conf = NULL;
	struct store store;
	int status = open_store(&conf, &store);

	if (status != ANSWER_STATUS_OK)
		return status;
	status = show(&store, json);
	store_close(&store);
	return status;
}
