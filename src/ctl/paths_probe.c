/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * paths probe: every path that is on, tried from where it is used. What is tried is decided here;
 * each attempt is made by a lazaret-pathprobe, as the account that uses the path or in a cell's network
 * that the daemon lends.
 */
#include <errno.h>
#include <json-c/json.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/str.h"
#include "ctl/answer.h"
#include "ctl/files.h"
#include "ctl/paths.h"
#include "ctl/request.h"
#include "ipc/message.h"
#include "net/env.h"
#include "net/probe_run.h"

#define PROGRAM "lazaret-pathprobe"
/* Attempts of one call. */
#define ATTEMPTS_MAX 4096
#define PARALLEL 16
#define TIMEOUT_MS 3000
/* Ports of a range that are tried one by one; of a longer one its ends. */
#define RANGE_TRIED 16
/* Networks of so many addresses (1 << bits) in a list of hosts are the hosts. */
#define NEIGHBOURS_BITS 4
#define LEND_TIMEOUT_MS 20000
/* What stands for the Internet unless --target names something: where Debian gets its packages. */
#define INTERNET_TARGET "deb.debian.org"
#define UID_NOBODY 65534

struct options {
	bool json;
	const char *socket;
	const char *program;
	const char *target; /* or NULL */
	uint16_t target_port; /* 0: those of the path */
	const char *name; /* to ask name servers, proxies and KDCs for; or NULL */
	uint32_t timeout_ms;
	bool one; /* only `id` */
	enum path_id id;
};

struct attempt {
	const struct contract_path *path;
	bool in_cell;
	char host[PROBE_NAME_MAX + 1]; /* as it is shown */
	bool resolving; /* the first of two steps */
	bool done; /* there is nothing to run: the result is decided */
	bool excused; /* nobody said what to try: not tried, and nothing is wrong */
	struct probe_task task;
};

struct probing {
	const struct options *options;
	const struct contract *contract;
	struct attempt *attempts;
	size_t n;
	bool cut; /* there is more than ATTEMPTS_MAX to try */
	int control; /* the connection that holds the cell; -1 */
	int netns; /* of the cell; -1 */
	struct network_list servers; /* of the cell */
	char no_cell[PROBE_DETAIL_MAX + 1]; /* why there is none */
	uid_t cell_uid;
};

/* --- the cell -------------------------------------------------------------------------------- */

static int take_lent(struct probing *probing, struct ipc_message *message)
{
	struct answer_record record;
	uint8_t kind = cursor_u8(&message->body);
	int r;

	if (kind != ANSWER_RECORDS || cursor_u16(&message->body) != 1)
		return -EPROTO;
	r = answer_read(&message->body, &record);
	if (r < 0)
		return r;
	for (size_t i = 0; r == 0 && i < record.n_fields; i++) {
		if (str_eq(record.fields[i].key, "resolv_conf") && record.fields[i].str)
			r = env_read_name_servers(record.fields[i].str, &probing->servers);
	}
	answer_record_finish(&record);
	probing->netns = ipc_message_take_fd(message, 0);
	return r == 0 && probing->netns < 0 ? -EPROTO : r;
}

/* Borrows the network of a cell; why there is none is kept for the attempts that need it. */
static void borrow_cell(struct probing *probing)
{
	static uint8_t storage[IPC_BODY_MAX + 4];
	static const char *const words[] = {"cell", "lend"};
	struct ipc_message message;
	int r;

	probing->control = request_connect(probing->options->socket);
	r = probing->control < 0 ? probing->control
				 : request_send(probing->control, ARRAY_LEN(words), words);
	if (r == 0)
		r = ipc_recv_wait(probing->control, LEND_TIMEOUT_MS, storage, &message);
	if (r == 0) {
		r = message.type == IPC_CONTROL_ANSWER ? take_lent(probing, &message) : -EPROTO;
		ipc_message_finish(&message);
	}
	if (r < 0)
		snprintf(probing->no_cell, sizeof(probing->no_cell),
			 "no cell to try from: lazaretd does not answer (%s)", strerror(-r));
}

/* --- the plan -------------------------------------------------------------------------------- */

