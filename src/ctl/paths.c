/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is open, and why: the contract as a table, as JSON, and one path in sentences. */
#include "ctl/paths.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "ctl/answer.h"
#include "ctl/contract_read.h"
#include "ctl/table.h"
#include "net/env.h"

#define TEXT_MAX 1024
/* Hosts of a path that are named one by one in a table. */
#define HOSTS_SHOWN 3

int paths_contract(size_t n, char *const *files, unsigned int scope, struct conf **ret_conf,
		   struct contract **ret_contract)
{
	return contract_read(n, files, scope, CONTRACT_NAMES_UNASKED, ret_conf, ret_contract);
}

int paths_unknown(const char *name)
{
	const char *guess = path_closest(name);

	if (guess)
		fprintf(stderr, "lazaretctl: there is no path \"%s\"; did you mean \"%s\"?\n", name,
			guess);
	else
		fprintf(stderr,
			"lazaretctl: there is no path \"%s\"; `lazaretctl paths list --all` names "
			"them\n",
			name);
	return ANSWER_STATUS_NOT_FOUND;
}

/* --- words for it ---------------------------------------------------------------------------- */

static const char *zone_option(enum path_peer peer)
{
	switch (peer) {
	case PEER_WORKSTATIONS:
		return "zone-workstations";
	case PEER_ADMINISTRATION:
		return "zone-administration";
	case PEER_INTERNAL_DNS:
		return "zone-dns";
	case PEER_MONITORING:
		return "zone-monitoring";
	case PEER_INTERNET:
	case PEER_UPDATE:
	case PEER_NAMED:
		break;
	}
	return NULL;
}

/* On, but for nobody or to nowhere. */
static bool is_incomplete(const struct contract_path *path)
{
	return path->on && !path->internet && !path->proxied && path->peers.n == 0 &&
	       path->n_hosts == 0;
}

static const char *state_of(const struct contract_path *path)
{
	return is_incomplete(path) ? "incomplete" : path->on ? "on" : "off";
}

static void put_list(FILE *out, const struct network_list *list)
{
	char text[NETWORK_TEXT_MAX];

	for (size_t i = 0; i < MIN(list->n, (size_t)HOSTS_SHOWN); i++)
		fprintf(out, "%s%s", i > 0 ? ", " : "", network_format(&list->items[i], text));
	if (list->n > HOSTS_SHOWN)
		fprintf(out, " and %zu more", list->n - HOSTS_SHOWN);
}

/* The other side as the site wrote it: names stay names. */
static void put_peers(FILE *out, const struct contract *contract, const struct contract_path *path)
{
	if (path->proxied) {
		fprintf(out, "proxy %s", contract->proxy_host);
		return;
	}
	if (path->internet)
		fputs("Internet", out);
	else if (path->peers.n == 0 && path->n_hosts == 0)
		fputs(path_peer_name(path->row->peer), out);
	if (path->n_hosts == 0) {
		put_list(out, &path->peers);
		return;
	}
	for (size_t i = 0; i < MIN(path->n_hosts, (size_t)HOSTS_SHOWN); i++)
		fprintf(out, "%s%s", i > 0 || path->internet ? ", " : "", path->hosts[i].text);
	if (path->n_hosts > HOSTS_SHOWN)
		fprintf(out, " and %zu more", path->n_hosts - HOSTS_SHOWN);
}

static void put_inside(FILE *out, const struct contract_path *path)
{
	bool host = path->row->inside != INSIDE_CELL, cells = path->for_cells || !host;

	fprintf(out, "%s%s%s", host ? "this host" : "", host && cells ? ", " : "",
		cells ? "cells" : "");
	for (size_t i = 0; cells && i < path->n_groups; i++)
		fprintf(out, "%s%s%s", i == 0 ? " (groups " : ", ", path->groups[i],
			i + 1 == path->n_groups ? ")" : "");
}

/* Who begins, and whom he reaches. */
static void format_ends(const struct contract *contract, const struct contract_path *path,
			char *from, char *to, size_t size)
{
	bool out = contract_path_is_outgoing(path->row);
	FILE *inside = fmemopen(out ? from : to, size, "w");
	FILE *peers = fmemopen(out ? to : from, size, "w");

	from[0] = to[0] = '\0';
	if (inside) {
		if (out)
			put_inside(inside, path);
		else
			fputs("this host", inside);
		fclose(inside);
	}
	if (peers) {
		put_peers(peers, contract, path);
		fclose(peers);
	}
	from[size - 1] = to[size - 1] = '\0';
}

