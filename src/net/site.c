/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/site.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"

static void put_server(const struct network *server, FILE *out)
{
	char text[NETWORK_TEXT_MAX];

	if (server->bits == network_width(server->family))
		fprintf(out, "nameserver %s\n", network_format_address(server, text));
}

/* In the order of the configuration, which is the order in which they are asked. */
static int write_resolv(struct site *site, const struct env_host *host)
{
	const struct contract_path *dns = &site->contract->paths[PATH_DNS];
	FILE *out = fmemopen(site->resolv, sizeof(site->resolv), "w");
	struct network server;

	if (!out)
		return -ENOMEM;
	for (size_t i = 0; dns->on && i < dns->n_hosts; i++) {
		if (network_parse(dns->hosts[i].text, &server) == 0)
			put_server(&server, out);
	}
	for (size_t i = 0; dns->on && dns->n_hosts == 0 && i < host->name_servers.n; i++)
		put_server(&host->name_servers.items[i], out);
	/* What is too much for it is cut at a line by who reads it: three servers are the most. */
	return fclose(out) == 0 ? 0 : -EIO;
}

/* The first line of what the contract complains of. */
static void take_reason(char *said, char *why, size_t size)
{
	if (!said)
		return;
	said[strcspn(said, "\n")] = '\0';
	if (said[0])
		str_copy(why, size, said);
}

static int make_contract(const struct conf *conf, const struct env_host *host, char *why,
			 size_t size, struct contract **ret_contract)
{
	_cleanup_free_ char *said = NULL;
	size_t len;
	FILE *errors = open_memstream(&said, &len);
	int r;

	if (!errors)
		return -ENOMEM;
	r = contract_create(conf, CONTRACT_CELLS | CONTRACT_RUNNING, &host->env, errors,
			    ret_contract);
	fclose(errors);
	if (r < 0)
		take_reason(said, why, size);
	return r;
}

/*
 * Which accounts there are is a matter of the host's own filter, which is not written here. They are
 * not looked up: that would bring in whatever NSS loads.
 */
static int any_account(void *data, const char *name, uid_t *ret_uid)
{
	(void)data;
	(void)name;
	*ret_uid = (uid_t)-1;
	return 0;
}

int site_create(const struct conf *conf, struct names *names, char *why, size_t size,
		struct site **ret_site)
{
	_cleanup_site_ struct site *site = calloc(1, sizeof(*site));
	_cleanup_env_ struct env_host host = {0};
	int r;

	if (!site)
		return -ENOMEM;
	r = contract_env_host(&host);
	host.env.lookup = names_lookup;
	host.env.account = any_account;
	host.env.data = names;
	names_forget_wanted(names);
	if (r == 0)
		r = make_contract(conf, &host, why, size, &site->contract);
	if (r == 0)
		r = write_resolv(site, &host);
	if (r < 0)
		return r;
	*ret_site = STEAL(site);
	return 0;
}

static bool has_note(const struct site *site, const char *note)
{
	for (size_t i = 0; site && i < site->contract->n_notes; i++) {
		if (str_eq(site->contract->notes[i], note))
			return true;
	}
	return false;
}

void site_say_notes(const struct site *site, const struct site *earlier)
{
	for (size_t i = 0; i < site->contract->n_notes; i++) {
		if (!has_note(earlier, site->contract->notes[i]))
			log_event(LOG_WARN, "network.note",
				  LOG_STR("note", site->contract->notes[i]));
	}
}

void site_destroy(struct site *site)
{
	if (!site)
		return;
	contract_destroy(site->contract);
	free(site);
}

void site_destroyp(struct site **site)
{
	site_destroy(*site);
	*site = NULL;
}