static struct attempt *add(struct probing *probing, const struct contract_path *path, bool in_cell,
			   const char *host)
{
	struct attempt *attempts, *attempt;

	if (probing->n == ATTEMPTS_MAX) {
		probing->cut = true;
		return NULL;
	}
	attempts = reallocarray(probing->attempts, probing->n + 1, sizeof(*attempts));
	if (!attempts)
		return NULL;
	probing->attempts = attempts;
	attempt = &attempts[probing->n++];
	*attempt = (struct attempt){.path = path, .in_cell = in_cell};
	str_copy(attempt->host, sizeof(attempt->host), host);
	attempt->task.job.timeout_ms = probing->options->timeout_ms;
	attempt->task.job.proto = PROTO_TCP;
	return attempt;
}

static void decide(struct attempt *attempt, enum probe_verdict verdict, const char *detail)
{
	attempt->done = true;
	attempt->task.result.verdict = verdict;
	str_copy(attempt->task.result.detail, sizeof(attempt->task.result.detail), detail);
}

/* The account that the attempt is made as: the service's own before root. */
static void choose_account(const struct probing *probing, struct attempt *attempt)
{
	const struct contract_path *path = attempt->path;
	struct probe_job *job = &attempt->task.job;
	struct passwd *account;

	if (attempt->in_cell) {
		job->uid = job->gid = probing->cell_uid;
		job->in_cell = true;
		attempt->task.netns = probing->netns;
		for (size_t i = 0; i < MIN(probing->servers.n, (size_t)PROBE_SERVERS_MAX); i++)
			job->servers[job->n_servers++] = probing->servers.items[i];
		return;
	}
	job->uid = contract_path_is_outgoing(path->row) ? 0 : UID_NOBODY;
	for (size_t i = 0; contract_path_is_outgoing(path->row) && i < path->n_uids; i++) {
		if (path->uids[i] != 0) {
			job->uid = path->uids[i];
			break;
		}
	}
	account = getpwuid(job->uid);
	job->gid = account ? account->pw_gid : (gid_t)job->uid;
}

static const char *ask_for(const struct probing *probing, const struct contract_path *path)
{
	const struct options *options = probing->options;

	if (options->name)
		return options->name;
	return path->proxied ? (options->target ? options->target : INTERNET_TARGET) : "";
}

static void plan_port(struct probing *probing, const struct contract_path *path, bool in_cell,
		      const char *host, const struct network *address, struct path_port port)
{
	struct attempt *attempt = add(probing, path, in_cell, host);
	struct probe_job *job;

	if (!attempt)
		return;
	job = &attempt->task.job;
	job->check = probe_check_for((enum path_id)(path - probing->contract->paths), &port,
				     path->proxied);
	job->proto = port.proto;
	job->port = port.first;
	job->address = *address;
	if (contract_is_name(host))
		str_copy(job->host, sizeof(job->host), host);
	str_copy(job->name, sizeof(job->name), ask_for(probing, path));
	choose_account(probing, attempt);
	if (in_cell && probing->netns < 0)
		decide(attempt, PROBE_UNTRIED, probing->no_cell);
}

static void plan_ports(struct probing *probing, const struct contract_path *path, bool in_cell,
		       const char *host, const struct network *address)
{
	uint16_t wanted = probing->options->target && !path->proxied ? probing->options->target_port
								     : 0;

	for (size_t i = 0; i < path->n_ports; i++) {
		struct path_port port = path->ports[i];

		if (wanted && (wanted < port.first || wanted > port.last))
			continue;
		if (wanted)
			port.first = port.last = wanted;
		for (unsigned int number = port.first; number <= port.last; number++) {
			struct path_port one = port;

			if (port.last - port.first >= RANGE_TRIED && number > port.first &&
			    number < port.last)
				number = port.last;
			one.first = one.last = (uint16_t)number;
			plan_port(probing, path, in_cell, host, address, one);
		}
	}
}

/* An address at once; a name in two steps. */
static void plan_host(struct probing *probing, const struct contract_path *path, bool in_cell,
		      const char *host)
{
	struct network address;
	struct attempt *attempt;

	if (network_parse(host, &address) == 0 && address.bits == network_width(address.family)) {
		plan_ports(probing, path, in_cell, host, &address);
		return;
	}
	attempt = add(probing, path, in_cell, host);
	if (!attempt)
		return;
	attempt->resolving = true;
	attempt->task.job.check = PROBE_RESOLVE;
	str_copy(attempt->task.job.name, sizeof(attempt->task.job.name), host);
	choose_account(probing, attempt);
	if (!contract_is_name(host)) {
		decide(attempt, PROBE_UNTRIED, "a whole network: name a host of it with --target");
		attempt->excused = true;
	} else if (in_cell && probing->netns < 0) {
		decide(attempt, PROBE_UNTRIED, probing->no_cell);
	}
}

