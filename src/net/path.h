/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The rows of the network contract (paths.def), and what is no public address (denied.def). */
#ifndef LAZARET_NET_PATH_H
#define LAZARET_NET_PATH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"

#define PATH_PORTS_MAX 6 /* of a row */

enum path_id {
#define PATH(id, ...) PATH_##id,
#include "net/paths.def"
#undef PATH
	PATH_COUNT,
};

enum path_direction {
	DIRECTION_OUT, /* from us outwards */
	DIRECTION_LAN, /* from the LAN to us */
	DIRECTION_DMZ, /* from the DMZ or the Internet to us */
	DIRECTION_BOTH, /* outwards, and from the same peers to us */
};

enum path_peer {
	PEER_INTERNET,
	PEER_UPDATE, /* the update servers */
	PEER_NAMED,
	PEER_WORKSTATIONS,
	PEER_ADMINISTRATION,
	PEER_INTERNAL_DNS,
	PEER_MONITORING,
};

enum path_inside { INSIDE_HOST, INSIDE_CELL, INSIDE_ANY, INSIDE_SSO };

enum path_choice { CHOICE_FIXED, CHOICE_CHOSEN, CHOICE_ADDED, CHOICE_SUBSET, CHOICE_ADMIN_PORT };

/* The numbers of the IP header. */
enum path_proto { PROTO_ANY = 0, PROTO_TCP = 6, PROTO_UDP = 17 };

struct path_port {
	enum path_proto proto;
	uint16_t first, last;
	const char *service;
};

struct path_row {
	const char *name;
	enum path_direction direction;
	enum path_peer peer;
	enum path_inside inside;
	bool optional;
	enum path_choice choice;
	struct path_port ports[PATH_PORTS_MAX]; /* one with first == 0 ends them */
	const char *ports_text; /* as the reference document has them */
	const char *needs;
	const char *accounts; /* separated by commas */
	const char *component;
	const char *remark;
	const char *breaks;
};

const struct path_row *path_row(enum path_id id);
size_t path_n_ports(const struct path_row *row);
/* -ENOENT if no path has that name. */
NODISCARD int path_find(const char *name, enum path_id *ret_id);
/* The name that is most like it, or NULL when none is near. */
const char *path_closest(const char *name);

/* "the Internet", "workstations", … */
const char *path_peer_name(enum path_peer peer);
const char *path_proto_name(enum path_proto proto);

struct path_denied {
	const char *network; /* address/bits */
	const char *what;
};

/* The rows of denied.def; one past the last has no network. */
const struct path_denied *path_denied(void);

#endif
