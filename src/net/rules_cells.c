/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/rules_cells.h"

#include "net/env.h"
#include "net/rules.h"

#define CELLS "\"" ENV_CELL_LINKS "*\""

static const struct {
	const char *name, *prefix;
} ends[] = {
	{"spoofed", "cell spoofed"},
	{"invalid", "cell invalid"},
	{"in-cell", "in cell"},
	{"out-cell", "out cell"},
	{"to-cell", "fwd to cell"},
	{"fwd-cell", "fwd cell to cell"},
	{"fwd-private", "fwd cell to private"},
	{"fwd-connections", "fwd cell connections"},
	{"fwd-cell-other", "fwd cell other"},
	{"fwd-other", "fwd other"},
};

static void put_every_end(const struct contract *contract, rules_end_put put, FILE *out)
{
	for (size_t i = 0; i < ARRAY_LEN(ends); i++)
		put(ends[i].name, ends[i].prefix, out);
	rules_put_named(contract, RULES_FORWARD, put, out);
}

static bool is_for_some(const struct contract_path *path)
{
	return rules_cell_may(path) && path->n_groups > 0;
}

/* "set cells-PATH": the links of cells that may use a path for some groups. */
static void put_cell_links(const struct contract *contract, const struct rules_cell *cells,
			   size_t n_cells, FILE *out)
{
	for (size_t i = 0; i < PATH_COUNT; i++) {
		const char *separator = "\n\t\telements = { ";

		if (!is_for_some(&contract->paths[i]))
			continue;
		fprintf(out, "\tset cells-%s {\n\t\ttype ifname", contract->paths[i].row->name);
		for (size_t k = 0; k < n_cells; k++) {
			if (!(cells[k].paths & UINT32_C(1) << i))
				continue;
			fprintf(out, "%s\"" ENV_CELL_LINKS "%u\"", separator, cells[k].slot);
			separator = ", ";
		}
		fprintf(out, "%s\n\t}\n", separator[0] == ',' ? " }" : "");
	}
}

void rules_cells_set(const struct contract *contract, const struct rules_cell *cell, FILE *out)
{
	for (size_t i = 0; i < PATH_COUNT; i++) {
		const char *name = contract->paths[i].row->name;

		if (!is_for_some(&contract->paths[i]))
			continue;
		/* Added first, so that there is one to delete whatever was before. */
		fprintf(out,
			"add element inet " RULES_CELLS_TABLE " cells-%s { \"" ENV_CELL_LINKS
			"%u\" }\n",
			name, cell->slot);
		if (!(cell->paths & UINT32_C(1) << i))
			fprintf(out,
				"delete element inet " RULES_CELLS_TABLE
				" cells-%s { \"" ENV_CELL_LINKS "%u\" }\n",
				name, cell->slot);
	}
}

static void put_masquerade(const struct contract *contract, FILE *out)
{
	char text[NETWORK_TEXT_MAX];

	fputs("\tchain postrouting {\n\t\ttype nat hook postrouting priority srcnat; policy "
	      "accept;\n",
	      out);
	for (size_t i = 0; i < contract->cells.n; i++)
		fprintf(out, "\t\toifname != " CELLS " %s saddr %s masquerade\n",
			contract->cells.items[i].family == AF_INET ? "ip" : "ip6",
			network_format(&contract->cells.items[i], text));
	fputs("\t}\n", out);
}

static void put_from_cell(const struct contract *contract, FILE *out)
{
	fputs("\tchain from-cell {\n"
	      "\t\tfib saddr . iif oif missing goto drop-spoofed\n"
	      "\t\toifname " CELLS " goto drop-fwd-cell\n"
	      "\t\tct state vmap { established : accept, related : accept, invalid : goto "
	      "drop-invalid }\n",
	      out);
	fprintf(out, "\t\tadd @connections { iif ct count over %u } goto drop-fwd-connections\n",
		contract->cell_connections);
	rules_put_cell_paths(contract, UINT32_MAX, true, "goto drop-fwd-private", out);
	rules_put_refusals(contract, RULES_FORWARD, out);
	fputs("\t\tgoto drop-fwd-cell-other\n\t}\n", out);
}

