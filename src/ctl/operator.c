/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ctl/operator.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "base/str.h"
#include "ctl/answer.h"
#include "ctl/contract_read.h"
#include "ctl/files.h"
#include "net/exporter.h"

/* The files as a text, and when the latest of them was changed. */
static int describe_files(size_t n, char *const *files, char **ret_text, time_t *ret_changed)
{
	const char *const *read = (const char *const *)files;
	_cleanup_free_ char *text = NULL;
	time_t changed = 0;
	size_t size;
	FILE *stream = open_memstream(&text, &size);

	if (!stream)
		return -ENOMEM;
	if (n == 0)
		read = files_default(&n);
	for (size_t i = 0; i < n; i++) {
		const char *file = read[i];
		struct stat status;

		fprintf(stream, "%s%s", i > 0 ? ", " : "", file);
		if (stat(file, &status) == 0)
			changed = MAX(changed, status.st_mtime);
	}
	if (fclose(stream) != 0)
		return -ENOMEM;
	*ret_text = STEAL(text);
	*ret_changed = changed;
	return 0;
}

static int complain(int error, const struct exporter *exporter)
{
	if (error == -ENODATA)
		fputs("lazaretctl: this host has no address that others reach; name the system's "
		      "with system-address = {…}\n",
		      stderr);
	else if (error == -E2BIG)
		fprintf(stderr,
			"lazaretctl: so many hosts do not fit into the format \"%s\", which has no "
			"groups; choose another one (--format help)\n",
			exporter->name);
	else
		fprintf(stderr, "lazaretctl: %s\n", strerror(-error));
	return ANSWER_STATUS_FAILED;
}

/* All or nothing: half a packet filter must not be piped into a firewall. */
static int write_whole(const struct border *border, const struct exporter *exporter)
{
	_cleanup_free_ char *text = NULL;
	size_t size = 0;
	FILE *stream = open_memstream(&text, &size);
	int r;

	if (!stream)
		return complain(-ENOMEM, exporter);
	r = exporter->write(border, stream);
	if (ferror(stream) && r == 0)
		r = -ENOMEM;
	if (fclose(stream) != 0 && r == 0)
		r = -ENOMEM;
	if (r < 0)
		return complain(r, exporter);
	if (fwrite(text, 1, size, stdout) != size || fflush(stdout) != 0) {
		fprintf(stderr, "lazaretctl: the output cannot be written: %s\n", strerror(errno));
		return ANSWER_STATUS_FAILED;
	}
	return ANSWER_STATUS_OK;
}

int operator_export(const char *format, size_t n, char *const *files)
{
	const struct exporter *exporter = exporter_find(format);
	_cleanup_contract_ struct contract *contract = NULL;
	_cleanup_border_ struct border *border = NULL;
	_cleanup_free_ char *text = NULL;
	time_t changed;
	int r;

	if (!exporter) {
		fprintf(stderr,
			"lazaretctl: there is no format \"%s\" for the operator; --format help "
			"lists them\n",
			format);
		return ANSWER_STATUS_USAGE;
	}
	if (contract_read(n, files, CONTRACT_HOST | CONTRACT_CELLS, CONTRACT_NAMES_KNOWN, NULL,
			  &contract) < 0)
		return ANSWER_STATUS_FAILED;
	for (size_t i = 0; i < contract->n_notes; i++)
		fprintf(stderr, "note: %s\n", contract->notes[i]);
	r = describe_files(n, files, &text, &changed);
	if (r == 0)
		r = border_create(contract, text, changed, &border);
	if (r < 0)
		return complain(r, exporter);
	return write_whole(border, exporter);
}

void operator_list_formats(void)
{
	for (size_t i = 0; i < exporter_count(); i++) {
		const struct exporter *exporter = exporter_at(i);

		printf("--for operator --format %-13s %s. %s\n", exporter->name, exporter->dialect,
		       exporter->help);
	}
}
