/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Of each path: its ports and who may use it; and what only makes sense together. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "net/contract_impl.h"
#include "net/limits.h"

static void add_port(struct builder *builder, struct contract_path *path, struct path_port port)
{
	struct path_port *ports;

	for (size_t i = 0; i < path->n_ports; i++) {
		if (path->ports[i].proto == port.proto && path->ports[i].first <= port.first &&
		    path->ports[i].last >= port.last)
			return;
	}
	ports = path->n_ports < PORTS_MAX
			? reallocarray(path->ports, path->n_ports + 1, sizeof(*ports))
			: NULL;
	if (!ports) {
		builder_fail(builder, path->n_ports < PORTS_MAX ? -ENOMEM : -E2BIG);
		return;
	}
	path->ports = ports;
	ports[path->n_ports++] = port;
}

/* "8443", "8000-8010", "tcp/2514"; false if it is none of them. */
static bool parse_ports(const char *text, struct path_port *ret_port)
{
	struct path_port port = {.proto = PROTO_ANY, .service = ""};
	char first[8];
	size_t len;
	int64_t low, high;

	if (strncmp(text, "tcp/", 4) == 0 || strncmp(text, "udp/", 4) == 0) {
		port.proto = text[0] == 't' ? PROTO_TCP : PROTO_UDP;
		text += 4;
	}
	len = strcspn(text, "-");
	if (len >= sizeof(first))
		return false;
	memcpy(first, text, len);
	first[len] = '\0';
	if (str_to_int(first, 1, 65535, &low) < 0)
		return false;
	high = low;
	if (text[len] == '-' && str_to_int(text + len + 1, low, 65535, &high) < 0)
		return false;
	port.first = (uint16_t)low;
	port.last = (uint16_t)high;
	*ret_port = port;
	return true;
}

static bool row_has(const struct path_row *row, enum path_proto proto, const struct path_port *port)
{
	for (size_t i = 0; i < path_n_ports(row); i++) {
		if (row->ports[i].proto != proto)
			continue;
		if (!port ||
		    (row->ports[i].first <= port->first && row->ports[i].last >= port->last))
			return true;
	}
	return false;
}

static void take_chosen(struct builder *builder, struct contract_path *path, const char *origin,
			const char *text)
{
	static const enum path_proto protos[] = {PROTO_TCP, PROTO_UDP};
	struct path_port port;
	bool used = false;

	if (!parse_ports(text, &port)) {
		builder_complain(
			builder, origin,
			"path \"%s\": ports need numbers from 1 to 65535 such as \"8443\", "
			"\"8000-8010\" or \"tcp/2514\", not \"%s\"",
			path->row->name, text);
		return;
	}
	for (size_t i = 0; i < ARRAY_LEN(protos); i++) {
		struct path_port one = port;

		if ((port.proto != PROTO_ANY && port.proto != protos[i]) ||
		    !row_has(path->row, protos[i],
			     path->row->choice == CHOICE_SUBSET ? &port : NULL))
			continue;
		one.proto = protos[i];
		add_port(builder, path, one);
		used = true;
	}
	if (!used)
		builder_complain(builder, origin, "path \"%s\" has no port \"%s\"; it has %s",
				 path->row->name, text, path->row->ports_text);
}