static void format_why(const struct contract_path *path, char *out, size_t size)
{
	const char *option = zone_option(path->row->peer);

	if (is_incomplete(path) && option)
		snprintf(out, size, "%s, but nobody may use it yet: name the networks in %s",
			 path->why, option);
	else if (is_incomplete(path))
		snprintf(out, size, "%s, but it has no hosts yet: path \"%s\" { hosts = {…} }",
			 path->why, path->row->name);
	else if (path->on && path->row->direction == DIRECTION_BOTH)
		snprintf(out, size, "%s; incoming: no service here", path->why);
	else
		snprintf(out, size, "%s", path->why);
}

/* --- as JSON --------------------------------------------------------------------------------- */

static void add_string(struct json_object *object, const char *key, const char *value)
{
	json_object_object_add(object, key, value ? json_object_new_string(value) : NULL);
}

static struct json_object *json_ports(const struct contract_path *path)
{
	struct json_object *ports = json_object_new_array();
	char text[32];

	for (size_t i = 0; ports && i < path->n_ports; i++) {
		const struct path_port *port = &path->ports[i];

		snprintf(text, sizeof(text), port->first == port->last ? "%s/%u" : "%s/%u-%u",
			 path_proto_name(port->proto), port->first, port->last);
		json_object_array_add(ports, json_object_new_string(text));
	}
	return ports;
}

static struct json_object *json_networks(const struct network_list *list)
{
	struct json_object *networks = json_object_new_array();
	char text[NETWORK_TEXT_MAX];

	for (size_t i = 0; networks && i < list->n; i++)
		json_object_array_add(
			networks, json_object_new_string(network_format(&list->items[i], text)));
	return networks;
}

static struct json_object *json_strings(char *const *strings, size_t n)
{
	struct json_object *array = json_object_new_array();

	for (size_t i = 0; array && i < n; i++)
		json_object_array_add(array, json_object_new_string(strings[i]));
	return array;
}

static struct json_object *json_hosts(const struct contract_path *path)
{
	struct json_object *hosts = json_object_new_array();

	for (size_t i = 0; hosts && i < path->n_hosts; i++)
		json_object_array_add(hosts, json_object_new_string(path->hosts[i].text));
	return hosts;
}

static struct json_object *json_inside(const struct contract_path *path)
{
	struct json_object *inside = json_object_new_array();

	if (inside && path->row->inside != INSIDE_CELL)
		json_object_array_add(inside, json_object_new_string("host"));
	if (inside && (path->row->inside == INSIDE_CELL || path->for_cells))
		json_object_array_add(inside, json_object_new_string("cell"));
	return inside;
}

static struct json_object *json_uids(const struct contract_path *path)
{
	struct json_object *uids = json_object_new_array();

	for (size_t i = 0; uids && i < path->n_uids; i++)
		json_object_array_add(uids, json_object_new_int64(path->uids[i]));
	return uids;
}

static struct json_object *json_path(const struct contract *contract,
				     const struct contract_path *path)
{
	static const char *const directions[] = {"out", "in", "in", "both"};
	struct json_object *object = json_object_new_object();
	char from[TEXT_MAX], to[TEXT_MAX], why[TEXT_MAX];

	if (!object)
		return NULL;
	format_ends(contract, path, from, to, sizeof(from));
	format_why(path, why, sizeof(why));
	add_string(object, "id", path->row->name);
	add_string(object, "state", state_of(path));
	json_object_object_add(object, "optional", json_object_new_boolean(path->row->optional));
	add_string(object, "direction", directions[path->row->direction]);
	add_string(object, "peer", path_peer_name(path->row->peer));
	json_object_object_add(object, "inside", json_inside(path));
	add_string(object, "from", from);
	add_string(object, "to", to);
	json_object_object_add(object, "ports", json_ports(path));
	json_object_object_add(object, "hosts", json_hosts(path));
	json_object_object_add(object, "networks", json_networks(&path->peers));
	json_object_object_add(object, "internet", json_object_new_boolean(path->internet));
	json_object_object_add(object, "proxied", json_object_new_boolean(path->proxied));
	json_object_object_add(object, "uids", json_uids(path));
	json_object_object_add(object, "groups", json_strings(path->groups, path->n_groups));
	add_string(object, "component", path->row->component);
	add_string(object, "needs", path->row->needs);
	add_string(object, "why", why);
	add_string(object, "origin", path->origin);
	add_string(object, "remark", path->row->remark);
	add_string(object, "breaks", path->row->breaks);
	return object;
}

