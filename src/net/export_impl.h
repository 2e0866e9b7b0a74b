/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the formats have in common. */
#ifndef LAZARET_NET_EXPORT_IMPL_H
#define LAZARET_NET_EXPORT_IMPL_H

#include "net/exporter.h"

extern const struct exporter exporter_nftables, exporter_iptables, exporter_asa, exporter_ios,
	exporter_srx, exporter_pf, exporter_opnsense, exporter_markdown, exporter_html,
	exporter_json;

#define EXPORT_TITLE "Packet filter around a Lazaret system: between LAN, DMZ and Internet"
/* Longest remark that every dialect takes. */
#define EXPORT_REMARK_MAX 96

/*
 * What leads every text, as lines that begin with `prefix`: what it is, dialect, how to load it,
 * files and date of the configuration, what is off, what should be known.
 */
void export_put_head(const struct border *border, const struct exporter *exporter,
		     const char *prefix, FILE *out);
/* Lines of our own, each behind the prefix; NULL ends them. */
void export_put_lines(const char *prefix, const char *const *lines, FILE *out);
/* "path ntp (optional): Time." as a remark of at most EXPORT_REMARK_MAX characters. */
void export_put_remark(const struct border_flow *flow, FILE *out);
/* What a group is, with the hosts as the site names them: a remark of at most that length. */
void export_put_group(const struct border_group *group, FILE *out);
/* "tcp 80, 443; udp 1024-65535", or "every protocol". */
void export_put_ports(const struct border_flow *flow, FILE *out);

/*
 * For dialects without groups: calls `each` with every pair of networks of that family, NULL for
 * anywhere; ends with what it returns if that is not 0.
 */
typedef int (*export_pair_fn)(const struct border_flow *flow, int family,
			      const struct network *from, const struct network *to, void *data);
NODISCARD int export_each_pair(const struct border_flow *flow, int family, export_pair_fn each,
			       void *data);

/* Every port of a flow; none for a flow of every protocol. */
#define EXPORT_FOR_EACH_PORT(port, flow)                   \
	for (const struct path_port *port = (flow)->ports; \
	     (flow)->n_ports > 0 && port < (flow)->ports + (flow)->n_ports; port++)

#endif
