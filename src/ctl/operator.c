/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ctl/operator.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "base/str.h"
#include "ctl/answer.h"
#include "ctl/files.h"
#include "net/env.h"
#include "net/exporter.h"

/* A rule is made for the addresses that a name has at this moment. */
static int lookup(void *data, const char *name, struct network_list *list, bool *ret_stale)
{
	const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
	struct addrinfo *found = NULL;
	int r;

	(void)data;
	*ret_stale = false;
	r = getaddrinfo(name, NULL, &hints, &found);
	if (r == EAI_MEMORY)
		return -ENOMEM;
	if (r != 0)
		return r == EAI_NONAME ? -ENOENT : -EAGAIN;
	for (const struct addrinfo *info = found; info && r == 0; info = info->ai_next) {
		struct network network;

		if (network_from_sockaddr(info->ai_addr, &network) == 0)
			r = network_list_add(list, &network);
	}
	freeaddrinfo(found);
	return r;
}

/* The files as a text, and when the latest of them was changed. */
static int describe_files(size_t n, char *const *files, char **ret_text, time_t *ret_changed)
{
	const char *const fallback = CONF_PATH;
	_cleanup_free_ char *text = NULL;
	time_t changed = 0;
	size_t size;
	FILE *stream = open_memstream(&text, &size);

	if (!stream)
		return -ENOMEM;
	for (size_t i = 0; i < MAX(n, (size_t)1); i++) {
		const char *file = n > 0 ? files[i] : fallback;
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

static int make_contract(size_t n, char *const *files, struct contract **ret_contract)
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
	host.env.lookup = lookup;
	r = contract_create(conf, CONTRACT_HOST | CONTRACT_CELLS, &host.env, stderr, ret_contract);
	if (r < 0 && r != -EINVAL)
		fprintf(stderr, "lazaretctl: %s\n", strerror(-r));
	return r;
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
	if (make_contract(n, files, &contract) < 0)
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