static void put_hooks(bool only_cells, FILE *out)
{
	fputs("\tchain forward {\n"
	      "\t\ttype filter hook forward priority filter; policy accept;\n"
	      "\t\tiifname " CELLS " goto from-cell\n"
	      "\t\toifname " CELLS " goto to-cell\n",
	      out);
	if (only_cells)
		fputs("\t\tgoto drop-fwd-other\n", out);
	fputs("\t}\n"
	      "\tchain input {\n"
	      "\t\ttype filter hook input priority filter; policy accept;\n"
	      "\t\tiifname " CELLS " goto cell-to-host\n"
	      "\t}\n"
	      "\tchain output {\n"
	      "\t\ttype filter hook output priority filter; policy accept;\n"
	      "\t\toifname " CELLS " goto host-to-cell\n"
	      "\t}\n",
	      out);
}

void rules_cells_host(const struct contract *contract, bool only_cells,
		      const struct rules_cell *cells, size_t n_cells, FILE *out)
{
	fputs("table inet " RULES_CELLS_TABLE " { }\n"
	      "delete table inet " RULES_CELLS_TABLE "\n"
	      "table inet " RULES_CELLS_TABLE " {\n",
	      out);
	put_every_end(contract, rules_put_end_counter, out);
	rules_put_cell_sets(contract, UINT32_MAX, out);
	put_cell_links(contract, cells, n_cells, out);
	fputs("\tset connections {\n\t\ttype iface_index\n\t\tsize 65535\n\t\tflags dynamic\n\t}\n",
	      out);
	put_every_end(contract, rules_put_end, out);
	put_from_cell(contract, out);
	fputs("\tchain to-cell {\n"
	      "\t\tct state { established, related } accept\n"
	      "\t\tgoto drop-to-cell\n"
	      "\t}\n"
	      "\tchain cell-to-host {\n"
	      "\t\ticmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept\n"
	      "\t\tgoto drop-in-cell\n"
	      "\t}\n"
	      "\tchain host-to-cell {\n"
	      "\t\ticmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept\n"
	      "\t\tct state { established, related } accept\n"
	      "\t\tgoto drop-out-cell\n"
	      "\t}\n",
	      out);
	put_hooks(only_cells, out);
	put_masquerade(contract, out);
	fputs("}\n", out);
}

/* The paths that one cell has: those for everybody and, of the others, those of its bits. */
static uint32_t paths_of(const struct contract *contract, uint32_t paths)
{
	uint32_t bits = 0;

	for (size_t i = 0; i < PATH_COUNT; i++) {
		if (contract->paths[i].n_groups == 0 || (paths & UINT32_C(1) << i))
			bits |= UINT32_C(1) << i;
	}
	return bits;
}

void rules_cells_inside(const struct contract *contract, uint32_t paths, FILE *out)
{
	/* At once, so that a page says "refused" instead of loading for minutes. */
	static const char refuse[] = "reject with icmpx admin-prohibited";
	uint32_t bits = paths_of(contract, paths);

	fputs("table inet " RULES_CELLS_TABLE " { }\n"
	      "delete table inet " RULES_CELLS_TABLE "\n"
	      "table inet " RULES_CELLS_TABLE " {\n"
	      "\tcounter drop-private { }\n"
	      "\tcounter drop-connections { }\n"
	      "\tcounter drop-other { }\n"
	      "\tcounter drop-in { }\n",
	      out);
	rules_put_cell_sets(contract, bits, out);
	fprintf(out,
		"\tchain drop-private {\n"
		"\t\tcounter name \"drop-private\" %s\n"
		"\t}\n"
		"\tchain output {\n"
		"\t\ttype filter hook output priority filter; policy drop;\n"
		"\t\toifname \"lo\" accept\n"
		"\t\tct state { established, related } accept\n"
		"\t\ticmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept\n"
		"\t\tct state new ct count over %u counter name \"drop-connections\" drop\n",
		refuse, contract->cell_connections);
	rules_put_cell_paths(contract, bits, false, "goto drop-private", out);
	fprintf(out,
		"\t\tcounter name \"drop-other\" %s\n"
		"\t}\n"
		"\tchain input {\n"
		"\t\ttype filter hook input priority filter; policy drop;\n"
		"\t\tiifname \"lo\" accept\n"
		"\t\tct state { established, related } accept\n"
		"\t\ticmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept\n"
		"\t\tcounter name \"drop-in\" drop\n"
		"\t}\n"
		"}\n",
		refuse);
}
