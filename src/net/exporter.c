/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/exporter.h"

#include <string.h>

#include "base/str.h"
#include "net/export_impl.h"

static const struct exporter *const formats[] = {
	&exporter_nftables, &exporter_iptables, &exporter_asa,      &exporter_ios,  &exporter_srx,
	&exporter_pf,       &exporter_opnsense, &exporter_markdown, &exporter_html, &exporter_json,
};

size_t exporter_count(void)
{
	return ARRAY_LEN(formats);
}

const struct exporter *exporter_at(size_t index)
{
	return formats[index];
}

const struct exporter *exporter_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(formats); i++) {
		if (str_eq(formats[i]->name, name))
			return formats[i];
	}
	return NULL;
}

void export_put_lines(const char *prefix, const char *const *lines, FILE *out)
{
	for (; *lines; lines++)
		fprintf(out, "%s%s%s\n", prefix, (*lines)[0] ? " " : "", *lines);
}

static void put_off(const struct border *border, const char *prefix, FILE *out)
{
	bool any = false;

	for (size_t i = 0; i < PATH_COUNT; i++) {
		const struct contract_path *path = &border->contract->paths[i];

		if (path->on)
			continue;
		if (!any)
			fprintf(out, "%s Paths that are off and have no rule:", prefix);
		fprintf(out, "%s %s", any ? "," : "", path->row->name);
		any = true;
	}
	if (any)
		fputs("\n", out);
}

/* Long texts are broken at EXPORT_REMARK_MAX, so that no dialect's longest line is met. */
static void put_note(const char *prefix, const char *lead, const char *text, FILE *out)
{
	size_t len = strlen(text);

	for (size_t at = 0; at == 0 || at < len; at += EXPORT_REMARK_MAX) {
		fprintf(out, "%s %s", prefix, at == 0 ? lead : "  ");
		border_put_text(out, text + at, EXPORT_REMARK_MAX);
		fputs("\n", out);
	}
}

void export_put_head(const struct border *border, const struct exporter *exporter,
		     const char *prefix, FILE *out)
{
	fprintf(out, "%s " EXPORT_TITLE "\n", prefix);
	fprintf(out, "%s Dialect: %s. %s\n", prefix, exporter->dialect, exporter->help);
	put_note(prefix, "Configuration: ", border->files, out);
	fprintf(out, "%s Its last change (time of the file): %s; contract %08x, lazaret %s\n",
		prefix, border->date, border->fingerprint, LAZARET_VERSION);
	fprintf(out,
		"%s The first rule that matches decides. Replies to what passed pass, also of "
		"UDP.\n",
		prefix);
	put_off(border, prefix, out);
	for (size_t i = 0; i < border->contract->n_notes; i++)
		put_note(prefix, "Note: ", border->contract->notes[i], out);
}

void export_put_remark(const struct border_flow *flow, FILE *out)
{
	char lead[64];
	int len;

	if (!flow->path)
		len = snprintf(lead, sizeof(lead), "shut, %s: ", flow->name);
	else
		len = snprintf(lead, sizeof(lead), "%spath %s%s: ", flow->pass ? "" : "shut, ",
			       flow->name, flow->path->row->optional ? " (optional)" : "");
	fputs(lead, out);
	border_put_text(out, flow->remark, EXPORT_REMARK_MAX - (size_t)len);
}

void export_put_group(const struct border_group *group, FILE *out)
{
	size_t room = EXPORT_REMARK_MAX;
	const struct contract_path *path = group->path;

	room -= border_put_text(out, group->what, room);
	for (size_t i = 0; path && i < path->n_hosts && room > 4; i++) {
		room -= border_put_text(out, i == 0 ? ": " : ", ", room);
		if (strlen(path->hosts[i].text) + 4 > room) {
			border_put_text(out, "...", room);
			return;
		}
		room -= border_put_text(out, path->hosts[i].text, room);
	}
}

void export_put_ports(const struct border_flow *flow, FILE *out)
{
	enum path_proto last = PROTO_ANY;

	if (flow->n_ports == 0)
		fputs("every protocol", out);
	EXPORT_FOR_EACH_PORT(port, flow)
	{
		if (port->proto != last)
			fprintf(out, "%s%s ", last == PROTO_ANY ? "" : "; ",
				path_proto_name(port->proto));
		else
			fputs(", ", out);
		last = port->proto;
		fprintf(out, "%u", port->first);
		if (port->last != port->first)
			fprintf(out, "-%u", port->last);
	}
}

static size_t n_networks(const struct border_group *group)
{
	return group ? group->networks.n : 1;
}

/* False if the network is not of that family. */
static bool network_at(const struct border_group *group, size_t i, int family,
		       const struct network **ret_network)
{
	*ret_network = group ? &group->networks.items[i] : NULL;
	return !group || group->networks.items[i].family == family;
}

int export_each_pair(const struct border_flow *flow, int family, export_pair_fn each, void *data)
{
	const struct network *from, *to;

	for (size_t i = 0; i < n_networks(flow->from); i++) {
		if (!network_at(flow->from, i, family, &from))
			continue;
		for (size_t k = 0; k < n_networks(flow->to); k++) {
			int r;

			if (!network_at(flow->to, k, family, &to))
				continue;
			r = each(flow, family, from, to, data);
			if (r != 0)
				return r;
		}
	}
	return 0;
}
