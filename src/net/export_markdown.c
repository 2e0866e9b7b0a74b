/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Markdown: the rules as two tables, for tickets and documentation. */
#include "net/export_impl.h"

static void put_networks(const struct border_group *group, FILE *out)
{
	char text[NETWORK_TEXT_MAX];

	for (size_t i = 0; i < group->networks.n; i++)
		fprintf(out, "%s%s", i > 0 ? ", " : "",
			network_format(&group->networks.items[i], text));
}

static int write_markdown(const struct border *border, FILE *out)
{
	fputs("# " EXPORT_TITLE "\n\n", out);
	export_put_head(border, &exporter_markdown, "-", out);
	fputs("\n## Networks\n\n| group | what it is | networks |\n|---|---|---|\n", out);
	for (size_t i = 0; i < border->n_groups; i++) {
		fprintf(out, "| %s | ", border->groups[i].name);
		export_put_group(&border->groups[i], out);
		fputs(" | ", out);
		put_networks(&border->groups[i], out);
		fputs(" |\n", out);
	}
	fputs("\n## Rules\n\n"
	      "| no. | action | rule | optional | from | to | protocol and ports | remark |\n"
	      "|---|---|---|---|---|---|---|---|\n",
	      out);
	for (size_t i = 0; i < border->n_flows; i++) {
		const struct border_flow *flow = &border->flows[i];

		fprintf(out, "| %zu | %s | %s | %s | %s | %s | ", i + 1,
			flow->pass ? "pass" : "drop", flow->name,
			flow->path && flow->path->row->optional ? "yes" : "no",
			flow->from ? flow->from->name : "anywhere",
			flow->to ? flow->to->name : "anywhere");
		export_put_ports(flow, out);
		fputs(" | ", out);
		border_put_text(out, flow->remark, EXPORT_REMARK_MAX * 2);
		fputs(" |\n", out);
	}
	return 0;
}

const struct exporter exporter_markdown = {
	.name = "markdown",
	.dialect = "Markdown with tables (GitHub, Pandoc)",
	.help = "For people.",
	.write = write_markdown,
};
