/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/contract.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "net/contract_impl.h"
#include "net/limits.h"

void builder_fail(struct builder *builder, int error)
{
	if (builder->status == 0)
		builder->status = error;
}

void builder_complain(struct builder *builder, const char *origin, const char *fmt, ...)
{
	va_list args;

	builder->n_errors++;
	fprintf(builder->errors, "%s: ", origin ? origin : "default");
	va_start(args, fmt);
	vfprintf(builder->errors, fmt, args);
	va_end(args);
	fputc('\n', builder->errors);
}

void builder_note(struct builder *builder, const char *fmt, ...)
{
	struct contract *contract = builder->contract;
	va_list args;
	char **notes;
	char *note;
	int len;

	if (contract->n_notes >= NOTES_MAX)
		return;
	va_start(args, fmt);
	len = vasprintf(&note, fmt, args);
	va_end(args);
	notes = len < 0 ? NULL
			: reallocarray(contract->notes, contract->n_notes + 1, sizeof(*notes));
	if (!notes) {
		if (len >= 0)
			free(note);
		builder_fail(builder, -ENOMEM);
		return;
	}
	contract->notes = notes;
	notes[contract->n_notes++] = note;
}

bool contract_path_is_incoming(const struct path_row *row)
{
	return row->direction != DIRECTION_OUT;
}

bool contract_path_is_outgoing(const struct path_row *row)
{
	return row->direction == DIRECTION_OUT || row->direction == DIRECTION_BOTH;
}

const struct network_list *contract_zone(const struct contract *contract, enum path_peer peer)
{
	switch (peer) {
	case PEER_WORKSTATIONS:
		return &contract->workstations;
	case PEER_ADMINISTRATION:
		return &contract->administration;
	case PEER_INTERNAL_DNS:
		return &contract->internal_dns;
	case PEER_MONITORING:
		return &contract->monitoring;
	case PEER_INTERNET:
	case PEER_UPDATE:
	case PEER_NAMED:
		break;
	}
	return NULL;
}

static const char *zone_option(enum path_peer peer)
{
	switch (peer) {
	case PEER_WORKSTATIONS:
		return "zone-workstations";
	case PEER_ADMINISTRATION:
		return "zone-administration";
	case PEER_INTERNAL_DNS:
		return "zone-dns";
	default:
		return "zone-monitoring";
	}
}

static bool in_scope(const struct builder *builder, const struct path_row *row)
{
	return (builder->scope & CONTRACT_HOST) ||
	       (contract_path_is_outgoing(row) && row->inside != INSIDE_HOST);
}

static void set_why(struct builder *builder, struct contract_path *path, bool on, const char *why,
		    const char *origin)
{
	free(path->why);
	free(path->origin);
	path->on = on;
	path->why = strdup(why);
	path->origin = origin ? strdup(origin) : NULL;
	if (!path->why || (origin && !path->origin))
		builder_fail(builder, -ENOMEM);
}

static void decide(struct builder *builder, enum path_id id, const size_t *section)
{
	struct contract_path *path = &builder->contract->paths[id];
	const struct conf *conf = builder->conf;
	int64_t enabled = section ? conf_path_int(conf, *section, CONF_PATH_ENABLED)
				  : CONF_ENABLED_AUTO;
	const char *origin = section ? conf_path_origin(conf, *section, CONF_PATH_ENABLED) : NULL;

	if (enabled == CONF_ENABLED_YES)
		set_why(builder, path, true, "switched on", origin);
	else if (enabled == CONF_ENABLED_NO)
		set_why(builder, path, false, "switched off", origin);
	else if (!path->row->optional)
		set_why(builder, path, true, "not optional", origin);
	else if (id == PATH_DNS && builder->contract->proxy_port == 0)
		set_why(builder, path, true, "cells without a proxy resolve names themselves",
			origin);
	else
		set_why(builder, path, false, "optional and not switched on", origin);
}

static void add_named(struct builder *builder, struct contract_path *path, const char *origin,
		      const char *text)
{
	struct contract_host *hosts = reallocarray(path->hosts, path->n_hosts + 1, sizeof(*hosts));
	char *copy = strdup(text);

	if (hosts)
		path->hosts = hosts;
	if (!hosts || !copy) {
		free(copy);
		builder_fail(builder, -ENOMEM);
		return;
	}
	hosts[path->n_hosts] = (struct contract_host){
		.text = copy,
		.is_name = contract_is_name(text),
		.n_networks = builder_add_host(builder, origin, path->row->name, text,
					       &path->peers),
	};
	path->n_hosts++;
}

static void add_list(struct builder *builder, struct network_list *list,
		     const struct network_list *more)
{
	int r = network_list_add_all(list, more);

	if (r < 0)
		builder_fail(builder, r);
}