/* Addresses of hosts; neighbours became one network in the list, and are hosts all the same. */
static void plan_addresses(struct probing *probing, const struct contract_path *path, bool in_cell,
			   const struct network_list *list)
{
	char text[NETWORK_TEXT_MAX];

	for (size_t i = 0; i < list->n; i++) {
		struct network address = list->items[i];
		unsigned int width = network_width(address.family);
		unsigned int n = width - address.bits <= NEIGHBOURS_BITS
					 ? 1u << (width - address.bits)
					 : 1;

		for (unsigned int k = 0; k < n; k++) {
			if (n > 1)
				address.bits = (uint8_t)width;
			plan_host(probing, path, in_cell, network_format(&address, text));
			address.addr[width / 8 - 1]++;
		}
	}
}

static void plan_nothing(struct probing *probing, const struct contract_path *path, bool in_cell,
			 const char *why, bool excused)
{
	struct attempt *attempt = add(probing, path, in_cell, "");

	if (!attempt)
		return;
	decide(attempt, PROBE_UNTRIED, why);
	attempt->excused = excused;
}

static void plan_outgoing(struct probing *probing, const struct contract_path *path, bool in_cell)
{
	const char *target = probing->options->target;
	bool stun = path->row == path_row(PATH_WEBRTC);

	if (path->proxied) {
		/* By its name, if it has one: who tries it resolves it. */
		plan_host(probing, path, in_cell, probing->contract->proxy_host);
		return;
	}
	if (target) {
		plan_host(probing, path, in_cell, target);
		return;
	}
	if (stun) {
		plan_nothing(probing, path, in_cell,
			     "name a STUN server with --target HOST:PORT, for example that of the "
			     "meeting service",
			     true);
		return;
	}
	if (path->internet)
		plan_host(probing, path, in_cell, INTERNET_TARGET);
	for (size_t i = 0; i < path->n_hosts; i++)
		plan_host(probing, path, in_cell, path->hosts[i].text);
	if (path->n_hosts == 0)
		plan_addresses(probing, path, in_cell, &path->peers);
	if (!path->internet && path->n_hosts == 0 && path->peers.n == 0)
		plan_nothing(probing, path, in_cell, "it has no hosts yet", false);
}

static void plan_path(struct probing *probing, const struct contract_path *path)
{
	if (!contract_path_is_outgoing(path->row)) {
		/* Only whether the service answers; the way to it is tried from the other side. */
		plan_addresses(probing, path, false, &probing->contract->system);
		return;
	}
	if (path->for_host)
		plan_outgoing(probing, path, false);
	if (path->for_cells)
		plan_outgoing(probing, path, true);
}

static bool needs_cell(const struct contract *contract, const struct options *options)
{
	for (size_t i = 0; i < PATH_COUNT; i++) {
		const struct contract_path *path = &contract->paths[i];

		if ((!options->one || options->id == i) && path->on && path->for_cells &&
		    contract_path_is_outgoing(path->row))
			return true;
	}
	return false;
}

/* --- running --------------------------------------------------------------------------------- */

static int run_tasks(struct probing *probing, bool resolving)
{
	_cleanup_free_ struct probe_task *tasks = calloc(probing->n + 1, sizeof(*tasks));
	_cleanup_free_ size_t *places = calloc(probing->n + 1, sizeof(*places));
	size_t n = 0;

	if (!tasks || !places)
		return -ENOMEM;
	for (size_t i = 0; i < probing->n; i++) {
		if (probing->attempts[i].done || probing->attempts[i].resolving != resolving)
			continue;
		tasks[n] = probing->attempts[i].task;
		places[n++] = i;
	}
	probe_run(probing->options->program, tasks, n, PARALLEL);
	for (size_t i = 0; i < n; i++) {
		probing->attempts[places[i]].task.result = tasks[i].result;
		probing->attempts[places[i]].done = true;
	}
	return 0;
}

