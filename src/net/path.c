/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/path.h"

#include <errno.h>
#include <string.h>

#include "base/str.h"

#define PORTS(...)          \
	{                   \
		__VA_ARGS__ \
	}
#define UDPS(low, high, what)                                                         \
	{                                                                             \
		.proto = PROTO_UDP, .first = (low), .last = (high), .service = (what) \
	}
#define UDP(port, what) UDPS(port, port, what)
#define TCP(port, what)                                                                \
	{                                                                              \
		.proto = PROTO_TCP, .first = (port), .last = (port), .service = (what) \
	}
#define PATH(id, n, dir, who, in, opt, how, p, text, need, users, part, say, harm) \
	[PATH_##id] = {.name = (n),                                                \
		       .direction = DIRECTION_##dir,                               \
		       .peer = PEER_##who,                                         \
		       .inside = INSIDE_##in,                                      \
		       .optional = (opt),                                          \
		       .choice = CHOICE_##how,                                     \
		       .ports = p,                                                 \
		       .ports_text = (text),                                       \
		       .needs = (need),                                            \
		       .accounts = (users),                                        \
		       .component = (part),                                        \
		       .remark = (say),                                            \
		       .breaks = (harm)},
static const struct path_row rows[] = {
#include "net/paths.def"
};
#undef PATH

static const struct path_denied denied[] = {
#define DENIED4(n, w) {.network = (n), .what = (w)},
#define DENIED6(n, w) {.network = (n), .what = (w)},
#include "net/denied.def"
#undef DENIED4
#undef DENIED6
	{0},
};

const struct path_row *path_row(enum path_id id)
{
	return &rows[id];
}

const struct path_denied *path_denied(void)
{
	return denied;
}

size_t path_n_ports(const struct path_row *row)
{
	size_t n = 0;

	while (n < PATH_PORTS_MAX && row->ports[n].first != 0)
		n++;
	return n;
}

int path_find(const char *name, enum path_id *ret_id)
{
	for (size_t i = 0; i < PATH_COUNT; i++) {
		if (str_eq(rows[i].name, name)) {
			*ret_id = (enum path_id)i;
			return 0;
		}
	}
	return -ENOENT;
}

/* How many letters two words begin and end with alike: enough for a slip of the finger. */
static size_t likeness(const char *a, const char *b)
{
	size_t n_a = strlen(a), n_b = strlen(b), head = 0, tail = 0;

	while (head < MIN(n_a, n_b) && a[head] == b[head])
		head++;
	while (tail < MIN(n_a, n_b) - head && a[n_a - 1 - tail] == b[n_b - 1 - tail])
		tail++;
	return head + tail;
}

const char *path_closest(const char *name)
{
	const char *best = NULL;
	size_t most = 1;

	for (size_t i = 0; i < PATH_COUNT; i++) {
		size_t alike = likeness(rows[i].name, name);
		size_t longer = MAX(strlen(rows[i].name), strlen(name));

		if (alike > most && alike + 2 >= longer) {
			most = alike;
			best = rows[i].name;
		}
	}
	return best;
}

const char *path_peer_name(enum path_peer peer)
{
	static const char *const names[] = {
		[PEER_INTERNET] = "Internet",
		[PEER_UPDATE] = "update servers",
		[PEER_NAMED] = "named hosts",
		[PEER_WORKSTATIONS] = "workstations",
		[PEER_ADMINISTRATION] = "administration network",
		[PEER_INTERNAL_DNS] = "internal name servers",
		[PEER_MONITORING] = "monitoring hosts",
	};

	return names[peer];
}

const char *path_proto_name(enum path_proto proto)
{
	return proto == PROTO_TCP ? "tcp" : proto == PROTO_UDP ? "udp" : "ip";
}