static int print_json(struct json_object *object)
{
	const char *text = object ? json_object_to_json_string_ext(
					    object, JSON_C_TO_STRING_PRETTY |
							    JSON_C_TO_STRING_NOSLASHESCAPE)
				  : NULL;
	int status = text && puts(text) >= 0 && fflush(stdout) == 0 ? ANSWER_STATUS_OK
								    : ANSWER_STATUS_FAILED;

	json_object_put(object);
	return status;
}

/* --- list ------------------------------------------------------------------------------------ */

static int add_row(struct table *table, const struct contract *contract,
		   const struct contract_path *path)
{
	const char *keys[] = {"id", "state", "optional", "from", "to", "ports", "why"};
	char from[TEXT_MAX], to[TEXT_MAX], ports[TEXT_MAX], why[TEXT_MAX];
	const char *values[] = {path->row->name,
				state_of(path),
				path->row->optional ? "yes" : "no",
				from,
				to,
				ports,
				why};
	struct answer_record record = {0};

	format_ends(contract, path, from, to, sizeof(from));
	format_why(path, why, sizeof(why));
	contract_format_ports(path, ports, sizeof(ports));
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		record.fields[i].type = ANSWER_STR;
		record.fields[i].key = strdup(keys[i]);
		record.fields[i].str = strdup(values[i]);
		record.n_fields++;
		if (!record.fields[i].key || !record.fields[i].str) {
			answer_record_finish(&record);
			return -ENOMEM;
		}
	}
	return table_add(table, &record);
}

static int list_json(const struct contract *contract, bool all)
{
	struct json_object *array = json_object_new_array();

	for (size_t i = 0; array && i < PATH_COUNT; i++) {
		if (all || contract->paths[i].on)
			json_object_array_add(array, json_path(contract, &contract->paths[i]));
	}
	return print_json(array);
}

static int list_table(const struct contract *contract, bool all)
{
	struct table table = {0};
	size_t n_off = 0;
	int r = 0;

	for (size_t i = 0; r == 0 && i < PATH_COUNT; i++) {
		if (all || contract->paths[i].on)
			r = add_row(&table, contract, &contract->paths[i]);
		n_off += !contract->paths[i].on;
	}
	if (r == 0)
		table_print(&table, true, stdout);
	table_finish(&table);
	if (r == 0 && !all && n_off > 0)
		printf("\n%zu more are off: --all shows them, `lazaretctl paths explain ID` says "
		       "how to switch one on.\n",
		       n_off);
	return r == 0 && fflush(stdout) == 0 ? ANSWER_STATUS_OK : ANSWER_STATUS_FAILED;
}

int paths_list(bool json, size_t n, char *const *arguments)
{
	_cleanup_contract_ struct contract *contract = NULL;
	bool all = false;

	for (; n > 0 && arguments[0][0] == '-'; n--, arguments++) {
		if (str_eq(arguments[0], "--all")) {
			all = true;
		} else if (str_eq(arguments[0], "--json")) {
			json = true;
		} else {
			fprintf(stderr, "lazaretctl: paths list has no option \"%s\"\n",
				arguments[0]);
			return ANSWER_STATUS_USAGE;
		}
	}
	if (paths_contract(n, arguments, 0, NULL, &contract) < 0)
		return ANSWER_STATUS_FAILED;
	return json ? list_json(contract, all) : list_table(contract, all);
}

/* --- explain --------------------------------------------------------------------------------- */

static const char *who_uses(const struct contract_path *path)
{
	switch (path->row->inside) {
	case INSIDE_HOST:
		return "this host's own services, never a session";
	case INSIDE_CELL:
		return "programs of a user's session, never a service of this host";
	case INSIDE_ANY:
		return "this host's own services, and programs of a user's session";
	case INSIDE_SSO:
		break;
	}
	return path->for_cells ? "this host's own services, and sessions to sign on to the proxy"
			       : "this host's own services; sessions only with single-sign-on";
}

