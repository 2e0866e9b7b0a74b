/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Writes the tables of the network manual from the contract, between the marks of the file:
 *
 *	<!-- table NAME: … -->
 *	…
 *	<!-- end -->
 *
 * What stands outside the marks is prose and stays. With --check the file is only compared.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/str.h"
#include "net/path.h"

#define MANUAL_MAX (1024 * 1024)
#define MARK "<!-- table "
#define MARK_END "<!-- end -->"

static const char *protocols(const struct path_row *row)
{
	bool tcp = false, udp = false;

	for (size_t i = 0; i < path_n_ports(row); i++) {
		tcp = tcp || row->ports[i].proto == PROTO_TCP;
		udp = udp || row->ports[i].proto == PROTO_UDP;
	}
	return tcp && udp ? "TCP+UDP" : udp ? "UDP" : "TCP";
}

static const char *inside(const struct path_row *row)
{
	static const char *const names[] = {
		[INSIDE_HOST] = "host",
		[INSIDE_CELL] = "cells",
		[INSIDE_ANY] = "host, cells",
		[INSIDE_SSO] = "host; cells only for single sign-on",
	};

	return names[row->inside];
}

static const char *yes_no(bool yes)
{
	return yes ? "yes" : "no";
}

static void put_outgoing(FILE *out)
{
	fputs("| Path | Who inside | To | Protocol | Ports | What for | Optional | Needs |\n"
	      "|---|---|---|---|---|---|---|---|\n",
	      out);
	for (size_t i = 0; i < PATH_COUNT; i++) {
		const struct path_row *row = path_row((enum path_id)i);

		if (row->direction != DIRECTION_OUT && row->direction != DIRECTION_BOTH)
			continue;
		fprintf(out, "| `%s` | %s | %s | %s | %s | %s | %s | %s |\n", row->name,
			inside(row), path_peer_name(row->peer), protocols(row), row->ports_text,
			row->remark, yes_no(row->optional), row->needs);
	}
}

static void put_incoming(enum path_direction direction, FILE *out)
{
	fputs("| Path | From | Protocol | Ports | What for | Optional | Served by |\n"
	      "|---|---|---|---|---|---|---|\n",
	      out);
	for (size_t i = 0; i < PATH_COUNT; i++) {
		const struct path_row *row = path_row((enum path_id)i);

		if (row->direction != direction)
			continue;
		fprintf(out, "| `%s` | %s | %s | %s | %s | %s | %s |\n", row->name,
			path_peer_name(row->peer), protocols(row), row->ports_text, row->remark,
			yes_no(row->optional), row->component);
	}
}

static void put_lan(FILE *out)
{
	put_incoming(DIRECTION_LAN, out);
}

static void put_dmz(FILE *out)
{
	put_incoming(DIRECTION_DMZ, out);
}

static void put_breaks(FILE *out)
{
	fputs("| Path | Without it |\n|---|---|\n", out);
	for (size_t i = 0; i < PATH_COUNT; i++)
		fprintf(out, "| `%s` | %s |\n", path_row((enum path_id)i)->name,
			path_row((enum path_id)i)->breaks);
}

static void put_services(FILE *out)
{
	fputs("| Path | Port | Service |\n|---|---|---|\n", out);
	for (size_t i = 0; i < PATH_COUNT; i++) {
		const struct path_row *row = path_row((enum path_id)i);

		for (size_t k = 0; k < path_n_ports(row); k++) {
			const struct path_port *port = &row->ports[k];

			fprintf(out, "| `%s` | %s %u", row->name, path_proto_name(port->proto),
				port->first);
			if (port->last != port->first)
				fprintf(out, "-%u", port->last);
			fprintf(out, " | %s |\n", port->service);
		}
	}
}

static void put_denied(FILE *out)
{
	fputs("| Network | What it is |\n|---|---|\n", out);
	for (const struct path_denied *row = path_denied(); row->network; row++)
		fprintf(out, "| `%s` | %s |\n", row->network, row->what);
}

static const struct {
	const char *name;
	void (*put)(FILE *out);
} tables[] = {
	{"outgoing", put_outgoing}, {"lan", put_lan},       {"dmz", put_dmz},
	{"services", put_services}, {"breaks", put_breaks}, {"denied", put_denied},
};

/* Index into `tables` of what a mark names, or their count. */
static size_t find_table(const char *mark)
{
	const char *name = mark + strlen(MARK);
	size_t len = strcspn(name, ": "), i = 0;

	while (i < ARRAY_LEN(tables) &&
	       (strlen(tables[i].name) != len || strncmp(tables[i].name, name, len) != 0))
		i++;
	return i;
}

/* The manual with its tables as they are now; -EINVAL with a sentence if a mark is wrong. */
static int renew(const char *text, FILE *out)
{
	bool seen[ARRAY_LEN(tables)] = {0};

	while (*text) {
		const char *mark = strstr(text, MARK);
		const char *body = mark ? strchr(mark, '\n') : NULL;
		const char *end = body ? strstr(body, MARK_END) : NULL;
		size_t i = mark ? find_table(mark) : 0;

		if (!mark) {
			fputs(text, out);
			break;
		}
		if (!end || i == ARRAY_LEN(tables)) {
			fprintf(stderr, "a mark without an end, or of no table: %.40s\n", mark);
			return -EINVAL;
		}
		fwrite(text, 1, (size_t)(body + 1 - text), out);
		tables[i].put(out);
		seen[i] = true;
		text = end;
		fputs(MARK_END, out);
		text += strlen(MARK_END);
	}
	for (size_t i = 0; i < ARRAY_LEN(tables); i++) {
		if (seen[i])
			continue;
		fprintf(stderr, "the table \"%s\" is missing\n", tables[i].name);
		return -EINVAL;
	}
	return 0;
}

static int write_file(const char *path, const char *text, size_t len)
{
	_cleanup_fd_ int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);

	return fd < 0 ? -errno : fd_write_all(fd, text, len);
}

int main(int argc, char **argv)
{
	_cleanup_free_ char *old = NULL, *new = NULL;
	bool check = argc == 3 && str_eq(argv[1], "--check");
	const char *path = check ? argv[2] : argv[1];
	size_t len, new_len;
	FILE *out;
	int r;

	if (!check && argc != 2) {
		fputs("usage: network-manual [--check] FILE\n", stderr);
		return 2;
	}
	r = fd_read_file(AT_FDCWD, path, MANUAL_MAX, &old, &len);
	if (r < 0) {
		fprintf(stderr, "%s: %s\n", path, strerror(-r));
		return 1;
	}
	out = open_memstream(&new, &new_len);
	if (!out)
		return 1;
	r = renew(old, out);
	if (fclose(out) != 0 || r < 0)
		return 1;
	if (check && !str_eq(old, new)) {
		fprintf(stderr, "%s is stale: ninja network-manual renews its tables\n", path);
		return 1;
	}
	if (!check && !str_eq(old, new))
		r = write_file(path, new, new_len);
	if (r < 0)
		fprintf(stderr, "%s: %s\n", path, strerror(-r));
	return r < 0 ? 1 : 0;
}