void builder_take_ports(struct builder *builder, enum path_id id, const size_t *section)
{
	struct contract *contract = builder->contract;
	struct contract_path *path = &contract->paths[id];
	const struct path_row *row = path->row;
	size_t n = section ? conf_path_list_len(builder->conf, *section, CONF_PATH_PORTS) : 0;
	const char *origin = section ? conf_path_origin(builder->conf, *section, CONF_PATH_PORTS)
				     : NULL;
	int64_t admin = 22;

	(void)!str_to_int(conf_word(builder->conf, CONF_ADMIN_PORT), 1, 65535, &admin);
	contract->admin_port = (uint16_t)admin;
	if (n > 0 && (row->choice == CHOICE_FIXED || row->choice == CHOICE_ADMIN_PORT))
		builder_complain(builder, origin, "path \"%s\" has fixed ports (%s)%s", row->name,
				 row->ports_text,
				 id == PATH_ADMIN ? "; choose one with admin-port" : "");
	if (path->proxied) {
		add_port(builder, path,
			 (struct path_port){PROTO_TCP, contract->proxy_port, contract->proxy_port,
					    "HTTP proxy"});
		return;
	}
	for (size_t i = 0; (n == 0 || row->choice == CHOICE_ADDED) && i < path_n_ports(row); i++) {
		struct path_port port = row->ports[i];

		if (id == PATH_ADMIN)
			port.first = port.last = contract->admin_port;
		if (id == PATH_VIEWER)
			port.first = port.last = contract->viewer_port;
		add_port(builder, path, port);
	}
	for (size_t i = 0; i < n; i++)
		take_chosen(builder, path, origin,
			    conf_path_list_item(builder->conf, *section, CONF_PATH_PORTS, i));
}

static void add_account(struct builder *builder, struct contract_path *path, const char *origin,
			const char *name, bool must_exist)
{
	uid_t uid, *uids;
	int r = builder->env->account(builder->env->data, name, &uid);

	if (r < 0) {
		if (must_exist)
			builder_complain(builder, origin,
					 "path \"%s\": there is no account \"%s\" on this host",
					 path->row->name, name);
		return;
	}
	uids = reallocarray(path->uids, path->n_uids + 1, sizeof(*uids));
	if (!uids) {
		builder_fail(builder, -ENOMEM);
		return;
	}
	path->uids = uids;
	uids[path->n_uids++] = uid;
}

static void take_accounts(struct builder *builder, struct contract_path *path,
			  const size_t *section)
{
	size_t n = section ? conf_path_list_len(builder->conf, *section, CONF_PATH_ACCOUNTS) : 0;
	const char *origin = section ? conf_path_origin(builder->conf, *section, CONF_PATH_ACCOUNTS)
				     : NULL;
	const char *names = path->row->accounts;
	char name[64];

	if (n > 0 && (!path->for_host || !contract_path_is_outgoing(path->row)))
		builder_complain(builder, origin, "path \"%s\" is not limited to accounts",
				 path->row->name);
	for (size_t i = 0; i < n; i++)
		add_account(builder, path, origin,
			    conf_path_list_item(builder->conf, *section, CONF_PATH_ACCOUNTS, i),
			    true);
	while (n == 0 && names[0]) {
		size_t len = strcspn(names, ",");

		if (len < sizeof(name)) {
			memcpy(name, names, len);
			name[len] = '\0';
			add_account(builder, path, NULL, name, false);
		}
		names += len + (names[len] == ',');
	}
}

static void take_groups(struct builder *builder, struct contract_path *path, size_t section)
{
	const char *origin = conf_path_origin(builder->conf, section, CONF_PATH_GROUPS);
	size_t n = conf_path_list_len(builder->conf, section, CONF_PATH_GROUPS);

	if (n > 0 && !path->for_cells) {
		builder_complain(builder, origin, "path \"%s\" is not for cells and has no groups",
				 path->row->name);
		return;
	}
	path->groups = calloc(n + 1, sizeof(*path->groups));
	for (size_t i = 0; path->groups && i < n; i++) {
		char *group = strdup(
			conf_path_list_item(builder->conf, section, CONF_PATH_GROUPS, i));

		if (!group)
			break;
		path->groups[path->n_groups++] = group;
	}
	if (path->n_groups < n || !path->groups)
		builder_fail(builder, -ENOMEM);
}

