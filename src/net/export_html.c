/* SPDX-License-Identifier: GPL-3.0-or-later */
/* HTML: one page that needs nothing else, for people. */
#include <string.h>

#include "base/str.h"
#include "net/export_impl.h"

/* Foreign text: made fit to be shown, then every character that means something escaped. */
static void put_escaped(const char *text, FILE *out)
{
	char fit[1024];

	str_sanitize(fit, sizeof(fit), text, strlen(text));
	for (const char *c = fit; *c; c++) {
		switch (*c) {
		case '&':
			fputs("&amp;", out);
			break;
		case '<':
			fputs("&lt;", out);
			break;
		case '>':
			fputs("&gt;", out);
			break;
		case '"':
			fputs("&quot;", out);
			break;
		case '\'':
			fputs("&#39;", out);
			break;
		default:
			fputc(*c, out);
		}
	}
}

static void put_cell(const char *text, FILE *out)
{
	fputs("<td>", out);
	put_escaped(text, out);
	fputs("</td>", out);
}

static void put_group(const struct border_group *group, FILE *out)
{
	const struct contract_path *path = group->path;
	char text[NETWORK_TEXT_MAX];

	fprintf(out, "<tr id=\"group-%s\">", group->name);
	put_cell(group->name, out);
	fputs("<td>", out);
	put_escaped(group->what, out);
	for (size_t i = 0; path && i < path->n_hosts; i++) {
		fputs(i == 0 ? ": " : ", ", out);
		put_escaped(path->hosts[i].text, out);
	}
	fputs("</td><td>", out);
	for (size_t i = 0; i < group->networks.n; i++)
		fprintf(out, "%s%s", i > 0 ? ", " : "",
			network_format(&group->networks.items[i], text));
	fputs("</td></tr>\n", out);
}

static void put_flow(const struct border_flow *flow, size_t number, FILE *out)
{
	fprintf(out, "<tr class=\"%s\"><td>%zu</td>", flow->pass ? "pass" : "drop", number);
	put_cell(flow->pass ? "pass" : "drop", out);
	put_cell(flow->name, out);
	put_cell(flow->path && flow->path->row->optional ? "yes" : "no", out);
	put_cell(flow->from ? flow->from->name : "anywhere", out);
	put_cell(flow->to ? flow->to->name : "anywhere", out);
	fputs("<td>", out);
	export_put_ports(flow, out);
	fputs("</td>", out);
	put_cell(flow->remark, out);
	fputs("</tr>\n", out);
}

static void put_head(const struct border *border, FILE *out)
{
	fputs("<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
	      "<title>" EXPORT_TITLE "</title>\n"
	      "<style>body{font:15px/1.5 sans-serif;max-width:75em;margin:2em auto;padding:0 1em}"
	      "table{border-collapse:collapse;width:100%}"
	      "th,td{border:1px solid #bbb;padding:.25em .5em;text-align:left;vertical-align:top}"
	      "th{background:#eee}tr.drop td{background:#fbe9e7}</style></head>\n<body>\n"
	      "<h1>" EXPORT_TITLE "</h1>\n<p>Configuration: ",
	      out);
	put_escaped(border->files, out);
	fprintf(out,
		". Its last change (time of the file): %s. Contract %08x, Lazaret " LAZARET_VERSION
		".</p>\n<p>The first rule that matches decides. Replies to what passed pass, also "
		"of "
		"UDP. Dialect: %s.</p>\n<p>Paths that are off and have no rule:",
		border->date, border->fingerprint, exporter_html.dialect);
	for (size_t i = 0; i < PATH_COUNT; i++) {
		if (!border->contract->paths[i].on)
			fprintf(out, " %s", border->contract->paths[i].row->name);
	}
	fputs("</p>\n", out);
	for (size_t i = 0; i < border->contract->n_notes; i++) {
		fputs("<p>Note: ", out);
		put_escaped(border->contract->notes[i], out);
		fputs("</p>\n", out);
	}
}

static int write_html(const struct border *border, FILE *out)
{
	put_head(border, out);
	fputs("<h2>Networks</h2>\n<table id=\"networks\">\n<tr><th>group</th><th>what it is</th>"
	      "<th>networks</th></tr>\n",
	      out);
	for (size_t i = 0; i < border->n_groups; i++)
		put_group(&border->groups[i], out);
	fputs("</table>\n<h2>Rules</h2>\n<table id=\"rules\">\n<tr><th>no.</th><th>action</th>"
	      "<th>rule</th><th>optional</th><th>from</th><th>to</th><th>protocol and ports</th>"
	      "<th>remark</th></tr>\n",
	      out);
	for (size_t i = 0; i < border->n_flows; i++)
		put_flow(&border->flows[i], i + 1, out);
	fputs("</table>\n</body></html>\n", out);
	return 0;
}

const struct exporter exporter_html = {
	.name = "html",
	.dialect = "HTML 5, one page",
	.help = "For people.",
	.write = write_html,
};
