/* SPDX-License-Identifier: GPL-3.0-or-later */
/* lazaretctl firewall apply: nobody locks himself out. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"
#include "ctl/answer.h"
#include "ctl/contract_read.h"
#include "ctl/files.h"
#include "ctl/firewall.h"
#include "ctl/firewall_impl.h"
#include "net/nft.h"
#include "net/rules_host.h"

#define WITHIN_DEFAULT 60
#define WITHIN_MAX 3600

enum action { ACTION_APPLY, ACTION_CONFIRM, ACTION_SAVED, ACTION_OFF };

struct apply {
	enum action action;
	unsigned int seconds;
	size_t n_files;
	char *const *files;
};

static int fail(const char *what, int error)
{
	fprintf(stderr, "lazaretctl: %s: %s\n", what, strerror(-error));
	return ANSWER_STATUS_FAILED;
}

static int read_apply(size_t n, char *const *arguments, struct apply *ret_apply)
{
	struct apply apply = {.seconds = WITHIN_DEFAULT};
	int64_t seconds;

	while (n > 0 && arguments[0][0] == '-') {
		if (str_eq(arguments[0], "--confirm")) {
			apply.action = ACTION_CONFIRM;
		} else if (str_eq(arguments[0], "--saved")) {
			apply.action = ACTION_SAVED;
		} else if (str_eq(arguments[0], "--off")) {
			apply.action = ACTION_OFF;
		} else if (str_eq(arguments[0], "--within") && n > 1 &&
			   str_to_int(arguments[1], 1, WITHIN_MAX, &seconds) == 0) {
			apply.seconds = (unsigned int)seconds;
			n--;
			arguments++;
		} else {
			fprintf(stderr,
				"lazaretctl: \"%s\" is no option here, or its number is not from 1 "
				"to %d; see lazaretctl --help\n",
				arguments[0], WITHIN_MAX);
			return ANSWER_STATUS_USAGE;
		}
		n--;
		arguments++;
	}
	apply.n_files = n;
	apply.files = arguments;
	*ret_apply = apply;
	return ANSWER_STATUS_OK;
}

static void write_host(const struct contract *contract, FILE *out)
{
	rules_host(contract, out);
}

/* What is in force now, as a text that brings it back. */
static int read_before(char **ret_text)
{
	_cleanup_free_ char *listing = NULL;
	char *text;
	int r = nft_list("list table inet " RULES_HOST_TABLE, &listing);

	if (r == -ENOENT)
		text = strdup("table inet " RULES_HOST_TABLE
			      " { }\ndelete table inet " RULES_HOST_TABLE "\n");
	else if (r < 0)
		return r;
	else
		text = lines_reload_text(RULES_HOST_TABLE, listing);
	if (!text)
		return -ENOMEM;
	*ret_text = text;
	return 0;
}

/* Whether the connection that we are run from could be made again. */
static bool keeps_ssh(const struct contract *contract)
{
	struct network client;
	char text[NETWORK_TEXT_MAX];
	uint16_t port;

	if (!reach_find_ssh(&client, &port) || reach_allows(contract, &client, PROTO_TCP, port))
		return true;
	network_format(&client, text);
	fprintf(stderr,
		"lazaretctl: nothing was changed: these rules would cut the SSH connection that "
		"this "
		"is run from (%s to port %u). Add %s to zone-administration, set admin-port to %u "
		"and "
		"path \"admin\" { enabled = yes }, or run this at the console.\n",
		text, port, text, port);
	return false;
}

static int explain_busy(int error)
{
	if (error != -EBUSY)
		return fail("the state of the packet filter cannot be read", error);
	fputs("lazaretctl: rules that were loaded before still wait for their confirmation: run "
	      "lazaretctl firewall apply --confirm, or wait until they are gone\n",
	      stderr);
	return ANSWER_STATUS_FAILED;
}

static int confirm(const struct firewall_state *state)
{
	int r = state_confirm(state);

	if (r == -ENOENT) {
		fputs("lazaretctl: nothing waits for a confirmation; if it was too late, apply "
		      "again\n",
		      stderr);
		return ANSWER_STATUS_FAILED;
	}
	if (r == -ENODATA) {
		fputs("lazaretctl: apply was interrupted, so nothing is certain to be loaded; the "
		      "rules of before come back by themselves, then apply again\n",
		      stderr);
		return ANSWER_STATUS_FAILED;
	}
	if (r < 0)
		return fail("the confirmation cannot be noted", r);
	puts("Confirmed: these rules stay in force, also when the system starts again.");
	return ANSWER_STATUS_OK;
}

static bool says_yes(const char *line)
{
	return strcasecmp(line, "yes") == 0 || strcasecmp(line, "y") == 0 ||
	       strcasecmp(line, "ja") == 0 || strcasecmp(line, "j") == 0;
}

