/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The site around the paths: zones, proxy, the cells' blocks, this host's addresses. */
#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "net/contract_impl.h"
#include "net/limits.h"

/* Letters, digits, hyphens and dots (RFC 1123 section 2.1), not an address, not a number. */
bool contract_is_name(const char *text)
{
	size_t len = strlen(text), label = 0;
	bool letter = false;

	if (len == 0 || len > 253 || text[0] == '-')
		return false;
	for (size_t i = 0; i < len; i++) {
		char c = text[i];
		bool alpha = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');

		if (c == '.') {
			if (label == 0)
				return false;
			label = 0;
			continue;
		}
		if (!alpha && !(c >= '0' && c <= '9') && c != '-')
			return false;
		letter = letter || alpha;
		if (++label > 63)
			return false;
	}
	return letter;
}

/* Addresses that no peer can have: ourselves, the cells, nothing at all, everybody. */
static const char *why_no_peer(const struct contract *contract, const struct network *network)
{
	static const char *const never[] = {"127.0.0.0/8", "::1/128", "224.0.0.0/4", "ff00::/8"};
	static const char *const what[] = {"loopback", "loopback", "multicast", "multicast"};
	bool single = network->bits == network_width(network->family);
	struct network other;

	for (size_t i = 0; i < ARRAY_LEN(never); i++) {
		if (network_parse(never[i], &other) == 0 && network_contains(&other, network))
			return what[i];
	}
	if (network_list_contains(&contract->cells, network))
		return "inside the cells' own block";
	if (single && network_list_contains(&contract->system, network))
		return "an address of this host";
	return NULL;
}

static bool is_too_wide(const struct network *network)
{
	return network->bits < (network->family == AF_INET ? 8 : 7);
}

static size_t add_literal(struct builder *builder, const char *origin, const char *where,
			  const char *text, struct network_list *list)
{
	struct network network;
	const char *why;
	int r = network_parse(text, &network);

	if (r == -EDOM) {
		builder_complain(builder, origin,
				 "%s: \"%s\" has bits behind the length of its prefix; write the "
				 "network's own address",
				 where, text);
		return 0;
	}
	if (r < 0) {
		builder_complain(builder, origin,
				 "%s needs an address, a network such as 198.51.100.0/24 or a "
				 "name, not \"%s\"",
				 where, text);
		return 0;
	}
	why = why_no_peer(builder->contract, &network);
	if (!why && is_too_wide(&network))
		why = "wider than a site (at least 8 bits for IPv4, 7 for IPv6)";
	if (why) {
		builder_complain(builder, origin, "%s: \"%s\" is %s and cannot be named here",
				 where, text, why);
		return 0;
	}
	r = network_list_add(list, &network);
	if (r < 0)
		builder_fail(builder, r);
	return 1;
}

static size_t add_resolved(struct builder *builder, const char *name,
			   const struct network_list *found, struct network_list *list)
{
	char text[NETWORK_TEXT_MAX];
	size_t n = 0;

	for (size_t i = 0; i < found->n; i++) {
		const char *why = why_no_peer(builder->contract, &found->items[i]);
		int r;

		if (why) {
			builder_note(builder, "%s resolves to %s, which is %s: left out", name,
				     network_format(&found->items[i], text), why);
			continue;
		}
		if (n == NAME_ADDRESSES_MAX) {
			builder_note(builder, "%s has more than %d addresses: the rest is left out",
				     name, NAME_ADDRESSES_MAX);
			break;
		}
		r = network_list_add(list, &found->items[i]);
		if (r < 0)
			builder_fail(builder, r);
		n++;
	}
	return n;
}

size_t builder_add_host(struct builder *builder, const char *origin, const char *where,
			const char *text, struct network_list *list)
{
	_cleanup_networks_ struct network_list found = {0};
	bool stale = false;
	int r;

	if (!contract_is_name(text))
		return add_literal(builder, origin, where, text, list);
	r = builder->env->lookup(builder->env->data, text, &found, &stale);
	if (r == -ENOMEM)
		builder_fail(builder, r);
	if (r < 0)
		builder_note(builder, "%s: %s: no rule for it until it can be resolved", text,
			     r == -ENOENT ? "there is no such name" : "no name server answers");
	else if (stale)
		builder_note(builder, "%s cannot be resolved now; its last addresses stay", text);
	/* Not tidied: two neighbours as one network would hide an address that must not be there. */
	network_list_sort(&found);
	return add_resolved(builder, text, &found, list);
}