/* What names stand for takes their place; a name that failed stays as what was tried. */
static void follow_names(struct probing *probing)
{
	size_t n = probing->n, kept = 0;

	for (size_t i = 0; i < n; i++) {
		const struct attempt attempt = probing->attempts[i];

		if (!attempt.resolving || attempt.task.result.verdict != PROBE_WORKS)
			continue;
		for (size_t k = 0; k < attempt.task.result.n_addresses; k++)
			plan_ports(probing, attempt.path, attempt.in_cell, attempt.host,
				   &attempt.task.result.addresses[k]);
	}
	for (size_t i = 0; i < probing->n; i++) {
		const struct attempt *attempt = &probing->attempts[i];

		if (!attempt->resolving || attempt->task.result.verdict != PROBE_WORKS)
			probing->attempts[kept++] = *attempt;
	}
	probing->n = kept;
}

/* In the order of the table, a path's attempts together. */
static int compare_attempts(const void *a, const void *b)
{
	const struct attempt *left = a, *right = b;

	if (left->path != right->path)
		return left->path < right->path ? -1 : 1;
	if (left->in_cell != right->in_cell)
		return left->in_cell ? 1 : -1;
	return strcmp(left->host, right->host);
}

/* --- the verdict ----------------------------------------------------------------------------- */

static bool same_peer(const struct attempt *a, const struct attempt *b)
{
	return a->path == b->path && a->in_cell == b->in_cell && str_eq(a->host, b->host) &&
	       network_compare(&a->task.job.address, &b->task.job.address) == 0;
}

/*
 * A host need not serve every port that its path opens (LDAP with and without TLS, SMTP without
 * IMAP): one that it refuses is in order beside one that works.
 */
static bool in_order(const struct probing *probing, const struct attempt *attempt)
{
	switch (attempt->task.result.verdict) {
	case PROBE_WORKS:
	case PROBE_SENT:
		return true;
	case PROBE_UNTRIED:
		return attempt->excused;
	case PROBE_REFUSED:
		break;
	default:
		return false;
	}
	for (size_t i = 0; i < probing->n; i++) {
		if (same_peer(attempt, &probing->attempts[i]) &&
		    probing->attempts[i].task.result.verdict == PROBE_WORKS)
			return true;
	}
	return false;
}

static void format_verdict(const struct attempt *attempt, char *out, size_t size)
{
	enum probe_verdict verdict = attempt->task.result.verdict;

	if (verdict == PROBE_WRONG)
		snprintf(out, size, "answers, but not as %s",
			 probe_check_name(attempt->task.job.check));
	else
		str_copy(out, size, probe_verdict_name(verdict));
}

static void format_account(const struct attempt *attempt, char *out, size_t size)
{
	const struct passwd *account;

	if (attempt->in_cell) {
		str_copy(out, size, "cell");
		return;
	}
	account = getpwuid(attempt->task.job.uid);
	if (account)
		str_copy(out, size, account->pw_name);
	else
		snprintf(out, size, "%u", attempt->task.job.uid);
}

static void format_address(const struct attempt *attempt, char *out, size_t size)
{
	const struct probe_job *job = &attempt->task.job;
	char text[NETWORK_TEXT_MAX];

	out[0] = '\0';
	if (job->address.family == 0)
		return;
	network_format(&job->address, text);
	snprintf(out, size, job->address.family == AF_INET ? "%s:%u/%s" : "[%s]:%u/%s", text,
		 job->port, path_proto_name(job->proto));
}

static void print_text(const struct probing *probing, size_t n_wrong)
{
	char verdict[80], account[40], address[NETWORK_TEXT_MAX + 16];

	printf("%-12s %-10s %-28s %-28s %6s  %s\n", "path", "from", "host", "address", "ms",
	       "verdict");
	for (size_t i = 0; i < probing->n; i++) {
		const struct attempt *attempt = &probing->attempts[i];
		const char *detail = attempt->task.result.detail;

		format_verdict(attempt, verdict, sizeof(verdict));
		format_account(attempt, account, sizeof(account));
		format_address(attempt, address, sizeof(address));
		printf("%-12s %-10s %-28s %-28s %6u  %s%s%s%s%s\n", attempt->path->row->name,
		       account, attempt->host[0] ? attempt->host : "-", address[0] ? address : "-",
		       attempt->task.result.ms, verdict, detail[0] ? " (" : "", detail,
		       detail[0] ? ")" : "", in_order(probing, attempt) ? "" : "  <--");
	}
	if (n_wrong > 0)
		printf("\n%zu of %zu are not in order (<--).\n", n_wrong, probing->n);
	else
		puts("\nAll in order.");
}