void builder_take_users(struct builder *builder, enum path_id id, const size_t *section)
{
	struct contract_path *path = &builder->contract->paths[id];
	bool sso = section && conf_path_int(builder->conf, *section, CONF_PATH_SINGLE_SIGN_ON);
	const char *origin = section ? conf_path_origin(builder->conf, *section,
							CONF_PATH_SINGLE_SIGN_ON)
				     : NULL;

	if (sso && id != PATH_KERBEROS)
		builder_complain(builder, origin,
				 "\"single-sign-on\" belongs to path \"kerberos\" only");
	else if (sso && builder->contract->proxy_port == 0)
		builder_complain(builder, origin,
				 "\"single-sign-on\" signs on to a proxy, and there is none: set "
				 "proxy");
	path->for_host = path->row->inside != INSIDE_CELL;
	path->for_cells = path->row->inside == INSIDE_CELL || path->row->inside == INSIDE_ANY ||
			  (path->row->inside == INSIDE_SSO && sso);
	take_accounts(builder, path, section);
	if (section)
		take_groups(builder, path, *section);
}

struct zone {
	const struct network_list *list;
	enum conf_id id;
};

static void check_zones(struct builder *builder)
{
	const struct contract *contract = builder->contract;
	const struct zone zones[] = {
		{&contract->workstations, CONF_ZONE_WORKSTATIONS},
		{&contract->administration, CONF_ZONE_ADMINISTRATION},
		{&contract->internal_dns, CONF_ZONE_DNS},
		{&contract->monitoring, CONF_ZONE_MONITORING},
	};
	char a[NETWORK_TEXT_MAX], b[NETWORK_TEXT_MAX];

	for (size_t i = 1; i < ARRAY_LEN(zones); i++) {
		for (size_t k = 0; k < i; k++) {
			for (size_t m = 0; m < zones[i].list->n; m++) {
				const struct network *mine = &zones[i].list->items[m];
				const struct network *other = network_list_overlap(zones[k].list,
										   mine);

				if (other)
					builder_complain(
						builder, conf_origin(builder->conf, zones[i].id),
						"\"%s\": %s overlaps %s of \"%s\"; a network "
						"belongs "
						"to one zone",
						conf_row(zones[i].id)->name,
						network_format(mine, a), network_format(other, b),
						conf_row(zones[k].id)->name);
			}
		}
	}
}

static void check_block(struct builder *builder, const struct network_list *list, const char *what)
{
	const struct contract *contract = builder->contract;
	char a[NETWORK_TEXT_MAX], b[NETWORK_TEXT_MAX];

	for (size_t i = 0; i < contract->cells.n; i++) {
		const struct network *block = &contract->cells.items[i];
		const struct network *other = network_list_overlap(list, block);
		enum conf_id id = block->family == AF_INET ? CONF_CELL_BLOCK : CONF_CELL_BLOCK6;

		if (other)
			builder_complain(builder, conf_origin(builder->conf, id),
					 "\"%s\": %s collides with %s, %s; choose another network",
					 conf_row(id)->name, network_format(block, a),
					 network_format(other, b), what);
	}
}

static bool lacks_dns(const struct contract_path *dns)
{
	return !dns->on || (dns->peers.n == 0 && dns->n_hosts == 0);
}

void builder_check(struct builder *builder)
{
	const struct contract *contract = builder->contract;
	const struct contract_path *web = &contract->paths[PATH_WEB];
	const struct contract_path *dns = &contract->paths[PATH_DNS];
	const struct contract_path *webrtc = &contract->paths[PATH_WEBRTC];

	if (web->on && contract->proxy_port == 0 && lacks_dns(dns)) {
		static const char said[] = "path \"web\" needs name servers (dns = {…}) or a proxy "
					   "(proxy = host:port), "
					   "and has neither";

		if (dns->on && (builder->scope & CONTRACT_RUNNING))
			builder_note(builder, "%s", said);
		else
			builder_complain(builder, dns->origin ? dns->origin : web->origin, "%s",
					 said);
	}
	if (webrtc->on && !web->on)
		builder_complain(builder, webrtc->origin,
				 "path \"webrtc\" needs path \"web\", which is switched off");
	check_zones(builder);
	check_block(builder, &contract->on_link, "which is on a link of this host");
	check_block(builder, &contract->workstations, "of \"zone-workstations\"");
	check_block(builder, &contract->administration, "of \"zone-administration\"");
	for (size_t i = 0; i < PATH_COUNT; i++)
		check_block(builder, &contract->paths[i].peers, "the other side of a path");
}
