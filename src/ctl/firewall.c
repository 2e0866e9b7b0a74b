/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ctl/firewall.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "ctl/answer.h"
#include "ctl/contract_read.h"
#include "ctl/firewall_impl.h"
#include "ctl/operator.h"
#include "net/rules_cells.h"
#include "net/rules_host.h"

int firewall_text(const struct contract *contract,
		  void (*write)(const struct contract *contract, FILE *out), char **ret_text)
{
	_cleanup_free_ char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return -ENOMEM;
	write(contract, out);
	if (fclose(out) != 0)
		return -ENOMEM;
	*ret_text = STEAL(text);
	return 0;
}

static void write_host(const struct contract *contract, FILE *out)
{
	rules_host(contract, out);
}

static void write_cells(const struct contract *contract, FILE *out)
{
	rules_cells_host(contract, true, NULL, 0, out);
}

/* What is written for whom. */
static const struct format {
	const char *who, *name, *dialect;
	unsigned int scope;
	void (*write)(const struct contract *contract, FILE *out);
} formats[] = {
	{"host", "nftables", "nftables 1.0, Linux 5.10 or newer", CONTRACT_HOST | CONTRACT_CELLS,
	 write_host},
	{"cells", "nftables", "nftables 1.0, Linux 5.10 or newer", CONTRACT_CELLS, write_cells},
};

static const struct format *find_format(const char *who, const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(formats); i++) {
		if (str_eq(formats[i].who, who) && str_eq(formats[i].name, name))
			return &formats[i];
	}
	return NULL;
}

static int list_formats(void)
{
	for (size_t i = 0; i < ARRAY_LEN(formats); i++)
		printf("--for %-8s --format %-13s %s\n", formats[i].who, formats[i].name,
		       formats[i].dialect);
	operator_list_formats();
	return ANSWER_STATUS_OK;
}

struct export
{
	const char *who, *format;
	size_t n_files;
	char *const *files;
};

static int usage(const char *what, const char *value, const char *instead)
{
	fprintf(stderr, "lazaretctl: %s \"%s\"; %s\n", what, value, instead);
	return ANSWER_STATUS_USAGE;
}

static int read_export(size_t n, char *const *arguments, struct export *export)
{
	*export = (struct export){.who = "host", .format = "nftables"};
	while (n > 0 && arguments[0][0] == '-') {
		bool is_for = str_eq(arguments[0], "--for");

		if (!is_for && !str_eq(arguments[0], "--format"))
			return usage("there is no option", arguments[0], "see lazaretctl --help");
		if (n < 2)
			return usage("a word must follow", arguments[0], "see lazaretctl --help");
		if (is_for)
			export->who = arguments[1];
		else
			export->format = arguments[1];
		n -= 2;
		arguments += 2;
	}
	export->n_files = n;
	export->files = arguments;
	return ANSWER_STATUS_OK;
}

int firewall_export(size_t n, char *const *arguments)
{
	_cleanup_contract_ struct contract *contract = NULL;
	const struct format *format;
	struct export export;
	int status = read_export(n, arguments, &export);
	int r;

	if (status != ANSWER_STATUS_OK)
		return status;
	if (str_eq(export.format, "help"))
		return list_formats();
	if (str_eq(export.who, "operator"))
		return operator_export(export.format, export.n_files, export.files);
	format = find_format(export.who, export.format);
	if (!format) {
		fprintf(stderr,
			"lazaretctl: nothing is written --for \"%s\" in --format \"%s\"; "
			"--format help lists what is\n",
			export.who, export.format);
		return ANSWER_STATUS_USAGE;
	}
	r = contract_read(export.n_files, export.files, format->scope, CONTRACT_NAMES_KNOWN, NULL,
			  &contract);
	if (r < 0)
		return ANSWER_STATUS_FAILED;
	contract_print_notes(contract);
	format->write(contract, stdout);
	if (fflush(stdout) != 0 || ferror(stdout)) {
		fputs("lazaretctl: the output cannot be written\n", stderr);
		return ANSWER_STATUS_FAILED;
	}
	return ANSWER_STATUS_OK;
}
