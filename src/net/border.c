/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/border.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"

static struct border_group *add_group(struct border *border, const char *name, const char *what)
{
	struct border_group *group = &border->groups[border->n_groups++];

	(void)str_copy(group->name, sizeof(group->name), name);
	group->what = what;
	return group;
}

/* A group of these networks, or NULL in *ret_group when there are none. */
static int group_of(struct border *border, const char *name, const char *what,
		    const struct network_list *networks, struct border_group **ret_group)
{
	struct border_group *group;
	int r;

	*ret_group = NULL;
	if (networks->n == 0)
		return 0;
	group = add_group(border, name, what);
	r = network_list_add_all(&group->networks, networks);
	if (r < 0)
		return r;
	network_list_tidy(&group->networks);
	*ret_group = group;
	return 0;
}

static struct border_flow *add_flow(struct border *border, const char *name, bool pass,
				    const struct border_group *from, const struct border_group *to,
				    const char *remark)
{
	struct border_flow *flow = &border->flows[border->n_flows++];

	(void)str_copy(flow->name, sizeof(flow->name), name);
	flow->pass = pass;
	flow->from = from;
	flow->to = to;
	flow->remark = remark;
	return flow;
}

static struct border_flow *add_path_flow(struct border *border, const char *name, bool pass,
					 const struct contract_path *path,
					 const struct border_group *from,
					 const struct border_group *to, const char *remark)
{
	struct border_flow *flow = add_flow(border, name, pass, from, to, remark);

	flow->path = path;
	flow->ports = path->ports;
	flow->n_ports = path->n_ports;
	return flow;
}

/* What the other side of a path is, as a group. Zones are shared by their paths. */
static int peers_of(struct border *border, const struct contract_path *path,
		    struct border_group *zones[PEER_MONITORING + 1],
		    struct border_group **ret_group)
{
	const struct network_list *zone = contract_zone(border->contract, path->row->peer);
	static const char *const names[] = {
		[PEER_WORKSTATIONS] = "workstations",
		[PEER_ADMINISTRATION] = "administration",
		[PEER_INTERNAL_DNS] = "internal-dns",
		[PEER_MONITORING] = "monitoring",
	};
	struct border_group *group;
	char name[BORDER_NAME_MAX];
	int r;

	if (zone && zones[path->row->peer]) {
		*ret_group = zones[path->row->peer];
		return 0;
	}
	if (zone) {
		r = group_of(border, names[path->row->peer], path_peer_name(path->row->peer), zone,
			     &group);
		zones[path->row->peer] = group;
	} else {
		snprintf(name, sizeof(name), "%s-%s", path->row->name,
			 path->proxied ? "proxy" : "hosts");
		r = group_of(border, name, path->proxied ? "the proxy" : "hosts of the path",
			     &path->peers, &group);
		if (r == 0 && group && !path->proxied)
			group->path = path;
	}
	if (r < 0)
		return r;
	*ret_group = group;
	return 0;
}

/* Flows to and from networks that the site names. */
static int add_named_flows(struct border *border, const struct border_group *system,
			   struct border_group *zones[PEER_MONITORING + 1])
{
	for (size_t i = 0; i < PATH_COUNT; i++) {
		const struct contract_path *path = &border->contract->paths[i];
		struct border_group *peers;
		int r;

		if (!path->on || path->n_ports == 0)
			continue;
		r = peers_of(border, path, zones, &peers);
		if (r < 0)
			return r;
		if (!peers)
			continue;
		if (contract_path_is_outgoing(path->row))
			add_path_flow(border, path->row->name, true, path, system, peers,
				      path->row->remark);
		else
			add_path_flow(border, path->row->name, true, path, peers, system,
				      path->row->remark)
				->incoming = true;
	}
	return 0;
}

/* Paths that may come to us as well, while nothing of ours serves them. */
static void add_unserved(struct border *border, const struct border_group *system)
{
	size_t n = border->n_flows;
	char name[BORDER_NAME_MAX];

	for (size_t i = 0; i < n; i++) {
		const struct border_flow flow = border->flows[i];

		if (flow.path->row->direction != DIRECTION_BOTH)
			continue;
		snprintf(name, sizeof(name), "%s-in", flow.path->row->name);
		add_path_flow(border, name, false, flow.path, flow.to, system,
			      "Incoming: no service of the system is switched on for it.")
			->incoming = true;
	}
}

static const struct border_group *find_group(const struct border *border, const char *name)
{
	for (size_t i = 0; i < border->n_groups; i++) {
		if (str_eq(border->groups[i].name, name))
			return &border->groups[i];
	}
	return NULL;
}

/* Everything that is not public for the system, and the site's own zones whatever they are. */
static int not_public(struct border *border, struct border_group **ret_group)
{
	const struct contract *contract = border->contract;
	const struct network_list *zones[] = {&contract->workstations, &contract->administration,
					      &contract->internal_dns, &contract->monitoring};
	struct border_group *group = add_group(border, "not-public",
					       "private and reserved addresses, the site's zones");
	int r = network_list_add_all(&group->networks, &contract->denied);

	for (size_t i = 0; i < ARRAY_LEN(zones) && r == 0; i++)
		r = network_list_add_all(&group->networks, zones[i]);
	network_list_tidy(&group->networks);
	*ret_group = group;
	return r;
}

