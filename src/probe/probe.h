/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * lazaret-probe: what is tried from a zone, and what came of it. Nothing here uses the rest of the
 * tree but the table of paths, so that the program can be taken to other machines.
 */
#ifndef LAZARET_PROBE_PROBE_H
#define LAZARET_PROBE_PROBE_H

#include <arpa/inet.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#define LEN(a) (sizeof(a) / sizeof((a)[0]))
#define SYSTEMS_MAX 16
#define TARGETS_MAX 32
#define ATTEMPTS_MAX (4 * 65536)
#define PARALLEL_MAX 4096
#define GREETING_MAX 64
#define NOTE_MAX 96
#define PATHS_MAX 32
#define ADDRESS_MAX (INET6_ADDRSTRLEN + 16)
/* Times that a datagram is sent within the time limit: one may get lost. */
#define UDP_SENDS 3

enum { EXIT_AGREES = 0, EXIT_DIFFERS = 1, EXIT_USAGE = 2, EXIT_BROKEN = 3 };

enum proto { PROTO_NONE, PROTO_TCP, PROTO_UDP };

enum zone {
	ZONE_WORKSTATIONS,
	ZONE_ADMINISTRATION,
	ZONE_MONITORING,
	ZONE_INTERNAL_DNS,
	ZONE_INTERNET,
	ZONE_NAMED, /* from here on: no zone that one can stand in */
	ZONE_UPDATE,
};

#define N_ZONES ZONE_NAMED

enum direction { DIRECTION_OUT, DIRECTION_LAN, DIRECTION_DMZ, DIRECTION_BOTH };

struct port {
	enum proto proto;
	uint16_t first, last;
};

struct row {
	const char *name;
	enum direction direction;
	enum zone peer;
	bool optional;
	struct port ports[8]; /* one of PROTO_NONE ends them */
};

enum found {
	FOUND_NOTHING, /* not tried yet */
	FOUND_OPEN,
	FOUND_WRONG, /* open, and something else answers */
	FOUND_CLOSED, /* it says itself that nothing listens there: it was reached */
	FOUND_FILTERED, /* no answer */
	FOUND_REJECTED, /* something on the way says no, or there is no way */
	FOUND_BROKEN, /* it could not be tried */
};

struct address {
	struct sockaddr_storage any;
	socklen_t len;
};

struct attempt {
	struct address to;
	enum proto proto;
	uint16_t port;
	const char *path; /* that opens it, or NULL */
	bool want_open;
	bool internet;
	const char *greeting; /* that it begins with, or NULL */

	enum found found;
	char note[NOTE_MAX]; /* printable */
	unsigned int ms;

	int fd; /* -1: not under way */
	bool connected;
	unsigned int sends;
	uint64_t started, deadline, next_send;
	char got[GREETING_MAX];
	size_t n_got;
};

struct options {
	enum zone zone;
	struct address systems[SYSTEMS_MAX];
	size_t n_systems;
	const char *targets[TARGETS_MAX];
	size_t n_targets;
	bool on[PATHS_MAX];
	uint16_t viewer_port, admin_port;
	unsigned int timeout_ms, parallel;
	bool internet, all_ports, json, verbose;
};

struct plan {
	struct attempt *attempts;
	size_t n;
};

extern const struct row rows[];
extern const size_t n_rows;
extern const char *const zone_names[N_ZONES];

/* A path that others use to reach us. */
bool is_incoming(const struct row *row);
void set_port(struct address *address, uint16_t port);
/* The address without its port. */
void format_address(const struct sockaddr_storage *any, char out[ADDRESS_MAX]);
bool same_address(const struct sockaddr_storage *a, const struct sockaddr_storage *b);
/* A whole number within limits; false if it is none. */
bool parse_number(const char *text, unsigned long low, unsigned long high,
		  unsigned long *ret_value);
/* Addresses of a host, at most `max`; false if there is none. */
bool resolve(const char *host, struct address *ret, size_t max, size_t *ret_n);

/* What is to be tried; false when out of memory or a target is none (said on standard error). */
bool plan_make(struct plan *plan, const struct options *options);
/* Tries all of it; false if the machine does not let us. */
bool try_all(struct plan *plan, const struct options *options);
/* Whether it is as the contract says. */
bool agrees(const struct attempt *attempt);
struct counts {
	size_t open, shut, wrong;
};
struct counts count(const struct plan *plan);
void print_text(const struct plan *plan, const struct options *options);
void print_json(const struct plan *plan, const struct options *options);

#endif