static struct json_object *json_attempt(const struct probing *probing,
					const struct attempt *attempt)
{
	static const char *const slugs[] = {"works",      "refused",     "filtered", "wrong",
					    "unresolved", "unreachable", "sent",     "untried"};
	struct json_object *object = json_object_new_object();
	const struct probe_job *job = &attempt->task.job;
	char verdict[80], account[40], address[NETWORK_TEXT_MAX];

	format_verdict(attempt, verdict, sizeof(verdict));
	format_account(attempt, account, sizeof(account));
	json_object_object_add(object, "path", json_object_new_string(attempt->path->row->name));
	json_object_object_add(object, "from",
			       json_object_new_string(attempt->in_cell ? "cell" : "host"));
	json_object_object_add(object, "account", json_object_new_string(account));
	json_object_object_add(object, "uid", json_object_new_int64(job->uid));
	json_object_object_add(object, "host", json_object_new_string(attempt->host));
	json_object_object_add(
		object, "address",
		job->address.family ? json_object_new_string(network_format(&job->address, address))
				    : NULL);
	json_object_object_add(object, "protocol",
			       json_object_new_string(path_proto_name(job->proto)));
	json_object_object_add(object, "port", json_object_new_int(job->port));
	json_object_object_add(object, "service",
			       json_object_new_string(probe_check_name(job->check)));
	json_object_object_add(object, "verdict",
			       json_object_new_string(slugs[attempt->task.result.verdict]));
	json_object_object_add(object, "sentence", json_object_new_string(verdict));
	json_object_object_add(object, "detail",
			       json_object_new_string(attempt->task.result.detail));
	json_object_object_add(object, "ms", json_object_new_int64(attempt->task.result.ms));
	json_object_object_add(object, "in_order",
			       json_object_new_boolean(in_order(probing, attempt)));
	return object;
}

