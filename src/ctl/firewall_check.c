/* SPDX-License-Identifier: GPL-3.0-or-later */
/* lazaretctl firewall show and check: what is in force, against what should be. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/str.h"
#include "ctl/answer.h"
#include "ctl/contract_read.h"
#include "ctl/files.h"
#include "ctl/firewall.h"
#include "ctl/firewall_impl.h"
#include "net/nft.h"
#include "net/rules_cells.h"
#include "net/rules_host.h"

struct table {
	const char *name, *what;
	void (*write)(const struct contract *contract, FILE *out);
};

static void write_host(const struct contract *contract, FILE *out)
{
	rules_host(contract, out);
}

static void write_cells(const struct contract *contract, FILE *out)
{
	rules_cells_host(contract, false, NULL, 0, out);
}

static void write_cells_only(const struct contract *contract, FILE *out)
{
	rules_cells_host(contract, true, NULL, 0, out);
}

static int fail(const char *what, int error)
{
	fprintf(stderr, "lazaretctl: %s: %s\n", what, strerror(-error));
	return ANSWER_STATUS_FAILED;
}

static int list_table(const char *name, bool counted, char **ret_listing)
{
	char command[64];

	snprintf(command, sizeof(command), "list table inet %s", name);
	return counted ? nft_list_counted(command, ret_listing) : nft_list(command, ret_listing);
}

int firewall_show(size_t n, char *const *arguments)
{
	static const char *const names[] = {RULES_HOST_TABLE, RULES_CELLS_TABLE};
	size_t shown = 0;

	(void)n;
	(void)arguments;
	if (geteuid() != 0) {
		fputs("lazaretctl: only root may see the packet filter\n", stderr);
		return ANSWER_STATUS_DENIED;
	}
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		_cleanup_free_ char *listing = NULL;

		if (list_table(names[i], true, &listing) == 0) {
			fputs(listing, stdout);
			shown++;
		} else if (i == 0) {
			puts("# The host's own packet filter is not loaded; lazaretctl firewall "
			     "apply loads it.");
		}
	}
	return shown > 0 || fflush(stdout) == 0 ? ANSWER_STATUS_OK : ANSWER_STATUS_FAILED;
}

/*
 * How the kernel would list a text: it is loaded into a namespace of its own, where nothing passes.
 * So both sides of a comparison went through the same kernel and the same library.
 */
static int list_as_kernel(const struct table *table, const char *text, char **ret_listing)
{
	_cleanup_fd_ int own = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	int r;

	if (own < 0 || unshare(CLONE_NEWNET) < 0)
		return -errno;
	r = nft_load(text, NULL);
	if (r == 0)
		r = list_table(table->name, false, ret_listing);
	if (setns(own, CLONE_NEWNET) < 0)
		return -errno;
	return r;
}

static int compare(const struct table *table, const struct contract *contract, const char *listing,
		   size_t *ret_differences)
{
	_cleanup_lines_ struct lines expected = {0}, actual = {0};
	_cleanup_free_ char *text = NULL, *wanted = NULL;
	int r = firewall_text(contract, table->write, &text);

	if (r == 0)
		r = list_as_kernel(table, text, &wanted);
	if (r == 0)
		r = lines_read(wanted, &expected);
	if (r == 0)
		r = lines_read(listing, &actual);
	if (r < 0)
		return r;
	*ret_differences = lines_diff(&expected, &actual, "  ", stdout);
	return 0;
}

static int check_table(const struct table *table, const struct contract *contract,
		       const char *listing, size_t *differences)
{
	size_t n = 0;
	int r;

	printf("table inet %s, %s:\n", table->name, table->what);
	r = compare(table, contract, listing, &n);
	if (r == 0 && n == 0)
		puts("  as the contract has it");
	*differences += n;
	return r;
}

static bool forwards_only_cells(void)
{
	_cleanup_free_ char *chain = NULL;

	return nft_list("list chain inet " RULES_CELLS_TABLE " forward", &chain) == 0 &&
	       strstr(chain, "drop-fwd-other");
}

struct checked {
	size_t n_files;
	char *const *files;
	size_t differences;
};

/* Of a configuration in which something is wrong, -EINVAL; it was said. */
static int check_by_contract(struct checked *checked, const struct table *table, unsigned int scope)
{
	_cleanup_contract_ struct contract *contract = NULL;
	_cleanup_free_ char *listing = NULL;
	int r = list_table(table->name, false, &listing);

	if (r < 0)
		return r;
	r = contract_read(checked->n_files, checked->files, scope, CONTRACT_NAMES_KNOWN, NULL,
			  &contract);
	if (r < 0)
		return -EINVAL;
	contract_print_notes(contract);
	return check_table(table, contract, listing, &checked->differences);
}

static bool was_confirmed(const struct checked *checked)
{
	_cleanup_conf_ struct conf *conf = NULL;
	_cleanup_state_ struct firewall_state state = {.dir = -1};
	_cleanup_free_ char *saved = NULL;

	return files_read(checked->n_files, checked->files, &conf) == 0 &&
	       state_open(conf, &state) == 0 && state_read_saved(&state, &saved) == 0;
}

static int check_host(struct checked *checked)
{
	static const struct table host = {RULES_HOST_TABLE, "the host's own", write_host};
	int r = check_by_contract(checked, &host, CONTRACT_HOST | CONTRACT_CELLS);

	if (r != -ENOENT)
		return r;
	if (was_confirmed(checked)) {
		puts("table inet " RULES_HOST_TABLE
		     " is gone, although it was confirmed; lazaretctl firewall apply --saved loads "
		     "it again");
		checked->differences++;
	} else {
		puts("The host's own packet filter was never applied; lazaretctl firewall apply "
		     "does it.");
	}
	return 0;
}

/* A system that runs has them, whatever is still missing for the host's own filter. */
static int check_cells(struct checked *checked)
{
	const struct table cells = {RULES_CELLS_TABLE, "the cells'",
				    forwards_only_cells() ? write_cells_only : write_cells};
	int r = check_by_contract(checked, &cells, CONTRACT_CELLS | CONTRACT_RUNNING);

	return r == -ENOENT ? 0 : r;
}

int firewall_check(size_t n, char *const *files)
{
	struct checked checked = {.n_files = n, .files = files};
	int of_host, of_cells;

	if (geteuid() != 0) {
		fputs("lazaretctl: only root may see the packet filter\n", stderr);
		return ANSWER_STATUS_DENIED;
	}
	of_host = check_host(&checked);
	of_cells = check_cells(&checked);
	(void)reach_print_foreign(stdout);
	if (of_host == -EINVAL || of_cells == -EINVAL)
		return ANSWER_STATUS_FAILED;
	if (of_host < 0 || of_cells < 0)
		return fail("the packet filter cannot be compared",
			    of_host < 0 ? of_host : of_cells);
	if (checked.differences == 0)
		return ANSWER_STATUS_OK;
	puts("- is missing in the kernel, + is not in the contract. lazaretctl firewall apply "
	     "loads "
	     "the host's, lazaretctl reload the cells'.");
	return ANSWER_STATUS_FAILED;
}