static void add_option(struct builder *builder, struct contract_path *path, enum conf_id id)
{
	for (size_t i = 0; i < conf_list_len(builder->conf, id); i++)
		add_named(builder, path, conf_origin(builder->conf, id),
			  conf_list_item(builder->conf, id, i));
}

/* The host of an address such as https://[2001:db8::1]:443/lazaret; false if it does not fit. */
static bool take_host(const char *url, char *out, size_t size)
{
	const char *host = strstr(url, "://");
	size_t n;

	if (!host)
		return false;
	host += 3;
	n = host[0] == '[' ? strcspn(++host, "]") : strcspn(host, ":/ ");
	if (n == 0 || n >= size)
		return false;
	memcpy(out, host, n);
	out[n] = '\0';
	return true;
}

static void add_update_url(struct builder *builder, struct contract_path *path, enum conf_id id,
			   const char *url)
{
	char host[256];

	for (size_t i = 0; i < path->n_hosts; i++) {
		if (take_host(url, host, sizeof(host)) && str_eq(path->hosts[i].text, host))
			return;
	}
	if (take_host(url, host, sizeof(host)))
		add_named(builder, path, conf_origin(builder->conf, id), host);
}

/* Where updates come from is said once; hosts of the path are further ones. */
static void take_update(struct builder *builder, struct contract_path *path)
{
	const struct conf *conf = builder->conf;
	const char *server = conf_str(conf, CONF_UPDATE_SERVER);

	switch (conf_int(conf, CONF_UPDATE_METHOD)) {
	case CONF_UPDATE_METHOD_SSH:
		if (server[0])
			add_named(builder, path, conf_origin(conf, CONF_UPDATE_SERVER), server);
		break;
	case CONF_UPDATE_METHOD_HTTPS:
		add_update_url(builder, path, CONF_UPDATE_URL, conf_str(conf, CONF_UPDATE_URL));
		for (size_t i = 0; i < conf_list_len(conf, CONF_UPDATE_DEBIAN); i++)
			add_update_url(builder, path, CONF_UPDATE_DEBIAN,
				       conf_list_item(conf, CONF_UPDATE_DEBIAN, i));
		break;
	default:
		break;
	}
}

static void take_peers(struct builder *builder, enum path_id id, const size_t *section)
{
	struct contract *contract = builder->contract;
	struct contract_path *path = &contract->paths[id];
	const struct network_list *zone = contract_zone(contract, path->row->peer);
	size_t n = section ? conf_path_list_len(builder->conf, *section, CONF_PATH_HOSTS) : 0;
	const char *origin = section ? conf_path_origin(builder->conf, *section, CONF_PATH_HOSTS)
				     : NULL;

	if (n > 0 && (zone || id == PATH_WEBRTC)) {
		builder_complain(builder, origin, "path \"%s\" takes no hosts%s%s", path->row->name,
				 zone ? "; name them in " : "",
				 zone ? zone_option(path->row->peer) : "");
		return;
	}
	for (size_t i = 0; i < n; i++)
		add_named(builder, path, origin,
			  conf_path_list_item(builder->conf, *section, CONF_PATH_HOSTS, i));
	if (zone)
		add_list(builder, &path->peers, zone);
	if (id == PATH_WEB)
		add_option(builder, path, CONF_CELL_ALLOW);
	if (id == PATH_UPDATE)
		take_update(builder, path);
	if (id == PATH_DNS)
		add_option(builder, path, CONF_DNS);
	if (id == PATH_DNS && path->n_hosts == 0)
		add_list(builder, &path->peers, builder->env->name_servers);
	path->proxied = contract->proxy_port != 0 &&
			(id == PATH_WEB || (id == PATH_UPDATE && path->n_hosts == 0));
	if (path->proxied) {
		network_list_finish(&path->peers);
		add_list(builder, &path->peers, &contract->proxy);
	}
	path->internet = path->row->peer == PEER_INTERNET && !path->proxied;
	network_list_tidy(&path->peers);
}

static void need_peers(struct builder *builder, enum path_id id, const size_t *section)
{
	struct contract_path *path = &builder->contract->paths[id];
	const char *origin = path->origin;

	if (!origin && section)
		origin = conf_path_section_origin(builder->conf, *section);
	if (path->internet || path->proxied || path->peers.n > 0 || path->n_hosts > 0)
		return;
	if (contract_zone(builder->contract, path->row->peer))
		builder_complain(builder, origin,
				 "path \"%s\" is on but nobody may use it: name the networks in %s",
				 path->row->name, zone_option(path->row->peer));
	else if (id == PATH_DNS && !section)
		return; /* said of the web, which is what needs it */
	else
		builder_complain(builder, origin,
				 "path \"%s\" is on but has no hosts: add hosts = {…} to path "
				 "\"%s\" { … }, or enabled = no",
				 path->row->name, path->row->name);
}

