/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ctl/files.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "ctl/answer.h"

#define DEFAULTS_MAX 16

static struct {
	const char *files[DEFAULTS_MAX];
	size_t n;
	bool forbidden;
} defaults;

bool files_add_default(const char *file)
{
	if (defaults.n == DEFAULTS_MAX)
		return false;
	defaults.files[defaults.n++] = file;
	return true;
}

const char *const *files_default(size_t *ret_n)
{
	static const char *const installed[] = {CONF_PATH};

	*ret_n = defaults.n > 0 ? defaults.n : 1;
	return defaults.n > 0 ? defaults.files : installed;
}

void files_set_last(const char *file)
{
	defaults.files[defaults.n > 0 ? defaults.n - 1 : 0] = file;
	defaults.n = MAX(defaults.n, (size_t)1);
}

void files_forbid(void)
{
	defaults.forbidden = true;
}

void files_forbid_now(const char *file)
{
	if (!defaults.forbidden)
		return;
	fprintf(stderr,
		"lazaretctl: \"%s\": the daemon reads no file of its callers; hand it over as "
		"standard input: - < %s\n",
		file, file);
	exit(ANSWER_STATUS_USAGE);
}

int files_read(size_t n, char *const *files, struct conf **ret_conf)
{
	const char *const *read = (const char *const *)files;
	_cleanup_conf_ struct conf *conf = NULL;
	int r = 0;

	if (n > 0 && defaults.forbidden) {
		fprintf(stderr,
			"lazaretctl: \"%s\": the daemon reads only its own configuration; with "
			"--here, "
			"files are read with the rights of this account\n",
			files[0]);
		/* Whatever was to be done. */
		exit(ANSWER_STATUS_USAGE);
	}
	if (n == 0)
		read = files_default(&n);
	conf = conf_create();
	if (!conf)
		return -ENOMEM;
	for (size_t i = 0; r == 0 && i < n; i++)
		r = conf_read_file(conf, read[i], stderr);
	if (r == 0)
		r = conf_check(conf, stderr);
	if (r == 0)
		*ret_conf = STEAL(conf);
	if (r == -ENOENT)
		fputs("lazaretctl: --file FILE names the configuration of a system that reads "
		      "another\n",
		      stderr);
	return r;
}