/* At a terminal: the answer, or the end of the time. */
static int ask(const struct firewall_state *state, unsigned int seconds)
{
	uint64_t deadline = clock_now() + (uint64_t)seconds * USEC_PER_SEC;
	char line[64];

	printf("Can you still reach this host, best by a new connection? Type yes within %u "
	       "seconds "
	       "to keep the rules: ",
	       seconds);
	fflush(stdout);
	for (;;) {
		uint64_t now = clock_now();
		struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};

		if (now >= deadline ||
		    poll(&input, 1, (int)((deadline - now) / USEC_PER_MSEC + 1)) == 0)
			break;
		if (!fgets(line, sizeof(line), stdin))
			break;
		line[strcspn(line, "\n")] = '\0';
		if (says_yes(line))
			return confirm(state);
		if (!state_waits(state))
			break;
		fputs("Not confirmed. Type yes to keep the rules: ", stdout);
		fflush(stdout);
	}
	fputs("\nlazaretctl: not confirmed: the rules of before come back\n", stderr);
	return ANSWER_STATUS_FAILED;
}

static int load(const struct firewall_state *state, const char *before, const char *next,
		unsigned int seconds)
{
	_cleanup_free_ char *error = NULL;
	uint64_t started = clock_now();
	int r = state_begin(state, before, next, seconds);

	if (r < 0)
		return explain_busy(r);
	r = nft_load(next, &error);
	if (r < 0) {
		state_withdraw(state);
		fprintf(stderr,
			"lazaretctl: the kernel refused the rules, and the old ones stay: %s\n",
			error ? error : strerror(-r));
		return ANSWER_STATUS_FAILED;
	}
	r = state_loaded(state);
	if (r < 0)
		return fail("the rules are loaded, but cannot be confirmed and go again", r);
	printf("The host's own packet filter is loaded (%u ms).\n",
	       (unsigned int)((clock_now() - started) / USEC_PER_MSEC));
	return ANSWER_STATUS_OK;
}

static int apply_contract(const struct apply *apply)
{
	_cleanup_contract_ struct contract *contract = NULL;
	_cleanup_conf_ struct conf *conf = NULL;
	_cleanup_state_ struct firewall_state state = {.dir = -1};
	_cleanup_free_ char *before = NULL, *next = NULL;
	int status;
	int r = contract_read(apply->n_files, apply->files, CONTRACT_HOST | CONTRACT_CELLS,
			      CONTRACT_NAMES_FRESH, &conf, &contract);

	if (r < 0 || !keeps_ssh(contract))
		return ANSWER_STATUS_FAILED;
	contract_print_notes(contract);
	r = state_open(conf, &state);
	if (r == 0)
		r = state_is_idle(&state);
	if (r < 0)
		return explain_busy(r);
	(void)reach_print_uncovered(contract, stdout);
	(void)reach_print_foreign(stdout);
	r = firewall_text(contract, write_host, &next);
	if (r == 0)
		r = read_before(&before);
	if (r < 0)
		return fail("the rules cannot be written", r);
	status = load(&state, before, next, apply->seconds);
	if (status != ANSWER_STATUS_OK)
		return status;
	if (isatty(STDIN_FILENO))
		return ask(&state, apply->seconds);
	printf("They go in %u seconds unless you confirm that you can still reach this host: "
	       "lazaretctl firewall apply --confirm\n",
	       apply->seconds);
	return ANSWER_STATUS_OK;
}

/* Of a configuration that cannot be read now, the place of the state is not worth failing for. */
static int open_state(const struct apply *apply, struct firewall_state *ret_state)
{
	_cleanup_conf_ struct conf *conf = NULL;
	int r = files_read(apply->n_files, apply->files, &conf);

	if (r < 0)
		fputs("lazaretctl: going on with the default state-directory\n", stderr);
	r = state_open(conf, ret_state);
	if (r < 0)
		(void)fail("the state of the packet filter cannot be read", r);
	return r;
}

static int apply_saved(const struct firewall_state *state)
{
	_cleanup_free_ char *text = NULL, *error = NULL;
	int r = state_is_idle(state);

	if (r < 0)
		return explain_busy(r);
	r = state_read_saved(state, &text);
	if (r == -ENOENT) {
		puts("No rules were confirmed yet, none are loaded.");
		return ANSWER_STATUS_OK;
	}
	if (r == 0)
		r = nft_load(text, &error);
	if (r == 0)
		return ANSWER_STATUS_OK;
	return fail(error ? error : "the confirmed rules cannot be read", r);
}

static int switch_off(const struct firewall_state *state)
{
	int r = state_is_idle(state);

	if (r < 0)
		return explain_busy(r);
	r = state_forget(state);
	if (r == 0)
		r = nft_load("table inet " RULES_HOST_TABLE
			     " { }\ndelete table inet " RULES_HOST_TABLE "\n",
			     NULL);
	if (r < 0)
		return fail("the host's own packet filter cannot be removed", r);
	puts("The host's own packet filter is off. Cells keep theirs.");
	return ANSWER_STATUS_OK;
}

int firewall_apply(size_t n, char *const *arguments)
{
	_cleanup_state_ struct firewall_state state = {.dir = -1};
	struct apply apply;
	int status = read_apply(n, arguments, &apply);

	if (status != ANSWER_STATUS_OK)
		return status;
	if (geteuid() != 0) {
		fputs("lazaretctl: only root may load a packet filter\n", stderr);
		return ANSWER_STATUS_DENIED;
	}
	if (apply.action == ACTION_APPLY)
		return apply_contract(&apply);
	if (open_state(&apply, &state) < 0)
		return ANSWER_STATUS_FAILED;
	switch (apply.action) {
	case ACTION_CONFIRM:
		return confirm(&state);
	case ACTION_OFF:
		return switch_off(&state);
	default:
		return apply_saved(&state);
	}
}
