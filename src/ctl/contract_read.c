/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ctl/contract_read.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "ctl/files.h"
#include "net/env.h"
#include "net/names_file.h"
#include "net/resolver.h"

/* For what it wants to know only. */
static int find_wanted(const struct conf *conf, unsigned int scope, const struct env_host *host)
{
	_cleanup_contract_ struct contract *contract = NULL;
	_cleanup_free_ char *said = NULL;
	size_t size;
	FILE *errors = open_memstream(&said, &size);
	int r;

	if (!errors)
		return -ENOMEM;
	r = contract_create(conf, scope, &host->env, errors, &contract);
	fclose(errors);
	/* What is wrong is said the second time. */
	return r == -EINVAL ? 0 : r;
}

static void resolve(const struct conf *conf, struct names *names, enum contract_names which)
{
	_cleanup_free_ char *program = NULL;
	bool changed;
	int r;

	if (which == CONTRACT_NAMES_KNOWN && !names_lack(names))
		return;
	if (asprintf(&program, "%s/lazaret-resolve", conf_str(conf, CONF_LIBEXEC_DIR)) < 0) {
		program = NULL;
		return;
	}
	r = resolver_run(program, names, &changed);
	if (r < 0 && r != -ENODATA)
		fprintf(stderr, "note: names are not resolved: %s: %s\n", program, strerror(-r));
	else if (r == 0 && which == CONTRACT_NAMES_FRESH && geteuid() == 0)
		r = names_file_write(conf_str(conf, CONF_STATE_DIR), names);
	if (r < 0 && r != -ENODATA)
		fprintf(stderr, "note: the addresses of names are not kept: %s\n", strerror(-r));
}

static int create(const struct conf *conf, unsigned int scope, enum contract_names which,
		  struct env_host *host, struct contract **ret_contract)
{
	_cleanup_names_ struct names names = {0};
	int r = names_file_read(conf_str(conf, CONF_STATE_DIR), &names);

	/* Who may not read them asks for himself. */
	if (r == -ENOMEM)
		return r;
	host->env.lookup = names_lookup;
	host->env.data = &names;
	if (which != CONTRACT_NAMES_UNASKED) {
		r = find_wanted(conf, scope, host);
		if (r < 0)
			return r;
		resolve(conf, &names, which);
	}
	return contract_create(conf, scope, &host->env, stderr, ret_contract);
}

int contract_read(size_t n, char *const *files, unsigned int scope, enum contract_names which,
		  struct conf **ret_conf, struct contract **ret_contract)
{
	_cleanup_conf_ struct conf *conf = NULL;
	_cleanup_env_ struct env_host host = {0};
	int r = files_read(n, files, &conf);

	if (r < 0)
		return r;
	r = contract_env_host(&host);
	if (r < 0) {
		fprintf(stderr, "lazaretctl: the addresses of this host cannot be read: %s\n",
			strerror(-r));
		return r;
	}
	r = create(conf, scope, which, &host, ret_contract);
	if (r < 0 && r != -EINVAL)
		fprintf(stderr, "lazaretctl: %s\n", strerror(-r));
	if (r == 0 && ret_conf)
		*ret_conf = STEAL(conf);
	return r;
}

void contract_print_notes(const struct contract *contract)
{
	for (size_t i = 0; i < contract->n_notes; i++)
		fprintf(stderr, "note: %s\n", contract->notes[i]);
}