static void print_json(const struct probing *probing)
{
	struct json_object *array = json_object_new_array();

	for (size_t i = 0; array && i < probing->n; i++)
		json_object_array_add(array, json_attempt(probing, &probing->attempts[i]));
	puts(json_object_to_json_string_ext(array, JSON_C_TO_STRING_PRETTY |
							   JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(array);
}

static int probe(struct probing *probing)
{
	const struct contract *contract = probing->contract;
	const struct options *options = probing->options;
	size_t n_wrong = 0;
	int r;

	if (needs_cell(contract, options))
		borrow_cell(probing);
	for (size_t i = 0; i < PATH_COUNT; i++) {
		if (contract->paths[i].on && (!options->one || options->id == i))
			plan_path(probing, &contract->paths[i]);
	}
	r = run_tasks(probing, true);
	if (r == 0) {
		follow_names(probing);
		r = run_tasks(probing, false);
	}
	if (r < 0) {
		fprintf(stderr, "lazaretctl: %s\n", strerror(-r));
		return ANSWER_STATUS_FAILED;
	}
	if (probing->n == 0) {
		fputs("lazaretctl: nothing was tried: no path is on, or none has that port\n",
		      stderr);
		return ANSWER_STATUS_FAILED;
	}
	if (probing->cut)
		fprintf(stderr, "lazaretctl: only %d attempts are made; try the paths one by one\n",
			ATTEMPTS_MAX);
	qsort(probing->attempts, probing->n, sizeof(*probing->attempts), compare_attempts);
	for (size_t i = 0; i < probing->n; i++)
		n_wrong += !in_order(probing, &probing->attempts[i]);
	if (options->json)
		print_json(probing);
	else
		print_text(probing, n_wrong);
	return n_wrong == 0 && fflush(stdout) == 0 ? ANSWER_STATUS_OK : ANSWER_STATUS_FAILED;
}

/* --- the command line ------------------------------------------------------------------------ */

static int usage(const char *what, const char *value)
{
	fprintf(stderr,
		"lazaretctl: %s \"%s\"; usage: lazaretctl paths probe [ID] [--target HOST[:PORT]] "
		"[--name NAME] [--timeout MS] [FILE...]\n",
		what, value);
	return ANSWER_STATUS_USAGE;
}

/* "HOST", "HOST:PORT", "[ADDRESS]:PORT"; the host is cut off in place. */
static bool take_target(struct options *options, char *text)
{
	char *colon = strrchr(text, ':');
	int64_t port = 0;

	options->target = text;
	if (text[0] == '[') {
		char *end = strchr(text, ']');

		if (!end || (end[1] && end[1] != ':'))
			return false;
		colon = end[1] ? end + 1 : NULL;
		*end = '\0';
		options->target = text + 1;
	} else if (colon && strchr(text, ':') != colon) {
		colon = NULL;
	}
	if (colon) {
		if (str_to_int(colon + 1, 1, 65535, &port) < 0)
			return false;
		*colon = '\0';
	}
	options->target_port = (uint16_t)port;
	return options->target[0] != '\0';
}

static int take_option(struct options *options, const char *option, char *value)
{
	int64_t number;

	if (!value)
		return usage("a value must follow", option);
	if (str_eq(option, "--target"))
		return take_target(options, value) ? ANSWER_STATUS_OK
						   : usage("no host:port:", value);
	if (str_eq(option, "--name")) {
		options->name = value;
		return ANSWER_STATUS_OK;
	}
	if (!str_eq(option, "--timeout"))
		return usage("there is no option", option);
	if (str_to_int(value, 100, 60000, &number) < 0)
		return usage("no time from 100 to 60000 ms:", value);
	options->timeout_ms = (uint32_t)number;
	return ANSWER_STATUS_OK;
}

/* A word with a slash or a dot is a file, every other one a path. */
static int take_word(struct options *options, const char *word)
{
	if (path_find(word, &options->id) < 0)
		return paths_unknown(word);
	options->one = true;
	return ANSWER_STATUS_OK;
}

static int read_arguments(struct options *options, size_t n, char *const *arguments, char **files,
			  size_t *ret_n_files)
{
	size_t n_files = 0;

	for (size_t i = 0; i < n; i++) {
		int status = ANSWER_STATUS_OK;

		if (str_eq(arguments[i], "--json")) {
			options->json = true;
		} else if (arguments[i][0] == '-') {
			status = take_option(options, arguments[i],
					     i + 1 < n ? arguments[i + 1] : NULL);
			i++;
		} else if (!options->one && !strpbrk(arguments[i], "/.")) {
			status = take_word(options, arguments[i]);
		} else {
			files[n_files++] = arguments[i];
		}
		if (status != ANSWER_STATUS_OK)
			return status;
	}
	*ret_n_files = n_files;
	return ANSWER_STATUS_OK;
}

int paths_probe(bool json, const char *socket, size_t n, char *const *arguments)
{
	_cleanup_conf_ struct conf *conf = NULL;
	_cleanup_contract_ struct contract *contract = NULL;
	_cleanup_free_ char **files = calloc(n + 1, sizeof(*files));
	struct options options = {.json = json, .socket = socket, .timeout_ms = TIMEOUT_MS};
	struct probing probing = {.options = &options, .control = -1, .netns = -1};
	char program[4096 + sizeof(PROGRAM)];
	size_t n_files = 0;
	int status;

	if (!files)
		return ANSWER_STATUS_FAILED;
	status = read_arguments(&options, n, arguments, files, &n_files);
	if (status != ANSWER_STATUS_OK)
		return status;
	if (geteuid() != 0) {
		fputs("lazaretctl: paths probe has to be run by root: it tries each path as the "
		      "account that uses it\n",
		      stderr);
		return ANSWER_STATUS_DENIED;
	}
	if (paths_contract(n_files, files, 0, &conf, &contract) < 0)
		return ANSWER_STATUS_FAILED;
	snprintf(program, sizeof(program), "%s/" PROGRAM, conf_str(conf, CONF_LIBEXEC_DIR));
	options.program = program;
	if (options.one && !contract->paths[options.id].on) {
		fprintf(stderr, "lazaretctl: path \"%s\" is off (%s); nothing was tried\n",
			path_row(options.id)->name, contract->paths[options.id].why);
		return ANSWER_STATUS_FAILED;
	}
	probing.contract = contract;
	probing.cell_uid = UID_NOBODY;
	status = probe(&probing);
	free(probing.attempts);
	network_list_finish(&probing.servers);
	fd_close(probing.netns);
	fd_close(probing.control);
	return status;
}