static void take_zone(struct builder *builder, enum conf_id id, struct network_list *zone)
{
	for (size_t i = 0; i < conf_list_len(builder->conf, id); i++) {
		const char *text = conf_list_item(builder->conf, id, i);

		/* A name decides about nobody's access to us. */
		if (contract_is_name(text))
			builder_complain(builder, conf_origin(builder->conf, id),
					 "\"%s\" needs networks such as 198.51.100.0/24, not the "
					 "name \"%s\"",
					 conf_row(id)->name, text);
		else
			builder_add_host(builder, conf_origin(builder->conf, id),
					 conf_row(id)->name, text, zone);
	}
	network_list_tidy(zone);
}

static void take_proxy(struct builder *builder)
{
	const char *proxy = conf_str(builder->conf, CONF_PROXY);
	const char *origin = conf_origin(builder->conf, CONF_PROXY);
	const char *colon = strrchr(proxy, ':');
	char host[256];
	size_t len;
	int64_t port;

	if (!proxy[0])
		return;
	if (!colon || str_to_int(colon + 1, 1, 65535, &port) < 0 ||
	    (size_t)(colon - proxy) >= sizeof(host)) {
		builder_complain(builder, origin, "\"proxy\" needs host:port, not \"%s\"", proxy);
		return;
	}
	len = (size_t)(colon - proxy);
	if (len > 2 && proxy[0] == '[' && proxy[len - 1] == ']') {
		proxy++;
		len -= 2;
	}
	memcpy(host, proxy, len);
	host[len] = '\0';
	builder->contract->proxy_host = strdup(host);
	if (!builder->contract->proxy_host)
		builder_fail(builder, -ENOMEM);
	builder->contract->proxy_port = (uint16_t)port;
	builder_add_host(builder, origin, "\"proxy\"", host, &builder->contract->proxy);
	network_list_tidy(&builder->contract->proxy);
}

static void add_list(struct builder *builder, struct network_list *list,
		     const struct network_list *more)
{
	int r = network_list_add_all(list, more);

	if (r < 0)
		builder_fail(builder, r);
}

static void add_text(struct builder *builder, struct network_list *list, enum conf_id id,
		     const char *text)
{
	int r = network_list_add_text(list, text);

	if (r == -ENOMEM || r == -E2BIG)
		builder_fail(builder, r);
	else if (r < 0)
		builder_complain(builder, conf_origin(builder->conf, id),
				 "\"%s\" needs %s, not \"%s\"", conf_row(id)->name,
				 id == CONF_SYSTEM_ADDRESS
					 ? "addresses"
					 : "a network that begins at its own address",
				 text);
}

static void take_own(struct builder *builder)
{
	const struct conf *conf = builder->conf;
	struct contract *contract = builder->contract;
	const char *block6 = conf_str(conf, CONF_CELL_BLOCK6);

	add_text(builder, &contract->cells, CONF_CELL_BLOCK, conf_str(conf, CONF_CELL_BLOCK));
	if (block6[0])
		add_text(builder, &contract->cells, CONF_CELL_BLOCK6, block6);
	for (size_t i = 0; i < conf_list_len(conf, CONF_SYSTEM_ADDRESS); i++)
		add_text(builder, &contract->system, CONF_SYSTEM_ADDRESS,
			 conf_list_item(conf, CONF_SYSTEM_ADDRESS, i));
	if (contract->system.n == 0)
		add_list(builder, &contract->system, builder->env->addresses);
	add_list(builder, &contract->on_link, builder->env->on_link);
	for (const struct path_denied *row = path_denied(); row->network; row++) {
		int r = network_list_add_text(&contract->denied, row->network);

		if (r < 0)
			builder_fail(builder, r);
	}
	add_list(builder, &contract->denied, &contract->system);
	add_list(builder, &contract->denied, builder->env->addresses);
	add_list(builder, &contract->denied, &contract->on_link);
	add_list(builder, &contract->denied, &contract->cells);
	network_list_tidy(&contract->system);
	network_list_tidy(&contract->on_link);
	network_list_tidy(&contract->denied);
}

void builder_take_site(struct builder *builder)
{
	struct contract *contract = builder->contract;
	const struct conf *conf = builder->conf;

	take_own(builder);
	take_zone(builder, CONF_ZONE_WORKSTATIONS, &contract->workstations);
	take_zone(builder, CONF_ZONE_ADMINISTRATION, &contract->administration);
	take_zone(builder, CONF_ZONE_DNS, &contract->internal_dns);
	take_zone(builder, CONF_ZONE_MONITORING, &contract->monitoring);
	take_proxy(builder);
	contract->viewer_port = (uint16_t)conf_int(conf, CONF_PORT);
	contract->viewer_rate = (unsigned int)conf_int(conf, CONF_VIEWER_RATE);
	contract->admin_rate = (unsigned int)conf_int(conf, CONF_ADMIN_RATE);
	contract->cell_connections = (unsigned int)conf_int(conf, CONF_CELL_CONNECTIONS);
	contract->automatic_address = conf_int(conf, CONF_HOST_ADDRESSING) != 0;
}