static int add_internet_flows(struct border *border, const struct border_group *system)
{
	struct border_group *shut = NULL;
	char name[BORDER_NAME_MAX];

	for (size_t i = 0; i < PATH_COUNT; i++) {
		const struct contract_path *path = &border->contract->paths[i];
		int r = 0;

		if (!path->on || !path->internet || path->n_ports == 0)
			continue;
		if (!shut) {
			r = not_public(border, &shut);
			border->not_public = shut;
			add_flow(border, "not-public", false, system, shut,
				 "Below, anywhere means public addresses only.");
		}
		if (r < 0)
			return r;
		snprintf(name, sizeof(name), "%s-internet", path->row->name);
		add_path_flow(border, name, true, path, system, NULL, path->row->remark);
	}
	return 0;
}

static void hash_bytes(uint32_t *hash, const void *data, size_t len)
{
	const uint8_t *bytes = data;

	/* FNV-1a: told apart, not protected. */
	for (size_t i = 0; i < len; i++)
		*hash = (*hash ^ bytes[i]) * 16777619U;
}

static void hash_group(uint32_t *hash, const struct border_group *group)
{
	for (size_t i = 0; group && i < group->networks.n; i++) {
		const struct network *network = &group->networks.items[i];

		hash_bytes(hash, &network->family, 1);
		hash_bytes(hash, &network->bits, 1);
		hash_bytes(hash, network->addr, sizeof(network->addr));
	}
	hash_bytes(hash, group ? "." : "*", 1);
}

static uint32_t fingerprint(const struct border *border)
{
	uint32_t hash = 2166136261U;

	for (size_t i = 0; i < border->n_flows; i++) {
		const struct border_flow *flow = &border->flows[i];

		hash_bytes(&hash, flow->name, strlen(flow->name) + 1);
		hash_bytes(&hash, flow->pass ? "+" : "-", 1);
		hash_group(&hash, flow->from);
		hash_group(&hash, flow->to);
		for (size_t k = 0; k < flow->n_ports; k++) {
			const uint16_t port[] = {(uint16_t)flow->ports[k].proto,
						 flow->ports[k].first, flow->ports[k].last};

			hash_bytes(&hash, port, sizeof(port));
		}
	}
	return hash;
}

static int build(struct border *border)
{
	struct border_group *zones[PEER_MONITORING + 1] = {NULL};
	struct border_group *system, *workstations = NULL;
	int r = group_of(border, "system", "this system, behind whose address the cells are",
			 &border->contract->system, &system);

	if (r == 0 && !system)
		return -ENODATA;
	border->system = system;
	if (r == 0)
		r = add_named_flows(border, system, zones);
	if (r < 0)
		return r;
	add_unserved(border, system);
	r = add_internet_flows(border, system);
	if (r < 0)
		return r;
	if (!find_group(border, "workstations"))
		r = group_of(border, "workstations", path_peer_name(PEER_WORKSTATIONS),
			     &border->contract->workstations, &workstations);
	if (r < 0)
		return r;
	if (find_group(border, "workstations"))
		add_flow(border, "no-internet", false, find_group(border, "workstations"), NULL,
			 "Workstations reach the Internet by no other way than the system.");
	add_flow(border, "everything-else", false, NULL, NULL,
		 "Everything else. Flows of the site that pass belong above.");
	border->fingerprint = fingerprint(border);
	return 0;
}

int border_create(const struct contract *contract, const char *files, time_t changed,
		  struct border **ret_border)
{
	_cleanup_border_ struct border *border = calloc(1, sizeof(*border));
	struct tm tm;
	int r;

	if (!border)
		return -ENOMEM;
	border->contract = contract;
	border->files = files;
	if (!gmtime_r(&changed, &tm) ||
	    strftime(border->date, sizeof(border->date), "%Y-%m-%d %H:%M:%S UTC", &tm) == 0)
		(void)str_copy(border->date, sizeof(border->date), "unknown");
	r = build(border);
	if (r < 0)
		return r;
	*ret_border = STEAL(border);
	return 0;
}

void border_destroy(struct border *border)
{
	if (!border)
		return;
	for (size_t i = 0; i < border->n_groups; i++)
		network_list_finish(&border->groups[i].networks);
	free(border);
}

void border_destroyp(struct border **border)
{
	border_destroy(*border);
	*border = NULL;
}

static bool group_has_family(const struct border_group *group, int family)
{
	return !group || network_list_has_family(&group->networks, family);
}

bool border_flow_has_family(const struct border_flow *flow, int family)
{
	return group_has_family(flow->from, family) && group_has_family(flow->to, family);
}

bool border_flow_has_proto(const struct border_flow *flow, enum path_proto proto)
{
	for (size_t i = 0; i < flow->n_ports; i++) {
		if (flow->ports[i].proto == proto)
			return true;
	}
	return flow->n_ports == 0;
}

size_t border_put_text(FILE *out, const char *text, size_t most)
{
	static const char safe[] = " .,:;()/+-_=@'";
	size_t n = strnlen(text, most);

	/* What is too long is cut between words, if there are any. */
	for (size_t i = n; text[n] && i > most / 2; i--) {
		if (text[i] == ' ') {
			n = i;
			break;
		}
	}
	for (size_t i = 0; i < n; i++) {
		char c = text[i];
		bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
			     (c >= '0' && c <= '9') || strchr(safe, c);

		fputc(plain ? c : '_', out);
	}
	return n;
}