static void print_switch(const struct path_row *row)
{
	const char *option = zone_option(row->peer);
	bool hosts = row->peer == PEER_NAMED || row->peer == PEER_UPDATE;

	printf("Switch         path \"%s\" { enabled = %s", row->name,
	       row->optional ? "yes" : "no");
	if (hosts)
		fputs(" hosts = {\"…\"}", stdout);
	if (row->choice == CHOICE_CHOSEN || row->choice == CHOICE_ADDED ||
	    row->choice == CHOICE_SUBSET)
		fputs(" ports = {\"…\"}", stdout);
	puts(" }");
	if (option)
		printf("               %s = {\"…\"} says from where\n", option);
	if (row->choice == CHOICE_ADMIN_PORT)
		puts("               admin-port = 22, 222, 2222 or 22222");
	if (path_row(PATH_WEB) == row)
		puts("               proxy = \"host:port\" sends it through a proxy; cell-allow "
		     "names "
		     "networks that are not public");
	if (path_row(PATH_DNS) == row)
		puts("               dns = {\"…\"} names the servers; empty: those of this host");
}

static void put_system(const struct contract *contract)
{
	if (contract->system.n == 0)
		fputs("this system", stdout);
	else
		put_list(stdout, &contract->system);
}

static void print_operator(const struct contract *contract, const struct contract_path *path)
{
	char ports[TEXT_MAX];

	contract_format_ports(path, ports, sizeof(ports));
	if (contract_path_is_outgoing(path->row)) {
		fputs("Firewall       let ", stdout);
		put_system(contract);
		fputs(" reach ", stdout);
		put_peers(stdout, contract, path);
		printf(" on %s; replies come back the same way\n", ports);
	}
	if (contract_path_is_incoming(path->row)) {
		fputs("Firewall       let ", stdout);
		put_peers(stdout, contract, path);
		fputs(" reach ", stdout);
		put_system(contract);
		printf(" on %s; replies go back the same way\n", ports);
	}
	if (path_row(PATH_VIEWER) == path->row)
		puts("               let workstations reach the Internet by no other way");
}

static int explain_text(const struct contract *contract, const struct contract_path *path)
{
	const struct path_row *row = path->row;
	char from[TEXT_MAX], to[TEXT_MAX], ports[TEXT_MAX], why[TEXT_MAX];

	format_ends(contract, path, from, to, sizeof(from));
	format_why(path, why, sizeof(why));
	contract_format_ports(path, ports, sizeof(ports));
	printf("%s is %s: %s%s%s%s.\n\n%s\n\n", row->name, state_of(path), why,
	       path->origin ? " (" : "", path->origin ? path->origin : "", path->origin ? ")" : "",
	       row->remark);
	printf("Who            %s\n", who_uses(path));
	printf("From           %s\nTo             %s\n", from, to);
	printf("Ports          %s%s%s\n", ports,
	       row->choice == CHOICE_FIXED ? "" : "; of the table: ",
	       row->choice == CHOICE_FIXED ? "" : row->ports_text);
	printf("Served by      %s\n", row->component);
	printf("Needs          %s\n", row->needs[0] ? row->needs : "nothing else");
	print_switch(row);
	print_operator(contract, path);
	printf("Without it     %s\n", row->breaks);
	if (contract_path_is_incoming(row) && row->direction != DIRECTION_BOTH)
		puts("Try it         lazaret-probe --zone … there; lazaretctl paths probe here");
	else
		printf("Try it         lazaretctl paths probe %s\n", row->name);
	return fflush(stdout) == 0 ? ANSWER_STATUS_OK : ANSWER_STATUS_FAILED;
}

int paths_explain(bool json, size_t n, char *const *arguments)
{
	_cleanup_contract_ struct contract *contract = NULL;
	const char *name = arguments[0];
	enum path_id id;

	if (path_find(name, &id) < 0)
		return paths_unknown(name);
	n--;
	arguments++;
	if (n > 0 && str_eq(arguments[0], "--json")) {
		json = true;
		n--;
		arguments++;
	}
	if (paths_contract(n, arguments, 0, NULL, &contract) < 0)
		return ANSWER_STATUS_FAILED;
	if (json)
		return print_json(json_path(contract, &contract->paths[id]));
	return explain_text(contract, &contract->paths[id]);
}