static void take_path(struct builder *builder, enum path_id id)
{
	struct contract_path *path = &builder->contract->paths[id];
	size_t index;
	const size_t *section = NULL;

	path->row = path_row(id);
	if (conf_path_find(builder->conf, path->row->name, &index) == 0)
		section = &index;
	decide(builder, id, section);
	take_peers(builder, id, section);
	builder_take_ports(builder, id, section);
	builder_take_users(builder, id, section);
	if (path->on && in_scope(builder, path->row))
		need_peers(builder, id, section);
}

static void check_names(struct builder *builder)
{
	enum path_id id;

	for (size_t i = 0; i < conf_path_count(builder->conf); i++) {
		const char *name = conf_path_name(builder->conf, i);
		const char *guess = path_closest(name);

		if (path_find(name, &id) == 0)
			continue;
		builder_complain(builder, conf_path_section_origin(builder->conf, i),
				 "there is no path \"%s\"%s%s%s", name,
				 guess ? "; did you mean \"" : "", guess ? guess : "",
				 guess ? "\"?" : "; lazaretctl paths list --all names them");
	}
}

int contract_create(const struct conf *conf, unsigned int scope, const struct contract_env *env,
		    FILE *errors, struct contract **ret_contract)
{
	_cleanup_contract_ struct contract *contract = calloc(1, sizeof(*contract));
	struct builder builder = {
		.conf = conf, .env = env, .scope = scope, .errors = errors, .contract = contract};

	if (!contract)
		return -ENOMEM;
	check_names(&builder);
	builder_take_site(&builder);
	for (size_t i = 0; i < PATH_COUNT; i++)
		take_path(&builder, (enum path_id)i);
	builder_check(&builder);
	if (builder.status < 0)
		return builder.status;
	if (builder.n_errors > 0)
		return -EINVAL;
	*ret_contract = STEAL(contract);
	return 0;
}

static void free_strings(char **strings, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(strings[i]);
	free(strings);
}

void contract_destroy(struct contract *contract)
{
	if (!contract)
		return;
	for (size_t i = 0; i < PATH_COUNT; i++) {
		struct contract_path *path = &contract->paths[i];

		for (size_t k = 0; k < path->n_hosts; k++)
			free(path->hosts[k].text);
		free(path->hosts);
		free(path->why);
		free(path->origin);
		free(path->ports);
		free(path->uids);
		free_strings(path->groups, path->n_groups);
		network_list_finish(&path->peers);
	}
	free(contract->proxy_host);
	network_list_finish(&contract->workstations);
	network_list_finish(&contract->administration);
	network_list_finish(&contract->internal_dns);
	network_list_finish(&contract->monitoring);
	network_list_finish(&contract->system);
	network_list_finish(&contract->on_link);
	network_list_finish(&contract->cells);
	network_list_finish(&contract->denied);
	network_list_finish(&contract->proxy);
	free_strings(contract->notes, contract->n_notes);
	free(contract);
}

void contract_destroyp(struct contract **contract)
{
	contract_destroy(*contract);
	*contract = NULL;
}

void contract_format_ports(const struct contract_path *path, char *out, size_t size)
{
	FILE *stream = fmemopen(out, size, "w");
	enum path_proto last = PROTO_ANY;

	out[0] = '\0';
	if (!stream)
		return;
	for (size_t i = 0; i < path->n_ports; i++) {
		const struct path_port *port = &path->ports[i];

		if (port->proto != last)
			fprintf(stream, "%s%s ", i > 0 ? "; " : "", path_proto_name(port->proto));
		else
			fputs(", ", stream);
		last = port->proto;
		fprintf(stream, "%u", port->first);
		if (port->last != port->first)
			fprintf(stream, "-%u", port->last);
	}
	fclose(stream);
	out[size - 1] = '\0';
}

void contract_format_peers(const struct contract_path *path, char *out, size_t size)
{
	FILE *stream = fmemopen(out, size, "w");
	const size_t shown = 3;
	char text[NETWORK_TEXT_MAX];

	out[0] = '\0';
	if (!stream)
		return;
	if (path->internet)
		fputs("Internet", stream);
	for (size_t i = 0; i < MIN(path->peers.n, shown); i++)
		fprintf(stream, "%s%s", i > 0 || path->internet ? ", " : "",
			network_format(&path->peers.items[i], text));
	if (path->peers.n > shown)
		fprintf(stream, " and %zu more", path->peers.n - shown);
	fclose(stream);
	out[size - 1] = '\0';
}
